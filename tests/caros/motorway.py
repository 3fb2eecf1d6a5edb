"""A motorway drive in the real message format, for tests and benchmarks of the screen only.

Nothing is simulated: places are functions of time, so every picture comes out the same. It holds what
a screen must be able to show: curves, hills, three lanes and a shoulder, lorries, a bus, a motorcycle,
brake lights, indicators, a lane change, a ghost, a lead that brakes, and oncoming traffic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from volant.caros.cockpit.frame import CarShape, FrameSettings, FrameState, Latest, build, start
from volant.caros.cockpit.messages import CockpitFrame, CockpitReplay
from volant.caros.cockpit.roadview import RoadGround, RoadLine, RoadView
from volant.core import messages as m
from volant.road import Corridor

LENGTH_M = 6000.0
STEP_M = 1.0
LANE_M = 3.75
SHAPE = CarShape(length_m=4.495, width_m=1.82, rear_overhang_m=0.89)
EGO_MPS = 30.5
TICK_NS = 33_333_333
Array = NDArray[np.float64]


def curvature_per_m(s_m: float) -> float:
    return 0.0016 * math.sin(s_m / 210.0) * math.sin(s_m / 900.0 + 0.6)


def _reference() -> Array:
    """Rows x, y, z, heading each metre along the middle of the own lane."""
    rows = np.empty((int(LENGTH_M / STEP_M) + 1, 4))
    x_m = y_m = heading = 0.0
    for i in range(len(rows)):
        s_m = i * STEP_M
        rows[i] = (x_m, y_m, 4.0 * math.sin(s_m / 260.0), heading)
        heading += curvature_per_m(s_m) * STEP_M
        x_m += math.cos(heading) * STEP_M
        y_m += math.sin(heading) * STEP_M
    return rows


REFERENCE = _reference()


def place(s_m: float, offset_m: float) -> tuple[float, float, float, float]:
    """World x, y, z and heading of a point on the road."""
    at = min(max(s_m, 0.0), LENGTH_M - STEP_M) / STEP_M
    low = int(at)
    x_m, y_m, z_m, heading = (
        REFERENCE[low] + (at - low) * (REFERENCE[low + 1] - REFERENCE[low])
    ).tolist()
    return (
        x_m - offset_m * math.sin(heading),
        y_m + offset_m * math.cos(heading),
        z_m,
        heading,
    )


def _polyline(from_m: float, to_m: float, offset_m: float) -> Array:
    stations = np.linspace(from_m, to_m, int((to_m - from_m) / 2.0) + 1)
    return np.array([place(s, offset_m)[:3] for s in stations.tolist()])


def make_view() -> RoadView:
    """Markings and ground of both carriageways, in pieces of 60 m."""
    lines: list[RoadLine] = []
    grounds: list[RoadGround] = []
    half = LANE_M / 2
    marks = [
        (3 * half, "solid", "yellow", 0.3, 0.0, False),
        (half, "broken", "white", 0.15, 6.0, False),
        (-half, "broken", "white", 0.15, 6.0, False),
        (-3 * half, "solid", "white", 0.3, 0.0, False),
        (3 * half + 1.0, "edge", "grey", 0.2, 0.0, True),
        (-3 * half - 3.0, "edge", "grey", 0.2, 0.0, True),
        (3 * half + 4.0, "edge", "grey", 0.2, 0.0, True),
        (3 * half + 5.0, "solid", "yellow", 0.3, 0.0, False),
        (5 * half + 5.0, "broken", "white", 0.15, 6.0, False),
        (7 * half + 5.0, "broken", "white", 0.15, 6.0, False),
        (9 * half + 5.0, "solid", "white", 0.3, 0.0, False),
        (9 * half + 8.0, "edge", "grey", 0.2, 0.0, True),
    ]
    for from_m in range(0, int(LENGTH_M) - 60, 60):
        for offset_m, kind, colour, width_m, dash_m, edge in marks:
            lines.append(
                RoadLine(
                    points=_polyline(from_m, from_m + 60.0, offset_m),
                    kind=kind,
                    colour=colour,
                    width_m=width_m,
                    dash_m=dash_m,
                    gap_m=12.0 if dash_m else 0.0,
                    phase_m=-(from_m % 18.0),
                    edge=edge,
                )
            )
        for left, right in ((3 * half + 1.0, -3 * half - 3.0), (9 * half + 8.0, 3 * half + 4.0)):
            ground = ("road", _polyline(from_m, from_m + 60.0, left))
            grounds.append(RoadGround(*ground, _polyline(from_m, from_m + 60.0, right)))
    return RoadView(tuple(lines), tuple(grounds))


def make_corridor() -> Corridor:
    table = np.zeros((len(REFERENCE), 13))
    table[:, 0] = np.arange(len(REFERENCE)) * STEP_M
    table[:, 1:4] = REFERENCE[:, :3]
    table[:, 4] = REFERENCE[:, 3]
    table[:, 5] = [curvature_per_m(s) for s in table[:, 0].tolist()]
    table[:, 7] = table[:, 8] = LANE_M / 2
    table[:, 9] = 120.0 / 3.6
    table[:, 10] = [4.0 / 260.0 * math.cos(s / 260.0) for s in table[:, 0].tolist()]
    return Corridor(table=table, step_m=STEP_M, length_m=LENGTH_M, lanes=(0,), arrives=True)


@dataclass(frozen=True, slots=True)
class Actor:
    """One road user: station and offset as functions of time."""

    kind: m.ObjectClass
    station_m: Callable[[float], float]
    offset_m: Callable[[float], float]
    oncoming: bool = False
    indicator: Callable[[float], m.Indicator] = lambda _: m.Indicator.OFF
    brakes: Callable[[float], bool] = lambda _: False
    existence: float = 0.97


SIZES = {
    m.ObjectClass.CAR: (4.4, 1.82, 1.5),
    m.ObjectClass.LORRY: (13.5, 2.5, 3.7),
    m.ObjectClass.BUS: (12.2, 2.5, 3.2),
    m.ObjectClass.MOTORCYCLE: (2.1, 0.8, 1.5),
    m.ObjectClass.CYCLIST: (1.8, 0.6, 1.75),
    m.ObjectClass.PEDESTRIAN: (0.5, 0.6, 1.75),
    m.ObjectClass.OBSTACLE: (1.2, 1.2, 0.9),
    m.ObjectClass.UNKNOWN: (4.0, 1.8, 1.5),
}


def _cruise(ahead_m: float, speed_mps: float, span_m: float = 420.0) -> Callable[[float], float]:
    """Beside the own car for ever: who leaves the span behind comes back in front, far off."""

    def station_m(t_s: float) -> float:
        relative = (ahead_m + 130.0 + (speed_mps - EGO_MPS) * t_s) % span_m - 130.0
        return ego_station_m(t_s) + relative

    return station_m


def _now_and_then(phase_s: int) -> Callable[[float], bool]:
    return lambda t: (t + phase_s) % 7.0 < 2.0


def _fixed(offset_m: float) -> Callable[[float], float]:
    return lambda _: offset_m


def ego_station_m(t_s: float) -> float:
    return 300.0 + EGO_MPS * t_s


def gap_m(t_s: float) -> float:
    """Bumper to bumper to the lead; it brakes between 6 and 9 s of every 15."""
    return 39.0 + 5.0 * math.cos(2.0 * math.pi * t_s / 15.0)


def lead_brakes(t_s: float) -> bool:
    return 3.0 < t_s % 15.0 < 7.5


def _lead_station_m(t_s: float) -> float:
    front_m = ego_station_m(t_s) + SHAPE.length_m - SHAPE.rear_overhang_m
    return front_m + gap_m(t_s) + 2.2


def _change(t_s: float) -> float:
    """From the left lane into the own lane, far ahead, between 5 and 9 s."""
    share = min(max((t_s - 5.0) / 4.0, 0.0), 1.0)
    return LANE_M * (1.0 - share * share * (3.0 - 2.0 * share))


C, LORRY = m.ObjectClass.CAR, m.ObjectClass.LORRY
LEAD_ID = 1
ACTORS: dict[int, Actor] = {
    LEAD_ID: Actor(C, _lead_station_m, _fixed(0.05), brakes=lead_brakes),
    2: Actor(LORRY, _cruise(24.0, 24.0), _fixed(-LANE_M)),
    3: Actor(LORRY, _cruise(78.0, 24.2), _fixed(-LANE_M)),
    4: Actor(C, _cruise(150.0, 26.0), _fixed(-LANE_M)),
    5: Actor(C, _cruise(13.0, 33.0), _fixed(LANE_M)),
    6: Actor(C, _cruise(58.0, 34.0), _fixed(LANE_M), brakes=lambda t: t % 9.0 > 6.0),
    7: Actor(
        C,
        lambda t: ego_station_m(t) + 92.0 + 0.4 * t,
        _change,
        indicator=lambda t: m.Indicator.RIGHT if 2.0 < t < 9.0 else m.Indicator.OFF,
    ),
    8: Actor(m.ObjectClass.MOTORCYCLE, _cruise(36.0, 35.5), _fixed(LANE_M + 0.7)),
    9: Actor(C, _cruise(-22.0, 31.0), _fixed(-LANE_M)),
    10: Actor(m.ObjectClass.BUS, _cruise(120.0, 25.0), _fixed(-LANE_M)),
    11: Actor(C, _cruise(190.0, 30.0), _fixed(0.0), existence=0.4),
    12: Actor(C, _cruise(140.0, 34.5), _fixed(LANE_M)),
    13: Actor(C, _cruise(60.0, -32.0), _fixed(14.5), oncoming=True),
    14: Actor(LORRY, _cruise(150.0, -24.0), _fixed(18.2), oncoming=True),
    15: Actor(C, _cruise(210.0, -36.0), _fixed(11.0), oncoming=True),
    16: Actor(C, _cruise(280.0, -31.0), _fixed(14.5), oncoming=True),
}


def crowd(count: int) -> dict[int, Actor]:
    """As many road users as asked for, on all lanes."""
    kinds = (C, C, C, LORRY, C, m.ObjectClass.MOTORCYCLE)
    lanes = (-LANE_M, LANE_M, 0.0, 14.5, 18.2, 11.0)
    found = dict(ACTORS)
    for i in range(len(ACTORS) + 1, count + 1):
        offset_m = lanes[i % len(lanes)]
        oncoming = offset_m > 9.0
        speed_mps = -31.0 if oncoming else 30.5 + 0.2 * (i % 5)
        found[i] = Actor(
            kinds[i % len(kinds)],
            _cruise(60.0 + 6.5 * (i - len(ACTORS)), speed_mps, 330.0),
            _fixed(offset_m),
            oncoming=oncoming,
            brakes=_now_and_then(i),
        )
    return dict(sorted(found.items())[:count])


class Drive:
    """Frames of the drive by time; `actors` decides how full the road is."""

    def __init__(self, actors: dict[int, Actor] | None = None, charge_pct: float = 72.4) -> None:
        self.actors = ACTORS if actors is None else actors
        self.settings = FrameSettings(SHAPE, make_view(), make_corridor(), left_hand=False)
        self.charge_pct = charge_pct
        self.state: FrameState = start()

    def frame(
        self, t_s: float, replay: CockpitReplay | None = None, **changes: object
    ) -> CockpitFrame:
        """The frame at a time; `changes` replaces parts of `Latest`."""
        stamp_ns = round(t_s * 1e9)
        latest = replace(self.latest(t_s), **changes)  # type: ignore[arg-type]
        self.state, frame = build(self.state, latest, stamp_ns, self.settings, replay)
        return frame

    def latest(self, t_s: float) -> Latest:
        """All messages at a time; the pilot's parts stand on its last 50 ms tick."""
        pilot_s = math.floor(t_s * 20.0 + 1e-6) / 20.0
        return Latest(
            car=self._car(t_s),
            localization=_localization(pilot_s),
            tracks=m.Tracks(
                stamp_ns=round(pilot_s * 1e9),
                tracks=tuple(_track(i, actor, pilot_s) for i, actor in self.actors.items()),
            ),
            plan=_plan(pilot_s),
            pilot=m.PilotState(
                stamp_ns=round(pilot_s * 1e9),
                engagement=m.Engagement.ENGAGED,
                code="ok",
                words="Pilot drives",
                set_speed_mps=120.0 / 3.6,
                time_gap_setting_s=1.6,
                functions=("acc", "lcc"),
                ready=True,
            ),
            guard=None,
        )

    def _car(self, t_s: float) -> m.CarState:
        return m.CarState(
            stamp_ns=round(t_s * 1e9),
            speed_mps=EGO_MPS + 0.8 * math.cos(t_s / 3.0),
            accel_mps2=-0.9 if lead_brakes(t_s) else 0.2,
            lateral_accel_mps2=0.0,
            yaw_rate_rps=EGO_MPS * curvature_per_m(ego_station_m(t_s)),
            steer_rad=0.01,
            gear=m.Gear.DRIVE,
            indicator=m.Indicator.OFF,
            hold=False,
            brake_lights=lead_brakes(t_s),
            charge_pct=self.charge_pct,
            range_m=374_000.0 * self.charge_pct / 72.4,
            battery_power_w=21_000.0,
            battery_voltage_v=366.0,
            battery_temperature_k=301.0,
            odometer_m=12_345_000.0,
            driver=m.DriverControls(),
        )


