"""Who did what, in lines of which each holds the hash of the one before: nothing is changed or taken out unseen.

What a chain cannot show by itself is that its end was cut off, or that all of it was written anew: for that, `seal_head`
signs where it stands, to be kept elsewhere, and `check` is told what it must still hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from volant.core.errors import InputError, TrustError
from volant.trust.keys import PublicKey, SigningKey
from volant.trust.uptane.envelope import seal, unseal

DOMAIN: Final = b"volant audit 1\0"
"""No other hash of ours is over bytes that begin so."""
LINE_MOST_BYTES: Final = 64 * 1024
HEAD_KIND: Final = "application/vnd.volant.audit-head+json"
HEAD_MOST_BYTES: Final = 4096
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line."""

    number: Annotated[int, Meta(ge=1)]
    at_s: Annotated[float, Meta(ge=0.0)]
    """Unix seconds, by the server's clock."""
    by: Annotated[str, Meta(min_length=1, max_length=256)]
    """A person, a token's name, or the server itself."""
    act: Annotated[str, Meta(min_length=1, max_length=64)]
    about: Annotated[str, Meta(max_length=256)] = ""
    """Campaign, car or version."""
    data: dict[str, Any] = {}
    before: Digest
    """Hash of the line before; of the first: of nothing."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where a chain stands: how many lines, and the hash of the last."""

    count: Annotated[int, Meta(ge=0)] = 0
    digest: Digest = hashlib.sha256(DOMAIN).hexdigest()


EMPTY: Final = Head()


def append(
    head: Head,
    *,
    at_s: float,
    by: str,
    act: str,
    about: str = "",
    data: dict[str, Any] | None = None,
) -> tuple[bytes, Head]:
    """The next line, without its end of line, and where the chain stands with it.

    Raises:
        InputError: it would not be read again, such as an act by nobody.
        ValueError: it is longer than a line may be.
    """
    entry = Entry(
        number=head.count + 1,
        at_s=at_s,
        by=by,
        act=act,
        about=about,
        data=data or {},
        before=head.digest,
    )
    line = msgspec.json.encode(entry, order="deterministic")
    if len(line) > LINE_MOST_BYTES:
        raise ValueError(f"a line of {len(line)} bytes, at most {LINE_MOST_BYTES}")
    try:
        msgspec.json.decode(line, type=Entry)
    except msgspec.ValidationError as error:
        raise InputError(f"not to be logged: {error}") from error
    return line, _after(head, line)


def check(
    lines: Iterable[bytes],
    *,
    holds: Head = EMPTY,
    file: str = "audit log",
    told: Callable[[Entry], None] | None = None,
) -> Head:
    """Read a whole log and say where it stands.

    Args:
        lines: in their order, with or without an end of line; one at a time is held.
        holds: a head that was kept elsewhere, which this log must have passed.
        file: named in errors.
        told: is told each line that was found sound.

    Raises:
        InputError: a line is none, was changed, is missing or is one too many.
        TrustError: it is another log than the one of the head, or was cut off before it.
    """
    head, passed = EMPTY, holds == EMPTY
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip(b"\r\n")
        head, entry = _check_line(head, line, file, number)
        if told is not None:
            told(entry)
        if head.count == holds.count:
            if head.digest != holds.digest:
                raise TrustError(f"{file}: line {number} is another than the one that was signed")
            passed = True
    if not passed:
        raise TrustError(
            f"{file}: {head.count} lines, but {holds.count} were signed: it was cut off"
        )
    return head


def seal_head(head: Head, key: SigningKey) -> bytes:
    """Sign where a chain stands."""
    return seal(head, HEAD_KIND, key)


def read_head(data: bytes, key: PublicKey) -> Head:
    """A head that was signed.

    Raises:
        InputError: no head.
        TrustError: signed by somebody else.
    """
    return unseal(data, Head, HEAD_KIND, key, HEAD_MOST_BYTES)


def _check_line(head: Head, line: bytes, file: str, number: int) -> tuple[Head, Entry]:
    if len(line) > LINE_MOST_BYTES:
        raise InputError(f"{len(line)} bytes, at most {LINE_MOST_BYTES}", file=file, line=number)
    try:
        entry = msgspec.json.decode(line, type=Entry)
        written = msgspec.json.encode(entry, order="deterministic")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"the line was changed, it is none of ours: {error}", file=file, line=number
        ) from error
    if entry.number != head.count + 1:
        raise InputError(
            f"found entry {entry.number}, expected {head.count + 1}", file=file, line=number
        )
    if entry.before != head.digest:
        which = f"line {number - 1} or {number}" if number > 1 else "line 1"
        raise InputError(f"{which} was changed", file=file, line=number)
    if written != line:
        raise InputError(
            "the line was changed, it is not written as we write it", file=file, line=number
        )
    return _after(head, line), entry


def _after(head: Head, line: bytes) -> Head:
    return Head(count=head.count + 1, digest=hashlib.sha256(DOMAIN + line).hexdigest())
