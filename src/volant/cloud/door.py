"""The cars' door as an RSGI application: who asks, how much they may ask, and the answer.

It opens no socket: a server hands it requests. Polls of cars for which there is nothing touch neither the database nor
a file. All else waits its turn in lanes, and who would wait too long is asked to come again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from volant.cloud.artifacts import Artifacts
from volant.cloud.asking import Ask, Peeked, Reply, Rest, changes_of, peek, take
from volant.cloud.bodies import CBOR, from_cbor, read_body
from volant.cloud.ddi import Answer, Place, Request
from volant.cloud.ddi.shapes import BODY_MOST_BYTES
from volant.cloud.lanes import BehindError, Lane
from volant.cloud.limits import TURN_S, Counts, Limits, Seldom
from volant.cloud.quick import (
    ROOT,
    ROOT_LENGTH,
    SCHEME,
    TENANT,
    QuickAnswers,
    digest_of,
    into_the_loop,
)
from volant.cloud.quiet import BUSY, DIGEST_BYTES, FLAGS, QuietCars, sleep_s
from volant.cloud.sending import AWAY_S, WORDS, Run, send, words
from volant.cloud.service import Fleet
from volant.cloud.steady import Steady
from volant.cloud.wake import MESSAGE_MOST, WAKE_STEP_S, Hub, Line
from volant.core.errors import InputError, LinkError, RefusedError

UPTANE: Final = "/uptane/"
NEXT_ROOT: Final = ".root.json"
"""End of what every car asks for in every check (Uptane 2.1, 5.4.4.3), and mostly is not there: no fault of anybody."""
UPTANE_BODY_MOST_BYTES: Final = 1 << 20
WAKE: Final = "wake"
WRITES: Final = frozenset({"POST", "PUT"})
LOOKS_AT_ONCE: Final = 256
SUSPECTS_AT_ONCE: Final = 16
SUSPECTS_WAITING: Final = 64
"""Of those at addresses that err; choices of ours: an honest car gets through, a flood costs little."""
TOO_MANY_REFUSED: Final = "too many requests of this address were refused"
ACTS_AT_ONCE: Final = 64
UPTANE_AT_ONCE: Final = 16

Uptane = Callable[[str, str, dict[str, str], bytes], Answer]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hands:
    """What does the work that waits: threads, where there are any."""

    looks: Run[Any]
    acts: Run[Any]
    uptane: Run[Any]
    files: Run[Any]


@dataclass(frozen=True, slots=True)
class UptaneAsk:
    """One request of a car that speaks Uptane."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Door:
    """Answers cars. All in one loop; only `hands` work elsewhere, and quiet cars are answered wherever they ask."""

    fleet: Fleet
    artifacts: Artifacts
    clock: Steady
    hands: Hands
    poll_s: float = 300.0
    limits: Limits = field(default_factory=Limits)
    uptane: Uptane | None = None
    base: str = ""
    """Such as `https://cars.example`, where cars see the server elsewhere than it sees itself."""
    cars: QuietCars = field(default_factory=QuietCars)
    hub: Hub = field(default_factory=Hub)
    ready: bool = True
    """Whether time was looked after; until then nothing is asked of the database."""
    counts: Counts = field(init=False)
    _quick: QuickAnswers = field(init=False)
    _seldom: Seldom = field(default_factory=Seldom)
    _looks: Lane[Ask, Reply | Rest] = field(init=False)
    _acts: Lane[Ask, Reply] = field(init=False)
    _uptanes: Lane[UptaneAsk, Answer] = field(init=False)
    _suspects: Lane[Ask, Reply | Rest] = field(init=False)
    """Strangers at an address of which too many requests were refused: an honest car may be among them."""
    _uptane_suspects: Lane[UptaneAsk, Answer] = field(init=False)

    def __post_init__(self) -> None:
        most = self.limits.waiting
        self.counts = Counts(self.limits)
        self._quick = QuickAnswers(self.cars, self.counts)
        self._looks = Lane(self._peek, waiting_most=most, at_once=LOOKS_AT_ONCE)
        self._acts = Lane(self._take, waiting_most=most, at_once=ACTS_AT_ONCE)
        self._uptanes = Lane(self._answer_uptane, waiting_most=most, at_once=UPTANE_AT_ONCE)
        few, most = SUSPECTS_AT_ONCE, SUSPECTS_WAITING
        self._suspects = Lane(self._peek, waiting_most=most, at_once=few)
        self._uptane_suspects = Lane(self._answer_uptane, waiting_most=most, at_once=few)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request, or hold one connection (RSGI 1.6). It may begin in any thread, then goes on in the loop."""
        is_request = scope.proto == "http"
        if is_request and self._quick.answer(scope, proto, self.poll_s, self.base):
            return
        await into_the_loop()
        if not is_request:
            await self._hold(scope, proto)
            return
        answer = await self._answer(scope, proto)
        await send(answer, scope, proto, self.artifacts, self.hands.files)

    async def _answer(self, scope: Any, proto: Any) -> Answer:
        path = scope.path
        try:
            if path.startswith(ROOT) and len(path) > ROOT_LENGTH:
                answer = await self._car(scope, proto, path)
            elif path.startswith(UPTANE):
                answer = await self._uptane(scope, proto, path)
            else:
                answer = words(404, f"no {path}")
        except BehindError as error:
            return self._later(scope, str(error), error.wait_s)
        except LinkError as error:
            if self._seldom.lets("away", asyncio.get_running_loop().time()):
                _log.warning("database_away error=%s", error)
            return self._later(scope, "the database is away, come again", AWAY_S)
        except RefusedError as error:
            return words(409, str(error))
        except (InputError, ValueError) as error:
            answer = words(400, str(error))
        if answer.status in {400, 401, 404} and not (
            path.startswith(UPTANE) and path.endswith(NEXT_ROOT)
        ):
            self.counts.err(scope.client)
        return answer

    async def _car(self, scope: Any, proto: Any, path: str) -> Answer:
        car_id, _, rest = path[ROOT_LENGTH:].partition("/")
        headers = dict(scope.headers.items())
        token = headers.get("authorization", "")
        row = self.cars.rows.get(car_id)
        digest = digest_of(token)
        stranger = row is None and not self.cars.knew(car_id, digest)
        suspect = stranger and not self.counts.lets(scope.client)
        if suspect and self._suspects.is_full:
            return self._slower(TOO_MANY_REFUSED)
        if not token.startswith(SCHEME):
            return words(401, "no token of this device")
        if row is not None and not hmac.compare_digest(digest, row[:DIGEST_BYTES]):
            return words(401, "no token of this device")
        if row is not None and not self.counts.hear(car_id):
            return self._slower(f"at most {self.limits.car_requests} requests in {TURN_S:.0f} s")
        if not self.ready:
            raise LinkError("the server is starting")
        body = await read_body(proto, headers, BODY_MOST_BYTES) if scope.method in WRITES else b""
        if body is None:
            return words(413, f"a body has at most {BODY_MOST_BYTES} bytes, and comes at once")
        if body and headers.get("content-type", "").startswith(CBOR):
            body = from_cbor(body)
        query = dict(parse_qsl(scope.query_string, max_num_fields=16))
        base = self.base or f"{scope.scheme}://{headers.get('host', 'localhost')}"
        ask = Ask(
            car_id,
            digest.hex(),
            Request(scope.method, rest, query, headers, body),
            Place(base, TENANT, car_id),
            sleep_s(car_id, self.poll_s),
        )
        return await self._ask(
            ask, self._suspects if suspect else self._looks, known=row is not None
        )

    async def _ask(self, ask: Ask, looks: Lane[Ask, Reply | Rest], *, known: bool) -> Answer:
        if not (known and ask.request.method in WRITES):
            found = await looks.ask(ask)
            rest = found if isinstance(found, Rest) else found.rest
            if rest is not None:
                self.cars.put(ask.car_id, rest)
                self.hub.wait(ask.car_id, rest.waits)
                if not known:
                    self.counts.hear(ask.car_id)
            if isinstance(found, Reply):
                return found.answer
        if ask.request.method in WRITES:
            self.cars.rouse(ask.car_id)
        acted = await self._acts.ask(ask)
        if acted.idle:
            self.hub.found_nothing(ask.car_id)
        return acted.answer

    async def _uptane(self, scope: Any, proto: Any, path: str) -> Answer:
        headers = dict(scope.headers.items())
        lane = self._uptanes if self.counts.lets(scope.client) else self._uptane_suspects
        if lane is self._uptane_suspects and lane.is_full:
            return self._slower(TOO_MANY_REFUSED)
        if not self.ready:
            raise LinkError("the server is starting")
        most = UPTANE_BODY_MOST_BYTES
        body = await read_body(proto, headers, most) if scope.method in WRITES else b""
        if body is None:
            return words(413, f"a body has at most {most} bytes, and comes at once")
        ask = UptaneAsk(scope.method, path[len(UPTANE) - 1 :], headers, body)
        return await lane.ask(ask)

    def _later(self, scope: Any, why: str, least_s: float) -> Answer:
        """Come again: each at another time, so that they do not all come at once again."""
        lot = hashlib.blake2b(f"{scope.client} {scope.path}".encode(), digest_size=2).digest()
        wait_s = least_s * (1.0 + int.from_bytes(lot, "little") / 0xFFFF)
        return Answer(503, why.encode(), WORDS, {"retry-after": str(int(wait_s) + 1)})

    def _slower(self, why: str) -> Answer:
        return Answer(429, why.encode(), WORDS, {"retry-after": str(int(TURN_S) + 1)})

    async def _peek(self, asks: list[Ask]) -> Sequence[Peeked]:
        found: Sequence[Peeked] = await self.hands.looks(
            partial(peek, self.fleet, asks, self.clock.now_s())
        )
        return found

    async def _take(self, asks: list[Ask]) -> Sequence[Reply | Exception]:
        rooms = self.cars.campaigns()
        taken = await self.hands.acts(partial(take, self.fleet, asks, self.clock.now_s(), rooms))
        self._learn(taken.news, taken.rooms)
        replies: Sequence[Reply | Exception] = taken.replies
        return replies

    async def _answer_uptane(self, asks: list[UptaneAsk]) -> Sequence[Answer | Exception]:
        found: Sequence[Answer | Exception] = await self.hands.uptane(
            partial(_each, self.uptane or _no_uptane, asks)
        )
        return found

    def _learn(self, news: int, rooms: dict[str, int]) -> None:
        before = self.cars.rows
        if self.cars.learn(news):
            self.hub.news({car for car in self.hub.lines if _is_quiet(before.get(car))})
        self.cars.make_room(rooms)

    async def refresh(self) -> None:
        """Notice what other servers and people have stored.

        Raises:
            LinkError: the database is away.
        """
        wanted = self.cars.campaigns() | frozenset(self.hub.waiting)
        found = await self.hands.looks(
            partial(changes_of, self.fleet, self.cars.line, wanted, self.clock.now_s())
        )
        self._learn(found.news, found.rooms)
        self.hub.look_again(self.cars.touch(found.line, found.about))
        self.cars.drop_old()

    async def wake(self) -> None:
        """Tell some of the cars that are connected to come, if there is something for them."""
        most = max(1, int(self.limits.wakes_per_s * WAKE_STEP_S))
        called = self.hub.called(self.cars.rooms(), most)
        looked = self.hub.next_to_look_at(min(most, LOOKS_AT_ONCE))
        if looked:
            called += await self._with_work(looked)
        for line in called:
            self.cars.rouse(line.car_id)  # what it comes for is not answered from memory
        await self.hub.wake(called)

    async def _with_work(self, lines: Sequence[Line]) -> list[Line]:
        asks = [_look(one) for one in lines]
        try:
            found = await self._peek(asks)
        except LinkError:
            self.hub.todo.update(dict.fromkeys(one.car_id for one in lines))
            return []
        work = []
        for line, one in zip(lines, found, strict=True):
            if isinstance(one, Rest):
                work.append(line)
            elif isinstance(one, Reply) and one.rest is not None:
                self.cars.put(line.car_id, one.rest)
                self.hub.wait(line.car_id, one.rest.waits)
            elif isinstance(one, Reply):
                line.ended.set()  # its token is no longer good
        return work

    async def end(self) -> None:
        """Let go of all cars that are connected."""
        for line in list(self.hub.lines.values()):
            line.ended.set()
        await asyncio.sleep(0)

    async def _hold(self, scope: Any, proto: Any) -> None:
        """Keep a car's connection."""
        line = await self._line(scope, proto)
        if line is None:
            return
        self.hub.join(line)
        ended = asyncio.ensure_future(line.ended.wait())
        heard: asyncio.Future[Any] | None = None
        try:
            while not ended.done():
                heard = asyncio.ensure_future(line.socket.receive())
                await asyncio.wait({heard, ended}, return_when=asyncio.FIRST_COMPLETED)
                if not heard.done():
                    heard.cancel()
                    break
                message = heard.result()
                if message.kind == 0 or len(message.data) > MESSAGE_MOST:
                    break
                if not self.counts.hear(line.car_id):
                    break
        except Exception as error:  # noqa: BLE001 - whatever ends one connection ends no other
            _log.debug("wake_ended car=%s error=%s", line.car_id, error)
        finally:
            heard = None  # what it failed with holds this frame and so the connection, which would stay open
            ended.cancel()
            self.hub.leave(line)
            proto.close(None)

    async def _line(self, scope: Any, proto: Any) -> Line | None:
        car_id, _, rest = scope.path.removeprefix(ROOT).partition("/")
        token = scope.headers.get("authorization", "")
        if not scope.path.startswith(ROOT) or rest != WAKE:
            proto.close(404)
            return None
        if len(self.hub.lines) >= self.limits.wake_sockets or not self.ready:
            proto.close(503)
            return None
        row = self.cars.rows.get(car_id)
        stranger = row is None and not self.cars.knew(car_id, digest_of(token))
        if stranger and not self.counts.lets(scope.client):
            proto.close(429)
            return None
        if not token.startswith(SCHEME) or not await self._is_known(car_id, digest_of(token)):
            self.counts.err(scope.client)
            proto.close(401)
            return None
        return Line(car_id, digest_of(token).hex(), await proto.accept())

    async def _is_known(self, car_id: str, digest: bytes) -> bool:
        row = self.cars.rows.get(car_id)
        if row is not None:
            return hmac.compare_digest(digest, row[:DIGEST_BYTES])
        try:
            ask = Ask(car_id, digest.hex(), Request("GET", ""), Place("", TENANT, car_id), 1.0)
            found = await self._looks.ask(ask)
        except (LinkError, RefusedError, InputError):
            return False
        return isinstance(found, Rest) or found.rest is not None


def _is_quiet(row: bytes | None) -> bool:
    return row is not None and not row[FLAGS] & BUSY


def _look(line: Line) -> Ask:
    place = Place("", TENANT, line.car_id)
    return Ask(line.car_id, line.digest, Request("GET", ""), place, 1.0)


def _no_uptane(_method: str, path: str, _headers: dict[str, str], _body: bytes) -> Answer:
    return words(404, f"no {path}")


def _each(answer: Uptane, asks: Sequence[UptaneAsk]) -> list[Answer | Exception]:
    found: list[Answer | Exception] = []
    for one in asks:
        try:
            found.append(answer(one.method, one.path, one.headers, one.body))
        except Exception as error:  # noqa: BLE001 - of one car; the lane hands it to whoever asked
            found.append(error)
    return found
