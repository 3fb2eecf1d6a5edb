"""Any car file, however wild, is refused in one line or drives with finite numbers."""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data_folder import REPO
from tests.vehicle.flat_world import FlatWorld
from tests.vehicle.reference_car import spec_of, with_figures
from volant.core.chance import Chance
from volant.core.errors import InputError
from volant.core.geometry import Pose
from volant.core.messages import Command, Gear
from volant.vehicle import CarSpec, CarStart, Cycle, SimCar, battery, drive_to_empty, load_spec
from volant.vehicle.parameters import plant_spec
from volant.vehicle.range import Totals, drive_cycle

GOOD = (REPO / "cars" / "g3-520.toml").read_text(encoding="utf-8")
FIGURES = [
    (number, line.partition(" =")[0])
    for number, line in enumerate(GOOD.splitlines(), 1)
    if "{ value = " in line
]
VALUES = re.compile(r"value = (\[[^\]]*\]|[-+.\w]+)")
CYCLE = Cycle("short", "Short", (0.0, 5.0, 12.0, 12.0, 3.0, 0.0))


def with_value(number: int, change: Callable[[float], float]) -> str:
    """The good car with one line's figure changed."""
    lines = GOOD.splitlines()

    def changed(found: re.Match[str]) -> str:
        value = found.group(1)
        if not value.startswith("["):
            return f"value = {change(float(value))!r}"
        parts = [repr(change(float(part))) for part in value[1:-1].split(",")]
        return f"value = [{', '.join(parts)}]"

    lines[number - 1] = VALUES.sub(changed, lines[number - 1], count=1)
    return "\n".join(lines)


def numbers(value: object) -> Iterator[float]:
    """Every number in a message."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield float(value)


def drive_a_little(spec: CarSpec) -> None:
    """From standstill and from speed, both pedals and the wheel, then a short cycle's range."""
    for speed_mps in (0.0, 30.0):
        start = CarStart(Pose(0.0, 0.0, 0.0), speed_mps=speed_mps)
        car = SimCar(spec, FlatWorld(), start, Chance.of(1, "car"))
        for tick in range(1, 61):
            command = Command(
                stamp_ns=0,
                accel_mps2=4.0 if tick < 30 else -9.0,
                curvature_per_m=0.05,
                gear=Gear.DRIVE,
            )
            car.apply(command, tick)
            car.advance(tick * 10_000_000)
        shown = msgspec.to_builtins((car.read(600_000_000)[0], car.truth(600_000_000), car.state))
        assert all(math.isfinite(number) for number in numbers(shown))
    total, plant = Totals(), plant_spec(spec)
    left = drive_cycle(plant, CYCLE, battery.start(0.9, 296.15, plant), total)
    assert all(math.isfinite(number) for number in numbers(msgspec.to_builtins((total, left))))


def loads_or_is_refused(path: Path, text: str) -> tuple[CarSpec | None, InputError | None]:
    path.write_text(text, encoding="utf-8")
    try:
        return load_spec(path), None
    except InputError as error:
        return None, error


@pytest.mark.parametrize("factor", [1e-300, 1e300, -1.0, 0.0, 1e-3, 1e3])
@pytest.mark.parametrize(("number", "name"), FIGURES, ids=[f"{n}-{x}" for n, x in FIGURES])
def test_a_figure_that_slipped_is_refused_in_its_line_or_drives(
    tmp_path: Path, number: int, name: str, factor: float
) -> None:
    path = tmp_path / "car.toml"
    spec, error = loads_or_is_refused(path, with_value(number, lambda value: value * factor))
    if spec is not None:
        drive_a_little(spec)
        return
    assert error is not None
    assert error.file == str(path)
    assert error.line is not None
    assert "\n" not in str(error)
    if "$" in error.message:  # out of bounds: this very line; else it contradicts another figure
        assert error.line == number
        assert name in error.message


@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "true", '"1"', "9" * 400])
@pytest.mark.parametrize(("number", "name"), FIGURES, ids=[f"{n}-{x}" for n, x in FIGURES])
def test_what_is_no_number_is_refused_in_its_line(
    tmp_path: Path, number: int, name: str, word: str
) -> None:
    lines = GOOD.splitlines()
    lines[number - 1] = VALUES.sub(f"value = {word}", lines[number - 1], count=1)
    _, error = loads_or_is_refused(tmp_path / "car.toml", "\n".join(lines))
    assert error is not None
    assert error.line == number
    assert name in error.message


@given(st.lists(st.tuples(st.sampled_from(FIGURES), st.floats(0.2, 5.0)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_mix_of_changed_figures_is_refused_or_drives(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[int, str], float]]
) -> None:
    lines = GOOD.splitlines()
    for (number, _), factor in changes:
        lines[number - 1] = with_value(number, lambda value, f=factor: value * f).splitlines()[
            number - 1
        ]
    path = tmp_path_factory.getbasetemp() / "mixed.toml"
    spec, error = loads_or_is_refused(path, "\n".join(lines))
    if spec is None:
        assert error is not None
        assert error.line is not None
        return
    drive_a_little(spec)


def test_the_least_car_of_all_bounds_is_refused_not_divided_by(tmp_path: Path) -> None:
    text = GOOD.replace("radius_m = { value = 0.326", "radius_m = { value = 1e-300", 1)
    assert text != GOOD
    _, error = loads_or_is_refused(tmp_path / "car.toml", text)
    assert error is not None
    assert "Expected `float` >= 0.15 - at `$.tyre.radius_m.value`" in str(error)


def test_a_figure_that_two_sections_share_is_named_in_its_own(tmp_path: Path) -> None:
    places = [number for number, name in FIGURES if name == "lag_s"]
    assert len(places) == 2
    for number in places:
        path = tmp_path / "car.toml"
        _, error = loads_or_is_refused(path, with_value(number, lambda _: -1.0))
        assert error is not None
        assert error.line == number


def test_every_figure_of_a_car_is_bounded_on_both_sides() -> None:
    def metas(kind: object) -> Iterator[msgspec.Meta]:
        yield from getattr(kind, "__metadata__", ())
        for inner in getattr(kind, "__args__", ()):
            yield from metas(inner)

    for section in msgspec.structs.fields(CarSpec):
        if not (isinstance(section.type, type) and issubclass(section.type, msgspec.Struct)):
            continue
        for field in msgspec.structs.fields(section.type):
            (first, *_rest) = metas(field.type)
            bounded = first.ge is not None and first.le is not None
            assert bounded or first.min_length is not None, field.name


def test_a_car_that_cannot_move_has_no_range() -> None:
    weak = with_figures(spec_of("g3-520"), motor__peak_torque_nm=0.001)
    with pytest.raises(InputError, match="g3-520 does not move on"):
        drive_to_empty(weak, CYCLE)
