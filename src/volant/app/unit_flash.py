"""Flash files of the car's units, in the folder of the state.

They are made from the car's facts at the first start. They are the only way to the units' behaviour: a unit whose file
holds no sound program is dead. What we make takes its name when it is whole: after a cut the file is there or not, the
old one or the new. Once a unit was joined to a director, the facts change its program no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from volant.app.programs import booted, fits, tables_of
from volant.app.say import tell
from volant.app.state import hold
from volant.caros.apps.store import write_whole
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
        boots, kept = {}, []
        for spec in ECUS:
            identity = Identity(spec.name, HARDWARE)
            first = first_image(identity, VERSION, tables_of(spec.name, car))
            flash, stale = _flash(folder / f"{spec.name}.flash", held, opened, (identity, first))
            boots[spec.name] = bootloader(flash, identity, fits)
            boots[spec.name].boot()
            kept += [spec.name] if stale else []
        if kept:
            told = f"joined units keep their programs though the facts of {car.name} have changed"
            tell(f"volant: {told}: {', '.join(kept)}")
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


def _flash(
    path: Path, held: bool, opened: ExitStack, made: tuple[Identity, bytes]
) -> tuple[Flash, bool]:
    """A unit's device, made or renewed where it must be, and whether its director alone renews it.

    Args:
        path: its file.
        held: whether the file is ours; else a copy is made.
        opened: closes it.
        made: whose it is, and the program of the factory.
    """
    try:
        before = path.read_bytes() if path.exists() else None
        content, stale = _content(path, before, made)
        if held and content != before:
            write_whole(path, content)
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(path)) from error
    geometry = _device(path, len(content)).geometry
    if held:
        return opened.enter_context(FileFlash(path, geometry)), stale
    return MemoryFlash(geometry, content), stale


def _content(path: Path, before: bytes | None, made: tuple[Identity, bytes]) -> tuple[bytes, bool]:
    """The bytes of a device as they should be at a start, from those in its file; None: it lacks."""
    identity, first = made
    if before is None:
        return _provisioned(MemoryFlash(GEOMETRY), identity, first), False
    content = before
    if UNTRUSTING_BYTES <= len(content) < GEOMETRY.size_bytes:
        # It was made before units had a trust of their own.
        content = content.ljust(GEOMETRY.size_bytes, b"\xff")
    flash = MemoryFlash(_device(path, len(content)).geometry, content)
    # What the factory of an earlier release put in, which no longer fits the unit, counts too.
    boot = bootloader(flash, identity)
    running = boot.boot()
    if running is None or running.image.release != 0:
        return content, False
    if read_image(first).tables == running.image.tables:
        return content, False
    if boot.trust is not None and boot.trust.joined:
        return content, True
    if boot.on_trial or boot.programming:
        return content, False
    # A program of the factory goes with the facts of the car: when they change, so does it.
    return _provisioned(flash, identity, first), False


def _provisioned(flash: MemoryFlash, identity: Identity, first: bytes) -> bytes:
    bootloader(flash, identity, fits).provision(first)
    return flash.content


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
        try:
            write_whole(path, resized(path.read_bytes(), slot_bytes))
        except OSError as error:
            raise InputError(error.strerror or str(error), file=str(path)) from error
        except ValueError as error:
            raise InputError(str(error), file=str(path)) from error
