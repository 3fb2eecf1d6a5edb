"""How a request of a person is let in and answered: its token, its share of the work, and what goes wrong in words.

What a person asks for is done in a thread with a transaction of its own, so no list delays a car's poll. Threads are
few and those who wait for one are counted; more than that are asked to come again.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
from litestar import Request, Response
from litestar.exceptions import HTTPException

from volant.cloud.desk import Desk, ForbiddenError, MissingError
from volant.cloud.limits import Seldom
from volant.cloud.people import Person, digest_of
from volant.cloud.views import ErrorView
from volant.core.errors import InputError, LinkError, RefusedError, TrustError, VolantError

THREADS: Final = 4
"""Requests that are worked on at once."""
HEAVY_THREADS: Final = 1
"""Of those that look at every car or every line of the audit log. Choices of ours, like all below."""
WAITING_MOST: Final = 64
WRONG_MOST: Final = 10
"""Wrong tokens that an address may send at once; then one in `WRONG_EVERY_S`."""
WRONG_EVERY_S: Final = 6.0
ADDRESSES_MOST: Final = 10_000
GOOD_MOST: Final = 1000
"""Tokens that were good lately: their people go on beside somebody at the same address who guesses."""
RETRY_S: Final = 5
TOKEN_MOST: Final = 256
SCHEME: Final = "bearer "

T = TypeVar("T")
Req = Request[Any, Any, Any]
_log = logging.getLogger(__name__)


class BusyError(LinkError):
    """Too many wait already."""


class FloodError(VolantError):
    """Too many wrong tokens came from one address."""


@dataclass
class WrongTokens:
    """Which addresses have sent wrong tokens lately: each has so many to spend, which grow back with time."""

    spent: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """By address: how many, and when that was counted, Unix seconds."""

    def left(self, address: str, now_s: float) -> float:
        """How many an address may still send."""
        spent, at_s = self.spent.get(address, (0.0, now_s))
        # A clock that was set back gives nothing and takes nothing.
        return WRONG_MOST - max(0.0, spent - max(0.0, now_s - at_s) / WRONG_EVERY_S)

    def count(self, address: str, now_s: float) -> None:
        """One more came."""
        spent = WRONG_MOST - self.left(address, now_s)
        self.spent[address] = (min(spent + 1.0, float(WRONG_MOST)), now_s)
        self.spent.move_to_end(address)
        if len(self.spent) > ADDRESSES_MOST:
            self.spent.popitem(last=False)


@dataclass
class Guard:
    """Lets requests in."""

    desk: Desk
    wrong: WrongTokens = field(default_factory=WrongTokens)
    good: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Digests of tokens that were good lately. Whether they still are is asked of the database each time."""
    seldom: Seldom = field(default_factory=Seldom)
    files_coming: int = 0
    """Files that are being sent."""
    _limiters: dict[bool, anyio.CapacityLimiter] = field(default_factory=dict)

    async def answer(
        self, request: Req, call: Callable[[Desk, Person], T], *, heavy: bool = False
    ) -> T:
        """Do something in a thread, for the person whose token came with a request.

        Raises:
            TrustError: no token, or one that is not good.
            FloodError: too many of these came from its address.
            BusyError: too many wait already.
        """
        token = _token(request)
        address = request.client.host if request.client is not None else ""
        now_s = self.desk.clock_s()
        digest = digest_of(token)
        if self.wrong.left(address, now_s) < 1.0 and digest not in self.good:
            raise FloodError("too many wrong tokens came from this address; come again later")

        def work() -> T:
            if not token:
                raise TrustError("a token is wanted: `Authorization: Bearer TOKEN`")
            return call(self.desk, self._let_in(token))

        try:
            found = await self.in_thread(work, heavy=heavy)
        except TrustError:
            self.good.pop(digest, None)
            self.wrong.count(address, now_s)
            raise
        except RefusedError:
            self._was_good(digest)
            raise
        self._was_good(digest)
        return found

    def _let_in(self, token: str) -> Person:
        try:
            return self.desk.who(token)
        except LinkError as error:
            if self.seldom.lets("away", self.desk.clock_s()):
                _log.warning("database_away error=%s", error)
            # Whoever has not been let in yet hears nothing of what is inside.
            raise LinkError("the database is away, come again") from error

    async def in_thread(self, work: Callable[[], T], *, heavy: bool = False) -> T:
        """Do something in one of a few threads.

        Raises:
            BusyError: too many wait already.
        """
        limiter = self._limiters.setdefault(
            heavy, anyio.CapacityLimiter(HEAVY_THREADS if heavy else THREADS)
        )
        if limiter.statistics().tasks_waiting >= WAITING_MOST:
            raise BusyError("too many people ask at once; come again")
        return await anyio.to_thread.run_sync(work, limiter=limiter)

    def _was_good(self, digest: str) -> None:
        self.good[digest] = None
        self.good.move_to_end(digest)
        if len(self.good) > GOOD_MOST:
            self.good.popitem(last=False)


def _token(request: Req) -> str:
    said = request.headers.get("authorization", "")
    if not said.lower().startswith(SCHEME) or len(said) > TOKEN_MOST:
        return ""
    return said[len(SCHEME) :].strip()


STATUSES: Final[tuple[tuple[type[VolantError], int], ...]] = (
    (FloodError, 429), (MissingError, 404), (ForbiddenError, 403), (TrustError, 401),
    (RefusedError, 409), (InputError, 400), (LinkError, 503),
)  # fmt: skip
"""What an error of ours is in HTTP, the first that fits."""


def say_error(_: Req, error: Exception) -> Response[ErrorView]:
    """What was wrong, for people; never what is inside."""
    headers: dict[str, str] = {}
    if isinstance(error, RecursionError):
        status, words = 400, "what was sent is nested too deeply"
    elif isinstance(error, HTTPException):
        status, words = error.status_code, str(error.detail)
        extra = [
            f"{one.get('key', '')}: {one.get('message', '')}"
            for one in (error.extra if isinstance(error.extra, list) else ())
            if isinstance(one, dict)
        ]
        words = "; ".join([words, *extra])
    else:
        status = next((code for kind, code in STATUSES if isinstance(error, kind)), 500)
        words = str(error)
    if status == 500:
        _log.error("request_failed error=%r", error, exc_info=error)
        words = "something went wrong here; it stands in the server's log"
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if status == 413:
        headers["connection"] = "close"  # what is left of the body is not waited for
    if status in {429, 503}:
        headers["retry-after"] = str(RETRY_S)
    return Response(ErrorView(error=words), status_code=status, headers=headers)
