"""The supervisor's decisions as a pure state machine: `step(state, events, now_ns) -> (state, actions)`.

One for one: a process that dies costs nobody else. It starts once all it needs is ready, is restarted
after a backoff that doubles (with jitter, so that those that died together do not come back together),
and is quarantined when it dies too often. At the end all are stopped, each before what it needs, by TERM
and then by KILL. There is never a second copy: only an `Exited` event ends the first.

An edge that wants to run and is given no processor is not hung: that time does not count as silence, up to
`PATIENCE` times its deadline. Who drives has no such excuse: a car cannot wait.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from volant.caros.supervise.table import ProcessRow, ProcessTable
from volant.core.chance import Chance
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import PowerState

JITTER: Final = 0.25
"""A backoff is longer by up to this share."""
DOUBLINGS: Final = 16
"""More would be past any bound on the backoff."""
PATIENCE: Final = 5.0
"""However busy the machine is, an edge that is silent for so many of its deadlines is hung (chosen)."""
AGAIN_NS: Final = nanoseconds(0.1)
"""Between two looks at one that is excused."""


class Phase(enum.Enum):
    """Where a process is."""

    WAITING = "waiting"
    """For what it needs, for its power state, or for the end of its backoff."""
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    """TERM was sent."""
    KILLED = "killed"
    """KILL was sent; only the kernel's word is waited for."""
    STOPPED = "stopped"
    """It ended and is not wanted any more."""
    QUARANTINED = "quarantined"


RUNNING: Final = frozenset({Phase.STARTING, Phase.READY, Phase.STOPPING, Phase.KILLED})


@dataclass(frozen=True, slots=True)
class Started:
    """The kernel has made the process."""

    name: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The process says that it answers."""

    name: str


@dataclass(frozen=True, slots=True)
class Beat:
    """The process is heard."""

    name: str


@dataclass(frozen=True, slots=True)
class Starved:
    """So long in all has the process wanted to run and was given no processor."""

    name: str
    total_ns: int


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone; status as in a shell, 128 + the signal's number after a signal."""

    name: str
    status: int


@dataclass(frozen=True, slots=True)
class Power:
    """The car is in another power state."""

    state: PowerState


@dataclass(frozen=True, slots=True)
class Stop:
    """Everything shall end."""


@dataclass(frozen=True, slots=True)
class Release:
    """A person lets a quarantined process try again."""

    name: str


Event = Started | Ready | Beat | Starved | Exited | Power | Stop | Release


@dataclass(frozen=True, slots=True)
class Start:
    """Make the process; `incarnation` counts from 0."""

    name: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Terminate:
    """Send TERM."""

    name: str


@dataclass(frozen=True, slots=True)
class Kill:
    """Send KILL."""

    name: str


@dataclass(frozen=True, slots=True)
class Say:
    """Tell people: `what` is died, hung, ready, quarantined."""

    name: str
    what: str
    detail: str = ""


Action = Start | Terminate | Kill | Say


@dataclass(frozen=True, slots=True)
class One:
    """What is known of one process."""

    phase: Phase = Phase.WAITING
    since_ns: int = 0
    """Of its start, or of its TERM."""
    heard_ns: int = 0
    starved_ns: int = 0
    """As last told;"""
    starved_then_ns: int = 0
    """and when it was last heard."""
    due_ns: int = 0
    """It may not start before."""
    starts: int = 0
    deaths: tuple[int, ...] = ()
    """Times of those within the restart intensity's window."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The supervisor's whole memory."""

    rows: tuple[ProcessRow, ...]
    seed: int
    power: PowerState = PowerState.DRIVING
    ending: bool = False
    ones: dict[str, One] = field(default_factory=dict)

    @property
    def all_ready(self) -> bool:
        """Every process that this power state wants answers; a quarantined one never will."""
        wanted = [row for row in self.rows if self.power in row.states]
        return all(self.ones[row.name].phase is Phase.READY for row in wanted)

    @property
    def all_gone(self) -> bool:
        """No process runs."""
        return not any(one.phase in RUNNING for one in self.ones.values())


