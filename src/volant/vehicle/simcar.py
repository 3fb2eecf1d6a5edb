"""The `Car` port on the plant: what a real car would report and obey, in a simulated world.

`advance` moves the machine to a stamp with the last command; `read` measures it and asks the
surroundings for sensor frames. Nothing here judges a command: that is the guard's; a command that is
not a number is refused and the last one stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from volant.core.body import BodyRequest, BodyState, ImpactState
from volant.core.chance import Chance
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S, PILOT_TICK_NS, PLANT_TICK_NS
from volant.core.geometry import Pose, wrap_angle_rad
from volant.core.messages import (
    CarState,
    Command,
    Contact,
    DriverControls,
    EgoTruth,
    Gear,
    Indicator,
    PowerState,
    SensorFrames,
)
from volant.core.ports import Surroundings
from volant.vehicle import cell, consumption, ecu, plant
from volant.vehicle.body import step as body_step
from volant.vehicle.boot.calibration import Programs, dead, factory_programs, programmed
from volant.vehicle.consumption import Consumption
from volant.vehicle.network.actuating import BrakeState, brake_step
from volant.vehicle.parameters import PlantSpec, plant_spec
from volant.vehicle.plant import Demand, Ground, PlantState
from volant.vehicle.selector import Selector
from volant.vehicle.spec import CarSpec, Figure, Measured, Status

STEP_S: Final = PLANT_TICK_NS / NS_PER_S
BODY_STEP_S: Final = PILOT_TICK_NS / NS_PER_S
BODY_EVERY_NS: Final = NS_PER_S
"""The body reports at least so often."""
VITAL: Final = frozenset({"drive", "brake", "steer"})
"""Units without which the car's state is not to be trusted, as it is on buses (`required` in a mapping)."""
LONGEST_NS: Final = NS_PER_S
"""One call of `advance` simulates at most this; a clock that jumps further costs no minutes."""


@dataclass(frozen=True, slots=True)
class CarStart:
    """Where and how a drive begins; the pose is the middle of the rear axle."""

    pose: Pose
    z_m: float = 0.0
    speed_mps: float = 0.0
    curvature_per_m: float = 0.0
    """Of the bend that it rolls along; left positive."""
    charge_pct: float = 90.0
    ambient_k: float = 293.15
    friction: float = 1.0
    """Of the dry road's."""


class ControlUnits(Protocol):
    """What stands between the port and the machine: the control units, joined directly or by buses."""

    gear: Gear
    indicator: Indicator
    holding: bool
    brake_lights: bool

    def apply(self, command: Command, stamp_ns: int) -> None:
        """Take a command; it holds until the next one."""

    def reprogram(self, spec: PlantSpec, dead: frozenset[str]) -> None:
        """Take what units have booted anew: the car by their programs, and those that are dead."""

    def step(self, state: PlantState, ground: Ground, now_ns: int) -> Demand:
        """One control tick: what is asked of the actuators until `now_ns`."""

    def tell(self, body: BodyState) -> None:
        """Take what the body and the small units measure."""

    def report(
        self,
        measured: CarState,
        sensors: SensorFrames | None,
        state: PlantState,
    ) -> CarState:
        """What of the measured state arrives at who reads the car."""


