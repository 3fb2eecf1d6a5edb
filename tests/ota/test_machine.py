"""From a check to an agreed update: wishes, hours, reasons to wait, and what is told of it."""

from dataclasses import replace

import msgspec
import pytest

from tests.ota.car import IDS, PARKED, SECOND, TUNING, Car, driving, offer, order_of
from volant.core.errors import LinkError, RefusedError
from volant.core.updates import UpdateEnd, UpdatePhase, UpdateState, UpdateWish
from volant.ota import UnitNow
from volant.ota.deeds import perform
from volant.ota.events import (
    Action,
    Called,
    Check,
    Checked,
    Deed,
    Do,
    Drop,
    Event,
    Fetch,
    Fetched,
    Fetching,
    Moment,
    Note,
    Save,
    Seen,
    Tick,
    Wished,
    Woke,
)
from volant.ota.health import HealthFacts, HealthTuning
from volant.ota.machine import start, step, tell
from volant.ota.record import Decision, Offer, Open, Record, must_hold

NOON = 1.8e9 - 1.8e9 % 86400.0 + 12 * 3600.0


class Desk:
    """A machine that is told one thing after the other."""

    def __init__(self, record: Record | None = None) -> None:
        self.machine = start(record or Record(), TUNING)
        self.now_s, self.noon_s = 100.0, NOON
        self.timed = True
        self.actions: list[Action] = []
        self.feed(Woke(booted=True))

    def feed(self, event: Event, passed_s: float = 0.1) -> list[Action]:
        self.now_s += passed_s
        out = step(self.machine, event, self.moment)
        self.machine = out.machine
        self.actions += out.actions
        return list(out.actions)

    @property
    def moment(self) -> Moment:
        return Moment(round(self.now_s * SECOND), self.noon_s + self.now_s, timed=self.timed)

    @property
    def state(self) -> UpdateState:
        return tell(self.machine, self.moment)

    def wish(self, wish: UpdateWish) -> list[Action]:
        return self.feed(Wished(wish, self.state.offer))

    def offered(self) -> "Desk":
        self.wish(UpdateWish.CHECK)
        self.feed(Checked(offer()))
        self.feed(Fetched())
        assert self.state.phase is UpdatePhase.OFFERED
        return self


def test_a_car_checks_by_itself_soon_after_its_start_and_again_later() -> None:
    desk = Desk()
    assert desk.feed(Tick()) == []
    assert desk.feed(Tick(), 11.0) == [Check()]
    assert desk.state.phase is UpdatePhase.CHECKING
    assert desk.feed(Checked(None)) == []
    assert desk.state.phase is UpdatePhase.IDLE
    assert desk.feed(Tick(), 3600.0) == []
    assert desk.feed(Tick(), 4 * 3600.0) == [Check()]


def test_a_car_that_is_called_checks_at_once_but_nobody_has_wished_for_it() -> None:
    desk = Desk()
    assert desk.feed(Called()) == [Check()]
    assert desk.feed(Called()) == [], "it is at it"
    failed = msgspec.structs.replace(desk.machine.record, failed=(offer().programs,))
    desk.machine = replace(desk.machine, record=failed)
    assert desk.feed(Checked(offer())) == [], (
        "it was rolled back, and nobody in the car asks for it"
    )
    assert desk.feed(Called()) == [Check()]


def test_a_check_that_does_not_work_is_told_and_made_again_sooner() -> None:
    desk = Desk()
    assert desk.wish(UpdateWish.CHECK) == [Check()]
    assert desk.feed(Checked(None, "the repositories do not answer")) == []
    assert desk.state.reasons == ("the repositories do not answer",)
    assert desk.feed(Tick(), 601.0) == [Check()]


def test_what_is_not_to_be_believed_stands_in_the_history_once() -> None:
    desk = Desk()
    for count in (1, 0):
        desk.wish(UpdateWish.CHECK)
        found = desk.feed(Checked(None, "rollback: version 3, known is 5", rejected=True))
        assert sum(isinstance(one, Note) for one in found) == count
    assert desk.machine.record.last is not None
    assert desk.machine.record.last.end is UpdateEnd.REJECTED


