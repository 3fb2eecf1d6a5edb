"""Every message of the car that crosses a seam, with units and bounds.

Frozen, keyword-only msgspec structs. Bounds are checked when a message is decoded; raw sensor returns
have none, because a NaN must be recordable: range checks downstream give `valid`. Positions are in the
world frame (ENU) unless the docstring says "car frame" (ISO 8855, origin at the middle of the rear axle
on the ground). Fields are tuples, never lists.
"""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec
from msgspec import Meta

from volant.core.clock import STAMP_LIMIT_NS
from volant.core.words import WordEnum

Stamp = Annotated[int, Meta(ge=0, lt=STAMP_LIMIT_NS)]
Ratio = Annotated[float, Meta(ge=0.0, le=1.0)]
Angle = Annotated[float, Meta(ge=-3.1415926535897936, le=3.1415926535897936)]
Speed = Annotated[float, Meta(ge=-30.0, le=120.0)]
Length = Annotated[float, Meta(ge=0.0)]
Percent = Annotated[float, Meta(ge=0.0, le=100.0)]


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Root of all messages."""


class Gear(enum.Enum):
    """Position of the gear selector."""

    PARK = "park"
    REVERSE = "reverse"
    NEUTRAL = "neutral"
    DRIVE = "drive"


class Indicator(WordEnum):
    """State of the direction indicators."""

    OFF = "off"
    LEFT = "left"
    RIGHT = "right"
    HAZARD = "hazard"


class ObjectClass(WordEnum):
    """What kind of road user or thing an object is."""

    CAR = "car"
    LORRY = "lorry"
    BUS = "bus"
    MOTORCYCLE = "motorcycle"
    CYCLIST = "cyclist"
    PEDESTRIAN = "pedestrian"
    OBSTACLE = "obstacle"
    UNKNOWN = "unknown"


class LightState(WordEnum):
    """What a traffic light shows."""

    OFF = "off"
    RED = "red"
    RED_AMBER = "red_amber"
    GREEN = "green"
    AMBER = "amber"
    UNKNOWN = "unknown"


class LandmarkKind(WordEnum):
    """What stands or lies still at the road and can be told by a camera."""

    STOP = "stop"
    GIVE_WAY = "give_way"
    PRIORITY = "priority"
    LIMIT = "limit"
    CROSSING = "crossing"
    """The sign of a crossing."""
    SIGN = "sign"
    """Any other sign."""
    LINE = "line"
    """A stop or wait line, where it crosses the middle of a lane."""
    MOUTH = "mouth"
    """The end of a lane's paint before a junction, in the middle of the lane."""


class Function(WordEnum):
    """What the pilot can do and a driver can switch on and off."""

    ACC = "acc"
    """Speed and gap, stop and go."""
    LCC = "lcc"
    """Lane centring."""
    TJA = "tja"
    """Traffic jam assist up to 60 km/h."""
    CURVE_SPEED = "curve_speed"
    LIMIT_SPEED = "limit_speed"
    LANE_CHANGE = "lane_change"
    """Lane change on the turn signal."""
    NAVIGATION = "navigation"
    """Motorways along a route: lane choice, overtaking, ramps."""
    TOWN = "town"
    """Streets along a route: lights, right of way, crossings."""
    LDW = "ldw"
    """Lane departure warning."""
    LKA = "lka"
    """Lane keeping assist while the driver drives."""
    BSD = "bsd"
    """Blind spot detection."""
    FCW = "fcw"
    """Forward collision warning."""
    AEB = "aeb"
    """Emergency braking."""


class MarkKind(WordEnum):
    """How a lane border is marked."""

    NONE = "none"
    SOLID = "solid"
    BROKEN = "broken"
    SOLID_SOLID = "solid_solid"
    SOLID_BROKEN = "solid_broken"
    BROKEN_SOLID = "broken_solid"
    BROKEN_BROKEN = "broken_broken"
    BOTTS_DOTS = "botts_dots"
    CURB = "curb"
    GRASS = "grass"
    EDGE = "edge"


# --- what the driver does -------------------------------------------------------------------------


