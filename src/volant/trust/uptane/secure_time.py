"""What time it is, for a car whose clock may lie: a signed time that answers a nonce of its own, and never back.

Uptane 2.1, 5.4.3.1 and 5.3.2.3. A clock that was set to 1970 by a power cut, or by somebody, moves nothing: time
goes on from the last one that was attested, by a counter that only goes forward while there is power.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.core.errors import TrustError
from volant.trust.keys import PublicKey, SigningKey
from volant.trust.uptane.envelope import seal, unseal
from volant.trust.uptane.limits import NS_PER_S
from volant.trust.uptane.metadata import LAST_S

KIND: Final = "application/vnd.volant.attested-time+json"
MOST_BYTES: Final = 64 * 1024
NONCES_MOST: Final = 1024
ANSWER_MOST_NS: Final = 60 * NS_PER_S
"""How long an answer may take; it is at most so wrong."""

Nonce = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class TimeStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What a source of time signs."""

    time_s: Annotated[int, Meta(ge=0, le=LAST_S)]
    """Unix seconds, UTC."""
    nonces: Annotated[tuple[Nonce, ...], Meta(min_length=1, max_length=NONCES_MOST)]
    """Of all control units that asked, so that one answer serves a car."""


class SecureClock(msgspec.Struct, frozen=True, kw_only=True):
    """What one control unit knows of the time. All of it is stored; `attested_s` alone survives a power cut."""

    attested_s: Annotated[float, Meta(ge=0)] = 0.0
    """Last attested time; 0: never, then everything that expires counts as it was provisioned."""
    attested_at_ns: int = 0
    """The unit's own forward counter at that moment."""
    late_s: Annotated[float, Meta(ge=0)] = 0.0
    """So long the answer took by which this is known: as much it may be ahead, and a quicker one behind it."""
    asked: Nonce | None = None
    asked_at_ns: int = 0

    def now_s(self, now_ns: int) -> float:
        """Secure time, Unix seconds: never before what was attested."""
        return self.attested_s + max(0, now_ns - self.attested_at_ns) / NS_PER_S

    def ask(self, nonce: bytes, now_ns: int) -> SecureClock:
        """Remember what was asked; the 16 bytes come from a generator nobody can foresee."""
        if len(nonce) != 16:
            raise ValueError(f"a nonce has 16 bytes, found {len(nonce)}")
        return msgspec.structs.replace(self, asked=nonce.hex(), asked_at_ns=now_ns)

    def hear(self, data: bytes, source: PublicKey, now_ns: int) -> SecureClock:
        """Take an answer as the time of the question's moment: it is ahead by as long as it took, and never behind.

        Raises:
            InputError: no signed time.
            TrustError: not from the source, not an answer to what was asked, too late, or going back.
        """
        found = unseal(data, TimeStatement, KIND, source, MOST_BYTES)
        if self.asked is None or self.asked not in found.nonces:
            raise TrustError("a signed time that answers no question of ours")
        if now_ns - self.asked_at_ns > ANSWER_MOST_NS:
            raise TrustError("a signed time that came too late")
        wrong_s = _drift_s(self, self.asked_at_ns) + self.late_s
        if found.time_s + 1 < self.now_s(self.asked_at_ns) - wrong_s:
            raise TrustError(f"signed time {found.time_s} is before what was attested")
        return SecureClock(
            attested_s=max(float(found.time_s), self.attested_s),
            attested_at_ns=self.asked_at_ns,
            late_s=max(0, now_ns - self.asked_at_ns) / NS_PER_S,
        )

    def after_boot(self, now_ns: int) -> SecureClock:
        """After a power cut: the counter began anew, the attested time stays."""
        return SecureClock(attested_s=self.attested_s, attested_at_ns=now_ns, late_s=self.late_s)


def attest(time_s: int, nonces: tuple[str, ...], key: SigningKey) -> bytes:
    """What the source answers."""
    return seal(TimeStatement(time_s=time_s, nonces=nonces), KIND, key)


def _drift_s(clock: SecureClock, now_ns: int) -> float:
    """How far a unit's own counter may have run ahead: 100 ppm, a poor quartz (recalled)."""
    return max(0, now_ns - clock.attested_at_ns) / NS_PER_S * 1e-4
