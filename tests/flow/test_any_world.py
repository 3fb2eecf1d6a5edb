"""Any small world, any broken frame: pilot, emergency braking and guard together never raise, and what
leaves the guard keeps to its rows."""

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.pilot.test_faults import is_finite
from tests.pilot.test_soak import Liar, with_holes
from tests.pilot.world import CAR, PERFECT, TYPICAL, Actor, Road, World, corridor, curvy, straight
from tests.safety.builders import SETTINGS as GUARD
from tests.safety.test_guard_properties import Watch
from volant.core.messages import (
    BrakeStage,
    DriverControls,
    DriverRequest,
    Engagement,
    GuardDecision,
    Observation,
    RequestKind,
    SensorFrames,
)
from volant.pilot import PilotOutput
from volant.safety import aeb, guard
from volant.safety.guard import GuardInput, Permission

BRAKING = aeb.AebSettings(
    length_m=CAR.length_m,
    width_m=CAR.width_m,
    rear_overhang_m=CAR.rear_overhang_m,
    wheelbase_m=CAR.wheelbase_m,
)
SPAN_S = 7.0
LANES = corridor([(300.0, 0.0, 0.0), (600.0, 1 / 500, 1 / 500)], lanes=3, lane=2)
CLOSES = corridor([(900.0, 0.0, 0.0)], lanes=2, lane=2, ends_m=250.0)
STREET = corridor([(500.0, 0.0, 0.0)], [(0.0, 50 / 3.6)], 3.2, lanes=2, lane=2, kind="town")
SHORT = corridor([(260.0, 0.0, 0.0)], lanes=2, lane=2)
ROADS: dict[str, Road] = {
    "straight": straight(),
    "bends": curvy(),
    "three lanes": LANES,
    "a lane that closes": CLOSES,
    "street": STREET,
    "a map with a hole": replace(SHORT, graph=with_holes(SHORT.graph)),
}
FEET = (
    DriverControls(accelerator=0.4),
    DriverControls(accelerator=1.0),
    DriverControls(brake=0.3),
    DriverControls(brake=math.nan),
    DriverControls(wheel_torque_nm=5.0, wheel_angle_rad=0.4),
)


def of_front(frames: SensorFrames | None) -> SensorFrames | None:
    """What the test world's one sensor sees, by the two names that emergency braking listens to."""
    if frames is None:
        return None
    both = tuple(
        msgspec.structs.replace(frame, sensor=name)
        for frame in frames.detections
        for name in ("camera_front", "radar_front")
    )
    return msgspec.structs.replace(frames, detections=both)


class Chain:
    """The world's pilot with emergency braking and guard behind it; the guard's command moves the car."""

    def __init__(self, world: World, seed: int, *, lies: bool) -> None:
        self.world, self.liar = world, Liar(seed) if lies else None
        self.liar_from = 150
        self.braking, self.guard, self.watch = aeb.start(), guard.start(), Watch()
        self.stages: set[BrakeStage] = set()
        self.permissions: set[Permission] = set()
        self.seen: Observation | None = None
        world.tamper = self.look

    def look(self, seen: Observation) -> Observation:
        if self.world.tick % 300 == self.world.engage_at:  # pressed again after what ended it
            press = DriverRequest(stamp_ns=seen.stamp_ns, kind=RequestKind.ENGAGE)
            seen = msgspec.structs.replace(seen, requests=(press,))
        if self.liar is not None and self.world.tick >= self.liar_from:
            seen = self.liar(seen)
        self.seen = seen
        return seen

    def tick(self) -> GuardDecision:
        world = self.world
        output = world.advance()
        seen = self.seen
        assert seen is not None
        assert is_finite(output)
        given_ = self._given(seen, output)
        self.guard, decision = guard.check(self.guard, given_, GUARD)
        self.watch.check(given_, self.guard, decision)
        assert is_finite_message(decision)
        world.commands[-1] = decision.command
        self.permissions.add(self.guard.permission)
        return decision

    def _given(self, seen: Observation, output: PilotOutput) -> GuardInput:
        look = aeb.AebInput(seen.stamp_ns, seen.car, of_front(seen.sensors), seen.requests)
        self.braking, asked = aeb.step(self.braking, look, BRAKING)
        assert asked.command is None or is_finite_message(asked.command)
        self.stages.add(self.braking.stage)
        plan, engagement = self.world.plan, self.world.memory.engage.engagement
        return GuardInput(
            stamp_ns=seen.stamp_ns,
            car=seen.car,
            command=output.command,
            aeb=asked.command,
            stop_path=None if plan is None else plan.stop_path,
            requests=seen.requests,
            minimal_risk=engagement is Engagement.MINIMAL_RISK,
            pilot_off=engagement in (Engagement.OFF, Engagement.READY),
            near=self.braking.near,
        )


