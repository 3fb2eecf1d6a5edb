"""The drive recorder's choice of seconds, without a car."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.apps.test_trip import load

clips = load("drive-recorder", "clips")
ACCEL = "Vehicle.Acceleration.Longitudinal"
STATE = "Vehicle.ADAS.Pilot.State"


def drive(*changes: tuple[float, str, Any], until_s: float = 100.0) -> list[tuple[Any, ...]]:
    """Ten changes of speed a second with some others between; the clips that come of it."""
    recorder, found = clips.Recorder(), []
    rows = [(n / 10.0, "Vehicle.Speed", 50.0 + n % 7) for n in range(int(until_s * 10))]
    for at_s, path, value in sorted([*rows, *changes], key=lambda row: row[0]):
        done = recorder.take(at_s, path, value)
        if done:
            found.append(done)
    done = recorder.end()
    return [*found, done] if done else found


def test_hard_braking_keeps_the_seconds_before_and_after() -> None:
    ((event, began_s, rows),) = drive((50.0, ACCEL, -6.0), (52.0, ACCEL, 0.0))
    assert (event, began_s) == ("braking", 50.0)
    assert rows[0][0] >= 35.0
    assert rows[0][0] < 35.5
    assert 54.5 < rows[-1][0] <= 55.0


def test_a_calm_drive_keeps_nothing() -> None:
    assert drive((50.0, ACCEL, -2.0), (60.0, STATE, "engaged")) == []


def test_an_impact_a_takeover_and_emergency_braking_are_events() -> None:
    found = drive(
        (20.0, "Vehicle.ADAS.EBA.IsEngaged", True),
        (45.0, ACCEL, -25.0),
        (70.0, STATE, "takeover"),
        (90.0, "Vehicle.ADAS.Pilot.Takeover.IsRequested", True),
    )
    assert [event for event, _, _ in found] == [
        "emergency-braking", "impact", "takeover", "takeover",
    ]  # fmt: skip


def test_braking_that_goes_on_is_one_clip_of_bounded_length() -> None:
    changes = [(10.0 + n, ACCEL, -6.0 if n % 2 else 0.0) for n in range(80)]
    found = drive(*changes, until_s=120.0)
    assert all(rows[-1][0] - began_s <= clips.LONGEST_S for _, began_s, rows in found)


def test_a_clip_of_several_events_is_named_after_the_worst() -> None:
    felt = "Vehicle.Body.Impact.Count"
    changes = [(1.0, felt, 0), (50.0, ACCEL, -6.0), (52.0, felt, 1), (53.0, STATE, "takeover")]
    ((event, began_s, _),) = drive(*changes)
    assert (event, began_s) == ("impact", 50.0)


def test_a_clip_is_a_table_with_seconds_from_the_event() -> None:
    ((_, began_s, rows),) = drive((10.0, STATE, "engaged"), (50.0, ACCEL, -6.0))
    head, *lines = clips.text_of(rows, began_s).splitlines()
    assert head == "seconds,ADAS.Pilot.State,Acceleration.Longitudinal,Speed"
    assert lines[0].startswith("-15.00,engaged,")  # as it stood long before
    assert "0.00,engaged,-6,53" in lines
    assert lines[-1].startswith("4.9")
    assert clips.words_of(rows, began_s) == "20 s, from 53 km/h, braked with 6.0 m/s2"


def test_a_felt_impact_is_an_event_and_what_stood_at_the_start_is_none() -> None:
    felt, struck = "Vehicle.Body.Impact.Count", "Vehicle.Body.Impact.ClosingSpeed"
    assert drive((1.0, felt, 3)) == []
    ((event, began_s, rows),) = drive((1.0, felt, 3), (50.0, felt, 4), (50.0, struck, 21.4))
    assert event == "impact"
    assert clips.words_of(rows, began_s).endswith("struck at 21 km/h")


@given(rows=st.lists(st.tuples(st.floats(0.0, 3.0), st.floats(-50.0, 50.0)), max_size=300))
def test_memory_is_bounded_whatever_comes(rows: list[tuple[float, float]]) -> None:
    recorder, at_s = clips.Recorder(), 0.0
    for span_s, value in rows:
        at_s += span_s
        recorder.take(at_s, ACCEL, value)
    assert len(recorder.ring) <= clips.RING_MOST
    assert recorder.clip is None or len(recorder.clip) <= clips.RING_MOST
