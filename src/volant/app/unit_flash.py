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
from volant.core.errors import InputError
from volant.trust.flash import Flash, MemoryFlash
from volant.vehicle.boot import Bootloader, Identity, Image, read_image
from volant.vehicle.boot.calibration import HARDWARE, VERSION, Programs
from volant.vehicle.boot.device import GEOMETRY, SIZE_BYTES, bootloader, first_image
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

    @property
    def now(self) -> Programs:
        """All programs at the last call."""
        return self._seen

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
    if not SIZE_BYTES <= len(content) <= GEOMETRY.size_bytes:
        raise InputError(f"{len(content)} bytes, expected {GEOMETRY.size_bytes}", file=str(path))
    return MemoryFlash(GEOMETRY, content.ljust(GEOMETRY.size_bytes, b"\xff")), False


def _opened(path: Path) -> FileFlash:
    """A device that was made before units had a trust of their own gets room for it."""
    lacking = GEOMETRY.size_bytes - path.stat().st_size
    if 0 < lacking <= GEOMETRY.size_bytes - SIZE_BYTES:
        with path.open("ab") as file:
            file.write(b"\xff" * lacking)
            file.flush()
            os.fsync(file.fileno())
    return FileFlash(path, GEOMETRY)
