"""Whether cars that run an update are worse off than before, looked at after every report without fooling oneself.

The test is Wald's sequential probability ratio for a Poisson process (Wald, Sequential Tests of Statistical Hypotheses,
Annals of Mathematical Statistics 16, 1945): with usual rate r, ratio q, k events in exposure t,

    log likelihood ratio = k ln q - (q - 1) r t

As long as the true rate is at most r, exp of it is a supermartingale that starts at 1, so it ever exceeds 1 / a with
chance a at most (Ville, Étude critique de la notion de collectif, 1939): one may look as often as one likes. Several
rules in one campaign stop it falsely with the sum of their chances at most. It takes events as independent, and reports
as coming whatever happens: where a car reports at once because something has happened, the others' exposure lags behind
its event, and false stops are more (docs/guides/fleet.md has figures).

No car outweighs the fleet. One fault that counts a thousand times would stop it, so each car's events are capped
(`EVENTS_MOST_PER_CAR`); one car that claims a million kilometres would keep it from ever stopping, so each car counts
as far as a car of the bad rate would come with these events, or `TIMES_OTHERS` as far as the others on average, if that is
farther. Of a report that goes beyond, events count by the share p that lies before: that is no falser, since
q^p - 1 <= p (q - 1) for p in [0, 1].
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
TIMES_OTHERS: Final = 5.0
"""One car counts no farther than so many others do; a choice of ours."""
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

    def exposure(self, rule: HealthRule) -> float:
        """Kilometres or hours, as a rule asks."""
        return self.km if rule.per == "km" else self.hours

    def counted(self, signal: str) -> int:
        """Events of a signal, capped."""
        return min(self.events.get(signal, 0), EVENTS_MOST_PER_CAR)


class HealthSum(msgspec.Struct, frozen=True, kw_only=True):
    """All cars of a campaign together, for one rule."""

    events: float = 0.0
    exposure: float = 0.0
    """Kilometres or hours."""

    cars: int = 0
    """Those that have reported."""

    def moved(self, rule: HealthRule, before: CarHealth, after: CarHealth) -> HealthSum:
        """With what one car counted more."""
        began, ended = before.exposure(rule), after.exposure(rule)
        cars = self.cars + (before == CarHealth() != after)
        most = max(exposure_most(rule), TIMES_OTHERS * self._others(began))
        if began >= most:
            return msgspec.structs.replace(self, cars=cars)
        share = (min(ended, most) - began) / (ended - began) if ended > began else 1.0
        old, new = before.events.get(rule.signal, 0), after.events.get(rule.signal, 0)
        counted = min(old + share * (new - old), EVENTS_MOST_PER_CAR) - before.counted(rule.signal)
        return HealthSum(
            events=self.events + max(counted, 0.0),
            exposure=self.exposure + share * (ended - began),
            cars=cars,
        )

    def _others(self, own: float) -> float:
        """What counts of another car on average, at least."""
        others = self.cars - 1 if own else self.cars
        return max(0.0, self.exposure - own) / others if others > 0 else 0.0


def exposure_most(rule: HealthRule) -> float:
    """How far, or how long, one car counts, however little others say: km or hours."""
    return EVENTS_MOST_PER_CAR / (rule.bad_ratio * rule.usual_rate)


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
        f"{rule.signal}: {found.events:.4g} in {found.exposure:g} {rule.per}, {rate:.3g} per {rule.per}, usual"
        f" {rule.usual_rate:g}; {rule.bad_ratio:g} times the usual rate explains it {times:.3g} times better,"
        f" limit {1 / rule.false_stop:g} (Wald 1945, Ville 1939)"
    )
