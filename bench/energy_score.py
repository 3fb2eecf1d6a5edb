"""Drives seeded trips and compares what was foretold of the rest with what it then used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from bench.energy_truth import Second, Truth, as_mapped, drive, route_of, truth_of
from volant.caros.energy import learn
from volant.caros.energy.facts import Facts, facts_of
from volant.caros.energy.learn import Learned
from volant.caros.energy.predict import Conditions, Forecast, forecast
from volant.caros.energy.profile import RouteProfile
from volant.caros.energy.sample import Sample, sample_of
from volant.core.settings import find_data
from volant.vehicle import load_spec

CAR: Final = "g3-520"
MARKS_KM: Final = (0, 5, 10, 20, 40)
LEAST_LEFT_M: Final = 15_000.0
"""A rest that is shorter is not scored: one light more is a percent of it."""
_NOMINAL: Final[Mapping[str, Any]] = {
    "mass": 1.0, "capacity": 0.95, "wind_east_mps": 0.0, "wind_north_mps": 0.0, "rolling": 1.0, "base": 1.0,
    "walls": 1.0, "pace": 1.0, "pace_by_class": (0.0, 0.0, 0.0), "push_mps2": 1.3, "brake_mps2": 1.5,
    "stop_share": 0.5, "wait_s": 20.0,
}  # fmt: skip
_GROUPS: Final = {
    "chance alone (lights, traffic, gusts, map)": (),
    "mass": ("mass",),
    "capacity": ("capacity",),
    "wind": ("wind_east_mps", "wind_north_mps"),
    "style": ("pace", "pace_by_class", "push_mps2", "brake_mps2", "stop_share", "wait_s"),
    "tyres, base load, cabin": ("rolling", "base", "walls"),
}
CAUSES: Final[Mapping[str, Mapping[str, Any]]] = {
    name: {key: value for key, value in _NOMINAL.items() if key not in keys}
    for name, keys in _GROUPS.items()
}
"""What is as the maker says while one thing is not."""


@dataclass(slots=True)
class Score:
    """One trip."""

    truth: Truth
    tail_mps: float = 0.0
    """Mean tailwind along the route."""
    errors: dict[int, float] = field(default_factory=dict)
    """By km: charge foretold by the true one, less one."""
    held: dict[int, bool] = field(default_factory=dict)
    """Whether the true charge at the end lay in the band."""
    words: dict[int, str] = field(default_factory=dict)


@cache
def facts() -> Facts:
    """Of the car that is scored."""
    return facts_of(load_spec(find_data("cars", CAR)))


def conditions_of(sample: Sample) -> Conditions:
    """What a sample says of car and weather."""
    return Conditions(
        charge=sample.charge,
        speed_mps=sample.speed_mps,
        ambient_k=sample.ambient_k,
        battery_k=sample.battery_k,
        cabin_k=sample.cabin_k,
        wished_k=sample.wished_k,
        fan=sample.fan,
        climate_on=sample.climate_on,
    )


def _words(learned: Learned) -> str:
    cells = [f"{one:.2f}+-{learned.sigma(k):.2f}" for k, one in enumerate(learned.factors)]
    style = learned.style
    return (
        f"{' '.join(cells)} cap {learned.capacity:.3f} pace {style.pace:.3f} stops {style.stop_share:.2f}"
        f" wait {style.wait_s:.0f} push {style.push_mps2:.1f} brake {style.brake_mps2:.1f}"
    )


def run(
    route: RouteProfile, truth: Truth, learned: Learned
) -> tuple[Learned, dict[int, tuple[Second, Forecast, str]], Second]:
    """Drive a trip, learning; forecasts at the marks, and the last second."""
    mapped = as_mapped(route, truth.seed)
    before_m, marks = math.nan, list(MARKS_KM)
    found: dict[int, tuple[Second, Forecast, str]] = {}
    second = None
    for second in drive(route, truth, facts().plant):
        sample = sample_of(second.values, second.stamp_ns, mapped, before_m, second.at_m)
        before_m = second.at_m
        if sample is None:
            continue
        learned = learn.step(learned, sample, facts())
        if marks and second.at_m >= 1000.0 * marks[0]:
            km = marks.pop(0)
            if route.length_m - second.at_m >= LEAST_LEFT_M:
                told = forecast(mapped, second.at_m, facts(), learned, conditions_of(sample))
                found[km] = (second, told, _words(learned))
    assert second is not None
    return learned, found, second


def score(
    seed: int, kind: str, *, known: Mapping[str, Any] | None = None, memory: bool = False
) -> Score:
    """One seeded trip; with `memory` car and driver have made another one before."""
    truth, route = truth_of(seed, kind, **(known or {})), route_of(seed, kind)
    learned = learn.start(facts())
    if memory:
        former = truth_of(seed, "mixed", **_same(truth))
        learned, _found, _end = run(route_of(seed + 500_000, "mixed"), former, learned)
        learned = learn.read_stored(learn.stored(learn.parked(learned)), facts())
    _learned, found, end = run(route, truth, learned)
    result = Score(truth, _tail_mps(route, truth))
    for km, (second, told, words) in found.items():
        used = second.charge - end.charge
        if end.at_m < route.length_m - 100.0:
            continue
        result.errors[km] = told.charge_used / used - 1.0
        result.held[km] = told.charge_low <= end.charge <= told.charge_high
        result.words[km] = words
    return result


def _same(truth: Truth) -> dict[str, Any]:
    """What of a trip is the car's and the driver's, not the day's."""
    names = ("mass", "capacity", "rolling", "base", "walls", "pace", "pace_by_class", "push_mps2",
             "brake_mps2", "stop_share", "wait_s")  # fmt: skip
    return {name: getattr(truth, name) for name in names}


def _tail_mps(route: RouteProfile, truth: Truth) -> float:
    cells = [
        truth.wind_east_mps * math.cos(one) + truth.wind_north_mps * math.sin(one)
        for one in route.heading_rad.tolist()
    ]
    return sum(cells) / len(cells)
