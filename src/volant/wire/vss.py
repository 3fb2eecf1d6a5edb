"""VSS (COVESA Vehicle Signal Specification) as data: leaves of a signal tree, with type, unit and range.

`read_catalogue` reads our own TOML (`cars/signals`) and any official VSS release as JSON; what contradicts
itself is refused with the signal's path, and the line where the file is TOML. Nothing here holds a value.
The tree itself is in `vss_tree`; all its names can be had here.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from volant.core.errors import InputError
from volant.wire.vss_tree import (
    DATATYPES,
    FRACTIONAL,
    LONGEST_PATH,
    MOST_LEAVES,
    WHOLE,
    Catalogue,
    Change,
    Kind,
    Leaf,
    Scalar,
    Value,
    check_leaf,
    fits_type,
    is_path,
    is_pattern,
    pattern_of,
)

LARGEST_BYTES: Final = 16 << 20
"""Larger files are refused: VSS 6.0 has 0.3 megabytes."""


def read_catalogue(path: Path) -> Catalogue:
    """Read one file: our own TOML, or an official VSS release as JSON (`.json`).

    Raises:
        InputError: it cannot be read or contradicts itself; with the path of the signal, and for TOML
            the line.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"is larger than {LARGEST_BYTES} bytes", file=str(path))
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=str(path)) from error
    if path.suffix == ".json":
        return _catalogue_of(*_read_json(text, str(path)), str(path))
    leaves, branches = _read_toml(text, str(path))
    return _catalogue_of(leaves, branches, str(path), text)


def read_catalogues(paths: Iterable[Path]) -> Catalogue:
    """Several files as one catalogue, in this order; a path that stands in two is a contradiction.

    Raises:
        InputError: as `read_catalogue`.
    """
    whole = Catalogue()
    for path in paths:
        part = read_catalogue(path)
        for leaf in part:
            try:
                whole.add(leaf)
            except InputError as error:
                raise InputError(error.message, file=str(path), where=error.where) from error
        for branch, words in part.branches.items():
            whole.describe(branch, words)
    return whole


def _catalogue_of(
    leaves: Iterable[Leaf], branches: Mapping[str, str], file: str, text: str = ""
) -> Catalogue:
    try:
        return Catalogue(leaves, branches)
    except InputError as error:
        line = _line_of(text, error.where.strip("'")) if text and error.where else None
        raise InputError(error.message, file=file, line=line, where=error.where) from error


# --- an official release --------------------------------------------------------------------------


def _read_json(text: str, file: str) -> tuple[list[Leaf], dict[str, str]]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is no JSON: {error}", file=file) from error
    if not isinstance(tree, dict):
        raise InputError("expected a tree of VSS: an object of branches", file=file)
    leaves: list[Leaf] = []
    branches: dict[str, str] = {}
    stack: list[tuple[str, Any]] = [(str(name), node) for name, node in reversed(tree.items())]
    while stack:
        path, node = stack.pop()
        if not isinstance(node, dict) or not isinstance(node.get("type"), str):
            raise InputError("expected an object with a type", file=file, where=path[:200])
        if len(path) > LONGEST_PATH:
            raise InputError("is too long a path", file=file, where=path[:80])
        if node["type"] == "branch":
            children = node.get("children", {})
            if not isinstance(children, dict):
                raise InputError("children is no object", file=file, where=path)
            branches[path] = _words(node, "description", path, file)
            stack += [(f"{path}.{name}", child) for name, child in reversed(children.items())]
        else:
            leaves.append(_leaf_of_json(path, node, file))
        if len(leaves) > MOST_LEAVES or len(stack) > MOST_LEAVES:
            raise InputError(f"more than {MOST_LEAVES} signals", file=file)
    return leaves, branches


