"""What cars that speak Uptane ask of the fleet's server, request by request; sockets and files are others' work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.cloud.ddi import Answer
from volant.cloud.service import Fleet

PREFIX: Final = "/uptane"
"""Below it all of this is served."""
BODY_MOST_BYTES: Final = 1 << 20
"""Of a manifest or a joining; a longer one need not be read to its end: 413."""


@dataclass
class UptaneDoor:
    """Answers cars. One for a server; may be called from several threads at once."""

    fleet: Fleet
    keys: Path
    """Folder with the keys that sign online; a fleet without Uptane has none, and all is 404."""
    clock_s: Callable[[], float]
    """Unix seconds."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request; it may take some milliseconds and waits for the database.

        Args:
            method: GET, HEAD or POST.
            path: below `PREFIX`, decoded, with its leading slash: `/time`, `/cars/VIN/director/manifest`.
            headers: by name in lower case.
            body: whole.

        Raises:
            LinkError: the database is away.
        """
        raise NotImplementedError
