"""What the cockpit shows: one `CockpitFrame` at a time, from the loop over the server to every screen.

Every `CockpitFrame` is the whole state, never a difference: a screen that opens late or misses frames
is right at the next one. It holds only what the car itself believes and plans, never the world's truth.
Roads travel as packed centimetres (`Packed`), because a window of the map as floats would be ten times
the rest of the frame.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from volant.caros.cockpit.shapes import schema_hash
from volant.core.body import StationKind
from volant.core.messages import (
    Alert,
    AppCard,
    BrakeStage,
    CommandSource,
    Constraint,
    Engagement,
    Escalation,
    Gear,
    Guidance,
    Indicator,
    LaneWarning,
    Length,
    LightState,
    Message,
    ObjectClass,
    Percent,
    Ratio,
    Stamp,
    TroubleCode,
)
from volant.core.updates import UpdateState

Packed = Annotated[bytes, Meta(max_length=60_000)]
"""Little-endian int16 triples (x, y, z) in centimetres relative to the piece's origin."""


class CockpitLine(Message, frozen=True, kw_only=True):
    """One piece of a marking or kerb, in the world frame; dashes start `phase_m` along the piece."""

    piece: int
    """Stable number of this piece while the map holds."""
    kind: str
    colour: str
    width_m: Length
    dash_m: Length
    """0 draws an unbroken line."""
    gap_m: Length
    phase_m: float
    edge: bool
    """Outer edge of the paved road."""
    origin_x_m: float
    origin_y_m: float
    origin_z_m: float
    points: Packed


class CockpitSurface(Message, frozen=True, kw_only=True):
    """One piece of ground: what lies between two polylines of equally many points."""

    piece: int
    kind: str
    """`road` paved for cars, `walk` for feet, `lane` the pilot's own."""
    origin_x_m: float
    origin_y_m: float
    origin_z_m: float
    left: Packed
    right: Packed


class CockpitPost(Message, frozen=True, kw_only=True):
    """A traffic light of the map; what it shows stands in `CockpitFrame.lights`."""

    signal: str
    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    """The way that a driver who obeys it looks."""


class CockpitBar(Message, frozen=True, kw_only=True):
    """A line to stop at, across one lane."""

    from_x_m: float
    from_y_m: float
    to_x_m: float
    to_y_m: float
    z_m: float
    solid: bool
    """Stop; broken is to give way."""


class CockpitZebra(Message, frozen=True, kw_only=True):
    """A crossing for people: its corners in order."""

    x_m: tuple[float, ...]
    y_m: tuple[float, ...]
    z_m: float
    signalled: bool
    """Has a light of its own, and so no stripes."""


class CockpitRoad(Message, frozen=True, kw_only=True):
    """The map near the car."""

    lines: tuple[CockpitLine, ...]
    surfaces: tuple[CockpitSurface, ...]
    left_hand: bool
    posts: tuple[CockpitPost, ...]
    bars: tuple[CockpitBar, ...]
    zebras: tuple[CockpitZebra, ...]


class CockpitEgo(Message, frozen=True, kw_only=True):
    """The own car where the pilot believes it is; x, y at the middle of the rear axle."""

    stamp_ns: Stamp
    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float
    grade: float
    """Rise of the road over run, along its direction, from the map."""
    yaw_rate_rps: float
    speed_mps: float
    length_m: Length
    width_m: Length
    rear_overhang_m: Length
    valid: bool


class CockpitCar(Message, frozen=True, kw_only=True):
    """Instruments, as the car's ECUs report them."""

    stamp_ns: Stamp
    speed_mps: float
    accel_mps2: float
    gear: Gear
    indicator: Indicator
    brake_lights: bool
    hold: bool
    charge_pct: Percent
    range_m: Length
    battery_power_w: float
    """Out of the battery; negative while regenerating."""
    steer_rad: float
    accelerator: Ratio
    """The driver's own, as the car measures it."""
    brake: Ratio
    hands_on: bool
    eyes_on: bool
    valid: bool


class CockpitTrack(Message, frozen=True, kw_only=True):
    """One road user as the pilot tracks it; x, y at the centre of its box."""

    track_id: int
    object_class: ObjectClass
    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float
    speed_mps: float
    accel_mps2: float
    yaw_rate_rps: float
    length_m: Length
    width_m: Length
    height_m: Length
    confidence: Ratio
    brake_lights: bool
    indicator: Indicator
    ghost: bool
    """Too new, too unsure or not seen for a while: drawn as a shadow of itself (hmi notes 9.6)."""


class CockpitPlan(Message, frozen=True, kw_only=True):
    """The chosen motion and what the pilot keeps in view with it."""

    stamp_ns: Stamp
    x_m: tuple[float, ...]
    y_m: tuple[float, ...]
    z_m: tuple[float, ...]
    accel_mps2: tuple[float, ...]
    lane: CockpitSurface | None
    """The own lane ahead, as the planner's corridor has it."""
    target_speed_mps: float
    limit_mps: float | None
    """Null where no limit holds."""
    limit_is_default: bool
    constraint: Constraint
    reason: str
    manoeuvre: str
    lead_id: int | None
    gap_m: float | None
    time_gap_s: float | None
    confidence: Ratio
    distance_left_m: float | None
    arrived: bool
    guidance: Guidance | None
    rerouted: int


