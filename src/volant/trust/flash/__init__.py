"""Flash: the device as an interface, values and slots that survive a cut, and proof of it by replay.

Pure: a device in memory, no files and no clock.
"""

from volant.trust.flash.device import Flash, Geometry, MemoryFlash
from volant.trust.flash.recording import CrashState, RecordingFlash, check_states
from volant.trust.flash.records import Area, Records
from volant.trust.flash.slots import Booted, Image, Layout, Progress, Slots, Switch

__all__ = [
    "Area",
    "Booted",
    "CrashState",
    "Flash",
    "Geometry",
    "Image",
    "Layout",
    "MemoryFlash",
    "Progress",
    "RecordingFlash",
    "Records",
    "Slots",
    "Switch",
    "check_states",
]