class DirectUnits:
    """Control units that are asked and answer without a bus."""

    def __init__(self, spec: PlantSpec, command: Command, dead: frozenset[str]) -> None:
        self._spec, self._command, self._dead = spec, command, dead
        self._brake = BrakeState(ecu.hold_force_n(spec) if command.hold else 0.0)
        self._held_rad = ecu.steer_for(command.curvature_per_m, 0.0, spec)
        self._ecu = ecu.EcuState(gear=command.gear)
        self._take(self._ecu)

    def _take(self, state: ecu.EcuState) -> None:
        self._ecu = state
        self.gear, self.holding, self.brake_lights = state.gear, state.holding, state.brake_lights
        self.indicator = Indicator.OFF if "body" in self._dead else self._command.indicator

    def apply(self, command: Command, stamp_ns: int) -> None:  # noqa: ARG002 - the protocol names it
        """Take a command."""
        self._command = command
        if "body" not in self._dead:
            self.indicator = command.indicator

    def reprogram(self, spec: PlantSpec, dead: frozenset[str]) -> None:
        """Take what units have booted anew."""
        self._spec, self._dead = spec, dead

    def step(self, state: PlantState, ground: Ground, now_ns: int) -> Demand:  # noqa: ARG002
        """One control tick."""
        output = ecu.step(self._ecu, self._command, state, ground, self._spec, 2.0 * STEP_S)
        if self._dead:
            return self._degraded(output, state)
        self._take(output.state)
        return output.demand

    def _degraded(self, output: ecu.EcuOutput, state: PlantState) -> Demand:
        """What is left when units are dead, as on buses (`network.simulated`)."""
        demand = output.demand
        if "drive" in self._dead:
            self.holding = False
            self._brake = brake_step(self._brake, None, state, self._spec, 2.0 * STEP_S)
            demand = msgspec.structs.replace(
                demand, drive_n=0.0, brake_n=self._brake.force_n, locked=False
            )
        else:
            self._take(output.state)
            self._brake = BrakeState(demand.brake_n)
        if "brake" in self._dead:
            self.brake_lights = False
            demand = msgspec.structs.replace(demand, brake_n=0.0)
        if "steer" in self._dead:
            demand = msgspec.structs.replace(demand, steer_rad=self._held_rad)
        else:
            self._held_rad = demand.steer_rad
        return demand

    def tell(self, body: BodyState) -> None:
        """Nobody hears it here: `SimCar.body` gives it."""

    def report(
        self,
        measured: CarState,
        sensors: SensorFrames | None,  # noqa: ARG002 - the protocol names it
        state: PlantState,  # noqa: ARG002
    ) -> CarState:
        """All of it, as it is; who reads it must not trust a car whose units are dead."""
        if self._dead & VITAL:
            return msgspec.structs.replace(measured, valid=False)
        return measured


class UnitsStart(Protocol):
    """Makes control units for a machine and its first command."""

    def __call__(self, spec: PlantSpec, command: Command, dead: frozenset[str], /) -> ControlUnits:
        """The units, believing this command at stamp 0; `dead` names those that have booted no program."""


