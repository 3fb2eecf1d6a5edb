"""The car's power states as a pure state machine: `step(power, facts, settings) -> (power, said)`.

The car goes step by step towards a goal (drive, stay parked, sleep, off), along `CHANGES` and no other way.
Each change has its conditions, waits for those who are busy or do not answer yet, and goes on at its deadline
without them. The states are those of Android Automotive's power management, told apart as a driver sees them.
A car that moves is driving, whatever anybody wishes.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import PowerState

S: Final = PowerState
STANDS_MPS: Final = 0.05
"""A car slower than this stands (as app/ending.py has it)."""
MOVES_MPS: Final = 0.5
"""One that is faster moves for certain, above what wheels' sensors do at rest (chosen)."""


class Wish(enum.Enum):
    """What a person may ask for."""

    WAKE = "wake"
    """Wake up and stay parked."""
    SLEEP = "sleep"
    DRIVE = "drive"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class PowerSettings:
    """Times and thresholds; chosen by us where no source is given."""

    rest_s: float = 1.0
    """The car stands and is held for so long before it leaves driving: longer than a sensor's slip."""
    arrived_s: float = 3.0
    """At its destination it stays in driving for so long, so that a person sees it arrive."""
    sleep_after_s: float = 600.0
    """Parked with nothing to do for so long it goes to sleep: ten minutes, as cars do (recalled)."""
    low_v: float = 12.0
    """Below this the 12 V battery is spared: a lead-acid one has about a third of its charge left (recalled)."""
    clear_v: float = 12.4
    """Spared until it is above this again, at about 60 %: a load that goes away must not clear it."""
    low_s: float = 5.0
    """Low for so long counts: a motor that starts pulls the voltage down for a second or two (recalled)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One allowed change."""

    deadline_s: float = 0.0
    """Those who are busy are waited for so long at most, unless they ask for more."""
    most_s: float = 0.0
    """However much more they ask for."""
    hear_s: float = 0.0
    """At least so long, so that everybody has heard of it and could say that he is busy."""
    rest: bool = False
    """The car must stand and be held."""
    answer: bool = False
    """All processes that drive must answer; that has no deadline."""


_DOWN: Final = Row(5.0, 30.0, 0.3, rest=True)
CHANGES: Final[dict[tuple[PowerState, PowerState], Row]] = {
    (S.OFF, S.WAKE): Row(),
    (S.SLEEP, S.WAKE): Row(),
    (S.WAKE, S.PARKED): Row(30.0, 30.0),
    (S.WAKE, S.SLEEP): Row(),
    (S.WAKE, S.SHUTDOWN): Row(),
    (S.PARKED, S.READY): Row(2.0, 5.0),
    (S.READY, S.DRIVING): Row(answer=True),
    (S.DRIVING, S.READY): Row(rest=True),
    (S.READY, S.PARKED): Row(rest=True),
    (S.PARKED, S.SLEEP): _DOWN,
    (S.PARKED, S.SHUTDOWN): _DOWN,
    (S.SLEEP, S.SHUTDOWN): Row(),
    (S.SHUTDOWN, S.OFF): Row(15.0, 15.0),
}
"""Every change that there is. docs/guides/live.md shows it."""

