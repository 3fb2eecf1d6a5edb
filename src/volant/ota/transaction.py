"""One transaction over all units: what to do next with which of them, so that all run the new programs or all the old.

Nothing is remembered of what was done: each unit is asked, and the next deed follows from what it says and from the
one decision that stands in the record. So a cut between any two deeds, a unit that fell back by itself and a deed whose
answer was lost are all the same case. A deed that changes nothing counts; before the units are switched, too many of
them are a reason to go back, afterwards they are only slowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from volant.ota.events import Deed, Did, Do
from volant.ota.ports import UnitNow
from volant.ota.record import Decision, Offer, Open, UnitPlan
from volant.trust.uptane import Installed

REFUSALS_MOST: Final = 3
"""One after the other; then it means it (chosen)."""
DEEDS_MOST: Final = 6
"""With one unit within one decision; two are usual (chosen)."""
WAIT_NS: Final = 500_000_000
"""After a deed that failed, doubled with each up to `WAIT_MOST_NS` (chosen)."""
WAIT_MOST_NS: Final = 30_000_000_000
EXCUSE_NS: Final = 5_000_000_000
"""A silent unit that was never switched is not waited for longer than that (chosen)."""
_MAY_GIVE_UP: Final = frozenset({Decision.STAGE, Decision.ACTIVATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one unit; a cut takes it."""

    now: UnitNow | None = None
    """What it says; None: it did not answer."""
    serial: int = -1
    """Of the answer; -1: it was never asked."""
    last: Deed | None = None
    """The last deed but a look, where it was not refused."""
    was_reset: bool = False
    """By us since the last decision, and not written since: it runs what its flash holds."""
    deeds: int = 0
    """Since the last decision, but looks."""
    refusals: int = 0
    """One after the other."""
    words: str = ""
    """Why the last deed failed."""
    silent_ns: int | None = None
    """Since when it does not answer."""
    failures: int = 0
    wait_ns: int = 0
    """Nothing is done with it before."""


