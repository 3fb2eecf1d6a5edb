"""The store on a socket of this machine: one JSON object a line, for `volant signals` and for scripts.

Requests: `{"id": 1, "do": "get", "paths": [...]}`, `{"do": "set", "values": {path: value}}`,
`{"do": "publish", ...}` as set, `{"do": "show", "pattern": ...}`, `{"do": "watch", "pattern": ...}`. Each is
answered by `{"id": 1, "ok": ...}` or `{"id": 1, "error": {"code", "path", "reason"}}`; a watch goes on with
`{"id": 1, "values": {path: [value, stamp_ns]}}`. Who may open the socket has the rights that the server
was given: the file's permissions are the lock. To the arbiter all who come this way are one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore, StoreSubscription
from volant.caros.signals.values import Code, SignalError
from volant.wire.vss import Leaf

LONGEST_LINE: Final = 256 * 1024
MOST_CLIENTS: Final = 64
MOST_PATHS: Final = 10_000
WATCH_BUFFER: Final = 100


def shown(leaf: Leaf) -> dict[str, Any]:
    """A leaf as plain values."""
    return {
        "path": leaf.path,
        "kind": leaf.kind,
        "datatype": leaf.datatype,
        "unit": leaf.unit,
        "min": leaf.minimum,
        "max": leaf.maximum,
        "allowed": list(leaf.allowed),
        "description": leaf.description,
        "change": leaf.change,
        "id": leaf.id,
    }


class LineServer:
    """Serves a store; made in the loop that serves."""

    def __init__(self, store: SignalStore, rights: Rights, name: str = "line") -> None:
        self._store, self._rights, self._name = store, rights, name
        self._clients = 0

    async def serve(self, listener: socket.socket) -> None:
        """Until it is cancelled; the listener stays open."""
        clients: set[asyncio.Task[None]] = set()

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._client(reader, writer))
            clients.add(task)
            task.add_done_callback(clients.discard)

        server = await asyncio.start_unix_server(begin, sock=listener.dup(), limit=LONGEST_LINE)
        try:
            async with server:
                await server.serve_forever()
        finally:
            for task in clients:
                task.cancel()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients > MOST_CLIENTS:
                await _send(writer, _failed(None, Code.TOO_MANY, "", "too many clients"))
                return
            await _Client(self._store, self._rights, self._name).run(reader, writer)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self._clients -= 1
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


class _Client:
    """One connection."""

    def __init__(self, store: SignalStore, rights: Rights, who: str) -> None:
        self._store, self._rights, self._who = store, rights, who
        self._watches: dict[asyncio.Task[None], StoreSubscription] = {}

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                try:
                    line = await reader.readline()
                except ValueError:
                    words = f"a line of more than {LONGEST_LINE} bytes"
                    await _send(writer, _failed(None, Code.INVALID_ARGUMENT, "", words))
                    return
                if not line:
                    return
                await self._answer(line, writer)
        finally:
            for task, subscription in self._watches.items():
                task.cancel()
                self._store.unsubscribe(subscription)

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        number: Any = None
        try:
            asked = _object(line)
            number = asked.get("id")
            if asked.get("do") == "watch":
                await self._watch(asked, number, writer)
                return
            answer = {"id": number, "ok": self._do(asked)}
        except (ValueError, RecursionError) as error:
            answer = _failed(number, Code.INVALID_ARGUMENT, "", f"is no JSON: {error}")
        except SignalError as error:
            answer = _failed(number, error.code, error.path, error.reason)
        await _send(writer, answer)

    def _do(self, asked: Mapping[str, Any]) -> Any:
        store, rights = self._store, self._rights
        match asked.get("do"):
            case "get":
                return {path: _point(store.get(path, rights)) for path in _paths(asked)}
            case "show":
                pattern = str(asked.get("pattern", ""))
                return [
                    shown(leaf) | {"provided": store.owner_of(leaf.id, "actuation") or ""}
                    for leaf in store.metadata(pattern)
                ]
            case "set":
                wanted = {store.leaf(path).id: value for path, value in _values(asked).items()}
                store.actuate(rights, self._who, wanted).raise_first()
                return {}
            case "publish":
                stamp_ns = asked.get("stamp_ns", 0)
                points = {
                    store.leaf(path).id: Datapoint(value, stamp_ns)
                    for path, value in _values(asked).items()
                }
                for error in store.publish(rights, points).values():
                    raise error
                return {}
            case other:
                raise SignalError(Code.INVALID_ARGUMENT, "", f"cannot do {str(other)[:40]!r}")

    async def _watch(
        self, asked: Mapping[str, Any], number: Any, writer: asyncio.StreamWriter
    ) -> None:
        leaves = self._store.metadata(str(asked.get("pattern", "")))
        woken = asyncio.Event()
        subscription = self._store.subscribe(
            [leaf.id for leaf in leaves], self._rights, WATCH_BUFFER, wake=woken.set
        )
        await _send(writer, {"id": number, "ok": len(leaves)})
        task = asyncio.create_task(self._tell(subscription, woken, number, writer))
        self._watches[task] = subscription

    async def _tell(
        self,
        subscription: StoreSubscription,
        woken: asyncio.Event,
        number: Any,
        writer: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                for message in subscription.take():
                    values = {
                        self._store.leaf(leaf_id).path: _point(point)
                        for leaf_id, point in message.items()
                    }
                    await _send(writer, {"id": number, "values": values})
                woken.clear()
                if not subscription.waiting:
                    await woken.wait()


def _object(line: bytes) -> dict[str, Any]:
    asked = json.loads(line)
    if not isinstance(asked, dict):
        raise SignalError(Code.INVALID_ARGUMENT, "", "expected an object")
    return asked


def _point(point: Datapoint | None) -> list[Any] | None:
    return None if point is None or point.value is None else [point.value, point.stamp_ns]


def _paths(asked: Mapping[str, Any]) -> list[str]:
    paths = asked.get("paths")
    if not isinstance(paths, list) or len(paths) > MOST_PATHS:
        raise SignalError(Code.INVALID_ARGUMENT, "", "expected paths, a list")
    if not all(isinstance(path, str) for path in paths):
        raise SignalError(Code.INVALID_ARGUMENT, "", "a path is no text")
    return paths


def _values(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    values = asked.get("values")
    if not isinstance(values, dict) or not values or len(values) > MOST_PATHS:
        raise SignalError(Code.INVALID_ARGUMENT, "", "expected values, an object")
    return values


def _failed(number: Any, code: Code, path: str, reason: str) -> dict[str, Any]:
    return {"id": number, "error": {"code": code.value, "path": path, "reason": reason}}


async def _send(writer: asyncio.StreamWriter, answer: Mapping[str, Any]) -> None:
    writer.write(msgspec.json.encode(answer) + b"\n")
    await writer.drain()


__all__ = ["LineServer", "shown"]
