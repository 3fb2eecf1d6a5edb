"""Compiled roll-outs: every proposal driven against the forecast by a car-following law, and scored.

The law is the Improved Intelligent Driver Model with the constant-acceleration heuristic of the ACC
model (Treiber and Kesting, Traffic Flow Dynamics, 2013, ch. 11), evaluated a little ahead of time so
that a braking car in front is answered before its speed has changed much.
"""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel

# Forecast columns (prediction.forecast).
_M_WEIGHT, _M_CUT_IN, _M_HALF_LENGTH, _M_HALF_WIDTH, _M_ID = 0, 1, 2, 3, 4
_P_STATION, _P_OFFSET, _P_RATE, _P_ACCEL = 0, 1, 2, 3
# Proposal columns (planning.propose).
_PACE, _FIRM, _ASIDE, _YIELDS, _BRAKE = 0, 1, 2, 3, 4
# Ego row.
_E_STATION, _E_SPEED, _E_ACCEL, _E_FRONT, _E_REAR, _E_HALF_WIDTH = 0, 1, 2, 3, 4, 5
# Law row.
L_GAP_S, L_GAP_M, L_ACCEL, L_DECEL, L_AHEAD_S, L_COOL, L_PREVIEW_S, L_REACT_S = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
)
L_SIDE_M, L_RSS_OWN, L_RSS_OTHER, L_STOP_DECEL, L_ACCEL_HIGH, L_SOFT, L_MOST = (
    8,
    9,
    10,
    11,
    12,
    13,
    14,
)
# Cost columns (planning.score.Cost).
_C_COLLISION, _C_GAP, _C_PROGRESS, _C_COMFORT, _C_JERK, _C_CENTRE, _C_LIMIT, _C_SIDE = range(8)
_COSTS = 8
# Sources of the acceleration at the start.
FROM_PROFILE, FROM_LEAD, FROM_BRAKE = 0, 1, 2
# Lead columns.
_G_REAR, _G_FRONT, _G_RATE, _G_ACCEL, _G_WEIGHT, _G_ID, _G_CUT_IN = 0, 1, 2, 3, 4, 5, 6
_LEADS = 6
_CLAIM_STEPS = 8  # 2 s
_HARD_PROFILE = 2.5  # m/s2, for a profile that falls all at once; stops have a law of their own


@kernel("f8(f8)")
def hardest(speed):  # type: ignore[no-untyped-def]
    """Hardest comfortable braking (ISO 15622: 3.5 m/s2 above 20 m/s, 5.0 below 5 m/s; recalled)."""
    part = min(max((speed - 5.0) / 15.0, 0.0), 1.0)
    return 5.0 - 1.5 * part


@kernel("f8(f8, f8[::1])")
def briskest(speed, law):  # type: ignore[no-untyped-def]
    """Acceleration wanted from a free road: it falls with speed, as power and comfort do."""
    part = min(max(speed / 25.0, 0.0), 1.0)
    return law[L_ACCEL] + part * (law[L_ACCEL_HIGH] - law[L_ACCEL])


@kernel("f8(f8[::1], f8, f8, f8, f8, f8[::1])")
def profile_accel(profile, step, travelled, speed, pace, law):  # type: ignore[no-untyped-def]
    """Acceleration that keeps to a speed profile, looking a little ahead; pace scales the profile."""
    look = max(speed * law[L_PREVIEW_S], 1.5)
    place = (travelled + look) / step
    row = min(int(place), profile.shape[0] - 2)
    part = min(max(place - row, 0.0), 1.0)
    allowed = profile[row] + part * (profile[row + 1] - profile[row])
    here = min(int(travelled / step), profile.shape[0] - 1)
    allowed = pace * min(allowed, profile[here])  # speed up behind a sign, not before it
    return max((allowed * allowed - speed * speed) / (2.0 * look), -_HARD_PROFILE)


@kernel("f8(f8, f8, f8)")
def stop_accel(left, speed, soft):  # type: ignore[no-untyped-def]
    """Constant deceleration that ends at a stop `left` metres ahead; none while that is gentle yet."""
    if left <= 0.05:
        return -max(2.0 * speed, soft) if speed > 0.0 else 0.0
    need = 0.5 * speed * speed / left
    return -need if need > 0.7 * soft else 9.0


