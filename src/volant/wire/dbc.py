"""DBC files: read strictly, compiled into codecs that touch only the signals asked for.

cantools reads the file and judges it; what it only warns of is refused here. Encoding and decoding are
our own integer arithmetic, because a car's bus wants thousands of frames a second. Multiplexed and
floating-point signals are read and listed, but cannot be asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from volant.core.errors import InputError
from volant.wire.dbc_scan import Scan, scan
from volant.wire.e2e import PROFILE_2_COUNT, Profile, Protection

if TYPE_CHECKING:
    from cantools.database.can import Message as _CanMessage
    from cantools.database.can import Signal as _CanSignal

LARGEST_BYTES: Final = 16 << 20
"""Larger files are refused: the largest of opendbc have one megabyte."""
NS_PER_MS: Final = 1_000_000
CRC_END: Final = "_Crc"
COUNTER_END: Final = "_Counter"
SEND_TYPES: Final = ("Cyclic", "OnChange", "CyclicAndOnChange")
DATA_ID: Final = {Profile.PROFILE_1: "E2EDataID", Profile.PROFILE_2: "E2EDataIDList"}
"""The attribute without which a profile protects nothing: any message could stand for any other."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal, compiled: where its bits lie in the message read as one integer."""

    name: str
    shift: int
    bits: int
    signed: bool
    big_endian: bool
    scale: float
    offset: float
    low_raw: int
    high_raw: int
    unit: str
    comment: str
    usable: bool
    """False: multiplexed or floating point."""

    def raw_of(self, value: float) -> int:
        """The raw value nearest to a physical one, saturated at the signal's range.

        Raises:
            ValueError: the value is not a number.
        """
        if not math.isfinite(value):
            if math.isnan(value):
                raise ValueError(f"{self.name} is not a number")
            return self.high_raw if (value > 0.0) == (self.scale > 0.0) else self.low_raw
        raw = round((value - self.offset) / self.scale)
        return min(max(raw, self.low_raw), self.high_raw)


_Row = tuple[bool, int, int, int, int, float, float]


@dataclass(frozen=True)
class Message:
    """One message with its codec."""

    name: str
    can_id: int
    extended: bool
    length: int
    sender: str
    cycle_ns: int
    """0 where it is not cyclic."""
    on_change: bool
    cyclic: bool
    protection: Protection | None
    routed_from: str
    """The bus that the gateway takes it from; empty: it is sent here."""
    signals: Mapping[str, Signal]
    starts: Mapping[str, int]
    """Raw start values that are not 0."""
    comment: str

    @cached_property
    def _rest(self) -> bytes:
        """The frame in which every signal has its start value."""
        little = big = 0
        for name, raw in self.starts.items():
            signal = self.signals[name]
            placed = (raw & ((1 << signal.bits) - 1)) << signal.shift
            if signal.big_endian:
                big |= placed
            else:
                little |= placed
        return self._joined(little, big)

    @cached_property
    def _rows(self) -> Mapping[str, _Row]:
        """Of each signal that can be encoded what the loop needs, start values as they lie there."""
        return {
            name: (
                one.big_endian,
                one.shift,
                (1 << one.bits) - 1,
                one.low_raw,
                one.high_raw,
                one.scale,
                one.offset,
            )
            for name, one in self.signals.items()
            if one.usable
        }

    def _joined(self, little: int, big: int) -> bytes:
        made = little.to_bytes(self.length, "little")
        if big:
            return (int.from_bytes(made, "big") | big).to_bytes(self.length, "big")
        return made

    def encode(self, values: Mapping[str, float]) -> bytes:
        """The frame's bytes with these physical values and start values elsewhere; unprotected.

        Raises:
            ValueError: a value is not a number, or a name is no signal that can be encoded.
        """
        if not values:
            return self._rest
        rows, starts = self._rows, self.starts
        little = big = 0
        for name, value in values.items():
            row = rows.get(name)
            if row is None:
                raise ValueError(f"{self.name} has no signal {name!r} to encode")
            is_big, shift, mask, low_raw, high_raw, scale, offset = row
            try:
                raw = round((value - offset) / scale)
            except OverflowError:
                raw = self.signals[name].raw_of(value)
            if raw > high_raw:
                raw = high_raw
            elif raw < low_raw:
                raw = low_raw
            if starts and name in starts:
                raw ^= starts[name]
            if is_big:
                big |= (raw & mask) << shift
            else:
                little |= (raw & mask) << shift
        if not starts:
            return self._joined(little, big)
        rest = int.from_bytes(self._rest, "little")
        if big:
            rest ^= int.from_bytes(big.to_bytes(self.length, "big"), "little")
        return (rest ^ little).to_bytes(self.length, "little")

    def reader(self, names: Iterable[str]) -> Reader:
        """A decoder of some signals only.

        Raises:
            ValueError: a name is no signal of it, or one that cannot be decoded.
        """
        wanted = tuple(names)
        for name in wanted:
            if name not in self.signals or not self.signals[name].usable:
                raise ValueError(f"{self.name} has no signal {name!r} to decode")
        return Reader(self, tuple(self.signals[name] for name in wanted))