class DriverControls(Message, frozen=True, kw_only=True):
    """What the driver's hands and feet do now, as the car measures it."""

    accelerator: Ratio = 0.0
    brake: Ratio = 0.0
    wheel_torque_nm: float = 0.0
    """Torque of the driver's hands on the steering wheel, left positive."""
    wheel_angle_rad: float = 0.0
    """Angle of the steering wheel, left positive."""
    hands_on: bool = True
    eyes_on: bool = True
    """The driver looks at the road, as the cabin camera sees it."""
    belted: bool = True
    door_closed: bool = True


class RequestKind(enum.Enum):
    """Buttons and stalks, and the same from a screen."""

    ENGAGE = "engage"
    CANCEL = "cancel"
    SET_SPEED = "set_speed"
    SET_TIME_GAP = "set_time_gap"
    INDICATE = "indicate"
    SWITCH = "switch"
    CLEAR_CODES = "clear_codes"
    """Forget the trouble codes; done only in park."""


class DriverRequest(Message, frozen=True, kw_only=True):
    """One press of a button.

    `value` is m/s for SET_SPEED, seconds for SET_TIME_GAP, 1 or 0 for SWITCH (of `function`).
    """

    stamp_ns: Stamp
    kind: RequestKind
    value: float | None = None
    indicator: Indicator | None = None
    function: Function | None = None


# --- the car --------------------------------------------------------------------------------------


class CarState(Message, frozen=True, kw_only=True):
    """What the car's own ECUs report, 100 Hz; measured, not true."""

    stamp_ns: Stamp
    speed_mps: float
    """Along the car's x axis, from the wheels; negative in reverse."""
    accel_mps2: float
    """Along the car's x axis, without gravity."""
    lateral_accel_mps2: float
    yaw_rate_rps: float
    steer_rad: float
    """Mean angle of the front road wheels, left positive."""
    gear: Gear
    indicator: Indicator
    hold: bool
    """Standstill is held by the brakes."""
    brake_lights: bool
    charge_pct: Percent
    range_m: Length
    """Distance left by the present charge and the recent consumption."""
    battery_power_w: float
    """Out of the battery; negative while regenerating."""
    battery_voltage_v: float
    battery_temperature_k: Length
    odometer_m: Length
    driver: DriverControls
    plugged: bool = False
    """A charging cable is in the inlet: the car must not be driven."""
    valid: bool = True


class Command(Message, frozen=True, kw_only=True):
    """What the car shall do next: the one thing that a driver, human or not, gives to a car."""

    stamp_ns: Stamp
    accel_mps2: float
    curvature_per_m: float
    gear: Gear = Gear.DRIVE
    indicator: Indicator = Indicator.OFF
    hold: bool = False
    """Keep standing by the brakes."""


# --- sensors --------------------------------------------------------------------------------------


class ObjectReturn(Message, frozen=True, kw_only=True):
    """One object seen by one sensor, in the car frame at the frame's measurement stamp. No bounds."""

    x_m: float
    """Centre of the object's box."""
    y_m: float
    yaw_rad: float
    """Heading relative to the car."""
    velocity_x_mps: float
    """Velocity over ground along the car's axes (ego motion compensated)."""
    velocity_y_mps: float
    length_m: float
    width_m: float
    height_m: float
    object_class: ObjectClass
    class_confidence: float
    existence: float
    """Probability that something is there, as the sensor gives it."""
    brake_lights: bool = False
    indicator: Indicator = Indicator.OFF


class DetectionFrame(Message, frozen=True, kw_only=True):
    """All objects that one sensor saw at one time."""

    sensor: str
    stamp_ns: Stamp
    """When it was measured; it arrives later by the sensor's latency."""
    objects: tuple[ObjectReturn, ...]


