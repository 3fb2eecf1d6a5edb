"""The suites by name, and how to find a case of one."""

from __future__ import annotations

from functools import cache

from volant.core.errors import InputError
from volant.core.settings import nearest
from volant.sim.exam import basics_faults, basics_follow, basics_lanes, basics_people, basics_town
from volant.sim.exam.case import Case


@cache
def basics() -> tuple[Case, ...]:
    """Every kind of thing that happens on roads, seeded."""
    return (
        *basics_follow.cases(),
        *basics_lanes.cases(),
        *basics_town.cases(),
        *basics_people.cases(),
        *basics_faults.cases(),
    )


def case_named(cases: tuple[Case, ...], name: str) -> Case:
    """The case of a name.

    Raises:
        InputError: with the nearest names.
    """
    for case in cases:
        if case.name == name:
            return case
    names = tuple(case.name for case in cases)
    close = ", ".join(nearest(name, names) or names[:5])
    raise InputError(f"no case named {name!r}; nearest: {close}")


__all__ = ["basics", "case_named"]