class Reader:
    """Decodes the subscribed signals of one message."""

    __slots__ = ("_big", "_rows", "message", "signals")

    def __init__(self, message: Message, signals: tuple[Signal, ...]) -> None:
        self.message, self.signals = message, signals
        self._big = any(signal.big_endian for signal in signals)
        self._rows = tuple(
            (
                signal.big_endian,
                signal.shift,
                (1 << signal.bits) - 1,
                1 << (signal.bits - 1) if signal.signed else 0,
                signal.low_raw,
                signal.high_raw,
                signal.scale,
                signal.offset,
            )
            for signal in signals
        )

    def read(self, data: bytes) -> tuple[float, ...] | None:
        """Physical values in the order asked for; None where the length or a range is broken."""
        if len(data) != self.message.length:
            return None
        little = int.from_bytes(data, "little")
        big = int.from_bytes(data, "big") if self._big else 0
        values = []
        for is_big, shift, mask, sign, low_raw, high_raw, scale, offset in self._rows:
            raw = ((big if is_big else little) >> shift) & mask
            if raw & sign:
                raw -= mask + 1
            if raw < low_raw or raw > high_raw:
                return None
            values.append(raw * scale + offset)
        return tuple(values)


@dataclass(frozen=True, slots=True)
class Database:
    """The messages of one bus, by name."""

    file: str
    messages: Mapping[str, Message]

    def message(self, name: str) -> Message:
        """A message by its name.

        Raises:
            InputError: there is none.
        """
        if name not in self.messages:
            raise InputError(f"no message {name!r}", file=self.file)
        return self.messages[name]


def load_database(path: Path) -> Database:
    """Read one DBC file.

    Raises:
        InputError: unreadable, too large, not DBC, or it contradicts itself (two messages of one id or
            name, signals that overlap or lie outside, an end-to-end protection without its signals or its
            data id), or claims more than classic CAN has.
    """
    file = str(path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"larger than {LARGEST_BYTES} bytes", file=file)
        text = path.read_bytes().decode("cp1252", errors="replace")
    except OSError as error:
        raise InputError(f"cannot be read: {error}", file=file) from error
    places = scan(text, file)
    import cantools
    from cantools.database.errors import Error

    try:
        found = cantools.database.load_string(text, database_format="dbc", strict=True)
    except Error as error:
        raise InputError(f"not a DBC: {error}", file=file, line=_line_in(str(error))) from error
    except Exception as error:  # On broken files cantools fails in any way.
        raise InputError(f"not a DBC: {type(error).__name__} {error}", file=file) from error
    if isinstance(found, cantools.database.diagnostics.Database):
        raise InputError("a diagnostics data base, expected a DBC", file=file)
    messages: dict[str, Message] = {}
    for one in found.messages:
        if one.name in messages:
            raise places.wrong("a message of this name stands before", one.name, _id(one))
        messages[one.name] = _message(one, places)
    _refuse_same_data_ids(messages, places)
    return Database(file, messages)


def _id(one: _CanMessage | Message) -> int:
    """The id as DBC files write it: extended ones have bit 31."""
    if isinstance(one, Message):
        return one.can_id | one.extended << 31
    return one.frame_id | one.is_extended_frame << 31


def _refuse_same_data_ids(messages: Mapping[str, Message], places: Scan) -> None:
    """One data id for two messages: a frame under the other's id would be believed."""
    taken: dict[object, str] = {}
    for message in messages.values():
        if message.protection is None:
            continue
        key = identity(message.protection)
        if key in taken:
            attribute = DATA_ID[message.protection.profile]
            raise places.wrong(
                f"its data id is that of {taken[key]}", message.name, _id(message), attribute
            )
        taken[key] = message.name


def _line_in(words: str) -> int | None:
    found = re.search(r"line (\d+)", words)
    return int(found.group(1)) if found else None


def _message(one: _CanMessage, places: Scan) -> Message:
    attributes = _attributes(one)
    cycle_ms = one.cycle_time or 0
    send = str(attributes.get("GenMsgSendType", "Cyclic"))
    signals: dict[str, Signal] = {}
    for signal in one.signals:
        if signal.name in signals:
            raise places.wrong(f"two signals {signal.name!r}", one.name, _id(one))
        signals[signal.name] = _signal(signal, one, places)
    starts = {
        signal.name: int(raw)
        for signal in one.signals
        if (raw := signal.raw_initial) and isinstance(raw, int) and signals[signal.name].usable
    }
    return Message(
        name=one.name,
        can_id=one.frame_id,
        extended=one.is_extended_frame,
        length=one.length,
        sender=one.senders[0] if one.senders else "",
        cycle_ns=round(cycle_ms * NS_PER_MS),
        on_change="OnChange" in send,
        cyclic=send != "OnChange" and cycle_ms > 0,
        protection=_protection(attributes, signals, one, places),
        routed_from=str(attributes.get("GatewayFrom", "")),
        signals=signals,
        starts=starts,
        comment=one.comment or "",
    )


