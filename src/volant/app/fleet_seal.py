"""The key that seals where a fleet's audit log stands, `FLEET/audit.pem`: made when it is first wanted."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.trust.keys import SigningKey

FILE: Final = "audit.pem"
KEY_BYTES: Final = 32


@dataclass(frozen=True)
class AuditKey:
    """Called, it gives the key; None: the folder cannot be written, so reports go without a seal."""

    fleet: Path

    def __call__(self) -> SigningKey | None:
        """The key, made if need be."""
        path = self.fleet / FILE
        if not path.exists():
            with contextlib.suppress(OSError):
                _make(path)
        try:
            return SigningKey.from_pem(path.read_bytes())
        except OSError:
            return None


def _make(path: Path) -> None:
    """Whole or not at all, and never over one that another process has made meanwhile."""
    draft = path.with_name(f"{FILE}.{secrets.token_hex(8)}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(SigningKey(secrets.token_bytes(KEY_BYTES)).to_pem())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
