"""The user's own folders, by the environment; read here and nowhere below `app`."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from volant.core.errors import InputError


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


def runtime_folder() -> Path:
    """Where the sockets of this user's live cars are (XDG Base Directory 0.8: XDG_RUNTIME_DIR).

    Raises:
        InputError: it cannot be made, or is not this user's alone.
    """
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    root = Path(named) if named.startswith("/") and Path(named).is_dir() else None
    folder = root / "volant" if root else Path(tempfile.gettempdir()) / f"volant-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise InputError(f"cannot be made: {error}", file=str(folder)) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise InputError("is not a folder of yours alone", file=str(folder))
    return folder
