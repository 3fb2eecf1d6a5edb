"""Which deltas the fleet wants: from what cars run to what a release brings, those for the most cars first.

Making one takes seconds to minutes, so a process of its own does it, one at a time over all servers: whoever makes a
delta has it for a while, says again and again that it is at it, and when it dies another takes over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from volant.cloud.director import Deltas
from volant.cloud.inventory import CarRecord, Release
from volant.cloud.store.ports import DeltaJob, Work
from volant.trust.uptane.custom import DeltaInfo

ALGORITHM: Final = "volant-delta"
SHA256: Final = "sha256"
JOBS_MOST: Final = 256
"""Deltas to one release's images; cars with rarer programs get whole images."""
LEASE_S: Final = 60.0
"""Whoever is silent for so long is dead; a choice of ours."""
WORTH: Final = 0.9
"""A delta longer than this share of the image is of no use."""

Pair = tuple[str, str]
"""SHA-256 of base and target, in hex."""


def count(release: Release, cars: Iterable[CarRecord]) -> dict[Pair, int]:
    """How many cars run what a delta would start from; each car is looked at once, none is kept."""
    found: Counter[Pair] = Counter()
    for car in cars:
        pairs = set()
        for unit in car.inventory.ecus:
            image, runs = release.image_for(unit), car.installed.get(unit.ecu_id)
            if image is None or runs is None or image.is_run_by(runs):
                continue
            base, target = runs.hashes.get(SHA256), image.hashes.get(SHA256)
            if base and target and base != target:
                pairs.add((base, target))
        found.update(pairs)
    return dict(found.most_common(JOBS_MOST))


def order(work: Work, wanted: dict[Pair, int]) -> int:
    """Order what was not ordered yet; how many are new."""
    known = {(one.base, one.target): one for one in work.delta_jobs()}
    new = 0
    for (base, target), cars in wanted.items():
        job = known.get((base, target))
        if job is None:
            work.put_delta_job(DeltaJob(base=base, target=target, cars=cars))
            new += 1
        elif job.cars != cars:
            work.put_delta_job(replace(job, cars=cars))
    return new


def take(work: Work, now_s: float) -> DeltaJob | None:
    """The next one to be made, which is then ours; None: there is none, or somebody is at one."""
    jobs = work.delta_jobs()
    if any(one.state == "making" and _is_held(one, now_s) for one in jobs):
        return None
    job = next((one for one in jobs if one.state in {"waiting", "making"}), None)
    if job is None:
        return None
    mine = replace(job, state="making", share=0.0, until_s=now_s + LEASE_S)
    work.put_delta_job(mine)
    return mine


def _is_held(job: DeltaJob, now_s: float) -> bool:
    """A lease that ends later than any that begins now is of a clock that was ahead: its owner is not waited for."""
    return now_s < (job.until_s or 0.0) <= now_s + 2.0 * LEASE_S


def go_on(work: Work, job: DeltaJob, share: float, now_s: float) -> DeltaJob:
    """Say that it is still ours, and how far it is."""
    after = replace(job, share=min(1.0, max(0.0, share)), until_s=now_s + LEASE_S)
    work.put_delta_job(after)
    return after


def end(work: Work, job: DeltaJob, words: Mapping[str, object]) -> None:
    """It is `made`, `useless` or `failed`, and what is to be said of that; cars hear of it with their next manifest."""
    work.put_delta_job(replace(job, **({"share": 1.0, "until_s": None} | dict(words))))


def deltas_for(work: Work, release: Release) -> Deltas:
    """Those that lead to a release's images."""
    names = {image.hashes.get(SHA256, ""): image.name for image in release.images}
    found: dict[str, list[DeltaInfo]] = {}
    for job in work.delta_jobs():
        if job.state != "made" or job.target not in names:
            continue
        info = DeltaInfo(
            algorithm=ALGORITHM,
            name=job.name,
            length=job.length,
            hashes={SHA256: job.sha256},
            base={SHA256: job.base},
        )
        found.setdefault(names[job.target], []).append(info)
    return found