def is_finite_message(message: msgspec.Struct) -> bool:
    """It survives the seam, bounds and all, and holds no NaN."""
    packed = msgspec.msgpack.encode(message)
    back = msgspec.msgpack.decode(packed, type=type(message))
    return back == message  # NaN differs from itself


def drawn(
    road: str, others: list[tuple[float, float, float, float]], speed_mps: float, **more: object
) -> World:
    """A world with others at (gap, speed, lanes aside, deceleration from 3 s on)."""
    actors = [
        Actor(
            40.0 + CAR.front_m + gap_m + 2.25,
            other_mps,
            offset_m=aside * 3.4,
            drive=lambda actor, time_s, slows=slows: (-slows if time_s > 3.0 else 0.0, 0.0),
        )
        for gap_m, other_mps, aside, slows in others
    ]
    return World(ROADS[road], speed_mps=speed_mps, station_m=40.0, actors=actors, **more)


other = st.tuples(
    st.floats(3.0, 120.0), st.floats(0.0, 32.0), st.sampled_from([-1, 0, 0, 0, 1]),
    st.sampled_from([0.0, 0.0, 3.0, 8.0]),
)  # fmt: skip
worlds = st.fixed_dictionaries(
    {
        "road": st.sampled_from(list(ROADS)),
        "others": st.lists(other, max_size=5),
        "speed_mps": st.floats(0.0, 33.0),
        "sensing": st.sampled_from([PERFECT, TYPICAL]),
        "destination_m": st.sampled_from([None, None, 150.0, 240.0]),
        "seed": st.integers(1, 1000),
    }
)
feet = st.lists(st.tuples(st.integers(100, 690), st.sampled_from(FEET)), max_size=2)


@settings(max_examples=25, phases=[Phase.generate])  # shrinking whole drives takes minutes
@given(worlds, st.booleans(), feet)
def test_nothing_raises_and_the_guard_keeps_its_rows_in_any_world(
    world: dict[str, object], lies: bool, hands: list[tuple[int, DriverControls]]
) -> None:
    seed = world["seed"]
    assert isinstance(seed, int)
    chain = Chain(drawn(**world), seed, lies=lies)  # type: ignore[arg-type]
    for tick in range(round(SPAN_S * 100)):
        begun = [one for since, one in hands if since <= tick < since + 25]
        chain.world.controls = begun[-1] if begun else DriverControls()
        chain.tick()


@pytest.mark.parametrize("road", list(ROADS))
def test_the_chain_of_this_test_really_drives_and_stops_for_a_standing_car(road: str) -> None:
    """Or the property above would hold of a car that nobody drives."""
    chain = Chain(drawn(road, [(60.0, 10.0, 0, 0.0)], 10.0), 1, lies=False)
    for _ in range(300):
        decision = chain.tick()
    assert chain.guard.permission is Permission.PILOT
    assert decision.reason in ("ok", "limited")
    alone = Chain(drawn(road, [(40.0, 0.0, 0, 0.0)], 20.0, engaged=False), 1, lies=False)
    for _ in range(300):
        alone.tick()
    assert BrakeStage.FULL in alone.stages
