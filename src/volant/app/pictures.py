"""Pictures on disk: under their final name only when they are whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from volant.core.errors import InputError

ENDINGS: Final = (".png", ".svg", ".pdf")


def draw_picture(target: Path, draw: Callable[[Path], object]) -> None:
    """Have a picture drawn beside its place and move it there.

    Raises:
        InputError: the ending names no kind of picture, or the file cannot be written.
    """
    if target.suffix not in ENDINGS:
        raise InputError(f"a picture ends in {', '.join(ENDINGS)}", file=str(target))
    draft = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        draw(draft)
        draft.replace(target)
    except OSError as error:
        words = f"cannot be written: {error.strerror or error}"
        raise InputError(words, file=str(target)) from error
    finally:
        draft.unlink(missing_ok=True)
