"""The port for worlds that others wrote: they tell what is there, our drivers answer by two numbers.

Everything is in our frame (ENU, rear axle, left positive); an adapter turns its world's own axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from volant.core.clock import NS_PER_S
from volant.core.messages import (
    CarState,
    DriverControls,
    Gear,
    Indicator,
    LaneStrip,
    Observation,
    Scene,
    Track,
)
from volant.core.ports import Driver

MOST_STEPS: Final = 10_000
STANDS_MPS: Final = 0.1
POINT_APART_M: Final = 0.5
"""Where strips meet, their ends are one point."""


@dataclass(frozen=True, slots=True)
class ExternalEgo:
    """The own car in somebody's world."""

    x_m: float
    """Middle of the rear axle."""
    y_m: float
    yaw_rad: float
    speed_mps: float
    accel_mps2: float = 0.0
    yaw_rate_rps: float = 0.0


@dataclass(frozen=True, slots=True)
class ExternalBody:
    """The own car's outline and reach."""

    length_m: float
    width_m: float
    rear_overhang_m: float
    max_curvature_per_m: float


@dataclass(frozen=True, slots=True)
class ExternalView:
    """What is told at one step."""

    stamp_ns: int
    ego: ExternalEgo
    lanes: tuple[LaneStrip, ...]
    """Lanes near the car as polylines, each with its limit."""
    route: LaneStrip
    """The way that the car is to take, from behind it to as far as is known."""
    objects: tuple[Track, ...]
    goal: str | None = None
    """The lane at whose end the car is to arrive; none: it is to drive on."""


class ExternalWorld(Protocol):
    """Somebody's world with our car in it."""

    @property
    def body(self) -> ExternalBody:
        """The car it gives us."""

    @property
    def over(self) -> bool:
        """Whether the run has ended."""

    def observe(self) -> ExternalView:
        """What is there now."""

    def act(self, accel_mps2: float, steer_rad: float) -> None:
        """Drive on for one step with this acceleration and angle of the front wheels."""


class MakesDriver(Protocol):
    """Makes a driver for a car and its way."""

    def __call__(self, body: ExternalBody, view: ExternalView) -> Driver[Any]:
        """The driver, at the first step."""


@dataclass(frozen=True, slots=True)
class ExternalDrive:
    """What came of a drive."""

    steps: int
    distance_m: float
    duration_s: float
    stood_s: float
    """At the end of the drive, without a break."""
    state: Any
    """The driver's own, at the end."""


def drive_external(world: ExternalWorld, make: MakesDriver, wheelbase_m: float) -> ExternalDrive:
    """Drive until the world is over."""
    view = world.observe()
    driver = make(world.body, view)
    state, steps = driver.start(), 0
    distance_m, moved_ns, began_ns = 0.0, view.stamp_ns, view.stamp_ns
    while not world.over and steps < MOST_STEPS:
        before = view
        state, command = driver.step(state, observation_of(view, wheelbase_m), view.stamp_ns)
        world.act(command.accel_mps2, math.atan(wheelbase_m * command.curvature_per_m))
        view = world.observe()
        steps += 1
        distance_m += before.ego.speed_mps * (view.stamp_ns - before.stamp_ns) / NS_PER_S
        moved_ns = view.stamp_ns if view.ego.speed_mps > STANDS_MPS else moved_ns
    duration_s = (view.stamp_ns - began_ns) / NS_PER_S
    return ExternalDrive(
        steps, distance_m, duration_s, (view.stamp_ns - moved_ns) / NS_PER_S, state
    )


def observation_of(view: ExternalView, wheelbase_m: float) -> Observation:
    """A view as our drivers know it: the second door of the pilot."""
    ego = view.ego
    bend = ego.yaw_rate_rps / ego.speed_mps if abs(ego.speed_mps) > 0.5 else 0.0
    car = CarState(
        stamp_ns=view.stamp_ns,
        speed_mps=ego.speed_mps,
        accel_mps2=ego.accel_mps2,
        lateral_accel_mps2=ego.speed_mps * ego.yaw_rate_rps,
        yaw_rate_rps=ego.yaw_rate_rps,
        steer_rad=math.atan(wheelbase_m * bend),
        gear=Gear.DRIVE,
        indicator=Indicator.OFF,
        hold=False,
        brake_lights=ego.accel_mps2 < -0.7,
        charge_pct=80.0,
        range_m=300_000.0,
        battery_power_w=0.0,
        battery_voltage_v=400.0,
        battery_temperature_k=293.15,
        odometer_m=0.0,
        driver=DriverControls(),
    )
    scene = Scene(
        stamp_ns=view.stamp_ns,
        x_m=ego.x_m,
        y_m=ego.y_m,
        yaw_rad=ego.yaw_rad,
        tracks=view.objects,
        lanes=view.lanes,
    )
    return Observation(stamp_ns=view.stamp_ns, car=car, scene=scene)


def route_along(strips: Sequence[LaneStrip]) -> LaneStrip:
    """The way along strips, one behind the other, as one strip with the limit of the first."""
    points = [point for one in strips for point in zip(one.x_m, one.y_m, strict=True)]
    apart = [
        one
        for k, one in enumerate(points)
        if not k or math.dist(one, points[k - 1]) > POINT_APART_M
    ]
    x_m, y_m = zip(*apart, strict=True)
    first = strips[0]
    return LaneStrip(
        lane="route", x_m=x_m, y_m=y_m, width_m=first.width_m, limit_mps=first.limit_mps
    )


def bridge(
    begin: tuple[float, float],
    begin_rad: float,
    end: tuple[float, float],
    end_rad: float,
    point_m: float,
) -> list[tuple[float, float]]:
    """Points of a cubic from one place and heading to another, for lanes that do not meet.

    point_m: how far apart they are, about.
    """
    (x, y), (to_x, to_y) = begin, end
    reach_m = math.dist(begin, end)
    count = max(1, math.ceil(reach_m / point_m))
    found = []
    for u in (j / count for j in range(count + 1)):
        a, b = (1.0 + 2.0 * u) * (1.0 - u) ** 2, u**2 * (3.0 - 2.0 * u)
        c, d = reach_m * u * (1.0 - u) ** 2, reach_m * u**2 * (u - 1.0)
        px = a * x + b * to_x + c * math.cos(begin_rad) + d * math.cos(end_rad)
        py = a * y + b * to_y + c * math.sin(begin_rad) + d * math.sin(end_rad)
        found.append((px, py))
    return found
