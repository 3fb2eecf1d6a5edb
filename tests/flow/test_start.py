"""The first seconds of many drives: the pilot is ready in time whatever the sensors say first."""

from dataclasses import replace

import msgspec
import pytest

from tests.data_folder import data_folder
from tests.flow.test_drive import wish
from volant.app.compose import Trip, plan_trip
from volant.app.drive import drive_trip
from volant.app.exits import Exit
from volant.app.start import GIVE_UP_NS
from volant.core import topics
from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import Engagement, LaneReturn, MarkKind, Message, SensorFrames
from volant.core.topics import Topic

TICKS = GIVE_UP_NS // CONTROL_TICK_NS


def engaged_at_s(trip: Trip) -> float | None:
    """When the pilot took over within the time that a driver gives it; None when it did not."""
    first: list[int] = []
    ticks = iter(range(TICKS))

    def write(topic: Topic, stamp_ns: int, message: Message) -> None:
        if topic is topics.PILOT_STATE and message.engagement is Engagement.ENGAGED:  # type: ignore[attr-defined]
            first.append(stamp_ns)

    def ended() -> tuple[Exit, str] | None:
        over = first or next(ticks, None) is None
        return (Exit.INTERRUPTED, "seen enough") if over else None

    drive_trip(trip, write=write, asked_to_end=ended)
    return first[0] / 1e9 if first else None


@pytest.mark.slow
@pytest.mark.parametrize("road", ["volant-world", "curves_elevation"])
def test_the_pilot_is_ready_in_time_for_every_seed(road: str) -> None:
    """GNSS begins up to three metres off: beside the lane that the car stands in."""
    path = road if road == "volant-world" else str(data_folder() / f"roads/esmini/{road}.xodr")
    planned = plan_trip(wish(path, cars=2))
    late = []
    for seed in range(300, 340):
        trip = replace(planned, wish=msgspec.structs.replace(planned.wish, seed=seed))
        at_s = engaged_at_s(trip)
        if at_s is None or at_s > 2.0:
            late.append((seed, at_s))
    assert late == []


def test_a_pilot_that_is_never_ready_is_braked_to_rest_and_said() -> None:
    """A camera that sees another road: the lane it tells of is five metres away."""

    def around(part):  # type: ignore[no-untyped-def]
        if part.name != "pilot":
            return part

        def step(state, inputs, stamp_ns):  # type: ignore[no-untyped-def]
            new = dict(inputs.new)
            new[topics.SENSOR_FRAMES.name] = tuple(
                elsewhere(frame) for frame in new[topics.SENSOR_FRAMES.name]
            )
            return part.step(state, replace(inputs, new=new), stamp_ns)

        return replace(part, step=step)

    driven = drive_trip(plan_trip(wish("volant-world", cars=4)), around=around)
    assert driven.ending.status is Exit.NOT_ARRIVED
    assert driven.ending.reason.startswith("the pilot never became ready: ")
    assert driven.summary.contacts == 0
    assert driven.summary.distance_m < 250.0


def elsewhere(frame: SensorFrames) -> SensorFrames:
    lane = LaneReturn(
        stamp_ns=frame.stamp_ns,
        offset_m=5.0,
        heading_rad=0.0,
        curvature_per_m=0.0,
        width_m=3.5,
        left_mark=MarkKind.SOLID,
        right_mark=MarkKind.SOLID,
        confidence=1.0,
    )
    return msgspec.structs.replace(frame, lane=lane)
