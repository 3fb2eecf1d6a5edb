"""Flash files of the car's units, in the folder of the state.

They are made from the car's facts at the first start. They are the only way to the units' behaviour: a unit whose file
holds no sound program is dead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from volant.app.programs import booted, fits, tables_of
from volant.app.state import hold
from volant.caros.flash_file import FileFlash
from volant.core.errors import InputError, RefusedError
from volant.trust.flash import Flash, MemoryFlash
from volant.vehicle.boot import Bootloader, Identity, Image, read_image
from volant.vehicle.boot.calibration import HARDWARE, VERSION, Programs
from volant.vehicle.boot.device import (
    GEOMETRY,
    UNTRUSTING_BYTES,
    Device,
    bootloader,
    first_image,
    resized,
)
from volant.vehicle.ecus import ECUS
from volant.vehicle.spec import CarSpec

FOLDER: Final = "ecus"
"""In the folder of the state, with a folder for each car and a file for each unit."""


@contextmanager
def open_units(state: Path, car: CarSpec, *, make: bool = True) -> Iterator[dict[str, Bootloader]]:
    """The bootloaders of all units on their flash files, booted as at power-on.

    Where another program holds the files, they boot from copies that are forgotten.

    Args:
        state: the folder of the state.
        car: whose units they are.
        make: false boots from memory what has no file yet.
    """
    folder = state / FOLDER / car.name
    with ExitStack() as opened:
        held = (make or folder.is_dir()) and hold(folder, opened, "programs of units")
        boots = {}
        for spec in ECUS:
            flash, fresh = _flash(folder / f"{spec.name}.flash", held, opened)
            boot = bootloader(flash, Identity(spec.name, HARDWARE), fits)
            image = first_image(boot.identity, VERSION, tables_of(spec.name, car))
            if fresh:
                boot.provision(image)
            boot.boot()
            _renew(boot, image)
            boots[spec.name] = boot
        yield boots


def boot_from(state: Path) -> Callable[[CarSpec], Programs]:
    """Boots a car's units for one drive; what lies in no file yet is as the factory made it."""

    def boot(car: CarSpec) -> Programs:
        with open_units(state, car, make=False) as boots:
            return booted(boots)

    return boot


class Watch:
    """Sees what units run now, which testers may have changed since; for another process than theirs."""

    def __init__(self, boots: Mapping[str, Bootloader]) -> None:
        self._boots = boots
        self._seen = {name: _running(boot) for name, boot in boots.items()}

    def changed(self) -> Programs | None:
        """All programs, when one is another than at the last call; None: nothing is new."""
        seen = {name: _running(boot.again()) for name, boot in self._boots.items()}
        if seen == self._seen:
            return None
        self._seen = seen
        return seen


def _running(boot: Bootloader) -> Image | None:
    return None if boot.running is None else boot.running.image


def _renew(boot: Bootloader, image: bytes) -> None:
    """A program of the factory goes with the facts of the car: when they change, so does it."""
    running = boot.running
    if running is None or running.image.release != 0 or boot.on_trial:
        return
    if read_image(image).tables != running.image.tables:
        boot.provision(image)
        boot.boot()


def _flash(path: Path, held: bool, opened: ExitStack) -> tuple[Flash, bool]:
    """A unit's device, and whether it has just been made."""
    if held:
        fresh = not path.exists()
        try:
            made = FileFlash.create(path, GEOMETRY) if fresh else _opened(path)
        except OSError as error:
            raise InputError(error.strerror or str(error), file=str(path)) from error
        return opened.enter_context(made), fresh
    try:
        content = path.read_bytes()
    except OSError:
        return MemoryFlash(GEOMETRY), True
    if len(content) == UNTRUSTING_BYTES:
        content = content.ljust(GEOMETRY.size_bytes, b"\xff")
    return MemoryFlash(_device(path, len(content)).geometry, content), False


def _opened(path: Path) -> FileFlash:
    """A device that was made before units had a trust of their own gets room for it."""
    size = path.stat().st_size
    if UNTRUSTING_BYTES <= size < GEOMETRY.size_bytes:
        with path.open("ab") as file:
            file.write(b"\xff" * (GEOMETRY.size_bytes - size))
            file.flush()
            os.fsync(file.fileno())
        size = GEOMETRY.size_bytes
    return FileFlash(path, _device(path, size).geometry)


def _device(path: Path, size: int) -> Device:
    found = Device.of_size(size)
    if found is None:
        raise InputError(f"{size} bytes, which no unit's flash has", file=str(path))
    return found


def resize_unit(state: Path, car: CarSpec, unit: str, slot_bytes: int) -> None:
    """Give a unit's device slots of another length; all that it holds stays.

    Raises:
        InputError: there is no such file, it is none of a unit, or what it holds does not fit.
        RefusedError: another program holds the units.
    """
    folder = state / FOLDER / car.name
    with open_units(state, car):
        """Made where they are not there yet."""
    with ExitStack() as opened:
        if not hold(folder, opened, "programs of units"):
            raise RefusedError("the units are in use: end `volant up` and `volant ecu serve` first")
        path = folder / f"{unit}.flash"
        draft = path.with_name(path.name + ".part")
        try:
            data = resized(path.read_bytes(), slot_bytes)
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise InputError(error.strerror or str(error), file=str(path)) from error
        except ValueError as error:
            raise InputError(str(error), file=str(path)) from error
