"""Runs a check: asks for one file after the other, is fed with what comes, and ends with an answer or a reason.

A check is a generator that yields each `Fetch` and is sent its bytes, or None where an optional one is missing.
`Session` is for a network, chunk by chunk; `answer_from` for files that are at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Generic, TypeAlias, TypeVar

from volant.trust.uptane.download import Download, Fetch, ImageCheck, Watch
from volant.trust.uptane.limits import Limits
from volant.trust.uptane.verdict import Attack, RejectedError

T = TypeVar("T")
Steps: TypeAlias = Generator[Fetch, bytes | None, T]
Source: TypeAlias = Callable[[Fetch], bytes | None]


class Session(Generic[T]):
    """One check over a network. Ask `wants`, fetch it from `offset` on, feed what comes."""

    def __init__(self, steps: Steps[T], limits: Limits, now_ns: int) -> None:
        self.rejected: RejectedError | None = None
        """Why the check ended without an answer."""
        self._steps = steps
        self._limits = limits
        self._watch = Watch(limits, now_ns)
        self._download: Download | None = None
        self._body = bytearray()
        self._result: list[T] = []
        self._step(lambda: next(self._steps), now_ns)

    @property
    def wants(self) -> Fetch | None:
        """The file that is wanted now; None: the check is over."""
        return self._download.fetch if self._download else None

    @property
    def offset(self) -> int:
        """From which byte on."""
        return self._download.offset if self._download else 0

    @property
    def result(self) -> T:
        """The answer.

        Raises:
            RejectedError: there is none.
            RuntimeError: there is none yet.
        """
        if self.rejected is not None:
            raise self.rejected
        if not self._result:
            raise RuntimeError("the check is not over")
        return self._result[0]

    def feed(self, chunk: bytes, now_ns: int) -> None:
        """Bytes of the wanted file came. A file that is full by its signed length needs no end."""
        if self._download is None:
            return
        try:
            self._download.feed(len(chunk), now_ns)
        except RejectedError as error:
            self._fail(error, now_ns)
            return
        self._body += chunk
        if self._download.is_full:
            self._go(bytes(self._body), now_ns)

    def end(self, now_ns: int) -> None:
        """The sender ended the file."""
        if self._download is None:
            return
        try:
            whole = self._download.end(now_ns)
        except RejectedError as error:
            self._fail(error, now_ns)
            return
        if whole:
            self._go(bytes(self._body), now_ns)

    def missing(self, now_ns: int) -> None:
        """The repository has no such file."""
        if self._download is None:
            return
        try:
            self._download.missing()
        except RejectedError as error:
            self._fail(error, now_ns)
            return
        self._go(None, now_ns)

    def broken(self, now_ns: int, why: str = "") -> None:
        """The connection broke off; go on at `offset`."""
        self._try(lambda download: download.broken(now_ns, why), now_ns)

    def tick(self, now_ns: int) -> None:
        """Time went by: call it at least once a second."""
        self._try(lambda download: download.tick(now_ns), now_ns)

    def again(self, count: int, now_ns: int) -> None:
        """Bytes came that lie before `offset`, from a server that knows no ranges."""
        self._try(lambda download: download.again(count, now_ns), now_ns)

    def _try(self, step: Callable[[Download], None], now_ns: int) -> None:
        if self._download is None:
            return
        try:
            step(self._download)
        except RejectedError as error:
            self._fail(error, now_ns)

    def _fail(self, error: RejectedError, now_ns: int) -> None:
        """Let the check know: it may have another way, and ends otherwise."""
        self._step(lambda: self._steps.throw(error), now_ns)

    def _go(self, data: bytes | None, now_ns: int) -> None:
        self._step(lambda: self._steps.send(data), now_ns)

    def _step(self, step: Callable[[], Fetch], now_ns: int) -> None:
        self._body = bytearray()
        self._download = None
        try:
            fetch = step()
        except StopIteration as over:
            self._result.append(over.value)
        except RejectedError as error:
            self.rejected = error
        else:
            self._download = Download(fetch, self._limits, now_ns, self._watch)


class ImageLoad:
    """One image over a network, for a shell that stores it: checked chunk by chunk, kept nowhere here.

    It is fed as a `Session` is. A copy of which a part is stored already is fed that part with `resume` first. What
    `write` raises ends it: nobody knows how much of that chunk is stored, so the next one begins with `resume`.
    """

    def __init__(
        self,
        fetch: Fetch,
        hashes: Mapping[str, str],
        write: Callable[[bytes], object],
        limits: Limits,
        now_ns: int,
    ) -> None:
        self.rejected: RejectedError | None = None
        self._write = write
        self._check = ImageCheck(fetch.name, fetch.most_bytes, hashes)
        self._download: Download | None = Download(fetch, limits, now_ns)
        self._whole = False
        self._finish_if_full()

    @property
    def wants(self) -> Fetch | None:
        """The image; None: it is over."""
        return self._download.fetch if self._download else None

    @property
    def offset(self) -> int:
        """From which byte on."""
        return self._check.got

    @property
    def result(self) -> None:
        """Nothing, if the image is whole and right.

        Raises:
            RejectedError: it is not.
            RuntimeError: it is not over, or ended with what `write` raised.
        """
        if self.rejected is not None:
            raise self.rejected
        if not self._whole:
            raise RuntimeError("the image is not whole")

    def resume(self, stored: Iterable[bytes]) -> None:
        """Take what was stored before; it is written nowhere."""

        def take(load: Download) -> None:
            for chunk in stored:
                self._take(load, chunk, 0)

        self._try(take)

    def feed(self, chunk: bytes, now_ns: int) -> None:
        """Bytes came."""

        def take(load: Download) -> None:
            self._take(load, chunk, now_ns)
            self._download = None
            self._write(chunk)
            self._download = load

        self._try(take)

    def end(self, now_ns: int) -> None:
        """The sender ended."""
        self._try(lambda load: load.end(now_ns))

    def missing(self, _now_ns: int) -> None:
        """There is no such file."""
        self._try(lambda load: load.missing())

    def broken(self, now_ns: int, why: str = "") -> None:
        """The connection broke off; go on at `offset`."""
        self._try(lambda load: load.broken(now_ns, why))

    def tick(self, now_ns: int) -> None:
        """Time went by: call it at least once a second."""
        self._try(lambda load: load.tick(now_ns))

    def again(self, count: int, now_ns: int) -> None:
        """Bytes came that lie before `offset`, from a server that knows no ranges."""
        self._try(lambda load: load.again(count, now_ns))

    def _take(self, load: Download, chunk: bytes, now_ns: int) -> None:
        load.feed(len(chunk), now_ns)
        self._check.feed(chunk)

    def _try(self, step: Callable[[Download], object]) -> None:
        if self._download is None:
            return
        try:
            step(self._download)
            self._finish_if_full()
        except RejectedError as error:
            self.rejected, self._download = error, None

    def _finish_if_full(self) -> None:
        if self._download is not None and self._download.is_full:
            self._check.end()
            self._download, self._whole = None, True


def required(fetch: Fetch) -> Steps[bytes]:
    """A file that must be there."""
    data = yield fetch
    if data is None:
        raise RuntimeError(f"{fetch.name}: None was sent for what is not optional")
    return data


def answer_from(steps: Steps[T], source: Source) -> T:
    """Run a check on files that are at hand; the bounds hold as over a network.

    Raises:
        RejectedError: it says no.
    """
    data: bytes | None = None
    try:
        fetch = next(steps)
        while True:
            data = source(fetch)
            fault = _fault(fetch, data)
            fetch = steps.throw(fault) if fault else steps.send(data)
    except StopIteration as over:
        answer: T = over.value
        return answer


def _fault(fetch: Fetch, data: bytes | None) -> RejectedError | None:
    """What a network would have said of a file."""
    attack: Attack | None = None
    if data is None:
        attack = None if fetch.optional else Attack.DROP
    elif len(data) > fetch.most_bytes:
        attack = Attack.ENDLESS
    elif fetch.exact and len(data) < fetch.most_bytes:
        attack = Attack.DROP
    if attack is None:
        return None
    words = f"{fetch.name}: not there as listed"
    return RejectedError(attack, words, repository=fetch.repository, role=fetch.role)