@kernel("f8(f8, f8, f8[::1])")
def wanted_gap(speed, gap_s, law):  # type: ignore[no-untyped-def]
    """Gap to keep: the set time gap at speed, the standing gap at rest, smooth between."""
    moving = speed * gap_s
    return math.sqrt(law[L_GAP_M] * law[L_GAP_M] + moving * moving)


@kernel("f8(f8, f8, f8, f8, f8, f8, f8, f8[::1])")
def follow_accel(speed, accel, gap, lead_speed, lead_accel, free, firm, law):  # type: ignore[no-untyped-def]
    """Acceleration behind a car: IIDM with the constant-acceleration heuristic, a little ahead of time.

    free: what a free road would allow; firm: comfortable deceleration to plan with.
    """
    ahead = law[L_AHEAD_S]
    lead_soon = max(lead_speed + lead_accel * ahead, 0.0)
    own_soon = max(speed + min(accel, 0.5) * ahead, 0.0)
    closing = own_soon - lead_soon
    gap_soon = gap - 0.5 * ahead * (speed - lead_speed + closing)
    room = max(gap_soon, 0.1)
    most = briskest(speed, law)
    wanted = wanted_gap(own_soon, law[L_GAP_S], law)
    wanted += max(own_soon * closing / (2.0 * math.sqrt(most * firm)), -0.7 * wanted)
    ratio = max(wanted, 0.5 * law[L_GAP_M]) / room
    if ratio >= 1.0:
        answer = min(most * (1.0 - ratio * ratio), free)
    elif free > 1e-3:
        answer = free * (1.0 - ratio ** (2.0 * most / free))
    else:
        answer = free
    # Constant-acceleration heuristic: what suffices if the car ahead goes on as it does.
    lead_held = min(lead_accel, most)
    if lead_speed * (speed - lead_speed) <= -2.0 * gap * lead_held:
        below = lead_speed * lead_speed - 2.0 * gap * lead_held
        calm = speed * speed * lead_held / below if below > 1e-6 else lead_held
    else:
        rush = max(speed - lead_speed, 0.0)
        calm = lead_held - rush * rush / (2.0 * max(gap, 0.1))
    if answer < calm:
        cool = law[L_COOL]
        soft = law[L_SOFT]
        answer = (1.0 - cool) * answer + cool * (calm + soft * math.tanh((answer - calm) / soft))
    # What is needed to stay behind at all is never cooled away.
    spare = max(gap - 0.7 * law[L_GAP_M], 0.1)
    if lead_speed < speed:
        own_stop = speed * law[L_REACT_S]
        lead_stop = lead_speed * lead_speed / (2.0 * law[L_RSS_OTHER]) if lead_accel < -2.0 else 0.0
        if lead_accel < -2.0 or lead_speed < 0.3:
            need = 0.5 * speed * speed / max(spare + lead_stop - own_stop, 0.1)
        else:
            rush = speed - lead_speed
            need = 0.5 * rush * rush / max(spare - rush * law[L_REACT_S], 0.1)
        if need > firm:
            answer = min(answer, -need)
    return min(answer, free)


@kernel("f8(f8, f8, f8[::1])")
def rss_gap(speed, lead_speed, law):  # type: ignore[no-untyped-def]
    """Least gap from which a hard stop ahead ends without contact (RSS, Shalev-Shwartz et al., 2017)."""
    own = speed * law[L_REACT_S] + speed * speed / (2.0 * law[L_RSS_OWN])
    return max(own - lead_speed * lead_speed / (2.0 * law[L_RSS_OTHER]), 0.0)


@kernel("void(f8[::1], f8, f8, i8, f8[:, ::1])")
def side_path(start, target, dt, steps, out):  # type: ignore[no-untyped-def]
    """Offset, rate and acceleration over time from start towards a target, critically damped (2.5 s)."""
    n, rate, accel = start[0], start[1], start[2]
    stiff = 0.9
    for k in range(steps + 1):
        out[k, 0], out[k, 1], out[k, 2] = n, rate, accel
        for _ in range(5):
            accel = stiff * stiff * (target - n) - 2.0 * stiff * rate
            accel = min(max(accel, -0.6), 0.6)
            n += rate * dt / 5.0
            rate += accel * dt / 5.0


