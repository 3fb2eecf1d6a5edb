"""What others may build on: `__all__` of each package, pinned. All else may change."""

import importlib
import json
from pathlib import Path

import pytest

from scripts import reference
from tests.house.source_tree import dotted, modules, packages

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


def test_every_package_lists_its_public_names() -> None:
    assert [dotted(package / "__init__.py") for package in packages()] == sorted(
        json.loads(reference.public_names())
    )


@pytest.mark.parametrize("package", packages(), ids=lambda path: dotted(path / "__init__.py"))
def test_each_public_name_can_be_imported(package: Path) -> None:
    name = dotted(package / "__init__.py")
    module = importlib.import_module(name)
    for public in json.loads(reference.public_names()).get(name, []):
        if not hasattr(module, public):
            importlib.import_module(f"{name}.{public}")
