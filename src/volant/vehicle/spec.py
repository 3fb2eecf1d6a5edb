"""Facts of one car as read from `cars/*.toml`: every figure with its status and its source.

A figure is `{ value = ..., status = "read" | "estimated" | "recalled" | "calibrated", source = "..." }`.
Unknown keys and values out of bounds are refused with file and line. Nothing here simulates.
"""

from __future__ import annotations

import enum
import itertools
import math
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from volant.core.errors import InputError
from volant.core.settings import load_toml

T = TypeVar("T")
Positive = Annotated[float, Meta(gt=0.0)]
NotNegative = Annotated[float, Meta(ge=0.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Status(enum.Enum):
    """How well a figure is known."""

    READ = "read"
    """Read in the named source."""
    ESTIMATED = "estimated"
    """Derived or judged by us; the source says from what."""
    RECALLED = "recalled"
    """From memory, not checked."""
    CALIBRATED = "calibrated"
    """Fitted by us; the source says to which published figure."""


class Figure(msgspec.Struct, Generic[T], frozen=True, forbid_unknown_fields=True):
    """One figure of a car, its status and where it is from."""

    value: T
    status: Status
    source: Annotated[str, Meta(min_length=3)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Root of the sections of a car file."""


class Body(_Section, frozen=True, kw_only=True):
    """Masses, size and air."""

    kerb_mass_kg: Figure[Annotated[float, Meta(ge=300.0, le=5000.0)]]
    """Ready to drive, without driver."""
    gross_mass_kg: Figure[Annotated[float, Meta(ge=300.0, le=7500.0)]]
    """Technically permissible laden mass."""
    length_m: Figure[Annotated[float, Meta(ge=1.0, le=12.0)]]
    width_m: Figure[Annotated[float, Meta(ge=0.8, le=2.6)]]
    height_m: Figure[Annotated[float, Meta(ge=0.8, le=4.0)]]
    wheelbase_m: Figure[Annotated[float, Meta(ge=0.8, le=8.0)]]
    rear_overhang_m: Figure[NotNegative]
    """From the rear axle to the rear bumper."""
    track_m: Figure[Positive]
    front_axle_share: Figure[Annotated[float, Meta(gt=0.2, lt=0.8)]]
    """Share of the weight on the front axle at rest."""
    cg_height_m: Figure[Positive]
    yaw_inertia_kgm2: Figure[Positive]
    drag_coefficient: Figure[NotNegative]
    frontal_area_m2: Figure[Positive]
    roll_rad_per_mps2: Figure[NotNegative]
    """Body roll by lateral acceleration."""
    pitch_rad_per_mps2: Figure[NotNegative]
    """Body pitch by longitudinal acceleration."""


class Tyre(_Section, frozen=True, kw_only=True):
    """Tyres as an axle sees them; shape of Pacejka's magic formula."""

    radius_m: Figure[Positive]
    """Rolling radius."""
    wheel_inertia_kgm2: Figure[NotNegative]
    """Of one wheel with tyre and brake disc."""
    rolling_coefficient: Figure[NotNegative]
    friction_along: Figure[Annotated[float, Meta(gt=0.05, le=2.0)]]
    """Peak friction along the car on a dry road at the static load."""
    friction_across: Figure[Annotated[float, Meta(gt=0.05, le=2.0)]]
    """The same across the car."""
    stiffness_front_per_rad: Figure[Positive]
    """Cornering stiffness by load, with the axle's compliance."""
    stiffness_rear_per_rad: Figure[Positive]
    shape: Figure[Annotated[float, Meta(ge=1.0, le=2.0)]]
    """C of the magic formula."""
    curvature: Figure[Annotated[float, Meta(ge=-10.0, le=1.0)]]
    """E of the magic formula."""
    load_sensitivity: Figure[Share]
    """Relative loss of friction by relative growth of load."""


class Steering(_Section, frozen=True, kw_only=True):
    """Steering gear and its actuator."""

    max_steer_rad: Figure[Annotated[float, Meta(gt=0.0, lt=1.3)]]
    """Of the front road wheels, mean of both."""
    ratio: Figure[Positive]
    """Steering wheel angle by road wheel angle."""
    max_rate_rps: Figure[Positive]
    """Of the road wheels under the actuator."""
    lag_s: Figure[NotNegative]
    dead_time_s: Figure[Annotated[float, Meta(ge=0.0, le=1.0)]]


class Brakes(_Section, frozen=True, kw_only=True):
    """Friction brakes and their actuator."""

    dead_time_s: Figure[Annotated[float, Meta(ge=0.0, le=1.0)]]
    build_up_s: Figure[Positive]
    """From nothing to the greatest force, linear."""
    max_decel_mps2: Figure[Annotated[float, Meta(gt=0.0, le=20.0)]]
    """That the force of the brakes could give at kerb mass and driver, tyres permitting."""
    abs_efficiency: Figure[Annotated[float, Meta(gt=0.5, le=1.0)]]
    """Share of the peak friction that the anti-lock control uses."""


class Motor(_Section, frozen=True, kw_only=True):
    """Motor, inverter, gear and regeneration."""

    peak_torque_nm: Figure[Positive]
    peak_power_w: Figure[Positive]
    max_speed_mps: Figure[Positive]
    """Top speed that the drive allows."""
    gear_ratio: Figure[Positive]
    gear_efficiency: Figure[Annotated[float, Meta(gt=0.5, le=1.0)]]
    driven_front_share: Figure[Share]
    """1 for front-wheel drive, 0 for rear-wheel drive."""
    rotor_inertia_kgm2: Figure[NotNegative]
    lag_s: Figure[NotNegative]
    power_share: Figure[Annotated[tuple[Share, ...], Meta(min_length=2)]]
    """Grid of the efficiency map: mechanical power by peak power, rising from 0 to 1."""
    efficiency: Figure[
        Annotated[tuple[Annotated[float, Meta(gt=0.0, le=1.0)], ...], Meta(min_length=2)]
    ]
    """Motor with inverter at the grid, driving and regenerating."""
    regen_power_w: Figure[NotNegative]
    """Greatest power at the wheels."""
    regen_full_speed_mps: Figure[Positive]
    """Above it regeneration is whole."""
    regen_end_speed_mps: Figure[NotNegative]
    """Below it there is none."""
    unmodelled_loss_share: Figure[Annotated[float, Meta(ge=-0.2, le=0.3)]]
    """Extra loss by the power through the drive: the one calibrated figure of a family."""


class Battery(_Section, frozen=True, kw_only=True):
    """Traction battery as one equivalent source."""

    gross_kwh: Figure[Positive]
    usable_share: Figure[Annotated[float, Meta(gt=0.5, le=1.0)]]
    cells_in_series: Figure[Annotated[int, Meta(ge=1, le=400)]]
    resistance_ohm: Figure[NotNegative]
    """Of the whole pack at 25 degrees Celsius."""
    heat_capacity_jpk: Figure[Positive]
    cooling_wpk: Figure[NotNegative]
    discharge_w: Figure[Positive]
    charge_w: Figure[Positive]
    """Greatest power it accepts while driving, mid charge and warm."""


class Auxiliaries(_Section, frozen=True, kw_only=True):
    """What draws power besides the drive."""

    base_w: Figure[NotNegative]
    climate_w_per_k: Figure[NotNegative]
    """Heating or cooling by degree outside the comfort band of 18 to 24 degrees Celsius."""
    climate_max_w: Figure[NotNegative]


class Measured(_Section, frozen=True, kw_only=True):
    """How well the car's own sensors measure; all zero is perfect."""

    speed_quantum_mps: Figure[NotNegative]
    speed_sigma_mps: Figure[NotNegative]
    accel_sigma_mps2: Figure[NotNegative]
    yaw_rate_sigma_rps: Figure[NotNegative]
    steer_quantum_rad: Figure[NotNegative]


class Published(_Section, frozen=True, kw_only=True):
    """Figures that others published; the simulated car is measured against them, never fed by them."""

    nedc_km: Figure[Positive] | None = None
    wltc_km: Figure[Positive] | None = None
    zero_to_100_kmh_s: Figure[Positive] | None = None
    zero_to_50_kmh_s: Figure[Positive] | None = None


class CarSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything we know about one car."""

    name: Annotated[str, Meta(pattern="^[a-z0-9-]+$")]
    title: str
    body: Body
    tyre: Tyre
    steering: Steering
    brakes: Brakes
    motor: Motor
    battery: Battery
    auxiliaries: Auxiliaries
    measured: Measured
    published: Published

    @property
    def length_m(self) -> float:
        """Bumper to bumper."""
        return self.body.length_m.value

    @property
    def width_m(self) -> float:
        """Without mirrors."""
        return self.body.width_m.value

    @property
    def height_m(self) -> float:
        """Unladen."""
        return self.body.height_m.value

    @property
    def wheelbase_m(self) -> float:
        """Front to rear axle."""
        return self.body.wheelbase_m.value

    @property
    def rear_overhang_m(self) -> float:
        """Rear axle to rear bumper."""
        return self.body.rear_overhang_m.value

    @property
    def steering_ratio(self) -> float:
        """Steering wheel angle by road wheel angle."""
        return self.steering.ratio.value

    @property
    def max_steer_rad(self) -> float:
        """Greatest angle of the front road wheels."""
        return self.steering.max_steer_rad.value

    @property
    def max_curvature_per_m(self) -> float:
        """Tightest path of the rear axle's middle at walking pace."""
        return math.tan(self.max_steer_rad) / self.wheelbase_m

    @property
    def usable_j(self) -> float:
        """Energy between a full and an empty battery at no load."""
        return self.battery.gross_kwh.value * self.battery.usable_share.value * 3.6e6


def load_spec(path: Path) -> CarSpec:
    """Read one car file.

    Raises:
        InputError: unreadable, not TOML, unknown or missing key, value out of bounds (file and line).
    """
    spec = load_toml(path, CarSpec)
    problem = _contradiction(spec)
    if problem is not None:
        where, words = problem
        raise InputError(words, file=str(path), where=where)
    return spec


def _contradiction(spec: CarSpec) -> tuple[str, str] | None:
    """The first place where figures that are each in bounds do not fit each other."""
    body, motor = spec.body, spec.motor
    grid = motor.power_share.value
    if len(grid) != len(motor.efficiency.value):
        return "motor.efficiency", f"{len(motor.efficiency.value)} values, expected {len(grid)}"
    rising = all(low < high for low, high in itertools.pairwise(grid))
    if not rising or grid[0] != 0.0 or grid[-1] != 1.0:
        return "motor.power_share", "expected a grid that rises from 0 to 1"
    if motor.regen_end_speed_mps.value >= motor.regen_full_speed_mps.value:
        return "motor.regen_end_speed_mps", "expected below regen_full_speed_mps"
    if body.wheelbase_m.value + body.rear_overhang_m.value >= body.length_m.value:
        return "body.wheelbase_m", "wheelbase and rear overhang do not fit into the length"
    if body.gross_mass_kg.value < body.kerb_mass_kg.value:
        return "body.gross_mass_kg", "expected at least the kerb mass"
    return None