@kernel("i8(f8[:, ::1], f8[:, :, ::1], i8, f8, f8, f8, i8, f8[:, ::1])")
def _stand_in_band(modes, points, k, offset, middle, reach, claim, out):  # type: ignore[no-untyped-def]
    """The modes that stand in the band swept at step k, nearest first, into out [6, 7]; their number.

    Who follows in the band already (behind `middle`, our own station now) stays behind us: left out.
    reach: half the band; claim: steps before one who cuts in already counts, -1 to leave those out.
    """
    found = 0
    for m in range(modes.shape[0]):
        if modes[m, _M_WEIGHT] < 0.1 or (modes[m, _M_CUT_IN] > 0.0 and claim < 0):
            continue
        # One who cuts in is answered before he is here: where he will be in 2 s counts.
        at = min(k + claim, points.shape[1] - 1) if modes[m, _M_CUT_IN] > 0.0 else k
        if abs(points[m, at, _P_OFFSET] - offset) >= reach + modes[m, _M_HALF_WIDTH]:
            continue
        half = modes[m, _M_HALF_LENGTH]
        beside = abs(points[m, 0, _P_OFFSET] - offset) - reach - modes[m, _M_HALF_WIDTH]
        if points[m, 0, _P_STATION] < middle and beside < 0.0:
            continue
        rear = points[m, k, _P_STATION] - half
        place = min(found, _LEADS - 1)
        if found == _LEADS and out[place, _G_REAR] <= rear:
            continue
        while place > 0 and out[place - 1, _G_REAR] > rear:
            out[place] = out[place - 1]
            place -= 1
        out[place, _G_REAR] = rear
        out[place, _G_FRONT] = points[m, k, _P_STATION] + half
        out[place, _G_RATE] = points[m, k, _P_RATE]
        out[place, _G_ACCEL] = points[m, k, _P_ACCEL]
        out[place, _G_WEIGHT] = modes[m, _M_WEIGHT]
        out[place, _G_ID] = modes[m, _M_ID]
        out[place, _G_CUT_IN] = modes[m, _M_CUT_IN]
        found = min(found + 1, _LEADS)
    return found


@kernel(
    "Tuple((f8, i8, f8, f8, f8, f8))"
    "(f8[:, ::1], i8, f8, f8, f8, f8, f8, f8, f8, f8, f8, b1, f8[::1])"
)
def wanted_accel(  # type: ignore[no-untyped-def]
    leads, count, front, rear, speed, accel, free, firm, stop_left, top, brake, standing, law
):
    """Acceleration wanted now: (value, source, id, gap, speed of the lead, whether it cuts in).

    leads: nearest first. free: from the profile; stop_left: distance to the end of the way; top: most
    allowed; brake: a fixed deceleration to propose (0 for none); standing: the car rests.
    """
    answer = min(free, top, stop_accel(stop_left, speed, law[L_STOP_DECEL]))
    source = FROM_PROFILE
    lead_id, lead_gap, lead_rate, lead_cuts = -1.0, math.inf, 0.0, 0.0
    between = 0.0  # room that those nearer will need when the one ahead of them stops
    for i in range(count):
        if leads[i, _G_FRONT] < rear + 1.0 or leads[i, _G_REAR] < rear:
            continue
        gap = leads[i, _G_REAR] - front
        rate, weight = leads[i, _G_RATE], leads[i, _G_WEIGHT]
        room = gap - between
        value = follow_accel(
            speed, accel, room, rate, leads[i, _G_ACCEL], min(free, top), firm, law
        )
        if rate < 0.3 and speed < 8.0:  # it stands: come to rest behind it, no creeping
            left = room - law[L_GAP_M]
            calm = 0.5 * speed * speed / 1.2
            if calm > left:  # rather half a metre nearer than a hard last metre
                left = min(left + 0.5, calm)
            value = min(value, stop_accel(left, speed, 1.0))
            if standing and room < law[L_GAP_M] + 1.5:
                value = min(value, -0.3)
        if leads[i, _G_CUT_IN] > 0.0:  # not there yet: ease off early, brake as far as it takes
            rush = max(speed - rate, 0.0)
            need = 0.5 * rush * rush / max(gap - 0.7 * law[L_GAP_M], 0.5)
            value = max(value, -1.0 - 1.5 * weight * max(need, weight))
        else:
            between += leads[i, _G_FRONT] - leads[i, _G_REAR] + 1.0
        if lead_id < 0.0:
            lead_id, lead_gap, lead_rate = leads[i, _G_ID], gap, rate
            lead_cuts = leads[i, _G_CUT_IN]
        if value < answer:
            answer, source = value, FROM_LEAD
    if brake < 0.0 and brake < answer:
        answer, source = brake, FROM_BRAKE
    return answer, source, lead_id, lead_gap, lead_rate, lead_cuts


