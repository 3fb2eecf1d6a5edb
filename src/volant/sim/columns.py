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
    WAITED = 42
    """Seconds that it has stood before a junction."""
    SHIFT = 43
    """Left of the usual place in the lane: cyclists at its edge, broken-down cars beside it (m)."""


class Index(IntEnum):
    """Columns of the actors' integer array."""

    LANE = 0
    ROW = 1
    OLD_LANE = 2
    MODE = 3
    DIRECTION = 4
    """+1 left, -1 right, 0 none, 2 hazard lights."""
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
    NEXT = 17
    """Junction lane after the one that is being driven that this car may use, or -1."""
    INSIDE = 18
    """1: the lane of the grant has been entered."""


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
    HARD_BRAKING = 6
    """Brakes hard now and then, for no reason that others see."""
    MOTORCYCLE = 7
    CYCLIST = 8
    BROKEN = 9
    """Breaks down on the way and stands with its hazard lights on."""


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
    CONTROL = 11
    """Of the gate onto this lane, by GateKind."""
    LIGHT = 12
    """Row of the light at the gate onto this lane, or -1."""
    RAPID = 13
    """1: faster than 70 km/h: no place for cyclists."""


class LaneFloat(IntEnum):
    """Columns of the lanes' float array [L]."""

    LENGTH = 0
    END = 1
    """From the lane's start to where its chain gets too narrow for a car (m); inf where it goes on."""
    STOP = 2
    """Of the gate onto this lane: how far before the approach's end the front bumper waits (m)."""
    TAPER = 3
    """How far before its end a lane that runs out gets too narrow for a car (m); 0 for others."""


class GateKind(IntEnum):
    """How the entry into a junction lane is controlled (road.Control)."""

    NONE = 0
    PRIORITY = 1
    GIVE_WAY = 2
    STOP = 3
    LIGHT = 4
    RIGHT_FIRST = 5


FOR_GOOD_S = 1.0e9
"""Longer than any drive, and a number that can be counted down."""
SLOTS = 3
"""Entries of one actor: its lane, the lane it leaves, the lane it wishes for."""
EGO_SLOTS = 6
EGO_WISH_SLOTS = 1
"""Where the own car indicates to leave a lane that ends, the lane that it wishes for."""
WALL_SLOTS = 24
CAST_SLOTS = 6
"""Entries of one actor of a scene's cast: the lanes that its body reaches."""
APPROACH_BRAKE_MPS2 = 1.2
"""How gently drivers slow for a bend or a lower limit (estimate: coasting plus light braking)."""


class Site(IntEnum):
    """Columns of the float array of sites: where people on foot walk, by four points in a row.

    START to NEAR and FAR to END lie beside the road; between NEAR and FAR the road is crossed, or not.
    """

    START_X = 0
    START_Y = 1
    NEAR_X = 2
    NEAR_Y = 3
    FAR_X = 4
    FAR_Y = 5
    END_X = 6
    END_Y = 7
    Z = 8


class SiteIndex(IntEnum):
    """Columns of the integer array of sites [n + 1]; LANES of the next row is the end of one's rows."""

    KIND = 0
    LIGHT = 1
    """Row of the light that stops the cars, or -1."""
    LANES = 2
    WALL = 3
    """First entry slot of the walls that make cars wait, or -1."""


class SiteKind(IntEnum):
    """How people cross at a site."""

    ZEBRA = 0
    """They go first."""
    LIGHT = 1
    """When the cars' light is red."""
    FREE = 2
    """Where nothing helps them: between parked cars, in a gap."""
    WALK = 3
    """They walk beside the road only."""


class SiteLane(IntEnum):
    """Columns of the float array of the lanes that a site's way crosses."""

    FROM = 0
    """Stretch of the lane that the way takes (m)."""
    TO = 1
    BEGIN = 2
    """Stretch of the way from NEAR that the lane takes (m)."""
    END = 3


class Walk(IntEnum):
    """Columns of the float array of people."""

    AT = 0
    """Along the site's way (m)."""
    PACE = 1
    SPEED = 2
    WAIT = 3
    """Seconds that this person still stands where the way ends."""
    HELD = 4
    """Seconds that this person has stood on the road, because the next lane is taken."""


class WalkIndex(IntEnum):
    """Columns of the integer array of people."""

    SITE = 0
    SIGN = 1
    """+1 from START to END, -1 back."""
    CARELESS = 2
    """1: steps out where a car still has to brake."""
    COUNTER = 3


PEOPLE_SLOTS = 6
"""Entries of one person: the lanes that the body reaches or is about to."""


class Lamp(IntEnum):
    """What a traffic light shows."""

    RED = 0
    RED_AMBER = 1
    GREEN = 2
    AMBER = 3
