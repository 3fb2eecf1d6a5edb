"""The frame: whole, honest, the same for the same inputs, and never the world's truth."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import msgspec
import pytest

from tests.caros.motorway import ACTORS, SHAPE, Drive
from volant.caros.cockpit.frame import (
    INPUTS,
    RENEW_M,
    FrameSettings,
    Latest,
    build,
    encode,
    encode_route,
    latest_of,
    start,
)
from volant.caros.cockpit.messages import SCHEMA_HASH, CockpitFrame, CockpitRoad, CockpitRoute
from volant.core import topics
from volant.core.component import Inputs
from volant.core.messages import (
    AebState,
    Alert,
    AlertLevel,
    BrakeStage,
    DriverControls,
    LightFrame,
    LightReturn,
    LightState,
)

S = 1_000_000_000


def test_no_input_is_the_worlds_truth():
    assert not [topic.name for topic in INPUTS if topic.name.startswith(("world/", "judge/"))]


def test_every_input_of_the_component_is_a_field():
    held = {topic.name: None for topic in INPUTS}
    latest = latest_of(
        Inputs(latest=held, new={topics.ALERT.name: (), topics.SENSOR_FRAMES.name: ()})
    )
    assert latest == Latest()
    assert len(fields(Latest)) == len(INPUTS)


def test_before_anything_came_the_frame_is_empty_and_whole():
    drive = Drive()
    _, frame = build(start(), Latest(), 0, drive.settings)
    assert (frame.car, frame.ego, frame.plan, frame.pilot, frame.alert) == (None,) * 5
    assert frame.tracks == ()
    assert frame.road_window == 0
    assert msgspec.msgpack.decode(encode(frame), type=CockpitFrame) == frame


def test_the_same_inputs_give_the_same_bytes():
    assert encode(Drive().frame(3.0)) == encode(Drive().frame(3.0))


def test_a_full_frame_survives_the_wire_and_its_bounds():
    frame = Drive().frame(3.0)
    assert msgspec.msgpack.decode(encode(frame), type=CockpitFrame) == frame
    road = msgspec.msgpack.decode(frame.road, type=CockpitRoad)
    assert len(road.lines) > 20
    assert len(road.surfaces) > 5
    assert frame.schema == SCHEMA_HASH


def test_sequence_counts_up():
    drive = Drive()
    assert [drive.frame(0.1 * i).sequence for i in range(3)] == [1, 2, 3]


def test_parts_are_aged_by_their_own_stamps():
    drive = Drive()
    latest = drive.latest(10.0)
    _, frame = build(start(), latest, round(10.4 * S), drive.settings)
    assert math.isclose(frame.car_age_s, 0.4)
    assert math.isclose(frame.pilot_age_s, 0.4)
    assert latest.car is not None
    fresh = replace(latest, car=msgspec.structs.replace(latest.car, stamp_ns=round(10.4 * S)))
    _, frame = build(start(), fresh, round(10.4 * S), drive.settings)
    assert frame.car_age_s == 0.0
    assert math.isclose(frame.pilot_age_s, 0.4)


def test_the_pilot_is_as_old_as_its_oldest_part():
    drive = Drive()
    latest = drive.latest(10.0)
    assert latest.tracks is not None
    old = replace(latest, tracks=msgspec.structs.replace(latest.tracks, stamp_ns=9 * S))
    _, frame = build(start(), old, 10 * S, drive.settings)
    assert math.isclose(frame.pilot_age_s, 1.0)


@pytest.mark.parametrize(
    ("change", "ghost"),
    [
        ({}, False),
        ({"existence": 0.49}, True),
        ({"age_s": 0.29}, True),
        ({"unseen_s": 0.31}, True),
        ({"existence": 0.5, "age_s": 0.3, "unseen_s": 0.3}, False),
    ],
)
def test_a_track_that_is_new_unsure_or_unseen_is_a_ghost(change, ghost):
    drive = Drive()
    latest = drive.latest(2.0)
    assert latest.tracks is not None
    one = msgspec.structs.replace(latest.tracks.tracks[0], **change)
    tracks = msgspec.structs.replace(latest.tracks, tracks=(one,))
    _, frame = build(start(), replace(latest, tracks=tracks), 2 * S, drive.settings)
    assert frame.tracks[0].ghost is ghost


def test_no_limit_is_null_and_a_limit_is_kept():
    drive = Drive()
    latest = drive.latest(2.0)
    assert latest.plan is not None
    free = replace(latest, plan=msgspec.structs.replace(latest.plan, limit_mps=120.0))
    _, frame = build(start(), free, 2 * S, drive.settings)
    assert frame.plan is not None
    assert frame.plan.limit_mps is None
    _, frame = build(start(), latest, 2 * S, drive.settings)
    assert frame.plan is not None
    assert math.isclose(frame.plan.limit_mps or 0.0, 120.0 / 3.6)


def test_the_window_of_the_map_moves_with_the_car_and_stands_between():
    drive = Drive()
    windows = [drive.frame(0.1 * i).road_window for i in range(40)]
    assert windows[0] == 1
    assert windows == sorted(windows)
    way_m = 30.5 * 3.9
    assert way_m / (RENEW_M + 3.1) - 1 <= windows[-1] - 1 <= way_m / RENEW_M


def test_an_invalid_localization_does_not_move_the_map():
    drive = Drive()
    drive.frame(0.0)
    latest = drive.latest(5.0)
    assert latest.localization is not None
    lost = msgspec.structs.replace(latest.localization, valid=False)
    frame = drive.frame(5.0, localization=lost)
    assert frame.road_window == 1
    assert frame.ego is not None
    assert not frame.ego.valid
    assert frame.plan is not None
    assert frame.plan.lane is None


def test_heights_follow_the_road():
    drive = Drive()
    frame = drive.frame(4.0)
    by_id = {track.track_id: track for track in frame.tracks}
    assert set(by_id) == set(ACTORS)
    corridor = drive.settings.corridor
    assert corridor is not None
    lead = by_id[1]
    s_m, _ = corridor.project(lead.x_m, lead.y_m)
    assert math.isclose(lead.z_m, corridor.at(s_m).z_m, abs_tol=0.02)


def test_without_a_corridor_the_scene_still_has_its_heights():
    drive = Drive()
    bare = FrameSettings(SHAPE, drive.settings.view, None, left_hand=False)
    latest = drive.latest(4.0)
    _, with_one = build(start(), latest, 4 * S, drive.settings)
    _, without = build(start(), latest, 4 * S, bare)
    assert without.ego is not None
    assert with_one.ego is not None
    assert math.isclose(without.ego.z_m, with_one.ego.z_m, abs_tol=0.3)
    assert without.plan is not None
    assert without.plan.lane is None


def test_an_alert_stays_for_its_time():
    drive = Drive()
    alert = Alert(
        stamp_ns=S,
        alert_id="hands",
        level=AlertLevel.PROMPT,
        words="Hands on the wheel",
        cause="test",
        action="Hold the wheel",
        until_ns=3 * S,
    )
    assert drive.frame(1.0, alerts=(alert,)).alert == alert
    assert drive.frame(2.9).alert == alert
    assert drive.frame(3.1).alert is None


def lights_at(drive: Drive, t_s: float) -> LightFrame:
    """A light 40 m ahead, as the camera saw it 0.1 s before."""
    seen = LightReturn(x_m=40.0, y_m=2.0, z_m=4.0, state=LightState.RED, confidence=0.9)
    return LightFrame(stamp_ns=round((t_s - 0.1) * S), lights=(seen,))


def test_a_light_stands_where_the_camera_saw_it_and_not_for_long():
    drive = Drive()
    here = drive.latest(2.0).localization
    assert here is not None
    frame = drive.frame(2.0, lights=lights_at(drive, 2.0))
    (light,) = frame.lights
    assert light.state is LightState.RED
    ahead_m = math.hypot(light.x_m - here.x_m, light.y_m - here.y_m)
    assert math.isclose(ahead_m, math.hypot(40.0, 2.0) - 0.1 * here.speed_mps, abs_tol=0.3)
    assert drive.frame(2.3).lights != ()
    assert drive.frame(2.6).lights == ()


def test_emergency_braking_is_told_as_it_says():
    drive = Drive()
    aeb = AebState(stamp_ns=2 * S, stage=BrakeStage.WARNING, code="lead", words="Brake now")
    frame = drive.frame(2.0, aeb=aeb)
    assert frame.aeb is not None
    assert (frame.aeb.stage, frame.aeb.words) == (BrakeStage.WARNING, "Brake now")
    assert drive.frame(2.1).aeb is None


def test_the_route_is_shown_until_the_pilot_has_found_another():
    drive = Drive()
    settings = replace(drive.settings, route=encode_route(((0.0, 1.0), (20.0, 2.0))))
    latest = drive.latest(2.0)
    _, frame = build(start(), latest, 2 * S, settings)
    assert msgspec.msgpack.decode(frame.route, type=CockpitRoute).x_m == (0.0, 20.0)
    assert frame.route_number == 1
    assert latest.plan is not None
    anew = replace(latest, plan=msgspec.structs.replace(latest.plan, rerouted=1))
    _, frame = build(start(), anew, 2 * S, settings)
    assert (frame.route_number, frame.route) == (0, b"")
    assert encode_route(()) == b""


def test_broken_pedals_are_no_number_on_a_screen():
    drive = Drive()
    car = drive.latest(2.0).car
    assert car is not None
    hands = DriverControls(accelerator=math.nan, brake=2.0, hands_on=False)
    frame = drive.frame(2.0, car=msgspec.structs.replace(car, driver=hands))
    assert frame.car is not None
    assert (frame.car.accelerator, frame.car.brake, frame.car.hands_on) == (0.0, 1.0, False)