def begin(table: ProcessTable, seed: int = 1, power: PowerState = PowerState.DRIVING) -> Machine:
    """The state before anything has started."""
    return Machine(table.process, seed, power, ones={row.name: One() for row in table.process})


def step(
    machine: Machine, events: Iterable[Event], now_ns: int
) -> tuple[Machine, tuple[Action, ...]]:
    """Take events in their order, then decide what to do at this time.

    An event about a process that does not run is late word of an earlier one, and is left out.
    """
    actions: list[Action] = []
    ones = dict(machine.ones)
    machine = replace(machine, ones=ones)
    for event in events:
        match event:
            case Stop():
                machine = replace(machine, ending=True)
            case Power(state):
                machine = replace(machine, power=state)
            case _ if event.name in ones:
                row = next(row for row in machine.rows if row.name == event.name)
                ones[row.name] = _heard(machine, row, event, now_ns, actions)
    for row in machine.rows:
        ones[row.name] = _supervise(machine, row, now_ns, actions)
    return machine, tuple(actions)


def next_ns(machine: Machine, now_ns: int) -> int | None:
    """When something is due without an event: a deadline, a backoff's end; None: nothing is."""
    times: list[int] = []
    for row in machine.rows:
        one = machine.ones[row.name]
        if one.phase is Phase.WAITING and one.due_ns > now_ns:
            times.append(one.due_ns)
        elif one.phase is Phase.STARTING or (one.phase is Phase.READY and row.heartbeat_s):
            times.append(_deadline_ns(row, one))
        elif one.phase is Phase.STOPPING:
            times.append(one.since_ns + nanoseconds(row.grace_s))
    return min(times, default=None)


def doubted(machine: Machine, now_ns: int) -> tuple[str, ...]:
    """Edges that are silent beyond their time: whoever decides wants to know whether they are `Starved`."""
    found = []
    for row in machine.rows:
        one = machine.ones[row.name]
        watched = one.phase is Phase.STARTING or (
            one.phase is Phase.READY and row.heartbeat_s > 0.0
        )
        if watched and row.safety == "edge" and now_ns >= sum(_silence(row, one)):
            found.append(row.name)
    return tuple(found)


def backoff_s(row: ProcessRow, deaths: int, jitter: float) -> float:
    """Wait before a restart after so many deaths in the window; `jitter` in [0, 1)."""
    doubled = row.backoff_s * 2.0 ** min(max(deaths - 1, 0), DOUBLINGS)
    return min(doubled, max(row.backoff_most_s, row.backoff_s)) * (1.0 + JITTER * jitter)


def _heard(
    machine: Machine,
    row: ProcessRow,
    event: Started | Ready | Beat | Starved | Exited | Release,
    now_ns: int,
    actions: list[Action],
) -> One:
    one = machine.ones[row.name]
    if isinstance(event, Release):
        return One(starts=one.starts) if one.phase is Phase.QUARANTINED else one
    if one.phase not in RUNNING:
        return one
    if isinstance(event, Exited):
        return _ended(machine, row, event.status, now_ns, actions)
    if isinstance(event, Starved):
        return replace(one, starved_ns=max(one.starved_ns, event.total_ns))
    one = replace(one, starved_then_ns=one.starved_ns)
    ready = isinstance(event, Ready) or (isinstance(event, Started) and not row.heartbeat_s)
    if ready and one.phase is Phase.STARTING:
        actions.append(Say(row.name, "ready"))
        return replace(one, phase=Phase.READY, heard_ns=now_ns)
    return replace(one, heard_ns=now_ns)


