"""Messages of the car's body: doors, lights, wipers, seats, climate, charging and the small loads.

`BodyState` is what the body's control units report, `BodyRequest` what somebody wants of them: a button,
a phone, an app. The body answers in its next state; what it refused stands there in words.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from volant.core.messages import Length, Message, Percent, Stamp
from volant.core.words import WordEnum

Grade = Annotated[float, Meta(ge=-100.0, le=100.0)]


class LightSwitch(WordEnum):
    """Position of the light switch."""

    OFF = "off"
    POSITION = "position"
    DAYTIME = "daytime"
    AUTO = "auto"
    BEAM = "beam"


class WiperMode(WordEnum):
    """Position of the wiper stalk."""

    OFF = "off"
    SLOW = "slow"
    MEDIUM = "medium"
    FAST = "fast"
    INTERVAL = "interval"
    RAIN_SENSOR = "rain_sensor"


class AirWay(WordEnum):
    """Where the air of a seat comes from."""

    UP = "up"
    MIDDLE = "middle"
    DOWN = "down"


class StationKind(WordEnum):
    """What a charging cable leads to."""

    NONE = "none"
    """No cable is plugged in."""
    AC = "ac"
    """Alternating current: the car's own charger makes direct current of it."""
    DC = "dc"


class ChargeTimer(WordEnum):
    """What the time of a charging means."""

    OFF = "off"
    """Charging begins as soon as there is power."""
    START = "start"
    """It begins then."""
    END = "end"
    """It is over by then."""


class Conditioning(WordEnum):
    """What the battery is warmed for."""

    OFF = "off"
    FAST_CHARGING = "fast_charging"
    DRIVING = "driving"


class BodyPlace(WordEnum):
    """Which of several alike; left and right as one sits in the car."""

    FRONT_LEFT = "front_left"
    FRONT_RIGHT = "front_right"
    REAR_LEFT = "rear_left"
    REAR_RIGHT = "rear_right"
    REAR_MIDDLE = "rear_middle"
    FRONT = "front"
    REAR = "rear"
    LEFT = "left"
    RIGHT = "right"