def _leaf_of_json(path: str, node: Mapping[str, Any], file: str) -> Leaf:
    where = path
    kind = node["type"]
    change = node.get("x-kuksa-changetype")
    values: dict[str, Any] = {
        "path": path,
        "kind": kind,
        "datatype": _words(node, "datatype", where, file),
        "unit": _words(node, "unit", where, file),
        "minimum": _number(node, "min", where, file),
        "maximum": _number(node, "max", where, file),
        "allowed": _scalars(node.get("allowed", []), where, file),
        "description": _words(node, "description", where, file),
        "comment": _words(node, "comment", where, file),
        "default": _value(node.get("default"), where, file),
    }
    values["change"] = _change(kind) if change is None else change
    return Leaf(**values)


def _change(kind: str) -> Change:
    """KUKSA's default (databroker, `x-kuksa-changetype`): attributes are static."""
    return "static" if kind == "attribute" else "continuous"


def _words(node: Mapping[str, Any], key: str, where: str, file: str) -> str:
    value = node.get(key, "")
    if not isinstance(value, str):
        raise InputError(f"{key} is no text", file=file, where=where)
    return value


def _number(node: Mapping[str, Any], key: str, where: str, file: str) -> float | int | None:
    value = node.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise InputError(f"{key} is no number", file=file, where=where)
    return value


def _scalars(value: object, where: str, file: str) -> tuple[Scalar, ...]:
    if not isinstance(value, list) or not all(
        isinstance(v, bool | int | float | str) for v in value
    ):
        raise InputError("expected a list of values", file=file, where=where)
    return tuple(value)


def _value(value: object, where: str, file: str) -> Value | None:
    if isinstance(value, list):
        return _scalars(value, where, file)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError("default is no value", file=file, where=where)


# --- our own files --------------------------------------------------------------------------------

_KEYS: Final = {
    "kind", "type", "unit", "min", "max", "allowed", "words", "change", "default", "note",
}  # fmt: skip


def _read_toml(text: str, file: str) -> tuple[list[Leaf], dict[str, str]]:
    """`[signals]` with one line a signal, and `[branches]` with words for each that has some."""
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"is no TOML: {error}", file=file) from error
    unknown = set(tables) - {"release", "signals", "branches"}
    if unknown:
        raise InputError(f"unknown table {min(unknown)!r}", file=file)
    signals, branches = tables.get("signals", {}), tables.get("branches", {})
    if not isinstance(signals, dict) or not isinstance(branches, dict):
        raise InputError("signals and branches are tables", file=file)
    for path, words in branches.items():
        if not isinstance(words, str):
            raise InputError("expected words", file=file, line=_line_of(text, path), where=path)
    leaves = []
    for path, row in signals.items():
        try:
            leaves.append(_leaf_of_row(path, row, file))
        except InputError as error:
            raise InputError(
                error.message, file=file, line=_line_of(text, path), where=path
            ) from error
    return leaves, branches


def _leaf_of_row(path: str, row: object, file: str) -> Leaf:
    if not isinstance(row, dict):
        raise InputError("expected a table in one line, its path between quotes", file=file)
    unknown = set(row) - _KEYS
    if unknown:
        raise InputError(f"unknown key {min(unknown)!r}", file=file)
    kind = _words(row, "kind", path, file)
    values: dict[str, Any] = {
        "kind": kind,
        "datatype": _words(row, "type", path, file),
        "change": _words(row, "change", path, file) or _change(kind),
    }
    return Leaf(
        path=path,
        **values,
        unit=_words(row, "unit", path, file),
        minimum=_number(row, "min", path, file),
        maximum=_number(row, "max", path, file),
        allowed=_scalars(row.get("allowed", []), path, file),
        description=_words(row, "words", path, file),
        default=_value(row.get("default"), path, file),
        comment=_words(row, "note", path, file),
    )


def _line_of(text: str, path: str) -> int | None:
    """The line on which a signal stands, from 1."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith((f'"{path}"', f"'{path}'", f"{path} ")):
            return number
    return None


__all__ = [
    "DATATYPES", "FRACTIONAL", "LONGEST_PATH", "MOST_LEAVES", "WHOLE", "Catalogue", "Change", "Kind",
    "Leaf", "Scalar", "Value", "check_leaf", "fits_type", "is_path", "is_pattern", "pattern_of",
    "read_catalogue", "read_catalogues",
]  # fmt: skip