class LaneReturn(Message, frozen=True, kw_only=True):
    """The own lane as a camera sees it, relative to the car at the measurement stamp. No bounds."""

    stamp_ns: Stamp
    offset_m: float
    """Of the car's origin from the lane's centre, left positive."""
    heading_rad: float
    """Of the car relative to the lane."""
    curvature_per_m: float
    width_m: float
    left_mark: MarkKind
    right_mark: MarkKind
    confidence: float
    lanes_left: int | None = None
    """Further lanes of our direction seen to the left; null where it cannot be told."""
    lanes_right: int | None = None


class LightReturn(Message, frozen=True, kw_only=True):
    """One traffic light as the camera sees it, in the car frame at the frame's stamp. No bounds."""

    x_m: float
    y_m: float
    z_m: float
    state: LightState
    confidence: float


class LightFrame(Message, frozen=True, kw_only=True):
    """All traffic lights that the camera saw at one time."""

    stamp_ns: Stamp
    lights: tuple[LightReturn, ...]


class LandmarkReturn(Message, frozen=True, kw_only=True):
    """A sign, line or mouth as the camera sees it, in the car frame at the frame's stamp. No bounds."""

    kind: LandmarkKind
    x_m: float
    y_m: float


class LandmarkFrame(Message, frozen=True, kw_only=True):
    """All signs, lines and mouths that the camera saw at one time."""

    stamp_ns: Stamp
    landmarks: tuple[LandmarkReturn, ...]


class GnssReturn(Message, frozen=True, kw_only=True):
    """Position and heading in the world (map) frame. No bounds."""

    stamp_ns: Stamp
    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float
    sigma_m: float
    """Standard deviation of the position that the receiver itself states."""


class SensorFrames(Message, frozen=True, kw_only=True):
    """Everything that arrived from the sensors at one pilot tick; a missing part did not arrive."""

    stamp_ns: Stamp
    detections: tuple[DetectionFrame, ...] = ()
    lane: LaneReturn | None = None
    gnss: GnssReturn | None = None
    lights: LightFrame | None = None
    landmarks: LandmarkFrame | None = None


# --- what the pilot believes ----------------------------------------------------------------------


class Localization(Message, frozen=True, kw_only=True):
    """Where the car is by its own belief: in the world and on its corridor."""

    stamp_ns: Stamp
    x_m: float
    y_m: float
    yaw_rad: Angle
    speed_mps: Speed
    yaw_rate_rps: float
    station_m: float
    """Along the corridor's reference line."""
    offset_m: float
    """Left of the reference line."""
    heading_error_rad: Angle
    """Relative to the reference line."""
    sigma_along_m: Length
    sigma_across_m: Length
    lane: str
    """Id of the lane, `road/section/lane`; empty when unknown."""
    valid: bool
    altitude_m: float | None = None
    """As the receiver of satellites told last; null: it has told none."""


class Track(Message, frozen=True, kw_only=True):
    """One road user that the pilot believes in."""

    track_id: Annotated[int, Meta(ge=0)]
    object_class: ObjectClass
    x_m: float
    """Centre of the box."""
    y_m: float
    yaw_rad: Angle
    speed_mps: float
    """Along its own heading."""
    accel_mps2: float
    yaw_rate_rps: float
    length_m: Length
    width_m: Length
    height_m: Length
    existence: Ratio
    age_s: Length
    """Since the first detection."""
    unseen_s: Length
    """Since the last detection."""
    station_m: float | None = None
    """On the pilot's corridor; null when it is not on it."""
    offset_m: float | None = None
    brake_lights: bool = False
    indicator: Indicator = Indicator.OFF


class Tracks(Message, frozen=True, kw_only=True):
    """All tracks at one stamp, by ascending id."""

    stamp_ns: Stamp
    tracks: tuple[Track, ...]


class LaneStrip(Message, frozen=True, kw_only=True):
    """One lane as a polyline in its direction of travel, from a map or from another world.

    Lanes beside each other begin and end together.
    """

    lane: str
    x_m: tuple[float, ...]
    y_m: tuple[float, ...]
    width_m: Length
    limit_mps: Speed
    successors: tuple[str, ...] = ()
    left: str | None = None
    """The lane beside, of the same direction; null: none."""
    right: str | None = None
    may_change_left: bool = True
    may_change_right: bool = True
    rank: int = 0
    """Of two lanes that share ground, the one with the higher rank goes first; equal: by the rules."""


