"""A small XML reader for files from outside: elements with their line, nothing clever.

It refuses document types (so no entity is ever declared, expanded or fetched), files over 64 MB,
trees over 64 levels or 2 million elements. Every refusal is an InputError with file and line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from volant.core.errors import InputError

MAX_BYTES: Final = 64_000_000
MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 2_000_000
TEXTS: Final = frozenset({"geoReference", "ele"})
"""Elements whose text is kept: OpenDRIVE's projection, GPX's height."""
# Coordinates of a world grid stay below 1e8 m; a larger number is a mistake or an attack.
MAX_NUMBER: Final = 1e9


@dataclass(slots=True)
class Element:
    """One XML element: tag, attributes, children in order, text, and the line it starts on."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def first(self, tag: str) -> Element | None:
        """The first child with this tag, or None."""
        return next((child for child in self.children if child.tag == tag), None)

    def all(self, tag: str) -> Iterator[Element]:
        """Every child with this tag, in file order."""
        return (child for child in self.children if child.tag == tag)

    def inside(self, group: str, tag: str) -> Iterator[Element]:
        """Every `tag` inside the first child `group`; nothing where the group lacks."""
        parent = self.first(group)
        return parent.all(tag) if parent is not None else iter(())


class _Builder:
    def __init__(self, parser: expat.XMLParserType, file: str) -> None:
        self.root: Element | None = None
        self._parser, self._file = parser, file
        self._open: list[Element] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        element = Element(tag, attributes, line)
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise InputError(f"more than {MAX_ELEMENTS} elements", file=self._file, line=line)
        if len(self._open) >= MAX_DEPTH:
            raise InputError(f"nested deeper than {MAX_DEPTH}", file=self._file, line=line)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        if self._open and self._open[-1].tag in TEXTS:
            self._open[-1].text += text

    def doctype(self, *_: object) -> None:
        raise InputError(
            "document types and entities are refused",
            file=self._file,
            line=self._parser.CurrentLineNumber,
        )


def parse_xml(data: bytes, file: str) -> Element:
    """Read bytes into a tree of elements.

    Raises:
        InputError: too large, not well-formed, or it declares a document type.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"{len(data)} bytes, at most {MAX_BYTES} are read", file=file)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    builder = _Builder(parser, file)
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        words = expat.errors.messages.get(error.code, "not well-formed")
        raise InputError(f"not well-formed XML: {words}", file=file, line=error.lineno) from error
    except (ValueError, LookupError) as error:  # an encoding that Python does not know
        raise InputError(f"not readable as XML: {error}", file=file, line=1) from error
    if builder.root is None:
        raise InputError("an empty file, expected XML", file=file)
    return builder.root


class Reader:
    """Reads typed attributes and says file, line, road and element where one is wrong."""

    __slots__ = ("file", "where")

    def __init__(self, file: str, where: str | None = None) -> None:
        self.file, self.where = file, where

    def within(self, where: str) -> Reader:
        """The same file, inside a named part such as `road 5`."""
        return Reader(self.file, where)

    def error(self, element: Element, message: str) -> InputError:
        """An error at this element, to be raised by the caller."""
        where = f"{self.where}, {element.tag}" if self.where else element.tag
        return InputError(message, file=self.file, line=element.line, where=where)

    def text(self, element: Element, name: str, default: str | None = None) -> str:
        """An attribute as it stands; without default it must be there."""
        value = element.attributes.get(name, default)
        if value is None:
            raise self.error(element, f"attribute {name} is missing")
        return value

    def number(self, element: Element, name: str, default: float | None = None) -> float:
        """A finite attribute; without default it must be there."""
        raw = element.attributes.get(name)
        if raw is None or (raw == "" and default is not None):
            if default is None:
                raise self.error(element, f"attribute {name} is missing")
            return default
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or "_" in raw:
            raise self.error(element, f'{name}="{raw[:40]}", expected a finite number')
        if abs(value) > MAX_NUMBER:
            words = f'{name}="{raw[:40]}", expected a number from {-MAX_NUMBER:g} to {MAX_NUMBER:g}'
            raise self.error(element, words)
        return value

    def length(self, element: Element, name: str, default: float | None = None) -> float:
        """A number that is not negative."""
        value = self.number(element, name, default)
        if value < 0.0:
            raise self.error(element, f'{name}="{value:g}", expected zero or more')
        return value

    def integer(self, element: Element, name: str) -> int:
        """A whole number, such as a lane id."""
        value = self.number(element, name)
        if value != int(value):
            raise self.error(element, f'{name}="{value:g}", expected a whole number')
        return int(value)
