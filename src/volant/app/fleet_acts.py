"""What a line of a fleet's audit log says, in words for people."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from volant.cloud.views import AuditLine

HASH: Final = re.compile(r"[0-9a-f]{64}\Z")
SHORT: Final = 12
"""Characters of a hash that people are shown; all of it stands in --json."""


def when(at_s: float | None) -> str:
    """A time as people write it, in UTC; nothing: a dash."""
    return "-" if at_s is None else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_s))


def short(digest: str) -> str:
    """The beginning of a hash."""
    return digest[:SHORT]


def said(line: AuditLine) -> str:
    """All that a line says beyond who did what about what."""
    parts = [_part(key, value) for key, value in line.data.items()]
    return "; ".join(one for one in parts if one)


def _part(key: str, value: Any) -> str:
    if value is None or value == "" or value == []:
        return _NOTHING.get(key, "")
    if key in _WORDS:
        return _WORDS[key](value)
    return f"{key} {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return short(value) if HASH.match(value) else value
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one) for one in value)
    return str(value)


_NOTHING: Final[Mapping[str, str]] = {"expires_s": "never expires", "groups": "in no group"}
_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "phase": lambda value: f"now {value}",
    "reason": lambda value: f"because: {value}",
    "text": lambda _: "with the plan",
    "again": lambda _: "the token before it is no longer good",
    "expires_s": lambda value: f"expires {when(value)}",
    "gap_s": lambda value: f"{value:g} s were nobody's",
    "sizes": lambda value: f"waves of {_plain(value)} cars",
    "files": _plain,
}