class Scene(Message, frozen=True, kw_only=True):
    """The pilot's second door: a scene that somebody else perceived.

    `lanes` may be empty where the pilot has a map of its own.
    """

    stamp_ns: Stamp
    x_m: float
    y_m: float
    yaw_rad: Angle
    tracks: tuple[Track, ...]
    lanes: tuple[LaneStrip, ...] = ()


class Observation(Message, frozen=True, kw_only=True):
    """What a driver is given at one control tick; sensors or scene are null when nothing is new."""

    stamp_ns: Stamp
    car: CarState
    sensors: SensorFrames | None = None
    scene: Scene | None = None
    requests: tuple[DriverRequest, ...] = ()


# --- what the pilot wants -------------------------------------------------------------------------


class Constraint(enum.Enum):
    """Which bound held the plan back at this tick."""

    NONE = "none"
    SET_SPEED = "set_speed"
    SPEED_LIMIT = "speed_limit"
    CURVE = "curve"
    LEAD = "lead"
    CUT_IN = "cut_in"
    MERGE = "merge"
    ROAD_END = "road_end"
    DESTINATION = "destination"
    SIGHT = "sight"
    STANDSTILL = "standstill"
    TAKEOVER = "takeover"
    RED_LIGHT = "red_light"
    STOP_SIGN = "stop_sign"
    GIVE_WAY = "give_way"
    CROSSING = "crossing"
    PERSON = "person"
    OCCLUSION = "occlusion"


class StopPath(Message, frozen=True, kw_only=True):
    """A path to stop along when the pilot is gone, in the car frame at `stamp_ns`, by distance.

    At least v^2/6 + 30 m long; points every `step_m`; followed by wheels, IMU and the camera's lane.
    """

    stamp_ns: Stamp
    step_m: Annotated[float, Meta(gt=0.0)]
    x_m: tuple[float, ...]
    y_m: tuple[float, ...]
    curvature_per_m: tuple[float, ...]
    offset_m: tuple[float, ...] = ()
    """Of each point from the middle of the lane that it lies in, left positive; empty: not known, and
    the path is followed by wheels and IMU alone."""


class Refusal(Message, frozen=True, kw_only=True):
    """A manoeuvre that was considered and not chosen, with the reason as code and as words."""

    manoeuvre: str
    code: str
    words: str


class TurnKind(enum.Enum):
    """The next thing that the route asks for."""

    STRAIGHT = "straight"
    LEFT = "left"
    RIGHT = "right"
    ROUNDABOUT = "roundabout"
    MERGE = "merge"
    EXIT = "exit"
    FORK = "fork"
    ARRIVE = "arrive"


class Guidance(Message, frozen=True, kw_only=True):
    """The next turn of the route, for people."""

    turn: TurnKind
    distance_m: Length
    words: str
    """At most 40 characters, such as `Exit to Market Street`."""


class Plan(Message, frozen=True, kw_only=True):
    """The chosen motion over the horizon, in the world frame, sampled at equal times."""

    stamp_ns: Stamp
    time_s: tuple[float, ...]
    x_m: tuple[float, ...]
    y_m: tuple[float, ...]
    yaw_rad: tuple[float, ...]
    curvature_per_m: tuple[float, ...]
    speed_mps: tuple[float, ...]
    accel_mps2: tuple[float, ...]
    stop_path: StopPath
    target_speed_mps: Speed
    limit_mps: Speed
    """Limit that holds here, from the map."""
    limit_is_default: bool
    """The map gives no limit; a default by road type is used."""
    constraint: Constraint
    reason: str
    """At most four words, for people."""
    manoeuvre: str
    lead_id: int | None
    gap_m: float | None
    """Bumper to bumper to the lead."""
    time_gap_s: float | None
    confidence: Ratio
    distance_left_m: float | None
    """To the destination, along the corridor; null on a drive without one."""
    arrived: bool
    refusals: tuple[Refusal, ...] = ()
    guidance: Guidance | None = None
    light: LightState | None = None
    """Of the traffic light that holds for us next; null where there is none in view."""
    rerouted: int = 0
    """How often the way was found anew since the start."""