class BodyItem(WordEnum):
    """What can be asked of the body; the unit of its value stands beside it."""

    DOOR = "door"
    """0 closed to 100 wide open, in per cent."""
    DOOR_LOCK = "door_lock"
    """1 or 0, as all that has no other unit."""
    CHILD_LOCK = "child_lock"
    """A lever in the door: moved by people."""
    WINDOW = "window"
    """0 closed to 100 open, in per cent."""
    WINDOW_LOCK = "window_lock"
    """The switches of the rear windows are dead."""
    HOOD = "hood"
    """Per cent."""
    BOOT = "boot"
    """Per cent."""
    BOOT_LOCK = "boot_lock"
    LIGHT_SWITCH = "light_switch"
    """A word of `LightSwitch`."""
    PARKING_LIGHT = "parking_light"
    RUNNING_LIGHT = "running_light"
    LOW_BEAM = "low_beam"
    HIGH_BEAM = "high_beam"
    FOG_FRONT = "fog_front"
    FOG_REAR = "fog_rear"
    HORN = "horn"
    WIPER = "wiper"
    """A word of `WiperMode`."""
    WIPER_INTENSITY = "wiper_intensity"
    """0 to 5, of the interval."""
    MIRROR_FOLD = "mirror_fold"
    MIRROR_HEAT = "mirror_heat"
    MIRROR_YAW = "mirror_yaw"
    """-100 to 100 per cent."""
    MIRROR_TILT = "mirror_tilt"
    """-100 to 100 per cent."""
    SCREEN_HEAT = "screen_heat"
    AIR_TEMPERATURE = "air_temperature"
    """Wished, in kelvin."""
    AIR_FAN = "air_fan"
    """Per cent."""
    AIR_WAY = "air_way"
    """A word of `AirWay`."""
    AIR_CONDITIONING = "air_conditioning"
    """Heating and cooling may run."""
    RECIRCULATION = "recirculation"
    DEFROST = "defrost"
    SEAT_HEAT = "seat_heat"
    """-100 coldest to 100 warmest, in per cent."""
    SEAT_POSITION = "seat_position"
    """Metres behind the foremost."""
    SEAT_HEIGHT = "seat_height"
    """Metres above the lowest."""
    SEAT_RECLINE = "seat_recline"
    """Of the backrest, in radians, backwards positive."""
    SEAT_TILT = "seat_tilt"
    """Radians, backwards positive."""
    SEAT_OCCUPIED = "seat_occupied"
    """Somebody sits there: done by people."""
    SEAT_BELT = "seat_belt"
    """Done by people."""
    WHEEL_HEAT = "wheel_heat"
    """-100 to 100 per cent; a steering wheel is not cooled."""
    WHEEL_EXTENSION = "wheel_extension"
    """Per cent."""
    WHEEL_TILT = "wheel_tilt"
    """Per cent."""
    DOME_LIGHT = "dome_light"
    GLOVE_LIGHT = "glove_light"
    AMBIENT_LIGHT = "ambient_light"
    AMBIENT_INTENSITY = "ambient_intensity"
    """1 to 100 per cent."""
    READING_LIGHT = "reading_light"
    READING_INTENSITY = "reading_intensity"
    """1 to 100 per cent."""
    CHARGE_FLAP = "charge_flap"
    CHARGE_CABLE = "charge_cable"
    """A word of `StationKind`: plugged in or drawn, done by people."""
    STATION_POWER = "station_power"
    """What the station at the cable gives at most, in watts."""
    CABLE_LOCK = "cable_lock"
    CHARGE_LIMIT = "charge_limit"
    """Per cent of charge at which charging ends."""
    CHARGE = "charge"
    """Charging is wanted."""
    CHARGE_TIMER = "charge_timer"
    """A word of `ChargeTimer`."""
    CHARGE_TIME = "charge_time"
    """Of the timer, in seconds of the car's clock."""
    CONDITIONING = "conditioning"
    """Of the battery; a word of `Conditioning`."""
    CONDITIONING_TIME = "conditioning_time"
    """Until when, in seconds of the car's clock; 0: begin now."""
    CABIN_TIME = "cabin_time"
    """When the cabin shall be warm or cool, in seconds of the car's clock; 0: no wish."""
    TRIP = "trip"
    """Metres that the trip meter shall show."""
    GEAR = "gear"
    """A word of `Gear`: the selector of a person who drives by hand."""


class BodyRequest(Message, frozen=True, kw_only=True):
    """One thing asked of the body."""

    stamp_ns: Stamp
    item: BodyItem
    place: BodyPlace | None = None
    value: float | None = None
    """In the item's unit; null where a word says it."""
    word: str | None = None
    who: Annotated[str, Meta(max_length=100)] = ""
    """Who asked, for the record: `app:trip`, `kuksa:3`."""


class DoorState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One door with its window."""

    open_pct: Percent = 0.0
    locked: bool = False
    child_locked: bool = False
    window_pct: Percent = 0.0
    """0 closed."""


class SeatState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One seat."""

    occupied: bool = False
    belted: bool = False
    heat_pct: Grade = 0.0
    position_m: Length = 0.0
    height_m: Length = 0.0
    recline_rad: float = 0.0
    tilt_rad: float = 0.0


class MirrorState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One door mirror."""

    folded: bool = False
    heated: bool = False
    yaw_pct: Grade = 0.0
    tilt_pct: Grade = 0.0


class LightsState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Lamps outside that the body switches; indicators and brake lights are the car's (`CarState`)."""

    switch: LightSwitch = LightSwitch.AUTO
    parking: bool = False
    running: bool = True
    low: bool = False
    high: bool = False
    fog_front: bool = False
    fog_rear: bool = False
    reverse: bool = False


class AirState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The air of one front seat."""

    wished_k: Length = 294.15
    fan_pct: Percent = 30.0
    way: AirWay = AirWay.MIDDLE


class ClimateState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Climate of the cabin."""

    cabin_k: Length
    ambient_k: Length
    left: AirState = AirState()
    right: AirState = AirState()
    on: bool = True
    recirculation: bool = False
    defrost: bool = False
    power_w: Length = 0.0
    """Drawn from the battery by heating, cooling, heaters and fans beyond the base load."""


