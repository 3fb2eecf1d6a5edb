"""One file on its way: bounded, gone on with where it broke off, and too slow is noticed.

Fed with what a network gives; `now_ns` is any clock that only goes forward.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from volant.trust.uptane.limits import NS_PER_S, Limits
from volant.trust.uptane.verdict import Attack, RejectedError

HASHES: Final = {"sha256": 64, "sha512": 128}
"""Hash functions that an image may be listed with, and their hex digits; all that are listed are checked."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One file that is wanted: of which repository, by which name, and how much of it at most."""

    repository: str
    role: str
    name: str
    """As the repository calls it; a shell quotes it for a URL."""
    most_bytes: int
    exact: bool = False
    """Whether it has `most_bytes`, not fewer."""
    optional: bool = False
    """Whether it may be missing."""


class Watch:
    """Tells slow retrieval: fewer bytes than a rate allows over a window, whoever broke off in between.

    One watch goes over all files of a check, or many small ones could each be just quick enough. A request counts
    as bytes too, since it waits for its answer whatever the rate is.
    """

    def __init__(self, limits: Limits, now_ns: int) -> None:
        self._limits = limits
        self._began_ns = now_ns
        self._buckets: deque[tuple[int, int]] = deque()
        """Second and bytes that came in it, the last window's only."""

    def request(self, now_ns: int) -> None:
        """A file was asked for."""
        seconds = self._limits.answer_most_s
        self.note(seconds * self._limits.least_rate_bytes_ps, now_ns)

    def note(self, count: int, now_ns: int) -> None:
        """Bytes came."""
        second = now_ns // NS_PER_S
        if self._buckets and self._buckets[-1][0] == second:
            self._buckets[-1] = (second, self._buckets[-1][1] + count)
        else:
            self._buckets.append((second, count))
        self._drop(now_ns)

    def is_slow(self, now_ns: int) -> bool:
        """Whether the last window brought too little."""
        self._drop(now_ns)
        window_ns = self._limits.slow_window_ns
        if now_ns - self._began_ns < window_ns:
            return False
        least = self._limits.least_rate_bytes_ps * window_ns // NS_PER_S
        return sum(count for _, count in self._buckets) < least

    def _drop(self, now_ns: int) -> None:
        first = (now_ns - self._limits.slow_window_ns) // NS_PER_S
        while self._buckets and self._buckets[0][0] < first:
            self._buckets.popleft()


class Download:
    """The state of one download; `offset` is where a broken one goes on."""

    def __init__(
        self, fetch: Fetch, limits: Limits, now_ns: int, watch: Watch | None = None
    ) -> None:
        self.fetch = fetch
        self.offset = 0
        self.tries = 0
        self._limits = limits
        self._watch = watch or Watch(limits, now_ns)
        self._watch.request(now_ns)

    def feed(self, count: int, now_ns: int) -> None:
        """Bytes came; the caller keeps them only if this lets them pass.

        Raises:
            RejectedError: more than the file may have, or too slowly.
        """
        if self.offset + count > self.fetch.most_bytes:
            raise self._no(Attack.ENDLESS, f"more than {self.fetch.most_bytes} bytes")
        self.offset += count
        self._watch.note(count, now_ns)
        self.tick(now_ns)

    def again(self, count: int, now_ns: int) -> None:
        """Bytes came that are here already, from a server that knows no ranges: no progress, but a pace.

        Raises:
            RejectedError: too slowly.
        """
        self._watch.note(count, now_ns)
        self.tick(now_ns)

    def tick(self, now_ns: int) -> None:
        """Time went by, with bytes or without.

        Raises:
            RejectedError: they come too slowly.
        """
        if self._watch.is_slow(now_ns) and not self.is_full:
            rate = self._limits.least_rate_bytes_ps
            raise self._no(Attack.SLOW, f"below {rate} bytes a second, {self.offset} bytes came")

    def end(self, now_ns: int) -> bool:
        """The sender says that this was all; False: it was not, go on at `offset`.

        Raises:
            RejectedError: as `broken`.
        """
        if not self.fetch.exact or self.is_full:
            return True
        self.broken(now_ns)
        return False

    def broken(self, now_ns: int, why: str = "") -> None:
        """The connection broke off, or was never made, for a reason in words.

        Raises:
            RejectedError: too often.
        """
        self.tries += 1
        if self.tries >= self._limits.tries:
            words = f"broke off {self.tries} times, at byte {self.offset}"
            raise self._no(Attack.DROP, f"{words}, at last: {why}" if why else words)
        self.tick(now_ns)

    def missing(self) -> None:
        """The repository has no such file.

        Raises:
            RejectedError: there must be one.
        """
        if not self.fetch.optional:
            raise self._no(Attack.DROP, "not there")

    @property
    def is_full(self) -> bool:
        """Whether all bytes came that may come."""
        return self.fetch.exact and self.offset == self.fetch.most_bytes

    def _no(self, attack: Attack, message: str) -> RejectedError:
        where = self.fetch
        return RejectedError(
            attack, f"{where.name}: {message}", repository=where.repository, role=where.role
        )


def check_hashes(name: str, hashes: Mapping[str, str]) -> None:
    """Let hashes pass of which each is known and is one: their text becomes part of a file name.

    Raises:
        RejectedError: one is not.
    """
    good = hashes and all(
        len(text) == HASHES.get(kind) and not set(text) - set("0123456789abcdef")
        for kind, text in hashes.items()
    )
    if not good:
        raise RejectedError(
            Attack.ARBITRARY, f"{name}: listed with hashes {sorted(hashes)}, known are {[*HASHES]}"
        )


class ImageCheck:
    """An image, chunk by chunk, against its length and every hash that is listed (5.4.3.4).

    A stored copy goes through a check of its own before it is installed: flash may have failed since.
    """

    def __init__(self, name: str, length: int, hashes: Mapping[str, str]) -> None:
        check_hashes(name, hashes)
        self.name, self.length = name, length
        self.got = 0
        self._wanted = dict(hashes)
        self._states = {kind: hashlib.new(kind) for kind in hashes}

    def feed(self, chunk: bytes) -> None:
        """Take a chunk.

        Raises:
            RejectedError: it goes beyond the length.
        """
        if self.got + len(chunk) > self.length:
            raise RejectedError(Attack.ENDLESS, f"{self.name}: more than {self.length} bytes")
        self.got += len(chunk)
        for state in self._states.values():
            state.update(chunk)

    def end(self) -> None:
        """Let the image pass that has the length and all hashes.

        Raises:
            RejectedError: it has not.
        """
        if self.got != self.length:
            raise RejectedError(
                Attack.ARBITRARY, f"{self.name}: {self.got} bytes, expected {self.length}"
            )
        for kind, state in self._states.items():
            if state.hexdigest() != self._wanted[kind]:
                raise RejectedError(Attack.ARBITRARY, f"{self.name}: another {kind} than is signed")
