"""Facts of one car as they stand in `cars/*.toml`: every figure with its status and its source.

A figure is `{ value = ..., status = "read" | "estimated" | "recalled" | "calibrated", source = "..." }`.
Unknown keys and values out of bounds are refused with file and line. Bounds are wide: they hold every
road vehicle from a quadricycle to a lorry (chosen; the description says between what) and keep out slips
of a digit or a unit, and what the plant's arithmetic could not bear. Nothing here simulates.
"""

from __future__ import annotations

import enum
import math
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")
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

    kerb_mass_kg: Figure[
        Annotated[float, Meta(ge=300.0, le=5000.0, description="quadricycle to electric van")]
    ]
    """Ready to drive, without driver."""
    gross_mass_kg: Figure[
        Annotated[float, Meta(ge=300.0, le=7500.0, description="as the kerb mass, laden")]
    ]
    """Technically permissible laden mass."""
    length_m: Figure[
        Annotated[
            float,
            Meta(
                ge=1.0,
                le=12.0,
                description="microcar to the longest rigid vehicle of EU 96/53 (recalled)",
            ),
        ]
    ]
    width_m: Figure[Annotated[float, Meta(ge=0.8, le=2.6, description="up to EU 96/53 (recalled)")]]
    height_m: Figure[
        Annotated[float, Meta(ge=0.8, le=4.0, description="up to EU 96/53 (recalled)")]
    ]
    wheelbase_m: Figure[Annotated[float, Meta(ge=0.8, le=8.0, description="fits the lengths")]]
    rear_overhang_m: Figure[Annotated[float, Meta(ge=0.0, le=4.0, description="fits the lengths")]]
    """From the rear axle to the rear bumper."""
    track_m: Figure[Annotated[float, Meta(ge=0.5, le=2.5, description="fits the widths")]]
    front_axle_share: Figure[
        Annotated[float, Meta(ge=0.2, le=0.8, description="beyond it steers or climbs no more")]
    ]
    """Share of the weight on the front axle at rest."""
    cg_height_m: Figure[
        Annotated[float, Meta(ge=0.1, le=2.5, description="between ground and roof")]
    ]
    yaw_inertia_kgm2: Figure[
        Annotated[
            float,
            Meta(
                ge=20.0,
                le=250000.0,
                description="a quarter of a uniform rod to all mass at both ends",
            ),
        ]
    ]
    drag_coefficient: Figure[
        Annotated[
            float,
            Meta(ge=0.0, le=1.5, description="0: no air; a plate across the wind has about 1.2"),
        ]
    ]
    frontal_area_m2: Figure[
        Annotated[float, Meta(ge=0.3, le=11.0, description="within width times height")]
    ]
    roll_rad_per_mps2: Figure[
        Annotated[
            float,
            Meta(ge=0.0, le=0.05, description="0: rigid; 28 degrees a g would lie on its side"),
        ]
    ]
    """Body roll by lateral acceleration."""
    pitch_rad_per_mps2: Figure[Annotated[float, Meta(ge=0.0, le=0.05, description="as roll")]]
    """Body pitch by longitudinal acceleration."""


class Tyre(_Section, frozen=True, kw_only=True):
    """Tyres as an axle sees them; shape of Pacejka's magic formula."""

    radius_m: Figure[
        Annotated[float, Meta(ge=0.15, le=0.7, description="8 inch quadricycle to lorry wheels")]
    ]
    """Rolling radius."""
    wheel_inertia_kgm2: Figure[
        Annotated[float, Meta(ge=0.0, le=30.0, description="0: none; lorry wheels have some 15")]
    ]
    """Of one wheel with tyre and brake disc."""
    rolling_coefficient: Figure[
        Annotated[float, Meta(ge=0.0, le=0.1, description="0: none; loose sand is above")]
    ]
    friction_along: Figure[
        Annotated[float, Meta(ge=0.05, le=2.0, description="wet ice to racing slicks")]
    ]
    """Peak friction along the car on a dry road at the static load."""
    friction_across: Figure[
        Annotated[float, Meta(ge=0.05, le=2.0, description="wet ice to racing slicks")]
    ]
    """The same across the car."""
    stiffness_front_per_rad: Figure[
        Annotated[
            float,
            Meta(ge=2.0, le=60.0, description="cars 8 to 25; above 60 steps of 5 ms are too long"),
        ]
    ]
    """Cornering stiffness by load, with the axle's compliance."""
    stiffness_rear_per_rad: Figure[
        Annotated[float, Meta(ge=2.0, le=60.0, description="as in front")]
    ]
    shape: Figure[
        Annotated[float, Meta(ge=1.0, le=2.0, description="C where the formula is a tyre")]
    ]
    """C of the magic formula."""
    curvature: Figure[
        Annotated[float, Meta(ge=-10.0, le=1.0, description="above 1 the force turns over")]
    ]
    """E of the magic formula."""
    load_sensitivity: Figure[Share]
    """Relative loss of friction by relative growth of load."""


