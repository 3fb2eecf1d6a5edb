"""The judge on hand-made truths: each intervention fires, and does not fire, where it should."""

import math

import pytest

from tests.sim.places import ego_at, straight
from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import (
    Command,
    CommandSource,
    Contact,
    EgoTruth,
    Engagement,
    GuardDecision,
    Indicator,
    InterventionKind,
    ObjectClass,
    PilotState,
    TruthObject,
)
from volant.road import CorridorColumn, LaneGraph, RouteLeg, build_corridor, follow
from volant.sim import JudgeInput, JudgeSettings, JudgeState, judge

GRAPH = straight(3, 3000.0)
CORRIDOR = follow(GRAPH, 1, 0.0, 2900.0)
SETTINGS = JudgeSettings(graph=GRAPH, corridor=CORRIDOR, start_m=100.0, destination_m=2000.0)


def ego(k: int, **more: float) -> EgoTruth:
    values = {"s_m": 100.0, "speed_mps": 20.0, "offset_m": 0.0, **more}
    s_m, speed = values.pop("s_m"), values.pop("speed_mps")
    return ego_at(GRAPH, 1, s_m, speed, stamp_ns=k * CONTROL_TICK_NS, **values)


def other(x_m: float, y_m: float = -5.25, speed_mps: float = 0.0) -> TruthObject:
    return TruthObject(
        actor_id=1, object_class=ObjectClass.CAR, x_m=x_m, y_m=y_m, yaw_rad=0.0,
        speed_mps=speed_mps, accel_mps2=0.0, yaw_rate_rps=0.0, length_m=4.5, width_m=1.8,
        height_m=1.5, brake_lights=False, indicator=Indicator.OFF,
    )  # fmt: skip


def pilot(engagement: Engagement) -> PilotState:
    return PilotState(
        stamp_ns=0, engagement=engagement, code="test", words="test", set_speed_mps=30.0,
        time_gap_setting_s=1.6, functions=(), ready=True,
    )  # fmt: skip


def decision(
    source: CommandSource = CommandSource.COMFORT,
    *,
    accel_mps2: float = 0.0,
    curvature_per_m: float = 0.0,
    limited: bool = False,
) -> GuardDecision:
    command = Command(stamp_ns=0, accel_mps2=accel_mps2, curvature_per_m=curvature_per_m)
    return GuardDecision(
        stamp_ns=0, source=source, command=command, limited=limited, limits=(), reason="test"
    )


def run(inputs: list[JudgeInput], settings: JudgeSettings = SETTINGS) -> JudgeState:
    state = judge.start()
    told = []
    for seen in inputs:
        state, new = judge.step(state, seen, settings)
        told += new
    kept = (*state.interventions, *state.findings, *state.verdicts)
    assert sorted(map(repr, told)) == sorted(map(repr, kept))
    return state


def kinds(state: JudgeState) -> list[InterventionKind]:
    return [one.kind for one in state.interventions]


def steady(count: int, **more: object) -> list[JudgeInput]:
    """`count` ticks at 20 m/s along the lane."""
    return [
        JudgeInput(k * CONTROL_TICK_NS, ego(k, s_m=100.0 + 0.2 * k), **more)  # type: ignore[arg-type]
        for k in range(count)
    ]


def test_a_calm_drive_has_no_intervention_and_true_figures() -> None:
    state = run(steady(1000, guard=decision(), pilot=pilot(Engagement.ENGAGED)))
    told = judge.summary(state)
    assert told.interventions == 0
    assert told.intervention_list == ()
    assert told.distance_m == pytest.approx(999 * 0.2)
    assert told.duration_s == pytest.approx(9.99)
    assert (told.contacts, told.min_gap_m, told.arrived) == (0, None, False)
    assert told.max_lane_offset_m == pytest.approx(0.0, abs=1e-6)
    assert (told.accel_min_mps2, told.accel_max_mps2, told.jerk_p99_mps3) == (0.0, 0.0, 0.0)
    assert told.reason == "ended"