def _localization(t_s: float) -> m.Localization:
    s_m = ego_station_m(t_s)
    x_m, y_m, _, heading = place(s_m, 0.0)
    return m.Localization(
        stamp_ns=round(t_s * 1e9),
        x_m=x_m,
        y_m=y_m,
        yaw_rad=math.remainder(heading, math.tau),
        speed_mps=EGO_MPS,
        yaw_rate_rps=EGO_MPS * curvature_per_m(s_m),
        station_m=s_m,
        offset_m=0.0,
        heading_error_rad=0.0,
        sigma_along_m=0.4,
        sigma_across_m=0.06,
        lane="1:0:-2",
        valid=True,
    )


def _track(track_id: int, actor: Actor, t_s: float) -> m.Track:
    s_m, offset_m = actor.station_m(t_s), actor.offset_m(t_s)
    x_m, y_m, _, heading = place(s_m, offset_m)
    ahead = (actor.station_m(t_s + 0.05) - s_m) / 0.05
    across = (actor.offset_m(t_s + 0.05) - offset_m) / 0.05
    speed_mps = -ahead if actor.oncoming else ahead
    if abs(speed_mps) > 60.0:  # it just came back in front
        speed_mps = EGO_MPS
    turned = heading + math.pi if actor.oncoming else heading + across / max(speed_mps, 5.0)
    length_m, width_m, height_m = SIZES[actor.kind]
    return m.Track(
        track_id=track_id,
        object_class=actor.kind,
        x_m=x_m,
        y_m=y_m,
        yaw_rad=math.remainder(turned, math.tau),
        speed_mps=speed_mps,
        accel_mps2=0.0,
        yaw_rate_rps=speed_mps * curvature_per_m(s_m),
        length_m=length_m,
        width_m=width_m,
        height_m=height_m,
        existence=actor.existence,
        age_s=4.0,
        unseen_s=0.0,
        brake_lights=actor.brakes(t_s),
        indicator=actor.indicator(t_s),
    )


