"""Programming a unit by UDS: what its server offers for that, on a bootloader.

The order is that of ISO 14229-1, clause 15 (recalled): programming session, security, fingerprint, erase, download,
check, dependencies, reset. Beyond it a new program is confirmed, or the old one comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from volant.core.errors import InputError, RefusedError, TrustError
from volant.vehicle.boot.believing import NONCE_BYTES, TIME_MOST_BYTES, Believing
from volant.vehicle.boot.loader import Bootloader
from volant.vehicle.boot.parts import FINGERPRINT_MOST_BYTES, Verdict
from volant.vehicle.boot.told import programs_of
from volant.vehicle.uds_config import PROGRAMMING_ONLY, Answer, DataId, Later, Routine
from volant.wire.uds import Did, Nrc, Sid

FLASH_LEVEL: Final = 0x11
"""Security level that programming needs."""
FLASH_START: Final = 0x0800_0000
"""Address of a program's first byte, whichever slot it goes to."""
FINGERPRINT: Final = 0xF15A
"""Data identifier: who programs (ISO 14229-1, annex C.1; recalled)."""
PROGRESS: Final = 0x0120
"""Data identifier: bytes of a transfer that survive a cut (4), of all of it (4), SHA-256 of the former."""
RELEASE: Final = 0x0121
"""Data identifier: release of the running program (4); all ones: none runs."""
PROGRAMS: Final = 0x0122
"""Data identifier: `ProgramsTold`."""
NONCE: Final = 0x0123
"""Data identifier: 16 fresh bytes that a signed time must answer; empty: the unit was not joined."""
REPORT: Final = 0x0124
"""Data identifier: ECU version report, signed by the unit; empty: it was not joined."""
TRUSTED: Final = 0x0125
"""Data identifier: `TrustTold`."""
DELTA: Final = 0x0126
"""Data identifier: segments of a delta that survive a cut (4), SHA-256 of its header; 4 bytes: none is under way."""
DELTA_FORM: Final = 0x10
"""Data format identifier of a download: a delta container, applied to what runs (no ciphering; chosen)."""
TRUST_START: Final = 0x0900_0000
"""Address of metadata: a MessagePack list of the director's files, newer roots and targets."""
ERASE: Final = 0xFF00
"""Routine of the standard (annex F): erase the memory before a download."""
DEPENDENCIES: Final = 0xFF01
"""Routine of the standard (annex F): check that programs fit each other; here it activates, too."""
CHECK: Final = 0x0202
"""Routine: judge what was transferred; answers with a `Verdict`."""
CONFIRM: Final = 0x0203
"""Routine: the new program is good and stays."""
REVERT: Final = 0x0204
"""Routine: the old program comes back at the next reset."""
TIME: Final = 0x0205
"""Routine: take a signed time; 00: taken, 01 and words: not."""
TRUST: Final = 0x0206
"""Routine: believe the metadata that were transferred; 00: believed, 01 and words: not."""
PROGRAMMING_DIDS: Final[Mapping[int, str]] = {
    FINGERPRINT: "fingerprint",
    PROGRESS: "programming_progress",
    RELEASE: "release",
    PROGRAMS: "programs",
    DELTA: "delta_progress",
    TRUSTED: "trusted",
}
_FLASH_ROUTINES: Final = frozenset({ERASE, DEPENDENCIES, CHECK, CONFIRM, REVERT, TIME, TRUST})
_FLASH_SERVICES: Final = frozenset({Sid.DOWNLOAD, Sid.TRANSFER, Sid.TRANSFER_EXIT})
SUPPLY_LEAST_V, SUPPLY_MOST_V = 11.5, 15.5
"""Flash is written only between these (chosen: a 12 V battery that is not empty, a charger that is not broken)."""


