"""Every suite that `volant exam run` knows: its cases by name, and how one of them is run.

A suite's function for one case takes plain words and gives plain data, so that it can be called in
another process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from volant.app import exam_aeb, exam_cut_in, exam_highway, exam_trips
from volant.app.exam_replay import kept
from volant.app.exam_stage import DRIVERS, Task, run_scene
from volant.core.errors import InputError
from volant.core.settings import nearest
from volant.sim.exam import CaseResult, basics, broken_bounds, case_named


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite of cases."""

    name: str
    words: str
    drivers: tuple[str, ...]
    names: Callable[[int], tuple[str, ...]]
    """The cases' names; takes the count that was asked for, 0 for the suite's own."""
    run: Callable[[Task], CaseResult]
    table: Callable[[Sequence[CaseResult]], dict[str, float]] = lambda results: {}  # noqa: ARG005
    """Further figures of the whole suite."""
    rows: Callable[[Sequence[CaseResult]], dict[str, dict[str, float | None]]] = (
        lambda results: {}  # noqa: ARG005
    )
    """Figures by kind of case, every row with the same columns."""


def _basics_names(count: int) -> tuple[str, ...]:
    names = tuple(case.name for case in basics())
    return names[:count] if count else names


def _run_basics(task: Task) -> CaseResult:
    case = case_named(basics(), task.case)
    began_s = time.monotonic()
    scene = case.make(task.wanted.seed)
    figures, replay = run_scene(scene, task.wanted)
    reasons = broken_bounds(figures, scene.bounds, scene.sensors or task.wanted.sensors)
    return CaseResult(
        name=case.name,
        kind=case.kind,
        passed=not reasons,
        reasons=reasons,
        figures=figures,
        wall_s=time.monotonic() - began_s,
        replay=kept(task, scene, replay, passed=not reasons),
    )


SUITES: Final[tuple[Suite, ...]] = (
    Suite("basics", "scenes of every kind of traffic", DRIVERS, _basics_names, _run_basics),
    Suite(
        "cut_in",
        "1 320 cut-ins under conditions of their own",
        exam_cut_in.DRIVERS,
        exam_cut_in.names,
        exam_cut_in.run,
        exam_cut_in.table,
    ),
    Suite(
        "aeb",
        "emergency braking alone, the 2023 tables",
        exam_aeb.DRIVERS,
        exam_aeb.names,
        exam_aeb.run,
        exam_aeb.table,
        exam_aeb.rows,
    ),
    Suite(
        "trips",
        "whole trips with random ends and traffic",
        ("pilot",),
        exam_trips.names,
        exam_trips.run,
        exam_trips.table,
        exam_trips.rows,
    ),
    Suite(
        "highway",
        "highway-env 1.12 behind the external-world port",
        exam_highway.DRIVERS,
        exam_highway.names,
        exam_highway.run,
        exam_highway.table,
    ),
)


def suite_named(name: str) -> Suite:
    """The suite of a name.

    Raises:
        InputError: with the nearest names.
    """
    for suite in SUITES:
        if suite.name == name:
            return suite
    names = tuple(suite.name for suite in SUITES)
    raise InputError(
        f"no suite named {name!r}; nearest: {', '.join(nearest(name, names) or names)}"
    )


def check_driver(suite: Suite, driver: str) -> None:
    """Refuse a driver that the suite cannot put in.

    Raises:
        InputError: with the nearest names.
    """
    if driver not in suite.drivers:
        close = ", ".join(nearest(driver, suite.drivers) or suite.drivers)
        raise InputError(f"suite {suite.name} has no driver named {driver!r}; nearest: {close}")


def run_task(task: Task) -> CaseResult:
    """One case, wherever it runs; a fault of our own is a failed case, not the end of the exam."""
    began_s = time.monotonic()
    try:
        return suite_named(task.suite).run(task)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - one case must not take the others with it
        words = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return CaseResult(
            name=task.case,
            kind="raised",
            passed=False,
            reasons=(f"raised {words}",),
            figures=None,
            wall_s=time.monotonic() - began_s,
        )
