"""The live car's parts: its process table, its lateness, its actuators, and what a step tells."""

from __future__ import annotations

import msgspec
import pytest

from tests.caros.supervise.tables import row, table
from volant.app import components
from volant.app.compose import (
    aeb_settings,
    frame_settings,
    guard_settings,
    judge_settings,
    pilot_settings,
    plan_trip,
)
from volant.app.live_station import Lateness, Stepper
from volant.app.trip import TripWish
from volant.app.up import PROCESSES
from volant.caros.livebus import LiveBus, Wiring, number_of
from volant.caros.supervise import ProcessTable, load_table
from volant.core import topics
from volant.core.component import Component, Inputs, Outputs
from volant.core.messages import DriverControls, LiveStep


@pytest.fixture(scope="module")
def processes() -> ProcessTable:
    return load_table(PROCESSES)


@pytest.fixture(scope="module")
def parts() -> dict[str, Component]:
    trip = plan_trip(
        TripWish(
            car="g3-520", road="volant-world", seed=1, sensors="typical", cars=0, distance_m=500.0
        )
    )
    return {
        "world": components.world(lambda: pytest.fail("is not started here")),
        "pilot": components.pilot(pilot_settings(trip)),
        "vehicle": components.vehicle(guard_settings(trip.spec), aeb_settings(trip.spec)),
        "judge": components.judge(judge_settings(trip)),
        "screens": components.cockpit(frame_settings(trip), lambda _: None),
    }


def test_each_process_is_handed_what_its_component_reads_and_writes(
    processes: ProcessTable, parts: dict[str, Component]
) -> None:
    for name, part in parts.items():
        held = processes.row(name)
        assert set(held.topics_read) == set(part.inputs), name
        extra = {topics.LIVE_STEP}
        if name == "screens":
            extra |= {topics.DRIVER_CONTROLS, topics.DRIVER_REQUEST, topics.UPDATE_REQUEST}
        assert set(held.topics_written) == {*part.outputs, *extra}, name


def test_a_vehicle_that_comes_back_is_awaited_by_actuators_that_have_noticed(
    processes: ProcessTable,
) -> None:
    from volant.core.clock import nanoseconds
    from volant.vehicle.silence import SILENT_NS

    assert nanoseconds(processes.row("vehicle").backoff_s) > 2 * SILENT_NS


def test_lateness_is_the_99th_percentile_of_the_last_ticks_and_the_worst_of_all() -> None:
    late = Lateness()
    assert late.p99_ms == 0.0
    late.add(50_000_000)
    for _ in range(99):
        late.add(1_000_000)
    assert late.p99_ms == 1.0
    for _ in range(5000):
        late.add(2_000_000)
    assert (late.p99_ms, late.most_ns) == (2.0, 50_000_000)


def counted(seen: list[tuple[int, Inputs]]) -> Component:
    def step(state: int, inputs: Inputs, stamp_ns: int) -> tuple[int, Outputs]:
        seen.append((stamp_ns, inputs))
        return state + 1, ((topics.DRIVER_CONTROLS, DriverControls(accelerator=0.25)),)

    return Component("count", 10, (topics.DRIVER_CONTROLS,), (topics.DRIVER_CONTROLS,), int, step)


def test_a_step_says_what_it_was_given_and_what_it_said() -> None:
    name = topics.DRIVER_CONTROLS.name
    rows = table(
        row("hand", writes=[name]),
        row("count", reads=[name], writes=["live/step"]),
        row("recorder", reads=["*"]),
    )
    with Wiring(rows) as wiring:
        hand = LiveBus(wiring.seat("hand"), incarnation=2)
        bus, recorder = LiveBus(wiring.seat("count"), 4), LiveBus(wiring.seat("recorder"))
        stepper = Stepper(counted([]), bus, 4)
        stepper.start()
        hand.publish(topics.DRIVER_CONTROLS, DriverControls(brake=0.5))
        bus.drain()
        stepper.step(10)
        stepper.step(20)
        told = [one for _, _, one in recorder.drain_all() if isinstance(one, LiveStep)]
    code = topics.TOPICS.index(topics.DRIVER_CONTROLS)
    assert [one.consumed for one in told] == [((code, number_of(0, 2, 0)),), ()]
    assert [one.produced for one in told] == [
        ((code, number_of(1, 4, 0)),),
        ((code, number_of(1, 4, 1)),),
    ]
    assert [(one.stamp_ns, one.count, one.incarnation) for one in told] == [(10, 0, 4), (20, 1, 4)]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(told[0]), type=LiveStep) == told[0]
