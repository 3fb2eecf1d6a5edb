"""The 2023 grids of safety-tests.yaml as scenes, and things that are no reason to brake.

Run as a module it prints the table: `python -m tests.safety.aeb_grid [perfect|typical] [seeds]`.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator

from tests.safety.aeb_scenes import (
    FRONT_M,
    KMH,
    LEAD_S,
    SPEC,
    At,
    Part,
    Scene,
    bicycle,
    braking,
    gvt,
    motorcycle,
    moving,
    person,
    physics,
    play,
    starting,
    still,
)

Bend = Callable[[float], float]
Script = Callable[[float], At]
Make = Callable[[Script], Part]
WIDE = SPEC.width_m
GVT_LONG, GVT_WIDE = 4.02, 1.71


def shift_m(overlap_pct: float) -> float:
    """How far left the target's centre is for an overlap (negative: on the left), as share of us."""
    if abs(overlap_pct) == 100.0:
        return 0.0
    side = -1.0 if overlap_pct > 0 else 1.0
    return side * (0.5 * (WIDE + GVT_WIDE) - abs(overlap_pct) / 100.0 * WIDE)


def lead(name: str, ego_kmh: float, target_kmh: float, overlap: float) -> Scene:
    """A car ahead in our way, standing or slower."""
    ego, target = ego_kmh * KMH, target_kmh * KMH
    start = FRONT_M + (ego - target) * LEAD_S + 0.5 * GVT_LONG
    part = gvt(moving(start, shift_m(overlap), 0.0, target))
    return Scene(f"{name} {ego_kmh:g} {overlap:g}%", ego, (part,), end_s=12.0)


def lead_brakes(gap_m: float, decel: float, kmh: float = 50.0) -> Scene:
    """A car ahead brakes (CCRb)."""
    start = FRONT_M + gap_m + 0.5 * GVT_LONG
    part = gvt(braking(start, 0.0, kmh * KMH, 2.0, decel))
    return Scene(f"CCRb {kmh:g} {gap_m:g}m {decel:g}", kmh * KMH, (part,), end_s=14.0)


def crossing(
    name: str,
    part: Make,
    ego_kmh: float,
    speed_kmh: float,
    overlap: float,
    run_m: float,
    accel_m: float,
    *,
    far: bool = False,
    hidden: tuple[Part, ...] = (),
    stop_m: float | None = None,
    late_s: float = 0.0,
) -> Scene:
    """Somebody walks or rides across, timed to meet the front at `overlap` from the near side."""
    ego, speed = ego_kmh * KMH, speed_kmh * KMH
    near = -1.0 if not far else 1.0
    meet_y = near * (0.5 - overlap / 100.0) * WIDE
    yaw = -near * 0.5 * math.pi
    front_x = FRONT_M + ego * LEAD_S
    run = run_m + (0.5 - overlap / 100.0) * -WIDE if run_m < 10 else run_m
    half = 0.25
    at = starting(front_x + half, meet_y, yaw, speed, LEAD_S + late_s, run, accel_m, stop_m)
    return Scene(f"{name} {ego_kmh:g}", ego, (part(at), *hidden), end_s=10.0)


def along(name: str, part: Make, ego_kmh: float, kmh: float, overlap: float) -> Scene:
    """Somebody walks or rides ahead the same way."""
    ego, speed = ego_kmh * KMH, kmh * KMH
    start = FRONT_M + (ego - speed) * LEAD_S + 1.0
    y = -(0.5 - overlap / 100.0) * WIDE
    return Scene(f"{name} {ego_kmh:g}", ego, (part(moving(start, y, 0.0, speed)),), end_s=12.0)


def turn(radius_m: float, from_s: float, speed_mps: float) -> Bend:
    """Curvature over time: straight, then a ramp over 0.8 s into a left turn of 90 degrees."""
    ramp_s = 0.8
    hold_s = 0.5 * math.pi * radius_m / speed_mps - ramp_s

    def curvature(t: float) -> float:
        since = t - from_s
        share = min(max(since / ramp_s, 0.0), 1.0)
        share -= min(max((since - ramp_s - hold_s) / ramp_s, 0.0), 1.0)
        return share / radius_m

    return curvature


