"""How a simulated car of hawkBit's device API behaves towards the fleet's server, as a real client does: pure steps.

A car has a list of things to do; `step` takes the answer to the first of them and says what comes next. It opens no
socket and asks no clock: `fleet_drive` sends its requests. One car in some has a fault, by chance and for good; what it
then does stands in `_script`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import msgspec

from volant.app.fleet_words import (
    BROKEN,
    BUSY,
    ENDS,
    FAULTS_FROM,
    GOOD,
    OK,
    Job,
    Kind,
    Reply,
    Said,
    Wait,
    Want,
    Word,
    agreeing,
    closed,
    going_on,
    letting_go,
    number_of,
    path_of,
    read_action,
    read_base,
)
from volant.core.chance import Chance
from volant.core.errors import InputError

SLEEP_S: Final = 300.0
"""Until a server has said how long."""
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MOST_S: Final = 30.0
"""After a broken connection the pause doubles up to this, each drawn from its upper half; a choice of ours."""
NEVER_S: Final = float("inf")


class Fault(StrEnum):
    """What is wrong with a car."""

    OFFLINE = "offline"
    """Out of reach for several polls at a time; hangs up before the answer comes."""
    SLOW = "slow"
    """Takes many polls for an update, and says how far it is."""
    FULL = "full"
    """Has no room for what it downloaded."""
    FAILING = "failing"
    """The update does not start on it."""
    LYING = "lying"
    """Speaks of what it was never told, for other cars, in garbage, and says that it has what it has not."""
    REPLAYING = "replaying"
    """Says again and again what it has said long ago."""
    SILENT = "silent"
    """Is told, and is never heard again."""
    UNWELL = "unwell"
    """Counts more trouble than usual, or boots again and again, once it runs the update; what only a car that speaks
    Uptane can say."""


Faults = Mapping[Fault, float]
"""Share of cars by fault; what is left is sound."""


def parse_faults(text: str) -> dict[Fault, float]:
    """Shares such as `offline=0.05,failing=0.01`.

    Raises:
        InputError: a fault is unknown, a share is none, or all together are more than all cars.
    """
    found: dict[Fault, float] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, share = part.partition("=")
        try:
            fault, value = Fault(name.strip()), float(share)
        except ValueError as error:
            known = ", ".join(Fault)
            raise InputError(f"{part!r} is no FAULT=SHARE; faults are {known}") from error
        if not 0.0 <= value <= 1.0:
            raise InputError(f"{part!r}: a share is from 0 to 1")
        found[fault] = value
    if sum(found.values()) > 1.0 + 1e-9:
        raise InputError(f"the faults take {sum(found.values()):g} of all cars, at most 1")
    return found


@dataclass(frozen=True, slots=True)
class SimCar:
    """One car."""

    car_id: str
    root: str
    """Path of its own resource."""
    chance: Chance
    fault: Fault | None = None
    work_s: float = 2.0
    """How long an update takes it."""
    neighbour: str = ""
    """Path of another car's resource, for lies."""
    sleeps_s: float | None = None
    """Asks so often, whatever the server says; None: as it says."""
    sleep_s: float = SLEEP_S
    todo: tuple[Job, ...] = ()
    draws: int = 0
    """Numbers taken from `chance`."""
    broken: int = 0
    """Answers in a row that never came."""
    working: int = 0
    """Action that it is at."""
    offers: tuple[int, ...] = ()
    """Actions that it was told, in their order."""
    words: tuple[Word, ...] = ()
    """What it said that matters for the end: closing words and lies."""

    @property
    def poll(self) -> Want:
        """The question whether there is something for it."""
        return Want(Kind.POLL, "GET", self.root)


@dataclass(frozen=True, slots=True)
class Making:
    """What all simulated cars have in common."""

    seed: int
    faults: Faults = field(default_factory=dict)
    work_s: float = 2.0
    sleeps_s: float | None = None
    uptane: float = 0.0
    """Share of cars that speak Uptane."""
    woken: float = 0.0
    """Share of cars that keep a line open, on which the server calls them."""
    poll_s: float = 10.0
    """How often cars come that are not told how often."""


def car_id(seed: int, place: int) -> str:
    """A simulated car's id, which is no VIN."""
    return f"sim-{seed}-{place:07}"


