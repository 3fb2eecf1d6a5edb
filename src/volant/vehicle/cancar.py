"""The `Car` port over buses: commands become frames, states come from frames.

The same object drives the simulated car's control units and a real car's: what differs are the DBC
files, the mapping and the ports. It judges no command; the guard has done that. What it refuses is bad
frames: a value whose message is late, broken or frozen keeps its last good content, `CarState.valid`
is false where the message is required, and a trouble code is told. Nor does it drive on by itself:
80 ms after the last command it sends none, and the units make themselves safe. It never waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from volant.core.body import BodyState
from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import (
    CarState,
    Command,
    DriverControls,
    Gear,
    Indicator,
    SensorFrames,
)
from volant.vehicle.ecus import circumstances
from volant.vehicle.network import sender as sending
from volant.vehicle.network import watch as watching
from volant.vehicle.network.bodybus import BodyEar
from volant.vehicle.network.frames import QUEUE_FRAMES, FramePort, Ports
from volant.vehicle.network.mapping import (
    COMMAND_SILENT_NS,
    STATE_FLAGS,
    CarMapping,
    Field,
    code_of,
)
from volant.vehicle.network.sender import Sender, SenderState
from volant.vehicle.network.watch import Fault, Watch, WatchState

UNIT: Final = "PILOT"
"""Name of the computer that runs this, as the DBC files call it."""
NS_PER_MS: Final = 1_000_000
OFF: Final = 0x88
"""Failure type: bus off (SAE J2012-DA, recalled)."""
FLOOD: Final = 0x08
"""Failure type: bus signal and message failures (SAE J2012-DA, recalled)."""
DRIVER_VITAL: Final = ("driver_accelerator", "driver_wheel_torque_nm")
"""Not kept when their message is lost: nobody accelerates or steers on an old word."""


class Report(Protocol):
    """Takes what a monitor of the car found; called when it changes."""

    def __call__(
        self, code: int, failed: bool, stamp_ns: int, snapshot: Mapping[int, bytes]
    ) -> None:
        """A trouble code of three bytes (code and failure type) has failed or passed."""


def unheard(code: int, failed: bool, stamp_ns: int, snapshot: Mapping[int, bytes]) -> None:
    """A report that nobody keeps."""


@dataclass(slots=True)
class _Bus:
    """One bus as this unit uses it."""

    port: FramePort
    by_id: dict[tuple[int, bool], str]
    sender: Sender
    state: SenderState
    off_code: int
    flood_code: int
    lost: int = 0
    sent: bool = True


class CanCar:
    """A car behind buses; implements `core.ports.Car`."""

    def __init__(
        self,
        mapping: CarMapping,
        ports: Ports,
        *,
        report: Report = unheard,
        sense: Callable[[int], SensorFrames | None] = lambda _stamp_ns: None,
    ) -> None:
        """A car by a mapping.

        Args:
            mapping: which signal is which value.
            ports: gives this unit its port to each bus.
            report: takes trouble codes as they come and go.
            sense: sensor frames of a stamp, which do not go over these buses (docs/guides/own-dbc.md).
        """
        self._mapping, self._report, self._sense = mapping, report, sense
        self._watches = _watches(mapping)
        self._states: dict[str, WatchState] = {name: watching.begin() for name in self._watches}
        self._required = frozenset(n for n, heard in mapping.table.heard.items() if heard.required)
        self._codes = {
            name: code_of(mapping.table.units[message.sender]) << 8
            for name, message in mapping.heard.items()
            if message.sender
        }
        self._buses = {name: self._bus(name, ports) for name in mapping.table.buses}
        self._fields = {name: self._fields_of(name) for name in mapping.heard}
        self._body = BodyEar(mapping, {name: one.reader for name, one in self._watches.items()})
        self._values: dict[str, Any] = {field.name: _first(field) for field in mapping.state}
        self._failed: frozenset[int] = frozenset()
        self._command: Command | None = None
        self._sent_ns = self._applied_ns = self._began_ns = -1
        self._commands = 0
        self.refused = 0
        """How many commands were not numbers."""
        self.bad_frames = 0
        """How many frames were refused."""

    def _bus(self, name: str, ports: Ports) -> _Bus:
        mapping, table = self._mapping, self._mapping.table
        heard = [m for n, m in mapping.heard.items() if table.heard[n].bus == name]
        sent = [m for n, m in mapping.sent.items() if table.sent[n].bus == name]
        samples = {n: one.sample for n, one in table.sent.items() if one.sample}
        sender = sending.make_sender(tuple(sent), samples)
        return _Bus(
            ports(name, UNIT, frozenset(message.can_id for message in heard)),
            {(message.can_id, message.extended): message.name for message in heard},
            sender,
            sending.begin(sender),
            code_of(table.buses[name].off) << 8 | OFF,
            code_of(table.buses[name].flood) << 8 | FLOOD,
        )

    def _fields_of(self, message: str) -> list[tuple[Field, int]]:
        """The values that a message brings, each with its place in what is read."""
        names = [one.name for one in self._watches[message].reader.signals]
        return [
            (field, names.index(field.signal))
            for field in self._mapping.state
            if field.message == message
        ]

    @property
    def faults(self) -> Mapping[str, Fault]:
        """Messages that are not believed now, and why."""
        return {n: state.fault for n, state in self._states.items() if not state.valid}

    def apply(self, command: Command, stamp_ns: int) -> None:
        """Send a command; it holds until the next or for 80 ms. One that is not a number is refused."""
        if math.isfinite(command.accel_mps2) and math.isfinite(command.curvature_per_m):
            self._command, self._applied_ns = command, stamp_ns
            self._commands += 1
        else:
            self.refused += 1
        self._send(stamp_ns)

    def _send(self, stamp_ns: int) -> None:
        self._sent_ns = stamp_ns
        command = self._command
        if command is None or stamp_ns - self._applied_ns > COMMAND_SILENT_NS:
            return
        values: dict[str, dict[str, float]] = {}
        for field in self._mapping.command:
            told = getattr(command, field.name)
            raw = field.words[told.value] if field.words else (told - field.offset) / field.factor
            values.setdefault(field.message, {})[field.signal] = raw
        for bus in self._buses.values():
            if not bus.sender.messages:
                continue
            bus.state, frames = sending.step(
                bus.sender, bus.state, values.__getitem__, self._commands, stamp_ns
            )
            if frames:
                bus.sent = not [frame for frame in frames if not bus.port.send(frame)]

    def read(self, stamp_ns: int) -> tuple[CarState, SensorFrames | None]:
        """The state by the frames that came, and the sensor frames.

        Sends the last command again where `apply` has left out a tick, with the sample of that command, as
        receivers must not take it for a new one. A new one of this tick may still come after the reading,
        and must not find its message sent already.
        """
        if self._began_ns < 0:
            self._began_ns = stamp_ns
            self._states = {name: watching.begin(now_ns=stamp_ns) for name in self._watches}
        if self._sent_ns < stamp_ns and stamp_ns - self._applied_ns > CONTROL_TICK_NS:
            self._send(stamp_ns)
        for bus in self._buses.values():
            self._hear(bus, stamp_ns)
        states = self._states
        for name, one in self._watches.items():
            state = states[name]
            if stamp_ns - state.seen_ns > one.timeout_ns:
                states[name] = watching.judge(one, state, stamp_ns)
        wrong = [name for name, state in states.items() if state.fault is not Fault.NONE]
        for field in self._mapping.state:
            if field.name in DRIVER_VITAL and field.message in wrong:
                self._values[field.name] = 0.0
        valid = not (wrong and any(name in self._required for name in wrong))
        state_now = _car_state(self._values, stamp_ns, valid)
        self._tell_faults(state_now, wrong, stamp_ns)
        return state_now, self._sense(stamp_ns)

    def body(self, stamp_ns: int) -> BodyState | None:
        """The body by its messages, when it has changed or a second is over; None where there is nothing new."""
        return self._body.body(stamp_ns)

    def _hear(self, bus: _Bus, stamp_ns: int) -> None:
        states, watches = self._states, self._watches
        for frame in bus.port.receive()[:QUEUE_FRAMES]:
            name = bus.by_id.get((frame.can_id, frame.extended))
            if name is None:
                continue
            before = states[name]
            after = watching.take(watches[name], before, frame.data, stamp_ns)
            states[name] = after
            if after.bad != before.bad:
                self.bad_frames += 1
            else:
                self._take_values(name, after.values)
                self._body.take(name, after.values)

    def _take_values(self, name: str, told: tuple[float, ...]) -> None:
        """The values that a good frame brings."""
        values = self._values
        for field, index in self._fields[name]:
            value = told[index] * field.factor + field.offset
            if field.words:
                word = next((w for w, raw in field.words.items() if raw == value), None)
                values[field.name] = word or values[field.name]
            elif field.name in STATE_FLAGS:
                values[field.name] = value != 0.0
            else:
                values[field.name] = value

    def _tell_faults(self, state: CarState, wrong: list[str], stamp_ns: int) -> None:
        """Tell the codes that came and went since the last read."""
        found = {
            self._codes[name] | self._states[name].fault.value
            for name in wrong
            if self._states[name].fault is not Fault.WAITING and name in self._codes
        }
        for bus in self._buses.values():
            if not bus.sent:
                found.add(bus.off_code)
            if bus.port.lost > bus.lost:
                found.add(bus.flood_code)
                bus.lost = bus.port.lost
        if found == self._failed:
            return
        snapshot = freeze_frame(state)
        for code in sorted(self._failed - found):
            self._report(code, False, stamp_ns, snapshot)
        for code in sorted(found - self._failed):
            self._report(code, True, stamp_ns, snapshot)
        self._failed = frozenset(found)


def codes_of(mapping: CarMapping) -> dict[int, str]:
    """Every trouble code that a car by this mapping can tell, with a name for programs."""
    found = {}
    for unit in {message.sender for message in mapping.heard.values() if message.sender}:
        code = code_of(mapping.table.units[unit]) << 8
        for fault in Fault:
            if fault.value > 0:
                found[code | fault.value] = f"{unit.lower()}_{fault.name.lower()}"
    for name, bus in mapping.table.buses.items():
        found[code_of(bus.off) << 8 | OFF] = f"{name}_bus_off"
        found[code_of(bus.flood) << 8 | FLOOD] = "bus_flooded"
    return dict(sorted(found.items()))


def freeze_frame(state: CarState) -> dict[int, bytes]:
    """What a trouble code keeps of the moment, by data identifier, as all control units have it."""
    values = {
        "speed_mps": state.speed_mps,
        "charge_pct": state.charge_pct,
        "odometer_m": state.odometer_m,
        "boot_time_s": state.stamp_ns / 1e9,
    }
    return circumstances(lambda name: values.get(name, math.nan))


def _watches(mapping: CarMapping) -> dict[str, Watch]:
    signals: dict[str, list[str]] = {name: [] for name in mapping.heard}
    for field in (*mapping.state, *mapping.body):
        if field.message:
            signals[field.message].append(field.signal)
    made = {}
    for name, message in mapping.heard.items():
        heard = mapping.table.heard[name]
        timeout_ns = round(heard.timeout_ms * NS_PER_MS)
        made[name] = watching.make_watch(message, signals[name], timeout_ns, heard.sample)
    return made


def _first(field: Field) -> Any:
    """What stands for a value of which nothing has come: the state is not valid then."""
    if not field.message:
        return field.constant
    if field.name in STATE_FLAGS:
        return False
    return {"gear": Gear.PARK.value, "indicator": Indicator.OFF.value}.get(field.name, 0.0)


def _car_state(values: Mapping[str, Any], stamp_ns: int, valid: bool) -> CarState:
    return CarState(
        stamp_ns=stamp_ns,
        speed_mps=values["speed_mps"],
        accel_mps2=values["accel_mps2"],
        lateral_accel_mps2=values["lateral_accel_mps2"],
        yaw_rate_rps=values["yaw_rate_rps"],
        steer_rad=values["steer_rad"],
        gear=Gear(values["gear"]),
        indicator=Indicator(values["indicator"]),
        hold=values["hold"],
        brake_lights=values["brake_lights"],
        charge_pct=min(max(values["charge_pct"], 0.0), 100.0),
        range_m=max(values["range_m"], 0.0),
        battery_power_w=values["battery_power_w"],
        battery_voltage_v=values["battery_voltage_v"],
        battery_temperature_k=max(values["battery_temperature_k"], 0.0),
        odometer_m=max(values["odometer_m"], 0.0),
        driver=DriverControls(
            accelerator=min(max(values["driver_accelerator"], 0.0), 1.0),
            brake=min(max(values["driver_brake"], 0.0), 1.0),
            wheel_torque_nm=values["driver_wheel_torque_nm"],
            wheel_angle_rad=values["driver_wheel_angle_rad"],
            hands_on=values["driver_hands_on"],
            eyes_on=values["driver_eyes_on"],
            belted=values["driver_belted"],
            door_closed=values["driver_door_closed"],
        ),
        valid=valid,
    )


__all__ = ["CanCar", "Report", "codes_of", "freeze_frame", "unheard"]
