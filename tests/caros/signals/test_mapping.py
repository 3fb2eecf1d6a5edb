"""The mapping: no signal without a source, no value that its leaf could not hold, no sink without an effect."""

import datetime as dt
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from volant.caros.signals import mapping
from volant.caros.signals.sinks import SINKS, message_of, not_a_time
from volant.caros.signals.sources import BY_MESSAGE
from volant.caros.signals.values import Code, SignalError, check
from volant.core import topics
from volant.core.body import BodyItem, BodyRequest
from volant.core.messages import (
    CarState,
    DriverControls,
    DriverRequest,
    Gear,
    Indicator,
    Localization,
    Plan,
    Tracks,
)
from volant.core.updates import UpdateEnd, UpdatePhase, UpdateResult, UpdateState
from volant.road.georef import read_georef
from volant.vehicle import load_spec
from volant.vehicle.body.items import ROWS, wanted
from volant.wire.vss import Leaf, Value, read_catalogues

SIGNALS = REPO / "cars" / "signals"
TREE = read_catalogues(sorted(SIGNALS.glob("*.toml")))
SPEC = load_spec(REPO / "cars" / "p7.toml")
SHAPE = mapping.shape_of(SPEC)
READ_ONLY = {
    "Vehicle.Powertrain.TractionBattery.BatteryConditioning.TargetTemperature",
    "Vehicle.ADAS.CruiseControl.IsAdaptive",
    "Vehicle.Body.Lights.Backup.IsOn",
    "Vehicle.Body.Lights.Brake.IsActive",
    "Vehicle.Body.Lights.LicensePlate.IsOn",
    "Vehicle.Body.Trunk.Rear.IsLightOn",
    "Vehicle.Body.Windshield.Front.Wiping.System.Frequency",
    "Vehicle.Chassis.ParkingBrake.IsEngaged",
    "Vehicle.Powertrain.Transmission.IsParkLockEngaged",
}
"""Actuators of VSS that follow from something else in this car."""


def test_no_signal_is_dead() -> None:
    """Each has a source in the car, and each actuator a sink or a reason why not."""
    told = mapping.told_paths(SPEC)
    assert {leaf.path for leaf in TREE} == told
    moved = {leaf.path for leaf in TREE if leaf.kind == "actuator"}
    assert set(SINKS) == moved - READ_ONLY


def test_there_are_some_hundreds() -> None:
    assert 200 <= len(TREE) <= 400


