"""Bodies as devices send and want them: JSON, or CBOR (RFC 8949) as hawkBit allows it; inside all is JSON."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import cbor2
import msgspec

from volant.cloud.ddi.requests import HAL, Answer
from volant.core.errors import InputError

CBOR: Final = "application/cbor"
BODY_S: Final = 20.0
"""A body that takes longer is not read to its end; a choice of ours."""


async def read_body(proto: Any, headers: dict[str, str], most: int) -> bytes | None:
    """A request's body, as a server hands it in (RSGI 1.6); None: it is too long, or too slow."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        return None
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for block in proto:
                found += block
                if len(found) > most:
                    return None
    except TimeoutError:
        return None
    return bytes(found)


def from_cbor(body: bytes) -> bytes:
    """A body as JSON.

    Raises:
        InputError: it is no CBOR, or says what JSON cannot.
    """
    try:
        return msgspec.json.encode(cbor2.loads(body))
    except (cbor2.CBORError, msgspec.MsgspecError, ValueError, TypeError, ArithmeticError) as error:
        raise InputError(f"no CBOR: {error}") from error
    except (RecursionError, MemoryError, LookupError, AttributeError) as error:
        raise InputError(f"no CBOR that we read: {type(error).__name__}") from error


def to_cbor(answer: Answer) -> Answer:
    """An answer as CBOR, where it is JSON."""
    if not answer.kind.startswith("application/") or not answer.body or answer.kind != HAL:
        return answer
    body = cbor2.dumps(msgspec.json.decode(answer.body))
    return Answer(answer.status, body, CBOR, answer.headers, answer.file)
