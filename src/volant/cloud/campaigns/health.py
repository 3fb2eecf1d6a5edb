"""Whether cars that run an update are worse off than before, looked at after every report without fooling oneself.

The test is Wald's sequential probability ratio for a Poisson process (Wald, Sequential Tests of Statistical Hypotheses,
Annals of Mathematical Statistics 16, 1945): with usual rate r, ratio q, k events in exposure t,

    log likelihood ratio = k ln q - (q - 1) r t

As long as the true rate is at most r, exp of it is a supermartingale that starts at 1, so it ever exceeds 1 / a with
chance a at most (Ville, Étude critique de la notion de collectif, 1939): one may look as often as one likes. Several
rules in one campaign stop it falsely with the sum of their chances at most. It takes events as independent; a car with
one fault that counts a thousand times would stop a fleet, so each car's events are capped (`EVENTS_MOST_PER_CAR`).
The same test with a composite alternative watches vaccines (Kulldorff and others, Sequential Analysis 30, 2011).
"""

from __future__ import annotations

import math
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.cloud.campaigns.plan import HealthRule

EVENTS_MOST_PER_CAR: Final = 3
"""Of one signal; a choice of ours, which can only make a stop later, never falser."""
SIGNALS_MOST: Final = 64
HOURS_MOST: Final = 24.0 * 366
KM_MOST: Final = 1e6

Events = Annotated[int, Meta(ge=0, le=1_000_000)]


class CarHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What a car counted since it runs the update. Numbers only grow, so that late and doubled ones do no harm."""

    hours: Annotated[float, Meta(ge=0.0, le=HOURS_MOST)] = 0.0
    km: Annotated[float, Meta(ge=0.0, le=KM_MOST)] = 0.0
    events: Annotated[
        dict[Annotated[str, Meta(max_length=128)], Events], Meta(max_length=SIGNALS_MOST)
    ] = {}

    def joined(self, other: CarHealth) -> CarHealth:
        """Both: the greater of each number."""
        signals = sorted({*self.events, *other.events})[: 2 * SIGNALS_MOST]
        return CarHealth(
            hours=max(self.hours, other.hours),
            km=max(self.km, other.km),
            events={one: max(self.events.get(one, 0), other.events.get(one, 0)) for one in signals},
        )

    def counted(self, signal: str) -> int:
        """Events of a signal, capped."""
        return min(self.events.get(signal, 0), EVENTS_MOST_PER_CAR)


class HealthSum(msgspec.Struct, frozen=True, kw_only=True):
    """All cars of a campaign together, for one rule."""

    events: int = 0
    exposure: float = 0.0
    """Kilometres or hours."""

    def moved(self, rule: HealthRule, before: CarHealth, after: CarHealth) -> HealthSum:
        """With what one car counted more."""
        spent = after.km - before.km if rule.per == "km" else after.hours - before.hours
        return HealthSum(
            events=self.events + after.counted(rule.signal) - before.counted(rule.signal),
            exposure=self.exposure + spent,
        )


def evidence(rule: HealthRule, found: HealthSum) -> float:
    """Log of how much better the bad rate explains what was counted than the usual one does."""
    usual = rule.usual_rate * found.exposure
    return found.events * math.log(rule.bad_ratio) - (rule.bad_ratio - 1.0) * usual


def is_worse(rule: HealthRule, found: HealthSum) -> bool:
    """Whether the campaign must stop."""
    return evidence(rule, found) >= -math.log(rule.false_stop)


def in_words(rule: HealthRule, found: HealthSum) -> str:
    """For people and the audit log."""
    rate = found.events / found.exposure if found.exposure else math.inf
    times = math.exp(min(evidence(rule, found), 700.0))
    return (
        f"{rule.signal}: {found.events} in {found.exposure:g} {rule.per}, {rate:.3g} per {rule.per}, usual"
        f" {rule.usual_rate:g}; {rule.bad_ratio:g} times the usual rate explains it {times:.3g} times better,"
        f" limit {1 / rule.false_stop:g} (Wald 1945, Ville 1939)"
    )
