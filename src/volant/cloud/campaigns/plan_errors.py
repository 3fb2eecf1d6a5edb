"""What is wrong with a plan, for who wrote it: the place, what was found there and what is expected."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from volant.core.errors import InputError

PLACE: Final = re.compile(r"(?P<words>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
STEPS: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
FIELD: Final = re.compile(r"Object (contains unknown|missing required) field `([^`]*)`")
FOUND_MOST: Final = 60
"""Characters of a wrong value that are shown."""
NOTHING: Final = object()


def plan_error(data: bytes, error: Exception) -> InputError:
    """An error of msgspec's about a plan's bytes, in our words."""
    if not isinstance(error, msgspec.ValidationError):
        return _no_json(data, error)
    found = PLACE.match(str(error))
    assert found is not None, "it takes any text"
    words, path = found["words"], (found["path"] or "").lstrip(".")
    if field := FIELD.match(words):
        where = f"{path}.{field[2]}" if path else field[2]
        return InputError(f"{_field(field)}; the guide lists all fields", where=where)
    value = _at(data, path)
    is_type = re.match(r"Expected `([^`]*)`, got `", words)
    wanted = is_type[1] if is_type else words.removeprefix("Expected ").replace("`", "")
    if not words.startswith("Expected "):  # of a rule over several fields
        return InputError(words, where=path or "the plan")
    said = "" if value is NOTHING else f"found {_short(value)}, "
    return InputError(f"{said}expected {wanted}", where=path or "the plan")


def _field(found: re.Match[str]) -> str:
    if found[1] == "missing required":
        return "found nothing, expected this field"
    return "found a field that no plan has"


def _no_json(data: bytes, error: Exception) -> InputError:
    """Where it ends to be JSON, by line and column."""
    try:
        json.loads(data)
    except json.JSONDecodeError as place:
        where = f"line {place.lineno}, column {place.colno}"
        return InputError(f"no JSON: {place.msg[:1].lower()}{place.msg[1:]}", where=where)
    except (ValueError, RecursionError):
        pass
    return InputError(f"no plan of a campaign: {error}")


def _at(data: bytes, path: str) -> Any:
    """What stands at a place of msgspec's; `NOTHING` where it cannot be told."""
    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError):
        return NOTHING
    for name, number in STEPS.findall(f".{path}" if path and path[0] != "[" else path):
        try:
            found = found[name] if name else found[int(number)]
        except (KeyError, IndexError, TypeError, ValueError):
            return NOTHING
    return found


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= FOUND_MOST else f"{text[:FOUND_MOST]}..."
