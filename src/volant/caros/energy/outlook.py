"""The car's outlook as a pure step: values of signals in, what is expected of the charge out.

It learns from a sample a second and looks ahead every two. It sees nothing but signals; slope, limits and
chargers are those of the route on the tree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from volant.caros.energy import learn, route
from volant.caros.energy.advice import RESERVE, Advice, advise, words_of
from volant.caros.energy.facts import Facts
from volant.caros.energy.learn import Learned
from volant.caros.energy.predict import Conditions, range_m
from volant.caros.energy.profile import RouteProfile
from volant.caros.energy.sample import PATHS as SAMPLED
from volant.caros.energy.sample import Sample, sample_of
from volant.core.clock import NS_PER_S
from volant.core.messages import EnergyArrival, EnergyState, EnergyStop

SAMPLE_NS: Final = NS_PER_S
LOOK_NS: Final = 2 * NS_PER_S
PATHS: Final = tuple(dict.fromkeys((*SAMPLED, route.LENGTH, route.POSITION)))
"""What is read each time."""
MOST_STOPS: Final = 8
MOST_PCT: Final = 100.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What lives from step to step."""

    facts: Facts
    learned: Learned
    profile: RouteProfile | None = None
    told: tuple[Any, ...] = ()
    """The values that the profile was made of."""
    at_m: float = math.nan
    """Place on the route at the last sample."""
    sampled_ns: int = -SAMPLE_NS
    looked_ns: int = -LOOK_NS


def start(facts: Facts, learned: Learned) -> Outlook:
    """Before the first values."""
    return Outlook(facts, learned)


def step(
    memory: Outlook, values: Mapping[str, Any], stamp_ns: int, now_ns: int
) -> tuple[Outlook, EnergyState | None]:
    """Take in values of signals.

    Args:
        memory: of the last step.
        values: the latest of each path in `PATHS` and `route.PATHS` that has one.
        stamp_ns: when the car told them, by any clock that only goes forward.
        now_ns: the car's time.
    """
    memory = _with_route(memory, values)
    if stamp_ns - memory.sampled_ns < SAMPLE_NS:
        return memory, None
    at_m = _position(memory.profile, values)
    sample = sample_of(values, stamp_ns, memory.profile, memory.at_m, at_m)
    if sample is None:
        return memory, None
    learned = learn.step(memory.learned, sample, memory.facts)
    memory = replace(memory, learned=learned, at_m=at_m, sampled_ns=stamp_ns)
    if now_ns - memory.looked_ns < LOOK_NS:
        return memory, None
    return replace(memory, looked_ns=now_ns), _look(memory, sample, now_ns)


def _with_route(memory: Outlook, values: Mapping[str, Any]) -> Outlook:
    """The memory with the route as the tree tells it now."""
    told = tuple(values.get(path) for path in (route.LENGTH, *route.ARRAYS))
    if told == memory.told:
        return memory
    return replace(memory, profile=route.profile_on(values), told=told, at_m=math.nan)


def _position(profile: RouteProfile | None, values: Mapping[str, Any]) -> float:
    at_m = values.get(route.POSITION)
    if profile is None or not isinstance(at_m, int | float):
        return math.nan
    return min(max(float(at_m), 0.0), profile.length_m)


def _look(memory: Outlook, sample: Sample, now_ns: int) -> EnergyState:
    conditions = Conditions(
        charge=sample.charge,
        speed_mps=max(sample.speed_mps, 0.0),
        ambient_k=sample.ambient_k,
        battery_k=sample.battery_k,
        cabin_k=sample.cabin_k,
        wished_k=sample.wished_k,
        climate_on=sample.climate_on,
    )
    facts, learned = memory.facts, memory.learned
    profile = memory.profile if math.isfinite(memory.at_m) else None
    at_m = memory.at_m if profile is not None else 0.0
    left_m = range_m(facts, learned, conditions, profile=profile, at_m=at_m)
    seen = None if profile is None else advise(profile, at_m, facts, learned, conditions)
    return EnergyState(
        stamp_ns=now_ns,
        range_m=max(left_m, 0.0) if math.isfinite(left_m) else 0.0,
        arrival=None if seen is None else _arrival(seen),
        reaches=seen is None or seen.plan.reaches,
        stops=() if seen is None else _stops(seen, at_m),
        advice="" if seen is None else words_of(seen, at_m, RESERVE),
        learned_m=learned.driven_m,
    )


def _arrival(seen: Advice) -> EnergyArrival:
    found = seen.forecast
    return EnergyArrival(
        distance_m=found.distance_m,
        drive_s=found.time_s,
        energy_j=found.energy_j,
        charge_pct=100.0 * found.charge_at_end,
        low_pct=100.0 * found.charge_low,
        high_pct=min(100.0 * found.charge_high, MOST_PCT),
    )


def _stops(seen: Advice, at_m: float) -> tuple[EnergyStop, ...]:
    return tuple(
        EnergyStop(
            name=one.name,
            ahead_m=max(one.at_m - at_m, 0.0),
            arrive_pct=100.0 * one.arrive,
            leave_pct=100.0 * one.leave,
            charge_s=one.charge_s,
        )
        for one in seen.plan.stops[:MOST_STOPS]
    )


__all__ = ["PATHS", "Outlook", "start", "step"]
