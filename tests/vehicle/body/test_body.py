"""The body: travel, refusals, climate, charging; nothing is raised whatever is asked."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from volant.core.body import BodyItem, BodyPlace, BodyRequest, BodyState, LightSwitch, WiperMode
from volant.core.messages import Gear
from volant.vehicle import load_spec
from volant.vehicle.body import step as body
from volant.vehicle.body.items import ROWS
from volant.vehicle.parameters import plant_spec

SPEC = plant_spec(load_spec(REPO / "cars" / "g3-520.toml"))
PARKED = body.Surround(
    stamp_ns=0, speed_mps=0.0, gear=Gear.PARK, ambient_k=293.15, charge=0.5, temperature_k=293.15,
    odometer_m=1000.0, battery_w=250.0, loss_w=0.0, motor_rps=0.0, motor_nm=0.0,
)  # fmt: skip
FAST = replace(PARKED, speed_mps=20.0, gear=Gear.DRIVE)
DT_S = 0.05
B, P = BodyItem, BodyPlace


def ask(item: BodyItem, value: Any = None, place: BodyPlace | None = None) -> BodyRequest:
    if isinstance(value, str):
        return BodyRequest(stamp_ns=0, item=item, place=place, word=value)
    return BodyRequest(stamp_ns=0, item=item, place=place, value=value)


class Bench:
    """A body on a bench."""

    def __init__(self, ambient_k: float = 293.15) -> None:
        self.memory = body.start(ambient_k)
        self.around = replace(PARKED, ambient_k=ambient_k)
        self.load_w = 0.0
        self.gear: Gear | None = None

    def run(self, seconds: float, *requests: BodyRequest) -> BodyState:
        for place in range(max(1, round(seconds / DT_S))):
            asked = requests if place == 0 else ()
            self.memory, out = body.step(self.memory, asked, self.around, SPEC, DT_S)
            self.load_w, self.gear = out.load_w, out.gear or self.gear
        return body.state_of(self.memory, self.around, SPEC)


def test_at_rest_nothing_is_drawn_and_nothing_changes() -> None:
    """So a drive that asks nothing of its body costs what it cost without one."""
    bench = Bench()
    first = bench.run(1.0)
    assert bench.run(60.0) == replace_energy(first, bench)
    assert bench.load_w == 0.0


def replace_energy(state: BodyState, bench: Bench) -> BodyState:
    """The same state with the energy that was counted since."""
    import msgspec

    now = body.state_of(bench.memory, bench.around, SPEC)
    return msgspec.structs.replace(state, drive=now.drive)


def test_a_window_takes_its_time() -> None:
    bench = Bench()
    window = ask(B.WINDOW, 60.0, P.FRONT_LEFT)
    assert bench.run(1.0, window).doors[0].window_pct == pytest.approx(25.0)
    assert bench.run(1.0, ask(B.WINDOW, 0.0, P.FRONT_LEFT)).doors[0].window_pct == pytest.approx(
        0.0
    )
    assert bench.run(5.0, window).doors[0].window_pct == 60.0
    assert not bench.memory.targets


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ask(B.DOOR, 100.0, P.FRONT_LEFT), "door front_left: only standing"),
        (ask(B.BOOT, 50.0), "boot: only standing"),
        (ask(B.HOOD, 50.0), "hood: only standing"),
        (ask(B.CHARGE_FLAP, 1.0), "charge_flap: only standing"),
        (ask(B.SEAT_POSITION, 0.1, P.FRONT_LEFT), "only standing"),
        (ask(B.WHEEL_TILT, 10.0), "only standing"),
        (ask(B.MIRROR_FOLD, 1.0, P.LEFT), "only below 50 km/h"),
        (ask(B.GEAR, "park"), "gear: only standing"),
    ],
)
def test_at_speed_the_body_refuses_whoever_asks(request_: BodyRequest, words: str) -> None:
    bench = Bench()
    bench.around = FAST
    before = bench.memory.values
    state = bench.run(DT_S, request_)
    assert words in state.refusal
    assert state.refused == 1
    assert bench.memory.values is before
    assert bench.gear is None


def test_an_open_door_may_be_closed_at_speed() -> None:
    bench = Bench()
    bench.run(2.0, ask(B.DOOR, 100.0, P.FRONT_LEFT))
    assert not body.closed(bench.memory)
    bench.around = FAST
    assert bench.run(2.0, ask(B.DOOR, 0.0, P.FRONT_LEFT)).doors[0].open_pct == 0.0
    assert body.closed(bench.memory)


def test_locked_is_closed() -> None:
    bench = Bench()
    locks = ask(B.DOOR_LOCK, 1.0, P.REAR_LEFT), ask(B.BOOT_LOCK, 1.0)
    state = bench.run(DT_S, *locks, ask(B.DOOR, 100.0, P.REAR_LEFT), ask(B.BOOT, 100.0))
    assert state.refused == 2
    assert "it is locked" in state.refusal


@pytest.mark.parametrize(
    "request_",
    [
        ask(B.WINDOW, 101.0, P.FRONT_LEFT), ask(B.WINDOW, math.nan, P.FRONT_LEFT), ask(B.WINDOW, 5.0),
        ask(B.WINDOW, None, P.FRONT_LEFT), ask(B.HORN, 1.0, P.LEFT), ask(B.WIPER, "mad"), ask(B.WIPER, 2.0),
        ask(B.AIR_TEMPERATURE, 400.0, P.FRONT_LEFT), ask(B.WINDOW, 5.0, P.REAR_MIDDLE),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(request_: BodyRequest) -> None:
    assert Bench().run(DT_S, request_).refused == 1


def test_the_light_switch_moves_the_lamps() -> None:
    bench = Bench()
    lights = bench.run(DT_S, ask(B.HIGH_BEAM, 1.0), ask(B.LIGHT_SWITCH, "beam")).lights
    assert (lights.switch, lights.low, lights.high, lights.parking) == (
        LightSwitch.BEAM,
        True,
        True,
        True,
    )
    lights = bench.run(DT_S, ask(B.LIGHT_SWITCH, "off")).lights
    assert not any((lights.low, lights.high, lights.parking, lights.running))


def test_the_horn_ends_and_the_wipers_wipe() -> None:
    bench = Bench()
    assert bench.run(5.0, ask(B.HORN, 1.0), ask(B.WIPER, "interval")).horn
    assert not bench.run(6.0).horn
    assert bench.run(DT_S).wipers.mode is WiperMode.INTERVAL
    assert bench.run(DT_S).wipers.cycles_per_min == 8.0


def test_a_cold_cabin_is_warmed_and_it_costs() -> None:
    bench = Bench(263.15)
    state = bench.run(3600.0)
    assert state.climate.cabin_k == pytest.approx(293.1, abs=0.3)
    car = load_spec(REPO / "cars" / "g3-520.toml").auxiliaries
    held_w = car.climate_w_per_k.value * 28.0
    assert bench.load_w == pytest.approx(held_w, rel=0.05), "as the car's file says"
    off = bench.run(DT_S, ask(B.AIR_CONDITIONING, 0.0))
    assert off.climate.power_w == 0.0
    warm = bench.run(60.0, ask(B.WINDOW, 100.0, P.FRONT_LEFT)).climate.cabin_k
    assert warm < state.climate.cabin_k - 1.0


def test_heaters_cost_what_they_cost() -> None:
    bench = Bench()
    heaters = (
        ask(B.SEAT_HEAT, 100.0, P.FRONT_LEFT),
        ask(B.SCREEN_HEAT, 1.0, P.REAR),
        ask(B.WHEEL_HEAT, 50.0),
    )
    bench.run(DT_S, *heaters)
    assert bench.load_w == pytest.approx(60.0 + 250.0 + 20.0)


def test_charging_flows_by_cable_parked_up_to_the_limit() -> None:
    bench = Bench()
    assert bench.run(DT_S, ask(B.CHARGE_CABLE, "ac")).refusal.endswith("the flap is closed")
    state = bench.run(1.0, ask(B.CHARGE_FLAP, 1.0), ask(B.CHARGE_CABLE, "ac"))
    assert state.charge.power_w == 11_000.0
    assert bench.load_w == pytest.approx(-0.92 * 11_000.0)
    assert state.charge.left_s == pytest.approx(0.3 * 2.322e8 / 9_870.0, rel=0.05)
    assert bench.run(DT_S, ask(B.CHARGE_CABLE, "none")).refusal.endswith("it is locked")
    assert bench.run(DT_S, ask(B.GEAR, "drive")).refusal.endswith("the cable is plugged in")
    assert bench.run(DT_S, ask(B.CHARGE_FLAP, 0.0)).refusal.endswith("the cable is plugged in")
    bench.around = replace(bench.around, charge=0.8)
    assert bench.run(DT_S).charge.left_s is None
    bench.around = replace(bench.around, charge=0.797)
    assert bench.run(DT_S).charge.power_w == 0.0, "not at once again"
    bench.around = replace(bench.around, charge=0.79)
    assert bench.run(DT_S).charge.power_w > 0.0
    assert bench.run(DT_S, ask(B.CHARGE, 0.0)).charge.power_w == 0.0


def test_the_selector_says_which_gear() -> None:
    bench = Bench()
    bench.run(DT_S, ask(B.GEAR, "reverse"))
    assert bench.gear is Gear.REVERSE


def test_a_tyre_warms_with_speed_and_its_pressure_with_it() -> None:
    bench = Bench()
    bench.around = FAST
    tyre = bench.run(3600.0).tyres[0]
    assert tyre.temperature_k == pytest.approx(293.15 + 12.0, abs=0.5)
    assert 255_000.0 < tyre.pressure_pa < 270_000.0


@pytest.mark.parametrize(
    ("item", "place"),
    [(B.DOOR, P.FRONT_LEFT), (B.BOOT, None), (B.HOOD, None), (B.SEAT_POSITION, P.FRONT_LEFT), (B.WHEEL_TILT, None)],
)  # fmt: skip
def test_what_was_asked_at_rest_stops_on_its_way_when_the_car_moves(
    item: BodyItem, place: BodyPlace | None
) -> None:
    bench = Bench()
    bench.run(0.3, ask(item, ROWS[item].high, place))
    begun = bench.memory.values[item, place]
    assert ROWS[item].low < begun < ROWS[item].high
    bench.around = FAST
    told = bench.run(10.0)
    assert bench.memory.values[item, place] == begun
    assert "the car moves" in told.refusal
    bench.run(10.0, ask(item, ROWS[item].low, place))
    closed = bench.memory.values[item, place] == ROWS[item].low
    assert closed is ROWS[item].only_up


REQUESTS = st.builds(
    BodyRequest,
    stamp_ns=st.just(0),
    item=st.sampled_from(BodyItem),
    place=st.none() | st.sampled_from(BodyPlace),
    value=st.none() | st.floats() | st.floats(-100.0, 100.0) | st.sampled_from([0.0, 1.0]),
    word=st.none()
    | st.sampled_from(["beam", "fast", "drive", "park", "up", "x", "dc", "end", "driving"]),
)
AROUNDS = st.builds(
    replace,
    st.just(PARKED),
    speed_mps=st.floats(-5.0, 50.0),
    gear=st.sampled_from(Gear),
    ambient_k=st.floats(233.0, 323.0),
    charge=st.floats(0.0, 1.0),
    temperature_k=st.floats(233.0, 333.0),
    stamp_ns=st.integers(0, 10**15),
    asleep=st.booleans(),
)


@given(st.lists(st.tuples(st.lists(REQUESTS, max_size=4), AROUNDS), max_size=8))
@settings(max_examples=60)
def test_whatever_is_asked_the_body_stays_within_its_bounds(steps: list[tuple[Any, Any]]) -> None:
    memory = body.start(293.15)
    for requests, around in steps:
        was = memory
        memory, out = body.step(memory, requests, around, SPEC, DT_S)
        assert math.isfinite(out.load_w)
        state = body.state_of(memory, around, SPEC)
        for (item, place), value in memory.values.items():
            row = ROWS[item]
            if item not in (B.HORN, B.TRIP):
                high = len(row.words) - 1 if row.words else row.high
                assert row.low <= value <= high, (item, place)
            if abs(around.speed_mps) > row.fastest_mps and item is not B.GEAR:
                before = was.values[item, place]
                assert value == before or (row.only_up and value < before), (item, place)
        assert all(0.0 <= door.open_pct <= 100.0 for door in state.doors)
        assert 200.0 < state.climate.cabin_k < 400.0