@kernel("void(f8[::1], f8[:, ::1], i8, f8, f8, f8, f8, f8, f8, f8[::1])")
def _charge_others(cost, others, count, s, v, front, rear, fade, dt, law):  # type: ignore[no-untyped-def]
    """Contact with and closeness to every mode in the band, by its weight, onto the costs."""
    if v < 0.1:
        return
    for i in range(count):
        other = others[i]
        if other[_G_FRONT] + other[_G_REAR] < 2.0 * s + front - rear:
            continue  # beside or behind: he sees us
        space = other[_G_REAR] - (s + front)
        weight = other[_G_WEIGHT] * fade
        if space < 0.3:
            rush = max(v - other[_G_RATE], 0.0)
            cost[_C_COLLISION] += weight * (1.0 + 0.1 * rush * rush) * dt
            continue
        need = rss_gap(v, max(other[_G_RATE], 0.0), law)
        if space < need:
            lack = 1.0 - space / need
            cost[_C_GAP] += weight * lack * lack * dt


@kernel("i8(f8[:, ::1], f8[:, :, ::1], i8, f8, f8, f8[:, ::1])")
def _stand_beside(modes, points, k, offset, width, out):  # type: ignore[no-untyped-def]
    """Those with less than 0.8 m to our side at step k, into out [m, 3]; their number.

    Columns: station, half length along with our own, what lack of room costs.
    """
    found = 0
    for m in range(modes.shape[0]):
        room = abs(points[m, k, _P_OFFSET] - offset) - width - modes[m, _M_HALF_WIDTH]
        if 0.0 <= room < 0.8:
            lack = 1.0 - room / 0.8
            out[found, 0] = points[m, k, _P_STATION] - 1.0
            out[found, 1] = modes[m, _M_HALF_LENGTH] + 3.0
            out[found, 2] = modes[m, _M_WEIGHT] * lack * lack
            found += 1
    return found


