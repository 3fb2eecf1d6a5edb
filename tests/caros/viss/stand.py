"""VISS on the small tree of the KUKSA tests: a session without a socket, and a server in the test's loop."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

from tests.caros.kuksa.broker import IDS, catalogue
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.viss.server import serve
from volant.caros.viss.service import Service
from volant.caros.viss.session import Session

BEGIN_NS = 1_700_000_000_000_000_000
ALL = Rights.all()


class Stand:
    """A session of one client with a clock that the test sets."""

    def __init__(self, checker: Any = None, begin_ns: int = BEGIN_NS) -> None:
        self.now_ns = begin_ns
        self.store = SignalStore(catalogue())
        self.moved: list[Mapping[int, Any]] = []
        self.service = Service(self.store, checker, lambda: self.now_ns)
        self.woken = 0
        self.session = Session(self.service, "viss test", self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def move(self, *paths: str) -> None:
        """Let somebody provide the actuation of these."""
        ids = [IDS[path] for path in paths]
        self.store.claim("mover", ids, "actuation", ALL, self.moved.append)

    def tell(self, path: str, value: Any) -> None:
        point = Datapoint(value, self.now_ns)
        assert not self.store.publish(ALL, {IDS[path]: point})

    def ask(self, action: str | None = None, **request: Any) -> dict[str, Any]:
        """One request and its answer."""
        body = {"requestId": "1", **request}
        if action is not None:
            body["action"] = action
        return self.say(json.dumps(body))

    def say(self, text: str) -> dict[str, Any]:
        self.session.hear(text)
        answer = self.heard()
        assert answer is not None
        return answer

    def heard(self) -> dict[str, Any] | None:
        text = self.session.next()
        return None if text is None else json.loads(text)

    def values(self) -> list[Any]:
        """Values of all notifications that wait, of one signal."""
        found = []
        while (message := self.heard()) is not None:
            assert message["action"] == "subscription"
            found.append(message["data"]["dp"]["value"])
        return found


@contextlib.asynccontextmanager
async def served(store: SignalStore, **settings: Any) -> AsyncIterator[int]:
    """A server on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        serving = asyncio.ensure_future(serve(store, listener, **settings))
        try:
            yield port
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
