"""What others may build on: `__all__` of each package, pinned. All else may change."""

import ast
import importlib
import json
from pathlib import Path

import pytest

from tests.house.source_tree import dotted, packages, parse

PINNED = Path(__file__).with_name("public_names.json")


def public_names(package: Path) -> list[str] | None:
    """`__all__` as written, or None where a package has none."""
    for node in parse(package / "__init__.py").body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                return sorted(ast.literal_eval(node.value))
    return None


def test_the_public_names_are_the_pinned_ones() -> None:
    found = {dotted(package / "__init__.py"): public_names(package) for package in packages()}
    assert None not in found.values(), "a package lists its public names in __all__"
    pinned = json.loads(PINNED.read_text())
    assert found == pinned, "meant? then: .venv/bin/python scripts/reference.py, and CHANGELOG.md"


@pytest.mark.parametrize("package", packages(), ids=lambda path: dotted(path / "__init__.py"))
def test_each_public_name_can_be_imported(package: Path) -> None:
    name = dotted(package / "__init__.py")
    module = importlib.import_module(name)
    for public in public_names(package) or []:
        if not hasattr(module, public):
            importlib.import_module(f"{name}.{public}")
