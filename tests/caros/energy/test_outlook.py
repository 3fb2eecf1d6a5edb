"""Values of signals in, what is expected of the charge out: advice, its words, and the step."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from volant.caros.energy import learn, outlook, route, sample
from volant.caros.energy.advice import advise, words_of
from volant.caros.energy.facts import facts_of
from volant.caros.energy.predict import Conditions
from volant.caros.energy.profile import Charger, RouteProfile, profile_of
from volant.caros.energy.route import values_of
from volant.core.clock import NS_PER_S
from volant.core.messages import EnergyState
from volant.vehicle import load_spec

FACTS = facts_of(load_spec(REPO / "cars" / "g3-520.toml"))
NEW = learn.start(FACTS)


def way(length_km: float, *chargers: Charger, limit_kmh: float = 110.0) -> RouteProfile:
    distance_m = np.arange(0.0, 1000.0 * length_km + 1.0, 1000.0)
    same = np.ones_like(distance_m)
    return profile_of(distance_m, 0.0 * same, limit_kmh / 3.6 * same, chargers=chargers)


LONG = way(500.0, Charger("Inn", 150_000.0, 150_000.0), Charger("Mill", 300_000.0, 150_000.0))


def test_no_stop_no_change() -> None:
    seen = advise(way(50.0), 0.0, FACTS, NEW, Conditions(charge=0.8))
    assert seen.points == seen.forecast.points
    assert seen.plan.charge_at_end == pytest.approx(seen.forecast.charge_at_end)
    assert words_of(seen, 0.0) == ""


def test_stops_stand_in_the_points() -> None:
    """Charge jumps at each, time goes on, the band begins anew."""
    seen = advise(LONG, 0.0, FACTS, NEW, Conditions(charge=0.8))
    assert seen.plan.reaches
    assert [one.name for one in seen.plan.stops] == ["Inn", "Mill"]
    for stop in seen.plan.stops:
        before, after = (one for one in seen.points if one.at_m == stop.at_m)
        assert before.charge == pytest.approx(stop.arrive, abs=0.006)
        assert after.charge == pytest.approx(stop.leave, abs=1e-9)
        assert after.time_s - before.time_s > stop.charge_s
        assert after.charge_high - after.charge_low < 1e-9
    times = [one.time_s for one in seen.points]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(seen.plan.total_s, rel=1e-6)
    assert seen.points[-1].charge == pytest.approx(seen.plan.charge_at_end, abs=1e-6)
    assert all(one.charge_low <= one.charge <= one.charge_high for one in seen.points)


@pytest.mark.parametrize(
    ("profile", "charge", "words"),
    [
        (LONG, 0.8, "Charge at Inn in 150 km, "),
        (way(500.0), 0.8, "The charge does not last to the destination, and no charger helps"),
        (way(50.0), 0.17, "Arrival with "),
        (way(1.0, Charger("Here", 0.0, 50_000.0)), 0.05, "Charge at Here here, "),
        (way(40.0, Charger("Near", 300.0, 50_000.0)), 0.09, "Charge at Near in 300 m, "),
    ],
)
def test_words_say_what_to_do(profile: RouteProfile, charge: float, words: str) -> None:
    seen = advise(profile, 0.0, FACTS, NEW, Conditions(charge=charge))
    assert words_of(seen, 0.0).startswith(words)


def test_cold_batteries_take_longer() -> None:
    slow, quick = (
        advise(LONG, 0.0, FACTS, NEW, Conditions(charge=0.8, ambient_k=263.15, battery_k=kelvin))
        for kelvin in (263.15, 298.15)
    )
    assert slow.plan.total_s > quick.plan.total_s


def told(profile: RouteProfile | None = None, at_m: float = 0.0, **more: Any) -> dict[str, Any]:
    values = {
        sample.SPEED: 90.0, sample.POWER: -15_000.0, sample.CURRENT: -43.0, sample.CHARGE: 70.0,
        sample.BATTERY: 22.0, sample.AMBIENT: 15.0, sample.CABIN: 20.0, sample.CLIMATE: True,
        sample.HEADING: 90.0, sample.TRAVELLED: 1000.0,
    }  # fmt: skip
    if profile is not None:
        values |= values_of(profile) | {route.POSITION: at_m}
    return values | more


def run(values: dict[str, Any], seconds: int = 4) -> tuple[outlook.Outlook, list[EnergyState]]:
    memory, said = outlook.start(FACTS, NEW), []
    for tick in range(4 * seconds):
        now_ns = tick * NS_PER_S // 4
        memory, state = outlook.step(memory, values, 10**18 + now_ns, now_ns)
        if state is not None:
            said.append(state)
    return memory, said


def test_without_a_route_there_is_a_range() -> None:
    memory, said = run(told())
    assert len(said) == 2
    assert said[-1].arrival is None
    assert (said[-1].stops, said[-1].advice, said[-1].reaches) == ((), "", True)
    assert 200_000.0 < said[-1].range_m < 450_000.0
    assert memory.learned.driven_m == pytest.approx(75.0, abs=1.0)


def test_with_a_route_there_is_an_arrival() -> None:
    _, said = run(told(LONG, 100_000.0))
    state = said[-1]
    assert state.arrival is not None
    assert state.arrival.distance_m == pytest.approx(400_000.0)
    assert state.arrival.low_pct < state.arrival.charge_pct < state.arrival.high_pct
    assert state.stops[0].ahead_m in (pytest.approx(50_000.0), pytest.approx(200_000.0))
    assert state.advice.startswith("Charge at ")
    msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=EnergyState)


def test_a_route_that_goes_is_forgotten() -> None:
    memory, _ = run(told(LONG, 5.0))
    assert memory.profile is not None
    gone = told() | dict.fromkeys(route.PATHS)
    memory, state = outlook.step(memory, gone, 10**18 + 10**10, 10**10)
    assert memory.profile is None
    assert state is not None
    assert state.arrival is None


PATHS = (*outlook.PATHS, *route.ARRAYS)
wild = st.one_of(
    st.none(), st.booleans(), st.floats(), st.text(max_size=3), st.lists(st.floats(), max_size=3)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from(PATHS), wild, max_size=4), max_size=6))
def test_no_values_of_signals_break_it(wrong: list[dict[str, Any]]) -> None:
    """And what it says is always a message that can be read."""
    memory, profile = outlook.start(FACTS, NEW), way(3.0)
    for tick, values in enumerate(wrong):
        now_ns = 2 * tick * NS_PER_S
        memory, state = outlook.step(memory, told(profile, 10.0) | values, now_ns, now_ns)
        if state is not None:
            read = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=EnergyState)
            assert math.isfinite(read.range_m)
