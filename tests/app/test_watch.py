"""Watching a journal: where the viewer is, and what it shows there."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.app.straight_road import write_straight
from tests.wire.drive_messages import HEADER, drive
from volant.app.compose import frame_settings, plan_trip
from volant.app.drive import drive_trip
from volant.app.record import open_recording
from volant.app.trip import TripWish
from volant.app.watch import Position, Tape, Viewer, control, move
from volant.caros.cockpit import CockpitControl, CockpitFrame, ControlKind
from volant.core import topics
from volant.core.clock import SCREEN_TICK_NS
from volant.core.errors import InputError
from volant.wire.journal import JournalWriter

LENGTH_NS = 10_000_000_000


def ask(kind: ControlKind, value: float | None = None) -> CockpitControl:
    return CockpitControl(kind=kind, value=value)


def test_playing_moves_by_speed_and_pauses_at_the_end() -> None:
    position = move(Position(speed=2.0), 1.5, LENGTH_NS)
    assert position.stamp_ns == 3_000_000_000
    position = move(position, 60.0, LENGTH_NS)
    assert (position.stamp_ns, position.paused) == (LENGTH_NS, True)


def test_a_paused_viewer_stays_where_it_is() -> None:
    paused = control(Position(stamp_ns=5), ask(ControlKind.PAUSE), LENGTH_NS)
    assert move(paused, 1.0, LENGTH_NS) == replace(paused, jumped=False)
    assert not control(paused, ask(ControlKind.PLAY), LENGTH_NS).paused


def test_play_at_the_end_begins_anew() -> None:
    ended = Position(stamp_ns=LENGTH_NS, paused=True)
    again = control(ended, ask(ControlKind.PLAY), LENGTH_NS)
    assert (again.stamp_ns, again.paused, again.jumped) == (0, False, True)


@pytest.mark.parametrize(("steps", "frames"), [(None, 1), (1.0, 1), (-1.0, -1), (10.0, 10)])
def test_a_step_moves_by_frames_and_pauses(steps: float | None, frames: int) -> None:
    position = control(Position(stamp_ns=10**9), ask(ControlKind.STEP, steps), LENGTH_NS)
    assert position.stamp_ns == 10**9 + frames * SCREEN_TICK_NS
    assert position.paused


@pytest.mark.parametrize(
    ("wish", "stamp_ns"),
    [
        (ask(ControlKind.SEEK, 4.5), 4_500_000_000),
        (ask(ControlKind.SEEK, -3.0), 0),
        (ask(ControlKind.SEEK, 99.0), LENGTH_NS),
        (ask(ControlKind.STEP, -1e4), 0),
        (ask(ControlKind.STEP, 1e4), LENGTH_NS),
    ],
)
def test_seeking_stays_inside_the_journal(wish: CockpitControl, stamp_ns: int) -> None:
    assert control(Position(stamp_ns=10**9), wish, LENGTH_NS).stamp_ns == stamp_ns


@pytest.mark.parametrize(("asked", "given"), [(4.0, 4.0), (1000.0, 20.0), (0.0, 1.0), (-5.0, 0.1)])
def test_speed_stays_in_its_bounds(asked: float, given: float) -> None:
    assert control(Position(), ask(ControlKind.SPEED, asked), LENGTH_NS).speed == given


def test_a_viewer_shows_what_was_recorded_at_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = write_straight(tmp_path / "straight.xodr")
    wish = TripWish(
        car="g3-520", road=str(road), seed=1, sensors="typical", cars=0, distance_m=60.0
    )
    trip = plan_trip(wish)
    recording = open_recording(tmp_path / "drive.mcap", trip)
    assert recording is not None
    drive_trip(trip, write=recording.write)
    recording.close({})
    tape = Tape(tmp_path / "drive.mcap")
    viewer = Viewer(tape, frame_settings(trip), "drive.mcap")
    for stamp_ns in (0, 4_005_000_000, 1_000_000_000):  # forth and back
        packed = viewer.show(Position(stamp_ns=stamp_ns, jumped=True, paused=True))
        frame = msgspec.msgpack.decode(packed, type=CockpitFrame)
        assert frame.replay is not None
        assert (frame.replay.position_s, frame.replay.paused) == (stamp_ns / 1e9, True)
        assert frame.car is not None
        recorded = tape.latest(topics.CAR_STATE, stamp_ns)
        assert frame.car.speed_mps == recorded.speed_mps
        assert 0 <= stamp_ns - frame.car.stamp_ns < 10_000_000
    assert tape.latest(topics.PILOT_PLAN, -1) is None
    alerts = tape.between(topics.ALERT, -1, tape.length_ns)
    assert alerts
    assert tape.between(topics.ALERT, alerts[0].stamp_ns, alerts[0].stamp_ns) == ()


def test_a_clip_is_watched_from_where_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "clip.mcap"
    writer = JournalWriter(path, HEADER)
    for topic, stamp_ns, message in drive(3.0):
        if stamp_ns >= 2_000_000_000:
            writer.write(topic, stamp_ns, message)
    writer.close()
    tape = Tape(path)
    assert tape.begin_ns == 2_000_000_000
    assert 900_000_000 < tape.length_ns < 1_000_000_000
    assert tape.latest(topics.CAR_STATE, tape.begin_ns) is not None


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mcap").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a\.mcap"):
        Tape(tmp_path / "a.mcap")
