"""The live bus: latest states, counted events, writers that never wait, and packets that are none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.caros.supervise.tables import row, table
from volant.caros.livebus import MOST_BYTES, LiveBus, Seat, Wiring
from volant.core import topics
from volant.core.messages import Alert, AlertLevel, DriverControls, DriverRequest, RequestKind

TABLE = table(
    row("driver", writes=["driver/controls", "driver/request"]),
    row("car", reads=["driver/controls", "driver/request", "alert"]),
    row("recorder", reads=["*"]),
)


@pytest.fixture
def wiring() -> Iterator[Wiring]:
    with Wiring(TABLE, {"supervisor": (topics.ALERT,)}) as one:
        yield one


def buses(wiring: Wiring) -> tuple[LiveBus, ...]:
    return tuple(LiveBus(wiring.seat(name)) for name in ("driver", "car", "recorder"))


def controls(share: float) -> DriverControls:
    return DriverControls(accelerator=share)


def request(stamp_ns: int) -> DriverRequest:
    return DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.ENGAGE)


def alert(words: str) -> Alert:
    return Alert(
        stamp_ns=0,
        alert_id="x",
        level=AlertLevel.STATUS,
        words=words,
        cause="",
        action="",
        until_ns=1,
    )


def test_a_state_drains_to_its_latest_and_events_all_come(wiring: Wiring) -> None:
    driver, car, recorder = buses(wiring)
    pedals, buttons = car.subscribe(topics.DRIVER_CONTROLS), car.subscribe(topics.DRIVER_REQUEST)
    for count in range(5):
        driver.publish(topics.DRIVER_CONTROLS, controls(count / 10))
        driver.publish(topics.DRIVER_REQUEST, request(count))
    assert car.wait(0.0)
    car.drain()
    assert pedals.numbers == (4,)
    assert buttons.numbers == (0, 1, 2, 3, 4)
    assert [one.accelerator for one in pedals.take()] == [0.4]
    assert [one.stamp_ns for one in buttons.take()] == [0, 1, 2, 3, 4]
    assert len(recorder.drain_all()) == 10
    assert not car.wait(0.0)


def test_a_reader_that_sleeps_does_not_hold_its_writer_up_and_learns_what_it_missed(
    wiring: Wiring,
) -> None:
    driver, car, _ = buses(wiring)
    buttons = car.subscribe(topics.DRIVER_REQUEST, capacity=100_000)
    sent = 20_000
    for count in range(sent):
        driver.publish(topics.DRIVER_REQUEST, request(count))
    assert driver.dropped > 0
    for _ in range(10):
        car.drain()
    driver.publish(topics.DRIVER_REQUEST, request(sent))
    car.drain()
    assert buttons.take()[-1].stamp_ns == sent
    assert 0 < car.lost < sent


def test_a_message_out_of_all_bounds_is_dropped_by_its_writer(wiring: Wiring) -> None:
    supervisor, car = LiveBus(wiring.seat("supervisor")), LiveBus(wiring.seat("car"))
    shown = car.subscribe(topics.ALERT)
    supervisor.publish(topics.ALERT, alert("x" * (MOST_BYTES + 1)))
    supervisor.publish(topics.ALERT, alert("short"))
    car.drain()
    assert [one.words for one in shown.take()] == ["short"]
    assert supervisor.dropped == 2  # the car and the recorder


def test_who_may_not_write_a_topic_is_not_heard(wiring: Wiring) -> None:
    (end, _), *_ = wiring.seat("driver").outlets
    forged = LiveBus(Seat(0, (), ((end, (topics.ALERT,)),)))
    car = LiveBus(wiring.seat("car"))
    shown = car.subscribe(topics.ALERT)
    forged.publish(topics.ALERT, alert("brake"))
    car.drain()
    assert shown.take() == ()
    assert car.bad == 1


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20))
def test_whatever_bytes_come_the_reader_counts_them_and_lives(packets: list[bytes]) -> None:
    wiring = Wiring(TABLE)
    (end, _), *_ = wiring.seat("driver").outlets
    car = LiveBus(wiring.seat("car"))
    pedals = car.subscribe(topics.DRIVER_CONTROLS)
    car.subscribe(topics.DRIVER_REQUEST)
    for packet in packets:
        end.send(packet)
    car.drain()
    LiveBus(wiring.seat("driver"), incarnation=3).publish(topics.DRIVER_CONTROLS, controls(0.5))
    car.drain()
    assert pedals.latest == controls(0.5)
    assert pedals.numbers == (3 << 32,)
    wiring.close()


def test_what_waited_for_a_dead_incarnation_is_discarded(wiring: Wiring) -> None:
    driver, car, _ = buses(wiring)
    driver.publish(topics.DRIVER_CONTROLS, controls(0.9))
    pedals = car.subscribe(topics.DRIVER_CONTROLS)
    car.discard()
    assert pedals.latest is None
    driver.publish(topics.DRIVER_CONTROLS, controls(0.1))
    car.drain()
    assert pedals.latest == controls(0.1)
