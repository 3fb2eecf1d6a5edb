"""Units run what they boot: the car drives as their programs say, and not at all without."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from tests.house.source_tree import REPO
from tests.vehicle.flat_world import FlatWorld
from tests.vehicle.network.bus_car import MAPPING
from tests.vehicle.reference_car import spec_of
from volant.core.chance import Chance
from volant.core.geometry import Pose
from volant.core.messages import Command, Gear, Indicator
from volant.vehicle import CarStart, SimCar, load_spec
from volant.vehicle.boot.calibration import (
    CALIBRATIONS,
    HARDWARE,
    accepts,
    dead,
    factory_programs,
    factory_tables,
    programmed,
)
from volant.vehicle.boot.image import Image, Tables, Value
from volant.vehicle.network import Media
from volant.vehicle.network.simulated import NetworkUnits
from volant.vehicle.parameters import plant_spec
from volant.vehicle.simcar import DirectUnits, UnitsStart

TICK_NS = 10_000_000
SPEC = spec_of("g3-520")
FACTS = plant_spec(SPEC)
Programs = dict[str, Image | None]
Change = tuple[str, dict[str, Value]]


def buses() -> UnitsStart:
    media = Media()
    return lambda spec, first, gone: NetworkUnits(MAPPING, media, spec, first, dead=gone)


UNITS = pytest.mark.parametrize(
    "start", [lambda: DirectUnits, buses], ids=["directly", "over buses"]
)


def with_calibration(unit: str, **changes: Value) -> Programs:
    programs = factory_programs(FACTS)
    image = programs[unit]
    assert image is not None
    tables = msgspec.structs.replace(
        image.tables, calibration={**image.tables.calibration, **changes}
    )
    return {**programs, unit: replace(image, tables=tables)}


def without(unit: str) -> Programs:
    return {**factory_programs(FACTS), unit: None}


def car(
    programs: Programs | None = None, start: Callable[[], UnitsStart] = lambda: DirectUnits
) -> SimCar:
    at = CarStart(Pose(0.0, 0.0, 0.0), speed_mps=20.0, charge_pct=60.0)
    return SimCar(SPEC, FlatWorld(), at, Chance.of(1, "car"), start(), programs)


def drive(
    made: SimCar, seconds: float, *, accel_mps2: float = 0.0, curvature_per_m: float = 0.0
) -> SimCar:
    for tick in range(1, round(seconds * 100) + 1):
        stamp_ns = tick * TICK_NS
        command = Command(
            stamp_ns=stamp_ns,
            accel_mps2=accel_mps2,
            curvature_per_m=curvature_per_m,
            gear=Gear.DRIVE,
            indicator=Indicator.LEFT,
        )
        made.apply(command, stamp_ns)
        made.advance(stamp_ns)
        made.body(stamp_ns)
        made.read(stamp_ns)
    return made


@pytest.mark.parametrize("file", sorted((REPO / "cars").glob("*.toml")), ids=lambda file: file.stem)
def test_the_factorys_programs_make_the_car_of_the_facts_to_the_last_bit(file: object) -> None:
    facts = plant_spec(load_spec(file))  # type: ignore[arg-type]
    assert programmed(facts, factory_programs(facts)) == facts


@UNITS
def test_with_weaker_brakes_the_car_stops_later(start: Callable[[], UnitsStart]) -> None:
    usual = drive(car(None, start), 6.0, accel_mps2=-6.0)
    soft = drive(car(with_calibration("brake", max_decel_mps2=3.0), start), 6.0, accel_mps2=-6.0)
    slow = drive(car(with_calibration("brake", brake_rate_nps=3e3), start), 6.0, accel_mps2=-6.0)
    assert usual.state.speed_mps == 0.0
    assert soft.state.x_m > usual.state.x_m + 15.0
    assert slow.state.x_m > usual.state.x_m + 5.0


@UNITS
def test_with_less_torque_and_power_it_gains_less(start: Callable[[], UnitsStart]) -> None:
    usual = drive(car(None, start), 4.0, accel_mps2=3.0)
    weak = drive(car(with_calibration("drive", peak_power_w=2e4), start), 4.0, accel_mps2=3.0)
    assert weak.state.speed_mps < usual.state.speed_mps - 3.0


def test_without_regeneration_the_friction_brakes_do_all() -> None:
    programs = factory_programs(FACTS)
    image = programs["drive"]
    assert image is not None
    tables = msgspec.structs.replace(image.tables, behaviour={"regenerates": False})
    programs["drive"] = replace(image, tables=tables)
    usual, without_it = (drive(car(p), 2.0, accel_mps2=-1.5) for p in (None, programs))
    assert without_it.state.battery.charge < usual.state.battery.charge
    assert without_it.state.speed_mps == pytest.approx(usual.state.speed_mps, abs=0.5)


@UNITS
def test_a_steering_that_turns_less_goes_straighter(start: Callable[[], UnitsStart]) -> None:
    usual = drive(car(None, start), 2.0, curvature_per_m=0.01)
    stiff = drive(
        car(with_calibration("steer", max_steer_rad=0.01), start), 2.0, curvature_per_m=0.01
    )
    assert abs(stiff.state.yaw_rad) < 0.7 * abs(usual.state.yaw_rad)


@pytest.mark.parametrize(
    ("unit", "changes"),
    [
        ("brake", {"max_brake_n": 9e5, "brake_rate_nps": 9e6}),
        ("drive", {"peak_torque_nm": 1e4, "torque_lag_s": 0.0}),
        ("steer", {"steer_rate_rps": 90.0}),
    ],
)
def test_no_program_makes_the_iron_stronger(unit: str, changes: dict[str, Value]) -> None:
    assert programmed(FACTS, with_calibration(unit, **changes)) == FACTS


@pytest.mark.parametrize(
    ("unit", "changes"),
    [
        ("brake", {"max_decel_mps2": 0.1}),
        ("brake", {"max_decel_mps2": True}),
        ("brake", {"max_decel_mps2": (3.0,)}),
        ("brake", {"gain": 1.0}),
        ("drive", {"regen_end_speed_mps": 50.0}),
        ("battery", {"gain": 1.0}),
    ],
)
def test_tables_that_are_not_the_units_are_not_accepted(
    unit: str, changes: dict[str, Value]
) -> None:
    tables = factory_tables(unit, FACTS)
    told = Image(unit=unit, hardware=HARDWARE, version="1", release=1, tables=tables)
    assert accepts(told)
    wrong = msgspec.structs.replace(tables, calibration={**tables.calibration, **changes})
    assert not accepts(replace(told, tables=wrong))
    assert not accepts(replace(told, tables=Tables(behaviour={"flies": True})))


@UNITS
def test_a_dead_drive_unit_drives_nothing_and_the_brakes_stop_the_car_by_themselves(
    start: Callable[[], UnitsStart],
) -> None:
    made = drive(car(without("drive"), start), 8.0, accel_mps2=2.0)
    assert made.state.speed_mps == 0.0
    assert not made.read(8_010_000_000)[0].valid


@UNITS
def test_a_dead_brake_unit_brakes_nothing_but_the_motor_does(
    start: Callable[[], UnitsStart],
) -> None:
    made = drive(car(without("brake"), start), 3.0, accel_mps2=-6.0)
    usual = drive(car(None, start), 3.0, accel_mps2=-6.0)
    assert usual.state.speed_mps < 4.0
    assert 5.0 < made.state.speed_mps < 20.0
    assert made.state.brake_n == 0.0
    assert not made.read(3_010_000_000)[0].valid


@UNITS
def test_a_dead_steering_holds_its_angle(start: Callable[[], UnitsStart]) -> None:
    made = drive(car(without("steer"), start), 2.0, curvature_per_m=0.01)
    assert made.state.yaw_rad == pytest.approx(0.0, abs=1e-6)
    assert not made.read(2_010_000_000)[0].valid


@UNITS
def test_a_dead_body_blinks_nothing_and_the_car_drives(start: Callable[[], UnitsStart]) -> None:
    made = drive(car(without("body"), start), 1.0)
    assert made.truth(1_000_000_000).indicator is Indicator.OFF
    assert drive(car(None, start), 1.0).truth(1_000_000_000).indicator is Indicator.LEFT


@UNITS
def test_a_car_takes_what_its_units_boot_anew(start: Callable[[], UnitsStart]) -> None:
    made = car(None, start)
    made.reprogram(with_calibration("brake", max_decel_mps2=2.0))
    soft = drive(made, 3.0, accel_mps2=-6.0)
    assert soft.state.speed_mps > 12.0


def test_the_dead_are_named() -> None:
    assert dead(without("steer")) == {"steer"}
    assert set(CALIBRATIONS) == set(factory_programs(FACTS))
