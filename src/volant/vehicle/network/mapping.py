"""Which signal of which message is which value of the car: `mapping.toml` beside the DBC files.

Everything that a port over a bus must know of a car stands there: files of the buses, timeouts, units
and their trouble codes, and for each value its signal, factor, offset and words. What contradicts the
DBC files is refused at the start, with file, line, message and signal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from volant.core.clock import nanoseconds
from volant.core.errors import InputError
from volant.core.messages import Gear, Indicator
from volant.core.settings import line_of_key, load_toml
from volant.vehicle.network.bodyfields import BODY_FIELDS
from volant.wire.dbc import (
    NS_PER_MS,
    Database,
    Message,
    Signal,
    identity,
    load_database,
    protection_from,
)
from volant.wire.e2e import PROFILE_2_COUNT, Profile

STATE_NUMBERS: Final = (
    "speed_mps", "accel_mps2", "lateral_accel_mps2", "yaw_rate_rps", "steer_rad", "charge_pct",
    "range_m", "battery_power_w", "battery_voltage_v", "battery_temperature_k", "odometer_m",
    "driver_accelerator", "driver_brake", "driver_wheel_torque_nm", "driver_wheel_angle_rad",
)  # fmt: skip
STATE_FLAGS: Final = (
    "hold", "brake_lights", "driver_hands_on", "driver_eyes_on", "driver_belted",
    "driver_door_closed",
)  # fmt: skip
STATE_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "gear": tuple(one.value for one in Gear),
    "indicator": tuple(one.value for one in Indicator),
}
STATE_FIELDS: Final = (*STATE_NUMBERS, *STATE_FLAGS, *STATE_WORDS)
VITAL: Final = (
    "speed_mps", "accel_mps2", "yaw_rate_rps", "steer_rad", "gear", "driver_accelerator",
    "driver_brake", "driver_wheel_torque_nm",
)  # fmt: skip
"""A car that does not tell these cannot be driven: they may not be constants, and their messages are required."""
COMMAND_LEAST: Final[Mapping[str, float]] = {"accel_mps2": 9.0, "curvature_per_m": 0.15}
"""What a command's signal must carry to both sides: full braking, and a turn of 6.7 m."""
COMMAND_SILENT_NS: Final = nanoseconds(0.08)
"""A command is sent again this long, then its message stays away and the units make themselves safe."""
COMMAND_FIELDS: Final = (*COMMAND_LEAST, "gear", "indicator", "hold")
_CODE: Final = re.compile(r"[PCBU][0-3][0-9A-F]{3}")


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Root of the file's tables."""


class BusTable(_Table, frozen=True, kw_only=True):
    """One bus."""

    file: str
    off: str = "U0073"
    """Trouble code: nothing can be sent."""
    flood: str = "U0002"
    """Trouble code: more frames than a bus can carry."""


class EndToEndTable(_Table, frozen=True, kw_only=True):
    """End-to-end protection where the DBC does not tell it by attributes."""

    profile: Annotated[int, Meta(ge=1, le=2)]
    crc: str
    counter: str
    data_id: Annotated[int, Meta(ge=0, le=0xFFFF)] | None = None
    """Of profile 1."""
    data_ids: str | None = None
    """Of profile 2."""


class HeardTable(_Table, frozen=True, kw_only=True):
    """A message that is received."""

    bus: str
    timeout_ms: Annotated[float, Meta(gt=0.0, le=60_000.0)]
    required: bool = False
    """Without it the car's state is not valid."""
    sample: str | None = None
    """Signal that changes with each measurement."""
    end_to_end: EndToEndTable | bool | None = None
    """False: the message has no protection, and that is known."""


class SentTable(_Table, frozen=True, kw_only=True):
    """A message that is sent."""

    bus: str
    sample: str | None = None
    """Signal that changes with each command."""
    end_to_end: EndToEndTable | bool | None = None
    """As above."""


class FieldTable(_Table, frozen=True, kw_only=True):
    """One value: a signal times `factor` plus `offset`, or words by raw value, or a constant."""

    message: str | None = None
    signal: str | None = None
    factor: float = 1.0
    offset: float = 0.0
    words: dict[str, float] | None = None
    value: float | bool | str | None = None
    absent: float | None = None
    """What the signal says where there is no value; only where the body's value may be missing."""


class MappingTable(_Table, frozen=True, kw_only=True):
    """The whole file."""

    buses: dict[str, BusTable]
    units: dict[str, str]
    """Trouble code of each sender: lost communication."""
    heard: dict[str, HeardTable]
    sent: dict[str, SentTable]
    state: dict[str, FieldTable]
    command: dict[str, FieldTable]
    body: dict[str, FieldTable] = {}
    """As much of it as the car tells."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of the car with its signal; `message` empty: a constant."""

    name: str
    message: str
    signal: str
    factor: float
    offset: float
    words: Mapping[str, float]
    constant: Any = None
    absent: float | None = None


