"""The folder of what the car remembers from drive to drive, held by one program at a time.

Another one that finds it held, or cannot make it, works on a copy that is thrown away at its end, and says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from volant.app.folders import state_folder
from volant.app.live_record import BUDGET
from volant.app.say import tell
from volant.caros.codes import FILE, Codes, More
from volant.caros.ledger import FlashLedger


@contextlib.contextmanager
def open_codes(
    folder: Path | None, more: More | None = None, *, keep: bool = True
) -> Iterator[Codes]:
    """The car's trouble codes; what changed is kept at the end.

    Args:
        folder: of the state; None: the user's own.
        more: as `Codes` takes it.
        keep: false leaves the folder as it is.
    """
    wanted = state_folder() if folder is None else folder
    with contextlib.ExitStack() as opened:
        held = keep and hold(wanted, opened, "trouble codes")
        if not held:
            scratch = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="volant-")))
            with contextlib.suppress(OSError):
                shutil.copyfile(wanted / FILE, scratch / FILE)
        ledger = FlashLedger(wanted, BUDGET) if held else None
        codes = Codes(wanted if held else scratch, more, ledger)
        for words in codes.said:
            tell(words)
        told = len(codes.said)
        try:
            yield codes
        finally:
            codes.keep()
            for words in codes.said[told:]:
                tell(words)


def hold(folder: Path, opened: contextlib.ExitStack, what: str) -> bool:
    """Make the folder and lock it for as long as we and our forks live; false, with a word, if not."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        tell(f"{what} are not kept: {folder}: {error.strerror}")
        return False
    opened.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        tell(f"{what} are not kept: {folder} is in use by another volant")
        return False
    return True
