"""Questions to one control unit by UDS: waits while it is busy, opens its programming session, says why it refuses.

It works over any `ask`: a DoIP tester, ISO-TP, a unit in the same program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from volant.caros.diagnostics import NegativeResponseError
from volant.core.errors import LinkError, RefusedError
from volant.vehicle.boot import Verdict
from volant.vehicle.boot.flashing import FINGERPRINT, FLASH_LEVEL
from volant.wire.uds import Nrc, RoutineStep, Session, Sid

Ask = Callable[[bytes], bytes]
"""The positive answer to a request; `NegativeResponseError` where the unit refuses, `LinkError` where it is silent."""
Key = Callable[[int, bytes], bytes]
"""The key of a security level that fits a seed."""
Wait = Callable[[float], object]
"""Lets seconds go by."""
BUSY_TRIES: Final = 10
BUSY_S: Final = 0.2
DELAY_S: Final = 11.0
"""Wait after too many wrong keys, of whoever gave them (`ServerConfig.delay_ns`), and something more."""
NOT_NOW: Final = {
    Nrc.BUSY_REPEAT_REQUEST: "is busy with another tester",
    Nrc.CONDITIONS_NOT_CORRECT: "not now: the car moves, or something is under way",
    Nrc.DELAY_NOT_EXPIRED: "waits, as somebody gave it wrong keys",
    Nrc.VOLTAGE_TOO_LOW: "the 12 V supply is too low to write flash",
    Nrc.VOLTAGE_TOO_HIGH: "the 12 V supply is too high to write flash",
}
"""Refusals that end by themselves."""
NEVER: Final = {
    Nrc.INVALID_KEY: "takes another key than ours",
    Nrc.EXCEEDED_ATTEMPTS: "takes another key than ours",
    Nrc.REQUEST_OUT_OF_RANGE: "knows no such thing, or the program does not fit into it",
    Nrc.PROGRAMMING_FAILURE: "its flash takes nothing any more",
    Nrc.SERVICE_NOT_SUPPORTED: "cannot be programmed",
}
AGAIN: Final = frozenset(
    {
        Nrc.REQUEST_SEQUENCE_ERROR,
        Nrc.REQUEST_OUT_OF_RANGE,  # also what an identifier is that the session does not have
        Nrc.SECURITY_ACCESS_DENIED,
        Nrc.UPLOAD_DOWNLOAD_NOT_ACCEPTED,
        Nrc.TRANSFER_SUSPENDED,
        Nrc.WRONG_BLOCK_COUNTER,
        Nrc.SUB_FUNCTION_NOT_IN_SESSION,
        Nrc.SERVICE_NOT_IN_SESSION,
        Nrc.PROGRAMMING_FAILURE,
    }
)
"""Refusals that are over once the session is opened anew: it had expired, the unit was reset, a block was lost."""
WHY: Final = {
    Verdict.NOT_WHOLE: "nothing came whole",
    Verdict.BROKEN: "what stands in its flash is no image",
    Verdict.OTHER_UNIT: "the image is for another unit",
    Verdict.OTHER_HARDWARE: "the image is for other hardware",
    Verdict.NOT_SIGNED: "the image is not signed by whom it should",
    Verdict.OLDER: "its release is lower than the one that runs",
    Verdict.NEEDS_OTHERS: "it needs a later program of another unit",
    Verdict.WRONG_TABLES: "the unit cannot run by its tables",
    Verdict.NOT_NAMED: "the director has not named this image for it",
}


class UdsLine:
    """One unit behind an `ask`."""

    def __init__(self, name: str, ask: Ask, key: Key, wait: Wait) -> None:
        self.name = name
        self._ask, self._key, self._wait = ask, key, wait

    def plain(self, request: bytes) -> bytes:
        """One answer, as it is; a unit that is busy is asked again.

        Raises:
            NegativeResponseError: it refuses, and not only since it is busy.
            LinkError: it does not answer, or is busy for long.
        """
        for _ in range(BUSY_TRIES):
            try:
                return self._ask(request)
            except NegativeResponseError as error:
                if error.nrc != Nrc.BUSY_REPEAT_REQUEST:
                    raise
            self._wait(BUSY_S)
        raise LinkError(f"{self.name}: {NOT_NOW[Nrc.BUSY_REPEAT_REQUEST]}")

    def must(self, request: bytes) -> bytes:
        """One answer; a refusal is told in words.

        Raises:
            RefusedError: it refuses, and will again.
            LinkError: it does not answer, or not now.
        """
        try:
            return self.plain(request)
        except NegativeResponseError as error:
            raise self.why(error) from error

    def read(self, did: int) -> bytes:
        """A data identifier; errors as `must`."""
        found = self.must(bytes((Sid.READ_DATA,)) + did.to_bytes(2, "big"))
        if found[1:3] != did.to_bytes(2, "big"):
            raise LinkError(f"{self.name}: answered {found[:3].hex(' ')}, asked for {did:04X}")
        return found[3:]

    def routine(self, number: int, option: bytes = b"") -> bytes:
        """What a routine answers; errors as `plain`."""
        head = bytes((Sid.ROUTINE, RoutineStep.START)) + number.to_bytes(2, "big")
        found = self.plain(head + option)
        if len(found) < 5:
            raise LinkError(f"{self.name}: routine {number:04X} answered {found.hex(' ')}")
        return found[4:]

    def open(self, fingerprint: bytes) -> None:
        """Enter the programming session, open its level and sign in; errors as `plain`."""
        self._enter()
        seed = self._seed()
        if any(seed):
            key = self._key(FLASH_LEVEL, seed)
            self.plain(bytes((Sid.SECURITY, FLASH_LEVEL + 1)) + key)
        self.plain(bytes((Sid.WRITE_DATA,)) + FINGERPRINT.to_bytes(2, "big") + fingerprint)

    def close(self) -> None:
        """Back to the default session; where that fails, it ends by its time."""
        try:
            self.plain(bytes((Sid.SESSION, Session.DEFAULT)))
        except (RefusedError, LinkError):
            return

    def why(self, error: NegativeResponseError) -> RefusedError | LinkError:
        """A refusal in words."""
        nrc = Nrc(error.nrc) if error.nrc in set(Nrc) else None
        if nrc in NOT_NOW:
            return LinkError(f"{self.name}: {NOT_NOW[nrc]}")
        if nrc in NEVER:
            return RefusedError(f"{self.name}: {NEVER[nrc]}")
        return RefusedError(f"{self.name}: {error}")

    def _enter(self) -> None:
        self.plain(bytes((Sid.SESSION, Session.EXTENDED)))
        self.plain(bytes((Sid.SESSION, Session.PROGRAMMING)))

    def _seed(self) -> bytes:
        request = bytes((Sid.SECURITY, FLASH_LEVEL))
        try:
            return self.plain(request)[2:]
        except NegativeResponseError as error:
            if error.nrc != Nrc.DELAY_NOT_EXPIRED:
                raise
        self._wait(DELAY_S)
        self._enter()  # meanwhile the session has ended by its time
        return self.plain(request)[2:]