@dataclass(frozen=True, slots=True)
class CarMapping:
    """A mapping that agrees with its DBC files."""

    file: str
    table: MappingTable
    databases: Mapping[str, Database]
    heard: Mapping[str, Message]
    sent: Mapping[str, Message]
    state: tuple[Field, ...]
    command: tuple[Field, ...]
    body: tuple[Field, ...]


def code_of(words: str) -> int:
    """The two bytes of a trouble code such as `U0129` (SAE J2012, recalled).

    Raises:
        ValueError: not such a code.
    """
    if not _CODE.fullmatch(words):
        raise ValueError(f"{words!r} is no trouble code such as U0129")
    return "PCBU".index(words[0]) << 14 | int(f"0x{words[1:]}", 16)


def load_mapping(path: Path) -> CarMapping:
    """Read a mapping and the DBC files it names.

    Raises:
        InputError: a file is wrong, or they contradict each other.
    """
    table = load_toml(path, MappingTable)
    judge = _Judge(path)
    databases = {name: load_database(path.parent / bus.file) for name, bus in table.buses.items()}
    for unit, code in table.units.items():
        judge.code(code, f"units.{unit}")
    for name, bus in table.buses.items():
        judge.code(bus.off, f"buses.{name}.off")
        judge.code(bus.flood, f"buses.{name}.flood")
    heard = {
        name: judge.message(name, one, databases, "heard") for name, one in table.heard.items()
    }
    sent = {name: judge.message(name, one, databases, "sent") for name, one in table.sent.items()}
    for name, message in heard.items():
        if message.sender and message.sender not in table.units:
            raise judge.error(f"its sender {message.sender} has no code", f"heard.{name}")
    state = judge.fields(table.state, "state", STATE_FIELDS, heard)
    command = judge.fields(table.command, "command", COMMAND_FIELDS, sent)
    body = judge.fields(table.body, "body", tuple(BODY_FIELDS), heard, every=False)
    judge.commands(command, sent)
    for field in state:
        if field.name in VITAL and not table.heard[field.message].required:
            raise judge.error(f"{field.message} wants `required = true`", f"state.{field.name}")
    judge.heard(table.heard, heard)
    judge.sent(table.sent, sent, heard, {field.message for field in command})
    judge.identities({**heard, **sent}, table)
    return CarMapping(str(path), table, databases, heard, sent, state, command, body)


def carries(signal: Signal, value: float) -> bool:
    """Whether a signal can say exactly this."""
    return signal.raw_of(value) * signal.scale + signal.offset == value