@dataclass(frozen=True, slots=True)
class Settled:
    """All units are where the decision wants them."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot be done; there is a way back."""

    why: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A unit is waited for."""

    words: str


Want = Do | Settled | Failed | Pause


def same(one: Installed | None, two: Installed | None) -> bool:
    """Whether both are the same program: length and every hash that both tell; two that tell none in common are not."""
    if one is None or two is None:
        return one is two
    common = one.hashes.keys() & two.hashes.keys()
    return (
        bool(common)
        and one.length == two.length
        and all(one.hashes[key].lower() == two.hashes[key].lower() for key in common)
    )


def learn(known: Known, did: Did, serial: int, now_ns: int) -> Known:
    """What is known after a deed.

    Args:
        known: what was known before.
        did: the deed and what the unit says after it.
        serial: of this deed among all.
        now_ns: when it ended.
    """
    deed = did.do.deed
    failed = bool(did.refused or did.silent or did.now is None)
    done = replace(
        known,
        now=did.now,
        serial=serial,
        words=did.refused or did.silent,
        refusals=known.refusals + 1 if did.refused else 0,
        silent_ns=None
        if did.now is not None
        else now_ns
        if known.silent_ns is None
        else known.silent_ns,
        failures=known.failures + 1 if failed else 0,
    )
    if failed:
        wait_ns = min(WAIT_NS << min(done.failures, 16), WAIT_MOST_NS)
        done = replace(done, wait_ns=now_ns + wait_ns)
    if deed is Deed.LOOK:
        return replace(done, refusals=known.refusals)
    deeds = known.deeds + 1
    if deeds > DEEDS_MOST:
        slowed_ns = min(WAIT_NS << min(deeds - DEEDS_MOST, 16), WAIT_MOST_NS)
        done = replace(done, wait_ns=max(done.wait_ns, now_ns + slowed_ns))
    resets = deed in (Deed.RESET, Deed.GO_BACK)
    return replace(
        done,
        deeds=deeds,
        last=None if did.refused or did.silent else deed,
        was_reset=(resets and not failed) or (known.was_reset and deed is not Deed.STAGE),
    )


def renewed(known: Mapping[str, Known]) -> dict[str, Known]:
    """What is known of all units after a new decision: what they say, and no failures."""
    return {
        name: Known(now=one.now, serial=one.serial, silent_ns=one.silent_ns)
        for name, one in known.items()
    }


def in_order(offer: Offer) -> tuple[UnitPlan, ...]:
    """Units so that each comes after those it needs; those of one slot as late as that allows. A ring is cut anywhere."""
    names = {one.unit for one in offer.units}
    left = sorted(offer.units, key=lambda one: one.single)
    done: list[UnitPlan] = []
    while left:
        there = {one.unit for one in done}
        ready = (one for one in left if set(one.needs) & names <= there | {one.unit})
        following = next(ready, left[0])
        left.remove(following)
        done.append(following)
    return tuple(done)


def want(
    now: Open, known: Mapping[str, Known], last_deed: int, now_ns: int, silent_ns: int
) -> Want:
    """What to do next under the decision that stands.

    Args:
        now: the transaction.
        known: what is known of its units.
        last_deed: serial of the last deed but a look: what was heard before it is stale.
        now_ns: the time.
        silent_ns: how long a unit may be silent.
    """
    plans = in_order(now.offer)
    if now.decision is Decision.STAGE:
        # Those of one slot last: until then nothing is lost and the car may be driven.
        plans = tuple(sorted(plans, key=lambda one: one.single))
    paused: Pause | None = None
    for plan in plans:
        one = known.get(plan.unit, Known())
        wish = _wish(now, plan, one, now_ns, silent_ns)
        if wish is None:
            continue
        if isinstance(wish, Failed):
            return wish
        if one.wait_ns > now_ns:
            paused = paused or Pause(f"{plan.unit}: {one.words or 'it is tried again'}")
            if now.decision in _MAY_GIVE_UP:
                return paused
            continue
        return wish
    if paused is not None:
        return paused
    if now.decision is Decision.ACTIVATE:
        waiting = next((p for p in plans if not _has_started(now, p, known[p.unit])), None)
        if waiting is not None:
            one = known[waiting.unit]
            if one.wait_ns > now_ns:
                return Pause(f"{waiting.unit}: {one.words}")
            return Do(waiting.unit, Deed.RESET)
    stale = (p for p in plans if known.get(p.unit, Known()).serial < last_deed)
    for plan in stale:
        one = known.get(plan.unit, Known())
        if one.wait_ns > now_ns:
            paused = paused or Pause(f"{plan.unit}: {one.words or 'it is asked again'}")
        elif not _is_excused(now, plan, one, now_ns):
            return Do(plan.unit, Deed.LOOK)
    return paused or Settled()


def _wish(now: Open, plan: UnitPlan, one: Known, now_ns: int, silent_ns: int) -> Do | Failed | None:
    """What a unit still needs; None: nothing."""
    if now.decision in _MAY_GIVE_UP:
        if one.refusals >= REFUSALS_MOST:
            return Failed(f"{plan.unit}: {one.words}")
        if one.deeds >= DEEDS_MOST:
            return Failed(f"{plan.unit}: {one.words or 'it does not do what it is told'}")
    if one.now is None:
        if _is_excused(now, plan, one, now_ns):
            return None
        may_fail = now.decision in _MAY_GIVE_UP or now.decision is Decision.TRIAL
        if may_fail and one.silent_ns is not None and now_ns - one.silent_ns >= silent_ns:
            return Failed(f"{plan.unit}: it does not answer")
        return Do(plan.unit, Deed.LOOK)
    found = _RULES[now.decision](_Case(now, plan, one, one.now))
    return Do(plan.unit, *found) if isinstance(found, tuple) else found


def _is_excused(now: Open, plan: UnitPlan, one: Known, now_ns: int) -> bool:
    """A unit that was never switched nor overwritten runs what it ran, whether it answers or not."""
    return (
        now.decision is Decision.BACK
        and not now.switched
        and plan.unit not in now.overwritten
        and one.now is None
        and one.silent_ns is not None
        and now_ns - one.silent_ns >= EXCUSE_NS
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One unit under the decision that stands."""

    now: Open
    plan: UnitPlan
    one: Known
    unit: UnitNow
    """What it says."""

    @property
    def runs_target(self) -> bool:
        return same(self.unit.runs, self.plan.target)

    @property
    def holds_target(self) -> bool:
        return same(self.unit.staged, self.plan.target)

    @property
    def is_active(self) -> bool:
        return self.unit.active or self.one.last is Deed.ACTIVATE

    @property
    def is_overwritten(self) -> bool:
        return self.plan.unit in self.now.overwritten

    def failed(self, words: str) -> Failed:
        return Failed(f"{self.plan.unit}: {words}")