def test_a_summary_before_the_first_tick_is_all_nulls_and_zeros() -> None:
    told = judge.summary(judge.start(), "no such road")
    assert told.reason == "no such road"
    assert told.accel_min_mps2 is told.jerk_p99_mps3 is told.max_lane_offset_m is None
    assert told.duration_s == 0.0


def test_takeover_and_minimal_risk_count_once_for_each_entry() -> None:
    phases = [Engagement.ENGAGED] * 5 + [Engagement.TAKEOVER] * 50 + [Engagement.MINIMAL_RISK] * 50
    phases += [Engagement.OFF] * 5 + [Engagement.ENGAGED] * 5 + [Engagement.TAKEOVER] * 5
    inputs = [
        JudgeInput(k * CONTROL_TICK_NS, ego(k), pilot=pilot(phase))
        for k, phase in enumerate(phases)
    ]
    assert kinds(run(inputs)) == [
        InterventionKind.TAKEOVER,
        InterventionKind.MINIMAL_RISK,
        InterventionKind.TAKEOVER,
    ]


def braking(accel: float, ticks: int, source: CommandSource = CommandSource.COMFORT) -> JudgeState:
    return run(
        [
            JudgeInput(
                k * CONTROL_TICK_NS,
                ego(k, accel_mps2=accel if k < ticks else 0.0),
                guard=decision(source),
            )
            for k in range(ticks + 20)
        ]
    )


def test_emergency_braking_is_beyond_five_for_a_tenth_of_a_second() -> None:
    assert kinds(braking(-4.9, 100)) == []
    assert kinds(braking(-6.0, 9)) == []
    assert kinds(braking(-6.0, 10)) == [InterventionKind.EMERGENCY_BRAKING]
    assert kinds(braking(-6.0, 300)) == [InterventionKind.EMERGENCY_BRAKING]
    assert kinds(braking(-6.0, 100, CommandSource.DRIVER)) == []
    assert kinds(braking(-1.0, 1, CommandSource.AEB)) == [InterventionKind.EMERGENCY_BRAKING]


def test_two_emergencies_a_second_apart_count_twice() -> None:
    inputs = []
    for k in range(600):
        hard = k % 300 < 50
        inputs.append(JudgeInput(k * CONTROL_TICK_NS, ego(k, accel_mps2=-7.0 if hard else 0.0)))
    assert kinds(run(inputs)) == [InterventionKind.EMERGENCY_BRAKING] * 2


def guarded(
    ticks: int, asked_mps2: float, engagement: Engagement = Engagement.ENGAGED, **more: float
) -> list[InterventionKind]:
    asked = Command(stamp_ns=0, accel_mps2=asked_mps2, curvature_per_m=0.0)
    changed = decision(limited=True, **more)  # type: ignore[arg-type]
    return kinds(
        run(
            [
                JudgeInput(
                    k * CONTROL_TICK_NS,
                    ego(k),
                    guard=changed if k < ticks else decision(),
                    pilot=pilot(engagement),
                    command=asked,
                )
                for k in range(ticks + 10)
            ]
        )
    )


def test_the_guard_overrides_when_it_changes_the_command_much_for_long() -> None:
    assert guarded(100, 0.3) == []
    assert guarded(19, 3.0) == []
    assert guarded(20, 3.0) == [InterventionKind.GUARD]
    assert guarded(20, 0.0, curvature_per_m=0.001) == []  # 0.4 m/s2 at 20 m/s
    assert guarded(20, 0.0, curvature_per_m=0.002) == [InterventionKind.GUARD]
    assert guarded(100, 3.0, Engagement.READY) == []


def test_the_guards_own_stop_is_an_override_at_once_unless_the_pilot_asked_for_it() -> None:
    stop = decision(CommandSource.MINIMAL_RISK)
    for engagement, expected in (
        (Engagement.ENGAGED, [InterventionKind.GUARD]),
        (Engagement.MINIMAL_RISK, [InterventionKind.MINIMAL_RISK]),
    ):
        assert kinds(run(steady(20, guard=stop, pilot=pilot(engagement)))) == expected


