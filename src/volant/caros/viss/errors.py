"""Errors of VISS version 2: number, reason and message as the standard has them (Transport, 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.caros.signals.values import Code, SignalError
from volant.core.errors import VolantError


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the standard's table."""

    number: int
    reason: str
    message: str


BAD_REQUEST: Final = Kind(
    400,
    "bad_request",
    "The server is unable to fulfil the client request because the request is malformed.",
)
FILTER_INVALID: Final = Kind(400, "filter_invalid", "Filter requested on non-primitive type.")
INVALID_DURATION: Final = Kind(400, "invalid_duration", "Time duration is invalid.")
TOKEN_EXPIRED: Final = Kind(401, "token_expired", "Access token has expired.")
TOKEN_INVALID: Final = Kind(401, "token_invalid", "Access token is invalid.")
TOKEN_MISSING: Final = Kind(401, "token_missing", "Access token is missing.")
READ_ONLY: Final = Kind(
    401, "read_only", "The desired signal cannot be set since it is a read only signal."
)
INVALID_PATH: Final = Kind(404, "invalid_path", "The specified data path does not exist.")
UNAVAILABLE_DATA: Final = Kind(404, "unavailable_data", "The requested data was not found.")
INVALID_SUBSCRIPTION: Final = Kind(
    404, "invalid_subscriptionId", "The specified subscription was not found."
)
INSUFFICIENT: Final = Kind(
    406,
    "insufficient_priviledges",  # spelled so in the standard
    "The priviledges represented by the access token are not sufficient.",
)
TOO_MANY: Final = Kind(
    429,
    "too_many_requests",
    "The client has sent the server too many requests in a given amount of time.",
)
UNAVAILABLE: Final = Kind(
    503,
    "service_unavailable",
    "The server is currently unable to handle the request due to a temporary overload or scheduled "
    "maintenance (which may be alleviated after some delay).",
)
PROVIDER_GONE: Final = Kind(
    503, "service_unavailable", "The server is temporarily unable to handle the request."
)
"""An event of a subscription whose provider left; the words are version 3's and KUKSA's."""
NOT_ALLOWED: Final = Kind(405, "method_not_allowed", "Only GET and POST are served.")
"""Ours: the standard names two methods of HTTP and no error for the others."""

TOKEN_KINDS: Final = (TOKEN_EXPIRED, TOKEN_INVALID, TOKEN_MISSING)
_OF_CODE: Final = {
    Code.NOT_FOUND: INVALID_PATH,
    Code.INVALID_TYPE: BAD_REQUEST,
    Code.OUT_OF_BOUNDS: BAD_REQUEST,
    Code.NOT_ALLOWED: BAD_REQUEST,
    Code.INVALID_ARGUMENT: BAD_REQUEST,
    Code.ACCESS_DENIED: INSUFFICIENT,
    Code.UNAUTHENTICATED: TOKEN_INVALID,
    Code.UNAVAILABLE: UNAVAILABLE,
    Code.ALREADY_EXISTS: UNAVAILABLE,
    Code.NOT_CLAIMED: UNAVAILABLE,
    Code.TOO_MANY: TOO_MANY,
    # An interlock of the car holds for now, not for ever; the standard has no closer number.
    Code.REFUSED: UNAVAILABLE,
}
_BARE: Final = (INVALID_PATH, INSUFFICIENT, TOKEN_INVALID)
"""Told in the standard's words alone."""


class VissError(VolantError):
    """A request that is not fulfilled; `words`, which say why here, stand before the standard's message."""

    def __init__(self, kind: Kind, words: str = "") -> None:
        self.kind = kind
        self.message = f"{words.rstrip('.')}. {kind.message}" if words else kind.message
        super().__init__(self.message)

    def body(self) -> dict[str, object]:
        """As it goes into a response."""
        return {
            "number": self.kind.number, "reason": self.kind.reason, "message": self.message,
        }  # fmt: skip


def error_of(error: SignalError) -> VissError:
    """What an error of the signal tree is in VISS."""
    kind = _OF_CODE[error.code]
    return VissError(kind, "" if kind in _BARE else str(error))
