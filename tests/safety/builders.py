"""Short ways to the guard's inputs: a car at a speed, a command, a path, and a car that obeys."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from volant.core.messages import (
    CarState,
    Command,
    DriverControls,
    DriverRequest,
    Gear,
    GuardDecision,
    Indicator,
    RequestKind,
    StopPath,
)
from volant.safety import guard
from volant.safety.guard import GuardInput, GuardSettings, GuardState, Permission

TICK_NS = 10_000_000
SETTINGS = GuardSettings(wheelbase_m=2.6, steering_ratio=15.0)


def car_state(stamp_ns: int, speed_mps: float = 20.0, **changes: Any) -> CarState:
    plain: dict[str, Any] = {
        "stamp_ns": stamp_ns,
        "speed_mps": speed_mps,
        "accel_mps2": 0.0,
        "lateral_accel_mps2": 0.0,
        "yaw_rate_rps": 0.0,
        "steer_rad": 0.0,
        "gear": Gear.DRIVE,
        "indicator": Indicator.OFF,
        "hold": False,
        "brake_lights": False,
        "charge_pct": 80.0,
        "range_m": 400e3,
        "battery_power_w": 0.0,
        "battery_voltage_v": 350.0,
        "battery_temperature_k": 300.0,
        "odometer_m": 0.0,
        "driver": DriverControls(),
    }
    return CarState(**{**plain, **changes})


def command(
    stamp_ns: int, accel_mps2: float = 0.0, curvature_per_m: float = 0.0, **changes: Any
) -> Command:
    return Command(
        stamp_ns=stamp_ns, accel_mps2=accel_mps2, curvature_per_m=curvature_per_m, **changes
    )


def request(stamp_ns: int, kind: RequestKind = RequestKind.ENGAGE, **changes: Any) -> DriverRequest:
    return DriverRequest(stamp_ns=stamp_ns, kind=kind, **changes)


def arc_path(
    stamp_ns: int, length_m: float = 150.0, curvature_per_m: float = 0.0, step_m: float = 1.0
) -> StopPath:
    """A stop path of constant curvature that starts under the car along its x axis."""
    count = round(length_m / step_m) + 1
    x_m, y_m = [], []
    for index in range(count):
        way_m = index * step_m
        if curvature_per_m == 0.0:
            x_m.append(way_m)
            y_m.append(0.0)
        else:
            x_m.append(math.sin(curvature_per_m * way_m) / curvature_per_m)
            y_m.append((1.0 - math.cos(curvature_per_m * way_m)) / curvature_per_m)
    return StopPath(
        stamp_ns=stamp_ns,
        step_m=step_m,
        x_m=tuple(x_m),
        y_m=tuple(y_m),
        curvature_per_m=(curvature_per_m,) * count,
    )


@dataclass
class Drive:
    """The guard with a car that does what it is told, after lag; ticks of 10 ms."""

    speed_mps: float = 20.0
    settings: GuardSettings = SETTINGS
    lag_s: float = 0.0
    """Of the steering actuator, first order."""
    state: GuardState = field(default_factory=guard.start)
    stamp_ns: int = 0
    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0
    curvature_per_m: float = 0.0
    accel_mps2: float = 0.0
    gust_rps: float = 0.0
    """Turning that nobody commanded; the IMU sees it."""
    decisions: list[GuardDecision] = field(default_factory=list)

    def tick(
        self,
        accel_mps2: float | None = None,
        curvature_per_m: float = 0.0,
        *,
        controls: DriverControls | None = None,
        kinds: tuple[RequestKind, ...] = (),
        car: CarState | str | None = "fresh",
        ask: Command | None = None,
        car_changes: dict[str, Any] | None = None,
        **given: Any,
    ) -> GuardDecision:
        """One check, then 10 ms of driving. No acceleration: the pilot's last command stays."""
        self.stamp_ns += TICK_NS
        if ask is None and accel_mps2 is not None:
            ask = command(self.stamp_ns, accel_mps2, curvature_per_m)
        if ask is not None:
            self.asked: Command | None = ask
        if car == "fresh":
            self.car = car_state(
                **{
                    "stamp_ns": self.stamp_ns,
                    "speed_mps": self.speed_mps,
                    "yaw_rate_rps": self.speed_mps * self.curvature_per_m + self.gust_rps,
                    "accel_mps2": self.accel_mps2,
                    "driver": controls or DriverControls(),
                    **(car_changes or {}),
                },
            )
        shown = self.car if car in ("fresh", "frozen") else car
        self.state, decision = guard.check(
            self.state,
            GuardInput(
                self.stamp_ns,
                shown,
                getattr(self, "asked", None),
                requests=tuple(request(self.stamp_ns, kind) for kind in kinds),
                **given,
            ),
            self.settings,
        )
        self.decisions.append(decision)
        self._move(decision.command)
        return decision

    def _move(self, done: Command) -> None:
        span_s = TICK_NS * 1e-9
        share = 1.0 if self.lag_s == 0.0 else span_s / (self.lag_s + span_s)
        self.curvature_per_m += share * (done.curvature_per_m - self.curvature_per_m)
        self.accel_mps2 = done.accel_mps2
        before_mps = self.speed_mps
        self.speed_mps = before_mps + done.accel_mps2 * span_s
        if done.hold or (before_mps > 0.0 > self.speed_mps):
            self.speed_mps = 0.0
        turn_rad = (self.speed_mps * self.curvature_per_m + self.gust_rps) * span_s
        self.x_m += self.speed_mps * span_s * math.cos(self.yaw_rad + 0.5 * turn_rad)
        self.y_m += self.speed_mps * span_s * math.sin(self.yaw_rad + 0.5 * turn_rad)
        self.yaw_rad += turn_rad

    def engage(self, **given: Any) -> GuardDecision:
        """Press the button with a quiet command there."""
        decision = self.tick(0.0, kinds=(RequestKind.ENGAGE,), **given)
        assert self.state.permission is Permission.PILOT, decision.reason
        return decision

    def until(self, seconds: float, **given: Any) -> GuardDecision:
        """Ticks for a time, all alike."""
        for _ in range(round(seconds * 100)):
            decision = self.tick(**given)
        return decision