def _plan(t_s: float) -> m.Plan:
    times = tuple(0.2 * i for i in range(26))
    braking = lead_brakes(t_s)
    accels = tuple((-2.6 * math.exp(-((t - 1.6) ** 2)) if braking else 0.1) for t in times)
    points = [
        place(ego_station_m(t_s) + EGO_MPS * t - (0.35 * t * t if braking else 0.0), 0.0)
        for t in times
    ]
    gap = gap_m(t_s)
    return m.Plan(
        stamp_ns=round(t_s * 1e9),
        time_s=times,
        x_m=tuple(p[0] for p in points),
        y_m=tuple(p[1] for p in points),
        yaw_rad=tuple(p[3] for p in points),
        curvature_per_m=tuple(0.0 for _ in times),
        speed_mps=tuple(EGO_MPS for _ in times),
        accel_mps2=accels,
        stop_path=m.StopPath(
            stamp_ns=round(t_s * 1e9), step_m=1.0, x_m=(0.0,), y_m=(0.0,), curvature_per_m=(0.0,)
        ),
        target_speed_mps=120.0 / 3.6,
        limit_mps=120.0 / 3.6,
        limit_is_default=False,
        constraint=m.Constraint.LEAD,
        reason="Slower car ahead",
        manoeuvre="follow",
        lead_id=LEAD_ID,
        gap_m=gap,
        time_gap_s=gap / EGO_MPS,
        confidence=0.92,
        distance_left_m=max(4000.0 - EGO_MPS * t_s, 0.0),
        arrived=False,
    )