def _ended(
    machine: Machine, row: ProcessRow, status: int, now_ns: int, actions: list[Action]
) -> One:
    """What becomes of a process that is gone."""
    one = machine.ones[row.name]
    asked = one.phase is Phase.STOPPING or not _wanted(machine, row)
    if asked:
        gone = Phase.STOPPED if machine.ending else Phase.WAITING
        return replace(one, phase=gone, due_ns=now_ns)
    actions.append(Say(row.name, "died", f"status {status}"))
    if row.restart == "never" or (row.restart == "failure" and status == 0):
        return replace(one, phase=Phase.STOPPED)
    recent = now_ns - nanoseconds(row.within_s)
    deaths = (*(at for at in one.deaths if at > recent), now_ns)
    if len(deaths) > row.restarts:
        actions.append(Say(row.name, "quarantined", f"{len(deaths)} deaths in {row.within_s:g} s"))
        return replace(one, phase=Phase.QUARANTINED, deaths=())
    jitter = Chance.of(machine.seed, "supervise", row.name).uniform(one.starts)
    due_ns = now_ns + nanoseconds(backoff_s(row, len(deaths), jitter))
    return replace(one, phase=Phase.WAITING, due_ns=due_ns, deaths=deaths)


def _supervise(machine: Machine, row: ProcessRow, now_ns: int, actions: list[Action]) -> One:
    """What is due for one process now."""
    one = machine.ones[row.name]
    if one.phase is Phase.WAITING:
        return _maybe_start(machine, row, now_ns, actions)
    if one.phase in (Phase.STARTING, Phase.READY):
        if not _wanted(machine, row):
            return _maybe_stop(machine, row, now_ns, actions)
        return _maybe_hung(row, one, now_ns, actions)
    if one.phase is Phase.STOPPING and now_ns - one.since_ns >= nanoseconds(row.grace_s):
        actions.append(Kill(row.name))
        return replace(one, phase=Phase.KILLED)
    return one


def _wanted(machine: Machine, row: ProcessRow) -> bool:
    return not machine.ending and machine.power in row.states


def _maybe_start(machine: Machine, row: ProcessRow, now_ns: int, actions: list[Action]) -> One:
    one = machine.ones[row.name]
    if machine.ending:
        return replace(one, phase=Phase.STOPPED)
    needs_ready = all(machine.ones[need].phase is Phase.READY for need in row.needs)
    if not _wanted(machine, row) or now_ns < one.due_ns or not needs_ready:
        return one
    actions.append(Start(row.name, one.starts))
    return One(
        phase=Phase.STARTING,
        since_ns=now_ns,
        heard_ns=now_ns,
        due_ns=one.due_ns,
        starts=one.starts + 1,
        deaths=one.deaths,
    )


def _maybe_stop(machine: Machine, row: ProcessRow, now_ns: int, actions: list[Action]) -> One:
    """TERM, once nobody runs that needs it."""
    one = machine.ones[row.name]
    for other in machine.rows:
        if row.name in other.needs and machine.ones[other.name].phase in RUNNING:
            return one
    actions.append(Terminate(row.name))
    return replace(one, phase=Phase.STOPPING, since_ns=now_ns)


def _maybe_hung(row: ProcessRow, one: One, now_ns: int, actions: list[Action]) -> One:
    """KILL for a process that is silent; what hangs does not hear TERM."""
    if one.phase is Phase.READY and not row.heartbeat_s:
        return one
    if now_ns < _deadline_ns(row, one):
        return one
    since_ns, limit_ns = _silence(row, one)
    passed_s = max(limit_ns, now_ns - since_ns) / NS_PER_S
    starts = one.phase is Phase.STARTING
    what = f"not ready after {passed_s:.2g} s" if starts else f"silent for {passed_s:.2g} s"
    actions.extend((Say(row.name, "hung", what), Kill(row.name)))
    return replace(one, phase=Phase.KILLED)


def _silence(row: ProcessRow, one: One) -> tuple[int, int]:
    """Since when it is silent, and how long it may be."""
    if one.phase is Phase.STARTING:
        return one.since_ns, nanoseconds(row.ready_s)
    return one.heard_ns, nanoseconds(row.heartbeat_s)


def _deadline_ns(row: ProcessRow, one: One) -> int:
    """When it counts as hung, by what is known of its starving."""
    since_ns, limit_ns = _silence(row, one)
    starved_ns = one.starved_ns - (one.starved_then_ns if one.phase is Phase.READY else 0)
    if row.safety != "edge" or starved_ns <= 0:
        return since_ns + limit_ns
    most_ns = round((PATIENCE - 1.0) * limit_ns)
    return since_ns + limit_ns + min(starved_ns + AGAIN_NS, most_ns)
