"""The inline executor and its pacer: order, periods, isolation, virtual time."""

import itertools

import pytest

from volant.app.inbox import Inbox
from volant.app.inline import InlineExecutor, Pacer
from volant.core import topics
from volant.core.bus import InlineBus
from volant.core.clock import CONTROL_TICK_NS, PILOT_TICK_NS, SCREEN_TICK_NS
from volant.core.component import Component, Inputs, Outputs
from volant.core.messages import DriverControls, DriverRequest, RequestKind, Tracks, WorldTruth
from volant.core.topics import Topic

Log = list[tuple[str, int]]


def noting(name: str, log: Log, period_ns: int = CONTROL_TICK_NS) -> Component:
    def step(state: int, inputs: Inputs, stamp_ns: int) -> tuple[int, Outputs]:
        log.append((name, stamp_ns))
        return state + 1, ()

    return Component(name=name, period_ns=period_ns, inputs=(), outputs=(), start=int, step=step)


def sending(topic: Topic, kind: type[Tracks] | type[WorldTruth]) -> Component:
    def step(state: None, inputs: Inputs, stamp_ns: int) -> tuple[None, Outputs]:
        empty: dict[str, object] = {"tracks": ()} if kind is Tracks else {"objects": ()}
        return None, ((topic, kind(stamp_ns=stamp_ns, **empty)),)  # type: ignore[arg-type]

    return Component("sender", CONTROL_TICK_NS, (), (topic,), lambda: None, step)


def reading(topic: Topic, got: list[tuple[int, tuple[int, ...], int | None]]) -> Component:
    def step(state: None, inputs: Inputs, stamp_ns: int) -> tuple[None, Outputs]:
        latest = inputs.latest[topic.name]
        new = tuple(message.stamp_ns for message in inputs.new[topic.name])
        got.append((stamp_ns, new, None if latest is None else latest.stamp_ns))
        return None, ()

    return Component("reader", CONTROL_TICK_NS, (topic,), (), lambda: None, step)


def test_components_run_in_their_order_at_each_tick() -> None:
    log: Log = []
    executor = InlineExecutor([noting("b", log), noting("a", log)], InlineBus())
    assert [executor.tick(), executor.tick()] == [0, CONTROL_TICK_NS]
    assert log == [("b", 0), ("a", 0), ("b", CONTROL_TICK_NS), ("a", CONTROL_TICK_NS)]


def test_a_component_runs_at_its_own_period() -> None:
    log: Log = []
    executor = InlineExecutor([noting("slow", log, PILOT_TICK_NS)], InlineBus())
    executor.run(lambda stamp_ns: stamp_ns >= 1_000_000_000)
    assert [stamp_ns for _, stamp_ns in log] == list(range(0, 1_000_000_001, PILOT_TICK_NS))


def test_a_period_that_is_no_multiple_of_the_tick_keeps_its_mean_rate() -> None:
    log: Log = []
    executor = InlineExecutor([noting("screen", log, SCREEN_TICK_NS)], InlineBus())
    executor.run(lambda stamp_ns: stamp_ns >= 10_000_000_000)
    assert len(log) == 301
    assert {later - sooner for (_, sooner), (_, later) in itertools.pairwise(log)} == {
        30_000_000,
        40_000_000,
    }


def test_a_later_component_reads_what_an_earlier_one_sent_in_the_same_tick() -> None:
    got: list[tuple[int, tuple[int, ...], int | None]] = []
    topic = topics.PILOT_TRACKS
    executor = InlineExecutor([sending(topic, Tracks), reading(topic, got)], InlineBus())
    executor.tick()
    executor.tick()
    assert got == [(0, (0,), 0), (CONTROL_TICK_NS, (CONTROL_TICK_NS,), CONTROL_TICK_NS)]


def test_an_earlier_component_reads_it_one_tick_later() -> None:
    got: list[tuple[int, tuple[int, ...], int | None]] = []
    topic = topics.WORLD_TRUTH
    executor = InlineExecutor([reading(topic, got), sending(topic, WorldTruth)], InlineBus())
    executor.tick()
    executor.tick()
    assert got == [(0, (), None), (CONTROL_TICK_NS, (0,), 0)]


def test_the_inbox_speaks_before_every_component() -> None:
    got: list[tuple[int, tuple[int, ...], int | None]] = []
    inbox = Inbox()
    inbox.put(topics.DRIVER_REQUEST, DriverRequest(stamp_ns=0, kind=RequestKind.ENGAGE), 15_000_000)
    executor = InlineExecutor([reading(topics.DRIVER_REQUEST, got)], InlineBus(), inbox)
    for _ in range(4):
        executor.tick()
    assert [new for _, new, _ in got] == [(), (), (20_000_000,), ()]


def test_the_state_of_a_component_can_be_read_after_the_last_tick() -> None:
    executor = InlineExecutor([noting("a", [])], InlineBus())
    executor.run(lambda stamp_ns: stamp_ns >= 50_000_000)
    assert executor.state_of("a") == 6
    with pytest.raises(ValueError, match="no component named 'b'"):
        executor.state_of("b")


class FakeTime:
    """A clock that only sleeping and `take` move."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, span_s: float) -> None:
        self.slept_s.append(span_s)
        self.now_s += span_s


@pytest.mark.parametrize("pace", [0.5, 1.0, 4.0])
def test_the_pacer_lets_pace_seconds_pass_in_one(pace: float) -> None:
    time = FakeTime()
    pacer = Pacer(pace, clock=time.clock, sleep=time.sleep)
    for tick in range(201):
        pacer.wait(tick * CONTROL_TICK_NS)
    assert time.now_s - 1000.0 == pytest.approx(2.0 / pace)
    assert pacer.lost_s == 0.0


def test_a_short_delay_is_made_up_for() -> None:
    time = FakeTime()
    pacer = Pacer(1.0, clock=time.clock, sleep=time.sleep)
    pacer.wait(0)
    time.now_s += 0.2
    for tick in range(1, 101):
        pacer.wait(tick * CONTROL_TICK_NS)
    assert time.now_s - 1000.0 == pytest.approx(1.0)


def test_a_long_delay_is_given_up_and_told() -> None:
    time = FakeTime()
    pacer = Pacer(1.0, clock=time.clock, sleep=time.sleep)
    pacer.wait(0)
    time.now_s += 60.0  # the laptop slept
    pacer.wait(CONTROL_TICK_NS)
    assert pacer.lost_s == pytest.approx(59.99)
    before_s = time.now_s
    pacer.wait(101 * CONTROL_TICK_NS)
    assert time.now_s - before_s == pytest.approx(1.0)


def test_a_pace_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="not above zero"):
        Pacer(0.0)


def test_the_inbox_gives_by_time_and_then_by_arrival() -> None:
    inbox = Inbox()
    for value, at_ns in ((1.0, 20), (2.0, 10), (3.0, 20), (4.0, 30)):
        request = DriverRequest(stamp_ns=0, kind=RequestKind.SET_SPEED, value=value)
        inbox.put(topics.DRIVER_REQUEST, request, at_ns)
    assert inbox.take(9) == ()
    taken = inbox.take(25)
    assert [message.value for _, message in taken] == [2.0, 1.0, 3.0]  # type: ignore[attr-defined]
    assert {message.stamp_ns for _, message in taken} == {25}  # type: ignore[attr-defined]
    assert len(inbox.take(10**9)) == 1


def test_the_inbox_refuses_a_message_of_another_topic() -> None:
    with pytest.raises(ValueError, match="driver/request carries DriverRequest"):
        Inbox().put(topics.DRIVER_REQUEST, DriverControls())
