"""Watches new programs on trial: whether they may stay, must go, or are to be watched on."""

from __future__ import annotations

from typing import Final

from volant.ota.conditions import reasons_to_wait
from volant.ota.events import Deed, Do
from volant.ota.health import HealthFacts, fault_of, has_passed
from volant.ota.installing import decide_to_stay, go_back, is_held, keep
from volant.ota.record import Decision
from volant.ota.state import SECOND_NS, Turn
from volant.ota.transaction import Settled, want

STEP_MOST_S: Final = 2.0
"""More between two sights is not counted as driven (chosen: two of their periods)."""
KEEP_S: Final = 30.0
"""Driven seconds that a cut may take (chosen)."""


def seen(turn: Turn, health: HealthFacts, passed_s: float) -> None:
    """Count what speaks against the new programs, and how long they were driven."""
    machine, ns = turn.machine, turn.moment.ns
    since = {code: machine.codes_ns.get(code, ns) for code in sorted(health.codes)}
    was = machine.health
    turn.set(health=health, codes_ns=since)
    now = machine.record.open
    if now is None or now.decision is not Decision.TRIAL:
        return
    if health.driving:
        turn.set(driven_s=machine.driven_s + min(passed_s, STEP_MOST_S))
    driven_s = turn.machine.driven_s
    enough_s = machine.tuning.health.drive_s
    if now.driven_s < enough_s and (driven_s - now.driven_s >= KEEP_S or driven_s >= enough_s):
        keep(turn, driven_s=driven_s)
    more = max(0, health.disengagements - was.disengagements)
    faults = max(0, health.faults - was.faults)
    if more or faults:
        keep(turn, disengagements=now.disengagements + more, faults=now.faults + faults)


def watch(turn: Turn) -> None:
    """Judge a trial; the shell is not busy, and no unit is known to have left it."""
    machine, ns = turn.machine, turn.moment.ns
    now = machine.record.open
    if now is None or now.decision is not Decision.TRIAL or machine.busy is not None:
        return
    tuning = machine.tuning.health
    if not isinstance(want(now, machine.known, machine.last_deed, ns, ns), Settled):
        return
    if machine.settled_ns is None:
        turn.set(settled_ns=ns)
    lasts_ns = round(tuning.settle_s * SECOND_NS)
    lasting = frozenset(code for code, since in machine.codes_ns.items() if ns - since >= lasts_ns)
    fault = fault_of(now, lasting, tuning)
    if fault:
        go_back(turn, fault)
    elif (
        # A code that came a moment ago is not known to last yet, nor to go.
        set(machine.codes_ns) <= set(now.codes_before)
        and turn.machine.has_settled
        and has_passed(now, tuning)
        and _leaves(turn)
    ):
        decide_to_stay(turn)
    elif ns - machine.looked_ns >= machine.tuning.look_s * SECOND_NS:
        oldest = min(now.offer.units, key=lambda one: machine.known[one.unit].serial)
        turn.set(looked_ns=ns)
        turn.ask(Do(oldest.unit, Deed.LOOK))


def _leaves(turn: Turn) -> bool:
    """Whether a passed trial may end: the car stands, is held, and every unit was asked once more since."""
    machine = turn.machine
    facts = machine.facts(turn.moment.ns)
    reasons = reasons_to_wait(facts, machine.tuning.conditions)
    if reasons:
        turn.set(leaving=False, waits=reasons)
        return False
    if not machine.leaving:
        turn.set(leaving=True, last_deed=machine.serial + 1)
        return False
    return is_held(turn)
