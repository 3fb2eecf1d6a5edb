"""Compiled laws of driving along: behind others, on a speed profile, towards a stop.

Behind others it is the Improved Intelligent Driver Model with the constant-acceleration heuristic of the
ACC model (Treiber and Kesting, Traffic Flow Dynamics, 2013, ch. 11), evaluated a little ahead of time so
that a braking car in front is answered before its speed has changed much.
"""

from __future__ import annotations

import math

from volant.core.kernels import kernel

# Law row.
L_GAP_S, L_GAP_M, L_ACCEL, L_DECEL, L_AHEAD_S, L_COOL, L_PREVIEW_S, L_REACT_S = range(8)
L_SIDE_M, L_RSS_OWN, L_RSS_OTHER, L_STOP_DECEL, L_ACCEL_HIGH, L_SOFT, L_MOST = range(8, 15)
_COMFORT = 3.3  # m/s2, for taking up a gap: the bound of 3.5, less what a plant adds
_HARD_LEAD = -3.0  # m/s2, a lead that brakes harder is answered as it comes
_LATE_S = (
    0.15  # s, actuators behind the command (vehicle.md section 3: 0.1 to 0.3 s to full braking)
)
_LAST_M = 0.25  # m, may be stopped behind the place: lines are kept clear by 0.7 m and more
_GIVE = 2.5  # m/s2, before braking harder than this the standing gap is given up (estimated)
_NEAREST = 0.4  # of the standing gap, is kept also then: 1.2 m of 3 (estimated)
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
    """Constant deceleration that ends at a stop `left` metres ahead; none while that is gentle yet.

    What the actuators are late by is taken off the way, and a hand's breadth is given for the last
    metre: else the braking grows until the car stands.
    """
    if left <= 0.05:
        return -max(2.0 * speed, soft) if speed > 0.0 else 0.0
    need = 0.5 * speed * speed / max(left + _LAST_M - _LATE_S * speed, 0.5 * left)
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
    below = lead_speed * lead_speed - 2.0 * gap * lead_held
    if lead_speed * (speed - lead_speed) <= -2.0 * gap * lead_held and below > 1e-3:
        calm = speed * speed * lead_held / below
    else:
        rush = max(speed - lead_speed, 0.0)
        calm = lead_held - rush * rush / (2.0 * max(gap, 0.1))
    if answer < calm:
        cool = law[L_COOL]
        # At a queue's end the even braking that ends behind it is begun at once, and not exceeded.
        soft = law[L_SOFT] * (0.2 + 0.8 * min(lead_speed / 5.0, 1.0))
        answer = (1.0 - cool) * answer + cool * (calm + soft * math.tanh((answer - calm) / soft))
    if lead_accel > _HARD_LEAD:
        answer = max(answer, -_COMFORT)
    # What is needed to stay behind at all is never cooled away.
    spare = max(gap - 0.7 * law[L_GAP_M], 0.1)
    if lead_speed < speed:
        own_stop = speed * law[L_REACT_S]
        lead_stop = lead_speed * lead_speed / (2.0 * law[L_RSS_OTHER]) if lead_accel < -2.0 else 0.0
        nearer = (0.7 - _NEAREST) * law[L_GAP_M]
        if lead_accel < -2.0 or lead_speed < 0.3:
            square, left = speed * speed, spare + lead_stop - own_stop
        else:
            rush = speed - lead_speed
            square, left = rush * rush, spare - rush * law[L_REACT_S]
        need = 0.5 * square / max(left, 0.1)
        if need > _GIVE:  # rather nearer than harder
            need = max(0.5 * square / max(left + nearer, 0.1), _GIVE)
        if need > firm:
            answer = min(answer, -need)
    return min(answer, free)


@kernel("f8(f8, f8, f8[::1])")
def rss_gap(speed, lead_speed, law):  # type: ignore[no-untyped-def]
    """Least gap from which a hard stop ahead ends without contact (RSS, Shalev-Shwartz et al., 2017)."""
    own = speed * law[L_REACT_S] + speed * speed / (2.0 * law[L_RSS_OWN])
    return max(own - lead_speed * lead_speed / (2.0 * law[L_RSS_OTHER]), 0.0)