class LaneWarning(enum.Enum):
    """What lane departure warning and blind spot detection tell."""

    NONE = "none"
    LEFT = "left"
    RIGHT = "right"


class Engagement(WordEnum):
    """State of the pilot's engagement machine."""

    OFF = "off"
    READY = "ready"
    ENGAGED = "engaged"
    OVERRIDDEN = "overridden"
    TAKEOVER = "takeover"
    MINIMAL_RISK = "minimal_risk"


class Escalation(enum.Enum):
    """How urgently the driver is asked for hands and eyes."""

    NONE = "none"
    OPTICAL = "optical"
    ACOUSTIC = "acoustic"
    STOP = "stop"


class PilotState(Message, frozen=True, kw_only=True):
    """Engagement and the driver's choices, 20 Hz and at each change."""

    stamp_ns: Stamp
    engagement: Engagement
    code: str
    """Why this state, as a code such as `driver_brake`, `lost_lane`, `ok`."""
    words: str
    """The same for people, at most 30 characters."""
    set_speed_mps: Speed
    time_gap_setting_s: float
    functions: tuple[str, ...]
    """Names of the functions that act now, such as `acc`, `lcc`, `curve_speed`, `limit_speed`."""
    ready: bool
    blockers: tuple[str, ...] = ()
    """Why it cannot be engaged now, as codes."""
    blocker_words: tuple[str, ...] = ()
    """The same for people, in the same order."""
    switched_off: tuple[str, ...] = ()
    """Names of the functions that the driver has switched off."""
    escalation: Escalation = Escalation.NONE
    """Of the request to keep hands on the wheel and eyes on the road."""
    departure: LaneWarning = LaneWarning.NONE
    """Lane departure warning."""
    blind_spot_left: bool = False
    blind_spot_right: bool = False
    assist_curvature_per_m: float = 0.0
    """What lane keeping asks the guard to add to the steering of a driver who drives by hand."""
    degraded: tuple[str, ...] = ()
    """Sensors that are broken and what that leaves blind, such as `radar_front_lost`, `left_blind`."""


# --- safety ---------------------------------------------------------------------------------------


class CommandSource(enum.Enum):
    """Who asks, as the guard derives it; a command cannot claim it."""

    COMFORT = "comfort"
    AEB = "aeb"
    MINIMAL_RISK = "minimal_risk"
    DRIVER = "driver"


class BrakeStage(WordEnum):
    """How far emergency braking has come."""

    READY = "ready"
    WARNING = "warning"
    """Forward collision warning."""
    PARTIAL = "partial"
    FULL = "full"
    HOLD = "hold"
    """Standing after an emergency stop."""
    UNAVAILABLE = "unavailable"


class AebState(Message, frozen=True, kw_only=True):
    """Emergency braking's own view, 20 Hz and at each change; positions in the car frame."""

    stamp_ns: Stamp
    stage: BrakeStage
    code: str
    """Why, such as `clear`, `lead_braking`, `person_crossing`, `no_sensors`."""
    words: str
    """The same for people, at most 30 characters."""
    object_class: ObjectClass | None = None
    x_m: float | None = None
    y_m: float | None = None
    time_to_contact_s: float | None = None
    needed_mps2: float | None = None
    """Deceleration that avoids the contact."""


class GuardDecision(Message, frozen=True, kw_only=True):
    """The guard's word on one control tick and the command that goes to the actuators."""

    stamp_ns: Stamp
    source: CommandSource
    command: Command
    limited: bool
    """The command was changed."""
    limits: tuple[str, ...]
    """Names of the rows of the limit table that bound."""
    reason: str
    """Code: `ok`, `limited`, `stale_command`, `invalid_command`, `driver_brake`, ..."""


# --- the world's truth: for judging only ----------------------------------------------------------


