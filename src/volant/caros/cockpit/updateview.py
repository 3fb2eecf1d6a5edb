"""What the screen shows of updates: as the update machine says it, with units named as people know them."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from volant.caros.cockpit.messages import CockpitUpdate
from volant.core.clock import nanoseconds
from volant.core.updates import UpdateState
from volant.vehicle.ecus import ECUS

SILENT_NS: Final = nanoseconds(5.0)
"""It speaks once a second at least; a machine that restarts after a cut takes longer than a moment (chosen)."""
_TITLES: Final = {spec.name: spec.title for spec in ECUS}
_APP: Final = "app."


def update_view(state: UpdateState, stamp_ns: int) -> CockpitUpdate:
    """What was said last; an old word stays, because a locked car is not free by silence."""
    units = tuple(replace(one, unit=unit_words(one.unit)) for one in state.units)
    last = state.last
    if last is not None:
        last = replace(last, units=tuple(line_words(line) for line in last.units))
    silent = stamp_ns - state.stamp_ns > SILENT_NS
    return CockpitUpdate(state=replace(state, units=units, last=last), silent=silent)


def line_words(line: str) -> str:
    """A line of a result, which begins with the name of its unit."""
    name, _, rest = line.partition(" ")
    return f"{unit_words(name)}: {rest}" if rest else unit_words(name)


def unit_words(name: str) -> str:
    """A control unit or app for people; a name that is not known stays as it is."""
    if name.startswith(_APP):
        return f"App {name.removeprefix(_APP)}"
    return _TITLES.get(name, name)