class _Judge:
    """Checks one mapping file and says where it is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def error(self, words: str, where: str) -> InputError:
        return InputError(
            words, file=str(self._path), line=line_of_key(self._path, where), where=where
        )

    def code(self, words: str, where: str) -> None:
        try:
            code_of(words)
        except ValueError as error:
            raise self.error(str(error), where) from error

    def message(
        self,
        name: str,
        table: HeardTable | SentTable,
        databases: Mapping[str, Database],
        kind: str,
    ) -> Message:
        where = f"{kind}.{name}"
        database = databases.get(table.bus)
        if database is None:
            raise self.error(f"no bus {table.bus!r}", where)
        if name not in database.messages:
            raise self.error(f"no message {name!r} in {database.file}", where)
        message = database.messages[name]
        if table.end_to_end is not None:
            message = self.protected(message, table.end_to_end, where)
        if table.sample is not None:
            self.signal(message, table.sample, where)
        return message

    def protected(self, message: Message, told: EndToEndTable | bool, where: str) -> Message:
        """The message with the protection that the mapping tells."""
        if told is True:
            raise self.error("end_to_end wants a table, or false", where)
        if told is False:
            if message.protection is not None:
                raise self.error("end_to_end is false, but the DBC protects it", where)
            return message
        wanted = "data_id" if told.profile == 1 else "data_ids"
        if getattr(told, wanted) is None:
            raise self.error(f"profile {told.profile} wants its {wanted}", where)
        try:
            protection = protection_from(
                message.signals,
                told.crc,
                told.counter,
                profile=Profile(str(told.profile)),
                length=message.length,
                data_id=told.data_id or 0,
                data_ids=bytes.fromhex(told.data_ids or "00" * PROFILE_2_COUNT),
            )
        except ValueError as error:
            raise self.error(str(error), where) from error
        return replace(message, protection=protection)

    def guarded(self, message: Message, told: EndToEndTable | bool | None, where: str) -> None:
        """What the drive hangs on is protected, or is known not to be."""
        if message.protection is None and told is not False:
            raise self.error(
                "neither the DBC nor the mapping protects it end to end; where that is so, say "
                "`end_to_end = false`",
                where,
            )

    def heard(self, tables: Mapping[str, HeardTable], heard: Mapping[str, Message]) -> None:
        for name, message in heard.items():
            table, where = tables[name], f"heard.{name}"
            if table.timeout_ms * NS_PER_MS < message.cycle_ns:
                cycle_ms = message.cycle_ns / NS_PER_MS
                raise self.error(
                    f"timeout_ms {table.timeout_ms:g} is shorter than its cycle of {cycle_ms:g}",
                    where,
                )
            if table.required:
                self.guarded(message, table.end_to_end, where)

    def sent(
        self,
        tables: Mapping[str, SentTable],
        sent: Mapping[str, Message],
        heard: Mapping[str, Message],
        commanding: set[str],
    ) -> None:
        others = {message.sender for message in heard.values() if message.sender}
        for name, message in sent.items():
            where = f"sent.{name}"
            if message.sender in others:
                raise self.error(f"it is {message.sender}'s, whose messages are heard", where)
            if name not in commanding:
                raise self.error("no value of [command] is in it", where)
            if not message.cyclic or message.cycle_ns > COMMAND_SILENT_NS:
                cycle_ms, most_ms = message.cycle_ns / NS_PER_MS, COMMAND_SILENT_NS / NS_PER_MS
                raise self.error(
                    f"its cycle in the DBC is {cycle_ms:g} ms, expected up to {most_ms:g}", where
                )
            self.guarded(message, tables[name].end_to_end, where)

    def identities(self, messages: Mapping[str, Message], table: MappingTable) -> None:
        """Two messages of one data id could stand for each other."""
        taken: dict[object, str] = {}
        for name, message in messages.items():
            if message.protection is None:
                continue
            key = identity(message.protection)
            if key in taken:
                kind = "heard" if name in table.heard else "sent"
                raise self.error(f"its data id is that of {taken[key]}", f"{kind}.{name}")
            taken[key] = name

    def signal(self, message: Message, name: str, where: str) -> Signal:
        found = message.signals.get(name)
        if found is None:
            raise self.error(f"message {message.name} has no signal {name!r}", where)
        if not found.usable:
            raise self.error(f"{message.name}.{name} is multiplexed or floating point", where)
        return found

    def fields(
        self,
        tables: Mapping[str, FieldTable],
        kind: str,
        known: tuple[str, ...],
        messages: Mapping[str, Message],
        *,
        every: bool = True,
    ) -> tuple[Field, ...]:
        for name in tables:
            if name not in known:
                raise self.error(
                    f"no value {name!r}, expected one of {', '.join(known)}", f"{kind}.{name}"
                )
        for name in known:
            if every and name not in tables:
                raise self.error(f"{kind} lacks {name!r}", kind)
        return tuple(
            self.field(name, tables[name], kind, messages) for name in known if name in tables
        )

    def field(
        self, name: str, table: FieldTable, kind: str, messages: Mapping[str, Message]
    ) -> Field:
        where = f"{kind}.{name}"
        words = BODY_FIELDS[name].words if kind == "body" else STATE_WORDS.get(name, ())
        if table.absent is not None and not (kind == "body" and BODY_FIELDS[name].optional):
            raise self.error("it is never absent", where)
        if table.value is not None:
            if name in VITAL or kind == "command" or table.message or table.signal:
                raise self.error("a constant cannot stand here", where)
            if words and table.value not in words:
                raise self.error(f"{table.value!r}, expected one of {', '.join(words)}", where)
            if not words and not isinstance(table.value, bool | float | int):
                raise self.error(f"{table.value!r} is no number", where)
            return Field(name, "", "", 1.0, 0.0, {}, table.value)
        if table.message is None or table.signal is None:
            raise self.error("wants `message` and `signal`, or `value`", where)
        if table.message not in messages:
            raise self.error(f"message {table.message!r} is not listed", where)
        signal = self.signal(messages[table.message], table.signal, where)
        if table.factor == 0.0 or not math.isfinite(table.factor + table.offset):
            raise self.error(f"factor {table.factor}, offset {table.offset}", where)
        given = table.words or {}
        if set(given) != set(words):
            raise self.error(f"words {sorted(given)}, expected {sorted(words)}", where)
        raws = list(given.values())
        if len(set(raws)) != len(raws):
            raise self.error("two words have one value", where)
        for word, value in given.items():
            if not carries(signal, value):
                raise self.error(f"{word!r} is {value}, which {signal.name} cannot carry", where)
        if table.absent is not None and not carries(signal, table.absent):
            raise self.error(f"{signal.name} cannot carry {table.absent}", where)
        return Field(
            name, table.message, table.signal, table.factor, table.offset, given, None, table.absent
        )

    def commands(self, fields: tuple[Field, ...], sent: Mapping[str, Message]) -> None:
        taken: dict[tuple[str, str], str] = {}
        for field in fields:
            where = f"command.{field.name}"
            place = (field.message, field.signal)
            if place in taken:
                raise self.error(f"{field.signal} already carries {taken[place]}", where)
            taken[place] = field.name
            least = COMMAND_LEAST.get(field.name)
            if least is None:
                continue
            signal = sent[field.message].signals[field.signal]
            ends = (signal.low_raw, signal.high_raw)
            reach = sorted(
                (raw * signal.scale + signal.offset) * field.factor + field.offset for raw in ends
            )
            if reach[0] > -least or reach[1] < least:
                raise self.error(
                    f"{signal.name} carries {reach[0]:g} to {reach[1]:g}, expected {-least:g} to {least:g}",
                    where,
                )
