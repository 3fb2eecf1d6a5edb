"""The sockets of VISS: WebSocket and HTTP on one port, in the loop of the process that owns the store.

Before anything else Host and Origin are checked, against rebinding and other sites' pages. A client that
does not read loses its oldest values and, after a while, its socket; whatever one does, the others and the
car notice nothing but the time its requests take.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from volant.caros.kuksa.tls import Tls, check_pair
from volant.caros.signals.store import SignalStore
from volant.caros.signals.tokens import TokenChecker
from volant.caros.viss.errors import (
    BAD_REQUEST,
    NOT_ALLOWED,
    TOKEN_KINDS,
    UNAVAILABLE,
    VissError,
)
from volant.caros.viss.filters import read_filter
from volant.caros.viss.history import History
from volant.caros.viss.service import STRANGER, Service
from volant.caros.viss.session import Session
from volant.caros.viss.texts import stamp_of
from volant.core.clock import NS_PER_S

SUBPROTOCOL: Final = "VISSv2"
LARGEST_MESSAGE: Final = 64 << 10
"""Bytes of a request; the largest reasonable one has a thousand."""
LONGEST_QUERY: Final = 2048
"""Characters; the standard counts on 1000 (Core, 7)."""
MOST_SESSIONS: Final = 64
MOST_CONNECTIONS: Final = 256
"""Of HTTP and WebSocket together; above, HTTP answers 503."""
STALL_S: Final = 10.0
"""A client that takes nothing for so long is let go."""
FAREWELL_S: Final = 1.0
"""A client that was let go has so long to take its last words."""
HEAD_S: Final = 10.0
"""The first request of a connection has begun to be one by then."""
BODY_S: Final = 5.0
"""A body of HTTP is there by then."""
NOTE_S: Final = 1.0
"""Between two notes of the history."""
LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
PREFLIGHT: Final = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",
}
TRY_AGAIN: Final = 1013
"""Of WebSocket: too many clients (RFC 6455's registry)."""


async def serve(
    store: SignalStore,
    listener: socket.socket,
    *,
    history: History | None = None,
    checker: TokenChecker | None = None,
    tls: Tls | None = None,
    origins: tuple[str, ...] = (),
    now_ns: Callable[[], int] = time.time_ns,
) -> None:
    """Serve a store on a listening socket until cancelled.

    Args:
        store: whose signals.
        listener: its port is the one that a request's Host must name; on loopback unless who made it
            wanted otherwise.
        history: that somebody else keeps; None: one of its own.
        checker: None serves everybody with all rights.
        tls: None serves in the clear, which the standard does not want outside this machine.
        origins: of pages that may use it besides our own, such as `http://127.0.0.1:8740`.
        now_ns: Unix time.

    Raises:
        InputError: certificate and key are no pair in PEM.
    """
    service = Service(store, checker, now_ns, history)
    gate = _Gate(_App(service), listener.getsockname()[1], tls, origins)
    noting = None if history is not None else asyncio.ensure_future(note(service.history))
    try:
        await serve_asgi(gate, listener, tls)
    finally:
        if noting is not None:
            noting.cancel()


async def serve_asgi(app: ASGIApp, listener: socket.socket, tls: Tls | None = None) -> None:
    """Serve an application with the bounds of VISS until cancelled.

    Raises:
        InputError: certificate and key are no pair in PEM.
    """
    server = _Server(_config(app, tls))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = server.force_exit = True
        await asyncio.gather(serving, return_exceptions=True)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's own matter."""
        yield


class _HttpProtocol(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn does, but who asks nothing does not keep a place."""
        super().connection_made(transport)
        # asyncio does this only for sockets that name their protocol; without it a notification behind an
        # answer waits 40 ms for the client's acknowledgement.
        one: socket.socket = transport.get_extra_info("socket")
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.loop.call_later(HEAD_S, self._look)

    def _look(self) -> None:
        if self.scope is None:  # uvicorn's type says never
            self.transport.abort()  # type: ignore[unreachable]


class _Protocol(WebSocketsSansIOProtocol):
    async def run_asgi(self) -> None:
        """As uvicorn does, but a client that takes nothing cannot keep its socket."""
        await super().run_asgi()
        self.loop.call_later(FAREWELL_S, self.transport.abort)


def _config(app: ASGIApp, tls: Tls | None) -> uvicorn.Config:
    context = None if tls is None else _context(tls)
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",  # what strangers send shall not fill the driver's terminal
        access_log=False,
        lifespan="off",
        http=_HttpProtocol,
        h11_max_incomplete_event_size=32 << 10,
        ws=_Protocol,
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=1,
        ssl_context_factory=None if context is None else lambda *_: context,
    )


def _context(tls: Tls) -> ssl.SSLContext:
    """OpenSSL reads certificates from files alone; the key lies in one of this user's for a moment."""
    check_pair(tls)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "cert.pem", Path(folder) / "key.pem"
        certificate.write_bytes(tls.certificate_pem)
        key.write_bytes(tls.key_pem)
        context.load_cert_chain(certificate, key)
    return context


async def note(history: History) -> None:
    """Keep a history until cancelled."""
    while True:
        history.note()
        await asyncio.sleep(NOTE_S)


class _Gate:
    """Checks Host and Origin. Programs send no Origin; a page's must be this server's or a known one."""

    def __init__(
        self, inner: ASGIApp, port: int, tls: Tls | None, origins: tuple[str, ...]
    ) -> None:
        self._inner = inner
        scheme = "http" if tls is None else "https"
        self._hosts = frozenset(f"{name}:{port}" for name in LOOPBACK_NAMES)
        own = {f"{scheme}://{host}" for host in self._hosts}
        self._origins = frozenset(own | {origin.lower() for origin in origins})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        headers = Headers(scope=scope)
        if self._allowed(headers):
            if scope["type"] == "http" and (origin := headers.get("origin")) is not None:
                send = _told_to(origin, send)
                if scope["method"] == "OPTIONS":
                    # A browser asks so before it posts for a page from elsewhere; it shows no token yet.
                    await Response(None, 204, PREFLIGHT)(scope, receive, send)
                    return
            await self._inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await Response("Host or Origin is not allowed here.\n", 403)(scope, receive, send)

    def _allowed(self, headers: Headers) -> bool:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        known = len(hosts) == 1 and hosts[0].lower() in self._hosts
        return known and all(origin.lower() in self._origins for origin in origins)


def _told_to(origin: str, send: Send) -> Send:
    """A `send` whose answers the page from this origin may read (CORS); no cookie is involved."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = MutableHeaders(scope=message)
            told["access-control-allow-origin"] = origin
            told["vary"] = "Origin"
        await send(message)

    return tell


class Sockets:
    """The WebSockets of one service; their number is bounded."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sessions = 0
        self.turn = asyncio.Lock()
        """Held for one request or notification, of all clients: what they ask for may take milliseconds,
        and between two of them the process has its own work to do."""

    async def serve(self, client: WebSocket, who: str) -> None:
        """One client, until it leaves or is let go; `who` is what the arbiter is told."""
        offered = client.scope.get("subprotocols") or []
        if offered and SUBPROTOCOL not in offered:
            await client.close(1002)
        elif self._sessions >= MOST_SESSIONS:
            await client.close(TRY_AGAIN)
        else:
            self._sessions += 1
            try:
                await client.accept(SUBPROTOCOL if offered else None)
                await _Talk(client, self._service, self.turn, who).run()
            finally:
                self._sessions -= 1


class _App:
    def __init__(self, service: Service) -> None:
        self._service, self._sockets = service, Sockets(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            with contextlib.suppress(ClientDisconnect):
                await (await self._answer(Request(scope, receive)))(scope, receive, send)
            return
        await self._sockets.serve(WebSocket(scope, receive, send), _name(scope))

    async def _answer(self, request: Request) -> Response:
        answer: dict[str, Any] = {}
        status, headers = 200, {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        try:
            body = await _posted(request)
            async with self._sockets.turn:
                answer |= self._fulfil(request, body)
                await asyncio.sleep(0)
        except VissError as error:
            status, answer["error"] = error.kind.number, error.body()
            if error.kind in TOKEN_KINDS:
                headers["www-authenticate"] = 'Bearer realm="VISSv2", error="invalid_token"'
        answer["ts"] = stamp_of(self._service.now_ns())
        return Response(msgspec.json.encode(answer), status, headers, "application/json")

    def _fulfil(self, request: Request, body: object) -> dict[str, Any]:
        path = request.url.path.strip("/")
        token = request.headers.get("authorization")
        if request.method == "GET":
            if len(request.url.query) > LONGEST_QUERY:
                raise VissError(BAD_REQUEST, f"A query has at most {LONGEST_QUERY} characters.")
            asked = read_filter(request.query_params.get("filter"))
            return self._service.read(path, asked, token)
        if request.method != "POST":
            raise VissError(NOT_ALLOWED)
        if not isinstance(body, dict) or "value" not in body:
            raise VissError(BAD_REQUEST, "The body is an object with a value.")
        self._service.set(path, body["value"], token, _name(request.scope))
        return {}


async def _posted(request: Request) -> object:
    """The body of a POST as JSON has it; None of all else.

    Raises:
        VissError: it is no JSON, is too large, or does not come.
    """
    if request.method != "POST":
        return None
    try:
        async with asyncio.timeout(BODY_S):
            return msgspec.json.decode(await _body(request))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise VissError(BAD_REQUEST, "The body is no JSON.") from error
    except TimeoutError as error:
        raise VissError(UNAVAILABLE, "The body did not come.") from error


def _name(scope: Scope) -> str:
    """Of a client, as the arbiter is told."""
    host, port = scope.get("client") or ("?", 0)
    return f"{STRANGER}{host}:{port}"


async def _body(request: Request) -> bytes:
    found = b""
    async for part in request.stream():
        found += part
        if len(found) > LARGEST_MESSAGE:
            raise VissError(BAD_REQUEST, f"A body has at most {LARGEST_MESSAGE} bytes.")
    return found


# --- WebSocket ------------------------------------------------------------------------------------


class _Talk:
    """One WebSocket and its session."""

    def __init__(self, client: WebSocket, service: Service, turn: asyncio.Lock, who: str) -> None:
        self._client, self._service, self._turn = client, service, turn
        self._come, self._drained = asyncio.Event(), asyncio.Event()
        self._session = Session(service, who, self._come.set)

    async def run(self) -> None:
        """Until the client leaves, or is let go."""
        hearing = asyncio.ensure_future(self._hear())
        hearing.add_done_callback(lambda _: self._come.set())
        try:
            while not hearing.done():
                self._come.clear()
                while (text := await self._next()) is not None:
                    async with asyncio.timeout(STALL_S):
                        await self._client.send_text(text)
                    self._drained.set()
                await self._wait()
            await self._client.close(1003 if hearing.result() else 1000)
        except (WebSocketDisconnect, TimeoutError, OSError, RuntimeError):
            pass  # the client went away, which is its right
        finally:
            hearing.cancel()
            self._session.close()

    async def _next(self) -> str | None:
        async with self._turn:
            text = self._session.next()
            await asyncio.sleep(0)
        return text

    async def _wait(self) -> None:
        """Until something woke the session, or time alone gives it something to say."""
        due_ns = self._session.due_ns()
        rest_s = None if due_ns is None else max(0.0, (due_ns - self._service.now_ns()) / NS_PER_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._come.wait(), rest_s)

    async def _hear(self) -> bool:
        """Read requests until the client leaves; True when it sent what is no text."""
        while True:
            message = await self._client.receive()
            if message["type"] == "websocket.disconnect":
                return False
            text = message.get("text")
            if text is None:
                return True
            async with self._turn:
                self._session.hear(text)
                await asyncio.sleep(0)
            while self._session.crowded:
                self._drained.clear()
                await self._drained.wait()
