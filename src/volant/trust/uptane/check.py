"""The checks of a car, step by step: in full over two repositories, in part, and of one plain TUF repository.

Each is a generator of `session.py`. The order of its requests is that of Uptane 2.1, 5.4.4.1 and 5.4.4.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tuf.api.metadata import TargetFile, Targets

from volant.trust.uptane.custom import DeltaInfo
from volant.trust.uptane.delegations import Search, load_targets, versioned
from volant.trust.uptane.download import Fetch, ImageCheck
from volant.trust.uptane.limits import Limits
from volant.trust.uptane.match import DIRECTOR, IMAGE, Assignment, Checker, check_match
from volant.trust.uptane.metadata import ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from volant.trust.uptane.session import Source, Steps, required
from volant.trust.uptane.trusted import (
    HISTORY,
    ListCheck,
    TargetsCheck,
    TrustedRepository,
    file_of,
)
from volant.trust.uptane.verdict import Attack, RejectedError


@dataclass(frozen=True, slots=True)
class Plan:
    """What a check found: images that may be fetched and installed."""

    assignments: tuple[Assignment, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing new."""
        return not self.assignments


def check_full(
    checker: Checker,
    director: TrustedRepository,
    image: TrustedRepository,
    now_s: float,
    limits: Limits,
) -> Steps[Plan]:
    """Full verification (5.4.4.2). The image repository is asked only where the director has something new.

    Raises:
        RejectedError: with the attack class.
    """
    yield from refresh(director, now_s, limits, checker)
    found = director.targets[TARGETS].signed
    # What stood there before may have become wrong since: another unit, a higher counter.
    checker.check_director(found)
    pending = _wanted(checker, found, limits)
    if not pending:
        return Plan(())
    yield from refresh(image, now_s, limits)
    known: dict[tuple[str, str], TargetFile | None] = {}
    for one in checker.mine(found):
        key = (one.name, one.hardware_id)
        if key not in known:
            search = Search(image, one.name, one.hardware_id, now_s, limits)
            known[key] = yield from search.run()
        check_match(one, known[key])
    return Plan(pending)


def check_partial(
    checker: Checker, director: TrustedRepository, now_s: float, limits: Limits
) -> Steps[Plan]:
    """Partial verification (5.4.4.1): the director's root, where there is a newer one, and its targets.

    Raises:
        RejectedError: with the attack class.
    """
    yield from refresh_root(director, now_s, limits)
    ask = Fetch(director.name, TARGETS, file_of(TARGETS), limits.targets_bytes)
    data = yield from required(ask)
    director.update_targets(data, now_s, check=checker.check_director, alone=True)
    return Plan(_wanted(checker, director.targets[TARGETS].signed, limits))


def find_target(
    repository: TrustedRepository, name: str, now_s: float, limits: Limits
) -> Steps[TargetFile | None]:
    """What a plain TUF client does: refresh, and look for one target through the delegations.

    Raises:
        RejectedError: with the attack class.
    """
    yield from refresh(repository, now_s, limits)
    return (yield from Search(repository, name, None, now_s, limits).run())


def fetch_image(one: Assignment) -> Steps[bytes]:
    """An image that fits into memory, checked; a shell that stores it feeds an `ImageCheck` of its own.

    Raises:
        RejectedError: it is not the one that is signed.
    """
    check = ImageCheck(one.name, one.length, one.hashes)
    data = yield from required(image_fetch(one))
    check.feed(data)
    check.end()
    return data


def image_fetch(one: Assignment) -> Fetch:
    """What to ask the image repository for an image."""
    return _by_hash(one.name, one.hashes, one.length)


def delta_fetch(delta: DeltaInfo) -> Fetch:
    """What to ask the image repository for a delta; the image that comes of it has its own signed hashes."""
    return _by_hash(delta.name, delta.hashes, delta.length)


def _by_hash(path: str, hashes: Mapping[str, str], length: int) -> Fetch:
    """HASH.name, by the first hash that is listed (Uptane 2.1, 5.2.7)."""
    folder, slash, name = path.rpartition("/")
    prefixed = f"{folder}{slash}{hashes[min(hashes)]}.{name}"
    return Fetch(IMAGE, "image", prefixed, length, exact=True)


