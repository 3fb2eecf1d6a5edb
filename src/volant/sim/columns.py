"""Columns of the arrays that the world's kernels work on; one row per actor, entry or lane.

Kernels take plain integers, so the enums here are read once at import (`int(Actor.S)`).
"""

from __future__ import annotations

from enum import IntEnum


class Actor(IntEnum):
    """Columns of the actors' float array; SI units."""

    S = 0
    """Along the lane, of the box's centre (m)."""
    D = 1
    """Left of the lane's centre (m)."""
    SPEED = 2
    ACCEL = 3
    X = 4
    Y = 5
    YAW = 6
    YAW_RATE = 7
    BEFORE_X = 8
    """Pose one traffic step ago, for the moves in between."""
    BEFORE_Y = 9
    BEFORE_YAW = 10
    LENGTH = 11
    WIDTH = 12
    HEIGHT = 13
    FACTOR = 14
    """Wanted speed as a multiple of what limit and curve allow."""
    TOP_SPEED = 15
    TIME_GAP = 16
    STAND_GAP = 17
    ACCEL_MAX = 18
    BRAKE_COMFORT = 19
    POLITENESS = 20
    THRESHOLD = 21
    BRAKE_SAFE = 22
    CHANGE_TIME = 23
    SIGNAL_TIME = 24
    WANDER = 25
    """Amplitude of the sway in the lane (m)."""
    WAVE = 26
    """Length of one sway (m)."""
    PHASE = 27
    TRAVEL = 28
    """Distance driven in this life (m)."""
    CHANGE_FROM = 29
    """Lateral distance that a lane change started at, left of the new lane's centre (m)."""
    PROGRESS = 30
    """Of the lane change, 0 to 1."""
    OLD_S = 31
    """Along the lane that is being left (m)."""
    TIMER = 32
    """Seconds that the indicator still blinks before the change starts; from then below zero."""
    COOLDOWN = 33
    """Seconds until the next change may be wanted."""
    ATTENTION = 34
    """Seconds until attention turns (distracted drivers)."""
    WANTED = 35
    """Wanted speed now (m/s)."""
    GAP = 36
    """Bumper to bumper to the leader (m), inf without one."""
    CUT_GAP = 37
    """Gap at which a cutting-in driver moves in front of somebody (m)."""
    SWAY = 38
    """Drift by inattention, on top of the wander (m)."""
    Z = 39
    EXIT_SHARE = 40
    """How likely this driver takes an exit lane."""
    HELD = 41
    """Seconds that a lane change under way has been held up (recheck_kernels)."""


class Index(IntEnum):
    """Columns of the actors' integer array."""

    LANE = 0
    ROW = 1
    OLD_LANE = 2
    MODE = 3
    DIRECTION = 4
    """+1 left, -1 right, 0 none."""
    KIND = 5
    CLASS = 6
    ALIVE = 7
    CROSSINGS = 8
    """Lanes driven onto in this life; picks the branch at each fork."""
    GRANT = 9
    """Junction lane that this car may use now, or -1."""
    REQUEST = 10
    """Step at which it asked for the junction lane, or -1."""
    INATTENTIVE = 11
    COUNTER = 12
    """Draws taken from the actor's stream by the kernels."""
    LIFE = 13
    BRAKING = 14
    CUT = 16
    """1: the change shown or driven is a cut-in."""
    LEADER = 15
    """Entry slot of the leader, or -1."""


class Mode(IntEnum):
    """What an actor does across the road."""

    KEEP = 0
    SIGNAL = 1
    CHANGE = 2


class DriverKind(IntEnum):
    """How an actor is driven."""

    NORMAL = 0
    AGGRESSIVE = 1
    DISTRACTED = 2
    CUTTING_IN = 3
    SLOW = 4
    LORRY = 5


class BodyClass(IntEnum):
    """What an actor looks like."""

    CAR = 0
    LORRY = 1
    BUS = 2
    MOTORCYCLE = 3
    CYCLIST = 4
    PEDESTRIAN = 5
    OBSTACLE = 6


class Entry(IntEnum):
    """Columns of the float array of lane entries: who is where in which lane."""

    S = 0
    SPEED = 1
    HALF_LENGTH = 2
    D = 3
    HALF_WIDTH = 4
    ACCEL = 5


class EntryIndex(IntEnum):
    """Columns of the integer array of lane entries."""

    LANE = 0
    KIND = 1


class EntryKind(IntEnum):
    """Kinds of lane entries."""

    NONE = 0
    BODY = 1
    WISH = 2
    """A car that wants in; followers with room make some."""
    EGO = 3
    WALL = 4
    """The head of a jam."""


class LaneIndex(IntEnum):
    """Columns of the lanes' integer array [L + 1]; the last row holds the ends of the last lane."""

    LEFT = 0
    RIGHT = 1
    ENDS = 2
    """1: its width runs out at its end."""
    KIND = 3
    """0 driving, 1 entry, 2 exit."""
    RESERVED = 4
    """1: a junction lane that may only be driven with a grant."""
    ROWS = 5
    """First row of the lane in the table; ROWS to CONFLICTS are starts, the next row's is the end."""
    ONWARD = 6
    BACK = 7
    LEFT_SPANS = 8
    RIGHT_SPANS = 9
    CONFLICTS = 10


class LaneFloat(IntEnum):
    """Columns of the lanes' float array [L]."""

    LENGTH = 0
    END = 1
    """From the lane's start to where its chain runs out of width (m); inf where it goes on."""


SLOTS = 3
"""Entries of one actor: its lane, the lane it leaves, the lane it wishes for."""
EGO_SLOTS = 6
WALL_SLOTS = 24
CAST_SLOTS = 6
"""Entries of one actor of a scene's cast: the lanes that its body reaches."""
APPROACH_BRAKE_MPS2 = 1.2
"""How gently drivers slow for a bend or a lower limit (estimate: coasting plus light braking)."""
