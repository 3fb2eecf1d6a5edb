"""The socket of this machine at which a live car's signals are reached, and the client's end of it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from volant.app.folders import runtime_folder
from volant.core.errors import InputError, LinkError, RefusedError
from volant.core.settings import nearest

LISTEN: Final = 16
ANSWER_S: Final = 5.0
_PREFIX: Final = "signals-"


@contextlib.contextmanager
def listening_here() -> Iterator[socket.socket]:
    """A listening socket for this process's car; its name tells the process, and goes with it."""
    path = runtime_folder() / f"{_PREFIX}{os.getpid()}.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        try:
            listener.listen(LISTEN)
            yield listener
        finally:
            path.unlink(missing_ok=True)


class SignalClient:
    """A connection to a live car's signals."""

    def __init__(self, path: Path | None = None, answer_s: float = ANSWER_S) -> None:
        """Connect to a car by its number, its file or its socket, by default to the only one that runs here.

        An answer that takes longer than `answer_s` is none.

        Raises:
            LinkError: no car is up, or several are.
            InputError: the file names none.
        """
        self._socket, self.path = _connect(path)
        self._socket.settimeout(answer_s)
        self._file = self._socket.makefile("rb")

    @property
    def number(self) -> int | None:
        """Of the car, by the name of its socket; None where that does not tell."""
        found = self.path.stem.removeprefix(_PREFIX)
        return int(found) if found.isdecimal() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def ask(self, **request: Any) -> Any:
        """One request and its answer.

        Raises:
            InputError: there is no such signal, or it cannot be so.
            RefusedError: the car says no, with its reason.
            LinkError: the car is gone.
        """
        try:
            self._socket.sendall(json.dumps({"id": 1, **request}).encode() + b"\n")
        except OSError as error:
            raise LinkError(f"the car is gone: {error}") from error
        answer = self._line()
        if "error" in answer:
            told = answer["error"]
            words = f"{told['path']}: {told['reason']}" if told["path"] else told["reason"]
            if told["code"] == "not_found" and (near := self._nearest(told["path"])):
                words += f"; nearest: {', '.join(near)}"
            wrong = (
                "not_found",
                "invalid_type",
                "out_of_bounds",
                "not_allowed",
                "invalid_argument",
            )
            raise (InputError if told["code"] in wrong else RefusedError)(words)
        return answer["ok"]

    def watch(self, pattern: str) -> Iterator[dict[str, Any]]:
        """Values of all signals of a pattern, and then each change, without end."""
        self.ask(do="watch", pattern=pattern)
        self._socket.settimeout(None)
        while True:
            yield self._line()["values"]

    def _nearest(self, path: str) -> tuple[str, ...]:
        """Signals and branches of this car that are most like what it does not have."""
        leaves = [row["path"] for row in self.ask(do="show", pattern="")]
        branches = {one.rpartition(".")[0] for one in leaves}
        return nearest(path, [*leaves, *sorted(branches)])

    def _line(self) -> Any:
        try:
            line = self._file.readline()
        except OSError as error:
            raise LinkError(f"the car does not answer: {error}") from error
        if not line:
            raise LinkError("the car has gone")
        return json.loads(line)


def _connect(path: Path | None) -> tuple[socket.socket, Path]:
    every = runtime_folder().glob(f"{_PREFIX}*.sock") if path is None else [_named(path)]
    found = [(link, one) for one in sorted(every) if (link := _dial(one)) is not None]
    if len(found) == 1:
        return found[0]
    for link, _ in found:
        link.close()
    if path is not None:
        raise LinkError(f"no live car answers at {path}; `volant live` lists them")
    if not found:
        raise LinkError("no live car is up on this machine; `volant up` starts one")
    many = ", ".join(one.stem.removeprefix(_PREFIX) for _, one in found)
    raise LinkError(f"several live cars run here, take --car: {many}")


def _dial(path: Path) -> socket.socket | None:
    """A link to who listens there; what a killed car left behind is nobody."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.connect(str(path))
    except OSError:
        link.close()
        return None
    return link


def _named(given: Path) -> Path:
    """The socket of a car's number, of its ready or status file, or itself."""
    if str(given).isdecimal():
        return runtime_folder() / f"{_PREFIX}{given}.sock"
    if given.is_file():
        try:
            number = int(json.loads(given.read_bytes())["number"])
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"no file of `volant up`: {error}", file=str(given)) from error
        return runtime_folder() / f"{_PREFIX}{number}.sock"
    return given
