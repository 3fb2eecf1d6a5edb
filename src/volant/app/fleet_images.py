"""Which control units an image of a release is for: `HARDWARE=FILE`, `HARDWARE/UNIT=FILE`, or `FILE` alone where a program
says it itself, as those of a Volant car do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.core.errors import InputError

WORDS: Final = "HARDWARE=FILE, HARDWARE/UNIT=FILE, or FILE where it is a program of a Volant car"
HEAD_BYTES: Final = 64
PROGRAM_MOST_BYTES: Final = 16 << 20
"""More than any program of a Volant car has."""


@dataclass(frozen=True, slots=True)
class ImageWish:
    """One image that is to be published."""

    file: Path
    hardware: str
    units: tuple[str, ...] = ()
    """None: all units of the hardware."""


def recognise(file: Path) -> tuple[str, tuple[str, ...]]:
    """Hardware and units of a program of a Volant car; no hardware: it is something else."""
    # Here, since whoever only looks at a fleet needs no car.
    from volant.vehicle.boot import read_image
    from volant.vehicle.boot.image import is_image

    with file.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    if not is_image(head) or file.stat().st_size > PROGRAM_MOST_BYTES:
        return "", ()
    try:
        program = read_image(file.read_bytes())
    except InputError:
        return "", ()
    return program.hardware, (program.unit,)


def image_of(word: str) -> ImageWish:
    """What `--image` says.

    Raises:
        InputError: there is no such file, or nobody says which units it is for.
    """
    whom, equals, name = word.rpartition("=")
    file = Path(name if equals and not Path(word).is_file() else word)
    if not file.is_file():
        raise InputError("no such file", file=str(file))
    if str(file) != word:
        hardware, _, unit = whom.partition("/")
        if not hardware:
            raise InputError(f"--image {word}: expected {WORDS}")
        return ImageWish(file, hardware, (unit,) if unit else ())
    hardware, units = recognise(file)
    if not hardware:
        raise InputError(f"--image {word}: for which control units? {WORDS}")
    return ImageWish(file, hardware, units)