def refresh(
    repository: TrustedRepository,
    now_s: float,
    limits: Limits,
    checker: Checker | None = None,
) -> Steps[None]:
    """Root, timestamp, snapshot and top-level targets, each fetched only where a newer one is named.

    With a checker it is a director, and all three are believed or none: only the targets are sure to name the car, and
    versions of another car's timestamp would bar the way for those of its own.

    Raises:
        RejectedError: with the attack class.
    """
    yield from refresh_root(repository, now_s, limits)
    if checker is None:
        yield from _refresh_online(repository, now_s, limits)
        return
    draft = repository.draft()
    yield from _refresh_online(draft, now_s, limits, checker.check_list, checker.check_director)
    repository.believe(draft)


def _refresh_online(
    repository: TrustedRepository,
    now_s: float,
    limits: Limits,
    check_list: ListCheck | None = None,
    check: TargetsCheck | None = None,
) -> Steps[None]:
    ask = Fetch(repository.name, TIMESTAMP, file_of(TIMESTAMP), limits.timestamp_bytes)
    repository.update_timestamp((yield from required(ask)), now_s, check_list)
    yield from _refresh_snapshot(repository, now_s, limits, check_list)
    root = repository.root.signed
    yield from load_targets(repository, TARGETS, root, now_s, limits, check)


def refresh_root(repository: TrustedRepository, now_s: float, limits: Limits) -> Steps[None]:
    """The newest root, one by one (5.4.4.3); after the bound of one cycle the next goes on.

    Raises:
        RejectedError: with the attack class.
    """
    for _ in range(limits.root_rotations):
        wanted = repository.root.signed.version + 1
        data = yield Fetch(
            repository.name, ROOT, f"{wanted}.{file_of(ROOT)}", limits.root_bytes, optional=True
        )
        if data is None:
            break
        repository.update_root(data)
    repository.check_root_fresh(now_s)


def _refresh_snapshot(
    repository: TrustedRepository, now_s: float, limits: Limits, check: ListCheck | None
) -> Steps[None]:
    if repository.snapshot_stands(now_s):
        return
    assert repository.timestamp is not None, "the timestamp comes first"
    meta = repository.timestamp.signed.snapshot_meta
    most_bytes = min(meta.length or limits.snapshot_bytes, limits.snapshot_bytes)
    name = versioned(repository, SNAPSHOT, meta.version)
    ask = Fetch(repository.name, SNAPSHOT, name, most_bytes)
    data = yield from required(ask)
    repository.update_snapshot(data, now_s, check)


def _wanted(checker: Checker, targets: Targets, limits: Limits) -> tuple[Assignment, ...]:
    """What is new, if there is room for it."""
    pending = checker.pending(targets)
    for one in pending:
        if one.length > limits.image_bytes:
            raise RejectedError(
                Attack.ENDLESS,
                f"{one.name}: {one.length} bytes, there is room for {limits.image_bytes}",
                repository=DIRECTOR,
                role=TARGETS,
            )
    return pending


def hand_on(*repositories: TrustedRepository) -> Source:
    """What a primary gives its secondaries: the metadata that it believes itself, under the names they ask for.

    For a primary whose own check came to a plan: only then do both repositories say the same.
    """
    found: dict[tuple[str, str], bytes] = {}
    for one in repositories:
        for key, data in one.files.items():
            if key.startswith(HISTORY):
                found[one.name, key.removeprefix(HISTORY)] = data
        if one.timestamp is not None:
            found[one.name, file_of(TIMESTAMP)] = one.timestamp.data
        if one.snapshot is not None:
            version = one.snapshot.signed.version
            found[one.name, versioned(one, SNAPSHOT, version)] = one.snapshot.data
        for role, targets in one.targets.items():
            found[one.name, versioned(one, role, targets.signed.version)] = targets.data
        if TARGETS in one.targets:
            found[one.name, file_of(TARGETS)] = one.targets[TARGETS].data
    return lambda fetch: found.get((fetch.repository, fetch.name))
