"""What a check says no with: which attack it may be, at which repository and role (Uptane 2.1, 5.4.4)."""

from __future__ import annotations

from enum import StrEnum

from volant.core.errors import TrustError


class Attack(StrEnum):
    """Attack classes of Uptane 2.1 (3.2), as the next ECU report names them."""

    ARBITRARY = "arbitrary-software"
    ROLLBACK = "rollback"
    FREEZE = "freeze"
    MIX_AND_MATCH = "mix-and-match"
    ENDLESS = "endless-data"
    SLOW = "slow-retrieval"
    DROP = "drop-request"
    """Something that must be there does not come: dropped on the way, or the repository is down."""


class RejectedError(TrustError):
    """Nothing of it is believed; what was believed before still is, and the next good update works."""

    def __init__(
        self, attack: Attack, message: str, *, repository: str = "", role: str = ""
    ) -> None:
        self.attack, self.repository, self.role = attack, repository, role
        place = " ".join(part for part in (repository, role) if part)
        super().__init__(f"{place}: {message} ({attack})" if place else f"{message} ({attack})")
