"""Values of signals as KUKSA's messages: strict types in, one encoding of a value for all who listen.

A leaf takes just the field that its VSS type has on the wire (an `uint8` is a `uint32`, a `float[]` a
`float_array`), as KUKSA's broker does; range and allowed values are the store's to check. Messages that
carry load are read and made as bytes; `tests/caros/kuksa/test_codec.py` holds both ways to be the same.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from google.protobuf.message import DecodeError

from volant.caros.kuksa import kuksa_v2_pb2 as v2
from volant.caros.signals.store import Datapoint
from volant.caros.signals.values import Code, SignalError, Value
from volant.wire.vss import Leaf

FIELDS: Final = {
    "string": "string", "boolean": "bool", "int8": "int32", "int16": "int32", "int32": "int32",
    "int64": "int64", "uint8": "uint32", "uint16": "uint32", "uint32": "uint32",
    "uint64": "uint64", "float": "float", "double": "double",
}  # fmt: skip
"""VSS type -> field of a value in kuksa.val; lists add `_array`."""
_SINGLE: Final = struct.Struct("<f")
_DOUBLE: Final = struct.Struct("<d")
_HEADS_KEPT: Final = 64
"""Sizes of a Datapoint whose head is kept; numbers have fewer bytes."""
_NO_VALUE: Final = object()
"""A message that the quick way does not understand."""


def field_of(leaf: Leaf) -> str:
    """The field in which the leaf's value stands."""
    return FIELDS[leaf.scalar] + ("_array" if leaf.is_list else "")


def data_type(leaf: Leaf) -> int:
    """The number of the leaf's type in the enumeration DataType, the same in v1 and v2."""
    name = f"DATA_TYPE_{leaf.scalar.upper()}" + ("_ARRAY" if leaf.is_list else "")
    return int(v2.DataType.Value(name))


def entry_type(leaf: Leaf) -> int:
    """The number of the leaf's kind in the enumeration EntryType, the same in v1 and v2."""
    return int(v2.EntryType.Value(f"ENTRY_TYPE_{leaf.kind.upper()}"))


def read_value(leaf: Leaf, holder: Any, group: str) -> Value | None:
    """The value in a message of v1 or v2; None where none stands in it.

    Args:
        leaf: whose value it shall be.
        holder: the message with the fields of a value.
        group: their name as a group, `value` in v1, `typed_value` in v2.

    Raises:
        SignalError: INVALID_TYPE, another type stands in it.
    """
    found = holder.WhichOneof(group)
    if found is None:
        return None
    expected = field_of(leaf)
    if found != expected:
        raise wrong_field(leaf, found)
    value = getattr(holder, found)
    if leaf.is_list:
        return tuple(value.values)
    return value  # type: ignore[no-any-return]  # a scalar by the field's type


def write_value(leaf: Leaf, holder: Any, value: Value) -> None:
    """Put a value of the store into a message of v1 or v2."""
    if isinstance(value, tuple):
        field = getattr(holder, field_of(leaf))
        field.SetInParent()  # an empty list is a value too
        field.values.extend(value)
    else:
        setattr(holder, field_of(leaf), value)


def encoded(message: Any) -> bytes:
    """A protobuf message as bytes."""
    data: bytes = message.SerializeToString()
    return data


def wrong_field(leaf: Leaf, found: str) -> SignalError:
    """The error for a value of another type."""
    return SignalError(
        Code.INVALID_TYPE, leaf.path, f"the value is {found}, it must be {field_of(leaf)}"
    )


# Bytes. Field numbers and wire types are those of kuksa_v2.proto; Datapoint: 1 timestamp, 2 value.


def varint(number: int) -> bytes:
    """A whole number from 0 as protobuf writes it."""
    if number < 0x80:
        return bytes((number,))
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def value_writer(leaf: Leaf) -> Callable[[Any], bytes]:
    """How the value's field of a v2 Datapoint, with its tag, is made for this leaf."""
    if leaf.is_list:
        return _list_writer(leaf)
    field = FIELDS[leaf.scalar]
    if field == "float":
        pack = _SINGLE.pack
        return lambda value: b"\x12\x06\x8d\x01" + pack(value)
    if field == "double":
        pack_double = _DOUBLE.pack
        return lambda value: b"\x12\x0a\x91\x01" + pack_double(value)
    if field == "bool":
        return lambda value: b"\x12\x02\x60\x01" if value else b"\x12\x02\x60\x00"
    if field == "string":
        return lambda value: _value_field(_string_bytes(value))
    tag = varint(v2.Value.DESCRIPTOR.fields_by_name[field].number << 3)
    if field.startswith("u"):
        return lambda value: _value_field(tag + varint(value))
    return lambda value: _value_field(tag + varint(_zigzag(value)))


def _value_field(value: bytes) -> bytes:
    return b"\x12" + varint(len(value)) + value


def _string_bytes(value: str) -> bytes:
    text = value.encode()
    return b"\x5a" + varint(len(text)) + text


def _list_writer(leaf: Leaf) -> Callable[[Any], bytes]:
    def write(value: tuple[Any, ...]) -> bytes:
        message = v2.Value()
        write_value(leaf, message, value)
        return _value_field(encoded(message))

    return write


