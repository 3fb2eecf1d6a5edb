"""Examinations: suites of cases, the figures they are judged by, and their verdicts."""

from volant.sim.exam.case import Case
from volant.sim.exam.figures import CaseResult, Figures, Replay, Verdicts, Watch, broken_bounds
from volant.sim.exam.suites import basics, case_named

__all__ = [
    "Case",
    "CaseResult",
    "Figures",
    "Replay",
    "Verdicts",
    "Watch",
    "basics",
    "broken_bounds",
    "case_named",
]
