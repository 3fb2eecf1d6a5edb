"""The exit statuses of the `volant` command; docs/reference/cli.md lists them for scripts."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """What a command tells the shell."""

    DONE = 0
    """As asked: the drive arrived, the file is sound, the replay agrees."""
    INTERNAL = 1
    """A fault of Volant's own; `--debug` shows where."""
    USAGE = 2
    """An unknown word, or a file from outside is wrong."""
    NOT_ARRIVED = 3
    """The drive ended before its destination without a contact, or the charge does not reach there."""
    CONTACT = 4
    """The car touched something."""
    DIFFERS = 5
    """The replay differs, the road has findings, the machine lacks something needed, or a campaign has stopped."""
    UNWRITTEN = 74
    """The answer could not be written to standard output (EX_IOERR of BSD's sysexits.h)."""
    HANGUP = 129
    """The terminal closed (128 + SIGHUP); the drive was ended and its journal completed."""
    INTERRUPTED = 130
    """Ctrl-C (128 + SIGINT); the drive was ended and its journal completed."""
    TERMINATED = 143
    """Asked to end (128 + SIGTERM); the drive was ended and its journal completed."""


WORDS: dict[Exit, str] = {
    Exit.DONE: "as asked: the drive arrived, the file is sound, the replay agrees",
    Exit.INTERNAL: "a fault of Volant's own; `volant --debug ...` shows where",
    Exit.USAGE: "an unknown word or option, or a file from outside is wrong",
    Exit.NOT_ARRIVED: "the drive ended before its destination, without a contact; a route is out of reach",
    Exit.CONTACT: "the car touched something",
    Exit.DIFFERS: "the replay differs, the road has findings, the machine lacks something, or a campaign stopped",
    Exit.UNWRITTEN: "the answer could not be written to standard output, as on a full disk",
    Exit.HANGUP: "the terminal closed; the drive was ended, its journal is complete",
    Exit.INTERRUPTED: "Ctrl-C; the drive was ended, its journal is complete",
    Exit.TERMINATED: "asked to end (SIGTERM); the drive was ended, its journal is complete",
}
"""The same for people, in the order of the table."""
