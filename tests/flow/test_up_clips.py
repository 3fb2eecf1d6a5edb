"""`volant up` writes down what happens: an event is safe at once, also from the death of the recorder."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from scripts import kill_table
from volant.caros.clip_store import ClipStore
from volant.caros.flash import FlashSettings
from volant.caros.ledger import COUNTS, FlashLedger
from volant.caros.trip_log import read_trips
from volant.core.errors import InputError
from volant.core.messages import CommandSource, GuardDecision
from volant.wire.journal import Record, read_journal

TRIP = ("--distance", "12000", "--cars", "20")
LONG_S = 60.0


def left_in(path: Path) -> list[Record]:
    try:
        return list(read_journal(path))
    except (InputError, OSError):  # its first bytes are being written, or it has just got its name
        return []


def stops(records: list[Record]) -> bool:
    return any(
        isinstance(one.message, GuardDecision) and one.message.source is CommandSource.MINIMAL_RISK
        for one in records
    )


@pytest.mark.slow
def test_an_event_outlives_the_recorder_and_the_trip_is_summed_up(tmp_path: Path) -> None:
    store = ClipStore(tmp_path / "clips")
    with kill_table.live_car([*TRIP, "--state", str(tmp_path)]) as car:
        car.wait(4.0)
        before = {one.name for one in store.clips()}  # a busy machine may have had its own events
        os.kill(car.pids()["pilot"], signal.SIGKILL)
        waited_s = 0.0
        found: list[Record] = []
        while waited_s < LONG_S and not found:
            car.wait(0.1)
            waited_s += 0.1
            found = next(
                (
                    rows
                    for one in store.clips()
                    if one.name not in before and stops(rows := left_in(one.path))
                ),
                [],
            )
        if found:  # what was before the event is there as well
            assert found[-1].stamp_ns - found[0].stamp_ns > 1e9
        os.kill(car.pids()["recorder"], signal.SIGKILL)
        car.wait(4.0)
        ended = car.end()
    clips = store.clips()
    assert any(stops(left_in(one.path)) for one in clips)
    assert (tmp_path / COUNTS).is_file()
    counts = FlashLedger(tmp_path, FlashSettings()).state()
    assert ended["flash"]["written_bytes"] == counts.days[-1].written > 0
    assert ended["flash"]["day_most_bytes"] == 250_000_000
    assert [one.reason for one in read_trips(tmp_path)] in ([], ["the live car was stopped"])
