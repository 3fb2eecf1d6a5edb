"""The door for hawkBit's devices as an ASGI application: who asks, which device, how much it may send, and the answer.

It opens no socket: a server hands it requests. Polls of quiet devices touch neither the database nor a file.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from volant.cloud.artifacts import Artifacts
from volant.cloud.ddi import Answer, Artifact, Device, Place, Request, Slice
from volant.cloud.ddi.requests import OK
from volant.cloud.ddi.shapes import BODY_MOST_BYTES
from volant.cloud.service import Fleet
from volant.core.errors import InputError, LinkError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TENANT: Final = "DEFAULT"
"""hawkBit's own name of the only tenant; others are unknown here."""
WORDS: Final = "text/plain;charset=UTF-8"
RETRY_S: Final = 30
"""When to come again while the database is away; a choice of ours."""
SCHEME: Final = "TargetToken "
JITTER_SHARE: Final = 0.1
"""Each car's own period differs by as much, so that cars that started together do not stay so; a choice of ours."""

_log = logging.getLogger(__name__)


@dataclass
class Gateway:
    """Answers devices."""

    fleet: Fleet
    artifacts: Artifacts
    """Files of releases."""
    clock_s: Callable[[], float]
    """Unix seconds."""
    poll_s: float = 300.0
    _digests: dict[str, str] = field(default_factory=dict)
    _quiet: dict[str, tuple[Device, str, Answer]] = field(default_factory=dict)
    """Last answer to a quiet car's poll, with the device and the base that it was made of."""

    def forget(self) -> None:
        """Read tokens anew: somebody else may have changed them."""
        self._digests.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            return
        answer = await self._answer(scope, receive)
        headers = {"content-type": answer.kind, "content-length": str(len(answer.body))}
        headers.update(answer.headers)
        if not answer.body and answer.file is None:
            headers.pop("content-type")
        pairs = [
            (name.encode(), text.encode("latin-1", "replace")) for name, text in headers.items()
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        if answer.file is not None and scope["method"] != "HEAD":
            await self._send_file(*answer.file, send)
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        parts = str(scope["path"]).split("/", 5)
        if (
            len(parts) < 5
            or parts[1] != TENANT
            or parts[2:4] != ["controller", "v1"]
            or not parts[4]
        ):
            return _words(404, f"no {scope['path']}")
        headers = {
            name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]
        }
        car_id = parts[4]
        try:
            if not self._lets_in(car_id, headers.get("authorization", "")):
                return _words(401, "no token of this device")
            base = f"{scope['scheme']}://{headers.get('host', 'localhost')}"
            is_poll = len(parts) == 5 and scope["method"] == "GET"
            if is_poll and (again := self._again(car_id, base, headers)) is not None:
                return again
            body = await _body(receive) if scope["method"] in {"POST", "PUT"} else b""
            if body is None:
                return _words(413, f"a body has at most {BODY_MOST_BYTES} bytes")
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=16))
            rest = parts[5] if len(parts) > 5 else ""
            request = Request(scope["method"], rest, query, headers, body)
            return self._handle(car_id, request, Place(base, TENANT, car_id), is_poll=is_poll)
        except LinkError as error:
            _log.warning("database_away error=%s", error)
            retry = {"retry-after": str(RETRY_S)}
            return Answer(503, b"the database is away, come again", WORDS, retry)
        except (InputError, ValueError) as error:
            return _words(400, str(error))

    def _again(self, car_id: str, base: str, headers: Mapping[str, str]) -> Answer | None:
        """The answer of the last poll of a car for which nothing has changed since; None: it is to be made."""
        device = self.fleet.quiet.get(car_id)
        found = self._quiet.get(car_id)
        if device is None or found is None or found[0] is not device or found[1] != base:
            return None
        self.fleet.saw(car_id, self.clock_s())
        answer = found[2]
        if headers.get("if-none-match") == answer.headers["etag"]:
            return Answer(304, headers=answer.headers)
        return answer

    def _handle(self, car_id: str, request: Request, place: Place, *, is_poll: bool) -> Answer:
        lot = zlib.crc32(car_id.encode()) / 2.0**32
        sleep_s = self.poll_s * (1.0 + JITTER_SHARE * (2.0 * lot - 1.0))
        found = self.fleet.request(car_id, request, place, sleep_s=sleep_s, now_s=self.clock_s())
        device = self.fleet.quiet.get(car_id)
        if is_poll and device is not None and found.answer.status == OK:
            self._quiet[car_id] = (device, place.base, found.answer)
        else:
            self._quiet.pop(car_id, None)
        return found.answer

    def _lets_in(self, car_id: str, authorization: str) -> bool:
        digest = self._digests.get(car_id)
        if digest is None:
            with self.fleet.store.work() as work:
                digest = work.token(car_id)
            if digest is None:
                return False
            self._digests[car_id] = digest
        if not authorization.startswith(SCHEME):
            return False
        return hmac.compare_digest(digest, digest_of(authorization.removeprefix(SCHEME).strip()))

    async def _send_file(self, artifact: Artifact, part: Slice, send: Send) -> None:
        for block in self.artifacts.blocks(artifact.sha256, part.begin, part.end):
            await send({"type": "http.response.body", "body": block, "more_body": True})


def digest_of(token: str) -> str:
    """How a token is kept: SHA-256, in hex. Tokens are long and by chance, so this needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


async def _body(receive: Receive) -> bytes | None:
    """A request's body; None: it is too long."""
    found = bytearray()
    while True:
        message = await receive()
        found += message.get("body", b"")
        if len(found) > BODY_MOST_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(found)


def _words(status: int, words: str) -> Answer:
    return Answer(status, words.encode(errors="replace"), WORDS)
