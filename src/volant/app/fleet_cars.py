"""How a simulated car behaves towards the fleet's server, hawkBit's device API spoken as a real client does: pure steps.

A car has a list of things to do; `step` takes the answer to the first of them and says what comes next. It opens no
socket and asks no clock: `fleet_drive` sends its requests. One car in some has a fault, by chance and for good; what it
then does stands in `_script`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from volant.core.chance import Chance
from volant.core.errors import InputError

OK: Final = 200
GOOD: Final = range(200, 300)
GONE: Final = 410
BUSY: Final = frozenset({429, 503})
BROKEN: Final = 0
"""Status of an answer that never came."""
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


class Kind(StrEnum):
    """What a request is for."""

    POLL = "poll"
    CONFIG = "config"
    DEPLOYMENT = "deployment"
    FILE = "file"
    WORD = "word"
    """Feedback on a deployment or on a cancellation."""
    CANCEL = "cancel"
    QUESTION = "question"


class Said(StrEnum):
    """What a word claims."""

    BUSY = "busy"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"
    REFUSED = "refused"


ENDS: Final = frozenset({Said.SUCCESS, Said.FAILURE, Said.CANCELED})


@dataclass(frozen=True, slots=True)
class Want:
    """A request that the car makes."""

    kind: Kind
    method: str
    path: str
    """Of the server, with its query."""
    body: bytes = b""
    action: int = 0
    said: Said = Said.BUSY
    lie: bool = False
    """A server that takes it has been fooled."""
    hangs_up: bool = False
    """The car does not wait for the answer."""
    sha256: str = ""
    """Of a file."""
    unsure: bool = False
    """Made before, and no answer came: the server may have taken it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The car does nothing for so long."""

    span_s: float


Job = Want | Wait


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    """`BROKEN`: nothing did."""
    body: bytes = b""
    retry_s: float | None = None
    """`Retry-After`."""
    sha256: str = ""
    """Of the body of a file."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a car said of an action, and how the server took it."""

    action: int
    said: Said
    status: int
    lie: bool = False
    unsure: bool = False

    @property
    def taken(self) -> bool:
        """The server thanked for it."""
        return self.status in GOOD


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


class _Href(msgspec.Struct):
    href: str


class _Links(msgspec.Struct):
    deployment: _Href | None = msgspec.field(default=None, name="deploymentBase")
    cancel: _Href | None = msgspec.field(default=None, name="cancelAction")
    question: _Href | None = msgspec.field(default=None, name="confirmationBase")
    config: _Href | None = msgspec.field(default=None, name="configData")


class _Polling(msgspec.Struct):
    sleep: str = ""


class _Config(msgspec.Struct):
    polling: _Polling = msgspec.field(default_factory=_Polling)


class _Base(msgspec.Struct):
    config: _Config = msgspec.field(default_factory=_Config)
    links: _Links = msgspec.field(default_factory=_Links, name="_links")


class _Artifact(msgspec.Struct):
    filename: str
    hashes: dict[str, str]
    links: dict[str, _Href] = msgspec.field(name="_links")


class _Chunk(msgspec.Struct):
    artifacts: list[_Artifact]


class _Deployment(msgspec.Struct):
    chunks: list[_Chunk]


class _Action(msgspec.Struct):
    id: str
    deployment: _Deployment | None = None
    confirmation: _Deployment | None = None


_BASE: Final = msgspec.json.Decoder(_Base)
_ACTION: Final = msgspec.json.Decoder(_Action)


@dataclass(frozen=True, slots=True)
class Making:
    """What all simulated cars have in common."""

    seed: int
    faults: Faults = field(default_factory=dict)
    work_s: float = 2.0
    sleeps_s: float | None = None


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
    if reply.status == BROKEN and not want.hangs_up:
        return _after_break(car, want)
    if reply.status in BUSY:
        return _told_to_wait(car, want, reply)
    car = replace(car, broken=0) if car.broken else car
    match want.kind:
        case Kind.POLL:
            car = _heard_poll(car, want, reply)
        case Kind.DEPLOYMENT:
            car = _heard_deployment(car, reply)
        case Kind.FILE:
            car = _heard_file(car, want, reply)
        case Kind.WORD:
            car = _heard_word(car, want, reply)
        case Kind.CANCEL | Kind.QUESTION | Kind.CONFIG:
            if reply.status not in GOOD:
                car = replace(car, todo=())
    return _next(car)