_Found = tuple[Deed] | tuple[Deed, Installed | None] | Failed | None


def _stage(case: _Case) -> _Found:
    if not case.now.looked:
        if case.unit.on_trial or case.unit.active:
            return case.failed("another program of it is on trial")
        if not same(case.unit.runs, case.plan.before):
            return case.failed("it runs another program than when the update was offered")
        return None
    if case.holds_target or case.runs_target:
        return None
    return Deed.STAGE, case.plan.target


def _activate(case: _Case) -> _Found:
    if _has_started(case.now, case.plan, case.one):
        return None
    if case.one.was_reset:
        return case.failed("it does not start the new program")
    if case.is_active:
        return None
    if case.holds_target:
        return (Deed.ACTIVATE,)
    if case.unit.rolled_back:
        return case.failed("it gave the new program up")
    return None  # what does not tell that it is active shows it when it is reset


def _trial(case: _Case) -> _Found:
    return None if case.runs_target else case.failed("it gave the new program up")


def _forward(case: _Case) -> _Found:
    waits = case.holds_target or case.is_active
    if not case.runs_target or (case.plan.single and waits):
        return _put(case.plan.target, case)
    # One slot is never on trial; it is told all the same, for it takes its old program back until then.
    told = case.one.last is Deed.CONFIRM or case.one.refusals >= REFUSALS_MOST
    return (Deed.CONFIRM,) if case.unit.on_trial or (case.plan.single and not told) else None


def _back(case: _Case) -> _Found:
    plan, one, unit = case.plan, case.one, case.unit
    if not case.now.looked:
        return None  # whatever it runs is none of our doing
    touched = case.now.switched or case.is_overwritten
    ours = case.runs_target or (unit.active and case.holds_target)
    if not touched and not ours and not same(unit.runs, plan.before):
        return None  # somebody else has put it there meanwhile
    if same(unit.runs, plan.before):
        if unit.active and not plan.single and not same(unit.staged, plan.before):
            return (Deed.GO_BACK,)
        # Only a reset shows what its flash holds: it may run from memory what is lost there, or not be booted since
        # it was reverted, where a confirmation would be of the new program.
        unsure = unit.on_trial and (one.last is Deed.GO_BACK or one.refusals > 0)
        if touched and (unsure or not one.was_reset):
            return (Deed.RESET,)
        if plan.single and unit.staged is not None and not same(unit.staged, plan.before):
            return Deed.STAGE, plan.before  # it says that it was reset, and was not
        return (Deed.CONFIRM,) if unit.on_trial else None
    if plan.before is None:
        return (Deed.GO_BACK,)
    return _put(plan.before, case)


def _put(program: Installed | None, case: _Case) -> _Found:
    """Bring a unit to a program that it does not run, whatever it holds."""
    if program is not None and same(case.unit.staged, program):
        return (Deed.RESET,) if case.is_active else (Deed.ACTIVATE,)
    if case.one.last is Deed.ACTIVATE:
        return (Deed.RESET,)
    # One slot has nothing to go back to.
    if not case.plan.single and (case.unit.on_trial or case.unit.active):
        return (Deed.GO_BACK,)
    return Deed.STAGE, program


def _has_started(now: Open, plan: UnitPlan, one: Known) -> bool:
    """Whether a unit runs its target. One that was overwritten may tell its flash, not what it runs, until it is reset."""
    sure = one.was_reset or plan.unit not in now.overwritten
    return sure and one.now is not None and same(one.now.runs, plan.target)


_RULES: Final = {
    Decision.STAGE: _stage,
    Decision.ACTIVATE: _activate,
    Decision.TRIAL: _trial,
    Decision.FORWARD: _forward,
    Decision.BACK: _back,
}
