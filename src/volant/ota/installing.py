"""Takes the transaction on: what it wants next, whether the car may have it now, and the decisions that it comes to.

A decision is saved before anything follows from it. Nobody drives while units could run what does not fit together:
the car is told to be locked first, and only when that is sure a unit of one slot is overwritten or any unit switched.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from volant.core.updates import UpdateEnd
from volant.ota.conditions import may_touch, reasons_against, reasons_to_wait
from volant.ota.events import Deed, Did, Do, Drop
from volant.ota.record import Decision, Open
from volant.ota.state import SECOND_NS, WHY_MOST, Turn
from volant.ota.transaction import Failed, Known, Pause, learn, renewed, want

STARTS_MOST: Final = 20
"""Starts of the process under one decision; then it is given up (chosen)."""
CODES_MOST: Final = 256
_HELD: Final = ("it waits until the car cannot be driven off",)
_ENDS: Final = frozenset({Decision.FORWARD, Decision.BACK})


def begin(turn: Turn) -> None:
    """Open the transaction over what was agreed to."""
    record = turn.machine.record
    assert record.offer is not None, "nothing is offered"
    # Codes are taken now: after a cut a unit of one slot may run its new program before all are switched.
    codes = tuple(sorted(turn.machine.health.codes))[:CODES_MOST]
    now = Open(offer=record.offer, codes_before=codes)
    turn.save(msgspec.structs.replace(record, open=now, consent=None))
    turn.set(known={}, last_deed=turn.machine.serial + 1, waits=())


def woke(turn: Turn, now: Open, *, booted: bool) -> None:
    """The process starts within a transaction."""
    switched = now.decision in (Decision.ACTIVATE, Decision.TRIAL)
    _keep(turn, now, starts=now.starts + 1, boots=now.boots + (booted and switched))
    turn.set(driven_s=now.driven_s)
    if now.starts >= STARTS_MOST and now.decision not in _ENDS:
        go_back(turn, f"it was begun {now.starts} times and came no further")


def did(turn: Turn, told: Did) -> None:
    """A deed has ended."""
    machine = turn.machine
    serial = machine.serial + 1
    known = machine.known.get(told.do.unit, Known())
    learnt = learn(known, told, serial, turn.moment.ns)
    turn.set(
        busy=None,
        serial=serial,
        known={**machine.known, told.do.unit: learnt},
        last_deed=machine.last_deed if told.do.deed is Deed.LOOK else serial,
    )


def go_back(turn: Turn, why: str, *, wished: bool = False) -> None:
    """Decide that the old programs come back."""
    now = _open(turn)
    if now.decision not in _ENDS:
        _decide(turn, now, decision=Decision.BACK, why=why[:WHY_MOST], wished=wished)


def go_on(turn: Turn) -> None:
    """Do what can be done now; the shell is not busy."""
    for _ in Decision:  # each of them once at most
        now = turn.machine.record.open
        if now is None or turn.machine.busy is not None:
            return
        before = now.decision
        _go_on(turn, now)
        after = turn.machine.record.open
        if after is None or after.decision is before:
            return


def _go_on(turn: Turn, now: Open) -> None:
    machine, ns = turn.machine, turn.moment.ns
    silent_ns = round(machine.tuning.health.silent_s * SECOND_NS)
    found = want(now, machine.known, machine.last_deed, ns, silent_ns)
    if isinstance(found, Failed):
        turn.set(waits=())
        go_back(turn, found.why)
    elif isinstance(found, Pause):
        # On trial a silent unit must be seen to run a while again.
        turn.set(waits=(found.words,), settled_ns=None)
    elif isinstance(found, Do):
        _do(turn, now, found)
    elif now.decision is Decision.STAGE:
        _staged(turn, now)
    elif now.decision is Decision.ACTIVATE:
        turn.set(waits=(), settled_ns=None, leaving=False, driven_s=0.0)
        _decide(turn, now, decision=Decision.TRIAL, ran=True)
    elif now.decision is not Decision.TRIAL:
        _end(turn, now)


def _do(turn: Turn, now: Open, do: Do) -> None:
    if do.deed is not Deed.LOOK:
        if now.decision is Decision.STAGE:
            reasons = _against(turn, now)
            if not reasons and _is_single(now, do.unit):
                if not _is_held(turn, now):
                    return
                now = _open(turn)
                if do.unit not in now.overwritten:
                    # That its old program may be gone must be sure before it is.
                    _keep(turn, now, overwritten=(*now.overwritten, do.unit))
        else:
            reasons = _waits(turn)
        if reasons:
            turn.set(waits=reasons)
            return
    turn.set(waits=())
    turn.ask(do)


def _staged(turn: Turn, now: Open) -> None:
    """All is written: switch to it, where the car may still be updated and is held."""
    if not now.looked:
        _keep(turn, now, looked=True)
        return
    reasons = _against(turn, now)
    if reasons:
        turn.set(waits=reasons)
    elif _is_held(turn, now):
        turn.set(waits=())
        _decide(turn, _open(turn), decision=Decision.ACTIVATE, switched=True, boots=0)


def _against(turn: Turn, now: Open) -> tuple[str, ...]:
    """Why units are not written or switched now; a lock that holds nothing is taken back."""
    if now.overwritten:
        return _waits(turn)
    facts = turn.machine.facts(turn.moment.ns)
    reasons = reasons_against(facts, turn.machine.tuning.conditions)
    if reasons and now.locked:
        _keep(turn, now, locked=False)
    return reasons


def _waits(turn: Turn) -> tuple[str, ...]:
    facts = turn.machine.facts(turn.moment.ns)
    return reasons_to_wait(facts, turn.machine.tuning.conditions)


def _is_held(turn: Turn, now: Open) -> bool:
    """Whether the car cannot be driven off any more: it was seen to stand a while after it was told to be locked."""
    machine = turn.machine
    if not now.locked and now.decision is Decision.STAGE:
        _keep(turn, now, locked=True)
    elif machine.held_ns is not None and machine.car_ns is not None:
        held_ns = machine.held_ns + round(machine.tuning.hold_s * SECOND_NS)
        if machine.car_ns >= held_ns and may_touch(machine.facts(turn.moment.ns)):
            return True
    turn.set(waits=_HELD)
    return False


def is_held(turn: Turn) -> bool:
    """Whether a car that is told to be locked cannot be driven off any more."""
    return _is_held(turn, _open(turn))


def decide_to_stay(turn: Turn) -> None:
    """Decide that the new programs stay."""
    _decide(turn, _open(turn), decision=Decision.FORWARD)


def _end(turn: Turn, now: Open) -> None:
    record, offer = turn.machine.record, now.offer
    failed = record.failed
    if now.decision is Decision.FORWARD:
        end = UpdateEnd.INSTALLED
        told = {name: one.now for name, one in turn.machine.known.items() if one.now is not None}
        offer = offer.with_versions({name: now.version for name, now in told.items()})
    else:
        end = UpdateEnd.ROLLED_BACK if now.ran else UpdateEnd.FAILED
        failed = tuple(dict.fromkeys((now.offer.tried, *failed)))[:16]
    result = turn.result(end, now.why, offer)
    turn.save(
        msgspec.structs.replace(
            *(record,),
            offer=None,
            consent=None,
            open=None,
            failed=failed,
            last=result,
            last_offer=offer.name,
            noted=False,
        )
    )
    turn.set(known={}, waits=(), settled_ns=None, leaving=False, driven_s=0.0)
    turn.actions.append(Drop(now.offer.name))
    turn.note(result)


def _decide(turn: Turn, now: Open, **changes: Any) -> None:
    """A new decision: what was heard and tried before counts no more."""
    _keep(turn, now, starts=0, **changes)
    turn.set(known=renewed(turn.machine.known), last_deed=turn.machine.serial + 1)


def _keep(turn: Turn, now: Open, **changes: Any) -> None:
    changed = msgspec.structs.replace(now, **changes)
    turn.save(msgspec.structs.replace(turn.machine.record, open=changed))


def keep(turn: Turn, **changes: Any) -> None:
    """Change the transaction in the record."""
    _keep(turn, _open(turn), **changes)


def _open(turn: Turn) -> Open:
    now = turn.machine.record.open
    assert now is not None, "no transaction is open"
    return now


def _is_single(now: Open, unit: str) -> bool:
    return any(one.single for one in now.offer.units if one.unit == unit)
