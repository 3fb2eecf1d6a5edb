"""All states that a power cut may leave of a whole car: every device, at every moment of an update.

One device is worked with at a time, and is flushed before another one is; so a cut leaves one of them in a state that
is legal for it (`trust.flash.recording`) and the others as they are.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tests.ota.car import SINGLE, UNIT, UNITS, Car, Devices, Disk, Faults, factory
from volant.core.errors import VolantError
from volant.trust.flash import Flash, Geometry, MemoryFlash, RecordingFlash

Contents = dict[str, bytes]


@dataclass
class Stretch:
    """What was asked of one device between two flushes."""

    device: str
    before: Contents
    """Of all devices."""
    put: bytes | None = None
    """What came onto the disk, whole."""
    calls: list[Callable[[Flash], object]] = field(default_factory=list)


class Film:
    """Devices that note all that is asked of them, together."""

    def __init__(self, contents: Contents, *, overwrites: bool = False) -> None:
        self._overwrites = overwrites
        self.devices: Devices = {
            name: (FilmedDisk if name == "primary" else Filmed)(name, content, self)
            for name, content in contents.items()
        }
        self.stretches: list[Stretch] = []
        self.open: Stretch | None = None

    @property
    def geometry(self) -> Geometry:
        return replace(UNIT, overwrites=self._overwrites)

    def put(self, data: bytes) -> None:
        assert self.open is None, f"{self.open.device} was left unflushed"
        self.stretches.append(Stretch("primary", contents_of(self.devices), data))

    def called(self, device: str, call: Callable[[Flash], object]) -> None:
        if self.open is None:
            self.open = Stretch(device, contents_of(self.devices))
            self.stretches.append(self.open)
        assert self.open.device == device, f"{self.open.device} was left unflushed"
        self.open.calls.append(call)

    def states(self) -> Iterator[tuple[Contents, str]]:
        """The car after each cut, equal ones once, with words."""
        seen: set[bytes] = set()
        for number, one in enumerate(self.stretches):
            for content, words in self._cut(one):
                contents = {**one.before, one.device: content}
                digest = hashlib.blake2b(b"".join(contents[name] for name in sorted(contents)))
                if digest.digest() not in seen:
                    seen.add(digest.digest())
                    yield contents, f"{one.device}, stretch {number}: {words}"

    def _cut(self, one: Stretch) -> Iterator[tuple[bytes, str]]:
        if one.put is not None:
            yield one.before[one.device], "the old record"
            yield one.put, "the new record"
            return
        flash = RecordingFlash(self.geometry, one.before[one.device])
        for call in one.calls:
            call(flash)
        for state in flash.crash_states():
            yield state.content, state.words


class FilmedDisk(Disk):
    """The primary's."""

    def __init__(self, _name: str, content: bytes, film: Film) -> None:
        super().__init__(content)
        self._film = film

    def put(self, data: bytes) -> None:
        self._film.put(data)
        super().put(data)


class Filmed(MemoryFlash):
    """One of them."""

    def __init__(self, name: str, content: bytes, film: Film) -> None:
        super().__init__(film.geometry, content)
        self._name, self._film = name, film

    def write(self, offset: int, data: bytes) -> None:
        kept = bytes(data)
        self._film.called(self._name, lambda flash: flash.write(offset, kept))
        super().write(offset, data)

    def erase(self, offset: int, length: int) -> None:
        self._film.called(self._name, lambda flash: flash.erase(offset, length))
        super().erase(offset, length)

    def flush(self) -> None:
        if self._film.open is not None and self._film.open.device == self._name:
            self._film.open = None


def contents_of(devices: Devices) -> Contents:
    return {name: flash.content for name, flash in devices.items()}  # type: ignore[attr-defined]


def fresh() -> Contents:
    return contents_of(factory(UNITS))


@dataclass(frozen=True)
class Scenario:
    """An update, and what is wrong with it; the same after each cut."""

    faults: Callable[[], dict[str, Faults]] = dict
    codes: tuple[str, ...] = ()
    """Trouble codes that come as soon as release 2 runs."""
    ends: tuple[int, ...] = (1, 2)
    """Releases that all units may run in the end."""
    overwrites: bool = False
    """On managed flash, whose sectors may come in any order."""

    def car(self, devices: Devices, release: int | None) -> Car:
        car = Car(devices, release=release, faults=self.faults())
        car.codes_with = {2: frozenset(self.codes)}
        return car

    def filmed(self, contents: Contents | None = None) -> Film:
        """It from the start to its end."""
        film = Film(contents or fresh(), overwrites=self.overwrites)
        self.car(film.devices, 2).update().rest()
        return film

    def resumed(self, contents: Contents) -> tuple[Film, int]:
        """It after a cut, and the release that all units run in the end; 0: they do not."""
        film = Film(contents, overwrites=self.overwrites)
        try:
            car = self.car(film.devices, None).rest()
            release = car.releases[0]
            return film, release if car.sound() else 0
        except (VolantError, AssertionError):
            return film, 0


SCENARIOS = {
    "installed": Scenario(),
    "installed on managed flash": Scenario(overwrites=True),
    "one hangs": Scenario(lambda: {"brake": Faults(hangs_with=2)}, ends=(1,)),
    "the last one hangs": Scenario(lambda: {SINGLE: Faults(hangs_with=2)}, ends=(1,)),
    "new trouble codes": Scenario(codes=("brake C0040",), ends=(1,)),
}
