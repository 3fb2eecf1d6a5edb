"""Who calls, and how an error of the signal tree is told over gRPC.

Every method of both versions passes here: the caller's rights from the header `authorization`, the
request from its bytes, and any SignalError as a status. Without a checker the broker is open and looks at
no header, so that `Bearer ` with nothing behind it, which kuksa-client sends, does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import DecodeError

from volant.caros.signals.rights import Rights
from volant.caros.signals.tokens import TokenChecker, name_of
from volant.caros.signals.values import Code, SignalError

STATUS: Final = {
    Code.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Code.INVALID_TYPE: grpc.StatusCode.INVALID_ARGUMENT,
    Code.OUT_OF_BOUNDS: grpc.StatusCode.INVALID_ARGUMENT,
    Code.NOT_ALLOWED: grpc.StatusCode.INVALID_ARGUMENT,
    Code.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
    Code.ACCESS_DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Code.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Code.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Code.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Code.NOT_CLAIMED: grpc.StatusCode.ABORTED,
    Code.TOO_MANY: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Code.REFUSED: grpc.StatusCode.FAILED_PRECONDITION,
}
"""As the comments of kuksa.val.v2 have it; REFUSED, by an interlock of the car, is ours."""
BEARER: Final = "Bearer "
MOST_ASKED: Final = 10_000
"""Signals in one request; the whole of VSS 6.0 has 1263."""

Context = Any
"""grpc.aio.ServicerContext[bytes, bytes]; grpc brings no types that mypy could read."""
Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made a call and what that one may do."""

    rights: Rights
    name: str
    """Of its token, else the address of its socket; what the arbiter is told."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Knows callers by their tokens; open to all where there is no checker."""

    checker: TokenChecker | None = None
    now_ns: Callable[[], int] = time.time_ns
    """Unix time."""
    _everything: Rights = field(default_factory=Rights.all)

    def caller(self, context: Context) -> Caller:
        """The caller of a call.

        Raises:
            SignalError: UNAUTHENTICATED.
        """
        if self.checker is None:
            return Caller(self._everything, context.peer())
        for name, value in context.invocation_metadata() or ():
            if name == "authorization":
                token = value if isinstance(value, str) else ""
                if not token.startswith(BEARER) or len(token) == len(BEARER):
                    raise SignalError(Code.UNAUTHENTICATED, "", "no token in the header")
                token = token.removeprefix(BEARER)
                rights = self.checker.rights(token, self.now_ns() / 1e9)
                return Caller(rights, name_of(token))
        raise SignalError(Code.UNAUTHENTICATED, "", "no token given")

    def check_expiry(self, caller: Caller) -> None:
        """Ask again whether the rights of a long call still hold.

        Raises:
            SignalError: UNAUTHENTICATED.
        """
        if caller.rights.expired(self.now_ns() / 1e9):
            raise SignalError(Code.UNAUTHENTICATED, "", "the token has expired")


def parse(kind: type[Asked], data: bytes) -> Asked:
    """A request from its bytes.

    Raises:
        SignalError: INVALID_ARGUMENT, they are none.
    """
    try:
        found: Asked = kind.FromString(data)  # type: ignore[attr-defined]  # a message
    except DecodeError as error:
        name = kind.__name__
        raise SignalError(Code.INVALID_ARGUMENT, "", f"the request is no {name}") from error
    return found


def check_count(count: int) -> None:
    """Refuse requests for more signals than there can be.

    Raises:
        SignalError: INVALID_ARGUMENT.
    """
    if count > MOST_ASKED:
        raise SignalError(
            Code.INVALID_ARGUMENT, "", f"{count} signals in one request, at most {MOST_ASKED}"
        )


Handler = Callable[[bytes, Context], Awaitable[Any]]


async def refuse(context: Context, error: SignalError) -> None:
    """End a call with the error's status."""
    await context.abort(STATUS[error.code], str(error))


def guarded(handler: Handler) -> Handler:
    """A handler whose SignalError becomes the status of the call."""

    async def handle(request: bytes, context: Context) -> Any:
        try:
            return await handler(request, context)
        except SignalError as error:
            await refuse(context, error)

    return handle
