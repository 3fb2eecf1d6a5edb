"""The garage's shell and the jobs that the car comes with."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.drive_messages import HEADER
from volant.app.garage_jobs import OWNER, Shift, check_clips, day_summary
from volant.app.live_garage import Garage
from volant.caros import garage
from volant.caros.flash import FlashSettings
from volant.caros.ledger import FlashLedger
from volant.caros.supervise import JobRow
from volant.core import topics
from volant.core.errors import RefusedError
from volant.core.messages import CarPower, Contact, ObjectClass, PowerState
from volant.wire.journal import JournalWriter

PARKED = CarPower(stamp_ns=0, state=PowerState.PARKED, supply_v=12.6)
NOW_S = 1e9


def row(name: str, **changes: Any) -> JobRow:
    return JobRow(name=name, program="a:b", **changes)


class Work:
    """Jobs that count their pieces."""

    def __init__(self, pieces: int = 3) -> None:
        self.pieces, self.closed = pieces, 0
        self.done: list[str] = []

    def begin(self, job: JobRow) -> Iterator[str]:
        if job.name == "bad":
            raise ValueError("no such thing")
        try:
            for _ in range(self.pieces):
                self.done.append(job.name)
                yield job.name
        finally:
            self.closed += 1


def outcome(path: Path, name: str) -> str:
    return garage.memory_from_bytes(path.read_bytes()).of(name).words


def test_jobs_run_one_after_another_and_one_that_fails_costs_no_other(tmp_path: Path) -> None:
    path, work = tmp_path / "garage.json", Work()
    jobs = Garage((row("bad"), row("one"), row("two")), path, work.begin)
    turns = sum(jobs.turn(NOW_S, PARKED) for _ in range(30))
    assert work.done == ["one"] * 3 + ["two"] * 3
    assert turns == 12
    assert outcome(path, "bad") == "ValueError: no such thing"
    assert outcome(path, "two") == "done, 3 pieces"
    assert jobs.busy == ""


def test_a_job_ends_at_once_when_the_car_is_to_drive_and_goes_on_later(tmp_path: Path) -> None:
    path, work = tmp_path / "garage.json", Work()
    jobs = Garage((row("one"),), path, work.begin)
    for _ in range(2):
        jobs.turn(NOW_S, PARKED)
    assert jobs.busy == "one"
    leaving = CarPower(stamp_ns=0, state=PowerState.PARKED, to=PowerState.READY, supply_v=12.6)
    jobs.turn(NOW_S, leaving)
    assert (jobs.busy, work.closed, outcome(path, "one")) == ("", 1, "interrupted")
    assert not jobs.turn(NOW_S, leaving)
    again = Garage((row("one"),), path, work.begin)
    while again.turn(NOW_S, PARKED):
        pass
    assert outcome(path, "one") == "done, 3 pieces"


def test_no_job_runs_on_a_low_battery_or_in_a_car_that_says_nothing(tmp_path: Path) -> None:
    work = Work()
    jobs = Garage((row("one"),), tmp_path / "garage.json", work.begin)
    low = CarPower(stamp_ns=0, state=PowerState.PARKED, supply_v=12.6, supply_low=True)
    assert not jobs.turn(NOW_S, low)
    assert not jobs.turn(NOW_S, None)
    assert work.done == []


def test_a_job_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    path, work = tmp_path / "garage.json", Work(1000)
    jobs = Garage((row("one", takes_s=5.0),), path, work.begin)
    for at in range(10):
        jobs.turn(NOW_S + at, PARKED)
    assert outcome(path, "one") == "took more than 5 s"
    assert work.closed == 1


def test_a_job_that_took_the_garage_with_it_is_known_afterwards(tmp_path: Path) -> None:
    path, work = tmp_path / "garage.json", Work()
    Garage((row("one"),), path, work.begin).turn(time.time(), PARKED)
    assert not Garage((row("one"),), path, work.begin).turn(time.time(), PARKED)
    assert outcome(path, "one") == "hung or died"


def clip(folder: Path, name: str) -> Path:
    path = folder / name
    writer = JournalWriter(path, HEADER)
    contact = Contact(
        stamp_ns=5,
        actor_id=1,
        object_class=ObjectClass.CAR,
        closing_mps=1.0,
        struck_from_behind=False,
    )
    writer.write(topics.WORLD_CONTACT, 5, contact)
    writer.close({})
    return path


def test_clips_are_checked_once_and_told_in_the_summary_of_the_day(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    clip(clips, "clip-20260101-000000-aeb.mcap")
    cut = clip(clips, "clip-20260101-000001-aeb.mcap")
    whole = cut.read_bytes()
    cut.write_bytes(whole[: len(whole) // 30])
    (clips / "clip-20260101-000002-aeb.mcap").write_bytes(b"nothing of ours")
    (clips / "clip-20260101-000003-aeb.mcap.part").write_bytes(b"cut")
    shift = Shift(tmp_path, None, PARKED)
    first = check_clips(shift)
    assert next(first) == "clip-20260101-000000-aeb.mcap"
    first.close()  # type: ignore[attr-defined]
    assert len(list(check_clips(shift))) == 2  # the one that was done is not done again
    assert list(check_clips(shift)) == []
    list(day_summary(shift))
    (path,) = (tmp_path / "summaries").glob("*.json")
    told = json.loads(path.read_bytes())
    assert (told["clips_kept"], len(told["clips"])) == (3, 3)
    assert told["unsound"] == ["clip-20260101-000001-aeb.mcap", "clip-20260101-000002-aeb.mcap"]
    assert told["unfinished"] == ["clip-20260101-000003-aeb.mcap.part"]
    assert told["supply_v"] == 12.6
    cut.unlink()
    assert list(check_clips(shift)) == []
    assert cut.name not in json.loads((clips / "checked.json").read_bytes())


def test_where_no_clips_are_kept_there_is_nothing_to_do(tmp_path: Path) -> None:
    for journal in (None, tmp_path / "whole.mcap"):
        shift = Shift(journal, None, None)
        assert list(check_clips(shift)) == []
        assert list(day_summary(shift)) == []
    assert list(check_clips(Shift(tmp_path / "none", None, None))) == []


def test_a_job_asks_the_budget_of_flash_before_it_writes(tmp_path: Path) -> None:
    ledger = FlashLedger(tmp_path, FlashSettings())
    assert len(list(day_summary(Shift(tmp_path, None, PARKED, ledger)))) == 1
    (summary,) = (tmp_path / "summaries").iterdir()
    assert ledger.state().of(ledger.today()).owners[OWNER] > summary.stat().st_size
    summary.unlink()
    used_up = FlashLedger(tmp_path, FlashSettings(day_most_bytes=1000))
    with pytest.raises(RefusedError, match="flash are used up"):
        list(day_summary(Shift(tmp_path, None, PARKED, used_up)))
    assert list((tmp_path / "summaries").iterdir()) == []
