"""Flash: the device as an interface, a value that survives a cut, and proof of it by replay.

Pure: a device in memory, no files and no clock.
"""

from volant.trust.flash.device import Flash, Geometry, MemoryFlash
from volant.trust.flash.recording import CrashState, RecordingFlash, check_states
from volant.trust.flash.records import Area, Records

__all__ = [
    "Area",
    "CrashState",
    "Flash",
    "Geometry",
    "MemoryFlash",
    "RecordingFlash",
    "Records",
    "check_states",
]
