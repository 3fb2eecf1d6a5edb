"""Programs of control units: images, and the bootloader that runs nothing else.

An image holds tables, not machine code: switches of behaviour, calibration, what it needs of other units. Pure: it
works on any `trust.flash.Flash`, opens no file and knows no clock.
"""

from volant.vehicle.boot.image import Image, Tables, make_image, read_image
from volant.vehicle.boot.loader import Bootloader
from volant.vehicle.boot.parts import Identity, Layout, Program, Verdict

__all__ = [
    "Bootloader",
    "Identity",
    "Image",
    "Layout",
    "Program",
    "Tables",
    "Verdict",
    "make_image",
    "read_image",
]