class EgoTruth(Message, frozen=True, kw_only=True):
    """The own car's true motion, 100 Hz; never an input of the pilot."""

    stamp_ns: Stamp
    x_m: float
    """Middle of the rear axle."""
    y_m: float
    z_m: float
    yaw_rad: Angle
    pitch_rad: Angle
    roll_rad: Angle
    speed_mps: float
    lateral_speed_mps: float
    """At the rear axle, along the car's y axis."""
    accel_mps2: float
    lateral_accel_mps2: float
    """At the centre of gravity."""
    yaw_rate_rps: float
    steer_rad: float
    length_m: Length
    width_m: Length
    rear_overhang_m: Length
    """From the rear axle to the rear bumper."""
    indicator: Indicator = Indicator.OFF
    """What the others see of our lamps."""


class TruthObject(Message, frozen=True, kw_only=True):
    """One actor's true state."""

    actor_id: Annotated[int, Meta(ge=0)]
    object_class: ObjectClass
    x_m: float
    """Centre of the box."""
    y_m: float
    z_m: float = 0.0
    """Ground under it: on a bridge it is not in the way."""
    yaw_rad: Angle
    speed_mps: float
    accel_mps2: float
    yaw_rate_rps: float
    length_m: Length
    width_m: Length
    height_m: Length
    brake_lights: bool
    indicator: Indicator


class LightTruth(Message, frozen=True, kw_only=True):
    """What one traffic light truly shows."""

    signal: str
    """Id of the signal in the map: `road:id`."""
    state: LightState


class WorldTruth(Message, frozen=True, kw_only=True):
    """All actors near the own car, 20 Hz, by ascending id, and the lights near it."""

    stamp_ns: Stamp
    objects: tuple[TruthObject, ...]
    lights: tuple[LightTruth, ...] = ()


class Contact(Message, frozen=True, kw_only=True):
    """The own car touched an actor."""

    stamp_ns: Stamp
    actor_id: int
    object_class: ObjectClass
    closing_mps: float
    """Speed of approach at the touch."""
    struck_from_behind: bool


class InterventionKind(WordEnum):
    """What counts as an intervention, from ground truth."""

    TAKEOVER = "takeover_demand"
    MINIMAL_RISK = "minimal_risk_stop"
    EMERGENCY_BRAKING = "emergency_braking"
    GUARD = "guard_override"
    ROAD_LEFT = "road_left"
    CONTACT = "contact"
    STUCK = "stuck"


class Intervention(Message, frozen=True, kw_only=True):
    """One intervention as judged."""

    stamp_ns: Stamp
    kind: InterventionKind
    words: str


class ContactVerdict(Message, frozen=True, kw_only=True):
    """Who is to blame for a contact, from ground truth."""

    stamp_ns: Stamp
    actor_id: int
    object_class: ObjectClass
    impact_mps: float
    at_fault: bool
    """The own car is to blame."""
    code: str
    """Why: `struck_from_behind`, `cut_in_beyond_r157`, `inside_stopping_distance`, `at_fault`."""
    words: str


class FindingKind(enum.Enum):
    """What the judge counts besides interventions."""

    RED_LIGHT = "red_light"
    STOP_SIGN = "stop_sign"
    RIGHT_OF_WAY = "right_of_way"
    SOLID_LINE = "solid_line"
    SPEEDING = "speeding"
    WRONG_WAY = "wrong_way"
    NEEDLESS_BRAKING = "needless_braking"


class JudgeFinding(Message, frozen=True, kw_only=True):
    """A rule broken, or a needless emergency braking, as judged."""

    stamp_ns: Stamp
    kind: FindingKind
    words: str


# --- people ---------------------------------------------------------------------------------------


class AlertLevel(enum.IntEnum):
    """How much an alert wants to be seen (0 status to 4 critical)."""

    STATUS = 0
    ADVICE = 1
    PROMPT = 2
    WARNING = 3
    CRITICAL = 4


class Alert(Message, frozen=True, kw_only=True):
    """Something to tell the driver; the highest level wins, `until_ns` ends it."""

    stamp_ns: Stamp
    alert_id: str
    level: AlertLevel
    words: str
    """At most 30 characters."""
    cause: str
    action: str
    until_ns: Stamp


