"""The simulated car's control units on their buses, with or without the port that commands them.

Both implement `simcar.ControlUnits`. `NetworkUnits` are a whole car in one process: a command goes
through the `CanCar` port onto the bus, the units obey what they hear, the machine moves, the units send
what they measure, and the port reads that back. `SimulatedUnits` are the iron alone: who commands and
reads them sits elsewhere on the buses. The order of a tick is fixed, so the same seed gives the same
frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from volant.core.body import BodyState
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.messages import CarState, Command, GnssReturn, LaneReturn, SensorFrames
from volant.vehicle import ecu
from volant.vehicle.cancar import CanCar, Report, unheard
from volant.vehicle.network import actuating
from volant.vehicle.network import sender as sending
from volant.vehicle.network import watch as watching
from volant.vehicle.network.actuating import (
    COMMAND_NS,
    FIRST_NS,
    BrakeState,
    DriveState,
    LongCommand,
    SteerState,
)
from volant.vehicle.network.bodybus import signals_of
from volant.vehicle.network.frames import FramePort, Ports
from volant.vehicle.network.mapping import CarMapping
from volant.vehicle.network.sender import Sender, SenderState, Values
from volant.vehicle.network.values import GEARS, INDICATORS, Snapshot, values_of
from volant.vehicle.network.watch import Watch, WatchState
from volant.vehicle.parameters import PlantSpec
from volant.vehicle.plant import Demand, Ground, PlantState
from volant.wire.dbc import Message

TICK_S: Final = CONTROL_TICK_NS / NS_PER_S
PILOT: Final = "PILOT"
GATEWAY: Final = "GATEWAY"
REQUEST: Final = "DRV_BrakeRequest"
"""Sent within the tick, before the brake unit's step; all else after the machine has moved."""
GEAR_OF: Final = {number: gear for gear, number in GEARS.items()}
INDICATOR_OF: Final = {number: one for one, number in INDICATORS.items()}
SPEED_NS: Final = 50_000_000


@dataclass(slots=True)
class _Ear:
    """One message that a simulated unit obeys."""

    port: FramePort
    watch: Watch
    state: WatchState


@dataclass(slots=True)
class _Mouth:
    """What one simulated unit sends on one bus."""

    unit: str
    port: FramePort
    sender: Sender
    state: SenderState