class CockpitLight(Message, frozen=True, kw_only=True):
    """A traffic light as the camera sees it now."""

    x_m: float
    y_m: float
    z_m: float
    state: LightState


class CockpitAeb(Message, frozen=True, kw_only=True):
    """Emergency braking: warns, brakes, holds, or cannot."""

    stage: BrakeStage
    words: str
    object_class: ObjectClass | None
    time_to_contact_s: float | None


class CockpitRoute(Message, frozen=True, kw_only=True):
    """The way to go on the map, thinned out, from the start to the destination."""

    x_m: tuple[float, ...]
    y_m: tuple[float, ...]


class CockpitPilot(Message, frozen=True, kw_only=True):
    """Who drives, and why."""

    engagement: Engagement
    code: str
    words: str
    set_speed_mps: float
    time_gap_setting_s: float
    functions: tuple[str, ...]
    ready: bool
    blockers: tuple[str, ...]
    blocker_words: tuple[str, ...]
    switched_off: tuple[str, ...]
    escalation: Escalation
    departure: LaneWarning
    blind_spot_left: bool
    blind_spot_right: bool


class CockpitGuard(Message, frozen=True, kw_only=True):
    """The guard's last word."""

    source: CommandSource
    limited: bool
    reason: str


class CockpitStop(Message, frozen=True, kw_only=True):
    """The car is stopped by itself, or stands after that; shown in place of the pilot's own word."""

    stands: bool
    words: str
    reason: str
    """Why it stops; once it stands, what the driver can do."""


class CockpitCodes(Message, frozen=True, kw_only=True):
    """Trouble codes, as `TroubleCodes` has them."""

    number: int
    count: int
    codes: tuple[TroubleCode, ...]
    may_clear: bool
    refused: str


class CockpitEnergy(Message, frozen=True, kw_only=True):
    """What is expected of the charge, as `EnergyState` has it."""

    range_m: Length
    arrival_pct: float | None
    """Without a stop; below 0: so much would be missing. Null without a route."""
    arrival_low_pct: float | None
    arrival_high_pct: float | None
    reaches: bool
    advice: str
    """Empty: there is none to give."""


class CockpitCharge(Message, frozen=True, kw_only=True):
    """Charging and preconditioning, as the body has them."""

    station: StationKind
    power_w: Length
    limit_pct: Percent
    left_s: Length | None
    """Until the limit is reached; null: that is not to be."""
    starts_s: Length | None
    """From now until charging begins; null: it does not wait."""
    why: str
    """Why it does not charge, for people; empty: it does."""
    cabin: bool
    """The climate runs for a departure."""
    battery: bool
    """The battery is warmed."""


class CockpitUpdate(Message, frozen=True, kw_only=True):
    """What updates have in hand, with units named for people."""

    state: UpdateState
    silent: bool
    """It has not been heard for a while: this is what it said last."""


class CockpitReplay(Message, frozen=True, kw_only=True):
    """Set while a journal is watched instead of a drive."""

    name: str
    paused: bool
    speed: float
    position_s: float
    length_s: float


class CockpitFrame(Message, frozen=True, kw_only=True):
    """Everything that the cluster shows at one time; a part that has never come is null."""

    schema: str
    """`SCHEMA_HASH` of the writer; a screen built for another one says so instead of guessing."""
    sequence: int
    stamp_ns: Stamp
    """The car's time when the frame was made; each part has its own stamp."""
    car_age_s: Length
    pilot_age_s: Length
    """Age of the oldest of localization, tracks and plan; the scene greys above 0.25 s."""
    car: CockpitCar | None
    ego: CockpitEgo | None
    tracks_stamp_ns: Stamp
    """Time of the tracks; 0 where none ever came."""
    tracks: tuple[CockpitTrack, ...]
    plan: CockpitPlan | None
    pilot: CockpitPilot | None
    guard: CockpitGuard | None
    stop: CockpitStop | None
    alert: Alert | None
    """The one alert on show: highest level, then the one that ends first."""
    road_window: int
    """Number of the window of the map; 0 where there is none yet."""
    road: bytes
    """A `CockpitRoad`, encoded once a window: with its first frames and then twice a second, else empty.
    A screen decodes it when it has not yet the window of this number."""
    lights: tuple[CockpitLight, ...]
    aeb: CockpitAeb | None
    route_number: int
    """Number of the route; 0 where there is none."""
    route: bytes
    """A `CockpitRoute`, encoded once a route: a screen decodes it when the number changes."""
    codes: CockpitCodes | None
    """Null where nobody looks for trouble codes."""
    energy: CockpitEnergy | None
    """Null where nobody looks ahead."""
    charge: CockpitCharge | None
    """Null where the body is not heard."""
    apps: tuple[AppCard, ...] = ()
    """What apps show, and the addresses of their pages."""
    update: CockpitUpdate | None = None
    """Null where the car takes no updates."""
    replay: CockpitReplay | None = None


SCHEMA_HASH: Final = schema_hash((CockpitFrame, CockpitRoad, CockpitRoute))
