"""The matrix itself: 11 attacks, 7 kinds of attackers, 2 ways of checking, and what is expected of each cell.

Every cell is run: a car at release 2 is offered release 3, the attacker acts, goes away, and the keepers publish
release 4 (with other online keys, if it needs them). A loss that Uptane defines is a cell like another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from volant.trust.attacks.attackers import (
    ATTACKS,
    MALWARE,
    Attacker,
    Power,
    Twist,
    answer,
    orders_of,
)
from volant.trust.attacks.wire import Reply, Wire
from volant.trust.attacks.world import BRAKE, SEAT, TIME, Unit, World, image_of
from volant.trust.uptane.download import Fetch
from volant.trust.uptane.match import Assignment
from volant.trust.uptane.secure_time import MOST_BYTES
from volant.trust.uptane.verdict import RejectedError


class Level(StrEnum):
    """How the attacked unit checks."""

    FULL = "full"
    PARTIAL = "partial"


class Outcome(StrEnum):
    """What came of an attack."""

    HARMLESS = "harmless"
    """The release is installed; nobody suffers."""
    REFUSED = "refused"
    """The old software runs on, and the car knows why."""
    READ = "read"
    """The release is installed, and the attacker has read its images: Uptane hides nothing unless it is encrypted."""
    SPLIT = "split"
    """Some units run the new release, the victim the old one; each true. Their signed reports show it."""
    STUCK = "stuck"
    """Nothing newer is taken until the keepers rotate the stolen keys; then all goes on."""
    UNNOTICED = "unnoticed"
    """The old software runs on, and the car does not know why."""
    LOSS = "loss"
    """The victim runs what the attacker chose."""


LOSSES: Final = (Outcome.READ, Outcome.SPLIT, Outcome.STUCK, Outcome.UNNOTICED, Outcome.LOSS)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell."""

    attack: str
    power: Power
    level: Level


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one cell."""

    outcome: Outcome
    noticed: str
    """Attack class that the car reports; empty: none."""
    recovers: bool
    """Whether the next honest release was installed once the attacker was gone."""

    def __str__(self) -> str:
        return f"{self.outcome} {self.noticed}" if self.noticed else str(self.outcome)


ARBITRARY: Final = "refused arbitrary-software"
DROP: Final = "refused drop-request"
ENDLESS: Final = "refused endless-data"
FREEZE: Final = "refused freeze"
MIX: Final = "refused mix-and-match"
ROLLBACK: Final = "refused rollback"
SLOW: Final = "refused slow-retrieval"
SPLIT_NOTICED: Final = "split drop-request"
Row = tuple[str, str, str, str, str, str, str]


def _all(word: str) -> Row:
    return (word,) * 7


def _but_director(word: str, director: str) -> Row:
    """The same for all but who holds the director's online keys."""
    return (word, director, word, word, word, word, word)


# Two rows an attack: the attacked unit checks in full, or in part. In the order of `Power`: no key | director |
# image targets | supplier | primary | outside | inside.
# Who holds a file's key but not those above it can only put another file in its place: it is longer than the
# snapshot lists (endless data) or has another hash (mix and match). A secondary that checks in part and is handed
# the honest director's file then sees other bytes (arbitrary software).
_BUNDLE: Final[Row] = (
    DROP, "split", SPLIT_NOTICED, SPLIT_NOTICED, SPLIT_NOTICED, DROP, SPLIT_NOTICED,
)  # fmt: skip
# Who sits on the wire to the source of time as well lets no signed time through, and the car was off all the while:
# what it knows is the time of its last update, by which nothing is too old.
_FROZEN: Final[Row] = (FREEZE, *("unnoticed",) * 6)
_FORWARD: Final[Row] = (ARBITRARY, "stuck", ENDLESS, ENDLESS, ARBITRARY, ARBITRARY, ARBITRARY)
EXPECTED: Final[Mapping[str, tuple[Row, Row]]] = {
    "eavesdrop": (_all("read"), _all("read")),
    "drop-request": (_all(DROP), _all(DROP)),
    "slow-retrieval": (_all(SLOW), _all(SLOW)),
    "freeze": (_FROZEN, _FROZEN),
    "partial-bundle": (_BUNDLE, _BUNDLE),
    "denial-of-service": (_all(DROP), _all(DROP)),
    "rollback": (_all(ROLLBACK), _but_director(ROLLBACK, "loss rollback")),
    "endless-data": (_all(ENDLESS), _all(ENDLESS)),
    "mix-and-match": (
        _but_director(MIX, "split"),
        (MIX, "split", ARBITRARY, ARBITRARY, ARBITRARY, MIX, ARBITRARY),
    ),
    "arbitrary-software": (
        (ARBITRARY, ARBITRARY, ENDLESS, MIX, ARBITRARY, ARBITRARY, ARBITRARY),
        (ARBITRARY, "loss arbitrary-software", ENDLESS, ENDLESS, ARBITRARY, ARBITRARY, ARBITRARY),
    ),
    "fast-forward": (_FORWARD, _FORWARD),
}


