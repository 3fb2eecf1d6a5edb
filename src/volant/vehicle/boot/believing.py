"""A unit's trust as UDS offers it: a nonce, signed time, metadata, a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from volant.core.errors import InputError, TrustError
from volant.trust.uptane import Installed
from volant.vehicle.boot.loader import Bootloader
from volant.vehicle.boot.told import programs_of
from volant.vehicle.boot.trusting import TrustTold, UnitTrust
from volant.vehicle.uds_config import Answer
from volant.wire.uds import Nrc

NONCE_BYTES: Final = 16
TIME_MOST_BYTES: Final = 4000
"""Of a signed time: a request over ISO-TP is no longer; it answers the nonces of about 80 units."""
WORDS_MOST: Final = 400
"""Bytes of a reason."""
FILES_MOST: Final = 300
"""Roots and targets in one transfer: more roots than a check goes through."""
METADATA_MOST_BYTES: Final = 1 << 20
"""Of one transfer, in memory: targets that fill a bank, and as many roots of three keys as a check goes through."""


class Believing:
    """What one unit offers; of a unit that cannot be joined all is empty."""

    def __init__(
        self, boot: Bootloader, now_ns: Callable[[], int], fresh: Callable[[], bytes]
    ) -> None:
        self._boot, self._now_ns, self._fresh = boot, now_ns, fresh
        self._coming: bytearray | None = None
        self._size = 0

    def reset(self) -> None:
        """What was transferred and not believed is lost."""
        self._coming = None

    def begin(self, offset: int, size: int) -> bool:
        """Begin a transfer of metadata; false: it is none of ours, or there is no room for it."""
        trust = self._joined()
        if trust is None or offset != 0 or not 0 < size <= METADATA_MOST_BYTES:
            return False
        self._coming, self._size = bytearray(), size
        return True

    def write(self, block: bytes) -> None:
        """The next block."""
        if self._coming is None or len(self._coming) + len(block) > self._size:
            raise ValueError("more bytes than were announced")
        self._coming += block

    def told(self) -> bytes:
        """What it tells of its trust."""
        trust = self._boot.trust
        found = TrustTold(joined=False) if trust is None else trust.told(self._now_ns())
        return msgspec.msgpack.encode(found)

    def nonce(self) -> bytes:
        """Fresh bytes; those that were given before are forgotten."""
        trust = self._joined()
        if trust is None:
            return b""
        nonce = self._fresh()
        trust.ask_time(nonce, self._now_ns())
        return nonce

    def report(self) -> bytes:
        """The signed report."""
        trust = self._joined()
        return b"" if trust is None else trust.report(self._installed(trust), self._now_ns())

    def hear(self, data: bytes) -> Answer:
        """Take a signed time."""
        return self._judged(lambda trust: trust.hear_time(data, self._now_ns()))

    def believe(self, _option: bytes) -> Answer:
        """Believe what was transferred; it is gone then."""
        coming, self._coming = self._coming, None
        if coming is None or len(coming) != self._size:
            return Nrc.REQUEST_SEQUENCE_ERROR

        def take(trust: UnitTrust) -> None:
            try:
                files = msgspec.msgpack.decode(coming, type=tuple[bytes, ...])
            except msgspec.MsgspecError as error:
                raise InputError(f"no list of files: {error}") from error
            if len(files) > FILES_MOST:
                raise InputError(f"{len(files)} files, at most {FILES_MOST}")
            trust.take(files, self._installed(trust), self._now_ns())

        return self._judged(take)

    def _judged(self, act: Callable[[UnitTrust], None]) -> Answer:
        trust = self._joined()
        if trust is None:
            return Nrc.CONDITIONS_NOT_CORRECT
        try:
            act(trust)
        except (InputError, TrustError) as error:
            return b"\x01" + str(error).encode()[:WORDS_MOST]
        except OSError:
            return Nrc.PROGRAMMING_FAILURE
        return b"\x00"

    def _joined(self) -> UnitTrust | None:
        trust = self._boot.trust
        return trust if trust is not None and trust.joined else None

    def _installed(self, trust: UnitTrust) -> Installed | None:
        runs = programs_of(self._boot).runs
        return None if runs is None else runs.as_installed(trust.ecu_id)
