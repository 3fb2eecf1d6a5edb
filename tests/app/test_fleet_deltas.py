"""Deltas that are made in the background for what cars run, and named to them."""

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.cloud.live import until
from volant.app import fleet_deltas
from volant.app.fleet_deltas import DeltaMaker
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_keys import FleetKeys
from volant.app.fleet_uptane import uptane_command
from volant.cloud.campaigns import Answer, Plan
from volant.cloud.desk import Desk
from volant.cloud.director import targets_for
from volant.cloud.inventory import CarRecord, Release
from volant.cloud.uptane.deltas import LEASE_S, deltas_for, take
from volant.cloud.views import ActBody, FileBody, ReleaseBody
from volant.core.errors import LinkError
from volant.trust.delta import apply_delta
from volant.trust.uptane import EcuEntry, Installed, Inventory

ANN, BOB = Desk.local("ann"), Desk.local("bob")
PLAN = {
    "campaign_id": "spring", "title": "Spring", "release": "two", "concurrency": 5,
    "waves": [{"name": "all", "errors_stop": 1}],
}  # fmt: skip


class Yard:
    """A fleet with two releases of one image, a car that runs the first, and a campaign for the second."""

    def __init__(self, path: Path) -> None:
        uptane_command(path / "fleet", (), "ann", as_json=True)
        self.home = FleetFolder(path / "fleet")
        keys = FleetKeys(path / "fleet")
        self.desk = Desk(self.home.fleet, self.home.artifacts, time.time, None, keys)
        noise = np.random.Generator(np.random.PCG64(1)).bytes(60_000)
        self.old, self.new = noise, noise[:30_000] + b"changed" + noise[30_000:]
        for name, data in (("one", self.old), ("two", self.new)):
            file = path / f"brake-{name}.bin"
            file.write_bytes(data)
            taken = self.desk.take_file(ANN, file.name, file)
            body = FileBody(name=taken.name, sha256=taken.sha256, hardware="BR")
            self.desk.publish(ANN, name, ReleaseBody(files=(body,)))
        with self.home.store.work() as work:
            self.release = Release(name="two", images=self.images(work, "two"))
            (before,) = self.images(work, "one")
            runs = Installed(
                ecu_id="b", name=before.name, length=before.length, hashes=before.hashes
            )
            unit = EcuEntry(ecu_id="b", hardware_id="BR", key="0" * 64, primary=True)
            inventory = Inventory(vehicle_id="CAR1", ecus=(unit,))
            self.car = CarRecord(
                car_id="CAR1", inventory=inventory, installed={"b": runs}, heard_s=1.0
            )
            work.put_record(self.car)
        self.desk.draft(ANN, msgspec.convert(PLAN, Plan))

    @staticmethod
    def images(work: Any, name: str) -> Any:
        return work.release(name).images

    def begin(self) -> None:
        for person, verb in ((ANN, "submit"), (BOB, "approve"), (ANN, "start")):
            digest = self.desk.campaign(ANN, "spring").digest if verb == "approve" else ""
            self.desk.act(person, "spring", verb, ActBody(digest=digest))


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    found = Yard(tmp_path)
    yield found
    found.home.store.close()


def test_what_cars_run_gets_a_delta_and_the_director_names_it(yard: Yard) -> None:
    maker = DeltaMaker(yard.home)
    assert not maker.turn(), "nobody wants one before a campaign is submitted"
    yard.begin()
    assert DeltaMaker(yard.home).turn()
    (view,) = yard.desk.deltas(ANN)
    assert (view.state, view.cars) == ("made", 1)
    assert view.length < len(yard.new) / 10
    with yard.home.store.read() as work:
        deltas = deltas_for(work, yard.release)
        (job,) = work.delta_jobs()
    (target,) = targets_for(Answer.UPDATE, yard.release, yard.car, deltas)
    (named,) = target.custom["deltas"]
    assert named["hashes"] == {"sha256": job.sha256}
    made = b"".join(yard.home.artifacts.blocks(job.sha256))
    assert apply_delta(yard.old, made) == yard.new
    assert not DeltaMaker(yard.home).turn(), "it is made once"


def test_one_at_a_time_and_whoever_dies_is_followed(yard: Yard) -> None:
    yard.begin()
    maker = DeltaMaker(yard.home)
    maker._order()
    with yard.home.store.work() as work:
        assert take(work, 100.0) is not None
        assert take(work, 100.0 + LEASE_S / 2) is None, "somebody is at it"
        assert take(work, 101.0 + LEASE_S) is not None, "he is dead"
    with yard.home.store.work() as work:
        assert take(work, 1e9) is not None, "a clock that is years ahead"
        assert take(work, 990.0) is not None, "holds nothing for years"
    maker.clock_s = lambda: 1100.0
    assert maker.turn()
    assert yard.desk.deltas(ANN)[0].state == "made"


def test_a_maker_that_is_killed_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_deltas, "AGAIN_S", 0.01)
    said, ended = tmp_path / "said", threading.Event()
    code = f"import os, time; open({str(said)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(60)"
    keeping = threading.Thread(
        target=fleet_deltas._keep, args=([sys.executable, "-c", code], ended)
    )
    keeping.start()

    def pids() -> list[int]:
        return [int(one) for one in said.read_text().split()] if said.exists() else []

    try:
        for count in (1, 2):
            until(lambda count=count: len(pids()) == count)
            os.kill(pids()[-1], signal.SIGKILL)
        until(lambda: len(pids()) == 3)
    finally:
        ended.set()
        keeping.join()
    assert not Path(f"/proc/{pids()[-1]}").exists(), "and the last one ends with the server"


def test_a_disk_without_room_for_a_delta_is_waited_for(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.begin()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tempfile.NamedTemporaryFile", full)
        with pytest.raises(LinkError, match="No space left"):
            DeltaMaker(yard.home).turn()
    assert DeltaMaker(yard.home, lambda: time.time() + LEASE_S + 1.0).turn()
    assert yard.desk.deltas(ANN)[0].state == "made"


def test_what_a_kill_left_half_written_is_swept(yard: Yard) -> None:
    old, new = yard.home.path / "artifacts" / "a.part", yard.home.path / "b.part"
    now_s = time.time()
    for one, age_s in ((old, 2 * 86_400.0), (new, 60.0)):
        one.write_bytes(b"half")
        os.utime(one, (now_s - age_s, now_s - age_s))
    kept = {one.name for one in (yard.home.path / "artifacts").iterdir()} - {old.name}
    assert yard.home.sweep(now_s) == 1
    assert (old.exists(), new.exists()) == (False, True)
    assert {one.name for one in (yard.home.path / "artifacts").iterdir()} == kept


def test_a_file_that_is_gone_is_a_reason_and_no_end(yard: Yard) -> None:
    yard.begin()
    maker = DeltaMaker(yard.home)
    maker._order()
    path = yard.home.artifacts.path(yard.car.installed["b"].hashes["sha256"])
    assert path is not None
    path.unlink()
    assert maker.turn()
    (view,) = yard.desk.deltas(ANN)
    assert view.state == "failed"
    assert "no image" in view.reason
