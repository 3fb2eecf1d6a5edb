"""The arbiter: interlocks, owners, rates, each with its reason."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from volant.caros.signals import arbiter
from volant.caros.signals.arbiter import BURST, OWNED_NS, RULES, CarFacts, decide, start
from volant.caros.signals.values import Code, SignalError
from volant.core.clock import NS_PER_S
from volant.core.messages import Gear
from volant.wire.vss import read_catalogues

SIGNALS = REPO / "cars" / "signals"
TREE = read_catalogues(sorted(SIGNALS.glob("*.toml")))
STANDS = CarFacts(stamp_ns=0, speed_mps=0.0, gear=Gear.PARK, pilot_ready=True)
DRIVES = CarFacts(stamp_ns=0, speed_mps=20.0, gear=Gear.DRIVE, pilot_drives=True)
DOOR = "Vehicle.Cabin.Door.Row1.DriverSide."
GEAR = "Vehicle.Powertrain.Transmission.SelectedGear"
FLAP = "Vehicle.Powertrain.TractionBattery.Charging.ChargingPort.AnyPosition.IsFlapOpen"


def judge(path: str, value: Any, facts: CarFacts | None, now_ns: int = 0) -> SignalError | None:
    return decide(start(), "app", {path: value}, facts, now_ns)[1]


@pytest.mark.parametrize(
    ("path", "value", "standing", "driving"),
    [
        (DOOR + "IsOpen", True, "", "no door opens"),
        (DOOR + "IsOpen", False, "", ""),
        (DOOR + "Position", 10, "", "no door opens"),
        (DOOR + "Position", 0, "", ""),
        (DOOR + "IsLocked", False, "", "no door is unlocked"),
        (DOOR + "IsLocked", True, "", ""),
        (DOOR + "Window.Position", 60, "", ""),
        ("Vehicle.Body.Trunk.Rear.IsOpen", True, "", "the boot"),
        ("Vehicle.Body.Trunk.Rear.IsLocked", False, "", "no lock"),
        ("Vehicle.Body.Hood.Position", 50, "", "the bonnet"),
        ("Vehicle.Body.Mirrors.DriverSide.IsFolded", True, "", "above 50 km/h"),
        ("Vehicle.Cabin.Seat.Row1.DriverSide.Position", 50, "", "driver's seat"),
        ("Vehicle.Cabin.Seat.Row1.PassengerSide.Position", 50, "", ""),
        ("Vehicle.Chassis.SteeringWheel.Tilt", 50, "", "steering column"),
        (GEAR, 127, "", "standstill only"),
        (FLAP, True, "", "when parked only"),
        ("Vehicle.ADAS.EBA.IsEnabled", False, "", "emergency braking stays on"),
        ("Vehicle.ADAS.EBA.IsEnabled", True, "", ""),
        ("Vehicle.ADAS.Pilot.Function.AEB.IsEnabled", False, "", "emergency braking stays on"),
        ("Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling", True, "", "lane change"),
        ("Vehicle.Body.Horn.IsActive", True, "", ""),
    ],
)
def test_an_interlock_tells_its_reason(path: str, value: Any, standing: str, driving: str) -> None:
    assert path in TREE
    for facts, words in ((STANDS, standing), (DRIVES, driving)):
        refused = judge(path, value, facts)
        assert (refused is not None) == bool(words)
        if refused is not None:
            assert refused.code is Code.REFUSED
            assert refused.path == path
            assert words in refused.reason


def test_the_gear_is_the_pilots_while_it_drives_and_needs_the_cable_out() -> None:
    stands = replace(STANDS, pilot_drives=True)
    assert "pilot drives" in str(judge(GEAR, 126, stands))
    plugged = replace(STANDS, cable=True)
    assert "cable" in str(judge(GEAR, 127, plugged))
    assert judge(GEAR, 126, plugged) is None


def test_a_car_that_is_not_parked_says_what_it_is_instead() -> None:
    station = "Vehicle.Powertrain.TractionBattery.Charging.Station.Kind"
    for path, value in ((FLAP, True), (station, "AC")):
        assert "the gear is D, not P" in str(judge(path, value, replace(STANDS, gear=Gear.DRIVE)))
        assert "the car moves" in str(judge(path, value, replace(STANDS, speed_mps=1.0)))


def test_the_pilot_is_engaged_only_when_it_is_ready() -> None:
    for path in arbiter.ENGAGING:
        assert path in TREE
        assert judge(path, True, STANDS) is None
        blocked = replace(STANDS, pilot_ready=False, blockers=("close the door",))
        assert "close the door" in str(judge(path, True, blocked))
        assert judge(path, False, blocked) is None


@pytest.mark.parametrize(
    "facts", [None, replace(STANDS, valid=False), replace(STANDS, stamp_ns=-2 * NS_PER_S)]
)
def test_without_news_of_the_car_nothing_with_an_interlock_moves(facts: CarFacts | None) -> None:
    assert "not known" in str(judge(DOOR + "IsOpen", True, facts))
    assert judge(DOOR + "Window.Position", 10, facts) is None


def test_who_moves_something_keeps_it_for_a_moment() -> None:
    path = DOOR + "Window.Position"
    state, _ = decide(start(), "app", {path: 10}, STANDS, 0)
    state, refused = decide(state, "phone", {path: 20}, STANDS, OWNED_NS - 1)
    assert "app has just moved it" in str(refused)
    state, refused = decide(state, "app", {path: 20}, STANDS, OWNED_NS - 1)
    assert refused is None
    assert decide(state, "phone", {path: 30}, STANDS, 2 * OWNED_NS)[1] is None


def test_several_connections_of_one_machine_are_one_hand_but_slowed_each() -> None:
    path = DOOR + "Window.Position"
    state, _ = decide(start(), "viss:127.0.0.1:4000", {path: 10}, STANDS, 0)
    state, refused = decide(state, "viss:127.0.0.1:4001", {path: 20}, STANDS, 1)
    assert refused is None
    for other in ("viss:127.0.0.2:4000", "app:window", "token:0a", ":4000"):
        assert "just moved it" in str(decide(state, other, {path: 20}, STANDS, 2)[1])
    assert len(state.buckets) == 2


def test_emergency_braking_stays_on_while_the_pilot_drives_even_at_standstill() -> None:
    for path in ("Vehicle.ADAS.EBA.IsEnabled", "Vehicle.ADAS.Pilot.Function.AEB.IsEnabled"):
        waits = replace(STANDS, gear=Gear.DRIVE, pilot_drives=True)
        assert "pilot drives" in str(judge(path, False, waits))
        assert judge(path, True, waits) is None
        assert judge(path, False, replace(waits, pilot_drives=False)) is None


def test_no_set_speed_stops_the_car_in_its_lane() -> None:
    for path in ("Vehicle.ADAS.Pilot.SetSpeed", "Vehicle.ADAS.CruiseControl.SpeedSet"):
        assert path in TREE
        assert "at least 10 km/h" in str(judge(path, 0.0, DRIVES))
        assert judge(path, 10.0, DRIVES) is None
        assert judge(path, 0.0, STANDS) is None


def test_a_flood_is_slowed_and_others_are_not() -> None:
    state, path = start(), "Vehicle.Body.Horn.IsActive"
    codes = []
    for _ in range(int(BURST) + 5):
        state, refused = decide(state, "flood", {path: True}, STANDS, 0)
        codes.append(refused and refused.code)
    assert codes == [None] * int(BURST) + [Code.TOO_MANY] * 5
    assert decide(state, "app", {DOOR + "Window.Position": 1}, STANDS, 0)[1] is None
    assert decide(state, "flood", {path: True}, STANDS, NS_PER_S // 10)[1] is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arbiter, "MOST_ASKERS", 10)
    monkeypatch.setattr(arbiter, "MOST_OWNERS", 10)
    state = start()
    for number in range(100):
        asked = {f"Vehicle.X{number}": 1}
        state, _ = decide(state, f"who{number}", asked, STANDS, number * NS_PER_S)
    assert len(state.buckets) <= 11
    assert len(state.owners) <= 11


@given(
    st.sampled_from([leaf.path for leaf in TREE if leaf.kind == "actuator"]),
    st.booleans() | st.integers(0, 200) | st.floats(-100, 200) | st.sampled_from(["OPEN", "X"]),
    st.floats(-5, 60),
)
def test_any_value_is_granted_or_refused_with_words(path: str, value: Any, speed: float) -> None:
    refused = judge(path, value, replace(DRIVES, speed_mps=speed))
    assert refused is None or refused.reason


def test_every_rule_is_about_signals_that_could_be_there() -> None:
    assert all(rule.pattern.startswith("Vehicle.") and rule.words for rule in RULES)


def test_a_station_is_plugged_in_parked_with_an_open_flap_and_an_unlocked_plug() -> None:
    path = "Vehicle.Powertrain.TractionBattery.Charging.Station.Kind"

    def words(value: str, **facts: Any) -> str:
        refused = judge(path, value, replace(STANDS, **facts))
        return "" if refused is None else refused.reason

    assert words("DC") == ""
    assert "parked only" in words("DC", gear=Gear.DRIVE)
    assert "flap" in words("AC", flap_open=False)
    assert "locked" in words("NONE", cable=True, cable_locked=True)
    assert words("NONE", cable=True) == ""
