"""Which bytes of a file a request is for (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

RANGE: Final = re.compile(r"^\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Slice:
    """An answer's bytes: from `begin` up to before `end`."""

    status: int
    begin: int
    end: int
    size: int

    @property
    def content_range(self) -> str | None:
        """The header, where one is due."""
        if self.status == 206:
            return f"bytes {self.begin}-{self.end - 1}/{self.size}"
        return f"bytes */{self.size}" if self.status == 416 else None


def choose(
    size: int,
    etag: str,
    *,
    wanted: str = "",
    if_match: str = "",
    if_range: str = "",
    if_none_match: str = "",
) -> Slice:
    """Decide what of a file to send.

    A range that is none, is in other units or is several ones is not read, as RFC 9110 (14.2) allows: all is sent.

    Args:
        size: of the file, bytes.
        etag: of the file, with its quotation marks.
        wanted: header Range.
        if_match: header If-Match.
        if_range: header If-Range; a date is not understood, so all is sent.
        if_none_match: header If-None-Match, which compares weakly.
    """
    if if_match and not _lists(if_match, etag):
        return Slice(412, 0, 0, size)
    if if_none_match and _lists(if_none_match.replace("W/", ""), etag):
        return Slice(304, 0, 0, size)
    whole = Slice(200, 0, size, size)
    found = RANGE.match(wanted)
    if found is None or (if_range and if_range.strip() != etag):
        return whole
    first, last = found.groups()
    if not first and not last:
        return whole
    if not first:
        length = min(int(last), size)
        return Slice(206, size - length, size, size) if length else Slice(416, 0, 0, size)
    begin = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < begin:
        return whole
    return Slice(206, begin, end, size) if begin < size else Slice(416, 0, 0, size)


def _lists(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in (one.strip() for one in header.split(","))
