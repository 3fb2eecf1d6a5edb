"""Words between the loop's process, the cockpit's server and its screens; what is shown is in `messages`."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec
from msgspec import Meta

from volant.core.messages import Function, Indicator, Ratio, RequestKind
from volant.core.updates import OfferName, UpdateWish


class CockpitStart(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """First message to the server: what must not stand on a command line."""

    token: str
    replay: bool
    hosts: tuple[str, ...]
    """Values of the Host header that are answered."""


class ControlKind(enum.Enum):
    """What a viewer of a journal can ask for."""

    PAUSE = "pause"
    PLAY = "play"
    STEP = "step"
    SPEED = "speed"
    SEEK = "seek"


class CockpitControl(msgspec.Struct, frozen=True, kw_only=True, tag="control"):
    """From a screen in replay: `value` is a factor for SPEED, seconds for SEEK, frames for STEP."""

    kind: ControlKind
    value: Annotated[float, Meta(ge=-86_400.0, le=86_400.0)] | None = None


class CockpitPainted(msgspec.Struct, frozen=True, kw_only=True, tag="painted"):
    """From a screen: its first live frame is on the glass."""

    sequence: Annotated[int, Meta(ge=0)]


class CockpitSeat(msgspec.Struct, frozen=True, kw_only=True, tag="seat"):
    """From a screen: it takes the driver's seat, or leaves it. The last to take it has it.

    The same to a screen, with `taken` false: another one has taken the seat.
    """

    taken: bool


class CockpitHands(msgspec.Struct, frozen=True, kw_only=True, tag="hands"):
    """From the screen in the driver's seat, ten times a second at least: what hands and feet do.

    A seat that falls silent is a driver who is gone (`app/desk.py`).
    """

    accelerator: Ratio = 0.0
    brake: Ratio = 0.0
    wheel: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.0
    """Share of what is sensible at this speed, left positive; 0 lets the wheel go."""
    hands_on: bool = True
    eyes_on: bool = True


class CockpitPress(msgspec.Struct, frozen=True, kw_only=True, tag="press"):
    """From the screen in the driver's seat: a button, as `DriverRequest` has it."""

    kind: RequestKind
    value: Annotated[float, Meta(ge=-1000.0, le=1000.0)] | None = None
    indicator: Indicator | None = None
    function: Function | None = None


class CockpitWish(msgspec.Struct, frozen=True, kw_only=True, tag="wish"):
    """From the screen in the driver's seat: what it wishes of an update."""

    wish: UpdateWish
    offer: OfferName = ""
    """Which offer the screen showed when it was pressed."""


class CockpitGone(msgspec.Struct, frozen=True, kw_only=True, tag="gone"):
    """From the server: the screen in the driver's seat has gone without leaving it."""


class CockpitReady(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """From the server: it answers now."""


FromScreen = (
    CockpitControl | CockpitPainted | CockpitSeat | CockpitHands | CockpitPress | CockpitWish
)
FromServer = FromScreen | CockpitGone | CockpitReady
