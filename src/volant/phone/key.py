"""Commands over any line to a car: the protocol's steps, in order, with time limits.

What a phone must keep is handed to `keep` before bytes leave, so that a counter is never used twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from volant.trust.key import (
    Answer,
    PhoneCar,
    PhoneState,
    Request,
    dial,
    heard,
    identify,
    local,
    open_with,
)

ANSWER_S = 3.0
"""How long a car may take to obey."""


class Line(Protocol):
    """A way to one car and back."""

    async def exchange(self, capsule: bytes, within_s: float) -> bytes:
        """Send, and wait for the answer.

        Raises:
            LinkError: there was none in time, or the line is gone.
        """
        ...

    async def greeting(self, within_s: float) -> bytes:
        """A nonce of the car that was not used; asks for one where none came by itself.

        Raises:
            LinkError: there was none in time, or the line is gone.
        """
        ...


async def standard(
    line: Line, phone: PhoneState, known: PhoneCar, request: Request, chance: bytes, *,
    identity: bytes = b"", one_time: bytes = b"", within_s: float = ANSWER_S,
) -> tuple[PhoneCar, Answer]:  # fmt: skip
    """A standard exchange; 48 bytes of chance. Gives what to keep of the car, and its answer.

    Raises:
        LinkError: no answer in time.
        KeyRefusedError: it is not the car that is meant, or it refused without knowing the key.
    """
    begun = dial(chance)
    answer = await line.exchange(begun.hello, within_s)
    who = identity or identify(phone, known)
    waiting = open_with(phone, known, begun, answer, request, who, one_time)
    found = heard(known, waiting, await line.exchange(waiting.data, within_s), 0)
    return found.car, found.answer


async def fast(
    line: Line, known: PhoneCar, request: Request, keep: Callable[[PhoneCar], None], *,
    within_s: float = ANSWER_S,
) -> tuple[PhoneCar, Answer]:  # fmt: skip
    """A fast command beside the car.

    Raises:
        LinkError: no answer in time.
        KeyRefusedError: the car refused without knowing the key; `forgotten` and a standard exchange come next.
        RefusedError: a standard exchange is needed first.
    """
    known, waiting = local(known, await line.greeting(within_s), request)
    keep(known)
    found = heard(known, waiting, await line.exchange(waiting.data, within_s), 0)
    keep(found.car)
    return found.car, found.answer
