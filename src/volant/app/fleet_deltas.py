"""`volant fleet deltas`: makes deltas in the background for the programs that cars really run, one at a time.

A process of its own at the lowest priority, so that nobody waits for it; `volant fleet serve` starts one. Killed, another
begins its delta again: a delta is made from two files alone, and is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from volant.app.exits import Exit
from volant.app.fleet_folder import PART, FleetFolder
from volant.app.fleet_open import Where, open_desk
from volant.app.say import answer_json, table, tell
from volant.cloud.campaigns import Phase
from volant.cloud.inventory import Release
from volant.cloud.limits import Seldom
from volant.cloud.store.ports import DeltaJob, Work
from volant.cloud.uptane.deltas import WORTH, Pair, count, end, go_on, order, take
from volant.core.errors import InputError, LinkError, RefusedError

LOOK_S: Final = 2.0
"""Between two looks for work."""
COUNT_S: Final = 600.0
"""Between two counts of what the cars of one campaign run: each reads every car once."""
SAY_S: Final = 2.0
"""Between two words of how far a delta is; well below its lease."""
IMAGE_MOST_BYTES: Final = 900 << 20
"""Both images and the index lie in memory."""
SOON: Final = frozenset({Phase.SUBMITTED, Phase.APPROVED, Phase.RUNNING, Phase.PAUSED})
"""Campaigns whose cars will want a delta."""
NICE: Final = 19
AGAIN_S: Final = 5.0
"""After so long a process that died is followed by another; choices of ours."""

_log = logging.getLogger(__name__)


def deltas_command(where: Where, *, as_json: bool) -> Exit:
    """Show all deltas."""
    with open_desk(where) as (desk, person):
        found = desk.deltas(person)
    if as_json:
        answer_json(found)
        return Exit.DONE
    rows = [
        (one.base[:12], one.target[:12], str(one.cars), one.state, f"{100 * one.share:.0f} %",
         str(one.length or ""), one.reason)
        for one in found
    ]  # fmt: skip
    table("", ("from", "to", "cars", "state", "done", "bytes", ""), rows)
    return Exit.DONE


def make_command(folder: Path, *, once: bool, parent: int | None = None) -> Exit:
    """Make deltas until a signal comes or the server that started us is gone; `once`: until there are none to make."""
    with contextlib.suppress(OSError):
        os.nice(NICE)
    with FleetFolder(folder) as home, contextlib.suppress(KeyboardInterrupt):
        maker, seldom = DeltaMaker(home), Seldom()
        while parent is None or os.getppid() == parent:
            try:
                busy = maker.turn()
            except LinkError as error:
                if seldom.lets("away", time.monotonic()):
                    _log.warning("deltas_wait error=%s", error)
                busy = False
            if once and not busy:
                break
            if not busy:
                time.sleep(LOOK_S)
    return Exit.DONE


@contextlib.contextmanager
def deltas_made(folder: Path) -> Iterator[None]:
    """Have a process that makes deltas, as long as the server runs; one that dies is followed by another."""
    words = ("fleet", "deltas", str(folder), "--parent", str(os.getpid()))
    ended = threading.Event()
    keeping = threading.Thread(
        target=_keep, args=([sys.executable, "-m", "volant", *words], ended), name="fleet-deltas"
    )
    keeping.start()
    try:
        yield
    finally:
        ended.set()
        keeping.join()


def _keep(command: Sequence[str], ended: threading.Event) -> None:
    """Start a process again and again, until it is enough."""
    while not ended.is_set():
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while process.poll() is None and not ended.wait(0.5):
            pass
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        elif not ended.is_set():
            _log.warning("deltas_ended status=%d: another begins soon", process.returncode)
            ended.wait(AGAIN_S)


@dataclass
class DeltaMaker:
    """Looks for work, and does it."""

    home: FleetFolder
    clock_s: Callable[[], float] = time.time
    _counted: dict[str, float] = field(default_factory=dict)
    """When the cars for a release were counted, by a clock that only goes forward."""

    def turn(self) -> bool:
        """Order what is wanted, and make one delta; false: there was nothing to do.

        Raises:
            LinkError: the database or the files are away.
        """
        self._order()
        with self.home.store.work() as work:
            job = take(work, self.clock_s())
        if job is None:
            return False
        self._make(job)
        return True

    def _order(self) -> None:
        wanted: dict[Pair, int] = {}
        with self.home.store.read() as work:
            for release in self._due(work):
                wanted.update(count(release, work.records()))
        there = {
            pair: cars
            for pair, cars in wanted.items()
            if all(self.home.artifacts.size(one) is not None for one in pair)
        }
        if there:
            with self.home.store.work() as work:
                order(work, there)

    def _due(self, work: Work) -> Iterator[Release]:
        """Releases of which it is time to see what their cars run."""
        now_s = time.monotonic()
        for name in sorted({one.plan.release for one in work.campaigns() if one.phase in SOON}):
            stored = work.release(name)
            due = now_s - self._counted.get(name, -COUNT_S) >= COUNT_S
            if due and stored is not None and stored.images:
                self._counted[name] = now_s
                yield Release(name=name, images=stored.images)

    def _make(self, job: DeltaJob) -> None:
        try:
            words = self._made(job)
        except (ValueError, RefusedError, InputError, MemoryError) as error:
            words = {"state": "failed", "reason": str(error)[:200] or type(error).__name__}
        with self.home.store.work() as work:
            end(work, job, words)
        tell(f"delta {job.base[:12]} -> {job.target[:12]}: {words['state']}")

    def _made(self, job: DeltaJob) -> dict[str, object]:
        """What came of it."""
        from volant.trust.delta.make import make_delta

        base, target = self._read(job.base), self._read(job.target)
        said_s = time.monotonic()

        def told(done: int, of: int) -> None:
            nonlocal said_s
            if time.monotonic() - said_s < SAY_S:
                return
            said_s = time.monotonic()
            with contextlib.suppress(LinkError), self.home.store.work() as work:
                go_on(work, job, done / max(1, of), self.clock_s())

        delta = make_delta(base, target, tell=told)
        if len(delta) > WORTH * len(target):
            return {"state": "useless", "reason": f"{len(delta)} of {len(target)} bytes"}
        digest = hashlib.sha256(delta).hexdigest()
        try:
            with tempfile.NamedTemporaryFile(dir=self.home.path, suffix=PART) as file:
                file.write(delta)
                file.flush()
                self.home.artifacts.put(digest, Path(file.name))
        except OSError as error:
            raise LinkError(f"{self.home.path}: {error.strerror or error}") from error
        with self.home.store.read() as work:
            name = f"{_name(work, job.target)}.from-{job.base[:12]}.delta"
        return {"state": "made", "name": name[-128:], "length": len(delta), "sha256": digest}

    def _read(self, digest: str) -> bytes:
        size = self.home.artifacts.size(digest)
        if size is None or size > IMAGE_MOST_BYTES:
            raise RefusedError(f"no image {digest[:12]} here of at most {IMAGE_MOST_BYTES} bytes")
        return b"".join(self.home.artifacts.blocks(digest))


def _name(work: Work, digest: str) -> str:
    """Of a published image; empty: of none that is known any more."""
    images = (image for release in work.releases() for image in release.images)
    return next((one.name for one in images if one.hashes.get("sha256") == digest), "image")