def across_path(
    name: str, part: Make, ego_kmh: float, target_kmh: float, *, late_s: float = 0.0
) -> Scene:
    """We turn left across an oncoming car or motorcycle, timed to meet our front."""
    ego, target = ego_kmh * KMH, target_kmh * KMH
    radius = {10: 9.0, 15: 11.75, 20: 14.75}.get(round(ego_kmh), 12.0)
    bend = turn(radius, 2.0, ego)
    lane_m = 3.5
    x = y = yaw = t = 0.0
    # The place where the middle of our front comes to the oncoming lane's centre.
    while y + FRONT_M * math.sin(yaw) < lane_m and t < 12.0:
        yaw += ego * bend(t) * 0.01
        x += ego * 0.01 * math.cos(yaw)
        y += ego * 0.01 * math.sin(yaw)
        t += 0.01
    meet = x + FRONT_M * math.cos(yaw)
    at = moving(meet, lane_m, math.pi, target, t + late_s)
    return Scene(
        f"{name} {ego_kmh:g} {target_kmh:g}",
        ego,
        (part(at),),
        bend,
        end_s=t + 3.0,
    )


def grid() -> Iterator[Scene]:
    """The cases that the project's targets name."""
    overlaps = (-50, -75, 100, 75, 50)
    for kmh in range(10, 85, 5):
        for overlap in overlaps:
            yield lead("CCRs", kmh, 0, overlap)
    for kmh in range(30, 85, 5):
        for overlap in overlaps:
            yield lead("CCRm", kmh, 20, overlap)
    for gap in (12.0, 40.0):
        for decel in (2.0, 6.0):
            yield lead_brakes(gap, decel)
    for kmh in range(10, 65, 5):
        yield crossing("CPNA-25", person, kmh, 5, 25, 4.0, 1.0)
        yield crossing("CPNA-75", person, kmh, 5, 75, 4.0, 1.0)
        yield crossing("CPFA-50", person, kmh, 8, 50, 6.0, 1.5, far=True)
        yield crossing("CBNA-50", bicycle, kmh, 15, 50, 17.0, 3.5)
        yield crossing("CBFA-50", bicycle, kmh, 20, 50, 17.0, 3.5, far=True)
    for kmh in range(20, 65, 5):
        yield along("CPLA-50", person, kmh, 5, 50)
    for kmh in range(50, 85, 5):
        yield along("CPLA-25", person, kmh, 5, 25)
        yield along("CBLA-25", bicycle, kmh, 20, 25)
    for kmh in range(25, 65, 5):
        yield along("CBLA-50", bicycle, kmh, 15, 50)


def turning() -> Iterator[Scene]:
    """Turning across others."""
    for kmh in (10, 15, 20):
        for target in (30, 45, 60):
            yield across_path("CCFtap", gvt, kmh, target)
            yield across_path("CMFtap", motorcycle, kmh, target)


def bend_of(radius_m: float, from_m: float, ramp_m: float, speed_mps: float) -> Bend:
    """Curvature over time of a left bend that begins after `from_m`, over a spiral of `ramp_m`."""
    return lambda t: min(max((speed_mps * t - from_m) / ramp_m, 0.0), 1.0) / radius_m


def beside_bend(
    radius_m: float, from_m: float, ramp_m: float, along_m: float, aside_m: float
) -> At:
    """A place beside that bend: so far along it and so far left of our way, facing along it."""
    x = y = yaw = 0.0
    step = 0.25
    for k in range(round(along_m / step)):
        bend = min(max((k * step - from_m) / ramp_m, 0.0), 1.0) / radius_m
        yaw += bend * step
        x += step * math.cos(yaw)
        y += step * math.sin(yaw)
    return At(x - aside_m * math.sin(yaw), y + aside_m * math.cos(yaw), yaw, 0.0)


def stay(at: At) -> Script:
    """Always there."""
    return lambda _t: at


def on_bend(
    radius_m: float, from_m: float, ramp_m: float, along_m: float, aside_m: float, speed_mps: float
) -> Script:
    """Moving along that bend beside our way; a negative speed comes towards us."""
    ways = [beside_bend(radius_m, from_m, ramp_m, 2.0 * k, aside_m) for k in range(400)]

    def at(t: float) -> At:
        here = min(max((along_m + speed_mps * t) / 2.0, 0.0), 398.0)
        one, part = ways[int(here)], here - int(here)
        two = ways[int(here) + 1]
        yaw = one.yaw_rad + (math.pi if speed_mps < 0.0 else 0.0)
        return At(
            one.x_m + part * (two.x_m - one.x_m),
            one.y_m + part * (two.y_m - one.y_m),
            math.remainder(yaw, 2.0 * math.pi),
            abs(speed_mps),
        )

    return at


