"""A fresh try of what was rolled back, and what the director hears of an update that does not go on."""

from dataclasses import replace

import msgspec

from tests.ota.car import PARKED, TUNING, offer
from tests.ota.test_machine import Desk
from volant.core.updates import UpdatePhase, UpdateWish
from volant.ota.events import Called, Check, Checked, Fetch, Fetched, Seen, Tick
from volant.ota.health import HealthFacts
from volant.ota.machine import start
from volant.ota.record import Decision, Offer, Open, Record
from volant.ota.telling import LATER, NOT_YET, UNAGREED, waiting_of

FULL = "there is no room for the update: 40 MiB are needed and 16 MiB must stay, 20 MiB are free"


def named(attempt: str = "", letter: str = "a") -> Offer:
    return msgspec.structs.replace(offer(), name=letter * 64, attempt=attempt)


def why_of(desk: Desk) -> tuple[str, str]:
    found = waiting_of(desk.machine, desk.moment)
    return ("", "") if found is None else (found.offer, found.why)


def test_what_was_rolled_back_is_offered_again_as_a_fresh_try_and_agreed_to_anew() -> None:
    first, second = named("spring 1"), named("spring 2", "b")
    desk = Desk(Record(failed=(first.tried,)))
    desk.feed(Called())
    assert desk.feed(Checked(first)) == [], "this try is over"
    desk.feed(Called())
    assert desk.feed(Checked(second)) == [Fetch(second)]
    desk.feed(Fetched())
    assert desk.state.phase is UpdatePhase.OFFERED
    desk.feed(Seen(PARKED, HealthFacts()))
    assert desk.state.phase is UpdatePhase.OFFERED, "nobody has agreed to this try"


def test_a_try_that_failed_is_over_and_not_those_before_and_after_it() -> None:
    tries = [named("spring 1"), named("spring 2"), named("summer 1"), named("")]
    assert len({one.tried for one in tries}) == len(tries)
    assert len({one.programs for one in tries}) == 1
    desk = Desk(Record(failed=(tries[1].tried,)))
    for one in tries:
        desk.feed(Called())
        fetched = desk.feed(Checked(one))
        assert bool(fetched) is (one is not tries[1])
        desk.feed(Fetched())
        desk.feed(Called())
        desk.feed(Checked(None))


def test_another_try_of_what_lies_here_is_the_same_to_who_agreed() -> None:
    desk = Desk(Record(offer=named("spring 1")))
    desk.wish(UpdateWish.TONIGHT)
    desk.feed(Called())
    desk.feed(Checked(named("spring 2", "b")))
    record = desk.machine.record
    assert record.offer is not None
    assert record.consent is not None
    assert (record.offer.attempt, record.consent.offer) == ("spring 2", "b" * 64)


def test_a_download_without_room_is_told_until_there_is_some() -> None:
    desk = Desk()
    desk.feed(Called())
    desk.feed(Checked(named()))
    assert why_of(desk) == ("", ""), "it is at it"
    desk.feed(Fetched(FULL))
    assert why_of(desk) == ("a" * 64, FULL)
    assert desk.feed(Tick(), 300.0) == []
    assert desk.state.reasons == (FULL,), "people still see it when they look later"
    assert desk.feed(Tick(), 301.0) == [Check()]
    assert why_of(desk) == ("a" * 64, FULL), "the director hears it with each check"
    desk.feed(Checked(named()))
    desk.feed(Fetched())
    assert why_of(desk) == ("a" * 64, UNAGREED)


def test_what_is_withdrawn_is_not_waited_for() -> None:
    desk = Desk()
    desk.feed(Called())
    desk.feed(Checked(named()))
    desk.feed(Fetched(FULL))
    desk.feed(Called())
    desk.feed(Checked(None))
    assert why_of(desk) == ("", "")
    desk.feed(Tick(), 31.0)
    assert desk.state.reasons == ()


def test_an_image_that_no_unit_holds_is_told_with_the_name_of_its_offer() -> None:
    desk = Desk()
    desk.feed(Called())
    desk.feed(Checked(None, "brake: an image of 20 KiB, its slots hold 16 KiB", name="c" * 64))
    assert why_of(desk) == ("c" * 64, "brake: an image of 20 KiB, its slots hold 16 KiB")


def test_what_waits_for_people_or_for_the_car_is_told_with_the_reason() -> None:
    desk = Desk(Record(offer=named()))
    assert why_of(desk) == ("a" * 64, UNAGREED)
    desk.wish(UpdateWish.LATER)
    assert why_of(desk) == ("a" * 64, LATER)
    desk.wish(UpdateWish.TONIGHT)
    assert why_of(desk) == ("a" * 64, NOT_YET)
    desk.wish(UpdateWish.NOW)
    desk.feed(Seen(replace(PARKED, charge_pct=5.0), HealthFacts()))
    assert why_of(desk) == ("a" * 64, "the battery is below 20 %")


def test_units_that_are_not_written_because_the_car_is_driven_are_told() -> None:
    now = Open(offer=named(), looked=True)
    moves = replace(start(Record(open=now), TUNING), waits=("the car moves",))
    moment = Desk().moment
    found = waiting_of(moves, moment)
    assert found is not None
    assert (found.offer, found.why) == ("a" * 64, "the car moves")
    assert waiting_of(replace(moves, waits=()), moment) is None, "it is at it"
    later = msgspec.structs.replace(now, decision=Decision.TRIAL, ran=True)
    assert waiting_of(replace(moves, record=Record(open=later)), moment) is None, "it runs"


def test_an_offer_of_another_kind_of_source_is_not_told() -> None:
    assert why_of(Desk(Record(offer=offer()))) == ("", "")
