"""Who may do what: one table of roles, one of actions. A cell that is not written is a no."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from volant.trust.key.codes import Tier


class Action(IntEnum):
    """What a key can ask for; numbers are part of the protocol and are not given twice."""

    NOTHING = 0
    """Only brings along what is attached, or opens a session."""
    UNLOCK = 1
    LOCK = 2
    TRUNK = 3
    WINDOWS = 4
    CLIMATE = 5
    CHARGE_SET = 6
    CHARGE_PORT = 7
    FIND = 8
    """Lights and horn."""
    LOCATE = 9
    """Tells where the car is."""
    STATUS = 10
    TRIPS = 11
    UPDATE_CONSENT = 12
    DRIVE = 13
    MOVE = 14
    """Straight forward or back from outside."""
    ALARM_OFF = 15
    LIST_KEYS = 16
    READ_LOG = 17
    REMOVE_KEY = 18
    ALLOW_PAIRING = 19
    """Lets the car's screen take a new key within two minutes."""
    ALLOW_RESET = 20
    TRUST_AGAIN = 21
    """After the car's memory was set back: an owner has looked at the list of keys and finds it right."""


class Role(IntEnum):
    """What a key is; numbers are part of the protocol."""

    OWNER = 1
    DRIVER = 2
    GUEST = 3
    VALET = 4
    MONITOR = 5
    CHARGING = 6
    SERVICE = 7
    FLEET = 8
    HOME = 9


class Where(IntEnum):
    """Where a key may be used."""

    ANYWHERE = 0
    HERE = 1
    """At the car."""
    AFAR = 2
    """Over the network."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What an action asks for, whoever wants it."""

    tier: Tier = Tier.FAST
    here: bool = False
    """At the car only."""
    verified: bool = False
    """The phone has just checked its person."""
    passive: bool = False
    """May come without a tap where ranging says that the phone is near."""
    counted: bool = False
    """Spends a use of a share."""
    safe: bool = False
    """Allowed outside the area of a share: makes nothing less safe and tells nothing of the place."""
    quiet: bool = False
    """Leaves no entry in the log when it is allowed: reads that a phone repeats by itself."""


_ADMIN: Final = Demand(Tier.STANDARD, here=True, verified=True)
DEMANDS: Final[dict[Action, Demand]] = {
    Action.NOTHING: Demand(safe=True, quiet=True),
    Action.UNLOCK: Demand(passive=True, counted=True),
    Action.LOCK: Demand(passive=True, safe=True),
    Action.TRUNK: Demand(counted=True),
    Action.WINDOWS: Demand(),
    Action.CLIMATE: Demand(),
    Action.CHARGE_SET: Demand(),
    Action.CHARGE_PORT: Demand(),
    Action.FIND: Demand(),
    Action.LOCATE: Demand(),
    Action.STATUS: Demand(safe=True, quiet=True),
    Action.TRIPS: Demand(),
    Action.UPDATE_CONSENT: Demand(Tier.STANDARD, verified=True),
    Action.DRIVE: Demand(Tier.STANDARD, here=True, verified=True),
    Action.MOVE: Demand(Tier.STANDARD, here=True, verified=True),
    Action.ALARM_OFF: Demand(Tier.STANDARD, verified=True),
    Action.LIST_KEYS: Demand(quiet=True),
    Action.READ_LOG: Demand(quiet=True),
    Action.REMOVE_KEY: Demand(Tier.STANDARD, verified=True),
    Action.ALLOW_PAIRING: _ADMIN,
    Action.ALLOW_RESET: _ADMIN,
    Action.TRUST_AGAIN: _ADMIN,
}

_DAILY: Final = frozenset({
    Action.NOTHING, Action.UNLOCK, Action.LOCK, Action.TRUNK, Action.WINDOWS, Action.CLIMATE,
    Action.CHARGE_PORT, Action.FIND, Action.STATUS, Action.DRIVE,
})  # fmt: skip
_WATCH: Final = frozenset({Action.NOTHING, Action.STATUS, Action.LOCATE, Action.TRIPS})
_CHARGE: Final = frozenset({
    Action.NOTHING, Action.STATUS, Action.CHARGE_SET, Action.CHARGE_PORT,
})  # fmt: skip
_ALL: Final = frozenset(Action)


@dataclass(frozen=True, slots=True)
class Right:
    """Row of the table of roles."""

    actions: frozenset[Action]
    where: Where = Where.ANYWHERE


ROLES: Final[dict[Role, Right]] = {
    Role.OWNER: Right(_ALL),
    Role.DRIVER: Right(_DAILY | _WATCH | _CHARGE | {Action.MOVE, Action.ALARM_OFF}),
    Role.GUEST: Right(_DAILY),
    Role.VALET: Right(frozenset({
        Action.NOTHING, Action.UNLOCK, Action.LOCK, Action.STATUS, Action.DRIVE,
    })),
    Role.MONITOR: Right(_WATCH),
    Role.CHARGING: Right(_CHARGE),
    Role.SERVICE: Right(
        frozenset({
            Action.NOTHING, Action.UNLOCK, Action.LOCK, Action.TRUNK, Action.STATUS, Action.DRIVE,
            Action.LIST_KEYS, Action.REMOVE_KEY,
        }),
        Where.HERE,
    ),
    Role.FLEET: Right(
        _WATCH | _CHARGE | {Action.UNLOCK, Action.LOCK, Action.CLIMATE, Action.FIND}, Where.AFAR
    ),
    Role.HOME: Right(_CHARGE | {Action.LOCK, Action.CLIMATE, Action.LOCATE}),
}  # fmt: skip


def covers(parent: Role, child: Role) -> bool:
    """Whether a key of the one role may give one of the other; no one gives ownership away by certificate."""
    if child is Role.OWNER:
        return False
    above, below = ROLES[parent], ROLES[child]
    return below.actions <= above.actions and above.where in {Where.ANYWHERE, below.where}