def _next(car: SimCar) -> tuple[SimCar, Job]:
    if car.todo:
        return replace(car, todo=car.todo[1:]), car.todo[0]
    return car, Wait(car.sleep_s)


def _after_break(car: SimCar, want: Want) -> tuple[SimCar, Job]:
    """The connection broke: the same once more, later each time, and not all cars at once."""
    most_s = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** min(car.broken, 10))
    car, lot = _draw(car)
    again = replace(want, unsure=True) if want.kind is Kind.WORD else want
    car = replace(car, broken=car.broken + 1, todo=(again, *car.todo))
    return car, Wait(most_s * (0.5 + 0.5 * lot))


def _told_to_wait(car: SimCar, want: Want, reply: Reply) -> tuple[SimCar, Job]:
    car, lot = _draw(car)
    span_s = BACKOFF_FIRST_S if reply.retry_s is None else reply.retry_s
    return replace(car, todo=(want, *car.todo)), Wait(span_s * (1.0 + 0.25 * lot))


def _heard_poll(car: SimCar, want: Want, reply: Reply) -> SimCar:
    if want.hangs_up:
        return car
    if reply.status != OK:
        return car if car.working or not car.todo else replace(car, todo=())
    try:
        base = _BASE.decode(reply.body)
        sleep_s = car.sleeps_s or _seconds(base.config.polling.sleep)
    except (msgspec.MsgspecError, ValueError):
        return replace(car, todo=())
    if sleep_s != car.sleep_s:
        car = replace(car, sleep_s=sleep_s)
    links = base.links
    action = 0 if links.deployment is None else _number(links.deployment.href)
    if action and action == car.working and car.todo:
        return car  # it is at it
    todo: tuple[Job, ...] = ()
    if links.cancel is not None:
        todo = _letting_go(links.cancel.href)
    elif links.deployment is not None:
        todo = (Want(Kind.DEPLOYMENT, "GET", _path(links.deployment.href)),)
    elif links.question is not None:
        todo = _agreeing(links.question.href)
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
    try:
        found = _ACTION.decode(reply.body)
        action = int(found.id)
    except (msgspec.MsgspecError, ValueError):
        return replace(car, todo=(), working=0)
    if action not in car.offers:
        car = replace(car, offers=(*car.offers, action))
    chunks = [] if found.deployment is None else found.deployment.chunks
    files = [
        Want(Kind.FILE, "GET", _path(one.links["download"].href), action=action,
            sha256=one.hashes.get("sha256", ""))
        for chunk in chunks for one in chunk.artifacts if "download" in one.links
    ]  # fmt: skip
    return replace(car, working=action, todo=_script(car, action, files))


def _heard_file(car: SimCar, want: Want, reply: Reply) -> SimCar:
    if reply.status in GOOD and reply.sha256 == want.sha256:
        return car
    why = f"download: status {reply.status}" if reply.status not in GOOD else "download: wrong hash"
    return replace(car, todo=(_closed(car, want.action, Said.FAILURE, why),))


def _heard_word(car: SimCar, want: Want, reply: Reply) -> SimCar:
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


def _script(car: SimCar, action: int, files: list[Want]) -> tuple[Job, ...]:
    """All that a car does about an action."""
    begun = _word(car, action, "proceeding", Said.BUSY, "download begins")
    done = _closed(car, action, Said.SUCCESS, "runs it")
    work = Wait(car.work_s)
    match car.fault:
        case Fault.SILENT:
            return (Wait(NEVER_S),)
        case Fault.FULL:
            return (begun, *files, _closed(car, action, Said.FAILURE, "no space left on device"))
        case Fault.FAILING:
            return (begun, *files, work, _closed(car, action, Said.FAILURE, "does not start"))
        case Fault.SLOW:
            return (begun, *files, *_slowly(car, action), done)
        case Fault.LYING:
            return (
                *_lies(car, action),
                work,
                done,
                _closed(car, action, Said.FAILURE, "", lie=True),
            )
        case Fault.REPLAYING:
            return (begun, *files, work, done, replace(done, lie=True), replace(done, lie=True))
    return (begun, *files, work, done)


