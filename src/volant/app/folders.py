"""The user's own folders, by the environment; read here and nowhere below `app`."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """Where a user keeps cars, maps and scenarios (XDG Base Directory 0.8: XDG_DATA_HOME).

    `~/.volant` is taken where it exists.
    """
    plain = Path.home() / ".volant"
    if plain.is_dir():
        return plain
    named = os.environ.get("XDG_DATA_HOME", "")
    root = Path(named) if named.startswith("/") else Path.home() / ".local" / "share"
    return root / "volant"


def state_folder() -> Path:
    """What the car remembers from drive to drive (XDG Base Directory 0.8: XDG_STATE_HOME).

    `~/.volant/state` is taken where `~/.volant` exists.
    """
    plain = Path.home() / ".volant"
    if plain.is_dir():
        return plain / "state"
    named = os.environ.get("XDG_STATE_HOME", "")
    root = Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
    return root / "volant"
