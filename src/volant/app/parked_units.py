"""The control units of a parked car without a road: what they say each second, and their trouble codes.

The pilot's unit judges its sensors by the program that it runs, as it does in a parked car: what the sensors measure is
given, not simulated. So a program that finds sound sensors broken has its trouble codes here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from msgspec.structs import replace

from volant import __version__
from volant.app.live_diagnostics import told_codes
from volant.app.live_station import OutsideBus
from volant.app.programs import PILOT, booted, pilot_tuning
from volant.app.served_units import UnitsLine, served_units
from volant.caros.codes import fresh_memories, present_codes
from volant.core import topics
from volant.core.body import BodyState
from volant.core.messages import (
    CarPower,
    CarState,
    DriverControls,
    Engagement,
    Gear,
    Indicator,
    PilotState,
    PowerState,
    TroubleCodes,
)
from volant.pilot.perception import track
from volant.pilot.perception.health import HealthTuning, sensor_health
from volant.vehicle import monitors
from volant.vehicle.body import step as body_step
from volant.vehicle.body.around import Surround
from volant.vehicle.boot import Bootloader, Image
from volant.vehicle.ecus import CarFacts, circumstances
from volant.vehicle.monitors import BLIND, RADARS, Heard, MonitorState, Seen
from volant.vehicle.parameters import plant_spec
from volant.vehicle.spec import CarSpec

SENSORS: Final = (*RADARS, *BLIND)
SOUND: Final = (0.3, 0.2, 0.4, 0.5)
"""Spread of a sound sensor as the tracker begins with it: metres and metres a second, along and across."""
CHARGE, SUPPLY_V, CELL_K, AIR_K = 0.8, 12.9, 293.15, 288.15
RANGE_M: Final = 380_000.0
BATTERY_V: Final = 400.0


class ParkedUnits:
    """All of them. `line` asks them by UDS, from any thread; `turn` is the car's own."""

    def __init__(
        self,
        bus: OutsideBus,
        car: CarSpec,
        boots: Mapping[str, Bootloader],
        now_ns: Callable[[], int],
    ) -> None:
        """Units on their bootloaders, which have booted."""
        self._bus, self._boots, self._now_ns = bus, boots, now_ns
        self._spec, self._body = plant_spec(car), body_step.start(AIR_K)
        self._memories = fresh_memories()
        self._state = MonitorState()
        self._ran: tuple[Image, HealthTuning] | None = None
        self._told: TroubleCodes | None = None
        facts = CarFacts(software=__version__)
        self.line = UnitsLine(served_units(facts, self._live, self._memories, boots))

    def turn(self) -> None:
        """Say how the car is, and judge it as its monitors do."""
        now_ns = self._now_ns()
        car, power, pilot = car_state(now_ns), car_power(now_ns), self._pilot(now_ns)
        seen = Seen(car, pilot, None, power)
        self._state, results = monitors.step(self._state, seen, now_ns)
        monitors.report(self._memories, results, now_ns, circumstances(self._live))
        self._bus.publish(topics.CAR_STATE, car)
        self._bus.publish(topics.CAR_POWER, power)
        self._bus.publish(topics.BODY_STATE, self._report(now_ns))
        if pilot is not None:
            self._bus.publish(topics.PILOT_STATE, pilot)
        found = present_codes(self._memories)
        told = told_codes(self._told, found, now_ns, may_clear=True, refused="")
        if told is not None:
            self._told = told
            self._bus.publish(topics.CAR_CODES, told)

    def _live(self, name: str) -> float:
        """A value as it is measured when somebody asks; also called by the thread that asks units."""
        now_ns = self._now_ns()
        seen = Seen(car_state(now_ns), None, None, car_power(now_ns))
        heard = MonitorState(now_ns, car=Heard(now_ns, now_ns))
        return monitors.live_value(name, seen, heard, now_ns)

    def _report(self, now_ns: int) -> BodyState:
        around = Surround(
            stamp_ns=now_ns, speed_mps=0.0, gear=Gear.PARK, ambient_k=AIR_K, charge=CHARGE,
            temperature_k=CELL_K, odometer_m=0.0, battery_w=0.0, loss_w=0.0, motor_rps=0.0,
            motor_nm=0.0,
        )  # fmt: skip
        return body_step.state_of(self._body, around, self._spec)

    def _pilot(self, now_ns: int) -> PilotState | None:
        """What the pilot's unit says of its sensors; None: it runs nothing."""
        running = self._boots[PILOT].running
        if running is None:
            return None
        if self._ran is None or self._ran[0] is not running.image:
            self._ran = (running.image, pilot_tuning(booted(self._boots)).health)
        return pilot_state(now_ns, self._ran[1])


def car_state(now_ns: int) -> CarState:
    """What the units of a parked car measure."""
    return CarState(
        stamp_ns=now_ns, speed_mps=0.0, accel_mps2=0.0, lateral_accel_mps2=0.0, yaw_rate_rps=0.0,
        steer_rad=0.0, gear=Gear.PARK, indicator=Indicator.OFF, hold=True, brake_lights=False,
        charge_pct=100.0 * CHARGE, range_m=RANGE_M, battery_power_w=0.0, battery_voltage_v=BATTERY_V,
        battery_temperature_k=CELL_K, odometer_m=0.0, driver=DriverControls(),
    )  # fmt: skip


def car_power(now_ns: int) -> CarPower:
    """It is parked, and its 12 V side is well."""
    return CarPower(stamp_ns=now_ns, state=PowerState.PARKED, supply_v=SUPPLY_V)


def pilot_state(now_ns: int, tuning: HealthTuning) -> PilotState:
    """What a pilot whose sensors are sound says of them, by its own tuning."""
    many = len(SENSORS)
    tracker = replace(
        track.start(), sensors=SENSORS, noise=np.tile(SOUND, (many, 1)), frozen=(0,) * many,
        heard_ns=(now_ns,) * many, lag_s=(0.0,) * many,
    )  # fmt: skip
    found = sensor_health(tracker, now_ns, tuning).codes()
    return PilotState(
        stamp_ns=now_ns, engagement=Engagement.OFF, code="ok", words="", set_speed_mps=0.0,
        time_gap_setting_s=2.0, functions=(), ready=False, degraded=tuple(code for code, _ in found),
    )  # fmt: skip
