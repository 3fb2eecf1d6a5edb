"""A few seconds of messages as a drive publishes them, without a drive."""

from __future__ import annotations

import math
from collections.abc import Iterator

from volant.core import messages as m
from volant.core import topics
from volant.core.topics import Topic
from volant.wire.journal import JournalHeader

TICK_NS = 10_000_000
HEADER = JournalHeader(
    seed=7,
    car="g3-520",
    road="ring",
    settings={"cars": 20, "jams": [{"station_m": 900.0}]},
    volant="0.1.0",
    wall_time="2026-01-02T03:04:05+00:00",
    host="desk x86_64 Linux",
    argv=("drive", "--seed", "7"),
)


def ego(stamp_ns: int) -> m.EgoTruth:
    way_m = 20.0 * stamp_ns * 1e-9
    return m.EgoTruth(
        stamp_ns=stamp_ns,
        x_m=way_m,
        y_m=0.1 * math.sin(way_m),
        z_m=2.5,
        yaw_rad=0.5,
        pitch_rad=0.0,
        roll_rad=0.0,
        speed_mps=20.0,
        lateral_speed_mps=0.0,
        accel_mps2=0.1,
        lateral_accel_mps2=0.0,
        yaw_rate_rps=0.0,
        steer_rad=0.0,
        length_m=4.5,
        width_m=1.8,
        rear_overhang_m=0.9,
    )


def car(stamp_ns: int) -> m.CarState:
    return m.CarState(
        stamp_ns=stamp_ns,
        speed_mps=20.0 + math.sin(stamp_ns * 1e-9),
        accel_mps2=0.1,
        lateral_accel_mps2=0.0,
        yaw_rate_rps=0.0,
        steer_rad=0.0,
        gear=m.Gear.DRIVE,
        indicator=m.Indicator.OFF,
        hold=False,
        brake_lights=False,
        charge_pct=80.0,
        range_m=400e3,
        battery_power_w=9e3,
        battery_voltage_v=350.0,
        battery_temperature_k=300.0,
        odometer_m=0.0,
        driver=m.DriverControls(),
    )


def command(stamp_ns: int) -> m.Command:
    return m.Command(stamp_ns=stamp_ns, accel_mps2=0.1, curvature_per_m=0.001)


def truth(stamp_ns: int) -> m.WorldTruth:
    one = m.TruthObject(
        actor_id=3,
        object_class=m.ObjectClass.LORRY,
        x_m=40.0 + stamp_ns * 1e-9,
        y_m=3.5,
        yaw_rad=0.0,
        speed_mps=18.0,
        accel_mps2=0.0,
        yaw_rate_rps=0.0,
        length_m=12.0,
        width_m=2.5,
        height_m=3.8,
        brake_lights=False,
        indicator=m.Indicator.LEFT,
    )
    return m.WorldTruth(stamp_ns=stamp_ns, objects=(one,))


def tracks(stamp_ns: int) -> m.Tracks:
    one = m.Track(
        track_id=11,
        object_class=m.ObjectClass.CAR,
        x_m=60.0,
        y_m=0.0,
        yaw_rad=0.1,
        speed_mps=17.0,
        accel_mps2=0.0,
        yaw_rate_rps=0.0,
        length_m=4.4,
        width_m=1.8,
        height_m=1.5,
        existence=0.9,
        age_s=2.0,
        unseen_s=0.0,
    )
    return m.Tracks(stamp_ns=stamp_ns, tracks=(one,))


def plan(stamp_ns: int, gap_m: float | None = 30.0) -> m.Plan:
    times = tuple(0.1 * index for index in range(41))
    zeros = (0.0,) * 41
    path = tuple(float(index) for index in range(100))
    return m.Plan(
        stamp_ns=stamp_ns,
        time_s=times,
        x_m=times,
        y_m=zeros,
        yaw_rad=zeros,
        curvature_per_m=zeros,
        speed_mps=zeros,
        accel_mps2=zeros,
        stop_path=m.StopPath(
            stamp_ns=stamp_ns,
            step_m=1.0,
            x_m=path,
            y_m=(0.0,) * 100,
            curvature_per_m=(0.0,) * 100,
        ),
        target_speed_mps=20.0,
        limit_mps=27.0,
        limit_is_default=False,
        constraint=m.Constraint.LEAD,
        reason="car ahead",
        manoeuvre="keep",
        lead_id=11,
        gap_m=gap_m,
        time_gap_s=1.5,
        confidence=0.9,
        distance_left_m=1000.0,
        arrived=False,
    )


def pilot_state(stamp_ns: int, engagement: m.Engagement) -> m.PilotState:
    return m.PilotState(
        stamp_ns=stamp_ns,
        engagement=engagement,
        code="ok",
        words="driving",
        set_speed_mps=20.0,
        time_gap_setting_s=1.6,
        functions=("acc", "lcc"),
        ready=True,
    )


def alert(stamp_ns: int) -> m.Alert:
    return m.Alert(
        stamp_ns=stamp_ns,
        alert_id="jam",
        level=m.AlertLevel.PROMPT,
        words="Jam ahead",
        cause="slow traffic",
        action="none",
        until_ns=stamp_ns + 1,
    )


def decision(stamp_ns: int) -> m.GuardDecision:
    return m.GuardDecision(
        stamp_ns=stamp_ns,
        source=m.CommandSource.COMFORT,
        command=command(stamp_ns),
        limited=False,
        limits=(),
        reason="ok",
    )


def drive(seconds: float) -> Iterator[tuple[Topic, int, m.Message]]:
    """Topics, stamps and messages in publish order."""
    for tick in range(round(seconds * 100)):
        now = tick * TICK_NS
        yield topics.WORLD_EGO, now, ego(now)
        if tick % 5 == 0:
            yield topics.WORLD_TRUTH, now, truth(now)
        yield topics.CAR_STATE, now, car(now)
        if tick % 5 == 0:
            engagement = m.Engagement.ENGAGED if tick > 50 else m.Engagement.READY
            yield topics.PILOT_TRACKS, now, tracks(now)
            yield topics.PILOT_PLAN, now, plan(now, None if tick % 10 else 30.0)
            yield topics.PILOT_STATE, now, pilot_state(now, engagement)
        if tick == 73:
            yield topics.ALERT, now, alert(now)
        yield topics.PILOT_COMMAND, now, command(now)
        yield topics.GUARD_DECISION, now, decision(now)
        yield topics.CAR_COMMAND, now, command(now)
