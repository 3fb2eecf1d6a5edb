"""Which garage job is due, by example and for any times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros import garage
from volant.caros.garage import GarageMemory, JobMemory, choose
from volant.caros.supervise import JobRow
from volant.core.errors import InputError

HOUR_S = 3600.0
NOW_S = 1e9
CLIPS = JobRow(name="clips", program="a:b", every_h=24.0)
SUMMARY = JobRow(name="summary", program="a:b", every_h=2.0, supply_v=12.0)
ROWS = (CLIPS, SUMMARY)


def test_jobs_come_one_after_another_and_again_after_their_time() -> None:
    memory = GarageMemory()
    assert choose(ROWS, memory, NOW_S, 12.6) is CLIPS
    memory = garage.done(garage.begun(memory, "clips", NOW_S), "clips", NOW_S + 5, "done")
    assert choose(ROWS, memory, NOW_S + 5, 12.6) is SUMMARY
    memory = garage.done(garage.begun(memory, "summary", NOW_S + 5), "summary", NOW_S + 6, "done")
    assert choose(ROWS, memory, NOW_S + HOUR_S, 12.6) is None
    assert choose(ROWS, memory, NOW_S + 3 * HOUR_S, 12.6) is SUMMARY
    assert choose(ROWS, memory, NOW_S + 25 * HOUR_S, 12.6) is CLIPS


def test_an_interrupted_job_waits_behind_others_and_is_not_forgotten() -> None:
    memory = garage.interrupted(garage.begun(GarageMemory(), "clips", NOW_S), "clips")
    assert memory.running == ""
    assert choose(ROWS, memory, NOW_S + 1, 12.6) is SUMMARY
    memory = garage.done(garage.begun(memory, "summary", NOW_S + 1), "summary", NOW_S + 2, "done")
    assert choose(ROWS, memory, NOW_S + 2, 12.6) is CLIPS


def test_a_job_that_took_its_process_with_it_has_failed_and_waits_an_hour() -> None:
    memory = garage.found(garage.begun(GarageMemory(), "clips", NOW_S), NOW_S + 40)
    assert memory.of("clips").words == "hung or died"
    rows = (CLIPS,)
    assert choose(rows, memory, NOW_S + 100, 12.6) is None
    assert choose(rows, memory, NOW_S + 40 + HOUR_S, 12.6) is CLIPS
    assert garage.found(memory, NOW_S) is memory


def test_a_low_battery_lets_only_those_begin_that_bear_it() -> None:
    assert choose(ROWS, GarageMemory(), NOW_S, 12.1) is SUMMARY
    assert choose(ROWS, GarageMemory(), NOW_S, 11.9) is None


def test_a_clock_that_jumped_back_makes_a_job_due() -> None:
    memory = garage.done(GarageMemory(), "clips", NOW_S, "done")
    assert choose((CLIPS,), memory, NOW_S - 1e6, 12.6) is CLIPS


def test_a_memory_that_is_none_is_refused() -> None:
    for wrong in (b"", b"[]", b'{"jobs": 1}', b"[" * 5000, b" " * 70_000):
        with pytest.raises(InputError):
            garage.memory_from_bytes(wrong)


times = st.floats(0.0, 4e9)
words = st.text(max_size=20)
known = st.builds(JobMemory, done_s=times, failed_s=times, tried_s=times, words=words)


@given(st.dictionaries(st.sampled_from(["clips", "summary", "x"]), known), words)
def test_a_memory_survives_its_file(jobs: dict[str, JobMemory], running: str) -> None:
    memory = GarageMemory(jobs, running)
    assert garage.memory_from_bytes(memory.to_bytes()) == memory


@given(st.dictionaries(st.sampled_from(["clips", "summary"]), known), times, st.floats(0.0, 16.0))
def test_what_is_done_is_never_due_at_once(
    jobs: dict[str, JobMemory], now_s: float, supply_v: float
) -> None:
    memory = GarageMemory(jobs)
    for _ in range(3):
        row = choose(ROWS, memory, now_s, supply_v)
        if row is None:
            return
        memory = garage.done(garage.begun(memory, row.name, now_s), row.name, now_s, "done")
    pytest.fail("a job comes again and again")