def make_car(making: Making, place: int, cars: int) -> SimCar:
    """One of so many cars; what it is depends on seed and place alone."""
    chance = Chance.of(making.seed, "fleet car", place)
    lot, fault = chance.uniform(0), None
    for one, share in sorted(making.faults.items()):
        if lot < share:
            fault = one
            break
        lot -= share
    return SimCar(
        car_id=car_id(making.seed, place),
        root=root_of(car_id(making.seed, place)),
        chance=chance,
        fault=fault,
        work_s=making.work_s * chance.uniform(1, 0.5, 1.5),
        neighbour=root_of(car_id(making.seed, (place + 1) % cars)),
        sleeps_s=making.sleeps_s,
        draws=2,
    )


def root_of(name: str) -> str:
    """Path of a car's own resource."""
    return f"/DEFAULT/controller/v1/{name}"


def wake(car: SimCar) -> tuple[SimCar, Job]:
    """What a car does when a pause is over: what it had in hand, or else it asks."""
    if car.todo:
        return replace(car, todo=car.todo[1:]), car.todo[0]
    return car, car.poll


def step(car: SimCar, want: Want, reply: Reply) -> tuple[SimCar, Job]:
    """What a car does after the answer to what it wanted."""
    if want.hangs_up:
        return _next(car)
    if reply.status in BUSY:
        return _told_to_wait(car, want, reply)
    if reply.status == BROKEN or reply.status >= FAULTS_FROM:
        return _after_break(car, want)
    car = replace(car, broken=0) if car.broken else car
    match want.kind:
        case Kind.POLL:
            car = _heard_poll(car, reply)
        case Kind.DEPLOYMENT:
            car = _heard_deployment(car, reply)
        case Kind.FILE:
            car = _heard_file(car, want, reply)
        case Kind.WORD:
            car = _heardprogress(car, want, reply)
        case Kind.CANCEL | Kind.QUESTION | Kind.CONFIG:
            if reply.status not in GOOD:
                car = replace(car, todo=())
    return _next(car)


def _next(car: SimCar) -> tuple[SimCar, Job]:
    if car.todo:
        return replace(car, todo=car.todo[1:]), car.todo[0]
    return car, Wait(car.sleep_s)


def _after_break(car: SimCar, want: Want) -> tuple[SimCar, Job]:
    """The connection broke, or the server did: the same once more, later each time, and not all cars at once."""
    most_s = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** min(car.broken, 10))
    car, lot = _draw(car)
    again = replace(want, unsure=True) if want.kind is Kind.WORD else want
    car = replace(car, broken=car.broken + 1, todo=(again, *car.todo))
    return car, Wait(most_s * (0.5 + 0.5 * lot))


def _told_to_wait(car: SimCar, want: Want, reply: Reply) -> tuple[SimCar, Job]:
    car, lot = _draw(car)
    span_s = BACKOFF_FIRST_S if reply.retry_s is None else reply.retry_s
    return replace(car, todo=(want, *car.todo)), Wait(span_s * (1.0 + 0.25 * lot))


def _heard_poll(car: SimCar, reply: Reply) -> SimCar:
    if reply.status != OK:
        return car if car.working or not car.todo else replace(car, todo=())
    base = read_base(reply.body)
    if base is None:
        return replace(car, todo=())
    sleep_s = car.sleeps_s or base.sleep_s
    if sleep_s != car.sleep_s:
        car = replace(car, sleep_s=sleep_s)
    links = base.links
    action = 0 if links.deployment is None else number_of(links.deployment.href)
    if action and action == car.working and car.todo:
        return car  # it is at it
    todo: tuple[Job, ...] = ()
    if links.cancel is not None:
        todo = letting_go(links.cancel.href)
    elif links.deployment is not None:
        todo = (Want(Kind.DEPLOYMENT, "GET", path_of(links.deployment.href)),)
    elif links.question is not None:
        todo = agreeing(links.question.href)
    if links.config is not None:
        todo = (*todo, _config(car, links.config.href))
    if not todo and car.fault is Fault.OFFLINE:
        return _be_away(car)
    if not todo and car.fault is Fault.REPLAYING and car.offers:
        return _say_again(car)
    return replace(car, todo=todo, working=0) if todo or car.todo or car.working else car


def _heard_deployment(car: SimCar, reply: Reply) -> SimCar:
    if reply.status != OK:
        return replace(car, todo=(), working=0)
    found = read_action(reply.body)
    if found is None:
        return replace(car, todo=(), working=0)
    action, files = found
    if action not in car.offers:
        car = replace(car, offers=(*car.offers, action))
    return replace(car, working=action, todo=_script(car, action, files))


