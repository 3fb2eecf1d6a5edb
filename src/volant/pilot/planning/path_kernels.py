"""Compiled paths of a plan: the chosen motion in the world, and the path to stop along."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.pilot.perception.localize_kernels import column_at
from volant.road.kernels import world_uniform

_HEADING, _CURVATURE = 4, 5


@kernel("f8[:, ::1](f8[:, ::1], f8, f8[::1], f8[:, ::1], f8, f8)")
def place_path(table, step, mean, path, side, dt):  # type: ignore[no-untyped-def]
    """x, y, yaw and curvature [n, 4] of a rolled-out path in the world.

    path: station, speed, acceleration, offset, offset rate. side: where its offset begins. The car's
    present distance from that begin runs out within 3 s.
    """
    count = path.shape[0]
    out = np.empty((count, 4))
    away = mean[1] - side
    for k in range(count):
        share = max(1.0 - k * dt / 3.0, 0.0)
        offset = path[k, 3] + away * share * share * share
        rate = path[k, 4] - away * share * share
        x, y, heading = world_uniform(table, step, path[k, 0], offset)
        speed = path[k, 1]
        lean = mean[2] if k == 0 else math.atan2(rate, max(speed, 1.0))
        out[k, 0], out[k, 1] = x, y
        yaw = heading + lean
        out[k, 2] = yaw - 2.0 * math.pi * math.floor((yaw + math.pi) / (2.0 * math.pi))
        bend = column_at(table, step, path[k, 0], _CURVATURE)
        out[k, 3] = bend / max(1.0 - bend * offset, 0.2)
    return out


@kernel("f8[:, ::1](f8[:, ::1], f8, f8[::1], f8, i8, f8, f8)")
def stop_path(table, step, mean, speed, count, spacing, aim):  # type: ignore[no-untyped-def]
    """x, y, curvature and offset [count, 4] in the car's frame, `spacing` apart, to beside the reference.

    It begins at the car along its heading; the offset runs out to `aim`, the reference's own lane (0) or the
    middle of the lane beside, by a quintic over 2.5 s of travel and longer where that asks for too much
    across, at least 15 m. Offset is that from the nearer of both middles. Beyond the corridor it goes
    straight on.
    """
    out = np.empty((count, 4))
    n0 = mean[1]
    slope0 = math.tan(min(max(mean[2], -0.5), 0.5))
    far0 = n0 - aim
    # Quintic from (n0, slope0, 0) to rest at the aim, in u = travelled / run.
    run = c3 = c4 = c5 = m0 = 0.0
    for trial in range(5):
        run = max((2.5 + 0.5 * trial) * speed, 15.0)
        m0 = slope0 * run
        c3 = -10.0 * far0 - 6.0 * m0
        c4 = 15.0 * far0 + 8.0 * m0
        c5 = -6.0 * far0 - 3.0 * m0
        most = 0.0
        for k in range(1, 10):
            u = 0.1 * k
            most = max(most, abs(u * (6.0 * c3 + u * (12.0 * c4 + u * 20.0 * c5))))
        if most * speed * speed <= 1.5 * run * run:  # m/s2, beside what the bend itself asks for
            break
    x0, y0, h0 = world_uniform(table, step, mean[0], n0)
    yaw = h0 + mean[2]
    cos, sin = math.cos(yaw), math.sin(yaw)
    end = table[table.shape[0] - 1, 0]
    s, travelled = mean[0], 0.0
    for k in range(count):
        u = min(travelled / run, 1.0)
        n = n0 + u * (m0 + u * u * (c3 + u * (c4 + u * c5)))
        slope = (m0 + u * u * (3.0 * c3 + u * (4.0 * c4 + u * 5.0 * c5))) / run
        bend = u * (6.0 * c3 + u * (12.0 * c4 + u * 20.0 * c5)) / (run * run)
        if u >= 1.0:
            n = aim
            slope = bend = 0.0
        x, y, _heading = world_uniform(table, step, s, n)
        dx, dy = x - x0, y - y0
        out[k, 0] = cos * dx + sin * dy
        out[k, 1] = -sin * dx + cos * dy
        reference = column_at(table, step, s, _CURVATURE) if s < end else 0.0
        shrink = max(1.0 - reference * n, 0.2)
        lean = math.atan2(slope, shrink)
        out[k, 2] = reference / shrink * math.cos(lean) + bend
        out[k, 3] = n if abs(n) <= abs(n - aim) else n - aim
        s += spacing * math.cos(lean) / shrink
        travelled += spacing * math.cos(lean)
    return out