class WipersState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The front wipers."""

    mode: WiperMode = WiperMode.OFF
    intensity: Annotated[int, Meta(ge=0)] = 2
    """0 to 5, of the interval."""
    cycles_per_min: Length = 0.0


class CabinLights(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Lamps inside; ambient and reading lamps as left, right."""

    dome: bool = False
    glove: bool = False
    ambient: tuple[bool, bool] = (False, False)
    ambient_pct: tuple[Percent, Percent] = (50.0, 50.0)
    reading: tuple[bool, bool] = (False, False)
    reading_pct: tuple[Percent, Percent] = (100.0, 100.0)


class ChargeState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The charging port and what flows through it."""

    flap_open: bool = False
    cable: bool = False
    cable_locked: bool = False
    station: StationKind = StationKind.NONE
    station_w: Length = 0.0
    """What the station gives at most."""
    timer: ChargeTimer = ChargeTimer.OFF
    time_s: Length = 0.0
    """Of the timer, in seconds of the car's clock."""
    start_s: Length | None = None
    """When charging will begin, in seconds of the car's clock; null: it does not wait."""
    why: str = ""
    """Why nothing flows, in words."""
    limit_pct: Percent = 80.0
    wanted: bool = True
    power_w: Length = 0.0
    """Into the car, at the inlet."""
    most_w: Length = 0.0
    """Greatest of this charging, or of the last one."""
    left_s: Length | None = None
    """Until the limit is reached, the wait for the timer included; null: that is not to be."""


class ConditioningState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Warming of battery and cabin before a drive or a fast charging."""

    battery: Conditioning = Conditioning.OFF
    battery_s: Length = 0.0
    """Until when, in seconds of the car's clock; 0: from now on."""
    active: bool = False
    """The battery's temperature is looked after."""
    heater_w: Length = 0.0
    """Of the battery's heater."""
    target_k: Length = 0.0
    """Of the battery; 0: none."""
    cabin_s: Length = 0.0
    """When the cabin shall be ready, in seconds of the car's clock; 0: no wish."""
    cabin_active: bool = False
    """The climate runs for it."""


class TyreState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Air in one tyre."""

    pressure_pa: Length
    temperature_k: Length


class DriveState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What motor, brakes and battery count."""

    motor_rps: float = 0.0
    """Speed of the motor in rad/s."""
    motor_nm: float = 0.0
    motor_w: float = 0.0
    """Mechanical; negative while it regenerates."""
    loss_w: Length = 0.0
    """Heat in the battery."""
    consumed_j: Length = 0.0
    """Out of the battery, since the car was made."""
    recovered_j: Length = 0.0
    """Into the battery by braking."""
    charged_j: Length = 0.0
    """Into the battery by cable."""
    trip_m: Length = 0.0
    """Trip meter."""


class BodyState(Message, frozen=True, kw_only=True):
    """What body and small units report: at each change, else once a second."""

    stamp_ns: Stamp
    doors: tuple[DoorState, DoorState, DoorState, DoorState]
    """Front left, front right, rear left, rear right."""
    seats: tuple[SeatState, SeatState, SeatState, SeatState, SeatState]
    """Front left, front right, rear left, rear right, rear middle."""
    mirrors: tuple[MirrorState, MirrorState]
    """Left, right."""
    tyres: tuple[TyreState, TyreState, TyreState, TyreState]
    """Front left, front right, rear left, rear right."""
    window_lock: bool
    hood_pct: Percent
    boot_pct: Percent
    boot_locked: bool
    lights: LightsState
    cabin_lights: CabinLights
    wipers: WipersState
    screen_heat: tuple[bool, bool]
    """Front, rear."""
    horn: bool
    climate: ClimateState
    wheel_heat_pct: Grade
    wheel_extension_pct: Percent
    wheel_tilt_pct: Percent
    charge: ChargeState
    conditioning: ConditioningState
    drive: DriveState
    refused: Annotated[int, Meta(ge=0)] = 0
    """Requests that the body did not carry out, since boot."""
    refusal: str = ""
    """The last one and why, in words."""


__all__ = [
    "AirState", "AirWay", "BodyItem", "BodyPlace", "BodyRequest", "BodyState", "CabinLights",
    "ChargeState", "ChargeTimer", "ClimateState", "Conditioning", "ConditioningState", "DoorState", "DriveState", "LightSwitch", "LightsState",
    "MirrorState", "SeatState", "StationKind", "TyreState", "WiperMode", "WipersState",
]  # fmt: skip