def _heard_file(car: SimCar, want: Want, reply: Reply) -> SimCar:
    if reply.status in GOOD and reply.sha256 == want.sha256:
        return car
    why = f"download: status {reply.status}" if reply.status not in GOOD else "download: wrong hash"
    return replace(car, todo=(closed(car.root, want.action, Said.FAILURE, why),))


def _heardprogress(car: SimCar, want: Want, reply: Reply) -> SimCar:
    ends = want.said in ENDS
    if ends or want.lie:
        word = Word(want.action, want.said, reply.status, want.lie, want.unsure)
        car = replace(car, words=(*car.words, word))
    if want.lie:
        return car
    if ends or reply.status not in GOOD:
        # Over for the car, or by the server's word: what else it had in hand for it is void.
        rest = tuple(one for one in car.todo if isinstance(one, Want) and one.lie)
        car = replace(car, working=0, todo=rest)
    return car


def _script(car: SimCar, action: int, files: tuple[Want, ...]) -> tuple[Job, ...]:
    """All that a car does about an action."""
    begun = going_on(car.root, action, "download begins")
    done = closed(car.root, action, Said.SUCCESS, "runs it")
    work = Wait(car.work_s)
    match car.fault:
        case Fault.SILENT:
            return (Wait(NEVER_S),)
        case Fault.FULL:
            return (
                begun,
                *files,
                closed(car.root, action, Said.FAILURE, "no space left on device"),
            )
        case Fault.FAILING:
            return (begun, *files, work, closed(car.root, action, Said.FAILURE, "does not start"))
        case Fault.SLOW:
            return (begun, *files, *_slowly(car, action), done)
        case Fault.LYING:
            return (
                *_lies(car, action),
                work,
                done,
                closed(car.root, action, Said.FAILURE, "", lie=True),
            )
        case Fault.REPLAYING:
            return (begun, *files, work, done, replace(done, lie=True), replace(done, lie=True))
    return (begun, *files, work, done)


def _slowly(car: SimCar, action: int) -> tuple[Job, ...]:
    """Four steps, between which it asks whether it still shall."""
    found: list[Job] = []
    for count in range(1, 5):
        found += [
            Wait(car.work_s),
            car.poll,
            going_on(car.root, action, f"step {count}", (count, 5)),
        ]
    return tuple(found)


def _lies(car: SimCar, action: int) -> tuple[Job, ...]:
    """What no server may take: of an action that it never had, for another car, and what is no word at all."""
    strange = closed(car.root, action + 1_000_003, Said.SUCCESS, "", lie=True)
    path = f"{car.neighbour}/deploymentBase/{action}/feedback"
    return (
        strange,
        replace(closed(car.root, action, Said.SUCCESS, "", lie=True), path=path),
        replace(
            closed(car.root, action, Said.SUCCESS, "", lie=True), body=b'{"status":{"execution":'
        ),
    )


def _be_away(car: SimCar) -> SimCar:
    """Nothing for some polls; or it asks and is gone before the answer is there."""
    car, lot = _draw(car)
    if lot < 0.5:
        return replace(car, working=0, todo=(Wait(car.sleep_s * (1.0 + 4.0 * lot)), car.poll))
    asks = replace(car.poll, hangs_up=True)
    return replace(car, working=0, todo=(Wait(car.sleep_s), asks, Wait(1.0), car.poll))


def _say_again(car: SimCar) -> SimCar:
    car, lot = _draw(car)
    if lot < 0.5:
        return replace(car, working=0, todo=())
    old = car.offers[int(lot * len(car.offers))]
    return replace(car, working=0, todo=(closed(car.root, old, Said.FAILURE, "again", lie=True),))


def _config(car: SimCar, href: str) -> Want:
    """What it says of itself, by chance but always the same."""
    model = ("g3-520", "g3-430", "p7")[car.chance.integer(1 << 20, 0, 3)]
    region = ("north", "south", "east", "west")[car.chance.integer((1 << 20) + 1, 0, 4)]
    data = {"model": model, "region": region, "version": "1.0"}
    body = msgspec.json.encode({"mode": "merge", "data": data})
    return Want(Kind.CONFIG, "PUT", path_of(href), body)


def _draw(car: SimCar) -> tuple[SimCar, float]:
    return replace(car, draws=car.draws + 1), car.chance.uniform(car.draws)