class CodeStatus(enum.Enum):
    """What a trouble code says now, gravest first."""

    ACTIVE = "active"
    """Its last test failed."""
    PENDING = "pending"
    """It failed in this drive or the last, and is not confirmed."""
    STORED = "stored"
    """Confirmed; its last test passed, or it was not tested in this drive."""


class CodeFrame(Message, frozen=True, kw_only=True):
    """Circumstances of a failure (freeze frame); null: not measured."""

    stamp_ns: Stamp
    """Of its own drive."""
    drives_ago: Annotated[int, Meta(ge=0)]
    """0: in this drive."""
    speed_mps: float | None
    charge_pct: float | None
    supply_v: float | None
    odometer_m: float | None


class TroubleCode(Message, frozen=True, kw_only=True):
    """One trouble code of a control unit that is present."""

    unit: str
    unit_words: str
    code: str
    """As people write it: `U0129-87` (SAE J2012)."""
    name: str
    """For programs, such as `brake_lost`."""
    words: str
    status: CodeStatus
    warns: bool
    """It asks for a warning lamp."""
    occurrences: Annotated[int, Meta(ge=0, le=255)]
    """Failures that began since it was cleared, up to 255."""
    first: CodeFrame | None
    """The first failure since it was cleared."""
    latest: CodeFrame | None


class TroubleCodes(Message, frozen=True, kw_only=True):
    """The car's trouble codes; said when they change, and once a second."""

    stamp_ns: Stamp
    number: Annotated[int, Meta(ge=0)]
    """Changes with the content."""
    count: Annotated[int, Meta(ge=0)]
    """All that are present."""
    codes: tuple[TroubleCode, ...]
    """The gravest of them, 32 at most."""
    may_clear: bool
    """The car stands in park, so that the driver may clear them."""
    refused: str
    """Why the last wish to clear them was refused; empty: it was not, or some time ago."""


class EnergyStop(Message, frozen=True, kw_only=True):
    """A stop to charge at, as advised."""

    name: str
    ahead_m: Length
    arrive_pct: Percent
    leave_pct: Percent
    charge_s: Length


class EnergyArrival(Message, frozen=True, kw_only=True):
    """What is expected at the end of the route, without a stop; 9 of 10 times within its band."""

    distance_m: Length
    drive_s: Length
    energy_j: float
    """Out of the cells on the rest of the way; below 0 downhill."""
    charge_pct: float
    """Below 0: so much would be missing."""
    low_pct: float
    high_pct: float


class EnergyState(Message, frozen=True, kw_only=True):
    """What is expected of the charge, by the route ahead and what was learned; about once in two seconds."""

    stamp_ns: Stamp
    range_m: Length
    """To an empty battery."""
    arrival: EnergyArrival | None
    """Null without a route."""
    reaches: bool
    """It does with the reserve, with the stops if there are some; also true without a route."""
    stops: tuple[EnergyStop, ...]
    advice: str
    """For people; empty: there is none to give."""
    learned_m: Length
    """Driven while learning."""


class AppCard(Message, frozen=True, kw_only=True):
    """What one app shows on the driver's page."""

    app: str
    name: str
    """For people."""
    title: str
    """Empty: it shows no card now."""
    lines: tuple[str, ...]
    """Two at most."""
    address: str
    """Of its own page; empty where it has none, and while the car moves. Holds a key."""


class AppCards(Message, frozen=True, kw_only=True):
    """What apps show now; said when it changes, and once a second."""

    stamp_ns: Stamp
    cards: tuple[AppCard, ...]


class LiveStep(Message, frozen=True, kw_only=True):
    """What a process of the live car did at one tick, so that a replay can give it the same again.

    A message's number is (writer x 2^48 + the writer's incarnation x 2^32 + its place among the messages
    of that incarnation on the topic); topics are told by their place in the topic table.
    """

    stamp_ns: Stamp
    component: str
    incarnation: Annotated[int, Meta(ge=0)]
    """How often its process had been started before."""
    count: Annotated[int, Meta(ge=0)]
    """Steps before this one of the same incarnation; 0 begins from the component's first state."""
    consumed: tuple[tuple[int, int], ...]
    """Topic and number of each message that was new at this tick, in the order in which it was given."""
    produced: tuple[tuple[int, int], ...]
    """Topic and number of each message it published."""


