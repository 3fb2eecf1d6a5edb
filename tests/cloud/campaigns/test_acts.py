"""What people may do, and two of them at once."""

import msgspec
import pytest

from tests.cloud.campaigns.fleet import NOW_S, Fleet, plan_of
from volant.cloud.campaigns import (
    Phase,
    Plan,
    Said,
    Wave,
    approve,
    change,
    draft,
    pause,
    resume,
    start,
    stop,
    submit,
)
from volant.core.errors import InputError, RefusedError

PLAN = plan_of()


@pytest.mark.parametrize("by", ["ann", "cas", "dan"])
def test_nobody_who_wrote_changed_or_submitted_it_approves_it(by: str) -> None:
    found = change(draft(PLAN, "ann"), PLAN, "cas", 0)
    found = submit(found, "dan", 1)
    with pytest.raises(RefusedError, match="a second person"):
        approve(found, PLAN.digest, by, 2)
    assert approve(found, PLAN.digest, "bob", 2).phase is Phase.APPROVED


def test_what_is_approved_is_the_plan_that_was_read() -> None:
    found = submit(draft(PLAN, "ann"), "ann", 0)
    with pytest.raises(RefusedError, match="approved is plan"):
        approve(found, plan_of(concurrency=1000).digest, "bob", 1)


def test_a_change_after_approval_asks_for_another_one() -> None:
    found = approve(submit(draft(PLAN, "ann"), "ann", 0), PLAN.digest, "bob", 1)
    other = change(found, plan_of(title="other"), "ann", 2)
    assert other.phase is Phase.DRAFT
    assert not other.approved
    with pytest.raises(RefusedError, match="it is draft"):
        start(other, (1,), "ann", 3, now_s=NOW_S)


def test_two_people_at_once() -> None:
    found = submit(draft(PLAN, "ann"), "ann", 0)
    with pytest.raises(RefusedError, match="revision 1, you saw 0"):
        change(found, PLAN, "bob", 0)


def test_a_campaign_of_no_car_is_not_started() -> None:
    found = approve(submit(draft(PLAN, "ann"), "ann", 0), PLAN.digest, "bob", 1)
    with pytest.raises(RefusedError, match="no car"):
        start(found, (0,), "ann", 2, now_s=NOW_S)


def test_pause_and_stop_ask_for_no_revision_and_may_come_twice() -> None:
    fleet = Fleet(PLAN, (3,))
    paused = pause(pause(fleet.campaign, "ann"), "bob")
    assert paused.phase is Phase.PAUSED
    assert paused.reason == "paused by ann"
    going = resume(paused, "ann", paused.revision, now_s=NOW_S)
    assert going.phase is Phase.RUNNING
    ended = stop(stop(going, "ann", "bad brakes"), "bob")
    assert ended.reason == "bad brakes"
    with pytest.raises(RefusedError):
        pause(ended, "ann")
    with pytest.raises(RefusedError):
        change(ended, PLAN, "ann", ended.revision)


def test_after_it_stopped_itself_who_asks_does_not_approve() -> None:
    fleet = Fleet(plan_of(waves=(Wave(name="all", errors_stop=1),)), (3,))
    fleet.ask("car-0-0")
    fleet.say("car-0-0", Said.FAILED)
    asked = resume(fleet.campaign, "eve", fleet.campaign.revision, now_s=NOW_S)
    assert asked.recalls
    with pytest.raises(RefusedError, match="a second person"):
        approve(asked, fleet.plan.digest, "eve", asked.revision)


def test_a_plan_is_read_as_it_was_written() -> None:
    assert Plan.from_bytes(PLAN.to_bytes()) == PLAN
    assert len(PLAN.digest) == 64
    whole = plan_of(watch_s=60, patience_s=600)
    assert whole.digest == plan_of(watch_s=60.0, patience_s=600.0).digest
    assert Plan.from_bytes(whole.to_bytes()).digest == whole.digest
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(whole), type=Plan)
    assert stored.digest == whole.digest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cars": "model =="}, "expected a value"),
        ({"waves": []}, "length >= 1"),
        ({"waves": [{"name": "a"}]}, "how many errors"),
        ({"waves": [{"name": "a", "count": 1, "share": 0.5, "errors_stop": 1}]}, "not two"),
        ({"waves": [{"name": "a", "errors_stop": 1}] * 2}, "one name"),
        (
            {"waves": [{"name": "a", "errors_stop": 1}, {"name": "b", "errors_stop": 1}]},
            "only the last",
        ),
        ({"begins_s": 5.0, "ends_s": 5.0}, "before it begins"),
        ({"health": [{"signal": "x", "usual_rate": 1.0}] * 2}, "one signal"),
        ({"concurrency": 0}, ">= 1"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(changes: dict[str, object], words: str) -> None:
    fields = {**msgspec.to_builtins(PLAN), **changes}
    with pytest.raises(InputError, match=words):
        Plan.from_bytes(msgspec.json.encode(fields))


@pytest.mark.parametrize("data", [b"", b"[" * 100_000, b"\xff", b"x" * 300_000])
def test_bytes_that_are_no_plan(data: bytes) -> None:
    with pytest.raises(InputError):
        Plan.from_bytes(data)