_WAKES: Final = {S.OFF: S.WAKE, S.SLEEP: S.WAKE, S.WAKE: S.PARKED}
_STOPS: Final = {S.DRIVING: S.READY, S.READY: S.PARKED}
_TOWARDS: Final[Mapping[PowerState, Mapping[PowerState, PowerState]]] = {
    S.DRIVING: {**_WAKES, S.PARKED: S.READY, S.READY: S.DRIVING},
    S.PARKED: {**_WAKES, **_STOPS},
    S.SLEEP: {**_STOPS, S.WAKE: S.SLEEP, S.PARKED: S.SLEEP},
    S.OFF: {
        **_STOPS,
        **dict.fromkeys((S.SLEEP, S.WAKE, S.PARKED), S.SHUTDOWN),
        S.SHUTDOWN: S.OFF,
    },
}
"""The next state on the way to each goal."""
_GOALS: Final = {
    Wish.WAKE: S.PARKED,
    Wish.SLEEP: S.SLEEP,
    Wish.DRIVE: S.DRIVING,
    Wish.OFF: S.OFF,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the car now."""

    now_ns: int
    supply_v: float
    speed_mps: float | None = None
    """None: not known, which is taken for moving where it matters."""
    held: bool = False
    """Gear P, or held by the brakes."""
    engaged: bool = False
    """The pilot drives."""
    arrived: bool = False
    """The pilot says that the trip is over."""
    unready: frozenset[str] = frozenset()
    """Processes that are wanted and do not answer yet."""
    drivers_ready: bool = False
    """All processes that drive answer."""
    busy: Mapping[str, float] = field(default_factory=dict)
    """Who has something in hand, and how many seconds more he asks for; 0: he does not ask."""
    running: frozenset[str] = frozenset()
    """Processes that are not gone."""
    locked: str = ""
    """Why the car may not be driven, for people; empty: it may."""

    @property
    def stands(self) -> bool:
        """Certainly not moving, and held."""
        return self.speed_mps is not None and abs(self.speed_mps) < STANDS_MPS and self.held

    @property
    def moves(self) -> bool:
        """Certainly moving."""
        return self.speed_mps is not None and abs(self.speed_mps) >= MOVES_MPS


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is under way."""

    to: PowerState
    began_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class Power:
    """The machine's whole memory."""

    state: PowerState = S.OFF
    goal: PowerState = S.DRIVING
    since_ns: int = 0
    """Of the state."""
    change: Change | None = None
    rest_ns: int = -1
    """Since when the car stands and is held; -1: it does not."""
    idle_ns: int = -1
    """Since when it is parked with nothing to do; -1: it is not."""
    moved: bool = False
    """It has moved since it is driving."""
    low: bool = False
    """The 12 V battery is to be spared."""
    low_ns: int = -1
    """Since when its voltage is low."""

    @property
    def ending(self) -> bool:
        """There is no way back."""
        return self.state is S.SHUTDOWN or (self.state is S.OFF and self.goal is S.OFF)


def step(power: Power, facts: Facts, settings: PowerSettings) -> tuple[Power, tuple[str, ...]]:
    """Take in what is known, and go as far towards the goal as that allows now.

    Gives what people should know, such as who was late.
    """
    said: list[str] = []
    power = _watch(_supply(power, facts, settings), facts)
    power = _goal(power, facts, settings)
    for _ in CHANGES:
        to = _TOWARDS[power.goal].get(power.state)
        if to is None:
            return replace(power, change=None), tuple(said)
        power, went, words = _advance(power, to, facts, settings)
        if words:
            said.append(words)
        if not went:
            break
    return power, tuple(said)


def wish(power: Power, facts: Facts, asked: Wish) -> tuple[Power, str]:
    """Take a person's wish, or say why not; empty: it is taken."""
    if power.ending:
        return power, "the car is shutting down"
    if asked in (Wish.SLEEP, Wish.OFF):
        if power.state is S.DRIVING and facts.engaged and not facts.arrived:
            return power, "the pilot drives"
        if power.state in (S.READY, S.DRIVING) and not facts.stands:
            return power, "the car moves, or is not held by park or by the brakes"
    if asked is Wish.DRIVE and facts.locked and power.state is not S.DRIVING:
        return power, facts.locked
    if asked is Wish.WAKE:
        if power.state is S.SLEEP and power.low:
            return power, f"the 12 V battery is low ({facts.supply_v:.1f} V): only to drive"
        if power.state in (S.READY, S.DRIVING):
            return power, ""
    return replace(power, goal=_GOALS[asked], idle_ns=-1, moved=False), ""


def _supply(power: Power, facts: Facts, settings: PowerSettings) -> Power:
    """Low only after a while, and cleared only well above: hysteresis."""
    if power.low:
        return replace(power, low=facts.supply_v < settings.clear_v, low_ns=-1)
    if facts.supply_v >= settings.low_v:
        return replace(power, low_ns=-1)
    low_ns = power.low_ns if power.low_ns >= 0 else facts.now_ns
    return replace(power, low_ns=low_ns, low=facts.now_ns - low_ns >= nanoseconds(settings.low_s))


def _watch(power: Power, facts: Facts) -> Power:
    """Since when it rests, since when it idles, and whether it has moved."""
    rest_ns = -1
    if facts.stands:
        rest_ns = power.rest_ns if power.rest_ns >= 0 else facts.now_ns
    idle_ns = -1
    waits = power.state is S.PARKED and power.goal is S.PARKED
    if waits and not facts.busy and not facts.unready:
        idle_ns = power.idle_ns if power.idle_ns >= 0 else facts.now_ns
    moved = power.state is S.DRIVING and (power.moved or facts.moves)
    return replace(power, rest_ns=rest_ns, idle_ns=idle_ns, moved=moved)


def _goal(power: Power, facts: Facts, settings: PowerSettings) -> Power:
    """What the car itself wants: to follow its wheels, to park where it arrived, to sleep."""
    if power.ending:
        return power
    if facts.moves:
        return replace(power, goal=S.DRIVING)
    if power.state is S.DRIVING and power.goal is S.DRIVING:
        there = facts.arrived and power.moved
        if there and _since(power.rest_ns, facts) >= settings.arrived_s:
            return replace(power, goal=S.PARKED)
    waits = power.state is S.PARKED and power.goal is S.PARKED
    if waits and (power.low or _since(power.idle_ns, facts) >= settings.sleep_after_s):
        return replace(power, goal=S.SLEEP)
    return power


def _since(began_ns: int, facts: Facts) -> float:
    """Seconds; below zero: it has not begun."""
    return -1.0 if began_ns < 0 else (facts.now_ns - began_ns) / NS_PER_S


def _advance(
    power: Power, to: PowerState, facts: Facts, settings: PowerSettings
) -> tuple[Power, bool, str]:
    """One change: whether it is done, and who was late."""
    row, now_ns = CHANGES[power.state, to], facts.now_ns
    rests = _since(power.rest_ns, facts) >= settings.rest_s
    locked = to is S.READY and power.state is S.PARKED and facts.locked
    if locked or (row.rest and not rests) or (row.answer and not facts.drivers_ready):
        return replace(power, change=None), False, ""
    change = power.change
    if change is None or change.to is not to:
        change = Change(to, now_ns, now_ns + nanoseconds(row.deadline_s))
    holders = _holders(power.state, facts)
    asked_ns = max((nanoseconds(more_s) for more_s in holders.values() if more_s > 0.0), default=0)
    if asked_ns and now_ns < change.until_ns:
        latest_ns = change.began_ns + nanoseconds(row.most_s)
        until_ns = min(max(change.until_ns, now_ns + asked_ns), latest_ns)
        change = replace(change, until_ns=max(change.until_ns, until_ns))
    late = bool(holders) and now_ns >= change.until_ns
    heard = now_ns - change.began_ns >= nanoseconds(row.hear_s)
    if not (late or (heard and not holders)):
        return replace(power, change=change), False, ""
    words = ""
    if late:
        waited_s = (now_ns - change.began_ns) / NS_PER_S
        words = f"{to.value} after {waited_s:.1f} s without {', '.join(sorted(holders))}"
    return replace(power, state=to, since_ns=now_ns, change=None, idle_ns=-1), True, words


def _holders(state: PowerState, facts: Facts) -> Mapping[str, float]:
    """Who holds a change from this state up."""
    if state is S.WAKE:
        return dict.fromkeys(facts.unready, 0.0)
    if state is S.SHUTDOWN:
        return dict.fromkeys(facts.running, 0.0)
    return facts.busy if state in (S.PARKED, S.READY, S.DRIVING) else {}
