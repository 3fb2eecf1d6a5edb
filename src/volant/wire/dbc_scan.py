"""What a DBC file claims, bounded before it is believed: cantools makes lists as long as a file says.

The tokens are those of cantools' own grammar, so nothing slips by with unusual blanks or lines. What
is no token at all is left to cantools, which refuses it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from volant.core.errors import InputError

LONGEST_BYTES: Final = 8
"""Of a frame of classic CAN (ISO 11898-1, recalled); our buses carry no other."""
BITS: Final = 8 * LONGEST_BYTES
MOST_MULTIPLEXED: Final = 1 << 14
"""Multiplexer values of a file, all ranges together; cantools makes a codec of each."""
LARGEST_ID: Final = (1 << 32) - 1
_LOOSE: Final = "VECTOR__INDEPENDENT_SIG_MSG"
"""Pseudo message of signals that no message carries; cantools leaves it out."""
_ENDS: Final = frozenset({";", "BA_", "BA_DEF_", "SG_MUL_VAL_"})
_TOKENS: Final = re.compile(
    r'[ \r\n\t]+|//.*?\n|([-+]?\d+\.?\d*(?:[eE][+-]?\d+)?)|([A-Za-z0-9_]+)|("(?:\\"|[^"])*?")|(.)',
    re.DOTALL,
)
_HUGE: Final = re.compile(r"[\d._+-]+[eE][\d_+-]{5,}")
"""A number whose power of ten would fill the memory as an integer."""


@dataclass(slots=True)
class Scan:
    """Where things stand in a file."""

    file: str
    message_lines: dict[int, int] = field(default_factory=dict)
    """By message id."""
    attribute_lines: dict[tuple[str, int], int] = field(default_factory=dict)
    """Of messages, by name of the attribute and message id."""

    def wrong(self, words: str, where: str, can_id: int, attribute: str = "") -> InputError:
        """An error at a message, or at one of its attributes where it has that."""
        line = self.attribute_lines.get((attribute, can_id), self.message_lines.get(can_id))
        return InputError(words, file=self.file, line=line, where=where)


class _Reader:
    """Tokens of one file, one after the other."""

    def __init__(self, text: str, file: str) -> None:
        self.scan = Scan(file)
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._tokens = [
            (found.group(found.lastindex), found.start())
            for found in _TOKENS.finditer(text)
            if found.lastindex is not None
        ]
        self._names: dict[str, int] = {}
        self._enums: dict[str, int] = {}
        self._multiplexed = 0

    def error(self, words: str, place: int, where: str | None = None) -> InputError:
        line = bisect_left(self._ends, self._tokens[place][1]) + 1
        return InputError(words, file=self.scan.file, line=line, where=where)

    def read(self) -> Scan:
        handlers = {
            "BO_": self._message,
            "SG_": self._signal,
            "SG_MUL_VAL_": self._multiplexer,
            "BA_DEF_": self._definition,
        }
        values: list[int] = []
        for place, (word, _) in enumerate(self._tokens):
            if len(word) > 5 and _HUGE.fullmatch(word.strip('" \t\r\n')):
                raise self.error(f"a number out of bounds: {word[:40]}", place)
            handler = handlers.get(word)
            if handler is not None:
                handler(place)
            elif word == "BA_":
                values.append(place)
        for place in values:
            self._attribute(place)
        return self.scan

    def _at(self, place: int, count: int) -> list[str]:
        """So many tokens after a place, empty where the file ends."""
        found = [word for word, _ in self._tokens[place + 1 : place + 1 + count]]
        return found + [""] * (count - len(found))

    def _until_end(self, place: int) -> list[str]:
        """Tokens of a statement without its semicolon; one that never ends stops at the next."""
        found = []
        for at in range(place + 1, len(self._tokens)):
            word = self._tokens[at][0]
            if word in _ENDS:
                break
            found.append(word)
        return found

    def _message(self, place: int) -> None:
        can_id, name, colon, length = self._at(place, 4)
        if colon != ":" or name == _LOOSE:
            return
        number = self._whole(can_id, 0, LARGEST_ID, place, name, "an id")
        self._whole(length, 0, LONGEST_BYTES, place, name, "bytes of a frame")
        line = bisect_left(self._ends, self._tokens[place][1]) + 1
        if number in self.scan.message_lines:
            other = next(one for one, its in self._names.items() if its == number)
            raise self.error(f"id {number} is taken by {other}", place, name)
        if name in self._names:
            raise self.error("a message of this name stands before", place, name)
        self.scan.message_lines[number], self._names[name] = line, number

    def _signal(self, place: int) -> None:
        words = self._at(place, 6)
        if words[1] != ":":
            del words[1]
        if words[1] != ":" or words[3] != "|":
            return
        name = words[0]
        self._whole(words[2], 0, BITS - 1, place, name, "a start bit")
        self._whole(words[4], 1, BITS, place, name, "bits of a signal")

    def _multiplexer(self, place: int) -> None:
        words = self._until_end(place)
        for low, high in pairwise(words[3:]):
            if high.startswith("-"):
                least = self._whole(low.strip(","), 0, LARGEST_ID, place, words[1], "a value")
                most = self._whole(high[1:], 0, LARGEST_ID, place, words[1], "a value")
                self._multiplexed += max(0, most - least + 1)
        if self._multiplexed > MOST_MULTIPLEXED:
            raise self.error(f"more than {MOST_MULTIPLEXED} multiplexer values", place, words[1])

    def _definition(self, place: int) -> None:
        words = self._until_end(place)
        if "ENUM" in words:
            kind = words.index("ENUM")
            self._enums[words[kind - 1]] = sum(word.startswith('"') for word in words[kind + 1 :])

    def _attribute(self, place: int) -> None:
        words = self._until_end(place)
        if len(words) < 2:
            return
        name, told = words[0], words[-1]
        of_message = words[1] == "BO_" and len(words) == 4
        if of_message and words[2].isdecimal() and len(words[2]) < 20:
            line = bisect_left(self._ends, self._tokens[place][1]) + 1
            self.scan.attribute_lines[name.strip('"'), int(words[2])] = line
        if name in self._enums and not told.startswith('"'):
            self._whole(told, 0, self._enums[name] - 1, place, name.strip('"'), "a choice")

    def _whole(self, words: str, least: int, most: int, place: int, where: str, what: str) -> int:
        if words.isdecimal() and len(words) < 20 and least <= int(words) <= most:
            return int(words)
        told = f"{words[:40]!r}, expected {what} from {least} to {most}"
        raise self.error(told, place, where)


def scan(text: str, file: str) -> Scan:
    """Judge the sizes, ids, names and choices that a DBC text claims.

    Raises:
        InputError: one is out of bounds or stands twice, with its line.
    """
    return _Reader(text, file).read()


__all__ = ["LONGEST_BYTES", "Scan", "scan"]
