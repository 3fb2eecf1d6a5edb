"""The shell of the update machine: what it lets a wish do before the machine has taken it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from volant.app import live_updates
from volant.app.live_station import Station
from volant.app.live_updates import LiveUpdates
from volant.app.ota_socket import OtaWish
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_record import FileStore
from volant.app.updates_work import Work
from volant.core.messages import Gear, PowerState
from volant.core.updates import UpdateWish
from volant.ota.events import Check
from volant.ota.machine import UpdateTuning


class Hands:
    """Instead of the thread: keeps what is asked of it, and from which stick."""

    def __init__(self, work: Work) -> None:
        self.work, self.asked = work, list[tuple[object, Path | None]]()
        self.busy = self.clock_changed = False

    def ask(self, action: object) -> None:
        self.asked.append((action, self.work.usb))


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LiveUpdates, Hands, Work]:
    folder = UpdatesFolder(tmp_path, "g3-520")
    folder.path.mkdir(parents=True)
    work = Work(folder)
    hands = Hands(work)
    monkeypatch.setattr(live_updates, "WorkThread", lambda _: hands)
    bus = SimpleNamespace(subscribe=lambda *_: SimpleNamespace(latest=None, take=list))
    station = cast("Station", SimpleNamespace(bus=bus, now_ns=0))
    store = FileStore(folder.record)
    return LiveUpdates(station, folder, store, work, UpdateTuning()), hands, work


def test_a_stick_is_taken_only_with_a_wish_that_is_taken(
    live: tuple[LiveUpdates, Hands, Work],
) -> None:
    updates, hands, work = live
    answer: Any = updates._answer
    assert answer(OtaWish(wish=UpdateWish.CHECK, usb="/media/one")).taken
    assert hands.asked == [(Check(), Path("/media/one"))]
    reply = answer(OtaWish(wish=UpdateWish.CHECK, usb="/media/two"))
    assert (reply.taken, reply.words) == (False, "a check is under way")
    assert work.usb == Path("/media/one")
    reply = answer(OtaWish(wish=UpdateWish.NOW, offer="3f2a"))
    assert not reply.taken


def test_only_a_car_that_moves_tries_new_programs_out(
    live: tuple[LiveUpdates, Hands, Work],
) -> None:
    updates, _, _ = live
    inside: Any = updates
    inside._power.latest = SimpleNamespace(
        stamp_ns=0, state=PowerState.DRIVING, to=None, supply_v=13.0
    )
    for speed_mps, tries in ((0.0, False), (14.0, True)):
        inside._car.latest = SimpleNamespace(
            stamp_ns=0,
            valid=True,
            speed_mps=speed_mps,
            gear=Gear.DRIVE,
            charge_pct=60.0,
            odometer_m=0.0,
        )
        inside._see(0)
        assert inside._machine.health.driving is tries