class SimulatedUnits:
    """Units of the simulated car on buses, commanded and read by whoever is on the buses too."""

    def __init__(
        self,
        mapping: CarMapping,
        ports: Ports,
        spec: PlantSpec,
        first: Command,
        dead: frozenset[str] = frozenset(),
    ) -> None:
        self._mapping, self._spec = mapping, spec
        self._ports: dict[tuple[str, str], FramePort] = {}
        self._hear(mapping, ports, first)
        self._speak(mapping, ports)
        self.gear, self.indicator = first.gear, first.indicator
        self.holding = False
        self.brake_lights = False
        self._drive = DriveState(ecu.EcuState(gear=first.gear))
        hold_n = ecu.hold_force_n(spec) if first.hold else 0.0
        self._brake = BrakeState(hold_n)
        angle_rad = ecu.steer_for(first.curvature_per_m, 0.0, spec)
        self._steer = SteerState(angle_rad)
        self._sensors: SensorFrames | None = None
        self._lane: LaneReturn | None = None
        self._gnss: GnssReturn | None = None
        self._body: BodyState | None = None
        self._body_signals: dict[str, dict[str, float]] = {}
        self._lamps_alone = False
        self._routed = 0
        self._reported_ns = -1
        self.silent = {name.upper() for name in dead}
        """Units that are dead: they hear nothing, do nothing and send nothing."""

    def _hear(self, mapping: CarMapping, ports: Ports, first: Command) -> None:
        """Ears of the units that obey; a first command is believed for half a second."""
        gear, hold = float(GEARS[first.gear]), float(first.hold)
        first_mps = 0.0
        told: dict[tuple[str, str], tuple[str, int, dict[str, float]]] = {
            ("DRIVE", "PIL_Long"): (
                "chassis",
                COMMAND_NS,
                {"Accel": 0.0, "Gear": gear, "Hold": hold},
            ),
            ("BRAKE", REQUEST): ("chassis", COMMAND_NS, {"Force": 0.0}),
            ("STEER", "PIL_Lat"): ("chassis", COMMAND_NS, {"Curvature": first.curvature_per_m}),
            ("STEER", "BRK_Speed"): ("chassis", SPEED_NS, {"Speed": first_mps}),
            ("BODY", "PIL_Signals"): ("body", COMMAND_NS, {"Indicator": 0.0}),
            ("BODY", REQUEST): ("body", COMMAND_NS, {"SafeStop": 0.0}),
        }
        self._ears: dict[tuple[str, str], _Ear] = {}
        self._by_id: dict[tuple[str, int], tuple[str, str]] = {}
        for (unit, name), (bus, timeout_ns, values) in told.items():
            message = mapping.databases[bus].message(name)
            names = [f"{name}_{one}" for one in values]
            watch = watching.make_watch(message, names, timeout_ns, f"{name}_Sample")
            begun = watching.begin(
                (*values.values(), -1.0), FIRST_NS - timeout_ns, watching.Fault.NONE
            )
            port = self._port(ports, bus, unit, mapping)
            self._ears[unit, name] = _Ear(port, watch, begun)
            self._by_id[unit, message.can_id] = unit, name

    def _port(self, ports: Ports, bus: str, unit: str, mapping: CarMapping) -> FramePort:
        key = (bus, unit)
        if key not in self._ports:
            ids = {
                mapping.databases[bus].message(name).can_id
                for name in _HEARD_BY.get(unit, ())
                if name in mapping.databases[bus].messages
            }
            if unit == GATEWAY:
                ids = {
                    message.can_id
                    for database in mapping.databases.values()
                    for message in database.messages.values()
                    if message.routed_from == bus
                }
            self._ports[key] = ports(bus, unit, frozenset(ids))
        return self._ports[key]

    def _speak(self, mapping: CarMapping, ports: Ports) -> None:
        self._mouths: list[_Mouth] = []
        self._request: _Mouth | None = None
        self._routes: list[tuple[FramePort, dict[int, list[FramePort]]]] = []
        routes: dict[str, dict[int, list[FramePort]]] = {}
        for bus, database in mapping.databases.items():
            by_unit: dict[str, list[Message]] = {}
            for message in database.messages.values():
                if message.routed_from:
                    to = self._port(ports, bus, GATEWAY, mapping)
                    by_id = routes.setdefault(message.routed_from, {})
                    by_id.setdefault(message.can_id, []).append(to)
                elif message.sender != PILOT:
                    by_unit.setdefault(message.sender, []).append(message)
            for unit, messages in by_unit.items():
                port = self._port(ports, bus, unit, mapping)
                usual = tuple(one for one in messages if one.name != REQUEST)
                sender = sending.make_sender(usual)
                self._mouths.append(_Mouth(unit, port, sender, sending.begin(sender)))
        sender = sending.make_sender((mapping.databases["chassis"].message(REQUEST),))
        port = self._port(ports, "chassis", "DRIVE", mapping)
        self._request = _Mouth("DRIVE", port, sender, sending.begin(sender))
        for bus, by_id in routes.items():
            self._routes.append((self._port(ports, bus, GATEWAY, mapping), by_id))

    # --- commands, down ---------------------------------------------------------------------------

    def apply(self, command: Command, stamp_ns: int) -> None:  # noqa: ARG002 - the protocol names it
        """Refused: commands come over the buses."""
        raise RuntimeError("units on buses are commanded by frames")

    def reprogram(self, spec: PlantSpec, dead: frozenset[str]) -> None:
        """Take what units have booted anew."""
        self._spec = spec
        self.silent = {name.upper() for name in dead}

    def step(self, state: PlantState, ground: Ground, now_ns: int) -> Demand:
        """One control tick of the units that move the car."""
        self._route()
        drive_n, locked, climate_w = self._step_drive(state, ground, now_ns)
        request = self._heard("BRAKE", now_ns).get(REQUEST)
        brake_n = 0.0
        if "BRAKE" not in self.silent:
            force_n = None if request is None else request[0]
            self._brake = actuating.brake_step(self._brake, force_n, state, self._spec, TICK_S)
            brake_n = self._brake.force_n
        heard = self._heard("STEER", now_ns)
        if "STEER" not in self.silent:
            curvature = heard.get("PIL_Lat")
            speed_mps = self._ears["STEER", "BRK_Speed"].state.values[0]
            self._steer = actuating.steer_step(
                self._steer, None if curvature is None else curvature[0], speed_mps, self._spec
            )
        told = self._heard("BODY", now_ns)
        lamps, stop = told.get("PIL_Signals"), told.get(REQUEST)
        if "BODY" not in self.silent:
            self._lamps_alone = lamps is None
            asked = None if lamps is None else INDICATOR_OF[int(lamps[0])]
            stopping = stop is not None and stop[0] != 0.0
            self.indicator = actuating.body_step(asked, stopping=stopping)
        return Demand(drive_n, brake_n, self._steer.angle_rad, locked, climate_w)

    def _step_drive(
        self, state: PlantState, ground: Ground, now_ns: int
    ) -> tuple[float, bool, float]:
        told = self._heard("DRIVE", now_ns).get("PIL_Long")
        if "DRIVE" in self.silent:
            return 0.0, False, 0.0
        command = None
        if told is not None:
            command = LongCommand(told[0], GEAR_OF[int(told[1])], told[2] != 0.0)
        output = actuating.drive_step(self._drive, command, state, ground, self._spec, TICK_S)
        self._drive = output.state
        control = output.state.control
        self.gear, self.holding = control.gear, control.holding
        self.brake_lights = control.brake_lights
        asked = {
            "DRV_BrakeRequest_Force": output.brake_n,
            "DRV_BrakeRequest_Hold": control.holding,
            "DRV_BrakeRequest_Locked": output.locked,
            "DRV_BrakeRequest_BrakeLights": control.brake_lights,
            "DRV_BrakeRequest_Regen": max(0.0, -output.drive_n),
            "DRV_BrakeRequest_SafeStop": output.state.ramp_mps2 > 0.0,
        }
        assert self._request is not None
        self._say(self._request, lambda _name: asked, now_ns)
        return output.drive_n, output.locked, output.climate_w

    def _heard(self, unit: str, now_ns: int) -> dict[str, tuple[float, ...]]:
        """Values of the messages that a unit believes now."""
        names = _HEARD_BY[unit]
        port = self._ears[unit, names[0]].port
        for frame in port.receive():
            place = self._by_id.get((unit, frame.can_id))
            if place is not None:
                ear = self._ears[place]
                ear.state = watching.take(ear.watch, ear.state, frame.data, now_ns)
        found = {}
        for name in names:
            ear = self._ears[unit, name]
            ear.state = watching.judge(ear.watch, ear.state, now_ns)
            if ear.state.valid:
                found[name] = ear.state.values
        return found

    def _route(self) -> None:
        """The gateway copies what belongs to other buses too."""
        for port, by_id in self._routes:
            for frame in port.receive():
                if GATEWAY in self.silent:
                    continue
                for to in by_id.get(frame.can_id, ()):
                    to.send(frame)
                    self._routed += 1

    def tell(self, body: BodyState) -> None:
        """Take what the body and the small units measure; sent with the next report."""
        self._body = body
        self._body_signals = signals_of(self._mapping, body)

    # --- measurements, up -------------------------------------------------------------------------

    def report(
        self, measured: CarState, sensors: SensorFrames | None, state: PlantState
    ) -> CarState:
        """Send what the units measure; the state that is given has not been over any bus."""
        now_ns = measured.stamp_ns
        if sensors is not None:
            self._sensors = sensors
            self._lane = sensors.lane or self._lane
            self._gnss = sensors.gnss or self._gnss
        if now_ns > self._reported_ns:
            self._reported_ns = now_ns
            at = Snapshot(
                now_ns=now_ns,
                car=measured,
                plant=state,
                spec=self._spec,
                drive_cut=self._drive.ramp_mps2 > 0.0,
                brake_alone=self._brake.alone,
                steer_held=self._steer.held,
                body_alone=self._lamps_alone,
                routed=self._routed,
                sensors=self._sensors,
                lane=self._lane,
                gnss=self._gnss,
                body=self._body,
            )
            values = values_of(at, self._body_signals)
            if now_ns == 0 and self._request is not None:
                self._say(self._request, lambda _name: {}, now_ns)
            for mouth in self._mouths:
                self._say(mouth, values, now_ns)
        return measured

    def _say(self, mouth: _Mouth, values: Values, now_ns: int) -> None:
        if mouth.unit in self.silent:
            return
        tick = now_ns // CONTROL_TICK_NS
        mouth.state, frames = sending.step(mouth.sender, mouth.state, values, tick, now_ns)
        for frame in frames:
            mouth.port.send(frame)


class NetworkUnits(SimulatedUnits):
    """Units of the simulated car joined by buses, with the port that commands and reads them."""

    def __init__(
        self,
        mapping: CarMapping,
        ports: Ports,
        spec: PlantSpec,
        first: Command,
        report: Report = unheard,
        dead: frozenset[str] = frozenset(),
    ) -> None:
        self.port = CanCar(mapping, ports, report=report)
        super().__init__(mapping, ports, spec, first, dead)

    def apply(self, command: Command, stamp_ns: int) -> None:
        """Send a command onto the bus."""
        self.port.apply(command, stamp_ns)

    def report(
        self, measured: CarState, sensors: SensorFrames | None, state: PlantState
    ) -> CarState:
        """Send what the units measure, and give what the port makes of it."""
        super().report(measured, sensors, state)
        return self.port.read(measured.stamp_ns)[0]


_HEARD_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "DRIVE": ("PIL_Long",),
    "BRAKE": (REQUEST,),
    "STEER": ("PIL_Lat", "BRK_Speed"),
    "BODY": ("PIL_Signals", REQUEST),
}

__all__ = ["NetworkUnits", "SimulatedUnits"]
