"""The pilot dies at seeded moments of a drive on the motorway ring: the guard stops the car by itself.

The drive forks at each moment, so that all moments come from one drive. The same components run here on
virtual time; with processes and kill -9 it is shown by test_up.py.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

import pytest

from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.exits import Exit
from volant.app.trip import TripWish
from volant.core import topics
from volant.core.bus import Bus, InlineBus
from volant.core.chance import Chance
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.component import Component, Inputs, Outputs
from volant.core.messages import CommandSource, Indicator

STANDS_MPS = 0.05
MOST_BRAKE_MPS2 = 4.3
"""Of a stop at 4 m/s2 at most (UN R157 5.5, recalled), and what the actuators add to what is asked."""
HALF_LANE_M = 1.75
"""The rear axle's middle further than this from the lane's is over the line."""


class Fate:
    """When the pilot dies, and what is seen after that; a fork of the drive for each moment."""

    def __init__(self, moments_ns: set[int], graph: Any) -> None:
        self.dead_ns: int | None = None
        self.rows: list[dict[str, Any]] = []
        self.row: dict[str, Any] = {}
        self._moments, self._graph = moments_ns, graph
        self._pipe = -1
        self._ended = False
        self._stamp_ns = 0

    def around(self, part: Component) -> Component:
        if part.name != "pilot":
            return part

        def step(state: Any, inputs: Inputs, stamp_ns: int) -> tuple[Any, Outputs]:
            if self.dead_ns is not None:
                return state, ()
            return part.step(state, inputs, stamp_ns)

        return dataclasses.replace(part, step=step)

    def watch(self, bus: Bus) -> Any:
        self._ego = bus.subscribe(topics.WORLD_EGO)
        self._guard = bus.subscribe(topics.GUARD_DECISION)
        self._plan = bus.subscribe(topics.PILOT_PLAN)
        return self.look

    def look(self, stamp_ns: int) -> None:
        self._stamp_ns = stamp_ns
        ego, decision = self._ego.latest, self._guard.latest
        if self.dead_ns is None:
            piloted = decision.source is CommandSource.COMFORT
            if stamp_ns in self._moments and piloted and ego.speed_mps > 5.0:
                self._fork(stamp_ns, ego)
            return
        row = self.row
        row["most_brake_mps2"] = max(row["most_brake_mps2"], -ego.accel_mps2)
        row["hazard"] = row["hazard"] or ego.indicator is Indicator.HAZARD
        row["sources"] = sorted({*row["sources"], decision.source.value})
        row["off_m"] = max(row["off_m"], self._off_m(ego))
        self._ended = abs(ego.speed_mps) < STANDS_MPS

    def _fork(self, stamp_ns: int, ego: Any) -> None:
        out, into = os.pipe()
        pid = os.fork()
        if pid:
            os.close(into)
            with os.fdopen(out) as told:
                self.rows.append(json.loads(told.read()))
            os.waitpid(pid, 0)
            return
        os.close(out)
        self._pipe, self.dead_ns = into, stamp_ns
        self.row = {
            "at_s": stamp_ns / NS_PER_S,
            "speed_mps": ego.speed_mps,
            "bend_per_m": ego.yaw_rate_rps / max(ego.speed_mps, 1.0),
            "changing_lane": self._off_m(ego) > 0.6,
            "most_brake_mps2": 0.0,
            "hazard": False,
            "sources": [],
            "off_m": 0.0,
        }

    def _off_m(self, ego: Any) -> float:
        """Distance of the car's rear axle from the middle of the lane that it is on."""
        place = self._graph.locate(ego.x_m, ego.y_m, ego.yaw_rad)
        return 99.0 if place is None else abs(place.offset_m)

    def asked(self) -> tuple[Exit, str] | None:
        if self._ended:
            return Exit.DONE, "stands"
        return None


def drive_with_deaths(seed: int, count: int, span_s: float) -> list[dict[str, Any]]:
    trip = plan_trip(
        TripWish(
            car="g3-520",
            road="volant-world",
            seed=1,
            sensors="typical",
            cars=None,
            distance_m=30.0 * span_s,
        )
    )
    chance = Chance.of(seed, "deaths")
    ticks = round(span_s * NS_PER_S / CONTROL_TICK_NS)
    moments = {round(chance.uniform(i, 500, ticks)) * CONTROL_TICK_NS for i in range(count)}
    fate = Fate(moments, trip.graph)
    driven = drive_trip(
        trip, bus=InlineBus(), around=fate.around, watch=fate.watch, asked_to_end=fate.asked
    )
    if fate.dead_ns is not None:
        found = driven.summary
        fate.row["contacts_at_fault"] = found.contacts_at_fault
        fate.row["contacts"] = found.contacts
        os.write(fate._pipe, json.dumps(fate.row).encode())
        os._exit(0)
    return fate.rows


def check(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["contacts_at_fault"] == 0, row
        assert row["hazard"], row
        assert row["most_brake_mps2"] < MOST_BRAKE_MPS2 or "aeb" in row["sources"], row
        assert row["changing_lane"] or row["off_m"] < HALF_LANE_M, row


@pytest.mark.slow
def test_a_car_whose_pilot_dies_stops_in_its_lane_and_touches_nobody() -> None:
    rows = drive_with_deaths(seed=1, count=4, span_s=60.0)
    assert rows
    check(rows)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_fifty_moments_on_curves_and_in_traffic() -> None:
    rows = drive_with_deaths(seed=2, count=150, span_s=330.0)
    assert len(rows) >= 50
    check(rows)
