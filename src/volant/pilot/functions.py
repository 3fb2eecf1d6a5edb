"""The pilot's functions: what each one needs, which of them act now, and the driver's switches.

One table holds the rules. A function that is switched off or whose rule is not met does not act; whether
the pilot may drive at all stays with `odd` and `engage`. Without lane centring only cruise control acts:
the driver steers. Warning and emergency braking are switched here too, but act elsewhere, and both are
on again at each start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec

from volant.core.messages import DriverRequest, Function, RequestKind
from volant.core.settings import Choices
from volant.pilot.engage import Demand

GAPS_S: Final = (1.0, 1.4, 1.8, 2.2)
"""Gaps that a button steps through. ISO 15622: none below 0.8 s, one in 1.5 to 2.2 s (recalled)."""
KMH: Final = 1.0 / 3.6
FASTEST_MPS: Final = 40.3
"""145 km/h, the most that opendbc lets cruise control be set to."""
NO_LIMIT_MPS: Final = 200.0
"""Added to the limit while limits do not bind; the set speed still does."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a function may act."""

    function: Function
    from_mps: float = 0.0
    to_mps: float = FASTEST_MPS
    lane: bool = False
    """Begins only in a lane that is known: by marks, or by the map where there are none to see. A lane
    that is lost later is a demand to take over (`odd`), and until then the pilot steers on."""
    lead: bool = False
    """Begins only behind somebody."""
    route: bool = False
    """Needs a way to go."""
    roads: tuple[str, ...] = ()
    """Types of road (OpenDRIVE 1.8, road type); empty for all."""
    pilot: bool = True
    """Acts only while the pilot drives."""
    source: str = ""
    """Where the range comes from."""


_F = Function
_MOTORWAY: Final = ("motorway",)
_STREETS: Final = ("town", "townExpressway", "townArterial", "townCollector", "townLocal",
                   "townPrivate", "townPlayStreet", "lowSpeed", "rural", "pedestrian", "bicycle",
                   "unknown", "")  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    Rule(_F.ACC, source="ISO 15622, full speed range"),
    Rule(_F.LCC, lane=True, source="UN R79 B1: whole range of the system, recalled"),
    Rule(_F.TJA, to_mps=60 * KMH, lane=True, lead=True, source="60 km/h as UN R157, 00 series, recalled"),
    Rule(_F.CURVE_SPEED, source="chosen"),
    Rule(_F.LIMIT_SPEED, source="chosen"),
    Rule(_F.LANE_CHANGE, from_mps=30 * KMH, lane=True, source="chosen; openpilot begins at 32 km/h"),
    Rule(_F.NAVIGATION, lane=True, route=True, roads=_MOTORWAY, source="chosen"),
    Rule(_F.TOWN, to_mps=105 * KMH, lane=True, route=True, roads=_STREETS, source="chosen"),
    Rule(_F.LDW, from_mps=60 * KMH, lane=True, pilot=False, source="UN R130: above 60 km/h, recalled"),
    Rule(_F.LKA, from_mps=60 * KMH, lane=True, pilot=False, source="as its warning; chosen"),
    Rule(_F.BSD, from_mps=12 * KMH, pilot=False, source="ISO 17387 leaves it open; chosen"),
    Rule(_F.FCW, pilot=False, source="safety/aeb.py has its own range"),
    Rule(_F.AEB, pilot=False, source="safety/aeb.py has its own range"),
)  # fmt: skip
_RULE: Final = {rule.function: rule for rule in RULES}
_ON_AT_START: Final = frozenset({Function.FCW, Function.AEB})
_STEERING: Final = (Function.NAVIGATION, Function.TOWN, Function.TJA, Function.LCC)
"""The most capable one that acts leads: its row says whether hands are needed."""
_BY_STEERING: Final = frozenset((*_STEERING, Function.LANE_CHANGE))


@dataclass(frozen=True, slots=True)
class FunctionTuning:
    """What the maker settles for all drivers."""

    hands: tuple[str, ...] = ("lcc", "tja", "navigation", "town")
    """Functions that need hands on the wheel. UN R79 B1 and UN R171 want them (recalled)."""
    margin_mps: float = 1.0
    """A function that acts keeps on this far outside its range, so that it does not flicker (chosen)."""
    bend_mps2: float = 2.4
    """Across, with curve speed switched off: what steering alone can still follow (guard: 3.0)."""


@dataclass(frozen=True, slots=True)
class Surrounding:
    """What the rules ask about."""

    driving: bool
    """The pilot drives, at least in part."""
    speed_mps: float
    lane: bool
    lead: bool
    route: bool
    road_type: str