def test_leaving_the_road_is_a_corner_off_every_lane() -> None:
    # The right lane's border lies 5.25 m right of the middle lane's centre; the half width is 0.91.
    for offset, left in ((-4.2, False), (-4.5, True), (4.2, False), (4.5, True)):
        state = run([JudgeInput(0, ego(0, offset_m=offset))])
        assert (kinds(state) == [InterventionKind.ROAD_LEFT]) is left, offset


def test_a_driver_who_leaves_the_road_by_hand_counts_against_nobody() -> None:
    for engagement in (Engagement.OFF, Engagement.READY):
        assert kinds(run([JudgeInput(0, ego(0, offset_m=-4.5), pilot=pilot(engagement))])) == []
    driven = run([JudgeInput(0, ego(0, offset_m=-4.5), pilot=pilot(Engagement.ENGAGED))])
    assert kinds(driven) == [InterventionKind.ROAD_LEFT]


def test_a_turned_car_leaves_the_road_by_its_corner() -> None:
    # Front corner: 3.55 m ahead; at 0.3 rad it reaches 1.05 m further out than the axle.
    assert kinds(run([JudgeInput(0, ego(0, offset_m=-3.6))])) == []
    state = run([JudgeInput(0, ego(0, offset_m=-3.6, turn_rad=-0.3))])
    assert kinds(state) == [InterventionKind.ROAD_LEFT]


def test_a_contact_is_told_with_its_side() -> None:
    contact = Contact(
        stamp_ns=0,
        actor_id=7,
        object_class=ObjectClass.CAR,
        closing_mps=3.0,
        struck_from_behind=True,
    )
    state = run([JudgeInput(0, ego(0), contacts=(contact,)), JudgeInput(CONTROL_TICK_NS, ego(1))])
    assert kinds(state) == [InterventionKind.CONTACT]
    assert "actor 7 from behind at 3.0" in state.interventions[0].words
    assert judge.summary(state).contacts == 1


def standing(count: int, *objects: TruthObject, s_m: float = 500.0) -> list[InterventionKind]:
    return kinds(
        run(
            [
                JudgeInput(
                    k * CONTROL_TICK_NS,
                    ego(k, s_m=s_m, speed_mps=0.0),
                    objects=objects if k % 5 == 0 else None,
                )
                for k in range(count)
            ],
        )
    )


def test_stuck_is_standing_over_thirty_seconds_with_nothing_ahead() -> None:
    assert standing(2900) == []
    assert standing(3300) == [InterventionKind.STUCK]
    assert standing(3300, other(510.0)) == []
    assert standing(3300, other(510.0, speed_mps=5.0)) == [InterventionKind.STUCK]
    assert standing(3300, other(510.0, y_m=-1.75)) == [InterventionKind.STUCK]
    assert standing(3300, other(540.0)) == [InterventionKind.STUCK]
    assert standing(3300, s_m=1995.0) == []  # it has arrived


def test_the_smallest_gap_is_bumper_to_bumper_in_the_own_path() -> None:
    inputs = [
        JudgeInput(0, ego(0, s_m=500.0), objects=(other(530.0), other(515.0, y_m=-1.75))),
        JudgeInput(CONTROL_TICK_NS, ego(1, s_m=500.0), objects=(other(520.0), other(480.0))),
        JudgeInput(2 * CONTROL_TICK_NS, ego(2, s_m=500.0), objects=(other(560.0),)),
    ]
    told = judge.summary(run(inputs))
    assert told.min_gap_m == pytest.approx(520.0 - 2.25 - 503.55, abs=0.02)


def test_arrival_is_by_the_true_station_and_the_reason_can_be_given() -> None:
    near = run([JudgeInput(0, ego(0, s_m=1985.0))])
    there = run([JudgeInput(0, ego(0, s_m=1991.0))])
    assert not judge.summary(near).arrived
    assert judge.summary(there).arrived
    assert judge.summary(there).reason == "arrived"
    assert judge.summary(there, "destination").reason == "destination"


