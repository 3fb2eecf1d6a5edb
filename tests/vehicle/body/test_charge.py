"""Timer, limit and preconditioning of the parked body, over hours in steps of a second and more."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from volant.core.body import (
    BodyItem,
    BodyRequest,
    BodyState,
    ChargeTimer,
    Conditioning,
    StationKind,
)
from volant.core.clock import NS_PER_S
from volant.core.messages import Gear
from volant.vehicle import battery, load_spec
from volant.vehicle.body import charge
from volant.vehicle.body import step as body
from volant.vehicle.body.around import Surround
from volant.vehicle.parameters import plant_spec

SPEC = plant_spec(load_spec(REPO / "cars" / "g3-520.toml"))
B = BodyItem
PLUG = ((B.CHARGE_FLAP, 1.0), (B.CHARGE_CABLE, "ac"))
HOUR_S = 3600.0


def asked(item: BodyItem, value: float | str) -> BodyRequest:
    if isinstance(value, str):
        return BodyRequest(stamp_ns=0, item=item, word=value)
    return BodyRequest(stamp_ns=0, item=item, value=value)


class Parked:
    """A parked car: its body and its battery, with a clock that runs in steps."""

    def __init__(
        self,
        charge_share: float = 0.5,
        kelvin: float = 293.15,
        *,
        asleep: bool = True,
        gear: Gear = Gear.PARK,
    ) -> None:
        self.memory = body.start(kelvin)
        self.battery = battery.start(charge_share, kelvin, SPEC)
        self.ambient_k, self.asleep, self.gear = kelvin, asleep, gear
        self.now_s, self.drawn_w, self.fed_j = 100.0, 0.0, 0.0

    def around(self) -> Surround:
        return Surround(
            stamp_ns=round(self.now_s * NS_PER_S), speed_mps=0.0, gear=self.gear, ambient_k=self.ambient_k,
            charge=self.battery.charge, temperature_k=self.battery.temperature_k, odometer_m=0.0,
            battery_w=self.battery.power_w, loss_w=0.0, motor_rps=0.0, motor_nm=0.0, asleep=self.asleep,
        )  # fmt: skip

    def run(
        self, seconds: float, *wishes: tuple[BodyItem, float | str], dt_s: float = 1.0
    ) -> BodyState:
        requests = [asked(*wish) for wish in wishes]
        for _ in range(max(1, round(seconds / dt_s))):
            self.memory, out = body.step(self.memory, requests, self.around(), SPEC, dt_s)
            requests = []
            self.drawn_w = SPEC.base_load_w + out.load_w
            self.battery = battery.step(
                self.battery, self.drawn_w, self.ambient_k, SPEC, dt_s, out.battery_heat_w
            )
            self.fed_j += self.memory.charger.inlet_w * dt_s
            self.now_s += dt_s
        return body.state_of(self.memory, self.around(), SPEC)


def test_a_sleeping_car_charges_to_its_limit_and_no_further() -> None:
    car = Parked(0.75)
    state = car.run(10.0, *PLUG)
    assert state.charge.power_w == 11_000.0
    assert state.charge.why == ""
    left_s = state.charge.left_s
    assert left_s is not None
    state = car.run(left_s * 1.02, dt_s=5.0)
    assert state.charge.power_w == 0.0
    assert state.charge.why == charge.WORDS_LIMIT
    assert car.battery.charge == pytest.approx(0.8, abs=0.002)
    assert state.charge.left_s is None


def test_a_sleeping_car_draws_next_to_nothing() -> None:
    car = Parked(kelvin=263.15)
    car.run(10.0)
    assert car.drawn_w == charge.SLEEP_W
    car.asleep = False
    car.run(10.0)
    assert car.drawn_w > 1000.0, "awake, the climate runs"


def test_dc_is_faster_and_the_station_bounds_it() -> None:
    car = Parked(0.3)
    state = car.run(5.0, (B.CHARGE_FLAP, 1.0), (B.CHARGE_CABLE, "dc"), (B.STATION_POWER, 50_000.0))
    assert state.charge.station is StationKind.DC
    assert state.charge.power_w == 50_000.0
    assert car.run(2.0, (B.STATION_POWER, 20_000.0)).charge.power_w == 20_000.0
    state = car.run(2.0, (B.STATION_POWER, 0.0))
    assert state.charge.power_w == 0.0
    assert state.charge.why == "the station gives nothing"


def test_start_at_waits_and_then_begins() -> None:
    car = Parked()
    state = car.run(5.0, *PLUG, (B.CHARGE_TIME, 700.0), (B.CHARGE_TIMER, "start"))
    assert (state.charge.power_w, state.charge.why) == (0.0, charge.WORDS_TIME)
    assert state.charge.start_s == 700.0
    assert state.charge.left_s is not None
    assert state.charge.left_s > 595.0 + HOUR_S
    assert car.run(590.0).charge.power_w == 0.0
    assert car.run(20.0).charge.power_w == 11_000.0


def test_ready_by_is_ready_by_then_and_not_hours_before() -> None:
    car = Parked(0.5, 273.15)
    by_s = car.now_s + 8 * HOUR_S
    car.run(5.0, *PLUG, (B.CHARGE_TIME, by_s), (B.CHARGE_TIMER, "end"), dt_s=5.0)
    begun_s = full_s = math.inf
    while car.now_s < by_s:
        state = car.run(10.0, dt_s=10.0)
        if state.charge.power_w:
            begun_s = min(begun_s, car.now_s)
        if state.charge.why == charge.WORDS_LIMIT:
            full_s = min(full_s, car.now_s)
    assert by_s - 900.0 < full_s <= by_s
    assert begun_s > by_s - 3 * HOUR_S
    assert state.charge.timer is ChargeTimer.OFF, "as VSS says of a charging that is complete"


@pytest.mark.parametrize("timer", ["start", "end"])
def test_a_time_in_the_past_begins_at_once(timer: str) -> None:
    car = Parked()
    state = car.run(2.0, *PLUG, (B.CHARGE_TIME, 0.001), (B.CHARGE_TIMER, timer))
    assert state.charge.power_w == 11_000.0


def test_a_time_that_cannot_be_met_begins_at_once() -> None:
    car = Parked(0.2)
    state = car.run(2.0, *PLUG, (B.CHARGE_TIME, 1000.0), (B.CHARGE_TIMER, "end"))
    assert state.charge.power_w == 11_000.0


def test_what_has_begun_by_its_timer_goes_on_until_the_timer_changes() -> None:
    car = Parked()
    car.run(2.0, *PLUG, (B.CHARGE_TIME, 0.001), (B.CHARGE_TIMER, "start"))
    assert car.run(600.0).charge.power_w == 11_000.0
    later = car.run(2.0, (B.CHARGE_TIME, car.now_s + 3600.0))
    assert later.charge.power_w == 0.0
    assert car.run(2.0, (B.CHARGE_TIMER, "off")).charge.power_w == 11_000.0


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ((B.CHARGE, 0.0), charge.WORDS_STOPPED),
        ((B.CABLE_LOCK, 0.0), "the plug is not locked"),
    ],
)
def test_why_nothing_flows_is_said(wish: tuple[BodyItem, float], words: str) -> None:
    car = Parked()
    assert car.run(2.0).charge.why == "no cable is plugged in"
    state = car.run(2.0, *PLUG, wish)
    assert (state.charge.power_w, state.charge.why) == (0.0, words)


def test_another_cable_needs_the_first_one_out() -> None:
    car = Parked()
    car.run(1.0, *PLUG)
    assert car.run(1.0, (B.CHARGE_CABLE, "dc")).refusal.endswith("another cable is plugged in")
    assert car.run(1.0, (B.CHARGE_CABLE, "none")).refusal.endswith("it is locked")
    state = car.run(1.0, (B.CABLE_LOCK, 0.0), (B.CHARGE_CABLE, "none"))
    assert not state.charge.cable
    assert state.charge.power_w == 0.0


def test_a_cold_sleeping_car_is_warm_at_its_departure_from_the_station() -> None:
    car = Parked(0.8, 263.15)
    by_s = car.now_s + 2 * HOUR_S
    wishes = ((B.CABIN_TIME, by_s), (B.CONDITIONING_TIME, by_s), (B.CONDITIONING, "driving"))
    state = car.run(600.0, *PLUG, *wishes, dt_s=2.0)
    assert not state.conditioning.cabin_active, "not hours before"
    state = car.run(by_s - car.now_s - 10.0, dt_s=2.0)
    assert state.conditioning.cabin_active
    assert state.climate.cabin_k == pytest.approx(294.15, abs=1.5)
    assert car.battery.temperature_k >= charge.DRIVING_K - 1.5
    assert car.battery.charge == pytest.approx(0.8, abs=0.01), "paid by the station"
    assert car.fed_j > 3e6
    state = car.run(charge.CABIN_HOLD_S + 60.0, dt_s=2.0)
    assert not state.conditioning.cabin_active
    assert state.conditioning.cabin_s == 0.0
    assert state.conditioning.battery is Conditioning.OFF


def test_without_a_station_it_costs_the_battery_down_to_the_reserve() -> None:
    for share, runs in ((0.6, True), (0.15, False)):
        car = Parked(share, 263.15)
        state = car.run(30.0, (B.CABIN_TIME, car.now_s + 60.0), (B.CONDITIONING, "fast_charging"))
        assert state.conditioning.cabin_active is runs
        assert (state.conditioning.heater_w > 0.0) is runs
        assert (car.drawn_w > 5000.0) is runs


def test_the_heater_stops_at_its_target() -> None:
    car = Parked(0.8, 283.15)
    car.run(2 * HOUR_S, *PLUG, (B.CONDITIONING, "fast_charging"), dt_s=2.0)
    assert car.battery.temperature_k == pytest.approx(SPEC.charging.warm_k, abs=1.1)


def test_only_in_park() -> None:
    car = Parked(gear=Gear.NEUTRAL)
    assert car.run(1.0, *PLUG).refusal.endswith("only parked")


WISHES = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([B.CHARGE_TIME, B.CONDITIONING_TIME, B.CABIN_TIME]), st.floats(0.0, 1e6)
        ),
        st.tuples(st.just(B.CHARGE_TIMER), st.sampled_from([one.value for one in ChargeTimer])),
        st.tuples(st.just(B.CONDITIONING), st.sampled_from([one.value for one in Conditioning])),
        st.tuples(st.just(B.CHARGE_CABLE), st.sampled_from([one.value for one in StationKind])),
        st.tuples(st.just(B.STATION_POWER), st.floats(0.0, 1e6)),
        st.tuples(st.just(B.CHARGE_LIMIT), st.floats(20.0, 100.0)),
        st.tuples(
            st.sampled_from([B.CHARGE, B.CABLE_LOCK, B.CHARGE_FLAP]), st.sampled_from([0.0, 1.0])
        ),
    ),
    max_size=3,
)


@given(
    st.floats(0.0, 1.0),
    st.floats(243.0, 318.0),
    st.lists(st.tuples(WISHES, st.floats(1.0, 5000.0), st.booleans()), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_wished_the_station_pays_for_what_flows(
    share: float, kelvin: float, hours: list[tuple[list[Any], float, bool]]
) -> None:
    car = Parked(share, kelvin)
    for wishes, pause_s, asleep in hours:
        car.now_s += pause_s
        car.asleep = asleep
        before = car.battery.charge
        state = car.run(20.0, *wishes, dt_s=5.0)
        told = state.charge
        assert 0.0 <= told.power_w <= told.station_w
        if told.power_w:
            assert told.cable
            assert told.cable_locked
        if car.battery.charge > before + 1e-9:
            assert told.cable
            assert before <= told.limit_pct / 100.0
        assert told.left_s is None or told.left_s >= 0.0
        assert (
            car.drawn_w
            <= SPEC.base_load_w + SPEC.climate_max_w + 2 * SPEC.charging.heater_w + 2000.0
        )
        assert told.why or told.power_w
