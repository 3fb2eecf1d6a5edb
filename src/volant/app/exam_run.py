"""`volant exam run`: all cases of a suite, over processes, told while they run, kept while they end.

Every finished case is a line of the results file `exams/SUITE-DRIVER-SENSORS-SEED.jsonl.part`; the same
command after an interruption goes on where it was, as long as Volant's code has not changed. The file
loses its `.part` when all are done.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from volant import __version__
from volant.app.exam_replay import FEW
from volant.app.exam_stage import Task, Wanted
from volant.app.exam_suites import SUITES, Suite, check_driver, run_task, suite_named
from volant.app.exits import Exit
from volant.app.progress import LIVE_EVERY_S, PLAIN_EVERY_S
from volant.app.say import answer_json, is_terminal, table, tell, tell_over
from volant.app.stop import StopSignals
from volant.app.trip import check_sensors
from volant.core.errors import InputError, RefusedError
from volant.core.messages import Message
from volant.sim.exam import CaseResult

FOLDER: Final = Path("exams")
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class ExamWish:
    """What the command line asks for."""

    suite: str
    driver: str = "pilot"
    sensors: str = "typical"
    seed: int = 1
    jobs: int = 1
    count: int = 0
    only: str = ""
    as_json: bool = False
    report: Path | None = None
    folder: Path = FOLDER


class FailedCase(Message, frozen=True, kw_only=True):
    """A case that was not passed."""

    name: str
    reasons: tuple[str, ...]


class ExamAnswer(Message, frozen=True, kw_only=True):
    """The whole examination in one object."""

    suite: str
    driver: str
    sensors: str
    seed: int
    cases: int
    """Done; fewer than the suite has where it was interrupted."""
    passed: int
    failed: tuple[FailedCase, ...]
    contacts_at_fault: int
    score_pct: float | None
    """Where the suite scores; else null."""
    distance_m: float
    table: dict[str, float]
    """Further figures of the suite."""
    rows: dict[str, dict[str, float | None]]
    """Figures by kind of case, every row with the same columns; empty where the suite has none."""
    wall_s: float
    version: str = __version__


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """First line of a results file: what its cases hold for."""

    suite: str
    driver: str
    sensors: str
    seed: int
    replay: bool
    code: str


def code_print() -> str:
    """A fingerprint of Volant's own code, so that old results are not taken for new ones."""
    root = Path(__file__).resolve().parents[1]
    found = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        found.update(path.relative_to(root).as_posix().encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


@dataclass(slots=True)
class _Results:
    """The results file: what is done already, and a line for each case that ends."""

    path: Path
    header: _Header
    done: dict[str, CaseResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self._read()
        if not self.done:
            self.path.write_bytes(msgspec.json.encode(self.header) + b"\n")

    def _read(self) -> None:
        lines = self.path.read_bytes().splitlines()
        try:
            if not lines or msgspec.json.decode(lines[0], type=_Header) != self.header:
                return
        except msgspec.DecodeError:
            return
        for line in lines[1:]:
            with contextlib.suppress(msgspec.DecodeError):  # cut off by the interruption
                result = msgspec.json.decode(line, type=CaseResult)
                self.done[result.name] = result
        whole = [msgspec.json.encode(self.header), *map(msgspec.json.encode, self.done.values())]
        self.path.write_bytes(b"\n".join(whole) + b"\n")

    def add(self, result: CaseResult) -> None:
        """Keep a case that has ended."""
        self.done[result.name] = result
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(result) + b"\n")

    def finish(self) -> Path:
        """All cases are there."""
        whole = self.path.with_suffix("")
        self.path.replace(whole)
        return whole


def run_command(wish: ExamWish) -> Exit:
    """Run `volant exam run`."""
    suite = suite_named(wish.suite)
    check_driver(suite, wish.driver)
    check_sensors(wish.sensors)
    names = _names(suite, wish)
    if wish.report is not None:
        _check_report(wish.report)
    header = _Header(
        suite=suite.name,
        driver=wish.driver,
        sensors=wish.sensors,
        seed=wish.seed,
        replay=wish.report is not None,
        code=code_print(),
    )
    stem = f"{suite.name}-{wish.driver}-{wish.sensors}-{wish.seed}"
    results = _Results(wish.folder / f"{stem}.jsonl.part", header)
    began_s = time.monotonic()
    if known := sum(name in results.done for name in names):
        tell(f"{known} cases are done already, in {results.path}")
    with StopSignals() as signals:
        progress = _Progress(len(names), known)
        for result in _outcomes(suite, wish, names, results, signals):
            results.add(result)
            progress.look([results.done[name] for name in names if name in results.done])
        progress.close()
        asked = signals.asked
    done = tuple(results.done[name] for name in names if name in results.done)
    answer = make_answer(suite, wish, done, time.monotonic() - began_s)
    if len(done) == len(names):
        kept = results.finish() if not wish.only else results.path
        tell(f"results: {kept}")
    if wish.report is not None and done:
        from volant.app.exam_report import write_report

        write_report(wish.report, answer, done, wish.seed)
        tell(f"report: {wish.report}")
    _show(answer, done, as_json=wish.as_json)
    if asked is not None:
        tell(f"{asked[1]}; the same command goes on")
        return asked[0]
    if answer.contacts_at_fault:
        return Exit.CONTACT
    return Exit.DIFFERS if answer.failed else Exit.DONE


def _names(suite: Suite, wish: ExamWish) -> tuple[str, ...]:
    """The cases that are wanted: of those whose name holds the word, the first so many."""
    if not wish.only:
        return suite.names(wish.count)
    held = tuple(name for name in suite.names(0) if wish.only in name)
    if not held:
        held = tuple(name for name in suite.names(wish.count) if wish.only in name)
    if not held:
        raise InputError(f"suite {suite.name} has no case whose name holds {wish.only!r}")
    return held[: wish.count] if wish.count else held


def _check_report(file: Path) -> None:
    """Refuse a place where no report can be written, before the first case is driven.

    Raises:
        InputError: it is a folder or a device, or cannot be written.
    """
    if file.exists() and not file.is_file():
        raise InputError("is not a file that a report could be written to", file=str(file))
    there = file.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab"):
            pass
        if not there:
            file.unlink()
    except OSError as error:
        words = f"cannot be written: {error.strerror or error}"
        raise InputError(words, file=str(file)) from error


def _outcomes(
    suite: Suite,
    wish: ExamWish,
    names: tuple[str, ...],
    results: _Results,
    signals: StopSignals,
) -> Iterator[CaseResult]:
    """The cases that are not done, as they end."""
    wanted = Wanted(wish.driver, wish.sensors, wish.seed)
    tasks = [
        Task(suite.name, name, wanted, wish.report is not None, drawn=len(names) <= FEW)
        for name in names
        if name not in results.done
    ]
    if wish.jobs <= 1 or len(tasks) <= 1:
        for task in tasks:
            if signals.asked is not None:
                return
            yield run_task(task)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        min(wish.jobs, len(tasks)), mp_context=context, initializer=_let_the_parent_decide
    ) as pool:
        waiting = {pool.submit(run_task, task) for task in tasks}
        while waiting:
            ended, waiting = concurrent.futures.wait(
                waiting, timeout=0.2, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in ended:
                try:
                    yield future.result()
                except BrokenProcessPool as error:
                    raise RefusedError(
                        "a worker was killed (no memory left?); what is done is kept, and the same"
                        " command goes on, best with fewer --jobs"
                    ) from error
            if signals.asked is not None:
                pool.shutdown(wait=True, cancel_futures=True)
                return


def _let_the_parent_decide() -> None:
    """Ctrl-C reaches every process of the terminal; only the parent answers it, and who has none ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this worker when its parent was killed: it would wait for work for ever."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


class _Progress:
    """One live line on a terminal, now and then a plain one elsewhere."""

    def __init__(self, total: int, known: int) -> None:
        self._total, self._known, self._live = total, known, is_terminal()
        self._began_s = time.monotonic()
        self._every_s = LIVE_EVERY_S if self._live else PLAIN_EVERY_S
        self._next_s = time.monotonic() + self._every_s

    def look(self, done: list[CaseResult]) -> None:
        """Tell, when it is time to."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._every_s
        failed = sum(not result.passed for result in done)
        each_s = (now_s - self._began_s) / max(len(done) - self._known, 1)
        left = _span(each_s * (self._total - len(done)))
        line = f"{len(done)} of {self._total} cases, {failed} failed, about {left} left"
        (tell_over if self._live else tell)(line)

    def close(self) -> None:
        """Take the live line away."""
        if self._live:
            tell_over("")


def _span(seconds: float) -> str:
    """A time to wait, in words."""
    return f"{seconds:.0f} s" if seconds < 90.0 else f"{seconds / 60.0:.0f} min"


def make_answer(
    suite: Suite, wish: ExamWish, done: tuple[CaseResult, ...], wall_s: float
) -> ExamAnswer:
    """The answer for machines."""
    scores = [result.score for result in done if result.score is not None]
    figures = [result.figures for result in done if result.figures is not None]
    return ExamAnswer(
        suite=suite.name,
        driver=wish.driver,
        sensors=wish.sensors,
        seed=wish.seed,
        cases=len(done),
        passed=sum(result.passed for result in done),
        failed=tuple(
            FailedCase(name=result.name, reasons=result.reasons)
            for result in done
            if not result.passed
        ),
        contacts_at_fault=sum(_at_fault(result) for result in done),
        score_pct=100.0 * sum(scores) / len(scores) if scores else None,
        distance_m=sum(held.distance_m for held in figures)
        + sum(result.facts.get("distance_m") or 0.0 for result in done),
        table=suite.table(done),
        rows=suite.rows(done),
        wall_s=wall_s,
    )


def _at_fault(result: CaseResult) -> int:
    if "at_fault" in result.facts:
        return round(result.facts["at_fault"] or 0.0)
    return 0 if result.figures is None else result.figures.contacts_at_fault


def _show(answer: ExamAnswer, done: tuple[CaseResult, ...], *, as_json: bool) -> None:
    if as_json:
        answer_json(answer)
        return
    kinds = sorted({result.kind for result in done})
    rows = []
    for kind in kinds:
        held = [result for result in done if result.kind == kind]
        rows.append((kind, f"{sum(result.passed for result in held)} of {len(held)}"))
    title = f"{answer.suite}: {answer.driver}, {answer.sensors} sensors, seed {answer.seed}"
    table(title, ("kind", "passed"), [*rows, ("all", f"{answer.passed} of {answer.cases}")])
    if answer.table:
        table("figures", ("", ""), [(key, f"{value:g}") for key, value in answer.table.items()])
    if answer.rows:
        table(rows_title(answer), *shown_rows(answer))
    if answer.failed:
        told = [(case.name, "; ".join(case.reasons)) for case in answer.failed[:SHOWN]]
        if len(answer.failed) > SHOWN:
            told.append(("...", f"{len(answer.failed) - SHOWN} more; --json has all"))
        table("failed", ("case", "why"), told)


def rows_title(answer: ExamAnswer) -> str:
    """What the rows are, for people."""
    return "targets" if _has_targets(answer) else "by kind (speeds in km/h)"


def _has_targets(answer: ExamAnswer) -> bool:
    return any("met" in row for row in answer.rows.values())


def shown_rows(answer: ExamAnswer) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of the figures by kind, or of the targets, as people read them."""
    if _has_targets(answer):
        told = [
            (
                name,
                *(
                    "-" if row[key] is None else f"{row[key]:.3g}"
                    for key in ("value", "least", "most")
                ),
                "yes" if row["met"] else "NO",
            )
            for name, row in answer.rows.items()
        ]
        return ("target", "value", "at least", "at most", "met"), told
    columns = next(iter(answer.rows.values()))
    headings = tuple(name.removesuffix("_kmh").replace("_", " ") for name in columns)
    told = [
        (kind, *("-" if value is None else f"{round(value, 1):g}" for value in row.values()))
        for kind, row in answer.rows.items()
    ]
    return ("kind", *headings), told


class _Listed(Message, frozen=True, kw_only=True):
    """A suite, for machines."""

    suite: str
    words: str
    cases: int
    drivers: tuple[str, ...]


def _count(suite: Suite) -> int:
    """How many cases a suite has here; 0 where its data is missing."""
    try:
        return len(suite.names(0))
    except InputError:
        return 0


def list_command(*, as_json: bool) -> Exit:
    """Run `volant exam list`."""
    found = [
        _Listed(suite=suite.name, words=suite.words, cases=_count(suite), drivers=suite.drivers)
        for suite in SUITES
    ]
    if as_json:
        answer_json(found)
        return Exit.DONE
    rows = [(one.suite, str(one.cases), one.words, ", ".join(one.drivers)) for one in found]
    table("Suites", ("suite", "cases", "what", "drivers"), rows)
    return Exit.DONE
