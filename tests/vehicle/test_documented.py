"""The car's page names every figure of a car file, and its figures are those that are measured."""

import re

import msgspec

from tests.data_folder import REPO
from tests.vehicle.reference_car import spec_of
from volant.vehicle import CarSpec, drive_to_empty

CARS_PAGE = (REPO / "docs" / "reference" / "cars.md").read_text(encoding="utf-8")
RANGE_PAGE = (REPO / "docs" / "guides" / "range.md").read_text(encoding="utf-8")


def documented() -> dict[str, set[str]]:
    parts = re.split(r"^### `\[(\w+)\]`$", CARS_PAGE, flags=re.MULTILINE)[1:]
    return {
        section: set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE))
        for section, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_section_and_figure_of_a_car_file_is_documented() -> None:
    sections = {
        field.name: {inner.name for inner in msgspec.structs.fields(field.type)}
        for field in msgspec.structs.fields(CarSpec)
        if field.type is not str and isinstance(field.type, type)
    }
    assert len(sections) == 10
    assert documented() == sections


def bounds_of(kind: object) -> msgspec.Meta:
    """The first bounds of least and most in an annotated type."""
    for part in getattr(kind, "__metadata__", ()):
        if part.ge is not None:
            return part
    for inner in getattr(kind, "__args__", ()):
        if getattr(inner, "__args__", ()):
            return bounds_of(inner)
    raise AssertionError(kind)


def test_every_figure_is_documented_with_its_bounds() -> None:
    for section in msgspec.structs.fields(CarSpec):
        if section.type is str or not isinstance(section.type, type):
            continue
        for field in msgspec.structs.fields(section.type):
            bounds = bounds_of(field.type)
            words = f"{bounds.ge:.10g} to {bounds.le:.10g} |"
            (row,) = re.findall(
                rf"^### `\[{section.name}\]`$.*?^(\| `{field.name}` .*?)$",
                CARS_PAGE,
                flags=re.MULTILINE | re.DOTALL,
            )
            assert row.endswith(words), row


def test_the_range_guide_shows_what_the_cars_drive() -> None:
    for name, title in (("g3-520", "G3 520"), ("p7", "P7")):
        for cycle in ("nedc", "wltc"):
            driven_km = drive_to_empty(spec_of(name), cycle).range_km
            assert f"| {title} | {cycle.upper()} | {driven_km:.1f} km |" in RANGE_PAGE
