"""Who is near enough to the own car to be touched, asked at every control tick."""

from __future__ import annotations

from volant.core.kernels import kernel
from volant.sim.columns import Actor, Index

_Z, _LENGTH, _WIDTH = int(Actor.Z), int(Actor.LENGTH), int(Actor.WIDTH)
_ALIVE = int(Index.ALIVE)


@kernel("i8(f8[:, ::1], i8[:, ::1], f8[:, ::1], f8, f8, f8, f8, f8, i8[::1])")
def near_rows(actor_f, actor_i, poses, x, y, z, reach, apart, out):  # type: ignore[no-untyped-def]
    """Rows of living actors within `reach` and on our level, ascending into out; how many they are."""
    count = 0
    for row in range(poses.shape[0]):
        dx, dy = poses[row, 0] - x, poses[row, 1] - y
        if dx * dx + dy * dy >= reach * reach or actor_i[row, _ALIVE] != 1:
            continue
        if abs(actor_f[row, _Z] - z) < apart:
            out[count] = row
            count += 1
    return count


@kernel("i8(f8[:, ::1], f8[:, ::1], f8, f8, f8, i8, i8[::1])")
def touchable(actor_f, poses, x, y, own, count, rows):  # type: ignore[no-untyped-def]
    """Keep of rows[:count] those whose bodies could touch a body of length and width `own` in sum, with
    its middle at (x, y); how many they are. Half of length and width together reaches every corner.
    """
    kept = 0
    for k in range(count):
        row = rows[k]
        reach = 0.5 * (own + actor_f[row, _LENGTH] + actor_f[row, _WIDTH])
        if abs(poses[row, 0] - x) <= reach and abs(poses[row, 1] - y) <= reach:
            rows[kept] = row
            kept += 1
    return kept
