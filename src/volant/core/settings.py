"""Where a user's data files are, how TOML becomes a struct, and the driver's choices.

A name is looked for in this order: the given path, the working folder, the user's folder, the package.
Nothing here reads the environment; `app` hands the user's folder in.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from volant.core.errors import InputError, SettingsError

T = TypeVar("T")

_PACKAGE: Final = Path(__file__).resolve().parent.parent
SUFFIXES: Final = {"cars": ".toml", "maps": ".xodr", "scenarios": ".xosc"}
"""Kinds of data that a user edits, and the ending of their files."""


def package_folders(kind: str) -> tuple[Path, ...]:
    """Where the package itself keeps a kind of data: in the wheel, and in a checkout."""
    return (_PACKAGE / "data" / kind, _PACKAGE.parent.parent / kind)


def search_folders(kind: str, user_folder: Path | None = None) -> tuple[Path, ...]:
    """All folders that are searched for a kind of data, first match wins."""
    user = (user_folder or Path.home() / ".volant") / kind
    return (Path.cwd() / kind, user, *package_folders(kind))


def known_names(kind: str, user_folder: Path | None = None) -> tuple[str, ...]:
    """Every name of a kind that can be found, sorted."""
    names = {
        path.stem
        for folder in search_folders(kind, user_folder)
        if folder.is_dir()
        for path in folder.glob(f"*{SUFFIXES[kind]}")
    }
    return tuple(sorted(names))


def nearest(name: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The known names most like a wrong one."""
    return tuple(difflib.get_close_matches(name, list(known), n=count, cutoff=0.3))


def find_data(kind: str, name: str, user_folder: Path | None = None) -> Path:
    """The file of a car, map or scenario by path or by name.

    An existing file is taken, whatever its ending; only a word without slash and dot is a name first.

    Raises:
        InputError: there is none; the message gives the nearest names. Or it is a folder.
    """
    given = Path(name)
    if ("/" in name or given.suffix) and given.is_file():
        return given
    if "/" in name and not given.is_dir():
        raise InputError("no such file", file=name)
    stem = name.removesuffix(SUFFIXES[kind])
    for folder in search_folders(kind, user_folder):
        path = folder / f"{stem}{SUFFIXES[kind]}"
        if path.is_file():
            return path
    if given.is_file():
        return given
    if given.is_dir():
        raise InputError("is a folder, expected a file", file=name)
    known = known_names(kind, user_folder)
    close = nearest(stem, known) or known
    called = "no such file, and " if given.suffix else ""
    raise InputError(
        f"{called}no {kind[:-1]} named {name!r}; nearest: {', '.join(close) or 'none'}"
    )


def load_toml(path: Path, kind: type[T]) -> T:
    """Read a TOML file into a struct.

    Raises:
        InputError: unreadable, not TOML, or a value is missing or out of bounds, with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=str(path)) from error
    return convert_toml(text, str(path), kind)


def convert_toml(text: str, file: str, kind: type[T]) -> T:
    """Turn the text of a TOML file into a struct; `file` is named in errors.

    Raises:
        InputError: not TOML, or a value is missing or out of bounds, with file and line.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise InputError("not TOML: nested too deeply", file=file) from error
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else None
        raise InputError(f"not TOML: {error}", file=file, line=line) from error
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        line = _line_of(text, str(error))
        raise InputError(str(error), file=file, line=line) from error


def line_of_key(path: Path, where: str) -> int | None:
    """The line of a TOML file where a dotted key such as `tyre.radius_m` stands, if it can be found."""
    try:
        return _find_line(path.read_text(encoding="utf-8"), where.split("."))
    except (OSError, UnicodeDecodeError):
        return None


def _line_of(text: str, words: str) -> int | None:
    """The line of the innermost key that a validation error names."""
    found = re.search(r"at `\$?([^`]*)`", words)
    keys = [key for key in re.split(r"[.\[\]]+", found.group(1)) if key] if found else []
    missing = re.search(r"field `([^`]+)`", words)
    if missing and "unknown field" in words:
        keys.append(missing.group(1))
    return _find_line(text, keys)


def _find_line(text: str, keys: list[str]) -> int | None:
    """Look for `[key]` or `key =`, each key after the line of the one around it.

    A number after a key counts the blocks `[[key]]`, from 0.
    """
    lines, found, around, block = text.splitlines(), 0, 0, ""
    for key in keys:
        if key.isdecimal():
            begin, skipped, words = around, int(key), rf"\[\[.*\b{block}\b.*\]\]"
        else:
            begin, skipped, block = found, 0, re.escape(key)
            words = rf"\[+.*\b{block}\b.*\]+|{block}\s*="
        around, pattern = begin, re.compile(rf"^\s*({words})")
        numbers = (n for n in range(begin + 1, len(lines) + 1) if pattern.match(lines[n - 1]))
        found = next(islice(numbers, skipped, None), found)
    return found or None


class Choices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a driver sets, kept by the car."""

    set_speed_mps: Annotated[float, Meta(ge=0.0, le=40.3)] | None = None
    """Cruise speed; null follows the speed limit. Upper bound 145 km/h (opendbc, interfaces.py)."""
    time_gap_s: Annotated[float, Meta(ge=0.8, le=3.0)] = 1.6
    """Gap to the car ahead; ISO 15622 wants >= 0.8 s and one setting in 1.5 to 2.2 s (recalled)."""
    limit_offset_mps: Annotated[float, Meta(ge=-10.0, le=0.0)] = 0.0
    """How far below the limit to drive."""


def choices_from(table: dict[str, object]) -> Choices:
    """Choices from a plain table.

    Raises:
        SettingsError: a choice is unknown or out of range.
    """
    try:
        return msgspec.convert(table, Choices)
    except msgspec.ValidationError as error:
        raise SettingsError(f"driver's choices: {error}") from error
