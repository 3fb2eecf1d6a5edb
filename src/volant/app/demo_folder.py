"""The folder of a demo, looked at before anything heavy is loaded or compiled."""

from __future__ import annotations

from pathlib import Path

from volant.core.errors import InputError, RefusedError


def check_new(folder: Path, makes: str) -> None:
    """Whether a demo may play in a folder.

    Raises:
        InputError: it is a file, or cannot be read.
        RefusedError: something is in it.
    """
    try:
        found = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise InputError(f"no folder for a demo: {error.strerror}", file=str(folder)) from error
    if found:
        raise RefusedError(
            f"{folder} is not empty: the demo makes a {makes} of its own, in a new folder"
        )