class Steering(_Section, frozen=True, kw_only=True):
    """Steering gear and its actuator."""

    max_steer_rad: Figure[
        Annotated[float, Meta(ge=0.05, le=1.3, description="hardly turns, to almost across")]
    ]
    """Of the front road wheels, mean of both."""
    ratio: Figure[Annotated[float, Meta(ge=1.0, le=40.0, description="by wire to lorries")]]
    """Steering wheel angle by road wheel angle."""
    max_rate_rps: Figure[
        Annotated[
            float,
            Meta(
                ge=0.02,
                le=10.0,
                description="a full lock in a minute, to a test that steers at once",
            ),
        ]
    ]
    """Of the road wheels under the actuator."""
    lag_s: Figure[Annotated[float, Meta(ge=0.0, le=2.0, description="slower is no steering")]]
    dead_time_s: Figure[
        Annotated[float, Meta(ge=0.0, le=1.0, description="a queue of at most 200 steps")]
    ]


class Brakes(_Section, frozen=True, kw_only=True):
    """Friction brakes and their actuator."""

    dead_time_s: Figure[
        Annotated[float, Meta(ge=0.0, le=1.0, description="a queue of at most 200 steps")]
    ]
    build_up_s: Figure[
        Annotated[
            float,
            Meta(
                ge=0.01, le=5.0, description="slower is no brake; faster than two steps is at once"
            ),
        ]
    ]
    """From nothing to the greatest force, linear."""
    max_decel_mps2: Figure[
        Annotated[
            float, Meta(ge=3.0, le=20.0, description="cars must reach 6.4 (UN R13-H, recalled)")
        ]
    ]
    """That the force of the brakes could give at kerb mass and driver, tyres permitting."""
    abs_efficiency: Figure[
        Annotated[float, Meta(ge=0.5, le=1.0, description="sliding wheels keep some 0.8")]
    ]
    """Share of the peak friction that the anti-lock control uses."""


class Motor(_Section, frozen=True, kw_only=True):
    """Motor, inverter, gear and regeneration."""

    peak_torque_nm: Figure[
        Annotated[
            float,
            Meta(ge=5.0, le=20000.0, description="hub motor of a quadricycle to a lorry axle"),
        ]
    ]
    peak_power_w: Figure[
        Annotated[
            float,
            Meta(ge=1000.0, le=2000000.0, description="quadricycle to the strongest road car"),
        ]
    ]
    max_speed_mps: Figure[
        Annotated[float, Meta(ge=3.0, le=140.0, description="walking pace to the fastest road car")]
    ]
    """Top speed that the drive allows."""
    gear_ratio: Figure[Annotated[float, Meta(ge=0.5, le=50.0, description="hub motors have 1")]]
    gear_efficiency: Figure[
        Annotated[float, Meta(ge=0.5, le=1.0, description="worm gears are the worst")]
    ]
    driven_front_share: Figure[Share]
    """1 for front-wheel drive, 0 for rear-wheel drive."""
    rotor_inertia_kgm2: Figure[
        Annotated[float, Meta(ge=0.0, le=5.0, description="cars 0.02 to 0.1")]
    ]
    lag_s: Figure[Annotated[float, Meta(ge=0.0, le=2.0, description="slower is no drive")]]
    power_share: Figure[Annotated[tuple[Share, ...], Meta(min_length=2, max_length=200)]]
    """Grid of the efficiency map: mechanical power by peak power, rising from 0 to 1."""
    efficiency: Figure[
        Annotated[
            tuple[Annotated[float, Meta(ge=0.05, le=1.0)], ...], Meta(min_length=2, max_length=200)
        ]
    ]
    """Motor with inverter at the grid, driving and regenerating."""
    regen_power_w: Figure[
        Annotated[float, Meta(ge=0.0, le=2000000.0, description="0: none; as the peak power")]
    ]
    """Greatest power at the wheels."""
    regen_full_speed_mps: Figure[
        Annotated[float, Meta(ge=0.1, le=140.0, description="as the top speed")]
    ]
    """Above it regeneration is whole."""
    regen_end_speed_mps: Figure[
        Annotated[float, Meta(ge=0.0, le=140.0, description="as the top speed")]
    ]
    """Below it there is none."""
    unmodelled_loss_share: Figure[
        Annotated[float, Meta(ge=-0.2, le=0.3, description="more is no small loss")]
    ]
    """Extra loss by the power through the drive: the one calibrated figure of a family."""


