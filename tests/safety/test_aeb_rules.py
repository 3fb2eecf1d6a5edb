"""Emergency braking tick by tick on hand-made frames: belief, stages, switches, broken inputs."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.safety.builders import TICK_NS, car_state
from volant.core.messages import (
    BrakeStage,
    CarState,
    DetectionFrame,
    DriverControls,
    DriverRequest,
    Function,
    Gear,
    ObjectClass,
    ObjectReturn,
    RequestKind,
    SensorFrames,
)
from volant.safety import aeb
from volant.safety.aeb import AebInput, AebSettings

SETTINGS = AebSettings(length_m=4.4, width_m=1.8, rear_overhang_m=0.9, wheelbase_m=2.6)
FRONT_M = 3.5


def seen(x_m: float, y_m: float = 0.0, **changes: Any) -> ObjectReturn:
    values: dict[str, Any] = {
        "yaw_rad": 0.0, "velocity_x_mps": 0.0, "velocity_y_mps": 0.0, "length_m": 4.0,
        "width_m": 1.8, "height_m": 1.5, "object_class": ObjectClass.CAR,
        "class_confidence": 0.9, "existence": 0.95, **changes,
    }  # fmt: skip
    return ObjectReturn(x_m=x_m, y_m=y_m, **values)


class Run:
    """A car that rolls on at constant speed towards things, unless told otherwise."""

    def __init__(self, speed_mps: float = 15.0) -> None:
        self.memory, self.k, self.speed_mps = aeb.start(), 0, speed_mps
        self.stages: list[BrakeStage] = []
        self.decision = aeb.AebDecision(None, None)
        self.car: Callable[[CarState], CarState | None] = lambda car: car

    def tick(
        self,
        frames: SensorFrames | None = None,
        requests: tuple[DriverRequest, ...] = (),
        **car: Any,
    ) -> aeb.AebDecision:
        stamp_ns = self.k * TICK_NS
        state = self.car(car_state(stamp_ns, self.speed_mps, **car))
        given = AebInput(stamp_ns, state, frames, requests)
        self.memory, self.decision = aeb.step(self.memory, given, SETTINGS)
        self.stages.append(self.memory.stage)
        self.k += 1
        return self.decision

    def towards(
        self,
        thing: ObjectReturn,
        sensors: tuple[str, ...] = ("camera_front", "radar_front"),
        seconds: float = 1.0,
        **car: Any,
    ) -> BrakeStage:
        """Towards a thing that stands, or moves at its velocity; gives the worst stage."""
        order = list(BrakeStage)
        first = self.k
        for _ in range(round(seconds * 100)):
            since = (self.k - first) * 0.01
            x_m = thing.x_m - (self.speed_mps - thing.velocity_x_mps) * since
            y_m = thing.y_m + thing.velocity_y_mps * since
            here = seen(
                x_m, y_m,
                **{
                    name: getattr(thing, name)
                    for name in thing.__struct_fields__
                    if name not in ("x_m", "y_m", "brake_lights", "indicator")
                },
            )  # fmt: skip
            frames = None
            if self.k % 5 == 0:
                stamp_ns = self.k * TICK_NS
                frames = SensorFrames(
                    stamp_ns=stamp_ns,
                    detections=tuple(
                        DetectionFrame(sensor=name, stamp_ns=stamp_ns, objects=(here,))
                        for name in sensors
                    ),
                )
            self.tick(frames, **car)
        worst = [one for one in self.stages[first:] if one is not BrakeStage.UNAVAILABLE]
        return max(worst, key=order.index, default=BrakeStage.UNAVAILABLE)


WALL = FRONT_M + 2.0 + 30.0


def test_it_warns_then_brakes_calmly_then_fully() -> None:
    run = Run()
    run.towards(seen(WALL + 30.0), seconds=3.5)
    order = [BrakeStage.READY, BrakeStage.WARNING, BrakeStage.PARTIAL, BrakeStage.FULL]
    assert [one for one in dict.fromkeys(run.stages) if one in order] == order
    assert run.decision.command is not None
    assert run.decision.command.accel_mps2 == -9.0


def test_one_sensor_needs_longer_than_two_and_a_poor_one_is_not_believed() -> None:
    near = seen(FRONT_M + 2.0 + 16.0)
    both, alone = Run(), Run()
    assert both.towards(near, seconds=0.2) is BrakeStage.FULL
    assert alone.towards(near, ("camera_front",), seconds=0.2) is BrakeStage.READY
    assert alone.towards(seen(WALL), ("camera_front",), seconds=1.2) is BrakeStage.FULL
    assert Run().towards(seen(WALL, existence=0.5), ("radar_front",)) is BrakeStage.READY


def test_a_radar_alone_does_not_brake_for_what_never_moved() -> None:
    assert Run().towards(seen(WALL), ("radar_front",), seconds=0.4) is BrakeStage.READY
    radars = ("radar_front", "radar_front_left")
    run = Run()
    for _ in range(60):
        run.tick()
    assert run.towards(seen(WALL), radars, seconds=1.4) is BrakeStage.FULL
    moved = seen(WALL, velocity_x_mps=4.0)
    assert Run().towards(moved, ("radar_front",), seconds=2.4) is BrakeStage.FULL


def test_low_things_rear_sensors_and_broken_numbers_do_not_count() -> None:
    assert Run().towards(seen(WALL, height_m=0.1)) is BrakeStage.READY
    assert Run().towards(seen(WALL), ("radar_rear_left", "camera_left")) is BrakeStage.READY
    assert Run().towards(seen(WALL, width_m=math.nan)) is BrakeStage.READY
    assert Run().towards(seen(WALL, y_m=3.0)) is BrakeStage.READY


def test_oncoming_traffic_and_reverse_and_a_crawl_do_not_count() -> None:
    assert Run().towards(seen(WALL, velocity_x_mps=-10.0)) is BrakeStage.READY
    assert Run().towards(seen(WALL), gear=Gear.REVERSE, seconds=1.5) is BrakeStage.READY
    assert Run(1.5).towards(seen(FRONT_M + 3.0)) is BrakeStage.READY


def test_a_kicked_down_accelerator_and_an_evading_driver_win() -> None:
    kick = DriverControls(accelerator=0.95)
    assert Run().towards(seen(WALL), driver=kick, seconds=1.5) is BrakeStage.READY
    run = Run()
    run.towards(seen(WALL), seconds=0.3)
    hands = DriverControls(wheel_torque_nm=5.0)
    for k in range(40):
        run.tick(driver=hands, steer_rad=0.02 * k)
    assert BrakeStage.FULL not in run.stages


def switch(function: Function, value: float) -> DriverRequest:
    return DriverRequest(stamp_ns=0, kind=RequestKind.SWITCH, function=function, value=value)


def test_both_functions_can_be_switched() -> None:
    run = Run()
    press = DriverRequest(stamp_ns=0, kind=RequestKind.ENGAGE)
    run.tick(requests=(press, switch(Function.AEB, 0.0), switch(Function.LDW, 0.0)))
    assert run.towards(seen(WALL), seconds=1.5) is BrakeStage.WARNING
    run = Run()
    run.tick(requests=(switch(Function.FCW, 0.0),))
    run.towards(seen(WALL), seconds=1.5)
    assert BrakeStage.WARNING not in run.stages
    assert BrakeStage.FULL in run.stages
    run.tick(requests=(switch(Function.AEB, 0.0),))
    assert run.memory.told is not None
    assert run.memory.told.code == "switched_off"


def test_it_holds_the_car_after_the_stop_and_lets_go() -> None:
    run = Run()
    run.towards(seen(WALL), seconds=1.5)
    run.speed_mps = 0.0
    decision = run.tick()
    assert run.memory.stage is BrakeStage.HOLD
    assert decision.command is not None
    assert decision.command.hold
    pressed = Run()
    pressed.memory, pressed.k, pressed.speed_mps = run.memory, run.k, 0.0
    pressed.tick(driver=DriverControls(accelerator=0.2))
    assert pressed.memory.stage is BrakeStage.READY
    standing = seen(FRONT_M + 3.0)
    run.towards(standing, seconds=1.6)
    assert run.memory.stage is BrakeStage.READY


def test_braking_ends_when_the_way_is_free_again() -> None:
    run = Run()
    run.towards(seen(WALL), seconds=1.2)
    assert run.memory.stage in (BrakeStage.PARTIAL, BrakeStage.FULL)
    run.towards(seen(WALL, y_m=8.0), seconds=1.2)
    assert run.memory.stage is BrakeStage.READY


@pytest.mark.parametrize("wrong", ["none", "invalid", "nan"])
def test_without_car_or_sensors_it_says_so(wrong: str) -> None:
    run = Run()
    assert run.tick().state is not None
    assert run.memory.stage is BrakeStage.UNAVAILABLE
    run.towards(seen(WALL + 40.0), seconds=0.3)
    assert run.memory.stage is not BrakeStage.UNAVAILABLE
    changes: dict[str, Any] = {
        "invalid": {"valid": False}, "nan": {"speed_mps": math.nan},
    }.get(wrong, {})  # fmt: skip
    if wrong == "none":
        run.car = lambda _car: None
    for _ in range(20):
        if wrong == "nan":
            run.speed_mps = math.nan
            run.tick()
        else:
            run.tick(**changes)
    assert run.memory.told is not None
    assert run.memory.told.code == "no_car_state"
    silent = Run()
    silent.towards(seen(WALL + 40.0), seconds=0.3)
    for _ in range(60):
        silent.tick()
    assert silent.memory.told is not None
    assert silent.memory.told.code == "no_sensors"


def test_a_person_and_a_cyclist_across_are_named() -> None:
    person = seen(
        WALL, -4.2, velocity_y_mps=2.0, yaw_rad=0.5 * math.pi, length_m=0.5, width_m=0.5,
        object_class=ObjectClass.PEDESTRIAN,
    )  # fmt: skip
    run = Run()
    assert run.towards(person, seconds=1.6) is BrakeStage.FULL
    assert run.memory.told is not None
    assert run.memory.told.code in ("person_crossing", "person_ahead")
    car = seen(WALL, -12.0, velocity_y_mps=6.0, yaw_rad=0.5 * math.pi)
    run = Run()
    assert run.towards(car, seconds=1.6) is BrakeStage.FULL
    assert run.memory.told is not None
    assert run.memory.told.code == "crossing"


def test_a_late_frame_from_before_memory_is_left_out() -> None:
    run = Run()
    for _ in range(80):
        run.tick()
    old = DetectionFrame(sensor="ideal", stamp_ns=0, objects=(seen(20.0),))
    run.tick(SensorFrames(stamp_ns=run.k * TICK_NS, detections=(old,)))
    assert run.memory.tracker.tracks == ()


def test_a_car_that_stops_by_itself_is_left_to_it() -> None:
    run = Run(3.0)
    assert run.towards(seen(FRONT_M + 2.0 + 2.6), seconds=0.3, accel_mps2=-12.0) in (
        BrakeStage.READY,
        BrakeStage.WARNING,
    )


@pytest.mark.parametrize(("y_m", "worst"), [(3.8, BrakeStage.READY), (1.6, BrakeStage.FULL)])
def test_who_comes_over_onto_our_side_is_not_braked_for(y_m: float, worst: BrakeStage) -> None:
    """No braking avoids a car that will be alongside when it touches; one ahead is braked for."""
    cutter = seen(30.0, y_m, velocity_x_mps=8.0, velocity_y_mps=-1.5, yaw_rad=-0.185, length_m=5.0)
    assert Run(30.0).towards(cutter, seconds=1.3) is worst
