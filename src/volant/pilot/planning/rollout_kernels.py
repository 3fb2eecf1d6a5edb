"""Compiled roll-outs: every proposal driven against the forecast by the laws of driving, and scored."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.pilot.planning.law_kernels import (
    L_DECEL,
    L_GAP_M,
    L_GAP_S,
    L_MOST,
    L_SIDE_M,
    L_STOP_DECEL,
    briskest,
    follow_accel,
    hardest,
    profile_accel,
    rss_gap,
    stop_accel,
    wanted_gap,
)
from volant.pilot.planning.score_kernels import W_CHANGE, total

# Forecast columns (prediction.forecast).
_M_WEIGHT, _M_CUT_IN, _M_ID, _M_CLASS, _M_KIND = 0, 1, 4, 5, 7
_CYCLIST, _PEDESTRIAN = 4.0, 5.0
_STEP_OUT = 3.0
_P_STATION, _P_OFFSET, _P_RATE, _P_ACCEL = range(4)
_P_HALF_LENGTH, _P_HALF_WIDTH = 5, 6
# Proposal columns (planning.propose).
_PACE, _FIRM, _LATERAL, _YIELDS, _BRAKE, _OFF = range(6)
# Ego row.
_E_STATION, _E_SPEED, _E_ACCEL, _E_FRONT, _E_REAR, _E_HALF_WIDTH = range(6)
# Cost columns (planning.score.TERMS).
_C_COLLISION, _C_GAP, _C_PROGRESS, _C_COMFORT, _C_JERK, _C_CENTRE, _C_LIMIT, _C_SIDE = range(8)
_COSTS = 8
# Sources of the acceleration at the start.
FROM_PROFILE, FROM_LEAD, FROM_BRAKE = 0, 1, 2
# Lead columns.
_G_REAR, _G_FRONT, _G_RATE, _G_ACCEL, _G_WEIGHT, _G_ID, _G_CUT_IN, _G_KIND, _G_LEAVES = range(9)
_G_CLASS = 9
_COLUMNS = 10
_LEADS = 6
_PERSON_GAP_M = (
    1.6  # room that is kept to a person, who does not roll back as a car might (estimated)
)
_BESIDE_M = 0.8  # less room than this to the side is too little (estimated)
_CLAIM_STEPS = 8  # 2 s
_ANSWER_STEPS = 3  # from the first step onto the road to our braking, 0.75 s
_URGENT = -5.5  # m/s2, fixed braking beyond this leaves comfort (planning.propose.URGENT_MPS2)
_URGENT_LAG = 0.25  # share of its build-up in the first step: dead time of actuators, 0.2 s
_SURE = 0.5  # weight of a mode that urgent braking may answer
_STEP_S = 0.25  # of the forecast (prediction.forecast, horizon and steps)
_CROSS_MPS = 0.5  # who is slower across does not cross, but strays (estimated)
_LET_PASS_S = 0.3  # after who crosses has left our way, to be there (estimated)
_LET_PASS_MPS2 = (
    3.0  # braking for one who will have left our way in time (calm: an emergency is more)
)
_CROSS_STEPS = (
    2  # 0.5 s that who crosses is given before and behind him: forecast and tick are coarse
)
_LOOK_STEPS = 3  # between two looks at what a proposal costs so far
_HAIR = 1e-6  # of a total: more than rounding does to it
_ANSWER = 4.5  # m/s2, what comfort braking may do at low speed less a reserve (ISO 15622, recalled)


@kernel("b1(f8[:, ::1], i8, i8)")
def _crosses(points, low, high):  # type: ignore[no-untyped-def]
    """Whether somebody goes across rather than along between two steps."""
    across = abs(points[high, _P_OFFSET] - points[low, _P_OFFSET])
    along = abs(points[high, _P_STATION] - points[low, _P_STATION])
    return across > along and across > _CROSS_MPS * _STEP_S * (high - low)


@kernel("b1(f8)")
def _goes_free(kind):  # type: ignore[no-untyped-def]
    """Who crosses where he likes; where vehicles cross, the rules of the junction have looked at them."""
    return kind in (_CYCLIST, _PEDESTRIAN)


@kernel("f8(f8[:, ::1], i8, f8)")
def _least_aside(points, k, offset):  # type: ignore[no-untyped-def]
    """Least distance across from an offset at step k; of one who crosses, also shortly before and after."""
    least = abs(points[k, _P_OFFSET] - offset)
    low, high = max(k - _CROSS_STEPS, 0), min(k + _CROSS_STEPS, points.shape[0] - 1)
    if _crosses(points, low, high):
        for at in range(low, high + 1):
            least = min(least, abs(points[at, _P_OFFSET] - offset))
    return least


@kernel("f8(f8[:, ::1], i8, f8, f8)")
def _leaves_s(points, k, offset, reach):  # type: ignore[no-untyped-def]
    """When one who crosses has left a band after step k; inf for all others."""
    last = points.shape[0] - 1
    if not _crosses(points, max(min(k, last - 1), 0), min(k + 1, last)):
        return math.inf
    for at in range(k + 1, last + 1):
        if abs(points[at, _P_OFFSET] - offset) >= reach:
            return (at - k) * _STEP_S
    return math.inf


@kernel("f8(f8[::1], f8)")
def _swing_at(swing, ahead):  # type: ignore[no-untyped-def]
    """How far the front sweeps out of the band at a place so far ahead, in rows; left positive."""
    row = int(ahead)
    return swing[row] if 0 <= row < swing.shape[0] else 0.0


@kernel("i8(f8[:, ::1], f8[:, :, ::1], i8, f8, f8, f8, f8[::1], f8, f8, i8, f8[:, ::1])")
def _stand_in_band(  # type: ignore[no-untyped-def]
    modes, points, k, offset, middle, reach, swing, station0, step, claim, out
):
    """The modes that stand in the band swept at step k, nearest first, into out [6, 10]; their number.

    Who follows in the band already (behind `middle`, our own station now) stays behind us: left out.
    reach: half the band; swing: what the front sweeps besides, at rows from station0 on, `step` apart; claim: steps before one who cuts in already counts, -1 to leave those out.
    """
    found = 0
    for m in range(modes.shape[0]):
        if modes[m, _M_WEIGHT] < 0.1 or (modes[m, _M_CUT_IN] > 0.0 and claim < 0):
            continue
        if modes[m, _M_KIND] == _STEP_OUT and claim != 0:
            continue  # he may, he does not yet: what counts is that we could still stop
        # One who cuts in is answered before he is here: where he will be in 2 s counts.
        at = min(k + claim, points.shape[1] - 1) if modes[m, _M_CUT_IN] > 0.0 else k
        free = _goes_free(modes[m, _M_CLASS])
        # The front's swing widens the band to one side only: half of it each to its middle and its reach.
        lean = _swing_at(swing, (points[m, at, _P_STATION] - station0) / step) if free else 0.0
        axis, wide = offset + 0.5 * lean, reach + 0.5 * abs(lean)
        if claim == 0 and modes[m, _M_KIND] != _STEP_OUT and free:
            away = _least_aside(points[m], k, axis)
        else:
            away = abs(points[m, at, _P_OFFSET] - axis)
        if away >= wide + points[m, at, _P_HALF_WIDTH]:
            continue
        half = points[m, k, _P_HALF_LENGTH]
        beside = abs(points[m, 0, _P_OFFSET] - offset) - reach - points[m, 0, _P_HALF_WIDTH]
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
        out[place, _G_KIND], out[place, _G_CLASS] = modes[m, _M_KIND], modes[m, _M_CLASS]
        out[place, _G_LEAVES] = _leaves_s(points[m], k, axis, wide + points[m, k, _P_HALF_WIDTH])
        found = min(found + 1, _LEADS)
    return found


@kernel("void(f8[:, ::1], i8, f8, f8, f8[::1])")
def _note_behind(others, count, middle, rear, behind):  # type: ignore[no-untyped-def]
    """Put those who come into the band behind us on the list of ids `behind` (-1: free place).

    They stay behind us: at constant speed they would drive through us and turn up ahead.
    """
    for i in range(count):
        if others[i, _G_FRONT] + others[i, _G_REAR] >= 2.0 * middle:
            continue
        if others[i, _G_FRONT] > rear + 1.0:
            continue  # beside: not his to answer
        for place in range(behind.shape[0]):
            if behind[place] == others[i, _G_ID]:
                break
            if behind[place] < 0.0:
                behind[place] = others[i, _G_ID]
                break


@kernel("b1(f8, f8[::1])")
def _is_behind(one, behind):  # type: ignore[no-untyped-def]
    for place in range(behind.shape[0]):
        if behind[place] < 0.0:
            return False
        if behind[place] == one:
            return True
    return False


@kernel(
    "Tuple((f8, i8, f8, f8, f8, f8))"
    "(f8[:, ::1], i8, f8, f8, f8, f8, f8, f8, f8, f8, f8, b1, f8[::1], f8[::1])"
)
def wanted_accel(  # type: ignore[no-untyped-def]
    leads,
    count,
    front,
    rear,
    speed,
    accel,
    free,
    firm,
    stop_left,
    top,
    brake,
    standing,
    behind,
    law,
):
    """Acceleration wanted now: (value, source, id, gap, speed of the lead, whether it cuts in).

    leads: nearest first; behind: ids of those who follow. free: from the profile; stop_left: distance to the end of the way; top: most
    allowed; brake: a fixed deceleration to propose (0 for none); standing: the car rests.
    """
    answer = min(free, top, stop_accel(stop_left, speed, law[L_STOP_DECEL]))
    source = FROM_PROFILE
    lead_id, lead_gap, lead_rate, lead_cuts = -1.0, math.inf, 0.0, 0.0
    between = 0.0  # room that those nearer will need when the one ahead of them stops
    for i in range(count):
        if leads[i, _G_FRONT] < rear + 1.0 or leads[i, _G_REAR] < rear:
            continue
        if _is_behind(leads[i, _G_ID], behind):
            continue
        gap = leads[i, _G_REAR] - front
        nearer = 0.0  # before people the standing gap is shorter
        if leads[i, _G_CLASS] == _PEDESTRIAN:
            nearer = max(law[L_GAP_M] - _PERSON_GAP_M, 0.0)
        rate, weight = leads[i, _G_RATE], leads[i, _G_WEIGHT]
        again = False  # another mode of one who is counted already
        for j in range(i):
            again = again or leads[j, _G_ID] == leads[i, _G_ID]
        size = leads[i, _G_FRONT] - leads[i, _G_REAR] + 1.0
        room = gap + nearer - (max(between - size, 0.0) if again else between)
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
        # Who goes freely and will have left is let pass, and braked for calmly as if he might stop.
        if leads[i, _G_LEAVES] < math.inf and _goes_free(leads[i, _G_CLASS]):
            until = leads[i, _G_LEAVES] + _LET_PASS_S
            need = 2.0 * (speed * until - max(gap, 0.1)) / (until * until)
            value = max(value, -max(need, _LET_PASS_MPS2))
        if leads[i, _G_CUT_IN] > 0.0:  # not there yet: ease off early, brake as far as it takes
            rush = max(speed - rate, 0.0)
            need = 0.5 * rush * rush / max(gap - 0.7 * law[L_GAP_M], 0.5)
            value = max(value, -1.0 - 1.5 * weight * max(need, weight))
        elif not again:
            between += size
        if lead_id < 0.0:
            lead_id, lead_gap, lead_rate = leads[i, _G_ID], gap, rate
            lead_cuts = leads[i, _G_CUT_IN]
        if value < answer:
            answer, source = value, FROM_LEAD
    if brake < 0.0 and brake < answer:
        answer, source = brake, FROM_BRAKE
    return answer, source, lead_id, lead_gap, lead_rate, lead_cuts


@kernel("f8(f8[::1], f8[:, ::1], i8, f8, f8, f8, f8, f8, f8, f8[::1], f8[::1], f8, f8)")
def _charge_others(  # type: ignore[no-untyped-def]
    cost, others, count, s, v, front, rear, fade, dt, behind, law, s_react, v_react
):
    """Contact with and closeness to every mode in the band, by its weight, onto the costs.

    Gives the id of a vehicle that is touched and likely goes our way, -1 for none.
    s_react, v_react: where and how fast we are when we could have answered one who steps out; before
    whom we could stop from there, or whom we have passed, is none that we could hit.
    """
    touched = -1.0
    if v < 0.1:
        return touched
    for i in range(count):
        if others[i, _G_FRONT] + others[i, _G_REAR] < 2.0 * s + front - rear:
            continue  # beside or behind: he sees us
        if _is_behind(others[i, _G_ID], behind):
            continue
        space = others[i, _G_REAR] - (s + front)
        weight = others[i, _G_WEIGHT] * fade
        if others[i, _G_KIND] == _STEP_OUT:
            stops = others[i, _G_REAR] - (s_react + front) - 0.3
            if space < -0.5 or stops > 0.5 * v_react * v_react / _ANSWER:
                continue
        if space < 0.3:
            rush = max(v - others[i, _G_RATE], 0.0)
            cost[_C_COLLISION] += weight * (1.0 + 0.1 * rush * rush) * dt
            likely = others[i, _G_WEIGHT] >= _SURE and others[i, _G_KIND] != _STEP_OUT
            if likely and others[i, _G_RATE] > 1.0 and rush > 0.0 and touched < 0.0:
                touched = others[i, _G_ID]
            continue
        need = rss_gap(v, max(others[i, _G_RATE], 0.0), law)
        # The gap that the driver chose is not called too near.
        need -= max(rss_gap(v, v, law) - 0.9 * wanted_gap(v, law[L_GAP_S], law), 0.0)
        if space < need:
            lack = 1.0 - space / need
            cost[_C_GAP] += weight * lack * lack * dt
    return touched


@kernel("i8(f8[:, ::1], f8[:, :, ::1], i8, f8, f8, f8[:, ::1])")
def _stand_beside(modes, points, k, offset, width, out):  # type: ignore[no-untyped-def]
    """Those with less than 0.8 m (_BESIDE_M) to our side at step k, into out [m, 3]; their number.

    Columns: station, half length along with our own, what lack of room costs.
    """
    found = 0
    for m in range(modes.shape[0]):
        room = abs(points[m, k, _P_OFFSET] - offset) - width - points[m, k, _P_HALF_WIDTH]
        if 0.0 <= room < _BESIDE_M:
            lack = 1.0 - room / _BESIDE_M
            out[found, 0] = points[m, k, _P_STATION] - 1.0
            out[found, 1] = points[m, k, _P_HALF_LENGTH] + 3.0
            out[found, 2] = modes[m, _M_WEIGHT] * lack * lack
            found += 1
    return found


@kernel(
    "void(f8[:, ::1], f8[:, :, ::1], f8[:, ::1], f8[::1], f8, f8, f8, f8, f8, f8[:, :, :, ::1],"
    " i8[:, ::1], f8[:, :, ::1])"
)
def _sweep(  # type: ignore[no-untyped-def]
    modes, points, lateral, swing, station0, step, middle, width, side, bands, sizes, beside
):
    """Who stands in the band along a lateral path, at each step.

    bands [3, steps + 1, 6, 10]: without cut-ins, with them, and the narrower band of contact; sizes
    [4, steps + 1]: how many stand in each, and beside it.
    """
    for k in range(lateral.shape[0]):
        for band in range(3):
            reach = width + (0.15 if band == 2 else side)
            claim = _CLAIM_STEPS if band == 1 else (0 if band == 2 else -1)
            sizes[band, k] = _stand_in_band(
                modes, points, k, lateral[k, 0], middle, reach, swing, station0, step, claim,
                bands[band, k],
            )  # fmt: skip
        sizes[3, k] = _stand_beside(modes, points, k, lateral[k, 0], width, beside[k])


@kernel("i8(f8[:, ::1], f8[:, :, ::1], f8[:, ::1], f8, f8[:, ::1], f8[:, :, ::1])")
def _keep_near(modes, points, lateral, reach, near_modes, near_points):  # type: ignore[no-untyped-def]
    """Copy the modes that ever come within reach of a lateral path, in their order; their number.

    Most drive in other lanes, and need not be asked for at each step.
    """
    low = lateral[:, 0].min() - reach
    high = lateral[:, 0].max() + reach
    found = 0
    for m in range(modes.shape[0]):
        for k in range(points.shape[1]):
            offset, half = points[m, k, _P_OFFSET], points[m, k, _P_HALF_WIDTH]
            if not (offset - half >= high or offset + half <= low):
                near_modes[found] = modes[m]
                near_points[found] = points[m]
                found += 1
                break
    return found


@kernel("b1(f8[:, :, :, ::1], i8[:, ::1])")
def _nobody_cuts_in(bands, sizes):  # type: ignore[no-untyped-def]
    """Whether the same stand in the band with those who cut in as without: yielding changes nothing."""
    for k in range(sizes.shape[1]):
        if sizes[0, k] != sizes[1, k]:
            return False
        for i in range(sizes[0, k]):
            for column in range(_COLUMNS):
                if bands[0, k, i, column] != bands[1, k, i, column]:
                    return False
    return True


@kernel("b1(f8[:, ::1], i8)")
def _yields_alone(proposals, p):  # type: ignore[no-untyped-def]
    """Whether a proposal is the one before it, but yields."""
    if p == 0 or proposals[p, _BRAKE] != 0.0:
        return False
    for column in range(proposals.shape[1]):
        if column != _YIELDS and proposals[p, column] != proposals[p - 1, column]:
            return False
    return proposals[p, _YIELDS] > 0.0 and proposals[p - 1, _YIELDS] == 0.0


@kernel("f8(f8[::1], f8[::1], f8, f8, f8, f8[::1])")
def _free(proposal, profile, step, travelled, speed, law):  # type: ignore[no-untyped-def]
    """What the road allows a proposal; a slower pace is taken up gently."""
    free = profile_accel(profile, step, travelled, speed, 1.0, law)
    if proposal[_PACE] < 1.0:
        slower = profile_accel(profile, step, travelled, speed, proposal[_PACE], law)
        free = min(free, max(slower, -0.9 * proposal[_FIRM]))
    return free


@kernel("void(f8[::1], f8, f8, f8, f8[::1], f8, f8)")
def _charge_motion(cost, v, a, jerk, profile, place, dt):  # type: ignore[no-untyped-def]
    """Speed, comfort and progress of one step onto the costs."""
    aim = max(profile[0], 1.0)
    over = v - profile[min(int(place), profile.shape[0] - 1)]
    if over > 0.3:
        cost[_C_LIMIT] += over * dt
    cost[_C_PROGRESS] += max(aim - v, 0.0) / aim * dt
    strain = max(abs(a) - 1.2, 0.0)  # calm driving costs nothing
    cost[_C_COMFORT] += strain * strain * dt
    cost[_C_JERK] += jerk * jerk * dt


@kernel(
    "void(f8[::1], f8[:, ::1], f8[:, :, :, ::1], i8[:, ::1], f8[:, :, ::1], f8[::1], f8[::1], f8, f8,"
    " f8, f8[::1], f8[::1], f8[::1], f8[::1], f8[:, ::1], f8[::1], f8[::1], f8)"
)
def _drive(  # type: ignore[no-untyped-def]
    proposal,
    lateral,
    bands,
    sizes,
    beside,
    ego,
    profile,
    step,
    stop,
    dt,
    jerks,
    law,
    cost,
    start,
    path,
    behind,
    score,
    bound,
):
    """Drive one proposal along its lateral path; fills its costs, its start and its path.

    jerks [5]: up, down, the most acceleration of the first two seconds, down when urgent, back from it.
    bound: a total above which it is given up, with a collision that costs inf.
    """
    steps = lateral.shape[0] - 1
    urgent = proposal[_BRAKE] < _URGENT
    start[6] = math.inf
    band = 1 if proposal[_YIELDS] > 0.0 else 0
    firm = law[L_DECEL] * proposal[_FIRM]
    station0, front, rear = ego[_E_STATION], ego[_E_FRONT], ego[_E_REAR]
    s, v, a = station0, ego[_E_SPEED], ego[_E_ACCEL]
    behind[:] = -1.0
    s_react, v_react = s, v
    for k in range(steps + 1):
        path[k, 0], path[k, 1], path[k, 2] = s, v, a
        path[k, 3], path[k, 4] = lateral[k, 0], lateral[k, 1]
        free = _free(proposal, profile, step, s - station0, v, law)
        top = min(briskest(v, law), law[L_MOST])
        if k * dt < 2.0:
            top = min(top, jerks[2])
        _note_behind(bands[2, k], sizes[2, k], s + 0.5 * (front - rear), s - rear, behind)
        value, source, lead, gap, rate, cuts = wanted_accel(
            bands[band, k], sizes[band, k], s + front, s - rear, v, a, free, firm, stop - s, top,
            proposal[_BRAKE], v < 0.15, behind, law,
        )  # fmt: skip
        value = max(value, proposal[_BRAKE] if urgent else -hardest(v))
        if k == 0:
            start[0], start[1], start[2] = value, source, lead
            start[3], start[4], start[5] = gap, rate, cuts
        fade = 1.0 - 0.6 * k / steps
        if k <= _ANSWER_STEPS:
            s_react, v_react = s, v
        touched = _charge_others(
            cost, bands[2, k], sizes[2, k], s, v, front, rear, fade, dt, behind, law,
            s_react, v_react,
        )  # fmt: skip
        if touched >= 0.0 and start[6] == math.inf:
            start[6], start[7] = k * dt, 1.0  # beside us, unless he was in our way before
            for i in range(sizes[2, max(k - 1, 0)]):
                if bands[2, max(k - 1, 0), i, _G_ID] == touched:
                    start[7] = 0.0
        for i in range(sizes[3, k]):
            if abs(beside[k, i, 0] - s) < beside[k, i, 1]:
                cost[_C_SIDE] += beside[k, i, 2] * dt
        cost[_C_CENTRE] += proposal[_OFF] * proposal[_OFF] * dt
        rise = jerks[0] if value > a else jerks[1]
        if urgent and value < a:
            rise = jerks[3] * (_URGENT_LAG if k == 0 and a > value + 3.0 else 1.0)
        elif value > a and a < -hardest(v):
            rise = jerks[4]
        change = min(max(value - a, -rise * dt), rise * dt)
        _charge_motion(cost, v, a, change / dt, profile, (s - station0) / step, dt)
        a_next = a + change
        dv = 0.5 * (a + a_next) * dt
        if v + dv < 0.0:
            dv, a_next = -v, 0.0
        s += (v + 0.5 * dv) * dt
        v += dv
        a = a_next
        # Costs only grow: what costs too much by now will not be chosen.
        if k % _LOOK_STEPS == 0 and total(cost, score, proposal) > bound:
            cost[_C_COLLISION] = math.inf
            return


@kernel(
    "Tuple((f8[:, ::1], f8[:, :, ::1], f8[:, ::1]))"
    "(f8[:, ::1], f8[:, :, ::1], f8[:, ::1], f8[:, :, ::1], f8[::1], f8[::1], f8[::1], f8, f8, f8,"
    " f8[::1], f8[::1], f8[::1])"
)
def roll_out(  # type: ignore[no-untyped-def]
    proposals, laterals, modes, points, ego, profile, swing, step, stop, dt, jerks, law, score
):
    """Drive and score every proposal; those that surely cost more than another one are given up.

    proposals [p, 6], those of one lateral path together, the lane's middle first; laterals
    [g, steps + 1, 3]: offset, rate, acceleration; modes, points: the forecast; ego [6]; profile [k]:
    allowed speeds from the car's station on, `step` apart; swing [j]: how far the front sweeps out of the
    band at the same places, left positive; stop: station of the end of the way for the
    car's origin (inf for none); jerks [5]: up, down, the most acceleration of the first two seconds, down when urgent,
    and back from urgent braking; score: the weights (score_kernels), zeros to give none up.
    The cheapest of those within the lane, and of each other lateral path, is always driven to its end,
    and so are those that brake urgently.
    Gives costs [p, 8] before weights, paths [p, steps + 1, 5] (station, speed, acceleration, offset,
    offset rate) and starts [p, 8] (acceleration wanted now, its source, lead's id, gap, speed, cuts in, the time of the
    first touch of a vehicle that likely goes our way, and whether it comes into our side).
    """
    count, steps = proposals.shape[0], points.shape[1] - 1
    costs, starts = np.zeros((count, _COSTS)), np.zeros((count, 8))
    paths = np.zeros((count, steps + 1, 5))
    bands = np.zeros((3, steps + 1, _LEADS, _COLUMNS))
    sizes = np.zeros((4, steps + 1), dtype=np.int64)
    beside = np.zeros((steps + 1, max(modes.shape[0], 1), 3))
    middle = ego[_E_STATION] + 0.5 * (ego[_E_FRONT] - ego[_E_REAR])
    behind = np.empty(_LEADS)
    near_modes, near_points = np.empty_like(modes), np.empty_like(points)
    reach = (
        ego[_E_HALF_WIDTH] + max(law[L_SIDE_M], _BESIDE_M) + max(swing.max(), -swing.min()) + 0.01
    )
    crowded, calm = False, False
    cut_ins = False
    for m in range(modes.shape[0]):
        cut_ins = cut_ins or modes[m, _M_CUT_IN] > 0.0
    least = math.inf
    for way in range(laterals.shape[0]):
        lateral, swept = laterals[way], False
        for p in range(count):
            proposal = proposals[p]
            if int(proposal[_LATERAL]) != way:
                continue
            # Not worth driving: making room where nobody is beside, yielding where nobody cuts in.
            idle = proposal[_OFF] != 0.0 and not crowded
            if idle or (proposal[_YIELDS] > 0.0 and proposal[_BRAKE] == 0.0 and not cut_ins):
                costs[p, _C_COLLISION] = math.inf
                continue
            if not swept:
                swept = True
                if proposal[_OFF] == 0.0:  # a little aside is weighed against the middle
                    least = math.inf
                near = _keep_near(modes, points, lateral, reach, near_modes, near_points)
                _sweep(
                    near_modes[:near],
                    near_points[:near],
                    lateral,
                    swing,
                    ego[_E_STATION],
                    step,
                    middle,
                    ego[_E_HALF_WIDTH],
                    law[L_SIDE_M],
                    bands,
                    sizes,
                    beside,
                )
                crowded = crowded or (way == 0 and sizes[3].max() > 0)
                calm = _nobody_cuts_in(bands, sizes)
            if calm and _yields_alone(proposals, p):
                costs[p], starts[p], paths[p] = costs[p - 1], starts[p - 1], paths[p - 1]
                continue
            urgent = proposal[_BRAKE] < _URGENT  # is not chosen by its total
            _drive(
                proposal, lateral, bands, sizes, beside, ego, profile, step, stop, dt, jerks, law,
                costs[p], starts[p], paths[p], behind, score, math.inf if urgent else least,
            )  # fmt: skip
            if not urgent:
                whole = total(costs[p], score, proposal) + 2.0 * score[W_CHANGE]
                least = min(least, whole + _HAIR)
    return costs, paths, starts
