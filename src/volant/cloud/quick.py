"""Polls of cars for which there is nothing, answered at once: without the database, a file, or the loop.

A server may call this in the very thread that a request comes in by: handing a poll to the loop's thread costs more than
answering it. Nothing here waits.
"""

from __future__ import annotations

import asyncio
import hashlib
import types
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final

from volant.cloud.bodies import CBOR
from volant.cloud.ddi import Place
from volant.cloud.ddi.requests import HAL, etag_of
from volant.cloud.ddi.writing import write_rest
from volant.cloud.limits import Counts
from volant.cloud.quiet import (
    BUSY,
    FLAGS,
    HAS_INSTALLED,
    WANTS_ATTRIBUTES,
    QuietCars,
    installed_of,
    sleep_s,
)
from volant.cloud.sending import Headers

TENANT: Final = "DEFAULT"
"""hawkBit's own name of the only tenant; others are unknown here."""
ROOT: Final = f"/{TENANT}/controller/v1/"
ROOT_LENGTH: Final = len(ROOT)
SCHEME: Final = "TargetToken "
SCHEME_LENGTH: Final = len(SCHEME)


@dataclass
class QuickAnswers:
    """Answers cars that may rest. Any thread may ask."""

    cars: QuietCars
    counts: Counts
    _rests: dict[int, tuple[bytes, Headers]] = field(default_factory=dict)
    """Answers that are the same for all cars of one period."""

    def answer(self, scope: Any, proto: Any, poll_s: float, base: str) -> bool:
        """Answer a poll. False: it is none, or not that simple."""
        path = scope.path
        if not path.startswith(ROOT):
            return False
        car_id = path[ROOT_LENGTH:]
        row = self.cars.rows.get(car_id)
        if row is None or row[FLAGS] & BUSY or scope.method != "GET":
            return False
        headers = scope.headers
        token = headers.get("authorization")
        if token is None or not token.startswith(SCHEME) or CBOR in headers.get("accept", ""):
            return False
        row = self.cars.rest(car_id, digest_of(token))
        if row is None or not self.counts.hear(car_id):
            return False
        period_s = sleep_s(car_id, poll_s)
        if row[FLAGS]:
            base = base or f"{scope.scheme}://{headers.get('host', 'localhost')}"
            found = _rest_of(row, Place(base, TENANT, car_id), period_s)
        else:
            cached = self._rests.get(period_s)
            if cached is None:
                cached = self._rests[period_s] = _rest_of(row, Place("", TENANT, ""), period_s)
            found = cached
        body, head = found
        if headers.get("if-none-match") == head[1][1]:
            proto.response_empty(304, head[1:])
        else:
            proto.response_bytes(200, head, body)
        return True


def digest_of(authorization: str) -> bytes:
    """SHA-256 of the token in a header. Tokens are long and by chance, so this needs no salt."""
    return hashlib.sha256(authorization[SCHEME_LENGTH:].strip().encode()).digest()


@types.coroutine
def into_the_loop() -> Generator[None, None, None]:
    """Go on in a loop: what follows may wait. Elsewhere, whoever runs this hands it to one, or else nothing follows."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        yield


def _rest_of(row: bytes, place: Place, period_s: float) -> tuple[bytes, Headers]:
    flags = row[FLAGS]
    body = write_rest(
        place,
        period_s,
        installed=installed_of(row) if flags & HAS_INSTALLED else 0,
        wants_attributes=bool(flags & WANTS_ATTRIBUTES),
    )
    return body, [("content-type", HAL), ("etag", etag_of(body))]