def permit_by_supply(sid: Sid, what: int, supply_v: float) -> Nrc | None:
    """Nothing is written to flash without a sound supply; one that is not known is none."""
    writes = sid in _FLASH_SERVICES or (sid is Sid.ROUTINE and what in _FLASH_ROUTINES)
    if not writes or SUPPLY_LEAST_V <= supply_v <= SUPPLY_MOST_V:
        return None
    if supply_v < SUPPLY_LEAST_V:
        return Nrc.VOLTAGE_TOO_LOW
    return Nrc.VOLTAGE_TOO_HIGH if supply_v > SUPPLY_MOST_V else Nrc.CONDITIONS_NOT_CORRECT


Releases = Callable[[], Mapping[str, int]]
"""What units will run after the next reset, by name (`Bootloader.coming`)."""


class Flashing:
    """Programs one unit; a `uds_config.FlashTarget`, with the identifiers and routines that go with it."""

    def __init__(
        self,
        boot: Bootloader,
        releases: Releases,
        *,
        now_ns: Callable[[], int] = lambda: 0,
        fresh: Callable[[], bytes] = lambda: bytes(NONCE_BYTES),
    ) -> None:
        """What a unit offers.

        Args:
            boot: its bootloader.
            releases: what other units will run.
            now_ns: its forward counter; without one its secure time stands still.
            fresh: 16 bytes that nobody can foresee.
        """
        self.boot, self._releases = boot, releases
        self._believing = Believing(boot, now_ns, fresh)
        self._signed_in = False
        self._into_trust = False

    # --- download --------------------------------------------------------------------------------

    def begin(self, address: int, size: int) -> Nrc | None:
        """Begin a download into an erased slot, or go on with one that was cut; or one of metadata."""
        self._into_trust = self._believing.begin(address - TRUST_START, size)
        if self._into_trust:
            return None
        offset = address - FLASH_START
        if not self.boot.fits(offset, size):
            return Nrc.REQUEST_OUT_OF_RANGE
        try:
            begun = self.boot.begin(offset, size)
        except OSError:
            return Nrc.PROGRAMMING_FAILURE
        return None if begun else Nrc.UPLOAD_DOWNLOAD_NOT_ACCEPTED

    def begin_delta(self, address: int, _size: int) -> Nrc | None:
        """Begin a delta into an erased slot, or go on with one that was cut: its header comes first each time."""
        self._into_trust = False
        if address != FLASH_START:
            return Nrc.REQUEST_OUT_OF_RANGE
        return None if self.boot.begin_delta() else Nrc.UPLOAD_DOWNLOAD_NOT_ACCEPTED

    def write(self, offset: int, block: bytes) -> Nrc | None:  # noqa: ARG002 - blocks follow each other
        """Write the next block. A delta that does not fit this unit is out of range: whole images do."""
        if self._into_trust:
            self._believing.write(block)
            return None
        if not self.boot.transferring:
            return Nrc.REQUEST_SEQUENCE_ERROR
        try:
            self.boot.write(block)
        except RefusedError:
            return Nrc.REQUEST_OUT_OF_RANGE
        except (InputError, TrustError):
            return Nrc.TRANSFER_SUSPENDED
        except OSError:
            return Nrc.PROGRAMMING_FAILURE
        return None

    def finish(self) -> Answer:
        """End a download that came whole."""
        if self._into_trust:
            return b""
        try:
            return b"" if self.boot.finish() else Nrc.REQUEST_SEQUENCE_ERROR
        except OSError:
            return Nrc.PROGRAMMING_FAILURE

    # --- identifiers and routines ----------------------------------------------------------------

    def dids(self) -> dict[int, DataId]:
        """Identifiers of a unit that can be programmed."""
        return {
            Did.SOFTWARE_VERSION: DataId(name="software_version", read=self._version),
            Did.SUPPLIER_SOFTWARE_VERSION: DataId(
                name="supplier_software_version", read=self._version
            ),
            FINGERPRINT: DataId(
                name=PROGRAMMING_DIDS[FINGERPRINT],
                read=lambda: self.boot.fingerprint,
                write=self._sign_in,
                write_sessions=PROGRAMMING_ONLY,
                write_level=FLASH_LEVEL,
            ),
            PROGRESS: DataId(name=PROGRAMMING_DIDS[PROGRESS], read=self._progress),
            RELEASE: DataId(name=PROGRAMMING_DIDS[RELEASE], read=self._release),
            PROGRAMS: DataId(
                name=PROGRAMMING_DIDS[PROGRAMS], read=lambda: programs_of(self.boot).to_bytes()
            ),
            DELTA: DataId(name=PROGRAMMING_DIDS[DELTA], read=self._delta),
            TRUSTED: DataId(name=PROGRAMMING_DIDS[TRUSTED], read=self._believing.told),
            NONCE: DataId(name="nonce", read=self._believing.nonce),
            REPORT: DataId(name="report", read=self._believing.report),
        }

    def routines(self) -> dict[int, Routine]:
        """Routines of a unit that can be programmed."""
        named = {
            ERASE: ("erase", self._erase),
            CHECK: ("check", self._check),
            DEPENDENCIES: ("dependencies", self._activate),
            CONFIRM: ("confirm", self._confirm),
            REVERT: ("revert", self._revert),
            TRUST: ("trust", self._believing.believe),
        }
        routines = {
            number: Routine(name=name, start=start, sessions=PROGRAMMING_ONLY, level=FLASH_LEVEL)
            for number, (name, start) in named.items()
        }
        routines[TIME] = Routine(
            name="time",
            start=self._believing.hear,
            option_most=TIME_MOST_BYTES,
            sessions=PROGRAMMING_ONLY,
            level=FLASH_LEVEL,
        )
        return routines

    def reset(self) -> None:
        """As after power-on."""
        self._signed_in = False
        self._believing.reset()
        self.boot.boot()

    def _version(self) -> bytes:
        running = self.boot.running
        return b"boot" if running is None else running.image.version.encode()

    def _release(self) -> bytes:
        running = self.boot.running
        return b"\xff" * 4 if running is None else running.image.release.to_bytes(4, "big")

    def _progress(self) -> bytes:
        written, size = self.boot.resumes_at
        return written.to_bytes(4, "big") + size.to_bytes(4, "big") + self.boot.resumes_hash

    def _delta(self) -> bytes:
        segments, header = self.boot.delta_done
        return segments.to_bytes(4, "big") + header

    def _sign_in(self, record: bytes) -> Nrc | None:
        if len(record) > FINGERPRINT_MOST_BYTES:
            return Nrc.REQUEST_OUT_OF_RANGE
        self.boot.sign_in(record)
        self._signed_in = True
        return None

    def _erase(self, _option: bytes) -> Answer:
        """A block at each poll: a unit that is reset meanwhile is in its bootloader."""
        if not self._signed_in:
            return Nrc.REQUEST_SEQUENCE_ERROR
        if not self.boot.begin_erase():
            return Nrc.CONDITIONS_NOT_CORRECT

        def poll(_now_ns: int) -> bytes | Nrc | None:
            try:
                return b"\x00" if self.boot.erase_step() else None
            except OSError:
                return Nrc.PROGRAMMING_FAILURE

        return Later(poll)

    def _check(self, _option: bytes) -> Answer:
        return bytes((self.boot.check(),))

    def _activate(self, _option: bytes) -> Answer:
        verdict = self.boot.activate(self._releases())
        self._signed_in = self._signed_in and verdict is not Verdict.SOUND
        return bytes((verdict,))

    def _confirm(self, _option: bytes) -> Answer:
        return b"\x00" if self.boot.confirm() else Nrc.CONDITIONS_NOT_CORRECT

    def _revert(self, _option: bytes) -> Answer:
        return b"\x00" if self.boot.revert() else Nrc.CONDITIONS_NOT_CORRECT
