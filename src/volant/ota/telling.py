"""What the update machine tells the screens, and its director of an update that waits."""

from __future__ import annotations

import contextlib
from typing import Final

import msgspec

from volant.core.updates import UpdatePhase, UpdateState, UpdateUnit, UpdateWish
from volant.ota.events import Check, Deed, Do, Fetch, Moment
from volant.ota.record import Decision, Offer, Open, UnitPlan
from volant.ota.state import SAID_NS, SECOND_NS, WHY_MOST, Machine, Pace
from volant.ota.transaction import Known, same
from volant.trust.uptane import Waiting

_PHASES: Final = {
    Decision.STAGE: UpdatePhase.INSTALLING,
    Decision.ACTIVATE: UpdatePhase.REBOOTING,
    Decision.TRIAL: UpdatePhase.TRIAL,
    Decision.FORWARD: UpdatePhase.CONFIRMING,
    Decision.BACK: UpdatePhase.REVERTING,
}
_DOES: Final = {
    Deed.LOOK: "is asked",
    Deed.STAGE: "is written",
    Deed.ACTIVATE: "is switched",
    Deed.RESET: "starts",
    Deed.CONFIRM: "is confirmed",
    Deed.GO_BACK: "goes back",
}
PUT_OFF: Final = "it is put off for a day; it can be agreed to all the same"
UNAGREED: Final = "nobody in the car has agreed to it"
LATER: Final = "somebody in the car has put it off for a day"
NOT_YET: Final = "it is agreed to for a later hour"
MEASURED_S: Final = 2.0
MEASURED_SHARE: Final = 0.02
"""Before so much time and work nothing is foretold from the pace (chosen)."""


def tell(machine: Machine, moment: Moment) -> UpdateState:
    """What screens show now."""
    record, now = machine.record, machine.record.open
    phase = phase_of(machine, moment)
    offer = now.offer if now else machine.coming or record.offer
    said = machine.said if moment.ns - machine.said_ns <= SAID_NS else ""
    waits = machine.waits if now or record.consent else ()
    units = _units(machine, now, offer)
    consent = record.consent
    return UpdateState(
        stamp_ns=moment.ns,
        phase=phase,
        offer=offer.name if offer else "",
        title=offer.title if offer else "",
        changes=offer.changes if offer else (),
        unusable=offer.unusable if offer else (),
        takes_s=offer.takes_s if offer else 0.0,
        size_bytes=offer.size_bytes if offer else 0,
        units=units,
        done=_done(machine, now, units),
        left_s=left_s(machine, moment),
        starts_s=consent.starts_s if consent and consent.starts_s > 0.0 else None,
        reasons=waits or _words(machine, moment, said),
        locked=machine.locked,
        can=tuple(wish for wish in UpdateWish if wish in wishes(machine)),
        refused=said if machine.refused else "",
        last=record.last,
    )


def _words(machine: Machine, moment: Moment, said: str) -> tuple[str, ...]:
    if said and not machine.refused:
        return (said,)
    record = machine.record
    if record.open is not None or machine.busy is not None:
        return ()
    if machine.stuck is not None:
        return (machine.stuck.why,)
    return (PUT_OFF,) if record.offer and moment.unix_s < record.quiet_until_s else ()


def waiting_of(machine: Machine, moment: Moment) -> Waiting | None:
    """What the director is told of an update that does not go on; None: none is here, or it goes on."""
    record, now = machine.record, machine.record.open
    if now is not None:
        held = now.decision is Decision.STAGE and machine.busy is None and machine.waits
        return _waiting(now.offer.name, "; ".join(machine.waits)) if held else None
    if machine.stuck is not None:
        return _waiting(machine.stuck.offer, machine.stuck.why)
    if record.offer is None:
        return None
    if record.consent is not None:
        return _waiting(record.offer.name, "; ".join(machine.waits) or NOT_YET)
    later = moment.unix_s < record.quiet_until_s
    return _waiting(record.offer.name, LATER if later else UNAGREED)


def _waiting(offer: str, why: str) -> Waiting | None:
    with contextlib.suppress(msgspec.ValidationError):  # an offer of another kind of source
        return msgspec.convert({"offer": offer, "why": why[:WHY_MOST]}, Waiting)
    return None


def phase_of(machine: Machine, moment: Moment) -> UpdatePhase:
    """How far it is."""
    record = machine.record
    if record.open is not None:
        return _PHASES[record.open.decision]
    if isinstance(machine.busy, Fetch):
        return UpdatePhase.DOWNLOADING
    if isinstance(machine.busy, Check) and (machine.asked or record.consent is None):
        return UpdatePhase.CHECKING
    if record.consent is not None:
        return UpdatePhase.WAITING
    if record.offer is None or moment.unix_s < record.quiet_until_s:
        return UpdatePhase.IDLE
    return UpdatePhase.OFFERED


