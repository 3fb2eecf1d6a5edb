"""What the guard is set to, sees at a tick, and remembers to the next."""

from __future__ import annotations

import enum

import msgspec

from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import (
    CarState,
    Command,
    DriverRequest,
    Indicator,
    LaneReturn,
    StopPath,
)
from volant.safety import limits
from volant.safety.driver import DriverTuning
from volant.safety.gyro import GyroTuning, GyroZero
from volant.safety.lane import LaneHold, LaneTuning
from volant.safety.limits import LimitTable
from volant.safety.stop import Place, StopTuning, TrustedPath


class GuardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The car's geometry (handed over from its spec), the table of limits, and the guard's times."""

    wheelbase_m: float
    """From the car's spec; turns curvature into the angle of the road wheels."""
    steering_ratio: float
    """Steering wheel angle per road wheel angle, from the car's spec."""
    max_curvature_per_m: float = 0.2
    """What the car can turn, from its spec; the table's own bound holds too."""
    max_steer_rate_rps: float = 0.5
    """Of the road wheels, by the actuator; the table's own bound holds too."""
    limits: LimitTable = limits.TABLE
    """The rows by source (docs/reference/guard.md)."""
    driver: DriverTuning = DriverTuning()
    """When a pedal or the wheel counts as used."""
    stop: StopTuning = StopTuning()
    """How a stop path is judged and followed."""
    lane: LaneTuning = LaneTuning()
    """When the camera's lane is believed in a stop."""
    gyro: GyroTuning = GyroTuning()
    """How the gyro's zero is learnt."""
    rear_slip_rad_per_mps2: float = 0.0
    """Slip angle of the rear axle by lateral acceleration, from the car's spec; not negative. The axle
    moves so much less to the left than it points, where the acceleration is to the left."""
    stale_s: float = 0.05
    """Five control ticks: at 30 m/s the car drives 1.5 m on an old command."""
    engage_wait_s: float = 0.2
    """A press of the button counts this long, for a pilot that answers at its own slower tick."""
    path_age_s: float = 1.0
    """An older trusted path is still followed, but said: twenty pilot ticks."""
    assist_age_s: float = 0.1
    """Older wishes of lane keeping fade: two pilot ticks."""
    assist_least_mps: float = 8.0
    """Slower than this lane keeping adds nothing: it works on roads, and a small acceleration would turn
    the wheels far."""
    hold_s: float = 1.0
    """At standstill after the guard's own stop, before the permission ends."""


class GuardInput(msgspec.Struct, frozen=True):
    """Everything the guard sees at one control tick; latest messages, None where there was none yet."""

    stamp_ns: int
    car: CarState | None
    command: Command | None
    aeb: Command | None = None
    stop_path: StopPath | None = None
    requests: tuple[DriverRequest, ...] = ()
    minimal_risk: bool = False
    """The pilot says that it makes a minimal-risk manoeuvre."""
    pilot_off: bool = False
    """The pilot says that it is off or only ready; then its command means nothing."""
    assist_curvature_per_m: float = 0.0
    """What lane keeping wants to add to the driver's own steering; left positive."""
    assist_ns: int = -1
    """When it was said; -1: never."""
    lane: LaneReturn | None = None
    """What the camera told of the lane since the last tick."""
    near: bool = False
    """Emergency braking sees somebody who may call for more than comfort braking."""


class Permission(enum.Enum):
    """Who may drive."""

    DRIVER = "driver"
    PILOT = "pilot"
    STOPPING = "stopping"
    """The guard itself, until the car stands."""


class GuardState(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard remembers from one tick to the next."""

    permission: Permission = Permission.DRIVER
    stamp_ns: int = -CONTROL_TICK_NS
    car: CarState | None = None
    """The last good one."""
    command: Command | None = None
    """The pilot's last good one."""
    broken: str = ""
    """Why what came after the last good command or car state was not taken."""
    accel_mps2: float = 0.0
    """Last output."""
    curvature_per_m: float = 0.0
    assist_mps2: float = 0.0
    """Lateral acceleration that lane keeping has added at last."""
    hold: bool = False
    indicator: Indicator = Indicator.OFF
    accels: tuple[float, ...] = ()
    """Outputs of the last second, oldest first; for the mean of jerk."""
    laterals: tuple[float, ...] = ()
    """Speed squared times output curvature of the last half second."""
    speed_mps: float = 0.0
    """By the wheels; by the commanded acceleration while they are silent."""
    places: tuple[Place, ...] = ()
    """Of the last half second, to place a path that was planned a little earlier."""
    seen_path_ns: int = -1
    """Stamp of the last stop path judged."""
    path_fault: str = ""
    """What was wrong with it."""
    trusted: TrustedPath | None = None
    lane: LaneHold = LaneHold()
    """What the camera said in this stop."""
    gyro: GyroZero = GyroZero()
    """What the gyro says of a car that does not turn."""
    slip_rad: float = 0.0
    """Of the rear axle, by the present lateral acceleration; left positive."""
    stop_reason: str = ""
    stood_s: float = 0.0
    engage_until_ns: int = -1
