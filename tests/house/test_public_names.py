"""What others may build on: `__all__` of each package, pinned. All else may change."""

import importlib
import json
from pathlib import Path

import pytest

from scripts import reference
from tests.house.source_tree import PACKAGE, dotted, modules, packages

PINNED = Path(__file__).with_name("public_names.json")
AGAIN = "meant? then tell it in CHANGELOG.md and call: make reference"


def test_the_public_names_are_the_pinned_ones() -> None:
    assert json.loads(reference.public_names()) == json.loads(PINNED.read_text()), AGAIN


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without `__init__.py` would slip through the import contracts unseen."""
    folders = {path.parent for path in modules()}
    assert [
        folder.name for folder in sorted(folders) if not (folder / "__init__.py").exists()
    ] == []


def test_every_room_lists_its_public_names() -> None:
    """What lies deeper inside a room is the room's own affair."""
    rooms = {f"volant.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py")}
    assert rooms - set(json.loads(reference.public_names())) == set()


@pytest.mark.parametrize("package", packages(), ids=lambda path: dotted(path / "__init__.py"))
def test_each_public_name_can_be_imported(package: Path) -> None:
    name = dotted(package / "__init__.py")
    module = importlib.import_module(name)
    for public in json.loads(reference.public_names()).get(name, []):
        if not hasattr(module, public):
            importlib.import_module(f"{name}.{public}")