class SimCar:
    """A simulated car that implements `core.ports.Car`."""

    def __init__(
        self,
        spec: CarSpec,
        surroundings: Surroundings,
        start: CarStart,
        chance: Chance,
        units: UnitsStart = DirectUnits,
        programs: Programs | None = None,
    ) -> None:
        """A car at its start.

        Args:
            spec: the facts of the car.
            surroundings: its world.
            start: where and how it begins.
            chance: noise of what it measures.
            units: makes its control units.
            programs: what they have booted; None: what they left the factory with.
        """
        self.spec = spec
        self._facts = plant_spec(spec)
        if programs is None:
            programs = factory_programs(self._facts)
        self._plant_spec = programmed(self._facts, programs)
        self._surroundings = surroundings
        self._size = (spec.length_m, spec.width_m, spec.rear_overhang_m)
        self._chance = chance
        moving = start.speed_mps != 0.0
        self._state = plant.start(
            self._plant_spec,
            start.pose,
            speed_mps=start.speed_mps,
            curvature_per_m=start.curvature_per_m,
            brake_n=0.0 if moving else ecu.hold_force_n(self._plant_spec),
            charge=start.charge_pct / 100.0,
            temperature_k=start.ambient_k,
            dt_s=STEP_S,
        )
        gear = Gear.PARK
        if moving:
            gear = Gear.DRIVE if start.speed_mps > 0.0 else Gear.REVERSE
        first = Command(
            stamp_ns=0,
            accel_mps2=0.0,
            curvature_per_m=start.curvature_per_m,
            gear=gear,
            hold=not moving,
        )
        self._units = units(self._plant_spec, first, dead(programs))
        self._controls = DriverControls()
        self._ground = Ground(0.0, 0.0, start.friction, start.ambient_k)
        self._z_m = start.z_m
        self._stamp_ns = 0
        self._usual_j_per_m = usual_j_per_m(spec)
        self._consumption = Consumption(self._usual_j_per_m)
        self._body = body_step.start(start.ambient_k)
        self._impact = ImpactState()
        self._asked: list[BodyRequest] = []
        self._load_w = self._heat_w = 0.0
        self._asleep = False
        self._told_ns: int | None = None
        """When the body last reported; None: it has something new to say."""
        self._selector = Selector(first)
        self.refused = 0
        """How many commands were not numbers."""

    @property
    def state(self) -> PlantState:
        """The plant's own state, for judging and plots."""
        return self._state

    def set_controls(self, controls: DriverControls) -> None:
        """What the driver's hands and feet do; reported, and acted on by the guard."""
        self._controls = controls

    def apply(self, command: Command, stamp_ns: int) -> None:
        """Take a command; it holds until the next one. One that is not a number is refused.

        While a charging cable is plugged in the car stays in park, whoever commands it.
        """
        if math.isfinite(command.accel_mps2) and math.isfinite(command.curvature_per_m):
            if body_step.plugged(self._body):
                command = msgspec.structs.replace(command, gear=Gear.PARK, hold=True)
            self._units.apply(self._selector.passed(command, stamp_ns), stamp_ns)
        else:
            self.refused += 1

    def request(self, request: BodyRequest) -> None:
        """Take what somebody asks of the body; it is done or refused at the next step of the body."""
        self._asked.append(request)

    def reprogram(self, programs: Programs) -> None:
        """Take what the units have booted anew."""
        self._plant_spec = programmed(self._facts, programs)
        self._units.reprogram(self._plant_spec, dead(programs))

    def set_power(self, state: PowerState) -> None:
        """Take the car's power state: asleep, nothing runs that nobody has asked for."""
        self._asleep = state is PowerState.SLEEP

    def struck(self, contact: Contact) -> None:
        """Something has touched the car: its crash sensors feel it. The plant itself is not moved."""
        self._impact = ImpactState(
            count=self._impact.count + 1,
            closing_mps=max(0.0, contact.closing_mps),
            from_behind=contact.struck_from_behind,
        )
        self._told_ns = None

    def body(self, stamp_ns: int) -> BodyState | None:
        """What the body reports, when it has changed or a second is over; None between."""
        if self._told_ns is not None and stamp_ns - self._told_ns < BODY_EVERY_NS:
            return None
        self._told_ns = stamp_ns
        told = body_step.state_of(self._body, self._around(stamp_ns), self._plant_spec)
        told = msgspec.structs.replace(told, impact=self._impact)
        self._units.tell(told)
        return told

    def advance(self, stamp_ns: int) -> None:
        """Move the machine on to a stamp: control units each 10 ms, plant each 5 ms."""
        if stamp_ns - self._stamp_ns > LONGEST_NS:
            self._stamp_ns = stamp_ns - LONGEST_NS
        while self._stamp_ns + CONTROL_TICK_NS <= stamp_ns:
            if self._stamp_ns % PILOT_TICK_NS == 0:
                self._step_body()
            self._tick()
            self._stamp_ns += CONTROL_TICK_NS

    def _step_body(self) -> None:
        asked, self._asked = self._asked, []
        self._body, out = body_step.step(
            self._body, asked, self._around(self._stamp_ns), self._plant_spec, BODY_STEP_S
        )
        self._load_w, self._heat_w = out.load_w, out.battery_heat_w
        if out.changed:
            self._told_ns = None
        if out.gear is not None:
            self._units.apply(self._selector.moved(out.gear, self._stamp_ns), self._stamp_ns)

    def _around(self, stamp_ns: int) -> body_step.Surround:
        state, spec = self._state, self._plant_spec
        return body_step.Surround(
            stamp_ns=stamp_ns,
            speed_mps=state.speed_mps,
            gear=self._units.gear,
            ambient_k=self._ground.ambient_k,
            charge=state.battery.charge,
            temperature_k=state.battery.temperature_k,
            odometer_m=state.odometer_m,
            battery_w=state.battery.power_w,
            loss_w=state.battery.loss_w,
            motor_rps=state.speed_mps * spec.torque_to_force_per_m,
            motor_nm=state.drive_n / spec.torque_to_force_per_m,
            asleep=self._asleep,
        )

    def _tick(self) -> None:
        state, spec = self._state, self._plant_spec
        self._z_m, grade_rad, bank_rad = self._surroundings.height(state.x_m, state.y_m)
        ground = Ground(grade_rad, bank_rad, self._ground.friction, self._ground.ambient_k)
        demand = self._units.step(state, ground, self._stamp_ns + CONTROL_TICK_NS)
        demand = msgspec.structs.replace(
            demand, climate_w=self._load_w, battery_heat_w=self._heat_w
        )
        if body_step.plugged(self._body):
            demand = msgspec.structs.replace(demand, drive_n=0.0, locked=True)
        middle = plant.step(state, demand, ground, spec, STEP_S)
        after = plant.step(middle, demand, ground, spec, STEP_S)
        drawn_w = middle.battery.power_w + after.battery.power_w
        drawn_w += middle.battery.loss_w + after.battery.loss_w
        self._consumption = consumption.after(
            self._consumption, drawn_w * STEP_S, after.odometer_m - state.odometer_m
        )
        self._state, self._ground = after, ground

    def truth(self, stamp_ns: int) -> EgoTruth:
        """The true motion, for the world and the judge."""
        state, ground = self._state, self._ground
        length_m, width_m, rear_overhang_m = self._size
        return EgoTruth(
            stamp_ns=stamp_ns,
            x_m=state.x_m,
            y_m=state.y_m,
            z_m=self._z_m,
            yaw_rad=wrap_angle_rad(state.yaw_rad),
            pitch_rad=state.pitch_rad - ground.grade_rad,
            roll_rad=state.roll_rad + ground.bank_rad,
            speed_mps=state.speed_mps,
            lateral_speed_mps=state.slide_mps - self._plant_spec.cg_to_rear_m * state.yaw_rate_rps,
            accel_mps2=state.accel_mps2,
            lateral_accel_mps2=state.lateral_accel_mps2,
            yaw_rate_rps=state.yaw_rate_rps,
            steer_rad=state.steer_rad,
            length_m=length_m,
            width_m=width_m,
            rear_overhang_m=rear_overhang_m,
            indicator=self._units.indicator,
        )

    def read(self, stamp_ns: int) -> tuple[CarState, SensorFrames | None]:
        """What the car measures now, and what its sensors delivered."""
        measured = self._measured(stamp_ns)
        frames = self._surroundings.sense(self.truth(stamp_ns), stamp_ns)
        return self._units.report(measured, frames, self._state), frames

    def _measured(self, stamp_ns: int) -> CarState:
        state, measured = self._state, self.spec.measured
        battery, spec, units = state.battery, self._plant_spec, self._units
        left_j = cell.energy_j(battery.charge, spec.capacity_c, spec.cells_in_series)
        return CarState(
            stamp_ns=stamp_ns,
            speed_mps=_rounded(
                self._noisy(state.speed_mps, 0, measured.speed_sigma_mps, stamp_ns)
                if state.speed_mps
                else 0.0,
                measured.speed_quantum_mps.value,
            ),
            accel_mps2=self._noisy(state.accel_mps2, 1, measured.accel_sigma_mps2, stamp_ns),
            lateral_accel_mps2=self._noisy(
                state.lateral_accel_mps2, 2, measured.accel_sigma_mps2, stamp_ns
            ),
            yaw_rate_rps=self._noisy(state.yaw_rate_rps, 3, measured.yaw_rate_sigma_rps, stamp_ns),
            steer_rad=_rounded(state.steer_rad, measured.steer_quantum_rad.value),
            gear=units.gear,
            indicator=units.indicator,
            hold=units.holding and state.speed_mps == 0.0,
            brake_lights=units.brake_lights,
            charge_pct=100.0 * battery.charge,
            range_m=consumption.range_m(self._consumption, left_j, self._usual_j_per_m),
            battery_power_w=battery.power_w,
            battery_voltage_v=battery.voltage_v,
            battery_temperature_k=battery.temperature_k,
            odometer_m=state.odometer_m,
            driver=self._seated(),
            plugged=body_step.plugged(self._body),
        )

    def _seated(self) -> DriverControls:
        """The driver's controls with what the body knows of belt and doors."""
        controls = self._controls
        closed, belted = body_step.closed(self._body), body_step.belted(self._body)
        if closed and belted:
            return controls
        return msgspec.structs.replace(
            controls,
            belted=controls.belted and belted,
            door_closed=controls.door_closed and closed,
        )

    def _noisy(self, value: float, channel: int, sigma: Figure[float], stamp_ns: int) -> float:
        """A value with keyed noise: the same for the same stamp, whatever else is read."""
        if sigma.value == 0.0:
            return value
        return self._chance.normal(4 * (stamp_ns // CONTROL_TICK_NS) + channel, value, sigma.value)


def usual_j_per_m(spec: CarSpec) -> float:
    """Consumption that the display starts with: the usable energy by the published range.

    Without a published range the mean of the three known cars' figures, 125 Wh/km.
    """
    known = spec.published.nedc_km or spec.published.wltc_km
    return spec.usable_j / (1000.0 * known.value) if known else 450.0


def with_perfect_sensors(spec: CarSpec) -> CarSpec:
    """The same car whose own sensors measure without error."""
    none = Figure(0.0, Status.ESTIMATED, "perfect sensors asked for")
    return msgspec.structs.replace(
        spec, measured=Measured(**dict.fromkeys(Measured.__struct_fields__, none))
    )


def _rounded(value: float, quantum: float) -> float:
    return round(value / quantum) * quantum if quantum else value