def harmless() -> Iterator[Scene]:
    """Nothing here is a reason to brake."""
    for kmh in (30, 50, 70):
        ego = kmh * KMH
        edge = 0.5 * WIDE
        yield Scene(
            f"between-parked {kmh}", ego,
            tuple(gvt(still(x, side * (edge + 0.7 + 0.86))) for x in (25.0, 32.0, 39.0, 60.0, 90.0) for side in (-1, 1)),
        )  # fmt: skip
        yield Scene(
            f"person-beside {kmh}", ego, (person(moving(60.0, -edge - 0.75, 0.0, 5 * KMH)),)
        )
        yield Scene(
            f"two-wheeler-oncoming {kmh}", ego,
            (bicycle(moving(100.0, edge + 0.75, math.pi, 10 * KMH)),),
        )  # fmt: skip
        for far in (False, True):
            for gap in (0.5, 1.0, 1.5):
                run = 6.0 if far else 4.0
                side = "far" if far else "near"
                scene = crossing(
                    f"stops-at-kerb-{side}-{gap} {kmh}", person, kmh, 5, 50, run, 1.0, far=far,
                    stop_m=0.5 * WIDE + gap + 0.25,
                )  # fmt: skip
                yield scene
            yield crossing(
                f"has-passed-{side} {kmh}", person, kmh, 5, 50, run, 1.0, far=far, late_s=-1.6
            )
        yield Scene(
            f"oncoming {kmh}",
            ego,
            (gvt(moving(120.0, 3.4, math.pi, ego)), gvt(moving(150.0, 3.4, math.pi, ego))),
        )
        yield Scene(
            f"next-lane-brakes {kmh}",
            ego,
            (gvt(braking(25.0, -3.4, ego, 1.5, 6.0)), gvt(braking(18.0, 3.4, ego, 1.0, 6.0))),
        )
        yield Scene(
            f"follows-normally {kmh}", ego, (gvt(moving(FRONT_M + 2.0 + 0.9 * ego, 0.0, 0.0, ego)),)
        )
        steer = 1.5 if kmh < 60 else 2.0
        yield dodge(kmh, steer)
    for kmh, radius in (
        (30, 40.0),
        (40, 70.0),
        (50, 100.0),
        (50, 150.0),
        (70, 200.0),
        (100, 420.0),
    ):
        ego = kmh * KMH
        ramp = 0.5 * ego * 1.5
        bend = bend_of(radius, 20.0, ramp, ego)
        parked = [
            gvt(stay(beside_bend(radius, 20.0, ramp, along, -2.7 if kmh < 80 else -3.6)))
            for along in (20.0, 27.0, 34.0, 41.0, 48.0, 60.0, 80.0)
        ]
        name = f"R{radius:g} {kmh}"
        yield Scene(f"parked-on-bend-{name}", ego, tuple(parked), bend)
        yield Scene(
            f"oncoming-on-bend-{name}", ego,
            tuple(gvt(on_bend(radius, 20.0, ramp, along, 3.4, -ego)) for along in (60.0, 110.0, 170.0)),
            bend,
        )  # fmt: skip
        yield Scene(
            f"slow-next-lane-on-bend-{name}", ego,
            tuple(gvt(on_bend(radius, 20.0, ramp, along, side, 0.5 * ego)) for along, side in ((30.0, -3.4), (50.0, 3.4), (80.0, -3.4))),
            bend,
        )  # fmt: skip
    for kmh in (10, 15, 20, 25):
        ego = kmh * KMH
        radius = {10: 9.0, 15: 11.75, 20: 14.75, 25: 20.0}[kmh]
        bend = turn(radius, 2.0, ego)
        x0 = 2.0 * ego
        waits = At(x0 + radius + 1.0 + 3.4, 0.0, 0.0, 0.0)
        yield Scene(
            f"turns-past-waiting {kmh}", ego,
            (
                gvt(still(x0 + radius + 0.4 * ego - 3.2, radius + 9.0, -0.5 * math.pi)),
                gvt(still(waits.x_m + 4.0, 3.4, math.pi)),
                person(still(waits.x_m + 1.0, -2.5)),
                person(still(x0 + radius + 5.5 + 0.4 * ego, radius + 6.0)),
            ),
            bend, end_s=10.0,
        )  # fmt: skip
        yield across_path("turns-before-oncoming", gvt, kmh, 30, late_s=3.0)


def dodge(kmh: float, before_s: float) -> Scene:
    """The driver steers left round a standing car by 2.6 m, beginning so long before it."""
    ego = kmh * KMH
    whole_s = 1.6
    peak = 2.6 * 2.0 * math.pi / (whole_s * whole_s) / (ego * ego)
    from_s = LEAD_S - before_s

    def bend(t: float) -> float:
        part = (t - from_s) / whole_s
        return peak * math.sin(2.0 * math.pi * part) if 0.0 <= part <= 1.0 else 0.0

    part = gvt(still(FRONT_M + ego * LEAD_S + 0.5 * GVT_LONG, 0.0))
    return Scene(f"steers-round {kmh}", ego, (part,), bend)