def _attributes(one: _CanMessage) -> dict[str, Any]:
    if one.dbc is None:
        return {}
    found: dict[str, Any] = {}
    for name, attribute in one.dbc.attributes.items():
        value, choices = attribute.value, getattr(attribute.definition, "choices", None)
        found[name] = choices[value] if choices and isinstance(value, int) else value
    return found


def _signal(one: _CanSignal, message: _CanMessage, places: Scan) -> Signal:
    where = f"{message.name}.{one.name}"
    scale, offset = float(one.scale), float(one.offset)
    if scale == 0.0 or not math.isfinite(scale) or not math.isfinite(offset):
        raise places.wrong(f"scale {scale}, offset {offset}", where, _id(message))
    low_raw = -(1 << (one.length - 1)) if one.is_signed else 0
    high_raw = (1 << (one.length - (1 if one.is_signed else 0))) - 1
    least, most = one.minimum, one.maximum
    if least is not None and most is not None and least > most:
        raise places.wrong(f"least {least} above most {most}", where, _id(message))
    if least is not None and most is not None and least < most:
        ends = sorted(((least - offset) / scale, (most - offset) / scale))
        low_raw = max(low_raw, math.ceil(ends[0] - 1e-6))
        high_raw = min(high_raw, math.floor(ends[1] + 1e-6))
        if low_raw > high_raw:
            raise places.wrong("no raw value lies in its range", where, _id(message))
    big_endian = one.byte_order == "big_endian"
    shift = one.start
    if big_endian:
        last = 8 * (one.start // 8) + 7 - one.start % 8 + one.length - 1
        shift = 8 * message.length - 1 - last
    return Signal(
        name=one.name,
        shift=shift,
        bits=one.length,
        signed=one.is_signed,
        big_endian=big_endian,
        scale=scale,
        offset=offset,
        low_raw=low_raw,
        high_raw=high_raw,
        unit=one.unit or "",
        comment=one.comment or "",
        usable=not (one.is_float or one.is_multiplexer or one.multiplexer_ids),
    )


def _protection(
    attributes: Mapping[str, Any], signals: Mapping[str, Signal], one: _CanMessage, places: Scan
) -> Protection | None:
    """Protection as the attributes E2EProfile, E2EDataID and E2EDataIDList tell it."""
    told = str(attributes.get("E2EProfile", "None"))
    if told == "None":
        return None
    profiles = {"Profile1": Profile.PROFILE_1, "Profile2": Profile.PROFILE_2}
    profile = profiles.get(told)
    if profile is None:
        words = f"end-to-end protection {told!r}, expected one of {', '.join(profiles)}"
        raise places.wrong(words, one.name, _id(one), "E2EProfile")
    if attributes.get(DATA_ID[profile], "") == "":
        words = f"end-to-end protection without {DATA_ID[profile]}"
        raise places.wrong(words, one.name, _id(one), "E2EProfile")
    try:
        data_id = int(attributes.get("E2EDataID", 0))
        ids = bytes.fromhex(str(attributes.get("E2EDataIDList", "") or "00" * PROFILE_2_COUNT))
    except ValueError as error:
        words = f"end-to-end protection: {error}"
        raise places.wrong(words, one.name, _id(one), "E2EDataIDList") from error
    try:
        return protection_from(
            signals,
            one.name + CRC_END,
            one.name + COUNTER_END,
            profile=profile,
            length=one.length,
            data_id=data_id,
            data_ids=ids,
        )
    except ValueError as error:
        raise places.wrong(str(error), one.name, _id(one), "E2EProfile") from error


def protection_from(
    signals: Mapping[str, Signal],
    crc: str,
    counter: str,
    *,
    profile: Profile,
    length: int,
    data_id: int,
    data_ids: bytes,
) -> Protection:
    """Protection whose CRC and counter are these signals.

    Raises:
        ValueError: a signal lacks or lies where the profile has none.
    """
    for name, bits in ((crc, 8), (counter, 4)):
        found = signals.get(name)
        if found is None:
            raise ValueError(f"protected, but has no signal {name!r}")
        if found.bits != bits or found.signed:
            raise ValueError(f"{name} has {found.bits} bits, expected {bits}")
    try:
        return Protection(
            profile=profile,
            length=length,
            data_id=data_id,
            data_ids=data_ids,
            crc_byte=_lowest_bit(signals[crc], length) // 8,
            counter_bit=_lowest_bit(signals[counter], length),
        )
    except ValueError as error:
        raise ValueError(f"end-to-end protection: {error}") from error


def identity(protection: Protection) -> object:
    """What tells one protected message from another: its data id, or its list of them."""
    if protection.profile is Profile.PROFILE_1:
        return protection.data_id
    return protection.data_ids


def _lowest_bit(signal: Signal, length: int) -> int:
    """Of a signal within one byte, counted from the lowest of byte 0."""
    if not signal.big_endian:
        return signal.shift
    return 8 * (length - 1 - signal.shift // 8) + signal.shift % 8


__all__ = [
    "Database",
    "Message",
    "Reader",
    "Signal",
    "identity",
    "load_database",
    "protection_from",
]