@lru_cache(maxsize=8)
def stamp_bytes(stamp_ns: int) -> bytes:
    """The timestamp of a v2 Datapoint with its tag; a batch has one, so it is made once."""
    seconds, nanos = divmod(stamp_ns, 1_000_000_000)
    body = (b"\x08" + varint(seconds) if seconds else b"") + (
        b"\x10" + varint(nanos) if nanos else b""
    )
    return b"\x0a" + varint(len(body)) + body


Reader = Callable[[bytes], Value | None]
"""Bytes of a v2 Datapoint -> value; None where the point has no value."""


def reader(leaf: Leaf) -> Reader:
    """How the bytes of a v2 Datapoint are read for this leaf; raises SignalError INVALID_TYPE.

    The usual form (timestamp, then the value, nothing else) is read by its places; whatever differs
    goes through protobuf and gets the same answer.
    """
    quick = {"float": _quick_float, "double": _quick_double, "bool": _quick_bool}.get(
        field_of(leaf), _quick_number(leaf)
    )
    if quick is None:
        return lambda data: _read_slowly(leaf, data)

    def read(data: bytes) -> Value | None:
        found = quick(data)
        return _read_slowly(leaf, data) if found is _NO_VALUE else found

    return read


def _read_slowly(leaf: Leaf, data: bytes) -> Value | None:
    try:
        point = v2.Datapoint.FromString(data)
    except DecodeError as error:
        raise SignalError(Code.INVALID_ARGUMENT, leaf.path, "the value is no Datapoint") from error
    return read_value(leaf, point.value, "typed_value")


def _start(data: bytes) -> int:
    """Where the value's tag stands, when a short timestamp may stand before it."""
    return 2 + data[1] if len(data) > 2 and data[0] == 0x0A else 0


def _quick_float(data: bytes) -> Any:
    # The usual one of all: written out, since it is read for every value of every batch.
    place = 2 + data[1] if len(data) > 8 and data[0] == 0x0A else 0
    if len(data) == place + 8 and data[place : place + 4] == b"\x12\x06\x8d\x01":
        return _SINGLE.unpack_from(data, place + 4)[0]
    return _NO_VALUE


def _quick_double(data: bytes) -> Any:
    place = _start(data)
    if len(data) == place + 12 and data[place : place + 4] == b"\x12\x0a\x91\x01":
        return _DOUBLE.unpack_from(data, place + 4)[0]
    return _NO_VALUE


def _quick_bool(data: bytes) -> Any:
    place = _start(data)
    if len(data) == place + 4 and data[place : place + 3] == b"\x12\x02\x60" and data[-1] < 2:
        return data[-1] == 1
    return _NO_VALUE


def _quick_number(leaf: Leaf) -> Callable[[bytes], Any] | None:
    """Of whole numbers up to 32 bits that take up to two bytes; larger ones go the slow way."""
    field = field_of(leaf)
    if field not in ("uint32", "int32"):
        return None
    tag, signed = (0x78, False) if field == "uint32" else (0x68, True)

    def quick(data: bytes) -> Any:
        place = _start(data)
        size = len(data) - place - 2
        if not 2 <= size <= 3 or data[place] != 0x12 or data[place + 1] != size:
            return _NO_VALUE
        number, last = data[place + 3], data[-1]
        if data[place + 2] != tag or last > 0x7F:
            return _NO_VALUE
        if size == 3:
            if number < 0x80:
                return _NO_VALUE
            number = number & 0x7F | last << 7
        return (number >> 1) ^ -(number & 1) if signed else number

    return quick


class EntryWriter:
    """Entries of SubscribeResponse and SubscribeByIdResponse: each value is encoded once for all."""

    __slots__ = ("_id_heads", "_path_heads", "_value", "by_id", "by_path", "data", "point")

    def __init__(self, leaf: Leaf) -> None:
        self._value = value_writer(leaf)
        path = leaf.path.encode()
        self._path_heads = _Heads(b"\x0a" + varint(len(path)) + path + b"\x12")
        self._id_heads = _Heads(b"\x08" + varint(leaf.id) + b"\x12")
        self.point: Datapoint | None = None
        """The value that was encoded last; the rest is of it, empty until it is asked for."""
        self.data = self.by_path = self.by_id = b""

    def path_entry(self, point: Datapoint) -> bytes:
        """The map entry under the leaf's path."""
        if point is not self.point:
            self._begin(point)
        if not self.by_path:
            self.by_path = self._path_heads[len(self.data)] + self.data
        return self.by_path

    def id_entry(self, point: Datapoint) -> bytes:
        """The map entry under the leaf's number."""
        if point is not self.point:
            self._begin(point)
        if not self.by_id:
            self.by_id = self._id_heads[len(self.data)] + self.data
        return self.by_id

    def _begin(self, point: Datapoint) -> None:
        self.point, self.by_path, self.by_id = point, b"", b""
        self.data = datapoint_bytes(self._value, point)


class _Heads(dict[int, bytes]):
    """What stands before the bytes of a Datapoint in a map entry, by their number."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, size: int) -> bytes:
        body = self._key + varint(size)
        head = b"\x0a" + varint(len(body) + size) + body
        if size < _HEADS_KEPT:
            self[size] = head
        return head


def datapoint_bytes(value_field: Callable[[Any], bytes], point: Datapoint) -> bytes:
    """A v2 Datapoint; its value is left out where the store has none."""
    if point.value is None:
        return stamp_bytes(point.stamp_ns)
    return stamp_bytes(point.stamp_ns) + value_field(point.value)
