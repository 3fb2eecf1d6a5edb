"""Where the live car keeps what outlives it: trouble codes, clips of events, counts of flash."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder(wish: Path | None = None) -> Path:
    """The folder a person wishes, else the user's own (XDG Base Directory 0.8: XDG_STATE_HOME); not made here."""
    if wish is not None:
        return wish
    named = os.environ.get("XDG_STATE_HOME", "")
    root = Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
    return root / "volant"