class Battery(_Section, frozen=True, kw_only=True):
    """Traction battery as one equivalent source."""

    gross_kwh: Figure[Annotated[float, Meta(ge=1.0, le=1000.0, description="quadricycle to lorry")]]
    usable_share: Figure[
        Annotated[float, Meta(ge=0.5, le=1.0, description="hybrids use the least")]
    ]
    cells_in_series: Figure[
        Annotated[int, Meta(ge=1, le=400, description="up to 1500 V, low voltage by UN R100")]
    ]
    resistance_ohm: Figure[
        Annotated[
            float,
            Meta(
                ge=0.001, le=10.0, description="packs 0.005 to 0.5; with none nothing would be lost"
            ),
        ]
    ]
    """Of the whole pack at 25 degrees Celsius."""
    heat_capacity_jpk: Figure[
        Annotated[
            float, Meta(ge=5000.0, le=20000000.0, description="900 J/kg/K times 6 kg to 20 t")
        ]
    ]
    cooling_wpk: Figure[
        Annotated[
            float,
            Meta(
                ge=0.0,
                le=5000.0,
                description="0: insulated; more than the heat capacity carries in a step is no cooling",
            ),
        ]
    ]
    discharge_w: Figure[
        Annotated[float, Meta(ge=1000.0, le=2000000.0, description="as the peak power")]
    ]
    charge_w: Figure[
        Annotated[float, Meta(ge=0.0, le=2000000.0, description="0: takes none; as the peak power")]
    ]
    """Greatest power it accepts while driving, mid charge and warm."""


class Charging(_Section, frozen=True, kw_only=True):
    """What the car takes from a station, and how it warms its battery for it."""

    ac_w: Figure[
        Annotated[float, Meta(ge=500.0, le=100000.0, description="a socket to a coach's charger")]
    ]
    """Greatest power of the on-board charger at the inlet."""
    ac_efficiency: Figure[
        Annotated[float, Meta(ge=0.5, le=1.0, description="the worst at a few amperes")]
    ]
    """Into the battery by power at the inlet; a DC station converts outside the car."""
    dc_w: Figure[
        Annotated[float, Meta(ge=1000.0, le=5000000.0, description="to megawatt charging")]
    ]
    """Greatest power into the battery from a DC station, warm."""
    charge: Figure[Annotated[tuple[Share, ...], Meta(min_length=2, max_length=200)]]
    """Grid of the charge curve: share of the usable window, rising from 0 to 1."""
    charge_share: Figure[Annotated[tuple[Share, ...], Meta(min_length=2, max_length=200)]]
    """Of dc_w at the grid; above 0, so that a battery gets full."""
    temperature_k: Figure[
        Annotated[
            tuple[Annotated[float, Meta(ge=200.0, le=400.0)], ...],
            Meta(min_length=2, max_length=200),
        ]
    ]
    """Grid of the battery's temperature, rising; beyond its ends the end holds."""
    temperature_share: Figure[Annotated[tuple[Share, ...], Meta(min_length=2, max_length=200)]]
    """Of the curve at this temperature."""
    heater_w: Figure[Annotated[float, Meta(ge=0.0, le=50000.0, description="0: none; bus")]]
    """Of the battery's heater."""
    warm_k: Figure[
        Annotated[float, Meta(ge=250.0, le=330.0, description="cells are hurt well above")]
    ]
    """Up to which the heater warms the battery before and during DC charging."""


class Auxiliaries(_Section, frozen=True, kw_only=True):
    """What draws power besides the drive."""

    base_w: Figure[
        Annotated[float, Meta(ge=0.0, le=20000.0, description="below the least pack of a car")]
    ]
    climate_w_per_k: Figure[
        Annotated[float, Meta(ge=0.0, le=2000.0, description="bus with open doors")]
    ]
    """Heating or cooling by degree outside the comfort band of 18 to 24 degrees Celsius."""
    climate_max_w: Figure[Annotated[float, Meta(ge=0.0, le=50000.0, description="bus")]]


class Measured(_Section, frozen=True, kw_only=True):
    """How well the car's own sensors measure; all zero is perfect."""

    speed_quantum_mps: Figure[
        Annotated[float, Meta(ge=0.0, le=1.0, description="coarser tells no speed")]
    ]
    speed_sigma_mps: Figure[
        Annotated[float, Meta(ge=0.0, le=5.0, description="coarser tells no speed")]
    ]
    accel_sigma_mps2: Figure[Annotated[float, Meta(ge=0.0, le=10.0, description="one g")]]
    yaw_rate_sigma_rps: Figure[
        Annotated[float, Meta(ge=0.0, le=1.0, description="coarser tells no turn")]
    ]
    steer_quantum_rad: Figure[
        Annotated[float, Meta(ge=0.0, le=0.2, description="coarser tells no angle")]
    ]


class Published(_Section, frozen=True, kw_only=True):
    """Figures that others published; the simulated car is measured against them, never fed by them."""

    nedc_km: (
        Figure[
            Annotated[
                float, Meta(ge=5.0, le=5000.0, description="what a battery within bounds can do")
            ]
        ]
        | None
    ) = None
    wltc_km: Figure[Annotated[float, Meta(ge=5.0, le=5000.0, description="as above")]] | None = None
    zero_to_100_kmh_s: (
        Figure[
            Annotated[float, Meta(ge=1.0, le=200.0, description="tyres allow no less than 1.5 s")]
        ]
        | None
    ) = None
    dc_30_to_80_s: (
        Figure[Annotated[float, Meta(ge=60.0, le=100000.0, description="a minute to a day")]] | None
    ) = None
    """Charging from 30 to 80 % at a DC station."""
    zero_to_50_kmh_s: (
        Figure[Annotated[float, Meta(ge=0.5, le=100.0, description="as above")]] | None
    ) = None


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
    charging: Charging
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