def test_who_rolls_on_past_the_destination_has_not_arrived() -> None:
    assert not judge.summary(
        run([JudgeInput(0, ego(0, s_m=1995.0)), JudgeInput(CONTROL_TICK_NS, ego(1, s_m=2015.0))])
    ).arrived


def test_places_on_the_way_are_passed_in_their_order_or_there_is_no_arrival() -> None:
    def passed(*stations: float, lane: int = 1) -> judge.DriveSummary:
        settings = JudgeSettings(graph=GRAPH, place=(1, 2020.0), via=((1, 600.0), (1, 900.0)))
        inputs = [
            JudgeInput(k * CONTROL_TICK_NS, ego_at(GRAPH, 1 if s_m > 2000.0 else lane, s_m, 20.0))
            for k, s_m in enumerate(stations)
        ]
        return judge.summary(run(inputs, settings))

    whole = passed(595.0, 903.0, 2015.0)
    assert (whole.via_passed, whole.arrived) == (2, True)
    assert passed(595.0, 903.0, 2015.0, lane=2).arrived  # the lane beside will do
    assert passed(903.0, 595.0, 2015.0).via_passed == 1
    assert not passed(903.0, 595.0, 2015.0).arrived
    assert not passed(2015.0).arrived


def glide(upto_m: float, settings: JudgeSettings) -> float | None:
    """The offset told of a glide from the middle lane's centre this far to the left."""
    count = round(upto_m / 0.02) + 1
    inputs = [JudgeInput(k * CONTROL_TICK_NS, ego(k, offset_m=0.02 * k)) for k in range(count)]
    return judge.summary(run(inputs, settings)).max_lane_offset_m


def test_lane_offset_is_from_the_lane_to_be_driven_and_not_from_the_nearest() -> None:
    assert glide(0.58, SETTINGS) == pytest.approx(0.58, abs=0.001)
    assert glide(3.5, SETTINGS) == pytest.approx(3.5, abs=0.001)


def test_without_a_corridor_the_offset_is_that_of_the_lane_kept_to() -> None:
    def drive(offset_m: float, count: int = 1500) -> judge.DriveSummary:
        inputs = [
            JudgeInput(
                k * CONTROL_TICK_NS,
                ego(k, s_m=100.0 + 0.2 * k, offset_m=offset_m if k < 700 else 3.5),
                objects=() if k % 5 == 0 else None,
            )
            for k in range(count)
        ]
        return judge.summary(run(inputs, JudgeSettings(graph=GRAPH)))

    told = drive(0.3)
    assert told.max_lane_offset_m == pytest.approx(0.3, abs=0.01)
    assert told.lane_offset_rms_m is not None
    assert told.lane_offset_rms_m < 0.3
    assert [one.kind for one in told.rule_breaks] == []


def test_lane_offset_follows_the_corridor_from_lane_to_lane() -> None:
    legs = (RouteLeg(1, 0.0, 400.0, change=1), RouteLeg(0, 400.0, 1000.0))
    corridor = build_corridor(GRAPH, legs)
    settings = JudgeSettings(graph=GRAPH, corridor=corridor)
    table, inputs, sideways = corridor.table, [], set()
    for k, row in enumerate(table[::5, : CorridorColumn.HEADING + 1].tolist()):
        s_m, y_m = row[CorridorColumn.X], row[CorridorColumn.Y]
        inputs.append(JudgeInput(k * CONTROL_TICK_NS, ego(k, s_m=s_m, offset_m=y_m + 5.25)))
        sideways.add(round(y_m, 1))
    assert {-5.2, -3.5, -1.8} <= sideways | {round(y - 0.05, 1) for y in sideways}
    offset_m = judge.summary(run(inputs, settings)).max_lane_offset_m
    assert offset_m == pytest.approx(0.0, abs=0.01)
    # Who stays in the first lane is a lane off in the end.
    stays = [JudgeInput(k * CONTROL_TICK_NS, ego(k, s_m=2.0 * k)) for k in range(450)]
    offset_m = judge.summary(run(stays, settings)).max_lane_offset_m
    assert offset_m == pytest.approx(3.5, abs=0.01)


