"""The process table: one `[[process]]` block for each process of the live car, read from TOML.

A table that contradicts itself is refused as a whole, with the line at fault: a cycle among needs, an
unknown need or topic, two of one name, two writers of a state, a program that is not there, nobody who drives.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import symtable
from collections.abc import Iterator
from importlib.abc import InspectLoader
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from volant.core.errors import InputError
from volant.core.messages import PowerState
from volant.core.settings import load_toml
from volant.core.topics import BY_NAME, CAR_COMMAND, CAR_STATE, TOPICS, Kind, Topic

ALL: Final = "*"
"""Reads every topic."""
PYTHON: Final = "python"
"""First word of a program: the interpreter that runs us."""

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,31}$")]
AWAKE: Final = (PowerState.WAKE, PowerState.PARKED, PowerState.READY, PowerState.DRIVING)
Seconds = Annotated[float, Meta(ge=0.0, le=600.0)]
AboveZero = Annotated[float, Meta(gt=0.0, le=600.0)]


class ProcessRow(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"safety": "class"},
):
    """One process of the live car."""

    name: Name
    program: str | Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)]
    """`module:function`, run in a fork of the supervisor, which has everything loaded; or the words of a
    command, `python` standing for our own interpreter."""
    needs: tuple[str, ...] = ()
    """Processes that must be ready before this one starts; it is stopped before them."""
    reads: tuple[str, ...] = ()
    """Topics it is handed; `*` for all."""
    writes: tuple[str, ...] = ()
    """Topics it may publish."""
    ready_s: AboveZero = 10.0
    """Not ready this long after its start it counts as hung."""
    heartbeat_s: Seconds = 1.0
    """Silent for longer than this it counts as hung; 0: it has no heartbeat, and is ready once it runs.
    Of an edge, time in which it wanted to run and was given no processor does not count (`machine.PATIENCE`)."""
    grace_s: Seconds = 2.0
    """Between TERM and KILL."""
    restart: Literal["always", "failure", "never"] = "always"
    """`failure`: not after an exit status of 0."""
    backoff_s: AboveZero = 0.2
    """Before the first restart; doubled for each further one, with jitter."""
    backoff_most_s: AboveZero = 30.0
    restarts: Annotated[int, Meta(ge=0, le=1000)] = 5
    """So many restarts within `within_s` are borne; one more and it is quarantined."""
    within_s: AboveZero = 60.0
    safety: Literal["driving", "edge"] = "edge"
    """`driving`: its death is told to the driver at once. An edge costs only itself."""
    states: tuple[PowerState, ...] = AWAKE
    """Power states in which it runs."""
    priority: Annotated[int, Meta(ge=0, le=49)] = 0
    """Real-time priority (SCHED_FIFO) where the machine grants it; 0: none."""

    @property
    def topics_read(self) -> tuple[Topic, ...]:
        """What `reads` stands for, in the order of the topic table."""
        return TOPICS if ALL in self.reads else tuple(t for t in TOPICS if t.name in self.reads)

    @property
    def topics_written(self) -> tuple[Topic, ...]:
        """What `writes` stands for, in the order of the topic table."""
        return tuple(topic for topic in TOPICS if topic.name in self.writes)


class JobRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One garage job: work that waits until the car is parked."""

    name: Name
    program: str
    """`module:function`; it gives an iterator that does one piece of the work at a time."""
    every_h: Annotated[float, Meta(gt=0.0, le=10_000.0)] = 24.0
    """So long after it was done it is due again, in hours."""
    takes_s: Annotated[float, Meta(gt=0.0, le=86_400.0)] = 60.0
    """It may take so long at a time; then it is given up until it is due again."""
    supply_v: Annotated[float, Meta(ge=0.0, le=16.0)] = 12.2
    """It does not begin below this voltage of the 12 V side."""


class ProcessTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All processes, in an order in which each comes after what it needs."""

    process: Annotated[tuple[ProcessRow, ...], Meta(min_length=1, max_length=64)]
    job: Annotated[tuple[JobRow, ...], Meta(max_length=64)] = ()
    """What is done while the car is parked."""

    def row(self, name: str) -> ProcessRow:
        """The row of a name.

        Raises:
            KeyError: there is none.
        """
        return {row.name: row for row in self.process}[name]


def load_table(path: Path) -> ProcessTable:
    """Read and check a process table.

    Raises:
        InputError: unreadable, not TOML, a value out of bounds, or a contradiction; with file and line.
    """
    table = load_toml(path, ProcessTable)
    for number, row in enumerate(table.process):
        for key, words in _faults(row, table.process[:number], table.process):
            line = _line(path, number, key)
            raise InputError(words, file=str(path), line=line, where=row.name)
    for number, job in enumerate(table.job):
        for key, words in _job_faults(job, table.job[:number]):
            line = _line(path, number, key, "job")
            raise InputError(words, file=str(path), line=line, where=job.name)
    for topic in (CAR_STATE, CAR_COMMAND):
        if not any(topic in r.topics_written and r.safety == "driving" for r in table.process):
            words = f"no process of class `driving` writes {topic.name}: nobody would drive"
            raise InputError(words, file=str(path))
    return ProcessTable(process=_ordered(path, table.process), job=table.job)


def program_is_there(program: str | tuple[str, ...]) -> bool:
    """Whether a program can be found; its module is not imported."""
    if isinstance(program, str):
        module, colon, function = program.partition(":")
        return bool(colon) and _has_module(module) and _binds(module, function)
    first, rest = program[0], program[1:]
    if first != PYTHON:
        return shutil.which(first) is not None
    if len(rest) >= 2 and rest[0] == "-m":
        return _has_module(rest[1])
    return not rest or rest[0].startswith("-") or Path(rest[0]).is_file()


def _has_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _binds(module: str, name: str) -> bool:
    """Whether a module gives something that name, by its source; what has none is believed."""
    spec = importlib.util.find_spec(module)
    loader = None if spec is None else spec.loader
    if not isinstance(loader, InspectLoader):
        return False
    try:
        source = loader.get_source(module)
        if source is None:
            return name.isidentifier()
        symbol = symtable.symtable(source, module, "exec").lookup(name)
    except (KeyError, ImportError, SyntaxError, ValueError):
        return False
    return symbol.is_assigned() or symbol.is_imported()


def _faults(
    row: ProcessRow, before: tuple[ProcessRow, ...], rows: tuple[ProcessRow, ...]
) -> Iterator[tuple[str, str]]:
    """What is wrong with a row, as key and words."""
    names = {one.name for one in rows}
    if row.name in {one.name for one in before}:
        yield "name", f"two processes are named {row.name!r}"
    if not program_is_there(row.program):
        yield "program", f"no such program: {_words(row.program)}"
    for need in row.needs:
        if need not in names:
            yield "needs", f"needs {need!r}, which no process is named"
    for key, topics in (("reads", row.reads), ("writes", row.writes)):
        for name in topics:
            if name not in BY_NAME and not (key == "reads" and name == ALL):
                yield key, f"no topic is named {name!r}"
    for one in before:
        for topic in row.topics_written:
            if topic in one.topics_written and topic.kind is Kind.STATE:
                yield "writes", f"{topic.name} is a state that {one.name} writes already"


def _job_faults(job: JobRow, before: tuple[JobRow, ...]) -> Iterator[tuple[str, str]]:
    if job.name in {one.name for one in before}:
        yield "name", f"two jobs are named {job.name!r}"
    if not program_is_there(job.program):
        yield "program", f"no such program: {job.program}"


def _words(program: str | tuple[str, ...]) -> str:
    return program if isinstance(program, str) else " ".join(program)


def _ordered(path: Path, rows: tuple[ProcessRow, ...]) -> tuple[ProcessRow, ...]:
    """Rows after what they need, else as written; the first row of a cycle is named."""
    placed: dict[str, ProcessRow] = {}
    while len(placed) < len(rows):
        left = [row for row in rows if row.name not in placed]
        free = next((row for row in left if all(need in placed for need in row.needs)), None)
        if free is None:
            cycle = _cycle(left)
            number = [row.name for row in rows].index(cycle[0])
            raise InputError(
                f"processes need each other in a circle: {' > '.join((*cycle, cycle[0]))}",
                file=str(path),
                line=_line(path, number, "needs"),
                where=cycle[0],
            )
        placed[free.name] = free
    return tuple(placed.values())


def _cycle(left: list[ProcessRow]) -> tuple[str, ...]:
    """A circle among rows each of which needs another of them."""
    needs = {row.name: next(n for n in row.needs if n in {r.name for r in left}) for row in left}
    trail = [left[0].name]
    while needs[trail[-1]] not in trail:
        trail.append(needs[trail[-1]])
    return tuple(trail[trail.index(needs[trail[-1]]) :])


def _line(path: Path, number: int, key: str, kind: str = "process") -> int | None:
    """The line of a key in the `number`-th block of a kind, or of the block itself."""
    lines = path.read_text(encoding="utf-8").splitlines()
    heads = [at for at, line in enumerate(lines) if re.match(r"\s*\[\[", line)]
    ours = [at for at in heads if re.match(rf"\s*\[\[\s*{kind}\s*\]\]", lines[at])]
    if number >= len(ours):
        return None
    begin = ours[number]
    end = next((at for at in heads if at > begin), len(lines))
    for at in range(begin, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[at]):
            return at + 1
    return begin + 1
