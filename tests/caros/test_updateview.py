"""What the screen shows of updates: people's names for units, and an old word that does not unlock the car."""

from __future__ import annotations

from tests.caros.motorway import Drive
from volant.caros.cockpit.updateview import SILENT_NS, unit_words, update_view
from volant.core.updates import UpdateEnd, UpdatePhase, UpdateResult, UpdateState, UpdateUnit

S = 1_000_000_000
LAST = UpdateResult(
    end=UpdateEnd.FAILED,
    title="Old",
    at_s=1.0,
    why="No room",
    units=("steer 1.8 -> 1.9", "app.trip"),
)
STATE = UpdateState(
    stamp_ns=2 * S,
    phase=UpdatePhase.INSTALLING,
    locked=True,
    units=(UpdateUnit(unit="brake", runs="1", gets="2", does=""),),
    last=LAST,
)


def test_units_have_the_names_that_people_know():
    view = update_view(STATE, 2 * S)
    assert [one.unit for one in view.state.units] == ["Brakes and stability"]
    assert view.state.last is not None
    assert view.state.last.units == ("Steering: 1.8 -> 1.9", "App trip")
    assert unit_words("gadget") == "gadget"


def test_silence_is_told_and_unlocks_nothing():
    assert not update_view(STATE, 2 * S + SILENT_NS).silent
    late = update_view(STATE, 2 * S + SILENT_NS + 1)
    assert late.silent
    assert late.state.locked


def test_a_frame_holds_it_and_without_updates_nothing():
    drive = Drive()
    assert drive.frame(2.0).update is None
    assert drive.frame(2.1, update=STATE).update == update_view(STATE, round(2.1 * S))
