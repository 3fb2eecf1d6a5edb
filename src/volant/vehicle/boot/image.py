"""The image of a control unit's program: a head, tables, code, a hash over all, and a signature where one is asked for.

All of it is checked before anything of it is used; one changed byte and it is none. Layout, big-endian: head of 88
bytes (`_HEAD`), tables as MessagePack, SHA-256 of head and tables, signature of that hash. Format 2 has the length of
its code (4 bytes) behind the head, and the code behind the tables; to the simulated car code is bytes and nothing more.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from volant.core.errors import InputError

_HEAD: Final = struct.Struct(">4sHHII24s24s24s")
"""Magic, format, bytes of signature, release, bytes of tables, unit, hardware, version (zeros behind)."""
_MAGIC: Final = b"VECU"
_PLAIN, _WITH_CODE = 1, 2
"""Formats."""
_CODE: Final = struct.Struct(">I")
HEAD_BYTES: Final = _HEAD.size
HASH_BYTES: Final = 32
TABLES_MOST_BYTES: Final = 1 << 20
CODE_MOST_BYTES: Final = 8 << 20
SIGNATURE_MOST_BYTES: Final = 1024
_NAME_BYTES: Final = 24

_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Value = bool | int | float | tuple[float, ...]
"""A calibration: a number, a switch or a row of numbers; in the unit that ends its name."""
Sign = Callable[[bytes], bytes]
"""Signs a hash."""
Verify = Callable[[bytes, bytes], bool]
"""Whether a hash has this signature; an empty one means that there is none."""


class Tables(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a unit does, as data."""

    behaviour: Mapping[_Key, bool] = msgspec.field(default_factory=dict)
    """What it does at all."""
    calibration: Mapping[_Key, Value] = msgspec.field(default_factory=dict)
    """How it does it."""
    needs: Mapping[_Key, Annotated[int, msgspec.Meta(ge=0)]] = msgspec.field(default_factory=dict)
    """Least release of other units' programs, by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A program as its image tells it."""

    unit: str
    hardware: str
    """Which hardware it fits."""
    version: str
    """For people."""
    release: int
    """Counts up; a lower one than the running one is not taken."""
    tables: Tables
    sha256: bytes = b""
    """Of all before it, as it was read; what a signature signs."""
    signature: bytes = b""
    code_bytes: int = 0
    """Length of its code, which stays in flash."""


def make_image(
    image: Image, sign: Sign | None = None, *, signature_bytes: int = 0, code: bytes = b""
) -> bytes:
    """The bytes of an image; its own hash and signature are made anew.

    Args:
        image: what it says.
        sign: signs the hash; without one the image has no signature.
        signature_bytes: how long a signature is, as the head says so and is signed itself.
        code: what stands beside the tables.

    Raises:
        InputError: a name is too long or not ASCII, a number is none, or it is too large.
    """
    _check(image.tables)
    tables = msgspec.msgpack.encode(image.tables, order="deterministic")
    if len(tables) > TABLES_MOST_BYTES:
        raise InputError(f"{len(tables)} bytes of tables, expected at most {TABLES_MOST_BYTES}")
    if len(code) > CODE_MOST_BYTES:
        raise InputError(f"{len(code)} bytes of code, expected at most {CODE_MOST_BYTES}")
    if not 0 <= image.release < 1 << 32:
        raise InputError(f"release {image.release}, expected 0 to {(1 << 32) - 1}")
    head = _HEAD.pack(
        _MAGIC,
        _WITH_CODE if code else _PLAIN,
        signature_bytes if sign else 0,
        image.release,
        len(tables),
        _packed(image.unit, "unit"),
        _packed(image.hardware, "hardware"),
        _packed(image.version, "version"),
    )
    body = head + (_CODE.pack(len(code)) if code else b"") + tables + code
    digest = hashlib.sha256(body).digest()
    signature = sign(digest) if sign else b""
    if sign and len(signature) != signature_bytes:
        raise ValueError(f"a signature of {len(signature)} bytes, expected {signature_bytes}")
    return body + digest + signature


def is_image(data: bytes) -> bool:
    """Whether it means to be one, whole or not."""
    return data.startswith(_MAGIC)


def read_image(data: bytes) -> Image:
    """Read an image that is whole and unchanged. The signature is the caller's to verify.

    Raises:
        InputError: it is none; the words say why.
    """
    if len(data) < HEAD_BYTES + HASH_BYTES:
        raise InputError(f"no image: {len(data)} bytes, expected {HEAD_BYTES + HASH_BYTES} or more")
    magic, layout, signature_bytes, release, length, *names = _HEAD.unpack_from(data)
    if magic != _MAGIC or layout not in (_PLAIN, _WITH_CODE):
        raise InputError(f"no image: begins with {data[:6].hex(' ')}")
    if length > TABLES_MOST_BYTES or signature_bytes > SIGNATURE_MOST_BYTES:
        raise InputError(f"no image: {length} bytes of tables, {signature_bytes} of signature")
    begin, code_bytes = HEAD_BYTES, 0
    if layout == _WITH_CODE:
        (code_bytes,) = _CODE.unpack_from(data, HEAD_BYTES)
        begin += _CODE.size
    end = begin + length + code_bytes
    if len(data) != end + HASH_BYTES + signature_bytes:
        raise InputError(
            f"no image: {len(data)} bytes, expected {end + HASH_BYTES + signature_bytes}"
        )
    digest = data[end : end + HASH_BYTES]
    if hashlib.sha256(data[:end]).digest() != digest:
        raise InputError("no image: its bytes have another hash than it says")
    unit, hardware, version = (_unpacked(name) for name in names)
    try:
        tables = msgspec.msgpack.decode(data[begin : begin + length], type=Tables)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"no image: tables: {error}") from error
    _check(tables)
    return Image(
        unit=unit,
        hardware=hardware,
        version=version,
        release=release,
        tables=tables,
        sha256=digest,
        signature=data[end + HASH_BYTES :],
        code_bytes=code_bytes,
    )


def _check(tables: Tables) -> None:
    for name, value in tables.calibration.items():
        row = value if isinstance(value, tuple) else (value,)
        for one in row:
            if isinstance(one, float) and not math.isfinite(one):
                raise InputError(f"calibration {name}: {one}, expected a number")


def _packed(text: str, what: str) -> bytes:
    try:
        packed = text.encode("ascii")
    except UnicodeEncodeError:
        packed = b""
    if not 1 <= len(packed) <= _NAME_BYTES or not text.isprintable():
        raise InputError(f"{what} {text!r}, expected 1 to {_NAME_BYTES} printable ASCII letters")
    return packed.ljust(_NAME_BYTES, b"\0")


def _unpacked(packed: bytes) -> str:
    text = packed.rstrip(b"\0").decode("ascii", "replace")
    if _packed_or_none(text) != packed:
        raise InputError(f"no image: a name of {packed.hex(' ')}")
    return text


def _packed_or_none(text: str) -> bytes | None:
    try:
        return _packed(text, "name")
    except InputError:
        return None