def shaken(accel, lateral, count: int = 1000) -> float:  # type: ignore[no-untyped-def]
    state = run(
        [
            JudgeInput(
                k * CONTROL_TICK_NS,
                ego(k, accel_mps2=accel(0.01 * k), lateral_accel_mps2=lateral(0.01 * k)),
            )
            for k in range(count)
        ]
    )
    jerk = judge.summary(state).jerk_p99_mps3
    assert jerk is not None
    return jerk


def test_jerk_is_a_mean_over_one_second_along_and_half_a_second_across() -> None:
    assert shaken(lambda t: 0.3 * t, lambda _: 0.0) == pytest.approx(0.3)
    assert shaken(lambda _: 0.0, lambda t: -0.4 * t) == pytest.approx(0.4)
    # The larger of the two counts at each tick.
    assert shaken(lambda t: 0.3 * t, lambda t: 0.1 * t) == pytest.approx(0.3)
    # A wave of 1 Hz has no mean change over 1 s; over half a second its change is twice itself.
    assert shaken(lambda t: math.sin(2 * math.pi * t), lambda _: 0.0) == pytest.approx(
        0.0, abs=1e-9
    )
    assert shaken(lambda _: 0.0, lambda t: math.sin(2 * math.pi * t)) == pytest.approx(
        4.0, rel=0.01
    )


def test_the_99th_percentile_leaves_out_one_sample_in_a_hundred() -> None:
    # One step of 2 m/s2 in 11 s: its 1 s window makes 100 of about 1000 samples, so it shows.
    assert shaken(lambda t: 2.0 if t > 5.0 else 0.0, lambda _: 0.0, 1100) == pytest.approx(2.0)
    # A step that comes in the last 5 ticks of 1000 samples does not.
    assert shaken(lambda t: 2.0 if t > 10.945 else 0.0, lambda _: 0.0, 1100) == pytest.approx(0.0)


def test_the_jerk_figure_is_the_99th_percentile_by_rank_and_no_lower_one() -> None:
    # a = t^2 has a mean change over 1 s of 2 t - 1: 1000 samples that rise, so that each is one rank.
    # Rank 990 of 1000 is the sample of t = 1.00 s + 9.89 s.
    assert shaken(lambda t: t * t, lambda _: 0.0, 1100) == pytest.approx(2.0 * 10.89 - 1.0)
    # 2 in a hundred samples show, so no lower percentile than the 98th would do.
    assert shaken(lambda t: 2.0 if t > 25.0 else 0.0, lambda _: 0.0, 5100) == pytest.approx(2.0)


def test_without_a_corridor_the_gap_is_along_the_arc_and_arrival_is_at_a_place() -> None:
    bare = JudgeSettings(graph=GRAPH, place=(1, 2020.0))
    near = [JudgeInput(0, ego(0, s_m=1999.0), objects=(other(2010.0),))]
    told = judge.summary(run(near, bare))
    assert told.min_gap_m == pytest.approx(2010.0 - 2.25 - 1999.0 - 3.55, abs=0.02)
    assert not told.arrived
    assert told.max_lane_offset_m is None
    assert judge.summary(run([JudgeInput(0, ego(0, s_m=2011.0))], bare)).arrived


def test_the_judge_can_work_on_a_bend() -> None:
    graph: LaneGraph = straight(2, 400.0, curvature_per_m=0.01)
    settings = JudgeSettings(graph=graph, corridor=follow(graph, 0, 0.0, 300.0))
    state = run([JudgeInput(0, ego_at(graph, 0, 150.0, 10.0, offset_m=0.25))], settings)
    assert kinds(state) == []
    assert judge.summary(state).max_lane_offset_m == pytest.approx(0.25, abs=0.01)