def wishes(machine: Machine) -> frozenset[UpdateWish]:
    """What a person may wish now."""
    record = machine.record
    if record.open is not None:
        on_trial = record.open.decision is Decision.TRIAL
        return frozenset({UpdateWish.ROLLBACK} if on_trial else ())
    if machine.busy is not None:
        takes_back = record.consent is not None and isinstance(machine.busy, Check)
        return frozenset({UpdateWish.LATER} if takes_back else ())
    if record.offer is None:
        return frozenset({UpdateWish.CHECK})
    return frozenset({UpdateWish.CHECK, UpdateWish.NOW, UpdateWish.TONIGHT, UpdateWish.LATER})


def _units(machine: Machine, now: Open | None, offer: Offer | None) -> tuple[UpdateUnit, ...]:
    if offer is None:
        return ()
    return tuple(
        UpdateUnit(
            unit=plan.unit,
            runs=_version(plan, machine.known.get(plan.unit, Known())),
            gets=plan.version,
            does=_does(machine, plan),
            done=_share(machine, now, plan),
        )
        for plan in offer.units
    )


def _version(plan: UnitPlan, known: Known) -> str:
    return known.now.version if known.now is not None else plan.version_before


def _does(machine: Machine, plan: UnitPlan) -> str:
    busy = machine.busy
    if isinstance(busy, Do) and busy.unit == plan.unit:
        return _DOES[busy.deed]
    return machine.known.get(plan.unit, Known()).words


def _share(machine: Machine, now: Open | None, plan: UnitPlan) -> float:
    """How much of what the decision wants of a unit is done."""
    unit = machine.known.get(plan.unit, Known()).now
    if now is None or unit is None:
        return 0.0
    if now.decision is Decision.STAGE:
        if same(unit.staged, plan.target) or same(unit.runs, plan.target):
            return 1.0
        busy = machine.busy
        working = isinstance(busy, Do) and busy.unit == plan.unit and busy.deed is Deed.STAGE
        return machine.done if working else 0.0
    goal = plan.before if now.decision is Decision.BACK else plan.target
    settles = now.decision in (Decision.FORWARD, Decision.BACK)
    return float(same(unit.runs, goal) and not (settles and unit.on_trial))


def _done(machine: Machine, now: Open | None, units: tuple[UpdateUnit, ...]) -> float:
    if now is None:
        return machine.done if machine.busy is not None else 0.0
    if now.decision is Decision.TRIAL:
        health = machine.tuning.health
        return min(1.0, machine.driven_s / health.drive_s) if health.drive_s > 0.0 else 0.0
    return sum(one.done for one in units) / len(units)


def paced(machine: Machine, moment: Moment) -> Pace | None:
    """Where the present phase began, once it can be measured."""
    phase, done = phase_of(machine, moment), _measured(machine)
    if done is None:
        return None
    if machine.pace is not None and machine.pace.phase is phase and machine.pace.done <= done:
        return machine.pace
    return Pace(phase, moment.ns, done)


def left_s(machine: Machine, moment: Moment) -> float | None:
    """How long downloading or installing still takes, by how fast it was; at first by what the director says.

    On trial: how long the programs must still run at rest, or be driven, unless the car starts once more.
    """
    if machine.record.open is not None and machine.record.open.decision is Decision.TRIAL:
        return _trial_left_s(machine, moment)
    done, pace = _measured(machine), machine.pace
    if done is None or pace is None or (machine.record.open is not None and machine.waits):
        return None
    gained, took_s = done - pace.done, (moment.ns - pace.since_ns) / SECOND_NS
    if took_s >= MEASURED_S and gained >= MEASURED_SHARE:
        return took_s / gained * (1.0 - done)
    offer = machine.record.open.offer if machine.record.open else None
    return offer.takes_s * (1.0 - done) if offer and offer.takes_s > 0.0 else None


def _trial_left_s(machine: Machine, moment: Moment) -> float | None:
    health = machine.tuning.health
    if machine.has_settled:
        return max(0.0, health.drive_s - machine.driven_s) or None
    if machine.settled_ns is None:
        return None
    return max(0.0, health.settle_s - (moment.ns - machine.settled_ns) / SECOND_NS)


def _measured(machine: Machine) -> float | None:
    """How much of all bytes is there; None: this phase is not counted in bytes, or has not begun."""
    now = machine.record.open
    if now is None:
        return machine.done if isinstance(machine.busy, Fetch) and machine.done > 0.0 else None
    if now.decision is not Decision.STAGE:
        return None
    plans = now.offer.units
    all_bytes = sum(plan.target.length for plan in plans)
    if all_bytes == 0:
        return None
    shares = sum(_share(machine, now, plan) * plan.target.length for plan in plans)
    return shares / all_bytes
