"""Car files: what ships, and what a wrong one says."""

import re
from pathlib import Path

import msgspec
import pytest

from tests.data_folder import REPO
from tests.vehicle.reference_car import spec_of
from volant.core.errors import InputError
from volant.vehicle import CarSpec, load_spec

CARS = sorted((REPO / "cars").glob("*.toml"))
GOOD = (REPO / "cars" / "g3-520.toml").read_text()


def broken(tmp_path: Path, pattern: str, new: str) -> tuple[InputError, int]:
    """The error of a car file after one change, and the line that was changed."""
    text, count = re.subn(pattern, new, GOOD, count=1, flags=re.MULTILINE)
    assert count == 1
    path = tmp_path / "car.toml"
    path.write_text(text)
    line = next(
        number
        for number, pair in enumerate(zip(text.splitlines(), GOOD.splitlines(), strict=False), 1)
        if pair[0] != pair[1]
    )
    with pytest.raises(InputError) as caught:
        load_spec(path)
    assert caught.value.file == str(path)
    return caught.value, line


def test_three_cars_ship() -> None:
    assert [path.stem for path in CARS] == ["g3-400", "g3-520", "p7"]


@pytest.mark.parametrize("path", CARS, ids=lambda path: path.stem)
def test_a_car_file_loads_and_is_named_as_its_file(path: Path) -> None:
    assert load_spec(path).name == path.stem


@pytest.mark.parametrize("path", CARS, ids=lambda path: path.stem)
def test_every_figure_has_a_status_and_a_source(path: Path) -> None:
    table = msgspec.to_builtins(load_spec(path))
    figures = [
        figure
        for section in table.values()
        if isinstance(section, dict)
        for figure in section.values()
        if figure is not None
    ]
    assert len(figures) > 50
    assert all(set(figure) == {"value", "status", "source"} for figure in figures)


def test_an_unknown_key_is_refused_with_its_line(tmp_path: Path) -> None:
    error, line = broken(tmp_path, r"^drag_coefficient = ", "drag_coeficient = ")
    assert "drag_coeficient" in str(error)
    assert error.line == line


def test_a_value_out_of_bounds_is_refused_with_its_line(tmp_path: Path) -> None:
    error, line = broken(
        tmp_path, r"^gear_efficiency = \{ value = 0.97", "gear_efficiency = { value = 1.97"
    )
    assert "motor.gear_efficiency" in str(error)
    assert error.line == line


def test_a_missing_section_is_named(tmp_path: Path) -> None:
    error, _ = broken(tmp_path, r"^\[tyre\][^\[]*", "")
    assert "tyre" in str(error)


def test_a_figure_without_source_is_refused(tmp_path: Path) -> None:
    error, line = broken(tmp_path, r'(^wheelbase_m = .*), source = "[^"]*"', r"\1")
    assert "source" in str(error)
    assert error.line == line


def test_a_wrong_status_names_the_figure(tmp_path: Path) -> None:
    error, line = broken(tmp_path, r'(^wheelbase_m = .*)status = "read"', r'\1status = "guessed"')
    assert "guessed" in str(error)
    assert error.line == line


def test_broken_toml_gives_the_line(tmp_path: Path) -> None:
    error, line = broken(tmp_path, r"^wheelbase_m = \{", "wheelbase_m = {{")
    assert error.line == line


@pytest.mark.parametrize(
    ("pattern", "new", "where"),
    [
        (r"^efficiency = \{ value = \[0.84, ", "efficiency = { value = [", "motor.efficiency"),
        (r"value = \[0.0, 0.02, 0.04", "value = [0.0, 0.04, 0.02", "motor.power_share"),
        (r"^regen_end_speed_mps = \{ value = 1.5", "regen_end_speed_mps = { value = 6.5", "regen"),
        (r"^length_m = \{ value = 4.45", "length_m = { value = 3.0", "wheelbase_m"),
        (r"^gross_mass_kg = \{ value = 2025.0", "gross_mass_kg = { value = 1000.0", "gross_mass"),
    ],
)
def test_figures_that_contradict_each_other_are_refused(
    tmp_path: Path, pattern: str, new: str, where: str
) -> None:
    error, _ = broken(tmp_path, pattern, new)
    assert error.where is not None
    assert where in error.where


def test_geometry_is_offered_by_plain_names() -> None:
    spec = spec_of("g3-520")
    assert (spec.length_m, spec.width_m, spec.wheelbase_m) == (4.45, 1.82, 2.625)
    assert spec.rear_overhang_m + spec.wheelbase_m < spec.length_m
    assert spec.max_curvature_per_m == pytest.approx(1 / 4.19, rel=0.01)
    assert spec.usable_j == pytest.approx(0.97 * 66.5 * 3.6e6)


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        spec_of("p7").name = "other"  # type: ignore[misc]
    assert isinstance(spec_of("p7"), CarSpec)