def say(line: str) -> None:
    """One line of the report."""
    sys.stdout.write(line + "\n")


def around(seed: int) -> Iterator[Scene]:
    """Cases beside the grid: speeds, overlaps, sizes and times drawn at random."""
    draw = random.Random(seed)
    for _ in range(40):
        kmh = draw.uniform(12.0, 85.0)
        yield lead("CCRs", kmh, 0.0, draw.choice((-1, 1)) * draw.uniform(45.0, 99.0))
        slow = draw.uniform(5.0, 0.6 * kmh)
        yield lead("CCRm", kmh, slow, draw.choice((-1, 1)) * draw.uniform(45.0, 99.0))
        yield lead_brakes(
            draw.uniform(10.0, 45.0), draw.uniform(2.0, 7.0), draw.uniform(30.0, 80.0)
        )
        town = draw.uniform(12.0, 60.0)
        share, walk = draw.uniform(15.0, 85.0), draw.uniform(3.0, 9.0)
        far = draw.random() < 0.5
        yield crossing("CPxA", person, town, walk, share, draw.uniform(3.5, 8.0), 1.0, far=far)
        ride = draw.uniform(9.0, 22.0)
        yield crossing("CBxA", bicycle, town, ride, share, draw.uniform(12, 20), 3.0, far=far)
        yield along("CPLA", person, draw.uniform(20.0, 80.0), draw.uniform(3.0, 7.0), share)
        yield along("CBLA", bicycle, draw.uniform(30.0, 80.0), draw.uniform(10.0, 22.0), share)


def kinds(name: str) -> str:
    """The family of a case."""
    return name.split()[0]


def report_harmless(sensors: str, seeds: int, wanted: str = "") -> None:
    """Print every scene of no danger in which something was done."""
    count = warned = braked = 0
    for scene in harmless():
        if not scene.name.startswith(wanted):
            continue
        for seed in range(1, seeds + 1):
            out = play(scene, sensors, seed)
            count += 1
            warned += out.warned_s is not None
            braked += out.braked_s is not None
            if out.codes or out.touched_s is not None:
                say(
                    f"  {scene.name} seed {seed}: {out.codes} braked {out.braked_s} touched {out.touched_s} gap {out.gap_m:.2f}"
                )
    say(f"harmless: {count} runs, {warned} warned, {braked} braked")


def report(scenes: list[Scene], sensors: str, seeds: int) -> None:
    """Print a line for each family and each case that did not end well."""
    rows: dict[str, list[float]] = {}
    bad = []
    for scene in scenes:
        truth = physics(scene)
        row = rows.setdefault(kinds(scene.name), [0, 0, 0, 0, 0.0, 0.0, 0])
        for seed in range(1, seeds + 1):
            out = play(scene, sensors, seed)
            row[0] += 1
            row[1] += truth.avoidable
            hit = out.impact_mps is not None
            if hit and truth.avoidable:
                row[2] += 1
                row[4] = max(row[4], out.impact_mps or 0.0)
            if hit and not truth.avoidable:
                row[3] += 1
            if hit:
                bad.append(
                    f"  {scene.name} seed {seed}: impact {3.6 * (out.impact_mps or 0):.1f} km/h"
                    f" (limit {3.6 * truth.impact_mps:.1f}, avoidable {truth.avoidable})"
                    f" warn {out.warned_s} brake {out.braked_s} touch {out.touched_s} {out.codes[-2:]}"
                )
            if out.braked_s is not None and out.warned_s is not None:
                row[5] += out.braked_s - out.warned_s
                row[6] += 1
    say(f"{'family':9} runs avoidable hits  worst  hits when not  warning before")
    for name, row in rows.items():
        lead_s = row[5] / row[6] if row[6] else 0.0
        say(
            f"{name:9} {row[0]:4.0f} {row[1]:9.0f} {row[2]:4.0f}"
            f" {3.6 * row[4]:6.1f} {row[3]:14.0f} {lead_s:15.2f} s"
        )
    say("\n".join(bad))


if __name__ == "__main__":
    level = sys.argv[1] if len(sys.argv) > 1 else "perfect"
    wanted = sys.argv[3] if len(sys.argv) > 3 else ""
    if wanted.startswith("harmless"):
        report_harmless(level, int(sys.argv[2]), wanted[9:])
        sys.exit()
    if wanted.startswith("around"):
        report(list(around(int(wanted[6:] or 1))), level, int(sys.argv[2]))
        sys.exit()
    found = [scene for scene in (*grid(), *turning()) if scene.name.startswith(wanted)]
    report(found, level, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
