"""The update machine: from a check of the repositories to programs that run and stay, or to the old ones.

`step` has no I/O and no clock. Decisions go into the record and are sure (`Save`) before anything follows from them;
what units run and hold is asked of them again after every start. The transaction over all units: `transaction`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from volant.core.errors import InputError
from volant.core.updates import UpdateEnd, UpdateWish
from volant.core.words import plain
from volant.ota import installing, trial
from volant.ota.conditions import reasons_against
from volant.ota.consent import DAY_S, consent_to
from volant.ota.events import (
    Called,
    Check,
    Checked,
    Did,
    Do,
    Drop,
    Event,
    Fetch,
    Fetched,
    Fetching,
    Moment,
    Seen,
    Wished,
    Woke,
    Working,
)
from volant.ota.record import Consent, Decision, Offer, Record, decode, encode
from volant.ota.state import SECOND_NS, WHY_MOST, Machine, Step, Stuck, Turn, UpdateTuning
from volant.ota.telling import paced, tell, wishes
from volant.ota.transaction import same

__all__ = ["NOTHING_NEWER", "Machine", "Step", "UpdateTuning", "start", "step", "tell"]

NOTHING_NEWER: Final = "there is nothing newer"
_AGREES: Final = frozenset({UpdateWish.NOW, UpdateWish.TONIGHT})
ON_TRIAL: Final = "an update is on trial; it stays or goes back first"
_NO_MORE: Final = "the agreed hours have passed; it can be agreed to again"
_ASKS: Final = "the repositories are asked once more before it begins"
_NO_HOUR: Final = "the hour is not known: nobody has signed the time since the car was switched on"
_UNSAID: Final = "it does not say which update it agrees to"
_ANOTHER: Final = "another update is offered by now; it has to be looked at first"


def start(record: Record, tuning: UpdateTuning | None = None) -> Machine:
    """A machine as a process starts it; its first event is `Woke`."""
    return Machine(record=record, tuning=tuning or UpdateTuning())


def step(machine: Machine, event: Event, moment: Moment) -> Step:
    """Take one event."""
    turn = Turn(machine, moment)
    _take(turn, event)
    if turn.machine.busy is None:
        _go_on(turn)
    held_ns = turn.machine.held_ns if turn.machine.held_ns is not None else moment.ns
    turn.set(held_ns=held_ns if turn.machine.locked else None)
    turn.set(pace=paced(turn.machine, moment))
    return Step(turn.machine, tuple(turn.actions))


def _take(turn: Turn, event: Event) -> None:
    machine = turn.machine
    if isinstance(event, Seen):
        passed_ns = 0 if machine.car_ns is None else turn.moment.ns - machine.car_ns
        turn.set(car=event.car, car_ns=turn.moment.ns)
        trial.seen(turn, event.health, passed_ns / SECOND_NS)
    elif isinstance(event, Did):
        if machine.busy == event.do:
            installing.did(turn, event)
    elif isinstance(event, Working):
        if isinstance(machine.busy, Do) and machine.busy.unit == event.unit:
            turn.set(done=min(1.0, max(0.0, event.done)))
    elif isinstance(event, Fetching):
        if isinstance(machine.busy, Fetch) and event.of_bytes > 0:
            turn.set(done=min(1.0, max(0.0, event.done_bytes / event.of_bytes)))
    elif isinstance(event, Checked):
        if isinstance(machine.busy, Check):
            _checked(turn, event)
    elif isinstance(event, Fetched):
        if isinstance(machine.busy, Fetch):
            _fetched(turn, event)
    elif isinstance(event, Wished):
        _wished(turn, event)
    elif isinstance(event, Called):
        if machine.busy is None and machine.check_ns is not None:
            turn.set(check_ns=turn.moment.ns)
    elif isinstance(event, Woke):
        _woke(turn, booted=event.booted)


def _woke(turn: Turn, *, booted: bool) -> None:
    record = turn.machine.record
    first_ns = turn.moment.ns + round(turn.machine.tuning.first_check_s * SECOND_NS)
    turn.set(check_ns=first_ns, ask_ns=first_ns)
    if record.last is not None and not record.noted:
        turn.note(record.last)
    if record.open is not None:
        installing.woke(turn, record.open, booted=booted)


def _go_on(turn: Turn) -> None:
    record = turn.machine.record
    if record.open is not None:
        installing.go_on(turn)
        trial.watch(turn)
        # What a trial came to is begun at once.
        installing.go_on(turn)
        return
    if record.consent is not None:
        _wait(turn)
    now = turn.machine
    if now.record.open is not None or now.busy is not None:
        return
    # What waits is looked after as well: it may be withdrawn, and the time is heard by it.
    if now.check_ns is not None and turn.moment.ns >= now.check_ns:
        _check(turn)


def _wait(turn: Turn) -> None:
    """It is agreed to: begin when its hour has come, the car may, and the repositories stand by it still."""
    record, moment = turn.machine.record, turn.moment
    consent = record.consent
    assert consent is not None, "nobody agreed"
    offer = record.offer
    if offer is None or offer.name != consent.offer or moment.unix_s > consent.until_s:
        turn.save(msgspec.structs.replace(record, consent=None))
        turn.say(_NO_MORE)
    elif moment.unix_s >= consent.starts_s:
        facts = turn.machine.facts(moment.ns)
        reasons = reasons_against(facts, turn.machine.tuning.conditions) or _unsure(turn, consent)
        turn.set(waits=reasons)
        if not reasons:
            installing.begin(turn)
            installing.go_on(turn)
    else:
        turn.set(waits=())


def _unsure(turn: Turn, consent: Consent) -> tuple[str, ...]:
    """Why it is not sure enough that this is still to be installed, and now; asks the repositories for it."""
    machine, ns = turn.machine, turn.moment.ns
    lasts_ns = round(machine.tuning.sure_s * SECOND_NS)
    if machine.sure_ns is None or ns - machine.sure_ns > lasts_ns:
        if ns >= machine.ask_ns:
            _check(turn)
        return (f"{_ASKS}: {machine.unsure}"[:WHY_MOST] if machine.unsure else _ASKS,)
    if consent.starts_s > 0.0 and not turn.moment.timed:
        return (_NO_HOUR,)
    return ()


def _check(turn: Turn, *, asked: bool = False) -> None:
    consent = turn.machine.record.consent
    turn.set(asked=asked, check_ns=None)
    turn.ask(Check(consent.offer if consent is not None else ""))


def _again(turn: Turn, after_s: float) -> None:
    turn.set(check_ns=turn.moment.ns + round(after_s * SECOND_NS))


def _checked(turn: Turn, event: Checked) -> None:
    machine = turn.machine
    turn.set(busy=None)
    if event.why:
        _unanswered(turn, event)
        return
    offer = _needed(event.offer)
    if offer is not None:
        try:
            # What cannot be read from the record again must never come into it.
            decode(encode(Record(offer=offer)))
        except InputError as error:
            _failed(turn, f"the update cannot be kept: {error}", None, rejected=False)
            return
    _again(turn, machine.tuning.check_every_s)
    turn.set(sure_ns=turn.moment.ns, unsure="")
    turn.set(stuck=_still(machine.stuck, offer))
    if offer is not None and offer.tried in machine.record.failed and not machine.asked:
        offer = None
    held = machine.record.offer
    if offer is not None and held is not None and _bare(offer) == _bare(held):
        _stands(turn, offer, held)
        return
    if held is not None:
        # What lay there is withdrawn, or another has taken its place.
        turn.save(msgspec.structs.replace(machine.record, offer=None, consent=None))
        turn.actions.append(Drop(held.name))
        if machine.record.consent is not None:
            turn.say("the update that was agreed to is not offered any more")
    if offer is None:
        if machine.asked:
            turn.say(NOTHING_NEWER)
        return
    turn.set(coming=offer)
    turn.ask(Fetch(offer))


def _unanswered(turn: Turn, event: Checked) -> None:
    """A check that brought nothing: what was agreed to may still go on by what was signed before."""
    machine, ns = turn.machine, turn.moment.ns
    if event.standing and not event.rejected and not machine.asked:
        turn.set(sure_ns=ns, unsure="")
        _again(turn, machine.tuning.check_again_s)
        return
    asks_ns = ns + round(machine.tuning.ask_again_s * SECOND_NS)
    # What was sure before is not where the answer now is not to be believed.
    sure_ns = None if event.rejected else machine.sure_ns
    turn.set(sure_ns=sure_ns, ask_ns=asks_ns, unsure=plain(event.why))
    if event.name:
        turn.set(stuck=Stuck(event.name, plain(event.why)[:WHY_MOST]))
    _failed(turn, event.why, None, rejected=event.rejected)


def _still(stuck: Stuck | None, offer: Offer | None) -> Stuck | None:
    """What could not be had, while that is offered still, and until it is here."""
    return stuck if stuck is not None and offer is not None and offer.name == stuck.offer else None


def _stands(turn: Turn, offer: Offer, held: Offer) -> None:
    """What lies in the car is offered still; signed anew it is the same to a person, who agreed to it."""
    record, asked = turn.machine.record, turn.machine.asked
    consent = record.consent
    stands = msgspec.structs.replace(held, name=offer.name, attempt=offer.attempt)
    turn.save(
        msgspec.structs.replace(
            record,
            offer=stands,
            consent=msgspec.structs.replace(consent, offer=offer.name) if consent else None,
            quiet_until_s=0.0 if asked else record.quiet_until_s,
        )
    )
    if asked:
        turn.say("")


def _bare(offer: Offer) -> Offer:
    """What an offer is to people and units, without what is only learnt by fetching it."""
    units = tuple(msgspec.structs.replace(one, version="") for one in offer.units)
    return msgspec.structs.replace(offer, name="-", attempt="", size_bytes=0, units=units)


def _needed(offer: Offer | None) -> Offer | None:
    """An offer of what is not there yet; None: nothing."""
    if offer is None:
        return None
    units = tuple(one for one in offer.units if not same(one.before, one.target))
    return msgspec.structs.replace(offer, units=units) if units else None


def _fetched(turn: Turn, event: Fetched) -> None:
    machine = turn.machine
    offer = machine.coming
    turn.set(busy=None, coming=None)
    if event.why or offer is None:
        if offer is not None:
            turn.set(stuck=Stuck(offer.name, plain(event.why)[:WHY_MOST]))
        _failed(turn, event.why, offer, rejected=event.rejected)
        return
    turn.set(stuck=None)
    offer = offer.with_versions(event.versions)
    record = msgspec.structs.replace(machine.record, offer=offer, consent=None, quiet_until_s=0.0)
    turn.save(record)


def _failed(turn: Turn, why: str, offer: Offer | None, *, rejected: bool) -> None:
    """A check or a download did not work: once more later; what is not to be believed is noted."""
    _again(turn, turn.machine.tuning.check_again_s)
    turn.say(why)
    record, name = turn.machine.record, offer.name if offer is not None else ""
    if not rejected:
        return
    result = turn.result(UpdateEnd.REJECTED, why, offer)
    last = record.last
    if last is None or (last.end, last.title, last.why) != (result.end, result.title, result.why):
        turn.save(msgspec.structs.replace(record, last=result, last_offer=name, noted=False))
        turn.note(result)


def _wished(turn: Turn, event: Wished) -> None:
    machine, moment, wish = turn.machine, turn.moment, event.wish
    no = _no(machine, wish) if wish not in wishes(machine) else _no_consent(machine, event)
    if no:
        turn.say(no, refused=True)
        return
    turn.say("")
    record = machine.record
    if wish is UpdateWish.CHECK:
        _check(turn, asked=True)
    elif wish is UpdateWish.ROLLBACK:
        installing.go_back(turn, "a person wanted the old programs back", wished=True)
    elif record.offer is not None and wish in _AGREES:
        consent = consent_to(record.offer.name, wish, moment.unix_s, moment.offset_s)
        turn.save(msgspec.structs.replace(record, consent=consent, quiet_until_s=0.0))
    else:
        quiet_s = max(0.0, moment.unix_s) + DAY_S
        turn.save(msgspec.structs.replace(record, consent=None, quiet_until_s=quiet_s))


def _no_consent(machine: Machine, event: Wished) -> str:
    """Why a person cannot agree to what lies here; empty: it is what the person saw."""
    offer = machine.record.offer
    if event.wish not in _AGREES or offer is None or event.offer == offer.name:
        return ""
    return _ANOTHER if event.offer else _UNSAID


def _no(machine: Machine, wish: UpdateWish) -> str:
    """Why a wish is not taken."""
    now = machine.record.open
    if now is not None:
        if wish is not UpdateWish.ROLLBACK:
            on_trial = now.decision is Decision.TRIAL
            return ON_TRIAL if on_trial else "an update is being installed"
        if now.decision is Decision.FORWARD:
            return "the new programs stay; only another update brings others"
        return "the new programs are not on trial"
    if machine.busy is not None:
        return "a check is under way"
    return "there is nothing to roll back" if wish is UpdateWish.ROLLBACK else "nothing is offered"
