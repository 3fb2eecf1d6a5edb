"""The store on a socket of this machine: answers, refusals, watches, and clients that misbehave."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from volant.caros.signals import line
from volant.caros.signals.line import LineServer
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.wire.vss import Catalogue, Leaf

ALL = Rights.all()


class Talk:
    """One client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, line: bytes) -> Any:
        self.writer.write(line + b"\n")
        return await self.hear()

    async def ask(self, **request: Any) -> Any:
        return await self.say(json.dumps(request).encode())

    async def hear(self) -> Any:
        text = await asyncio.wait_for(self.reader.readline(), 20)
        return json.loads(text) if text else None


def serve(
    folder: Path, body: Callable[[SignalStore, Callable[[], Awaitable[Talk]]], Awaitable[None]]
) -> None:
    """Run a server over a small store, and a test against it."""
    store = SignalStore(
        Catalogue(
            [Leaf("Vehicle.Speed", "sensor", "float"), Leaf("Vehicle.Door", "actuator", "boolean")]
        )
    )

    async def main() -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = str(folder / "s")
        listener.bind(path)
        listener.listen()
        serving = asyncio.create_task(LineServer(store, ALL).serve(listener))

        talks: list[Talk] = []

        async def connect() -> Talk:
            talks.append(Talk(*await asyncio.open_unix_connection(path)))
            return talks[-1]

        try:
            await body(store, connect)
        finally:
            for talk in talks:
                talk.writer.close()
                with contextlib.suppress(ConnectionError):
                    await talk.writer.wait_closed()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            listener.close()

    asyncio.run(main())


def test_values_are_read_moved_and_watched(tmp_path: Path) -> None:
    async def body(store: SignalStore, connect: Callable[[], Awaitable[Talk]]) -> None:
        talk = await connect()
        store.publish(ALL, {1: Datapoint(3.0, 5)})
        answer = await talk.ask(id=7, do="get", paths=["Vehicle.Speed", "Vehicle.Door"])
        assert answer == {"id": 7, "ok": {"Vehicle.Speed": [3.0, 5], "Vehicle.Door": None}}
        (row,) = (await talk.ask(id=8, do="show", pattern="Vehicle.Door"))["ok"]
        assert row["datatype"] == "boolean"
        refused = await talk.ask(id=9, do="set", values={"Vehicle.Door": True})
        assert refused["error"]["code"] == "unavailable"
        got: list[Any] = []
        store.claim("car", [2], "actuation", ALL, got.append)
        assert (await talk.ask(id=9, do="set", values={"Vehicle.Door": True}))["ok"] == {}
        assert got == [{2: True}]
        assert (await talk.ask(id=1, do="publish", values={"Vehicle.Speed": 4}))["ok"] == {}
        assert (await talk.ask(id=2, do="watch", pattern="Vehicle"))["ok"] == 2
        first = await talk.hear()
        assert first["values"] == {"Vehicle.Speed": [4.0, 0], "Vehicle.Door": None}
        store.publish(ALL, {1: Datapoint(5.0, 6)})
        assert (await talk.hear())["values"] == {"Vehicle.Speed": [5.0, 6]}

    serve(tmp_path, body)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"nothing", "invalid_argument"),
        (b"[]", "invalid_argument"),
        (b"\xff\xfe", "invalid_argument"),
        (b"[" * 5000, "invalid_argument"),
        (b'{"do": "dance"}', "invalid_argument"),
        (b'{"do": "get"}', "invalid_argument"),
        (b'{"do": "get", "paths": [3]}', "invalid_argument"),
        (b'{"do": "get", "paths": ["Vehicle.X"]}', "not_found"),
        (b'{"do": "set", "values": {}}', "invalid_argument"),
        (b'{"do": "set", "values": {"Vehicle.Speed": 3}}', "invalid_argument"),
        (b'{"do": "publish", "values": {"Vehicle.Speed": "x"}}', "invalid_type"),
        (b'{"do": "publish", "values": {"Vehicle.Speed": NaN}}', "out_of_bounds"),
        (b'{"do": "watch", "pattern": "a b"}', "invalid_argument"),
        (b'{"do": "show", "pattern": "Nobody"}', "not_found"),
    ],
)
def test_what_is_wrong_is_told_and_the_next_question_answered(
    tmp_path: Path, said: bytes, code: str
) -> None:
    async def body(_store: SignalStore, connect: Callable[[], Awaitable[Talk]]) -> None:
        talk = await connect()
        assert (await talk.say(said))["error"]["code"] == code
        assert "ok" in await talk.ask(do="get", paths=["Vehicle.Speed"])

    serve(tmp_path, body)


def test_a_line_without_end_ends_its_client_alone(tmp_path: Path) -> None:
    async def body(_store: SignalStore, connect: Callable[[], Awaitable[Talk]]) -> None:
        loud, calm = await connect(), await connect()
        assert (await loud.say(b"x" * (line.LONGEST_LINE + 10)))["error"][
            "code"
        ] == "invalid_argument"
        assert await loud.hear() is None
        assert "ok" in await calm.ask(do="get", paths=["Vehicle.Speed"])

    serve(tmp_path, body)


def test_clients_are_bounded_and_those_who_go_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "MOST_CLIENTS", 2)

    async def body(store: SignalStore, connect: Callable[[], Awaitable[Talk]]) -> None:
        first, second = await connect(), await connect()
        for talk in (first, second):
            await talk.ask(do="watch", pattern="Vehicle")
        third = await connect()
        assert (await third.hear())["error"]["code"] == "too_many"
        first.writer.close()
        for _ in range(1000):
            if len(store._hearers) == 1:
                break
            await asyncio.sleep(0.01)
        assert len(store._hearers) == 1
        assert "ok" in await (await connect()).ask(do="get", paths=["Vehicle.Speed"])

    serve(tmp_path, body)


def test_a_watcher_that_does_not_read_costs_the_others_nothing(tmp_path: Path) -> None:
    async def body(store: SignalStore, connect: Callable[[], Awaitable[Talk]]) -> None:
        slow, calm = await connect(), await connect()
        await slow.ask(do="watch", pattern="Vehicle.Speed")
        for step in range(20_000):
            store.publish(ALL, {1: Datapoint(float(step), step)})
            if step % 1000 == 0:
                assert "ok" in await calm.ask(do="get", paths=["Vehicle.Door"])
        held = next(iter(store._hearers._open))
        assert held.waiting <= line.WATCH_BUFFER

    serve(tmp_path, body)
