"""The root of enumerations that are asked for at every tick."""

from __future__ import annotations

import enum


class WordEnum(enum.Enum):
    """An enumeration of words, hashed by identity, which is what makes a member itself.

    Enum's own hash is Python code over the name, as random between runs as identity is, and was a
    hundredth of a whole drive. Neither may decide an order.
    """

    __hash__ = object.__hash__


def plain(text: str) -> str:
    """Words of somebody else, in one line without control characters: they reach terminals and screens."""
    return "".join(one if one.isprintable() else "?" for one in text)