def test_an_offer_is_fetched_and_shown_and_asks() -> None:
    desk = Desk()
    desk.wish(UpdateWish.CHECK)
    assert desk.feed(Checked(offer())) == [Fetch(offer())]
    desk.feed(Fetching(50, 200))
    assert desk.state.phase is UpdatePhase.DOWNLOADING
    assert desk.state.done == 0.25
    assert desk.state.title == "Brakes better"
    assert desk.state.can == ()
    assert desk.feed(Fetched())[0] == Save(desk.machine.record)
    state = desk.state
    assert state.phase is UpdatePhase.OFFERED
    assert set(state.can) == {
        *(UpdateWish.CHECK, UpdateWish.NOW, UpdateWish.TONIGHT, UpdateWish.LATER)
    }
    assert next((one.unit, one.runs, one.gets) for one in state.units) == ("body", "1.0", "2.0")


def test_an_offer_that_could_not_be_read_again_never_comes_into_the_record() -> None:
    desk = Desk()
    desk.wish(UpdateWish.CHECK)
    long = msgspec.structs.replace(offer(), changes=("x" * 401,))
    assert desk.feed(Checked(long)) == []
    assert "cannot be kept" in desk.state.reasons[0]


def test_a_download_that_breaks_off_leaves_nothing_offered() -> None:
    desk = Desk()
    desk.wish(UpdateWish.CHECK)
    desk.feed(Checked(offer()))
    desk.feed(Fetched("the disk is full"))
    assert desk.state.phase is UpdatePhase.IDLE
    assert desk.state.reasons == ("the disk is full",)
    assert desk.machine.record == Record()


def test_what_runs_already_is_no_update() -> None:
    same = offer(2, before={"body": 2, "brake": 2, "drive": 2})
    desk = Desk()
    desk.wish(UpdateWish.CHECK)
    assert desk.feed(Checked(same)) == []
    assert desk.state.reasons == ("there is nothing newer",)
    desk.wish(UpdateWish.CHECK)
    found = desk.feed(Checked(offer(2, before={"body": 2})))
    assert isinstance(found[0], Fetch)
    assert [one.unit for one in found[0].offer.units] == ["brake", "drive"]


def test_an_offer_that_is_withdrawn_or_replaced_is_dropped() -> None:
    desk = Desk().offered()
    desk.wish(UpdateWish.CHECK)
    assert desk.feed(Checked(offer())) == []
    desk.wish(UpdateWish.CHECK)
    found = desk.feed(Checked(offer(3)))
    assert found[1:] == [Drop("update 2"), Fetch(offer(3))]
    desk.feed(Fetched())
    desk.wish(UpdateWish.CHECK)
    assert desk.feed(Checked(None))[1:] == [Drop("update 3")]
    assert desk.state.phase is UpdatePhase.IDLE


def test_what_failed_is_offered_again_only_where_a_person_asks() -> None:
    desk = Desk(Record(failed=(offer().programs,)))
    assert desk.feed(Tick(), 11.0) == [Check()]
    again = msgspec.structs.replace(offer(), name="signed anew")
    assert desk.feed(Checked(again)) == []
    desk.wish(UpdateWish.CHECK)
    assert desk.feed(Checked(offer())) == [Fetch(offer())]


def test_now_waits_for_the_car_and_says_why() -> None:
    desk = Desk().offered()
    desk.wish(UpdateWish.NOW)
    desk.feed(Seen(replace(PARKED, charge_pct=5.0), HealthFacts()))
    assert desk.state.phase is UpdatePhase.WAITING
    assert desk.state.starts_s is None
    assert desk.state.reasons == ("the battery is below 20 %",)
    desk.feed(Seen(PARKED, HealthFacts()))
    assert desk.state.phase is UpdatePhase.INSTALLING
    assert not desk.state.locked
    assert desk.wish(UpdateWish.NOW) == []
    assert desk.state.refused == "an update is being installed"
    desk.feed(Tick(), 40.0)
    assert desk.state.refused == ""


def test_facts_that_are_too_old_are_not_known() -> None:
    desk = Desk().offered()
    desk.feed(Seen(PARKED, HealthFacts()))
    desk.feed(Wished(UpdateWish.NOW, desk.state.offer), 10.0)
    assert "not known: speed" in desk.state.reasons


