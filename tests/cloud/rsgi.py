"""The cars' door without a server: requests and connections as granian hands them in (RSGI), all in one process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cloud.campaigns.fleet import NOW_S
from tests.cloud.shop import Shop
from volant.cloud.artifacts import FolderArtifacts
from volant.cloud.door import Door, Hands
from volant.cloud.limits import Limits
from volant.cloud.people import digest_of
from volant.cloud.steady import Steady

ROOT = "/DEFAULT/controller/v1/car-1"
TOKEN = "secret"
CLIENT = "192.0.2.1:5000"


@dataclass
class Response:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Scope:
    method: str
    path: str
    headers: dict[str, str]
    query_string: str = ""
    proto: str = "http"
    client: str = CLIENT
    scheme: str = "http"


@dataclass
class Proto:
    """A request's other end."""

    blocks: tuple[bytes, ...] = ()
    got: Response = field(default_factory=Response)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self.blocks:
            yield block

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.got = Response(status, dict(headers), body)

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.response_bytes(status, headers, b"")

    def response_str(self, status: int, headers: list[tuple[str, str]], body: str) -> None:
        self.response_bytes(status, headers, body.encode())

    def response_file_range(
        self, status: int, headers: list[tuple[str, str]], file: str, start: int, end: int
    ) -> None:
        self.response_bytes(status, headers, Path(file).read_bytes()[start:end])

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> "Proto":
        self.response_bytes(status, headers, b"")
        return self

    async def send_bytes(self, data: bytes) -> None:
        self.got.body += data


@dataclass
class Message:
    kind: int
    data: str = ""


@dataclass
class Wire:
    """A connection's other end: what a car says and what it hears."""

    says: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    hears: list[str] = field(default_factory=list)
    closed: list[int | None] = field(default_factory=list)

    async def accept(self) -> "Wire":
        return self

    async def receive(self) -> Message:
        return await self.says.get()

    async def send_str(self, data: str) -> None:
        self.hears.append(data)

    def close(self, status: int | None) -> None:
        self.closed.append(status)


async def _here(work: Callable[[], Any]) -> Any:
    return work()


class OpenDoor:
    """A door before a shop."""

    def __init__(self, folder: Path, **limits: int) -> None:
        self.shop = Shop(folder)
        self.run_s = 0.0
        self.admit("car-1")
        self.door = self.make(FolderArtifacts(folder), **limits)

    def make(self, artifacts: Any, **limits: int) -> Door:
        clock = Steady(lambda: self.shop.now_s, lambda: self.shop.now_s - NOW_S)
        hands = Hands(_here, _here, _here, _here)
        return Door(self.shop.fleet, artifacts, clock, hands, limits=Limits(**limits))

    def admit(self, *cars: str, token: str = TOKEN) -> None:
        with self.shop.fleet.store.work() as work:
            for car in cars:
                work.put_token(car, digest_of(token))
            work.tell_news()

    def do(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Something of the door's."""

        async def once() -> Any:
            return await work()

        return asyncio.run(once())

    def refresh(self) -> None:
        self.do(self.door.refresh)

    def send(
        self, method: str, path: str = "", *, token: str = TOKEN, car: str = "car-1", **more: Any
    ) -> Response:
        """One request; `blocks`, `headers`, `client`, `query` as wanted."""
        return self.send_all([(method, path, {"token": token, "car": car, **more})])[0]

    def send_all(self, requests: list[tuple[str, str, dict[str, Any]]]) -> list[Response]:
        """Requests that come at once."""

        async def once(method: str, path: str, more: dict[str, Any]) -> Response:
            blocks = more.get("blocks", ())
            headers = {
                "authorization": f"TargetToken {more.get('token', TOKEN)}",
                "host": "fleet",
                "content-length": str(sum(map(len, blocks))),
                **more.get("headers", {}),
            }
            where = more.get("whole") or ROOT.replace("car-1", more.get("car", "car-1")) + path
            scope = Scope(method, where, headers, more.get("query", ""))
            scope.client = more.get("client", scope.client)
            proto = Proto(tuple(blocks))
            await self.door.__rsgi__(scope, proto)
            return proto.got

        async def together() -> list[Response]:
            return await asyncio.gather(*(once(*one) for one in requests))

        return asyncio.run(together())