class CanFrame(Message, frozen=True, kw_only=True):
    """One data frame on one of the car's CAN buses."""

    bus: Annotated[str, Meta(min_length=1, max_length=32)]
    can_id: Annotated[int, Meta(ge=0, lt=1 << 29)]
    data: Annotated[bytes, Meta(max_length=64)]
    extended: bool = False
    """The identifier has 29 bits."""


class CanFrames(Message, frozen=True, kw_only=True):
    """Frames that one process of the live car has put on the buses at a tick, in the order of sending."""

    stamp_ns: Stamp
    frames: Annotated[tuple[CanFrame, ...], Meta(max_length=2048)]


class FreezeRecord(Message, frozen=True, kw_only=True):
    """One value that a trouble code keeps of its moment."""

    did: Annotated[int, Meta(ge=0, le=0xFFFF)]
    """Data identifier, as `vehicle.ecus.CIRCUMSTANCES` has them."""
    record: Annotated[bytes, Meta(max_length=64)]


class Trouble(Message, frozen=True, kw_only=True):
    """A monitor of the car's port found that something fails, or that it has passed again."""

    stamp_ns: Stamp
    code: Annotated[int, Meta(ge=0, lt=1 << 24)]
    """Trouble code and failure type, three bytes (SAE J2012-DA, recalled)."""
    failed: bool
    snapshot: Annotated[tuple[FreezeRecord, ...], Meta(max_length=16)] = ()


class FlashUse(Message, frozen=True, kw_only=True):
    """How much is written to flash, and how long it lasts, every two seconds and at each change."""

    stamp_ns: Stamp
    written_bytes: Annotated[int, Meta(ge=0)]
    """Today (UTC), granted to all owners together."""
    day_most_bytes: Annotated[int, Meta(ge=0)]
    """The day's budget."""
    owners: tuple[tuple[str, int], ...]
    """The eight that have most of today, with their bytes."""
    counted_bytes: Annotated[int, Meta(ge=0)]
    """What the recorder was charged with since it started."""
    measured_bytes: Annotated[int, Meta(ge=0)] | None
    """What the kernel says that its process sent to disks in that time; null: it does not tell."""
    left_years: Annotated[float, Meta(ge=0.0, le=1000.0)]
    """Of a new flash, at the mean of the last days on which something was written."""
    budget_years: Annotated[float, Meta(ge=0.0, le=1000.0)]
    """Of a new flash whose budget is used up daily."""
    clips: Annotated[int, Meta(ge=0)]
    """Of events, on the disk."""
    clips_bytes: Annotated[int, Meta(ge=0)]
    refused: str
    """Why something could not be written; empty while all can."""


# --- the car as a whole ---------------------------------------------------------------------------


class PowerState(WordEnum):
    """How far the car is switched on."""

    OFF = "off"
    """Nothing runs."""
    SLEEP = "sleep"
    """Only what can wake it."""
    WAKE = "wake"
    """Its processes start."""
    PARKED = "parked"
    """All answer; the garage jobs run."""
    READY = "ready"
    """On the way to driving or from it; the DC/DC converter feeds the 12 V side from here on."""
    DRIVING = "driving"
    SHUTDOWN = "shutdown"
    """Everything ends."""


class CarPower(Message, frozen=True, kw_only=True):
    """The car's power state, at each change and twice a second."""

    stamp_ns: Stamp
    state: PowerState
    to: PowerState | None = None
    """Where it is about to go; who is busy may hold it up for a bounded time."""
    until_ns: Stamp = 0
    """When it goes there whoever is busy; 0: it goes nowhere."""
    supply_v: float
    """Of the 12 V side."""
    supply_low: bool = False
    """The 12 V battery is to be spared: no garage job runs, a parked car goes to sleep."""
