"""How a simulated car that speaks Uptane behaves towards the fleet's server, with the checks of a real one.

It joins by a code, hears signed time, signs manifests with a key for each unit, and believes metadata and images as
`trust.uptane` lets it: every signature is checked for every car. What is not a real car's is what is behind it: nobody
is asked, units are names, and an update takes a pause. It opens no socket and asks no clock: `fleet_drive` sends its
requests and says what time it is. What it lies and replays is made in `fleet_uptane_lies`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import msgspec

from volant.app.fleet_belief import Belief, Offer, Shared
from volant.app.fleet_cars import BACKOFF_FIRST_S, BACKOFF_MOST_S, NEVER_S, Fault
from volant.app.fleet_units import Says, driven, factory, inventory_of, manifest_of
from volant.app.fleet_uptane_lies import Lie, lies, replays
from volant.app.fleet_words import (
    BROKEN,
    BUSY,
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
)
from volant.app.join_grant import read_grant
from volant.app.update_http import ABSENT
from volant.cloud.director import Tried
from volant.cloud.uptane import PREFIX
from volant.cloud.uptane.joining import JoinRequest
from volant.core.chance import Chance
from volant.core.errors import InputError, TrustError
from volant.core.words import plain
from volant.trust.uptane import (
    Assignment,
    Condition,
    Ended,
    ImageLoad,
    Installed,
    image_fetch,
)

NS_PER_S: Final = 1_000_000_000
DRIVES: Final = 2
"""After an update a car tells so many times how it is, before it comes as usual again."""
SLOWLY: Final = 4
NO_ROOM: Final = "no space left on device"
WENT_BACK: Final = "does not start: the old programs run again"
REFUSED: Final = 403

Talk: TypeAlias = Generator[Job, Any, Any]


@dataclass(slots=True, eq=False)
class UptaneCar:
    """One car. `wake` and `step` say what it does next; what it was told and said stays in it for the end."""

    car_id: str
    chance: Chance
    shared: Shared
    fault: Fault | None = None
    work_s: float = 2.0
    period_s: float = 10.0
    """Comes by itself so often."""
    neighbour: str = ""
    """Another car that speaks Uptane, for lies; empty: there is none."""
    code: str = ""
    """With which it joins."""
    token: str = ""
    """For its open line, since it joined."""
    ready: bool = False
    """It has joined, and said what it runs."""
    out: str = ""
    """Why it could not join."""
    updated: bool = False
    runs: dict[str, Installed] = field(default_factory=factory)
    offers: tuple[int, ...] = ()
    """Tries that it was told, in their order."""
    words: tuple[Word, ...] = ()
    """What it said of tries, and lies that were believed."""
    again: int = 0
    """Times that it was told a try that it had ended, and the server had heard so."""
    spurned: list[str] = field(default_factory=list)
    """Why honest manifests of it were refused."""
    counted: int = 0
    """Lies of it that had been refused before it was last believed: with that the server has counted them."""
    said: dict[str, str] = field(default_factory=dict)
    """What it ran, by unit, when it was last believed."""
    asking: bool = False
    """A manifest is out, or one was never answered and none since was."""
    _belief: Belief | None = None
    _condition: Condition | None = None
    _ended: Ended | None = None
    _over: set[Tried] = field(default_factory=set)
    """Tries that have failed, and the server has heard it."""
    _counter: int = 0
    _draws: int = 0
    _drives: int = 0
    _broken: int = 0
    _now_s: float = 0.0
    _first: bytes = b""
    """Its first manifest that was believed, if it replays; and the last one."""
    _last: bytes = b""
    _going: Talk | None = None

    @property
    def forged(self) -> tuple[str, ...]:
        """What it could not believe of what it was given."""
        return tuple(self._belief.forged) if self._belief is not None else ()

    @property
    def at_rest(self) -> bool:
        """It has nothing in hand, and may be called."""
        return self._going is None

    def wake(self, now_s: float) -> Job:
        """A pause is over: on with what it had in hand, or else it comes."""
        self._now_s = now_s
        if self._going is None:
            self._going = self._life()
        return self._go(None)

    def step(self, reply: Reply, now_s: float) -> Job:
        """The answer to what it wanted."""
        self._now_s = now_s
        return self._go(reply)

    def _go(self, reply: Reply | None) -> Job:
        assert self._going is not None, "it is awake"
        try:
            return self._going.send(reply)
        except StopIteration:
            self._going = None
            return Wait(self.period_s if not self.out else NEVER_S)

    # --- one visit -------------------------------------------------------------------------------

    def _life(self) -> Talk:
        if not self.token:
            yield from self._join()
            if self.out:
                return
        if self.fault is Fault.OFFLINE and self.ready:
            yield from self._be_away()
        offer = yield from self._visit()
        self.ready = self.ready or bool(self.said)
        if self.fault is Fault.REPLAYING and self._first and self._lot() < 0.5:
            yield from self._lie(replays(self.car_id, self._first, self._last, self._counters(1)))
        if offer is not None:
            yield from self._update(offer)

    def _visit(self) -> Talk:
        """Time, manifest, metadata, as a real car's check goes; what is new for it."""
        yield from self._hear_time()
        yield from self._tell()
        return (yield from self._check())

    def _join(self) -> Talk:
        token, _, pin = self.code.partition(".")
        asked = JoinRequest(token=token, inventory=inventory_of(self.car_id, self.chance))
        want = Want(Kind.JOIN, "POST", f"{PREFIX}/join", msgspec.json.encode(asked))
        reply = yield from self._ask(want)
        if reply.status != OK:
            self.out = f"it could not join: {_why(reply)}"
            return
        try:
            granted = read_grant(reply.body, pin, PREFIX)
        except (InputError, TrustError) as error:
            self.out = f"it could not join: {error}"
            return
        self._belief, self.token = Belief.of(granted, self.shared), granted.token

    def _be_away(self) -> Talk:
        """Nothing for some visits; or it speaks and is gone before the answer is there."""
        if (lot := self._lot()) < 0.5:
            yield Wait(self.period_s * 4.0 * lot)
            return
        self.asking = True
        yield Want(
            Kind.MANIFEST, "POST", self._trust.manifest_path, self._manifest(), hangs_up=True
        )
        yield Wait(1.0)

    def _hear_time(self) -> Talk:
        """A signed time; without one time goes on from the last."""
        lots = self.chance.child("nonce", self._counters(1))
        nonce = b"".join(lots.bits(one).to_bytes(8, "little") for one in (0, 1))
        asked = self._trust.clock.ask(nonce, self._now_ns())
        body = msgspec.json.encode({"nonces": (asked.asked,)})
        reply = yield Want(Kind.TIME, "POST", f"{PREFIX}/time", body)
        pause = self._pause(reply)
        if pause is not None:
            yield pause
        elif reply.status == OK:
            self._trust.hear_time(asked, reply.body, self._now_ns())

    # --- what it says ----------------------------------------------------------------------------

    def _tell(self, ends: Tried | None = None, said: Said = Said.BUSY) -> Talk:
        """Say what runs, and how a try has ended; signed anew after a break, since who has heard it takes it once."""
        if ends is None and self._condition is not None:
            self._drives += 1
            self._condition = driven(
                self._condition, self.chance, self._drives, unwell=self._is_unwell
            )
        unsure, self.asking = False, True
        while True:
            body, refused = self._manifest(), self.shared.refusals[self.car_id]
            path = self._trust.manifest_path
            reply = yield Want(Kind.MANIFEST, "POST", path, body, unsure=unsure)
            pause = self._pause(reply)
            if pause is None:
                break
            unsure = unsure or reply.status not in BUSY
            yield pause
        if reply.status == OK:
            self.asking, self._trust.attack, self.counted = False, None, refused
            self.said = {unit: one.name for unit, one in self.runs.items()}
            if self.fault is Fault.REPLAYING:
                self._first, self._last = self._first or body, body
        else:
            self.spurned.append(_why(reply))
        if ends is None:
            return
        if reply.status == OK and said is Said.FAILURE:
            self._over.add(ends)
        if self.shared.campaign in {"", ends.id}:
            self.words = (*self.words, Word(ends.attempt, said, reply.status, unsure=unsure))

    def _manifest(self) -> bytes:
        trust = self._trust
        says = Says(trust.clock.now_s(self._now_ns()), self._counters(1), trust.attack)
        return manifest_of(self.car_id, self.runs, says, self._condition, self._ended)

    def _lie(self, said: tuple[Lie, ...]) -> Talk:
        """Say what no server may take."""
        for one in said:
            path = f"{PREFIX}/cars/{one.about}/director/manifest"
            reply = yield Want(Kind.MANIFEST, "POST", path, one.body, lie=True)
            if reply.status in GOOD:
                self.words = (*self.words, Word(0, Said.SUCCESS, reply.status, lie=True))
            elif reply.status == BROKEN or (
                reply.status >= FAULTS_FROM and reply.status not in BUSY
            ):
                self.shared.unsure[one.about] += 1
            elif reply.status == REFUSED:
                self.shared.refusals[one.about] += 1

    # --- what it believes ------------------------------------------------------------------------

    def _check(self) -> Talk:
        """Full verification over both repositories; None: there is nothing for it, or nothing to believe."""
        check = self._trust.begin(self.car_id, self.runs, self._now_ns())
        session = check.session
        while (fetch := session.wants) is not None:
            reply = yield Want(Kind.METADATA, "GET", self._trust.url_of(fetch))
            pause = self._pause(reply)
            if pause is not None:
                yield pause
                break  # the next visit begins anew
            if reply.status in ABSENT:
                session.missing(self._now_ns())
            elif reply.status == OK:
                session.feed(reply.body, self._now_ns())
                if session.wants is fetch:
                    session.end(self._now_ns())
            else:
                session.broken(self._now_ns(), _why(reply))
        offer = self._trust.end(check)
        if offer is None:
            return None
        tried = offer.tried
        if tried in self._over:
            self.again += 1
            return None
        if self.shared.campaign in {"", tried.id} and tried.attempt not in self.offers:
            self.offers = (*self.offers, tried.attempt)
        return offer

    # --- what it does about it -------------------------------------------------------------------

    def _update(self, offer: Offer) -> Talk:
        if self.fault is Fault.SILENT:
            yield Wait(NEVER_S)
        if self.fault is Fault.LYING:
            targets = {one.ecu_id: one.as_installed() for one in offer.assignments}
            claims = {**self.runs, **targets}
            yield from self._lie(lies(self.car_id, self.neighbour, claims, self._counters(8)))
        if self.fault is Fault.FULL:
            yield from self._failed(offer, NO_ROOM)
            return
        for _ in range(SLOWLY if self.fault is Fault.SLOW else 0):
            yield Wait(self.work_s)
            found = yield from self._visit()
            if found is None or found.tried != offer.tried:
                yield from self._tell()  # called back: it has let go of it
                return
            offer = found
        for one in {each.name: each for each in offer.assignments}.values():
            why = yield from self._download(one)
            if why:
                yield from self._failed(offer, f"download: {why}")
                return
        yield Wait(self.work_s)
        if self.fault is Fault.FAILING:
            yield from self._failed(offer, WENT_BACK)
            return
        yield from self._installed(offer)

    def _failed(self, offer: Offer, why: str) -> Talk:
        self._ended = Ended(offer=offer.name, installed=False, why=why[:512])
        yield from self._tell(offer.tried, Said.FAILURE)

    def _installed(self, offer: Offer) -> Talk:
        self.runs = {**self.runs, **{one.ecu_id: one.as_installed() for one in offer.assignments}}
        self._condition, self.updated = Condition(), True
        self._ended = Ended(offer=offer.name, installed=True)
        yield from self._tell(offer.tried, Said.SUCCESS)
        for _ in range(DRIVES):
            yield Wait(self.work_s)
            yield from self._tell()

    def _download(self, one: Assignment) -> Talk:
        """An image, checked as it comes and kept nowhere; why it did not come, empty: it did."""
        fetch, limits = image_fetch(one), self.shared.limits
        load = ImageLoad(fetch, one.hashes, lambda _: None, limits, self._now_ns())
        path = self._trust.url_of(fetch)
        want = Want(Kind.IMAGE, "GET", path, sink=lambda data: load.feed(data, self._now_ns()))
        while load.wants is not None:
            reply = yield replace(want, offset=load.offset)
            pause = self._pause(reply)
            if pause is not None:
                yield pause
            if reply.status in ABSENT:
                load.missing(self._now_ns())
            elif reply.status in GOOD:
                load.end(self._now_ns())
            elif reply.status not in BUSY:
                load.broken(self._now_ns(), _why(reply))
        self._trust.rejects(load.rejected)
        return str(load.rejected or "")

    # --- small things ----------------------------------------------------------------------------

    @property
    def _trust(self) -> Belief:
        assert self._belief is not None, "it has joined"
        return self._belief

    @property
    def _is_unwell(self) -> bool:
        return self.fault is Fault.UNWELL and self.updated

    def _ask(self, want: Want) -> Generator[Job, Any, Reply]:
        """Ask until there is an answer, later each time."""
        reply: Reply = yield want
        while (pause := self._pause(reply)) is not None:
            yield pause
            reply = yield want
        return reply

    def _pause(self, reply: Reply) -> Wait | None:
        """How long to wait before the same once more; None: this is an answer."""
        if reply.status in BUSY:
            span_s = BACKOFF_FIRST_S if reply.retry_s is None else reply.retry_s
            return Wait(span_s * (1.0 + 0.25 * self._lot()))
        if reply.status == BROKEN or reply.status >= FAULTS_FROM:
            most_s = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** min(self._broken, 10))
            self._broken += 1
            return Wait(most_s * (0.5 + 0.5 * self._lot()))
        self._broken = 0
        return None

    def _counters(self, count: int) -> int:
        """The first of so many new numbers for reports."""
        first = self._counter + 1
        self._counter += count
        return first

    def _lot(self) -> float:
        self._draws += 1
        return self.chance.uniform(self._draws)

    def _now_ns(self) -> int:
        return int(self._now_s * NS_PER_S)


def _why(reply: Reply) -> str:
    return f"status {reply.status} {plain(reply.body[:120].decode(errors='replace'))}".strip()
