"""What people do with a fleet and see of it, on a real database."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.campaigns.fleet import plan_of
from tests.cloud.office import Office
from volant.cloud.campaigns import CarState, HealthRule, Phase, Plan, Wave
from volant.cloud.desk import MissingError
from volant.cloud.people import Role
from volant.cloud.views import ActBody, FileBody, ReleaseBody
from volant.core.errors import InputError, RefusedError, TrustError


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


def why_nots(office: Office, name: str) -> dict[str, str]:
    return {one.verb: one.why_not for one in office.desk.campaign(office.who(name), "spring").verbs}


def attempt(office: Office, name: str, verb: str, plan: Plan) -> None:
    if verb == "change":
        office.desk.change(office.who(name), "spring", plan)
    else:
        office.act(name, verb, digest=plan.digest)


def test_a_campaign_from_a_draft_to_its_report(office: Office) -> None:
    found = office.begin("CAR1", "CAR2", "CAR3", health=(HealthRule(signal="x", usual_rate=0.1),))
    assert (found.phase, found.cars, found.waves[0].size) == (Phase.RUNNING, 3, 3)
    assert found.waves[0].cars == {CarState.WAITING: 3}
    office.fail("CAR1", "disk full")
    office.fail("CAR2", "disk full")
    found = office.desk.campaign(office.who("vera"), "spring")
    assert (found.phase, found.errors, found.waves[0].errors) == (Phase.HALTED, 2, 2)
    assert found.waves[0].errors_limit == 2
    assert found.health[0].evidence_share == 0.0
    (failure,) = office.desk.failures(office.who("vera"), "spring")
    assert (failure.state, failure.cars, failure.examples) == (
        CarState.FAILED, 2, ("CAR1", "CAR2"),
    )  # fmt: skip
    assert "disk full" in failure.reason
    office.now_s += 60.0
    office.act("adam", "stop", reason="bad disks")
    report = office.desk.report(office.who("vera"), "spring")
    assert (report.begun_s, report.ended_s) == (office.now_s - 60.0, office.now_s)
    acts = [(one.by, one.act) for one in report.acts]
    assert acts == [
        ("olga", "draft"), ("olga", "submit"), ("adam", "approve"), ("olga", "start"),
        ("server", "advance"), ("adam", "stop"),
    ]  # fmt: skip
    assert [one.name for one in report.files] == ["os.swu"]
    assert report.campaign.reason == "bad disks"
    check = office.desk.check_audit(office.who("vera"))
    assert (check.lines, check.digest) == (report.audit_lines, report.audit_digest)


@pytest.mark.parametrize("name", ["vera", "olga", "adam", "root"])
def test_a_verb_is_refused_with_the_reason_that_was_shown_before(office: Office, name: str) -> None:
    office.publish()
    office.desk.admit(office.local, "CAR1")
    plan = office.draft()

    def steps() -> Iterator[tuple[str, str, dict[str, Any]]]:
        yield "", "", {}
        yield "olga", "submit", {}
        yield "adam", "approve", {"digest": plan.digest}
        yield "olga", "start", {}
        yield "root", "pause", {}
        yield "root", "resume", {}
        yield "root", "stop", {}

    for by, verb, body in steps():
        if by:
            office.act(by, verb, **body)
        for tried, why in why_nots(office, name).items():
            if not why:
                continue
            if tried in {"pause", "stop"} and why.endswith("already"):
                office.act(name, tried)
                continue
            with pytest.raises(RefusedError, match=re.escape(why)):
                attempt(office, name, tried, plan)


def test_what_is_shown_as_possible_is_possible(office: Office) -> None:
    office.publish()
    office.desk.admit(office.local, "CAR1")
    office.desk.admit(office.local, "CAR2")
    plan = office.draft()
    assert [verb for verb, why in why_nots(office, "olga").items() if not why] == [
        "change", "submit", "stop",
    ]  # fmt: skip
    office.act("olga", "submit")
    assert why_nots(office, "adam")["approve"] == ""
    assert why_nots(office, "olga")["approve"] == (
        "olga is operator, who may not approve campaigns; approver or admin may"
    )
    office.act("adam", "approve", digest=plan.digest)
    office.act("olga", "start")
    assert why_nots(office, "olga")["retry"].startswith("no car failed")
    office.fail("CAR1", "no room")
    assert why_nots(office, "olga")["retry"] == ""


def test_an_admin_does_not_approve_what_they_wrote(office: Office) -> None:
    office.publish()
    plan = plan_of()
    office.desk.draft(office.who("root"), plan)
    office.act("root", "submit")
    with pytest.raises(RefusedError, match="a second person approves"):
        office.act("root", "approve", digest=plan.digest)


def test_cars_try_again_all_or_those_named(office: Office) -> None:
    cars = [f"CAR{place}" for place in range(5)]
    office.begin(*cars, waves=(Wave(name="all", errors_stop=9),), concurrency=9)
    for car in cars[:3]:
        office.fail(car, "no room")
    with pytest.raises(MissingError, match="is not in"):
        office.act("olga", "retry", cars=("CARX",))
    with pytest.raises(RefusedError, match="only failed cars"):
        office.act("olga", "retry", cars=("CAR4",))
    office.act("olga", "retry", cars=("CAR0",))
    office.act("olga", "retry")
    found = office.desk.tasks(office.who("vera"), "spring", state=CarState.AGAIN)
    assert [one.car for one in found.tasks] == cars[:3]
    retries = [one for one in office.desk.audit(office.local) if one.act == "retry"]
    assert [one.data for one in retries] == [{"cars": 2}, {"cars": 1}]
    assert b"deploymentBase" in office.car("CAR0")


def test_a_car_that_is_let_out_is_waited_for_by_no_campaign(office: Office) -> None:
    office.begin("CAR1", "CAR2", waves=(Wave(name="all", errors_stop=1),), concurrency=9)
    office.desk.dismiss(office.who("root"), "CAR1")
    found = office.desk.campaign(office.who("vera"), "spring")
    assert (found.phase, found.errors) == (Phase.RUNNING, 0)
    assert found.waves[0].cars == {CarState.WAITING: 1, CarState.REFUSED: 1}
    with pytest.raises(MissingError):
        office.desk.car(office.who("vera"), "CAR1")
    with office.desk.fleet.store.read() as work:
        assert work.token("CAR1") is None
    assert office.desk.cars(office.who("vera")).total == 1
    with pytest.raises(MissingError, match="no longer in the fleet"):
        office.act("olga", "retry", cars=("CAR1",))
    office.act("olga", "retry")
    found = office.desk.campaign(office.who("vera"), "spring")
    assert found.waves[0].cars == {CarState.WAITING: 1, CarState.REFUSED: 1}
    office.desk.dismiss(office.who("root"), "CAR2")
    assert office.desk.campaign(office.who("vera"), "spring").phase is Phase.FINISHED
    assert [one.act for one in office.desk.audit(office.local, limit=3)] == [
        "dismiss", "advance", "car",
    ]  # fmt: skip


def test_cars_are_found_by_filter_page_by_page(office: Office) -> None:
    for place in range(7):
        office.desk.admit(office.local, f"CAR{place}")
        office.desk.put_groups(office.local, f"CAR{place}", ("even" if place % 2 == 0 else "odd",))
    vera = office.who("vera")
    page = office.desk.cars(vera, wanted="group == even", limit=3)
    assert [one.car for one in page.cars] == ["CAR0", "CAR2", "CAR4"]
    page = office.desk.cars(vera, wanted="group == even", after=page.next, limit=3)
    assert ([one.car for one in page.cars], page.next) == (["CAR6"], "")
    for text, expected in {
        "car == CAR3": ["CAR3"],
        "car in (CAR5, CAR3, NONE)": ["CAR3", "CAR5"],
        'car like "CAR*" and not group == odd': ["CAR0", "CAR2", "CAR4", "CAR6"],
        "car == CAR3 and group == even": [],
    }.items():
        assert [one.car for one in office.desk.cars(vera, wanted=text).cars] == expected, text
    with pytest.raises(InputError, match="filter, character"):
        office.desk.cars(vera, wanted="group =")


def test_groups_that_people_put_hold_above_what_a_car_says(office: Office) -> None:
    office.desk.admit(office.local, "CAR1")
    office.car("CAR1", "PUT", "configData", b'{"data": {"group": "staff, eu"}}')
    assert office.desk.car(office.local, "CAR1").groups == ("staff", "eu")
    office.desk.put_groups(office.local, "CAR1", ("us",))
    office.car("CAR1", "PUT", "configData", b'{"data": {"group": "staff"}}')
    assert office.desk.car(office.local, "CAR1").groups == ("us",)
    with pytest.raises(InputError, match="no name of a group"):
        office.desk.put_groups(office.local, "CAR1", ("a b",))


def test_a_release_is_made_once_of_files_that_were_taken_in(office: Office) -> None:
    office.publish()
    with pytest.raises(RefusedError, match="a release is not changed"):
        office.publish()
    lost = ReleaseBody(files=(FileBody(name="os.swu", sha256="0" * 64),))
    with pytest.raises(InputError, match="was not taken in"):
        office.desk.publish(office.local, "3.0", lost)
    (found,) = office.desk.releases(office.who("vera"))
    assert (found.release, found.by, found.files[0].length) == ("2.0", "house", 600)


def test_how_a_release_fits(office: Office) -> None:
    office.publish()
    for car in ("CAR1", "CAR2", "CAR3"):
        office.desk.admit(office.local, car)
    office.car("CAR3", "PUT", "installedBase", b'{"name": "2", "version": "0"}')
    fit = office.desk.fit(office.who("vera"), "2.0", "not car == CAR2")
    assert (fit.able + fit.already, fit.unable) == (2, {})
    with pytest.raises(MissingError, match="no release 9"):
        office.desk.fit(office.who("vera"), "9")


def test_a_token_is_good_until_it_is_over_or_taken_back(office: Office) -> None:
    token = office.desk.invite(office.who("root"), "tim", Role.OPERATOR, office.now_s + 10.0).token
    assert office.desk.who(token).name == "tim"
    with pytest.raises(RefusedError, match="take it back first"):
        office.desk.invite(office.who("root"), "tim", Role.ADMIN)
    office.now_s += 10.0
    with pytest.raises(TrustError, match="is over"):
        office.desk.who(token)
    fresh = office.desk.invite(office.who("root"), "tim", Role.VIEWER).token
    with pytest.raises(TrustError, match="nobody has"):
        office.desk.who(token)
    office.desk.uninvite(office.who("root"), "tim")
    with pytest.raises(TrustError, match="taken back"):
        office.desk.who(fresh)
    with pytest.raises(InputError, match="was over"):
        office.desk.invite(office.who("root"), "tom", Role.VIEWER, office.now_s)
    with office.desk.fleet.store.read() as work:
        assert not any(token.encode() in line for line in work.lines())


def test_two_operators_at_once(office: Office) -> None:
    office.publish()
    plan = office.draft()
    seen = office.desk.campaign(office.who("olga"), "spring").revision
    office.act("olga", "submit", revision=seen)
    with pytest.raises(RefusedError, match="somebody has acted meanwhile"):
        office.act("root", "submit", revision=seen)
    with pytest.raises(RefusedError, match="somebody has acted meanwhile"):
        office.desk.change(office.who("root"), "spring", plan, seen)


@pytest.mark.parametrize(
    ("verb", "expected"), [("dance", "no verb"), ("change", "no verb"), ("draft", "no verb")]
)
def test_a_verb_that_is_none(office: Office, verb: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        office.desk.act(office.who("root"), "spring", verb, ActBody())


def test_only_what_a_server_may_remember_makes_news(office: Office) -> None:
    """A million cars that come to a fleet do not make its servers look anew a million times."""
    store = office.desk.fleet.store

    def tells(act: Callable[[], object]) -> bool:
        before = store.news()
        act()
        return store.news() != before

    house = office.local
    assert not tells(lambda: office.desk.admit(house, "CAR1"))
    assert tells(lambda: office.desk.admit(house, "CAR1")), "its old token is no longer good"
    assert not tells(lambda: office.desk.put_groups(house, "CAR1", ["eu"]))
    assert tells(lambda: office.desk.dismiss(house, "CAR1"))
    assert not tells(lambda: office.desk.admit(house, "CAR1"))
