"""Lane changes in closed loop: for the driver, for an ending lane, and not across a solid line."""

import numpy as np
import pytest

from tests.pilot.world import Actor, World, corridor
from volant.core.messages import DriverRequest, Indicator, RequestKind
from volant.pilot.planning.lanes import LaneTuning, _rear_need_m


def indicate(world: World, side: Indicator) -> None:
    world.requests.append(
        DriverRequest(stamp_ns=world.stamp_ns, kind=RequestKind.INDICATE, indicator=side)
    )


@pytest.mark.slow
def test_on_the_turn_signal_it_changes_lane_by_the_sequence_of_r79() -> None:
    world = World(corridor([(3000.0, 0.0, 0.0)], [(0.0, 25.0)], lanes=2, lane=2), speed_mps=25.0)
    world.run(3.0)
    indicate(world, Indicator.LEFT)
    begun_s, offsets, lit = world.time_s, [], []
    for _ in range(900):
        output = world.advance()
        offsets.append(world.offset_m)
        lit.append(output.command.indicator)
    moved = np.array(offsets)
    first_s = 0.01 * int(np.argmax(moved > 0.1))
    line_s = 0.01 * int(np.argmax(moved > 0.9))
    there_s = 0.01 * int(np.argmax(moved > 3.3))
    assert lit[20] is Indicator.LEFT
    assert first_s > 1.0
    assert 3.0 <= line_s <= 5.0
    assert there_s - first_s < 5.0
    assert moved[-1] == pytest.approx(3.6, abs=0.15)
    assert begun_s > 0.0
    assert np.abs(world.log.array("lateral_mps2")).max() <= 1.3


@pytest.mark.slow
def test_it_does_not_change_onto_somebody_and_says_so() -> None:
    beside = Actor(20.0, 25.4, 3.6)
    world = World(
        corridor([(3000.0, 0.0, 0.0)], [(0.0, 25.0)], lanes=2, lane=2),
        speed_mps=25.0,
        actors=[beside],
    )
    world.run(3.0)
    indicate(world, Indicator.LEFT)
    codes = set()
    for _ in range(480):
        world.advance()
        if world.plan is not None:
            codes |= {one.code for one in world.plan.refusals}
    assert codes & {"beside", "rear_gap", "front_gap"}
    assert abs(world.offset_m) < 0.3
    assert not world.contact


def test_who_comes_fast_from_far_behind_is_let_pass_where_a_lane_ends() -> None:
    courteous = LaneTuning()
    late = (courteous.rear_react_s, courteous.rear_decel_mps2)
    kind = (courteous.merge_react_s, courteous.merge_decel_mps2)
    assert _rear_need_m(15.0, 26.0, kind, courteous) > 50.0
    assert _rear_need_m(15.0, 26.0, late, courteous) < 40.0
    assert _rear_need_m(25.0, 24.0, kind, courteous) < 20.0