def expected(cell: Cell) -> str:
    """What is to come of a cell, as `Found` writes it."""
    row = EXPECTED[cell.attack][list(Level).index(cell.level)]
    return row[list(Power).index(cell.power)]


def cells() -> Iterator[Cell]:
    """All cells, in the order of the table."""
    for attack in ATTACKS:
        for power in Power:
            for level in Level:
                yield Cell(attack, power, level)


def run_cell(cell: Cell) -> Found:
    """Attack a car as a cell says."""
    world = World()
    attacker = Attacker(cell.power, BRAKE if cell.level is Level.FULL else SEAT)
    attacker.past.append(world.served())
    world.publish_release()
    campaign(world)
    attacker.past.append(world.served())
    world.publish_release()
    twist = ATTACKS[cell.attack](world, attacker)
    attacker.orders = orders_of(cell.attack, attacker)
    campaign(world, attacker, twist)
    outcome, noticed = _judge(world, attacker)
    recovers, rotated = _recover(world)
    if outcome is Outcome.HARMLESS and rotated:
        outcome = Outcome.STUCK
    return Found(outcome, noticed, recovers)


def campaign(world: World, attacker: Attacker | None = None, twist: Twist | None = None) -> None:
    """Update the car once, under attack or not."""
    world.ask_time()
    outside = _wire(world, attacker, twist, inside=False)
    inside = _wire(world, attacker, twist, inside=True)
    for unit in world.units:
        unit.noticed = None
    world.primary.checker = world.car_checker()
    lost_primary = attacker is not None and attacker.power is Power.PRIMARY
    if not lost_primary:
        _hear(world, world.primary, outside)
        _primary_checks(world, outside)
    ordered = attacker.orders if attacker else frozenset[str]()
    if world.primary.noticed is not None and not ordered:
        return
    for unit in world.secondaries.values():
        _hear(world, unit, inside)
    staged = {name: _stage(world, unit, inside) for name, unit in world.secondaries.items()}
    # A primary has all units install, or none; who sits inside forges the order.
    for_all = None not in staged.values() and world.primary.noticed is None
    for name, unit in world.secondaries.items():
        if for_all or name in ordered:
            for one, data in staged[name] or ():
                unit.install(one, data)


def _hear(world: World, unit: Unit, wire: Wire) -> None:
    reply = wire(Fetch(TIME, TIME, TIME, MOST_BYTES))
    unit.hear_time(reply, world.clock.now_ns)
    if unit is world.primary and not reply.lost:
        world.passed_on = reply.data


def _primary_checks(world: World, wire: Wire) -> None:
    try:
        plan = world.run(world.primary.check(world.primary.clock.now_s(world.clock.now_ns)), wire)
        for one in plan.assignments:
            world.load(one, wire)
    except RejectedError as error:
        world.primary.noticed = error


def _stage(world: World, unit: Unit, wire: Wire) -> list[tuple[Assignment, bytes]] | None:
    """What a secondary has checked and holds; None: it said no."""
    try:
        plan = world.run(unit.check(unit.clock.now_s(world.clock.now_ns)), wire)
        return [(one, world.load(one, wire)) for one in plan.assignments]
    except RejectedError as error:
        unit.noticed = error
        return None


def _wire(world: World, attacker: Attacker | None, twist: Twist | None, *, inside: bool) -> Wire:
    served = world.served()

    def reply_to(fetch: Fetch) -> Reply:
        if inside and not (attacker is not None and attacker.is_inside):
            reply = Reply(world.inside()(fetch))
        else:
            # Who sits inside knows what is served outside, whatever the primary believes of it.
            reply = Reply(answer(served, fetch))
        if attacker is None or twist is None or not attacker.reaches(fetch, inside=inside):
            return reply
        return twist(fetch, reply)

    return reply_to


def _judge(world: World, attacker: Attacker) -> tuple[Outcome, str]:
    victim = world.secondaries[attacker.victim]
    witness = world.secondaries[attacker.witness]
    error = victim.noticed or world.primary.noticed or witness.noticed
    noticed = str(error.attack) if error else ""
    runs = [_release(world, one) for one in (victim, witness)]
    if runs[0] is None or runs[0] < world.release - 1:
        return Outcome.LOSS, noticed
    if runs[0] != runs[1]:
        return Outcome.SPLIT, noticed
    if runs[0] == world.release:
        return (Outcome.READ if attacker.read else Outcome.HARMLESS), noticed
    return (Outcome.REFUSED if noticed else Outcome.UNNOTICED), noticed


def _release(world: World, unit: Unit) -> int | None:
    """Which release a unit runs; None: none of ours."""
    if unit.program == MALWARE:
        return None
    numbers = range(1, world.release + 1)
    return next((n for n in numbers if image_of(unit.entry.ecu_id, n)[1] == unit.program), None)


def _recover(world: World) -> tuple[bool, bool]:
    """Whether the car goes on once it is left alone, and whether it took other keys."""
    for rotated in (False, True):
        if rotated:
            world.rotate_online_keys("keeper after the break-in")
        world.publish_release()
        campaign(world)
        if all(_release(world, one) == world.release for one in world.secondaries.values()):
            return True, rotated
    return False, True
