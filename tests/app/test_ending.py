"""When a drive is over, from messages on a bus."""

from volant.app.ending import (
    AFTER_CONTACT_NS,
    HANDED_BACK_NS,
    NEVER_READY_NS,
    Ending,
    EndWatch,
    confirmed,
)
from volant.app.exits import Exit
from volant.core import topics
from volant.core.bus import InlineBus
from volant.core.messages import (
    Contact,
    EgoTruth,
    Engagement,
    Intervention,
    InterventionKind,
    ObjectClass,
    PilotState,
)
from volant.sim import judge

TICK_NS = 10_000_000


def ego(speed_mps: float) -> EgoTruth:
    numbers = {name: 0.0 for name in EgoTruth.__struct_fields__ if name != "stamp_ns"}
    return EgoTruth(**{**numbers, "stamp_ns": 0, "speed_mps": speed_mps})  # type: ignore[arg-type]


def pilot(engagement: Engagement) -> PilotState:
    return PilotState(
        stamp_ns=0,
        engagement=engagement,
        code="driver_brake",
        words="You braked",
        set_speed_mps=0.0,
        time_gap_setting_s=1.6,
        functions=(),
        ready=True,
    )


def touch(stamp_ns: int, kind: ObjectClass = ObjectClass.CAR) -> Contact:
    return Contact(
        stamp_ns=stamp_ns, actor_id=3, object_class=kind, closing_mps=1.0, struck_from_behind=False
    )


def test_a_drive_without_events_goes_on_until_its_time_is_up() -> None:
    watch = EndWatch(InlineBus(), limit_s=2.0)
    assert watch.look(0) is None
    assert watch.look(1_990_000_000) is None
    ending = watch.look(2_000_000_000)
    assert ending is not None
    assert (ending.status, ending.reason) == (Exit.NOT_ARRIVED, "not there after 2 s")
    assert not ending.arrived


def test_a_contact_ends_the_drive_a_little_later_and_the_first_one_counts() -> None:
    bus = InlineBus()
    watch = EndWatch(bus, limit_s=100.0)
    bus.publish(topics.WORLD_CONTACT, touch(0, ObjectClass.LORRY))
    assert watch.look(0) is None
    bus.publish(topics.WORLD_CONTACT, touch(TICK_NS))
    assert watch.look(AFTER_CONTACT_NS - TICK_NS) is None
    ending = watch.look(AFTER_CONTACT_NS)
    assert ending is not None
    assert (ending.status, ending.reason) == (Exit.CONTACT, "contact with a lorry")


def test_a_car_that_is_stuck_ends_the_drive() -> None:
    bus = InlineBus()
    watch = EndWatch(bus, limit_s=100.0)
    for kind in (InterventionKind.GUARD, InterventionKind.STUCK):
        told = Intervention(stamp_ns=0, kind=kind, words="stood 30 s")
        bus.publish(topics.JUDGE_INTERVENTION, told)
    ending = watch.look(0)
    assert ending is not None
    assert (ending.status, ending.reason) == (Exit.NOT_ARRIVED, "stuck: stood 30 s")


def test_a_minimal_risk_stop_ends_the_drive_once_the_car_stands() -> None:
    bus = InlineBus()
    watch = EndWatch(bus, limit_s=1000.0)
    bus.publish(topics.PILOT_STATE, pilot(Engagement.MINIMAL_RISK))
    bus.publish(topics.WORLD_EGO, ego(3.0))
    assert watch.look(HANDED_BACK_NS) is None
    bus.publish(topics.PILOT_STATE, pilot(Engagement.ENGAGED))
    assert watch.look(HANDED_BACK_NS) is None
    bus.publish(topics.PILOT_STATE, pilot(Engagement.MINIMAL_RISK))
    bus.publish(topics.WORLD_EGO, ego(0.0))
    assert watch.look(HANDED_BACK_NS) is None
    ending = watch.look(2 * HANDED_BACK_NS)
    assert ending is not None
    assert ending.reason == "minimal-risk stop: You braked"


def test_a_car_that_was_handed_back_and_stands_waits_for_nobody() -> None:
    bus = InlineBus()
    watch = EndWatch(bus, limit_s=1000.0)
    bus.publish(topics.WORLD_EGO, ego(0.0))
    bus.publish(topics.PILOT_STATE, pilot(Engagement.READY))
    assert watch.look(0) is None
    assert watch.look(NEVER_READY_NS - 1) is None  # never engaged: it may still be
    bus.publish(topics.PILOT_STATE, pilot(Engagement.ENGAGED))
    bus.publish(topics.WORLD_EGO, ego(10.0))
    assert watch.look(20_000_000_000) is None
    bus.publish(topics.PILOT_STATE, pilot(Engagement.OFF))
    assert watch.look(30_000_000_000) is None  # rolling: somebody may take over
    bus.publish(topics.WORLD_EGO, ego(0.0))
    assert watch.look(40_000_000_000) is None
    ending = watch.look(40_000_000_000 + HANDED_BACK_NS)
    assert ending is not None
    assert (ending.status, ending.reason) == (
        Exit.NOT_ARRIVED,
        "the pilot is off and the car stands: You braked",
    )


def test_a_car_whose_pilot_was_never_ready_is_not_waited_for() -> None:
    bus = InlineBus()
    watch = EndWatch(bus, limit_s=1000.0)
    bus.publish(topics.WORLD_EGO, ego(0.0))
    assert watch.look(NEVER_READY_NS - 1) is None
    ending = watch.look(NEVER_READY_NS)
    assert ending is not None
    assert ending.status is Exit.NOT_ARRIVED
    assert ending.reason == "the pilot never became ready: it says nothing"


def test_the_word_of_the_pilot_is_no_arrival_without_the_judge() -> None:
    said = Ending(Exit.DONE, "arrived")
    elsewhere, there = judge.start(), judge.start()
    there.arrived = True
    assert confirmed(said, judge.summary(there), 0) is said
    ending = confirmed(said, judge.summary(elsewhere), 0)
    assert (ending.status, ending.arrived) == (Exit.NOT_ARRIVED, False)
    late = Ending(Exit.NOT_ARRIVED, "stuck: stood 30 s")
    assert confirmed(late, judge.summary(there), 0) is late
