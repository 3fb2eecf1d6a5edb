"""Drives of a car whose truth a test sets, as samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.vehicle.reference_car import spec_of
from volant.caros.energy.facts import Facts, facts_of
from volant.caros.energy.profile import RouteProfile, profile_of
from volant.caros.energy.sample import Sample
from volant.vehicle import battery, longitudinal
from volant.vehicle.longitudinal import Around

NS = 1_000_000_000


def the_facts() -> Facts:
    return facts_of(spec_of("g3-520"))


def flat(
    length_m: float = 40_000.0, limit_mps: float = 25.0, heading_rad: float = 0.0
) -> RouteProfile:
    at_m = np.arange(0.0, length_m + 1.0, 500.0)
    return profile_of(
        at_m, np.zeros(len(at_m)), np.full(len(at_m), limit_mps), np.full(len(at_m), heading_rad)
    )


def driven(
    facts: Facts, *, seconds: int = 1500, mass: float = 1.0, capacity: float = 1.0,
    wind_east_mps: float = 0.0, base_w: float = 250.0, charge: float = 0.9,
) -> Iterator[Sample]:  # fmt: skip
    """A speed that rises and falls, on a level road that turns from east to north and back."""
    spec = replace(
        facts.plant,
        mass_kg=facts.plant.mass_kg * mass,
        moved_mass_kg=facts.plant.moved_mass_kg + facts.plant.mass_kg * (mass - 1.0),
        capacity_c=facts.plant.capacity_c * capacity,
        base_load_w=base_w,
    )
    state, speed_mps = battery.start(charge, 293.15, spec), 0.0
    for second in range(seconds):
        heading_rad = 0.5 * math.pi * ((second // 200) % 2)
        around = Around(headwind_mps=-wind_east_mps * math.cos(heading_rad), climate_w=0.0)
        for quarter in range(4):
            now_s = second + 0.25 * quarter
            wished = 18.0 + 10.0 * math.sin(now_s / 20.0) if second > 30 else 0.0
            next_mps = speed_mps + min(max(wished - speed_mps, -0.4), 0.4)
            stretch = longitudinal.cover(state, speed_mps, next_mps, 293.15, spec, 0.25, around)
            speed_mps, state = stretch.speed_mps, stretch.battery
        yield Sample(
            stamp_ns=(second + 1) * NS,
            speed_mps=speed_mps,
            power_w=state.power_w,
            current_a=state.power_w / state.voltage_v,
            charge=state.charge,
            cabin_k=293.15,
            heading_rad=heading_rad,
            slope=0.0,
            limit_mps=30.0,
        )


__all__ = ["NS", "driven", "flat", "the_facts"]
