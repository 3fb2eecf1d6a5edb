"""Worlds drawn at random in which nothing is a reason for an emergency brake.

People and riders beside our way, at kerbs, behind us; parked, waiting and oncoming cars, rails; lane
changes of ours and of others. Nobody here is met if we drive on. Run as a module it drives them, closed
loop, and tells what was braked for: `python -m tests.safety.aeb_worlds [perfect|typical] [each] [kind]`.
Needless is what the judge calls so: ground truth never required more than 3 m/s2 in the last 3 s.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.safety.aeb_scenes import (
    FRONT_M,
    KMH,
    SPEC,
    At,
    Outcome,
    Part,
    Scene,
    bicycle,
    gvt,
    motorcycle,
    moving,
    person,
    play,
    still,
)
from volant.sim.columns import BodyClass

Draw = random.Random
HALF_M: Final = 0.5 * SPEC.width_m
PERSON_M: Final = 0.25
"""Half of a person."""
RIDER_M: Final = 0.25
CAR_M: Final = 0.86


def rail(at: Callable[[float], At]) -> Part:
    """Four metres of guard rail."""
    return Part(BodyClass.OBSTACLE, 4.0, 0.3, 0.75, at)


def lorry(at: Callable[[float], At]) -> Part:
    """One of twelve metres."""
    return Part(BodyClass.LORRY, 12.0, 2.5, 3.6, at)


@dataclass(frozen=True, slots=True)
class Way:
    """A path by points every 0.05 s, as a script: heading and speed follow from the points."""

    points: tuple[tuple[float, float], ...]
    yaw_rad: float = 0.0
    """While it stands."""

    def __call__(self, t: float) -> At:
        k = min(max(t, 0.0) / 0.05, len(self.points) - 2.0)
        one, two = self.points[int(k)], self.points[int(k) + 1]
        part = min(k - int(k), 1.0)
        dx, dy = two[0] - one[0], two[1] - one[1]
        step = math.hypot(dx, dy)
        yaw = math.atan2(dy, dx) if step > 1e-4 else self.yaw_rad
        return At(one[0] + part * dx, one[1] + part * dy, yaw, step / 0.05)


def by_speed(
    speed: Callable[[float], tuple[float, float]], x_m: float, y_m: float, yaw: float
) -> Way:
    """From a place on, with a velocity that a function of time gives; 12 s of it."""
    points = [(x_m, y_m)]
    for k in range(240):
        vx, vy = speed(0.05 * k)
        x_m, y_m = x_m + 0.05 * vx, y_m + 0.05 * vy
        points.append((x_m, y_m))
    return Way(tuple(points), yaw)


def wander(draw: Draw, speed_mps: float) -> Callable[[float], float]:
    """How a driver sways in a lane: up to 0.15 m to one side and back, in 4 to 8 s."""
    wave = 2.0 * math.pi / draw.uniform(4.0, 8.0)
    size = draw.uniform(-0.075, 0.075)
    peak = size * wave * wave / (speed_mps * speed_mps)
    return lambda t: peak * math.cos(wave * t)


def swaying(
    draw: Draw, along_mps: float, longest_s: float
) -> tuple[Callable[[float], tuple[float, float]], float]:
    """Speeds of one who goes along and sways up to 0.1 m to either side, and where across he begins."""
    wave, size = 2.0 * math.pi / draw.uniform(1.5, longest_s), draw.uniform(0.0, 0.1)
    phase = draw.uniform(0.0, 6.28)
    return lambda t: (along_mps, size * wave * math.cos(wave * t + phase)), size * math.sin(phase)


def parallel_people(draw: Draw) -> Scene:
    """People walk along our way, 0.5 to 1.0 m beside it, and sway a little."""
    ego = draw.uniform(20.0, 70.0) * KMH
    parts = []
    for _ in range(draw.randint(1, 3)):
        side, gap = draw.choice((-1, 1)), draw.uniform(0.6, 1.1)
        walk = draw.choice((-1, 1)) * draw.uniform(3.0, 8.0) * KMH
        speed, sway = swaying(draw, walk, 5.0)
        start_y = side * (HALF_M + gap + PERSON_M) + sway
        x = FRONT_M + draw.uniform(2.5, 5.5) * ego
        parts.append(person(by_speed(speed, x, start_y, 0.0), child=draw.random() < 0.3))
    return Scene("parallel-people", ego, tuple(parts), end_s=8.0)


def standing_people(draw: Draw) -> Scene:
    """People stand at the kerb, 0.5 to 1.0 m beside our way, facing anywhere; the driver sways."""
    ego = draw.uniform(20.0, 70.0) * KMH
    parts = []
    for _ in range(draw.randint(1, 4)):
        side, gap = draw.choice((-1, 1)), draw.uniform(0.65, 1.1)
        x = FRONT_M + draw.uniform(2.0, 5.5) * ego
        at = still(x, side * (HALF_M + gap + PERSON_M), draw.uniform(-3.1, 3.1))
        parts.append(person(at, child=draw.random() < 0.3))
    return Scene("standing-people", ego, tuple(parts), wander(draw, ego), end_s=8.0)


def riders_beside(draw: Draw) -> Scene:
    """Cyclists the same way or oncoming, 0.7 to 1.5 m beside our way, and sway."""
    ego = draw.uniform(30.0, 80.0) * KMH
    parts = []
    for _ in range(draw.randint(1, 2)):
        side, gap = draw.choice((-1, 1)), draw.uniform(0.8, 1.5)
        ride = draw.choice((-1, 1)) * draw.uniform(10.0, 25.0) * KMH
        speed, sway = swaying(draw, ride, 4.0)
        start_y = side * (HALF_M + gap + RIDER_M) + sway
        x = FRONT_M + draw.uniform(2.5, 5.0) * max(ego - ride, 5.0)
        parts.append(bicycle(by_speed(speed, x, start_y, 0.0)))
    return Scene("riders-beside", ego, tuple(parts), end_s=8.0)


def parked(draw: Draw) -> Scene:
    """Between rows of parked cars, 0.5 to 1.0 m beside our way, a bit askew; the driver sways."""
    ego = draw.uniform(20.0, 60.0) * KMH
    parts = []
    for side in (-1, 1):
        x = FRONT_M + 15.0
        while x < FRONT_M + 6.0 * ego:
            gap = draw.uniform(0.65, 1.1)
            at = still(x, side * (HALF_M + gap + CAR_M), draw.uniform(-0.04, 0.04))
            parts.append(gvt(at))
            x += draw.choice((5.5, 6.0, 12.0, 30.0))
    return Scene("parked", ego, tuple(parts), wander(draw, ego), end_s=7.0)


def kerb_stop(draw: Draw) -> Scene:
    """Somebody walks up to the kerb and stops 0.5 to 1.0 m beside our way."""
    ego = draw.uniform(20.0, 70.0) * KMH
    side, gap = draw.choice((-1, 1)), draw.uniform(0.5, 1.0)
    walk, brake_m = draw.uniform(3.0, 6.5) * KMH, draw.uniform(0.4, 0.9)
    meet_s = draw.uniform(3.0, 5.0)
    decel = walk * walk / (2.0 * brake_m)
    stop_y = HALF_M + gap + PERSON_M
    late_s = draw.uniform(-0.5, 1.5)
    stopping_s = meet_s - late_s

    def speed(t: float) -> tuple[float, float]:
        return 0.0, -side * min(max(walk - decel * (t - stopping_s), 0.0), walk)

    start_y = side * (stop_y + brake_m + walk * stopping_s)
    x = FRONT_M + meet_s * ego
    at = by_speed(speed, x, start_y, -side * 0.5 * math.pi)
    return Scene("kerb-stop", ego, (person(at, child=draw.random() < 0.3),), end_s=8.0)


def turns_along(draw: Draw) -> Scene:
    """Somebody comes out of a door towards the road and turns along it, 0.6 to 1.2 m beside our way."""
    ego = draw.uniform(20.0, 60.0) * KMH
    side, gap = draw.choice((-1, 1)), draw.uniform(0.6, 1.2)
    walk, radius = draw.uniform(3.0, 6.0) * KMH, draw.uniform(0.5, 1.0)
    turn_s, way = draw.uniform(1.0, 3.5), draw.choice((-1, 1))
    quarter_s = 0.5 * math.pi * radius / walk

    def speed(t: float) -> tuple[float, float]:
        angle = 0.5 * math.pi * min(max((t - turn_s) / quarter_s, 0.0), 1.0)
        return way * walk * math.sin(angle), -side * walk * math.cos(angle)

    start_y = side * (HALF_M + gap + PERSON_M + radius + walk * turn_s)
    x = FRONT_M + draw.uniform(2.5, 5.0) * ego
    return Scene("turns-along", ego, (person(by_speed(speed, x, start_y, 0.0)),), end_s=8.0)


def walks_away(draw: Draw) -> Scene:
    """Somebody leaves our way: the far side of the body clears it 1.0 s before we are there, or more."""
    ego = draw.uniform(20.0, 60.0) * KMH
    rider = draw.random() < 0.4
    side, speed = draw.choice((-1, 1)), draw.uniform(3.0, 8.0) * KMH
    half = 0.95 if rider else PERSON_M
    speed = 2.5 * speed if rider else speed
    meet_s = draw.uniform(3.0, 5.0)
    clear_s = meet_s - draw.uniform(1.0, 2.5)
    make = bicycle if rider else person
    x = FRONT_M + meet_s * ego
    at = moving(x, side * (HALF_M + half), side * 0.5 * math.pi, speed, clear_s)
    return Scene("walks-away", ego, (make(at),), end_s=8.0)


def crosses_behind(draw: Draw) -> Scene:
    """Somebody crosses where we have passed: our rear is 0.5 s past when it reaches our way, or more."""
    ego = draw.uniform(20.0, 60.0) * KMH
    kind = draw.choice((person, bicycle, gvt))
    speed = {person: 6.0, bicycle: 16.0, gvt: 35.0}[kind] * draw.uniform(0.6, 1.2) * KMH
    half, wide = {person: (0.25, 0.25), bicycle: (0.95, 0.25), gvt: (2.01, 0.86)}[kind]
    side = draw.choice((-1, 1))
    x = FRONT_M + draw.uniform(2.5, 4.5) * ego
    passed_s = (x + wide + SPEC.rear_overhang_m) / ego
    enters_s = passed_s + draw.uniform(0.5, 2.0)
    at = moving(x, side * (HALF_M + half), -side * 0.5 * math.pi, speed, enters_s)
    return Scene("crosses-behind", ego, (kind(at),), end_s=8.0)


def waits_at_junction(draw: Draw) -> Scene:
    """A car comes up to a junction across and stops 0.7 to 1.5 m beside our way, or waits there."""
    ego = draw.uniform(30.0, 70.0) * KMH
    side, gap = draw.choice((-1, 1)), draw.uniform(0.7, 1.5)
    comes = draw.random() < 0.6
    speed = draw.uniform(10.0, 30.0) * KMH if comes else 0.0
    decel, meet_s = draw.uniform(1.5, 2.5), draw.uniform(3.0, 5.0)
    stands_s = meet_s - draw.uniform(-0.5, 2.0)
    stop_y, yaw = HALF_M + gap + 2.01, -side * 0.5 * math.pi
    x = FRONT_M + meet_s * ego

    def velocity(t: float) -> tuple[float, float]:
        return 0.0, -side * min(max(decel * (stands_s - t), 0.0), speed)

    braked_s = speed / decel
    way_m = speed * max(stands_s - braked_s, 0.0) + 0.5 * decel * min(braked_s, stands_s) ** 2
    at = by_speed(velocity, x, side * (stop_y + way_m), yaw)
    return Scene("waits-at-junction", ego, (gvt(at),), end_s=8.0)


def _along(draw: Draw, radius_m: float, ego: float) -> tuple[Callable[[float], float], list[At]]:
    """A bend after a straight, to either side: our curvature by time and poses of our way each 0.5 m."""
    from_m, ramp_m = draw.uniform(5.0, 40.0), max(1.2 * ego, 0.2 * radius_m)
    sign = draw.choice((-1.0, 1.0))

    def bend(s_m: float) -> float:
        return sign * min(max((s_m - from_m) / ramp_m, 0.0), 1.0) / radius_m

    poses, x, y, yaw = [], 0.0, 0.0, 0.0
    for k in range(700):
        poses.append(At(x, y, yaw, 0.0))
        yaw += 0.5 * bend(0.5 * k)
        x, y = x + 0.5 * math.cos(yaw), y + 0.5 * math.sin(yaw)
    return (lambda t: bend(ego * t)), poses


def _beside(poses: list[At], along_m: float, left_m: float) -> At:
    """A place beside our way."""
    at = poses[min(max(round(2.0 * along_m), 0), len(poses) - 1)]
    return At(
        at.x_m - left_m * math.sin(at.yaw_rad),
        at.y_m + left_m * math.cos(at.yaw_rad),
        at.yaw_rad,
        0.0,
    )


def _drives(poses: list[At], from_m: float, left_m: float, speed: float) -> Way:
    """Along our way, beside it; a negative speed comes towards us."""
    held = [_beside(poses, from_m + speed * 0.05 * k, left_m) for k in range(240)]
    return Way(tuple((at.x_m, at.y_m) for at in held))


def _bend(draw: Draw) -> tuple[float, float]:
    """Radius and the speed that a driver takes it with: 1 to 2.5 m/s2 across."""
    radius = math.exp(draw.uniform(math.log(50.0), math.log(500.0)))
    return radius, min(math.sqrt(draw.uniform(1.0, 2.5) * radius), 30.0)


def oncoming_in_bend(draw: Draw) -> Scene:
    """Oncoming cars and lorries in a bend, 0.7 to 1.6 m beside our way."""
    radius, ego = _bend(draw)
    curvature, poses = _along(draw, radius, ego)
    parts, along = [], 30.0 + 2.0 * ego
    side = draw.choice((-1, 1))
    for _ in range(3):
        big = draw.random() < 0.3
        half, long = (1.25, 6.0) if big else (CAR_M, 2.0)
        swings = 0.5 * (long * long + FRONT_M * FRONT_M) / radius
        left = side * (HALF_M + draw.uniform(0.7, 1.6) + half + swings)
        way = _drives(poses, along, left, -ego * draw.uniform(0.7, 1.2))
        parts.append((lorry if big else gvt)(way))
        along += draw.uniform(25.0, 70.0)
    return Scene("oncoming-in-bend", ego, tuple(parts), curvature, end_s=7.0)


def rails_in_bend(draw: Draw) -> Scene:
    """Guard rails, 0.7 to 1.2 m beside our way, on both sides of a bend."""
    radius, ego = _bend(draw)
    curvature, poses = _along(draw, radius, ego)
    parts = []
    for side in (-1, 1):
        left = side * (HALF_M + draw.uniform(0.7, 1.2) + 0.15)
        for k in range(8):
            at = _beside(poses, 15.0 + draw.uniform(10.0, 14.0) * k, left)
            parts.append(rail(still(at.x_m, at.y_m, at.yaw_rad)))
    return Scene("rails-in-bend", ego, tuple(parts), curvature, end_s=6.0)


def parked_in_bend(draw: Draw) -> Scene:
    """Parked cars and people who stand, 0.6 to 1.2 m beside our way, on both sides of a bend."""
    radius, ego = _bend(draw)
    curvature, poses = _along(draw, radius, min(ego, 17.0))
    parts = []
    for side in (-1, 1):
        for k in range(6):
            walks = draw.random() < 0.3
            half = PERSON_M if walks else CAR_M
            left = side * (HALF_M + draw.uniform(0.7, 1.2) + half)
            at = _beside(poses, 12.0 + draw.uniform(11.0, 16.0) * k, left)
            make = person if walks else gvt
            parts.append(make(still(at.x_m, at.y_m, at.yaw_rad)))
    return Scene("parked-in-bend", min(ego, 17.0), tuple(parts), curvature, end_s=6.0)


def _swerve(
    side: float, shift_m: float, from_s: float, over_s: float, ego: float
) -> Callable[[float], float]:
    """Curvature by time of a lane change: one period of a sine."""
    peak = side * shift_m * 2.0 * math.pi / (over_s * over_s) / (ego * ego)

    def bend(t: float) -> float:
        part = (t - from_s) / over_s
        return peak * math.sin(2.0 * math.pi * part) if 0.0 <= part <= 1.0 else 0.0

    return bend


def overtakes(draw: Draw) -> Scene:
    """We change lanes round a slower car or a standing one; over with it 1.2 s before we would touch."""
    slow = draw.choice((0.0, draw.uniform(10.0, 50.0))) * KMH
    ego = slow + draw.uniform(25.0, 50.0) * KMH
    over_s, shift = draw.uniform(2.5, 4.0), draw.uniform(2.8, 3.5)
    from_s = 1.5
    spare_s = draw.uniform(1.2, 2.0)
    x = FRONT_M + 2.01 + (ego - slow) * (from_s + over_s + spare_s - 0.5 * over_s)
    kind = draw.choice((gvt, gvt, bicycle, motorcycle)) if slow else gvt
    parts = [kind(moving(x, 0.0, 0.0, slow))]
    return Scene(
        "overtakes", ego, tuple(parts), _swerve(1.0, shift, from_s, over_s, ego), end_s=8.0
    )


def cut_out(draw: Draw) -> Scene:
    """Who drives ahead more slowly leaves our lane: its side is out of our way 1.0 s before, or more."""
    ego = draw.uniform(40.0, 100.0) * KMH
    slow = ego - draw.uniform(8.0, 25.0) * KMH
    over_s, side = draw.uniform(2.5, 4.5), draw.choice((-1.0, 1.0))
    from_s = draw.uniform(0.5, 2.0)
    out_s = from_s + 0.75 * over_s
    x = FRONT_M + 2.01 + (ego - slow) * (out_s + draw.uniform(1.0, 2.0))
    bend = _swerve(side, 3.5, from_s, over_s, slow)
    return Scene("cut-out", ego, (gvt(_curved(bend, x, 0.0, slow)),), end_s=9.0)


def turns_off(draw: Draw) -> Scene:
    """Who drives ahead slows down and turns off our road: it is gone 1.0 s before we come, or more."""
    ego = draw.uniform(40.0, 70.0) * KMH
    slow, radius = draw.uniform(15.0, 25.0) * KMH, draw.uniform(8.0, 12.0)
    decel, side = draw.uniform(1.5, 2.5), draw.choice((-1.0, 1.0))
    braked_s = (ego - slow) / decel
    quarter_s = 0.5 * math.pi * radius / slow

    def velocity(t: float) -> tuple[float, float]:
        speed = max(ego - decel * t, slow)
        angle = side * 0.5 * math.pi * min(max((t - braked_s) / quarter_s, 0.0), 1.0)
        return speed * math.cos(angle), speed * math.sin(angle)

    gone_s = braked_s + 1.15 * quarter_s
    way_m = ego * braked_s - 0.5 * decel * braked_s * braked_s + 0.9 * radius
    x = FRONT_M + 2.01 + ego * (gone_s + draw.uniform(1.0, 2.0)) - way_m
    return Scene("turns-off", ego, (gvt(by_speed(velocity, x, 0.0, 0.0)),), end_s=10.0)


def cut_in(draw: Draw) -> Scene:
    """Who is faster than we are moves over in front, 6 m ahead or more."""
    ego = draw.uniform(50.0, 110.0) * KMH
    fast = ego + draw.uniform(3.0, 25.0) * KMH
    over_s, side = draw.uniform(2.5, 4.5), draw.choice((-1.0, 1.0))
    from_s = draw.uniform(1.0, 2.5)
    x = FRONT_M + 2.01 + draw.uniform(6.0, 20.0) - (fast - ego) * from_s
    bend = _swerve(-side, 3.5, from_s, over_s, fast)
    return Scene("cut-in", ego, (gvt(_curved(bend, x, side * 3.5, fast)),), end_s=8.0)


def _curved(bend: Callable[[float], float], x: float, y: float, speed: float) -> Way:
    """Along a way of given curvature by time."""
    yaw, points = 0.0, [(x, y)]
    for k in range(240):
        yaw += speed * bend(0.05 * k) * 0.05
        x, y = x + 0.05 * speed * math.cos(yaw), y + 0.05 * speed * math.sin(yaw)
        points.append((x, y))
    return Way(tuple(points))


def follows(draw: Draw) -> Scene:
    """Behind a car at a usual gap, that brakes gently and goes on; neighbours brake hard."""
    ego = draw.uniform(40.0, 110.0) * KMH
    gap_s = draw.uniform(1.2, 2.0)
    dip, over_s = draw.uniform(0.0, 1.5), draw.uniform(2.0, 4.0)

    def velocity(t: float) -> tuple[float, float]:
        part = min(max((t - 1.0) / over_s, 0.0), 1.0)
        return ego - dip * math.sin(math.pi * part) ** 2, 0.0

    def brakes(t: float) -> tuple[float, float]:
        return max(ego - 6.0 * max(t - 1.5, 0.0), 0.0), 0.0

    parts = [gvt(by_speed(velocity, FRONT_M + 2.01 + gap_s * ego, 0.0, 0.0))]
    for side in (-1, 1):
        x, y = FRONT_M + draw.uniform(10.0, 30.0), side * draw.uniform(3.0, 3.6)
        parts.append(gvt(by_speed(brakes, x, y, 0.0)))
    return Scene("follows", ego, tuple(parts), end_s=7.0)


KINDS: Final[tuple[Callable[[Draw], Scene], ...]] = (
    parallel_people, standing_people, riders_beside, parked, kerb_stop, turns_along, walks_away,
    crosses_behind, waits_at_junction, oncoming_in_bend, rails_in_bend, parked_in_bend, overtakes,
    cut_out, turns_off, cut_in, follows,
)  # fmt: skip


def world(kind: Callable[[Draw], Scene], seed: int) -> Scene:
    """The world of a kind and a seed."""
    scene = kind(Draw(f"{kind.__name__}-{seed}"))
    return Scene(f"{scene.name}#{seed}", scene.speed_mps, scene.parts, scene.curvature, scene.end_s)


def needless(out: Outcome) -> bool:
    """Whether braking began that ground truth had not asked for in the 3 s before."""
    return out.braked_s is not None and not any(
        out.braked_s - 3.0 <= at_s <= out.braked_s for at_s in out.emergencies_s
    )


def sweep(sensors: str, seeds: Sequence[int], wanted: str = "") -> None:
    """Drive worlds of every kind and tell what was braked for."""
    for kind in KINDS:
        if wanted not in kind.__name__:
            continue
        count = braked = idle = touched = warned = 0
        for seed in seeds:
            scene = world(kind, seed)
            out = play(scene, sensors, seed)
            count += 1
            braked += out.braked_s is not None
            warned += out.warned_s is not None
            idle += needless(out)
            touched += out.touched_s is not None
            if out.braked_s is not None or out.touched_s is not None:
                words = "NEEDLESS" if needless(out) else ""
                sys.stdout.write(
                    f"  {scene.name} {3.6 * scene.speed_mps:.0f} km/h: braked {out.braked_s} full"
                    f" {out.full_s} {out.codes} touched {out.touched_s} gap {out.gap_m:.2f} {words}\n"
                )
        sys.stdout.write(
            f"{kind.__name__:20} {count:4} worlds, {warned} warned, {braked} braked,"
            f" {idle} needless, {touched} touched\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    level = sys.argv[1] if len(sys.argv) > 1 else "typical"
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    sweep(level, range(first, first + each), sys.argv[3] if len(sys.argv) > 3 else "")