@kernel(
    "Tuple((f8[:, ::1], f8[:, :, ::1], f8[:, ::1]))"
    "(f8[:, ::1], f8[:, ::1], f8[:, :, ::1], f8[::1], f8[::1], f8[::1], f8, f8, f8, f8, f8, f8[::1])"
)
def roll_out(  # type: ignore[no-untyped-def]
    proposals, modes, points, ego, side, profile, step, stop, dt, jerk_up, jerk_down, law
):
    """Drive and score every proposal.

    proposals [p, 5], those of one offset together, the lane's middle first; modes, points: the
    forecast; ego [6]; side [3]: offset, rate, acceleration of the present path; profile [k]: allowed
    speeds from the car's station on, `step` apart; stop: station of the end of the way for the car's origin (inf for none). Gives
    costs [p, 8] before weights, paths [p, steps + 1, 5] (station, speed, acceleration, offset, offset
    rate) and starts [p, 6] (acceleration wanted now, its source, lead's id, gap, speed, cuts in).
    """
    count, steps = proposals.shape[0], points.shape[1] - 1
    costs = np.zeros((count, _COSTS))
    paths = np.zeros((count, steps + 1, 5))
    starts = np.zeros((count, 6))
    sides = np.zeros((steps + 1, 3))
    # Who stands in the band at each step: without cut-ins, with them, and the narrower band of contact.
    bands = np.zeros((3, steps + 1, _LEADS, 7))
    sizes = np.zeros((4, steps + 1), dtype=np.int64)
    beside = np.zeros((steps + 1, max(modes.shape[0], 1), 3))
    station0, front, rear = ego[_E_STATION], ego[_E_FRONT], ego[_E_REAR]
    width = ego[_E_HALF_WIDTH]
    middle = station0 + 0.5 * (front - rear)
    aim = max(profile[0], 1.0)
    last_aside = math.inf
    crowded = False
    cut_ins = False
    for m in range(modes.shape[0]):
        cut_ins = cut_ins or modes[m, _M_CUT_IN] > 0.0
    for p in range(count):
        proposal = proposals[p]
        # Not worth driving: making room where nobody is beside, yielding where nobody cuts in.
        idle = proposal[_ASIDE] != 0.0 and not crowded
        if idle or (proposal[_YIELDS] > 0.0 and proposal[_BRAKE] == 0.0 and not cut_ins):
            costs[p, _C_COLLISION] = math.inf
            continue
        if proposal[_ASIDE] != last_aside:
            last_aside = proposal[_ASIDE]
            side_path(side, last_aside, dt, steps, sides)
            for k in range(steps + 1):
                for band in range(3):
                    reach = width + (0.15 if band == 2 else law[L_SIDE_M])
                    claim = _CLAIM_STEPS if band == 1 else (0 if band == 2 else -1)
                    sizes[band, k] = _stand_in_band(
                        modes, points, k, sides[k, 0], middle, reach, claim, bands[band, k]
                    )
                sizes[3, k] = _stand_beside(modes, points, k, sides[k, 0], width, beside[k])
                crowded = crowded or sizes[3, k] > 0
        band = 1 if proposal[_YIELDS] > 0.0 else 0
        firm = law[L_DECEL] * proposal[_FIRM]
        s, v, a = station0, ego[_E_SPEED], ego[_E_ACCEL]
        cost = costs[p]
        for k in range(steps + 1):
            path = paths[p, k]
            path[0], path[1], path[2] = s, v, a
            path[3], path[4] = sides[k, 0], sides[k, 1]
            free = profile_accel(profile, step, s - station0, v, 1.0, law)
            if proposal[_PACE] < 1.0:  # a slower pace is taken up gently
                slower = profile_accel(profile, step, s - station0, v, proposal[_PACE], law)
                free = min(free, max(slower, -0.9 * proposal[_FIRM]))
            value, source, lead, gap, rate, cuts = wanted_accel(
                bands[band, k],
                sizes[band, k],
                s + front,
                s - rear,
                v,
                a,
                free,
                firm,
                stop - s,
                min(briskest(v, law), law[L_MOST]),
                proposal[_BRAKE],
                v < 0.15,
                law,
            )
            value = max(value, -hardest(v))
            if k == 0:
                start = starts[p]
                start[0], start[1], start[2] = value, source, lead
                start[3], start[4], start[5] = gap, rate, cuts
            fade = 1.0 - 0.6 * k / steps
            _charge_others(cost, bands[2, k], sizes[2, k], s, v, front, rear, fade, dt, law)
            for i in range(sizes[3, k]):
                if abs(beside[k, i, 0] - s) < beside[k, i, 1]:
                    cost[_C_SIDE] += beside[k, i, 2] * dt
            over = v - profile[min(int((s - station0) / step), profile.shape[0] - 1)]
            if over > 0.3:
                cost[_C_LIMIT] += over * dt
            cost[_C_CENTRE] += sides[k, 0] * sides[k, 0] * dt
            cost[_C_PROGRESS] += max(aim - v, 0.0) / aim * dt
            strain = max(abs(a) - 1.2, 0.0)  # calm driving costs nothing
            cost[_C_COMFORT] += strain * strain * dt
            # Move on.
            rise = jerk_up if value > a else jerk_down
            change = min(max(value - a, -rise * dt), rise * dt)
            cost[_C_JERK] += (change / dt) * (change / dt) * dt
            a_next = a + change
            dv = 0.5 * (a + a_next) * dt
            if v + dv < 0.0:
                dv, a_next = -v, 0.0
            s += (v + 0.5 * dv) * dt
            v += dv
            a = a_next
    return costs, paths, starts