def test_tonight_waits_for_its_hours_and_asks_again_when_they_have_passed() -> None:
    desk = Desk().offered()
    desk.wish(UpdateWish.TONIGHT)
    desk.feed(Seen(PARKED, HealthFacts()))
    state = desk.state
    assert state.phase is UpdatePhase.WAITING
    assert state.starts_s == desk.noon_s + 14 * 3600.0
    assert state.reasons == ()
    desk.feed(Seen(replace(PARKED, speed_mps=9.0), HealthFacts()), 15 * 3600.0)
    assert desk.state.reasons == ("the car moves",)
    desk.feed(Checked(offer()))
    desk.feed(Tick(), 3 * 3600.0)
    assert desk.state.phase is UpdatePhase.OFFERED
    assert "have passed" in desk.state.reasons[0]


def test_later_is_quiet_for_a_day() -> None:
    desk = Desk().offered()
    desk.wish(UpdateWish.LATER)
    assert desk.state.phase is UpdatePhase.IDLE
    assert UpdateWish.NOW in desk.state.can
    desk.feed(Tick(), 25 * 3600.0)
    desk.feed(Checked(offer()))
    assert desk.state.phase is UpdatePhase.OFFERED
    desk.wish(UpdateWish.NOW)
    desk.wish(UpdateWish.LATER)
    assert desk.machine.record.consent is None


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (UpdateWish.NOW, "nothing is offered"),
        (UpdateWish.ROLLBACK, "there is nothing to roll back"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(wish: UpdateWish, words: str) -> None:
    desk = Desk()
    assert desk.wish(wish) == []
    assert desk.state.refused == words


def test_wishes_while_something_is_under_way_are_refused_in_words() -> None:
    desk = Desk()
    desk.wish(UpdateWish.CHECK)
    desk.wish(UpdateWish.CHECK)
    assert desk.state.refused == "a check is under way"
    for decision, words in (
        (Decision.STAGE, "the new programs are not on trial"),
        (Decision.FORWARD, "the new programs stay; only another update brings others"),
    ):
        desk = Desk(Record(open=Open(offer=offer(), decision=decision)))
        desk.wish(UpdateWish.ROLLBACK)
        assert desk.state.refused == words


def test_answers_that_nobody_waits_for_change_nothing() -> None:
    desk = Desk()
    before = desk.machine.record
    for event in (Checked(offer()), Fetched(), Fetching(1, 2)):
        assert desk.feed(event) == []
    assert desk.machine.record == before


def test_a_result_that_a_cut_kept_from_the_history_comes_into_it() -> None:
    car = Car().update().rest()
    last = car.record.last
    assert last is not None
    desk = Desk(msgspec.structs.replace(car.record, noted=False))
    assert desk.actions[0] == Note(last)
    assert desk.machine.record.noted
    assert last.units[0] == "body 1.0 -> 2.0"


def test_a_dead_process_holds_the_car_once_units_may_not_fit_together() -> None:
    assert not must_hold(Record())
    assert not must_hold(Record(open=Open(offer=offer())))
    assert must_hold(Record(open=Open(offer=offer(), locked=True)))
    for decision in set(Decision) - {Decision.STAGE}:
        assert must_hold(Record(open=Open(offer=offer(), decision=decision)))


def test_who_agrees_agrees_to_what_was_seen_and_to_nothing_else() -> None:
    desk = Desk().offered()
    seen = desk.state.offer
    assert seen == "update 2"
    desk.wish(UpdateWish.CHECK)
    desk.feed(Checked(offer(3)))
    desk.feed(Fetched())
    for name, words in ((seen, "another update"), ("", "does not say which")):
        desk.feed(Wished(UpdateWish.NOW, name))
        assert words in desk.state.refused
        assert desk.machine.record.consent is None
    desk.feed(Wished(UpdateWish.NOW, "update 3"))
    assert desk.machine.record.consent is not None


def test_an_offer_that_is_signed_anew_is_the_same_to_who_agreed() -> None:
    desk = Desk().offered()
    desk.wish(UpdateWish.TONIGHT)
    desk.wish(UpdateWish.CHECK)
    assert len(desk.feed(Checked(msgspec.structs.replace(offer(), name="signed anew")))) == 1
    record = desk.machine.record
    assert record.offer is not None
    assert record.consent is not None
    assert record.offer.name == record.consent.offer == "signed anew"
    assert desk.state.phase is UpdatePhase.WAITING


def tonight() -> Desk:
    """Agreed to, and its hour has just come."""
    desk = Desk().offered()
    desk.wish(UpdateWish.TONIGHT)
    hours = 13.9
    desk.feed(Seen(PARKED, HealthFacts()), hours * 3600.0)
    desk.feed(Checked(offer()))
    return desk


def test_the_repositories_are_asked_once_more_before_an_agreed_update_begins() -> None:
    desk = tonight()
    assert desk.state.phase is UpdatePhase.WAITING
    assert desk.feed(Seen(PARKED, HealthFacts()), 3600.0) == [Check("update 2")]
    assert desk.state.phase is UpdatePhase.WAITING
    assert "once more" in desk.state.reasons[0]
    assert UpdateWish.LATER in desk.state.can
    desk.feed(Checked(offer()))
    assert desk.state.phase is UpdatePhase.INSTALLING


@pytest.mark.parametrize("found", [None, offer(3)])
def test_what_was_withdrawn_since_is_not_installed(found: Offer | None) -> None:
    desk = tonight()
    desk.feed(Seen(PARKED, HealthFacts()), 3600.0)
    desk.feed(Checked(found))
    assert desk.machine.record.consent is None
    assert desk.machine.record.open is None
    assert desk.state.reasons == ("the update that was agreed to is not offered any more",)


def test_an_agreed_update_goes_on_without_an_answer_only_by_what_has_not_expired() -> None:
    desk = tonight()
    desk.feed(Seen(PARKED, HealthFacts()), 3600.0)
    desk.feed(Checked(None, "nobody answers"))
    assert desk.state.phase is UpdatePhase.WAITING
    assert "nobody answers" in desk.state.reasons[0]
    assert desk.feed(Seen(PARKED, HealthFacts()), 59.0) == []
    assert desk.feed(Seen(PARKED, HealthFacts()), 2.0) == [Check("update 2")]
    desk.feed(Checked(None, "nobody answers", standing=True))
    assert desk.state.phase is UpdatePhase.INSTALLING


def test_after_a_start_nothing_begins_before_the_repositories_and_the_time_were_heard() -> None:
    asleep = tonight()
    desk = Desk(asleep.machine.record)
    desk.noon_s = asleep.noon_s + 14 * 3600.0  # it stood still while the car was off
    assert desk.feed(Seen(PARKED, HealthFacts())) == []
    assert desk.feed(Seen(PARKED, HealthFacts()), 11.0) == [Check("update 2")]
    desk.noon_s += 8 * 3600.0
    desk.feed(Checked(offer()))
    assert desk.state.phase is UpdatePhase.OFFERED
    assert "have passed" in desk.state.reasons[0]


def test_an_hour_that_nobody_signed_is_not_the_agreed_one() -> None:
    desk = tonight()
    desk.timed = False
    desk.feed(Seen(PARKED, HealthFacts()), 3600.0)
    desk.feed(Checked(offer()))
    assert "the hour is not known" in desk.state.reasons[0]
    desk.timed = True
    desk.feed(Seen(PARKED, HealthFacts()))
    assert desk.state.phase is UpdatePhase.INSTALLING


def test_what_waits_for_the_car_is_looked_after_and_can_be_withdrawn() -> None:
    desk = Desk().offered()
    desk.wish(UpdateWish.NOW)
    driven = Seen(replace(PARKED, speed_mps=9.0), HealthFacts())
    assert desk.feed(driven, 3600.0) == []
    assert desk.feed(driven, 4 * 3600.0) == [Check("update 2")]
    desk.feed(Checked(None))
    assert desk.state.phase is UpdatePhase.IDLE


def test_versions_for_people_are_those_of_the_programs() -> None:
    desk = Desk()
    desk.wish(UpdateWish.CHECK)
    desk.feed(Checked(offer()))
    desk.feed(Fetched(versions={"body": "2.0 beta", "brake": ""}))
    assert [one.gets for one in desk.state.units] == ["2.0 beta", "2.0", "2.0"]
    desk.wish(UpdateWish.CHECK)
    assert desk.feed(Checked(offer())) == []


def test_how_long_a_download_takes_is_told_by_its_pace() -> None:
    desk = Desk()
    desk.wish(UpdateWish.CHECK)
    desk.feed(Checked(offer()))
    assert desk.state.left_s is None
    desk.feed(Fetching(500, 1000))  # that much lay there from before
    assert desk.state.left_s is None
    desk.feed(Fetching(600, 1000), 10.0)
    assert desk.state.left_s == pytest.approx(40.0)
    desk.feed(Fetched())
    assert desk.state.left_s is None


def test_how_long_installing_takes_is_told_first_by_the_director_then_by_its_pace() -> None:
    desk = Desk().offered()
    desk.feed(Seen(PARKED, HealthFacts()))
    desk.wish(UpdateWish.NOW)
    assert desk.state.phase is UpdatePhase.INSTALLING
    assert desk.state.left_s == pytest.approx(60.0)
    car = Car().update()
    car.until(lambda now: 0.3 < now.state.done < 1.0)
    left_s = car.state.left_s
    assert left_s is not None
    assert 2.0 < left_s < 20.0
    assert car.rest().state.left_s is None


def test_words_of_others_carry_nothing_that_moves_a_terminal() -> None:
    desk = Desk()
    desk.wish(UpdateWish.CHECK)
    desk.feed(Checked(None, "the director says no: \x1b[2J\nall is well", rejected=True))
    assert desk.state.reasons == ("the director says no: ?[2J?all is well",)
    assert desk.state.last is not None
    assert desk.state.last.why.isprintable()

    class Liar:
        name = "body"

        def now(self) -> UnitNow:
            return UnitNow(runs=None, version="\x1b[2J2.0")

        def stage(self, *_: object) -> None:
            raise RefusedError("\x07no")

    told = perform(Liar(), Do("body", Deed.STAGE, IDS["body", 2]), order_of, print)  # type: ignore[arg-type]
    assert told.now is not None
    assert (told.now.version, told.refused) == ("?[2J2.0", "?no")


def test_a_trial_says_how_long_it_still_is() -> None:
    long = replace(TUNING, health=HealthTuning(settle_s=4.0, drive_s=20.0))
    car = Car(tuning=long).update().until(lambda now: now.machine.settled_ns is not None)
    assert car.state.left_s == pytest.approx(4.0, abs=1.0)
    car.until(lambda now: now.machine.has_settled)
    assert car.state.left_s == pytest.approx(20.0)
    car.facts, car.health = driving(), replace(car.health, driving=True)
    for _ in range(10):
        car.turn(1.0)
    assert car.state.left_s == pytest.approx(10.0, abs=2.0)
    desk = Desk(car.record)
    desk.wish(UpdateWish.CHECK)
    assert "on trial" in desk.state.refused


def test_what_was_put_off_says_so() -> None:
    desk = Desk().offered()
    desk.wish(UpdateWish.LATER)
    assert "put off for a day" in desk.state.reasons[0]
    desk.wish(UpdateWish.CHECK)
    desk.feed(Checked(offer()))
    assert (desk.state.phase, desk.state.reasons) == (UpdatePhase.OFFERED, ())


def test_a_unit_is_named_once_by_whoever_tells_what_it_said() -> None:
    class Port:
        name = "body"

        def now(self) -> UnitNow:
            raise LinkError("body: nothing came")

        def stage(self, *_: object) -> None:
            raise RefusedError("body: it is full")

        def reset(self) -> None:
            raise LinkError("body: it sleeps")

    for deed, words in (
        (Deed.STAGE, ("it is full", "nothing came")),
        (Deed.RESET, ("", "it sleeps")),
    ):
        told = perform(Port(), Do("body", deed, IDS["body", 2]), order_of, print)  # type: ignore[arg-type]
        assert (told.refused, told.silent) == words
