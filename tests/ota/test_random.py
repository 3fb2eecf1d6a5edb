"""Anything may happen at any time: cuts, restarts, silence, lies, wishes, a car that is driven off.

Whoever may drive has programs that fit together (`car.never_mixed` looks at every event); once units behave again, the
update ends, and all run the same.
"""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ota.car import PARKED, SINGLE, UNITS, Car, Disk, Faults, driving
from volant.core.updates import UpdateEnd, UpdateWish
from volant.ota.events import Deed
from volant.trust.flash import Flash, MemoryFlash

DEEDS = st.dictionaries(st.sampled_from(Deed), st.integers(1, 4), max_size=2)
FAULTS = st.builds(
    Faults,
    silent=st.integers(0, 20),
    refuses=DEEDS,
    idle=DEEDS,
    deaf=DEEDS,
    hangs_with=st.sampled_from((None, None, None, 2)),
)
CARS = st.sampled_from(
    (PARKED, PARKED, driving(), replace(PARKED, supply_v=11.0), replace(PARKED, speed_mps=None))
)


class CutError(Exception):
    """The supply is gone."""


class Fragile(MemoryFlash):
    """A device of a car whose supply goes after so many calls."""

    def __init__(self, flash: Flash, left: list[int]) -> None:
        super().__init__(flash.geometry, flash.content)  # type: ignore[attr-defined]
        self._left = left

    def write(self, offset: int, data: bytes) -> None:
        page = self.geometry.page_bytes
        if self._is_cut():
            super().write(offset, data[: len(data) // page // 2 * page])
            raise CutError
        super().write(offset, data)

    def erase(self, offset: int, length: int) -> None:
        block = self.geometry.erase_bytes
        if self._is_cut():
            super().erase(offset, length // block // 2 * block)
            raise CutError
        super().erase(offset, length)

    def _is_cut(self) -> bool:
        self._left[0] -= 1
        return self._left[0] == 0


class FragileDisk(Disk):
    """The primary's."""

    def __init__(self, disk: Disk, left: list[int]) -> None:
        super().__init__(disk.content)
        self._left = left

    def put(self, data: bytes) -> None:
        self._left[0] -= 1
        if self._left[0] != 0 or len(data) % 2:
            super().put(data)
        if self._left[0] == 0:
            raise CutError


EVENTS = st.one_of(
    st.tuples(st.just("turns"), st.integers(1, 30)),
    st.tuples(st.just("cut"), st.integers(1, 120)),
    st.tuples(st.just("process"), st.integers(1, 40)),
    st.tuples(st.just("wish"), st.sampled_from(UpdateWish)),
    st.tuples(st.just("car"), CARS),
    st.tuples(st.just("silent"), st.sampled_from(UNITS)),
    st.tuples(st.just("reboot"), st.sampled_from(UNITS)),
)


def cut_after(car: Car, calls: int) -> None:
    """Go on until the supply goes, and switch on again."""
    left = [calls]
    car.devices = {
        name: (FragileDisk if name == "primary" else Fragile)(one, left)
        for name, one in car.devices.items()
    }
    for name, one in car.units.items():
        one.boot._flash = car.devices[name]
        one.boot._records._flash = car.devices[name]
    car.store = car.devices["primary"]
    try:
        for _ in range(60):
            car.turn()
    except CutError:
        pass
    left[0] = -1
    car.start()


def happen(car: Car, kind: str, what: object) -> None:
    if kind == "turns":
        for _ in range(int(str(what))):
            car.turn()
    elif kind == "cut":
        cut_after(car, int(str(what)))
    elif kind == "process":
        for _ in range(int(str(what))):
            car.turn()
        car.start(booted=False)
    elif kind == "wish":
        car.wish(what)  # type: ignore[arg-type]
    elif kind == "car" and not (car.locked and what == driving()):
        car.facts = what  # type: ignore[assignment]
    elif kind == "silent":
        car.faults[str(what)].silent = 6
    elif kind == "reboot" and car.locked:
        car.faults[str(what)].reboots = 1


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(UNITS, FAULTS)),
    st.lists(EVENTS, max_size=12),
    st.booleans(),
)
def test_whatever_happens_nobody_drives_with_mixed_programs_and_it_ends(
    faults: dict[str, Faults], events: list[tuple[str, object]], hangs: bool
) -> None:
    if not hangs:
        faults = {name: replace(one, hangs_with=None) for name, one in faults.items()}
    car = Car(faults=faults)
    car.update()
    for kind, what in events:
        happen(car, kind, what)
    car.facts = PARKED
    car.rest(900.0)
    assert car.sound(), car.releases
    if car.history and car.history[-1].end is UpdateEnd.INSTALLED:
        assert car.releases == [2, 2, 2]
    elif car.history:
        assert car.releases == [1, 1, 1]
    assert car.units[SINGLE].boot.running is not None
