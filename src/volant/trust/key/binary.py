"""Fixed layouts as bytes: big-endian numbers, byte strings with a length before them. One value has one writing."""

from __future__ import annotations

from volant.trust.key.codes import Code, KeyRefusedError


def number(value: int, size: int) -> bytes:
    """A number, not below zero, in so many bytes."""
    return value.to_bytes(size, "big")


def signed(value: int) -> bytes:
    """A number of four bytes in two's complement."""
    return value.to_bytes(4, "big", signed=True)


def counted(data: bytes, size: int = 2) -> bytes:
    """Bytes with their length before them, in so many bytes."""
    return len(data).to_bytes(size, "big") + data


class Reader:
    """Reads what the functions above wrote.

    Every method raises KeyRefusedError (malformed) where the bytes end too early or a bound is broken.
    """

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """So many bytes."""
        end = self._at + count
        if end > len(self._data):
            raise KeyRefusedError(Code.MALFORMED)
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, size: int) -> int:
        """A number, not below zero."""
        return int.from_bytes(self.take(size), "big")

    def signed(self) -> int:
        """A number of four bytes in two's complement."""
        return int.from_bytes(self.take(4), "big", signed=True)

    def counted(self, most: int, size: int = 2) -> bytes:
        """Bytes behind their length."""
        return self.take(self.few(most, size))

    def few(self, most: int, size: int = 1) -> int:
        """A number that may not be above a bound."""
        found = self.number(size)
        if found > most:
            raise KeyRefusedError(Code.MALFORMED)
        return found

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._data):
            raise KeyRefusedError(Code.MALFORMED)
