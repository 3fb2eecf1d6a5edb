"""Bodies as devices send and want them: JSON, or CBOR (RFC 8949) as hawkBit allows it; inside all is JSON."""

from __future__ import annotations

import cbor2
import msgspec

from volant.cloud.ddi.requests import HAL, Answer
from volant.core.errors import InputError

CBOR = "application/cbor"


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