def strategy(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a message's field; bounds are not kept, for a mapping must bear all."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return strategy(inside[0])
    if origin in (typing.Union, types.UnionType):
        return st.one_of([strategy(one) for one in inside])
    if origin is tuple:
        if inside[-1] is Ellipsis:
            return st.lists(strategy(inside[0]), max_size=2).map(tuple)
        return st.tuples(*[strategy(one) for one in inside])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        names = kind.__struct_fields__
        return st.fixed_dictionaries({name: strategy(hints[name]) for name in names}).map(
            lambda fields: kind(**fields)
        )
    plain = {
        float: st.floats(), int: st.integers(-(10**12), 10**12), bool: st.booleans(),
        str: st.text(max_size=6), type(None): st.none(),
    }  # fmt: skip
    return plain[kind] if kind in plain else st.sampled_from(kind)


KINDS = (*BY_MESSAGE, Tracks)
MESSAGES = {kind: strategy(kind) for kind in KINDS}


@given(st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_value_passes_its_own_leaf(data: st.DataObject) -> None:
    """Over random messages, NaN and wild numbers among them."""
    kind = data.draw(st.sampled_from(KINDS))
    held = {kind: data.draw(MESSAGES[kind])}
    if kind is Tracks:
        held[Plan] = data.draw(MESSAGES[Plan])
    counted = mapping.Counted(0, 0.0)
    try:
        _, found = mapping.values_of(counted, held, held, SHAPE)
    except (OverflowError, ValueError, ZeroDivisionError, OSError) as error:
        raise AssertionError(f"{kind.__name__}: {held}") from error
    for leaf_id, value in mapping.fitted(TREE, found).items():
        leaf = TREE.by_id(leaf_id)
        assert leaf is not None
        if value is not None:
            check(leaf, value)


@given(st.integers(-(10**20), 10**22))
@example(253_402_300_800 * 10**9)
def test_every_time_is_written_as_one_that_can_be_read(unix_ns: int) -> None:
    text = mapping.iso8601(unix_ns)
    back = dt.datetime.fromisoformat(text)
    assert back.tzinfo is not None
    if 0 <= unix_ns < 253_402_300_800 * 10**9:
        assert back.timestamp() == pytest.approx(unix_ns / 1e9, abs=0.002)


@pytest.mark.parametrize("at_s", [math.nan, math.inf, 0.0, 253_402_300_800.0, 1e300])
def test_no_time_of_the_body_is_too_wild_to_be_told(at_s: float) -> None:
    text = mapping.time_of(at_s, 1_700_000_000 * 10**9)
    assert (text == "") is (at_s == 0.0 or not math.isfinite(at_s))


def test_facts_of_the_car_pass_their_leaves() -> None:
    for name in ("p7", "g3-400", "g3-520"):
        facts = mapping.facts_of(load_spec(REPO / "cars" / f"{name}.toml"), "VOLANTSIM00000001")
        for leaf_id, value in mapping.fitted(TREE, facts).items():
            leaf = TREE.by_id(leaf_id)
            assert leaf is not None
            assert value is not None
            check(leaf, value)


def car(**more: Any) -> CarState:
    plain: dict[str, Any] = {
        "stamp_ns": 0, "speed_mps": 20.0, "accel_mps2": 0.0, "lateral_accel_mps2": 0.0, "yaw_rate_rps": 0.1,
        "steer_rad": 0.0, "gear": Gear.DRIVE, "indicator": Indicator.HAZARD, "hold": False,
        "brake_lights": True, "charge_pct": 50.0, "range_m": 100_000.0, "battery_power_w": 35_000.0,
        "battery_voltage_v": 350.0, "battery_temperature_k": 293.15, "odometer_m": 1500.0,
        "driver": DriverControls(accelerator=0.5),
    }  # fmt: skip
    return CarState(**plain | more)


def told(counted: mapping.Counted, state: CarState) -> tuple[mapping.Counted, Mapping[str, Any]]:
    held = {CarState: state}
    counted, found = mapping.values_of(counted, held, held, SHAPE)
    values = mapping.fitted(TREE, found)
    return counted, {TREE.by_id(key).path: value for key, value in values.items()}  # type: ignore[union-attr]


def test_units_are_those_of_vss() -> None:
    counted, found = told(mapping.Counted(1_700_000_000_000_000_000), car())
    battery = "Vehicle.Powertrain.TractionBattery."
    assert found["Vehicle.Speed"] == pytest.approx(72.0)
    assert found[battery + "CurrentPower"] == -35_000.0, "out of the battery is negative"
    assert found[battery + "CurrentCurrent"] == pytest.approx(-100.0)
    assert found[battery + "Temperature.Average"] == pytest.approx(20.0)
    assert found["Vehicle.Powertrain.Transmission.SelectedGear"] == 127
    assert found["Vehicle.Chassis.Accelerator.PedalPosition"] == 50
    assert found["Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling"] is True
    left = found["Vehicle.Chassis.Axle.Row2.Wheel.Left.Speed"]
    right = found["Vehicle.Chassis.Axle.Row2.Wheel.Right.Speed"]
    assert right - left == pytest.approx(3.6 * 0.1 * SHAPE.track_m), "a left turn"
    later = car(stamp_ns=100_000_000_000, odometer_m=3500.0)
    _, found = told(counted, later)
    assert found["Vehicle.TraveledDistanceSinceStart"] == 2000
    assert found["Vehicle.AverageSpeed"] == pytest.approx(72.0)
    assert found["Vehicle.Powertrain.TimeRemaining"] == 5000
    assert found["Vehicle.StartTime"] == "2023-11-14T22:13:20.000Z"


def test_an_update_is_told_with_its_times_in_utc() -> None:
    last = UpdateResult(end=UpdateEnd.FAILED, title="Old", at_s=1.7e9, why="No room")
    state = UpdateState(
        stamp_ns=0, phase=UpdatePhase.WAITING, title="New", done=0.25, starts_s=1.8e9, locked=True, last=last
    )  # fmt: skip
    held = {UpdateState: state}
    _, found = mapping.values_of(mapping.Counted(0), held, held, SHAPE)
    branch = "Vehicle.SoftwareUpdate."
    values = {
        leaf.path.removeprefix(branch): value
        for key, value in mapping.fitted(TREE, found).items()
        if (leaf := TREE.by_id(key)) is not None
    }
    assert (values["Phase"], values["Title"], values["Progress"]) == ("waiting", "New", 25.0)
    assert values["StartTime"] == "2027-01-15T08:00:00.000Z"
    assert values["Last.Time"] == "2023-11-14T22:13:20.000Z"
    assert (values["Last.Result"], values["Last.Reason"]) == ("failed", "No room")
    assert values["IsLocked"] is True
    assert values["TimeRemaining"] is None


def some(leaf: Leaf) -> Value:
    if leaf.allowed:
        return leaf.allowed[0]
    if leaf.unit == "iso8601":
        return "2026-11-30T07:00:00Z"
    if leaf.datatype == "boolean":
        return True
    value = max(leaf.minimum or 0, 20)
    return float(value) if leaf.datatype in ("float", "double") else int(value)


@pytest.mark.parametrize("path", sorted(SINKS))
def test_each_sink_makes_a_message_that_its_reader_understands(path: str) -> None:
    leaf = TREE.get(path)
    assert leaf is not None
    topic, message = message_of(path, some(leaf), 5, "app:x", 10**18)
    if topic is topics.BODY_REQUEST:
        assert isinstance(message, BodyRequest)
        assert message.who == "app:x"
        value = wanted(message.item, message.place, message.value, message.word)
        # What VSS allows and this car has not is refused by the body, in words.
        fits = not isinstance(value, str)
        assert fits or "between" in value or path.endswith("SelectedGear")
    else:
        assert isinstance(message, DriverRequest)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=type(message)) == message


BOOT_NS = 1_796_000_000 * 10**9


@given(st.integers(1, 900_000_000))
def test_a_time_goes_to_the_cars_clock_and_back(later_s: int) -> None:
    text = mapping.iso8601(BOOT_NS + later_s * 10**9)
    assert mapping.car_seconds(text, BOOT_NS) == pytest.approx(later_s, abs=1e-3)


def test_a_charge_limit_that_the_body_would_not_take_is_out_of_range() -> None:
    leaf = TREE.get("Vehicle.Powertrain.TractionBattery.Charging.ChargeLimit")
    assert leaf is not None
    row = ROWS[BodyItem.CHARGE_LIMIT]
    assert (leaf.minimum, leaf.maximum) == (row.low, row.high)
    with pytest.raises(SignalError) as refused:
        check(leaf, 5)
    assert refused.value.code is Code.OUT_OF_BOUNDS
    assert check(leaf, 20) == 20


def test_a_time_in_the_past_is_still_a_time_and_none_is_none() -> None:
    assert mapping.car_seconds("1999-01-01T00:00:00+02:00", BOOT_NS) == mapping.SOON_S
    assert mapping.car_seconds("", BOOT_NS) == 0.0


@pytest.mark.parametrize(
    "text",
    ["x", "07:30", "2026-11-30T07:00:00", "9999-12-31T23:59:59Z", "2026-02-31T00:00:00Z", "\0"],
)
def test_what_is_no_time_is_refused_before_it_is_granted(text: str) -> None:
    for path in mapping.TIMES.values():
        refused = not_a_time({path: text, "Vehicle.Body.Horn.IsActive": True}, BOOT_NS)
        assert refused is not None
        assert (refused.code, refused.path) == (Code.INVALID_ARGUMENT, path)
    assert not_a_time({"Vehicle.Speed": text}, BOOT_NS) is None


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    path = mapping.TIMES[BodyItem.CHARGE_TIME]
    if not_a_time({path: text}, BOOT_NS) is None:
        _, message = message_of(path, text, 0, "x", BOOT_NS)
        assert isinstance(message, BodyRequest)
        assert not isinstance(wanted(message.item, None, message.value, None), str)


def test_a_place_is_where_the_map_lies() -> None:
    reference = read_georef("+proj=tmerc +lat_0=48.0 +lon_0=11.0 +k=1 +x_0=0 +y_0=0")
    assert reference is not None
    place = Localization(
        stamp_ns=0, x_m=0.0, y_m=1000.0, yaw_rad=0.0, speed_mps=0.0, yaw_rate_rps=0.0, station_m=0.0,
        offset_m=0.0, heading_error_rad=0.0, sigma_along_m=1.0, sigma_across_m=0.5, lane="", valid=True,
        altitude_m=12.5,
    )  # fmt: skip
    held = {Localization: place}
    _, found = mapping.values_of(mapping.Counted(0, map=reference), held, held, SHAPE)
    # A degree of latitude is 111.2 km at 48 N.
    assert found["Vehicle.CurrentLocation.Latitude"] == pytest.approx(48.0 + 1.0 / 111.2, abs=1e-5)
    assert found["Vehicle.CurrentLocation.Longitude"] == pytest.approx(11.0, abs=1e-9)
    assert found["Vehicle.CurrentLocation.Altitude"] == 12.5
    facts = mapping.map_facts("World", reference)
    assert facts["Vehicle.ADAS.Pilot.Map.IsPlaced"] is True
    assert facts["Vehicle.ADAS.Pilot.Map.Origin.Latitude"] == pytest.approx(48.0)
    assert mapping.map_facts("", None)["Vehicle.ADAS.Pilot.Map.Origin.Longitude"] == 0.0
