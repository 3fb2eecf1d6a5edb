"""Words to people: lines, tables and progress that survive a closed terminal and a broken pipe.

Answers go to standard output, everything else to standard error, so that `--json` can be piped. Once a
stream is gone it is not written again; a drive does not end because nobody reads its lines. An answer
that somebody waits for and that cannot be written, as on a full disk, is remembered for the end.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Sequence
from typing import Any, TextIO


class _Streams:
    """Which of our two streams can still be written, and why the answer could not be."""

    def __init__(self) -> None:
        self._gone: set[int] = set()
        self.answer_lost: str | None = None

    def write(self, stream: TextIO, text: str) -> None:
        number = 1 if stream is sys.stdout else 2
        if number in self._gone:
            return
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError) as error:
            if number == 1 and isinstance(error, OSError) and not _nobody_reads(error):
                self.answer_lost = error.strerror or str(error)
            self._gone.add(number)
            _silence(number)


def _nobody_reads(error: OSError) -> bool:
    """Whether the reader went away (`| head`, a closed terminal), so that no answer is missed."""
    if isinstance(error, ConnectionError):
        return True
    return error.errno == errno.EIO and stat.S_ISCHR(os.fstat(1).st_mode)


def _silence(number: int) -> None:
    """Point a dead stream at the null device, so that the interpreter's last flush is quiet."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
    except OSError:
        pass


_STREAMS = _Streams()


def open_closed_streams() -> None:
    """Give a process that was started without standard streams (`>&-`) the null device in their place.

    Otherwise Python has None there, and the next socket or journal would take the stream's number.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def answer(text: str) -> None:
    """A line of the answer, on standard output."""
    _STREAMS.write(sys.stdout, text + "\n")


def answer_json(value: Any) -> None:
    """One JSON object on standard output."""
    import msgspec

    answer(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def why_answer_is_lost() -> str | None:
    """What kept the answer from standard output, also one that others left in its buffer; else None."""
    _STREAMS.write(sys.stdout, "")
    return _STREAMS.answer_lost


def tell(text: str) -> None:
    """A line beside the answer, on standard error."""
    _STREAMS.write(sys.stderr, text + "\n")


def tell_over(text: str) -> None:
    """Replace the last line of a terminal; only for standard error on a terminal."""
    _STREAMS.write(sys.stderr, f"\r\x1b[2K{text}")


def is_terminal() -> bool:
    """Whether a person watches standard error."""
    try:
        return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    except ValueError:
        return False


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output, without colour where there is no terminal."""
    import io

    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        show_header=any(headings),
    )
    for heading in headings:
        # No heading is broken within a word, however narrow the terminal is.
        drawn.add_column(
            heading,
            overflow="fold",
            min_width=max((len(one) for one in heading.split()), default=0),
        )
    for row in rows:
        drawn.add_row(*row)
    text = io.StringIO()
    watched = sys.stdout.isatty()
    console = Console(file=text, force_terminal=watched, width=None if watched else 120)
    console.print(drawn, markup=False)
    answer("\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines()))