@dataclass(frozen=True)
class Acting:
    """Which functions act, and what follows for planning and control.

    What control asks at each tick is worked out once: it seldom changes.
    """

    functions: frozenset[Function] = frozenset()
    off: frozenset[Function] = frozenset()
    hands: bool = False
    """Hands are needed on the wheel."""

    @cached_property
    def steers(self) -> bool:
        """The pilot steers while it drives; without it the driver does."""
        return Function.LCC not in self.off or Function.TJA in self.functions

    @cached_property
    def names(self) -> tuple[str, ...]:
        """In the order of the table."""
        return tuple(one.function.value for one in RULES if one.function in self.functions)

    @cached_property
    def off_names(self) -> tuple[str, ...]:
        """Switched off, in the order of the table."""
        return tuple(one.function.value for one in RULES if one.function in self.off)

    def may(self, function: Function) -> bool:
        """Whether a function acts now."""
        return function.value in self.names


def at_start(off: frozenset[Function] = frozenset()) -> frozenset[Function]:
    """The switches as a drive begins: emergency braking and its warning are on, whatever was before.

    UN R152, 5.4 (recalled): the function is on again at each start of the car.
    """
    return off - _ON_AT_START


def switch(off: frozenset[Function], requests: tuple[DriverRequest, ...]) -> frozenset[Function]:
    """The switches after the buttons pressed since the last tick; a broken press changes nothing."""
    for request in requests:
        if request.kind is not RequestKind.SWITCH or request.function is None:
            continue
        if request.value == 0.0:
            off = off | {request.function}
        elif request.value == 1.0:
            off = off - {request.function}
    return off


def act(
    before: Acting, off: frozenset[Function], around: Surrounding, tuning: FunctionTuning
) -> Acting:
    """Which functions act now."""
    functions = frozenset(
        rule.function
        for rule in RULES
        if rule.function not in off and _met(rule, before, around, tuning)
    )
    acting = Acting(functions, off)
    if not acting.steers:
        # Routes are driven by lane centring: without it there is nobody to steer.
        acting = Acting(functions - _BY_STEERING, off)
    else:
        leading = next((one for one in _STEERING if one in functions), Function.LCC)
        acting = Acting(functions, off, hands=leading.value in tuning.hands)
    return before if acting == before else acting


def _met(rule: Rule, before: Acting, around: Surrounding, tuning: FunctionTuning) -> bool:
    held = rule.function in before.functions
    margin_mps = tuning.margin_mps if held else 0.0
    speed_mps = max(around.speed_mps, 0.0)
    return (
        (around.driving or not rule.pilot)
        and rule.from_mps - margin_mps <= speed_mps <= rule.to_mps + margin_mps
        and (held or around.lane or not rule.lane)
        and (held or around.lead or not rule.lead)
        and (around.route or not rule.route)
        and (not rule.roads or around.road_type in rule.roads)
    )


def blockers(off: frozenset[Function]) -> tuple[Demand, ...]:
    """Why the pilot may not be engaged for what is switched off; it keeps driving once it does."""
    if Function.ACC in off:
        return (Demand("acc_off", "Cruise control is off"),)
    return ()


def planned(choices: Choices, acting: Acting, limit_mps: float) -> Choices:
    """The choices as planning shall read them: with limits switched off only the set speed binds.

    A driver who has set none keeps the limit that held: a car does not run away for a switch.
    """
    if Function.LIMIT_SPEED not in acting.off:
        return choices
    set_speed_mps = choices.set_speed_mps
    if set_speed_mps is None:
        set_speed_mps = min(limit_mps + choices.limit_offset_mps, FASTEST_MPS)
    return msgspec.structs.replace(
        choices, set_speed_mps=set_speed_mps, limit_offset_mps=NO_LIMIT_MPS
    )


def bend_mps2(lateral_mps2: float, acting: Acting, tuning: FunctionTuning) -> float:
    """Lateral acceleration that planning may ask for in bends."""
    if Function.CURVE_SPEED not in acting.off:
        return lateral_mps2
    return tuning.bend_mps2 if acting.steers else math.inf


def next_gap_s(gap_s: float, step: int) -> float:
    """The gap that a press on the button leads to: the next in the row, round and round."""
    if step > 0:
        return next((one for one in GAPS_S if one > gap_s + _SAME_S), GAPS_S[0])
    return next((one for one in reversed(GAPS_S) if one < gap_s - _SAME_S), GAPS_S[-1])


_SAME_S: Final = 0.05
"""Gaps nearer than this are one."""