def _slowly(car: SimCar, action: int) -> tuple[Job, ...]:
    """Four steps, between which it asks whether it still shall."""
    found: list[Job] = []
    for count in range(1, 5):
        progress = {"cnt": count, "of": 5}
        found += [
            Wait(car.work_s),
            car.poll,
            _word(car, action, "proceeding", Said.BUSY, f"step {count}", progress),
        ]
    return tuple(found)


def _lies(car: SimCar, action: int) -> tuple[Job, ...]:
    """What no server may take: of an action that it never had, for another car, and what is no word at all."""
    strange = _closed(car, action + 1_000_003, Said.SUCCESS, "", lie=True)
    path = f"{car.neighbour}/deploymentBase/{action}/feedback"
    return (
        strange,
        replace(_closed(car, action, Said.SUCCESS, "", lie=True), path=path),
        replace(_closed(car, action, Said.SUCCESS, "", lie=True), body=b'{"status":{"execution":'),
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
    return replace(car, working=0, todo=(_closed(car, old, Said.FAILURE, "again", lie=True),))


def _letting_go(href: str) -> tuple[Job, ...]:
    path, action = _path(href), _number(href)
    word = _body("closed", "success", "let go of it")
    said = Want(Kind.WORD, "POST", f"{_bare(path)}/feedback", word, action, Said.CANCELED)
    return (Want(Kind.CANCEL, "GET", path, action=action), said)


def _agreeing(href: str) -> tuple[Job, ...]:
    path, action = _path(href), _number(href)
    body = msgspec.json.encode({"confirmation": "confirmed"})
    said = Want(Kind.WORD, "POST", f"{_bare(path)}/feedback", body, action)
    return (Want(Kind.QUESTION, "GET", path, action=action), said)


def _config(car: SimCar, href: str) -> Want:
    """What it says of itself, by chance but always the same."""
    model = ("g3-520", "g3-430", "p7")[car.chance.integer(1 << 20, 0, 3)]
    region = ("north", "south", "east", "west")[car.chance.integer((1 << 20) + 1, 0, 4)]
    data = {"model": model, "region": region, "version": "1.0"}
    body = msgspec.json.encode({"mode": "merge", "data": data})
    return Want(Kind.CONFIG, "PUT", _path(href), body)


def _closed(car: SimCar, action: int, said: Said, why: str, *, lie: bool = False) -> Want:
    finished = "success" if said is Said.SUCCESS else "failure"
    path = f"{car.root}/deploymentBase/{action}/feedback"
    return Want(Kind.WORD, "POST", path, _body("closed", finished, why), action, said, lie)


def _word(
    car: SimCar,
    action: int,
    execution: str,
    said: Said,
    why: str,
    progress: dict[str, int] | None = None,
) -> Want:
    path = f"{car.root}/deploymentBase/{action}/feedback"
    return Want(Kind.WORD, "POST", path, _body(execution, "none", why, progress), action, said)


def _body(execution: str, finished: str, why: str, progress: dict[str, int] | None = None) -> bytes:
    result: dict[str, Any] = {"finished": finished}
    if progress:
        result["progress"] = progress
    status = {"execution": execution, "result": result, "details": [why] if why else []}
    return msgspec.json.encode({"status": status})


def _draw(car: SimCar) -> tuple[SimCar, float]:
    return replace(car, draws=car.draws + 1), car.chance.uniform(car.draws)


def _path(href: str) -> str:
    parts = urlsplit(href)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _bare(path: str) -> str:
    return path.partition("?")[0]


def _number(href: str) -> int:
    """Of an action, from its address; 0: there is none."""
    text = _bare(href).rpartition("/")[2]
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else 0


def _seconds(clock: str) -> float:
    hours, minutes, seconds = (int(one) for one in clock.split(":"))
    return max(1.0, hours * 3600.0 + minutes * 60.0 + seconds)


def digest_of(body: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(body).hexdigest()
