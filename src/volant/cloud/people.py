"""Who may act on a fleet: people and programs with a token, and what each role may do."""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.cloud.campaigns.plan import Name
from volant.core.errors import InputError, RefusedError

TOKEN_BYTES: Final = 32


class Role(StrEnum):
    """What somebody is let to do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    """Writes campaigns and runs them."""
    APPROVER = "approver"
    """The second person."""
    ADMIN = "admin"


class Right(StrEnum):
    """What one may be let to do."""

    READ = "read"
    RUN = "run"
    """Draft, change, submit, start, resume, retry; publish releases."""
    APPROVE = "approve"
    HOLD = "hold"
    """Pause and stop: never more than a moment away."""
    ADMIT = "admit"
    """Let cars in and out, put them in groups."""
    PEOPLE = "people"


RIGHTS: Final = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.OPERATOR: frozenset({Right.READ, Right.RUN, Right.HOLD}),
    Role.APPROVER: frozenset({Right.READ, Right.APPROVE, Right.HOLD}),
    Role.ADMIN: frozenset(Right),
}
"""An admin may approve too, but never what they wrote or submitted themselves: that is checked by the campaign."""


WORDS: Final = {
    Right.READ: "look at the fleet",
    Right.RUN: "write or run campaigns, or publish releases",
    Right.APPROVE: "approve campaigns",
    Right.HOLD: "pause or stop campaigns",
    Right.ADMIT: "let cars in or out, or put them in groups",
    Right.PEOPLE: "give out tokens or take them back",
}
"""What one may be let to do, for people."""


def may_not(person: Person, right: Right) -> str:
    """Why somebody is not let do something, and who is."""
    others = " or ".join(str(role) for role in Role if right in RIGHTS[role])
    return f"{person.name} is {person.role}, who may not {WORDS[right]}; {others} may"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with a token."""

    name: Name
    role: Role
    digest: str
    """SHA-256 of the token, in hex; the token itself is told once and not kept."""
    made_s: float = 0.0
    expires_s: Annotated[float, Meta(ge=0.0)] | None = None
    """Unix seconds; None: never."""
    revoked_s: float | None = None

    def check(self, right: Right, now_s: float) -> None:
        """Whether somebody may do something now.

        Raises:
            RefusedError: their token is over, or their role does not let them.
        """
        if self.revoked_s is not None:
            raise RefusedError(f"the token of {self.name} was taken back")
        if self.expires_s is not None and now_s >= self.expires_s:
            raise RefusedError(f"the token of {self.name} is over")
        if right not in RIGHTS[self.role]:
            raise RefusedError(may_not(self, right))


RESERVED: Final = frozenset({"server", "car"})
"""What the program writes into the audit log for what it, or a car, does by itself."""


def check_name(name: str) -> None:
    """Whether a person may have a name.

    Raises:
        InputError: the audit log would not tell them from the server or a car.
    """
    if name.casefold() in RESERVED:
        raise InputError(
            f"{name!r} is no name for a person: in the audit log it stands for acts of no person;"
            " take another"
        )


def new_token() -> str:
    """A token, by chance: told once, and kept as its digest."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> str:
    """How a token is kept: SHA-256, in hex. Tokens are long and by chance, so this needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
