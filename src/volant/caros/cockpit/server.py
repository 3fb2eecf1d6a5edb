"""The cockpit server: built screens and live frames for browsers on this machine, and nothing else.

Every address begins with the token; without it nothing is told. Host and Origin are checked on pages and
sockets alike, against rebinding and other sites. Frames are passed on as they came, encoded once, never
decoded here; each screen has a queue of two that drops its oldest, so a slow screen costs only itself.
The process ends when its feeder's socket closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from volant.caros.cockpit.launch import END, FRAME, NOT_BUILT, STATIC, screens_are_built
from volant.caros.cockpit.seam import (
    CockpitControl,
    CockpitGone,
    CockpitPainted,
    CockpitReady,
    CockpitSeat,
    CockpitStart,
    FromScreen,
)

QUEUE_FRAMES: Final = 2
SCREENS_MAX: Final = 32
STALL_S: Final = 10.0
"""A screen that takes no frame for this long is let go."""
FAREWELL_S: Final = 1.0
"""Screens are given this long to take their last frame and the reason of the end."""
CLOSE_ENDED: Final = 4000
"""The drive ended by itself."""
CLOSE_LOST: Final = 4001
"""The feeder is gone without a word."""
HEADERS: Final = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_UNSEATED: Final = msgspec.json.encode(CockpitSeat(taken=False)).decode()
REFUSED: Final = "Open the address that volant printed; it holds the key to this page.\n"


class Screen:
    """One browser's frames that it has not taken yet."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque(maxlen=QUEUE_FRAMES)
        self._words: deque[str] = deque(maxlen=QUEUE_FRAMES)
        self._come = asyncio.Event()
        self.close_code: int | None = None

    def put(self, frame: bytes) -> None:
        """Queue a frame; with two waiting the older one is dropped."""
        self._frames.append(frame)
        self._come.set()

    def say(self, word: str) -> None:
        """Queue a word of the server's own; it goes before the frames."""
        self._words.append(word)
        self._come.set()

    def end(self, code: int) -> None:
        """No more frames; the socket closes with this code."""
        self.close_code = code
        self._come.set()

    async def take(self) -> bytes | str | None:
        """The next word or frame; None when it ended."""
        while not self._words and not self._frames and self.close_code is None:
            self._come.clear()
            await self._come.wait()
        if self._words:
            return self._words.popleft()
        return self._frames.popleft() if self._frames else None


class Hub:
    """All screens, and the way back to the feeder."""

    def __init__(self, start: CockpitStart, pair: socket.socket) -> None:
        self.start = start
        self.screens: set[Screen] = set()
        self.seated: Screen | None = None
        """The screen in the driver's seat."""
        self._pair = pair
        self._decoder = msgspec.json.Decoder(FromScreen)

    def spread(self, frame: bytes) -> None:
        """Hand one frame to every screen."""
        for screen in self.screens:
            screen.put(frame)

    def end(self, code: int) -> None:
        """Tell every screen that nothing more will come."""
        for screen in self.screens:
            screen.end(code)

    def tell(self, message: msgspec.Struct) -> None:
        """Pass a message to the feeder; one that does not listen loses it."""
        with contextlib.suppress(OSError):
            self._pair.send(msgspec.msgpack.encode(message), socket.MSG_NOSIGNAL)

    def hear(self, screen: Screen, text: str) -> bool:
        """Take a screen's word; False when it is none that may be said here.

        Only the screen in the driver's seat drives; what others say of it is not passed on.
        """
        try:
            message = self._decoder.decode(text)
        except msgspec.DecodeError:
            return False
        if isinstance(message, CockpitPainted):
            self.tell(message)
            return True
        if isinstance(message, CockpitControl) is not self.start.replay:
            return False
        if isinstance(message, CockpitSeat):
            self._seat(screen, message)
        elif isinstance(message, CockpitControl) or screen is self.seated:
            self.tell(message)
        return True

    def leave(self, screen: Screen) -> None:
        """A screen has gone; when it sat in the driver's seat, the car must know."""
        self.screens.discard(screen)
        if screen is self.seated:
            self.seated = None
            self.tell(CockpitGone())

    def _seat(self, screen: Screen, message: CockpitSeat) -> None:
        if message.taken and self.seated not in (None, screen):
            self.seated.say(_UNSEATED)
        if message.taken or screen is self.seated:
            self.seated = screen if message.taken else None
            self.tell(message)


class Gate:
    """Checks Host, Origin and token before anything else sees a request."""

    def __init__(self, inner: ASGIApp, start: CockpitStart) -> None:
        self._inner, self._start = inner, start
        self._origins = frozenset(f"http://{host}" for host in start.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 (a socket: refuse the handshake), or pass on with the token cut off."""
        if scope["type"] not in ("http", "websocket"):
            return
        path = self._allowed_path(scope)
        if path is None:
            await _refuse(scope, receive, send)
            return
        inner = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
        await self._inner(inner, receive, _with_headers(send))

    def _allowed_path(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._start.hosts:
            return None
        if any(origin.lower() not in self._origins for origin in origins):
            return None
        if scope["type"] == "websocket" and len(origins) != 1:
            return None
        _, _, rest = scope["path"].partition("/")
        token, slash, inside = rest.partition("/")
        if not secrets.compare_digest(token.encode(), self._start.token.encode()):
            return None
        return f"/{inside}" if slash else None


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            kept = [pair for pair in message["headers"] if pair[0].decode() not in HEADERS]
            message = {**message, "headers": kept + extra}
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await PlainTextResponse(REFUSED, 403)(scope, receive, _with_headers(send))


def make_app(hub: Hub, static: Path = STATIC) -> ASGIApp:
    """The web application; `/` leads to the cluster page, `/live` is the socket of frames."""

    async def first(_: Any) -> Response:
        return RedirectResponse("cluster/")

    async def live(socket_: WebSocket) -> None:
        await _serve_screen(hub, socket_)

    async def lacking(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"volant: {NOT_BUILT}\n", 503)(scope, receive, send)

    built = screens_are_built(static)
    pages: ASGIApp = StaticFiles(directory=static, html=True) if built else lacking
    routes = [Route("/", first), WebSocketRoute("/live", live), Mount("/", pages)]
    return Gate(Starlette(routes=routes), hub.start)


async def _serve_screen(hub: Hub, socket_: WebSocket) -> None:
    if len(hub.screens) >= SCREENS_MAX:
        await socket_.close(1013)
        return
    await socket_.accept()
    screen = Screen()
    hub.screens.add(screen)
    hearing = asyncio.create_task(_hear_screen(hub, screen, socket_))
    try:
        while (frame := await screen.take()) is not None:
            sent = socket_.send_text if isinstance(frame, str) else socket_.send_bytes
            await asyncio.wait_for(sent(frame), STALL_S)  # type: ignore[arg-type]
        await socket_.close(screen.close_code or 1000)
    except (WebSocketDisconnect, TimeoutError, OSError, RuntimeError):
        pass  # the screen went away, which is its right
    finally:
        hub.leave(screen)
        hearing.cancel()


async def _hear_screen(hub: Hub, screen: Screen, socket_: WebSocket) -> None:
    """Read until the screen leaves; a word that is none ends it (1008)."""
    try:
        while True:
            message = await socket_.receive()
            if message["type"] == "websocket.disconnect":
                break
            text = message.get("text")
            if text is None or not hub.hear(screen, text):
                screen.end(1008)
                return
    except (WebSocketDisconnect, RuntimeError):
        pass
    screen.end(1000)


def run(pair: socket.socket, listener: socket.socket) -> None:
    """Serve on an inherited listening socket until the feeder's pair closes."""
    packet = pair.recv(65_536)
    if not packet:
        return  # the feeder was gone before it began
    start = msgspec.msgpack.decode(packet[1:], type=CockpitStart)
    asyncio.run(_run(start, pair, listener))


async def _run(start: CockpitStart, pair: socket.socket, listener: socket.socket) -> None:
    pair.setblocking(False)
    hub = Hub(start, pair)
    config = uvicorn.Config(
        make_app(hub),
        log_config=None,
        log_level="critical",  # what strangers send shall not fill the driver's terminal
        access_log=False,
        lifespan="off",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=4096,
        ws_per_message_deflate=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    feeding = asyncio.create_task(_feed(hub, pair, lambda: setattr(server, "should_exit", True)))
    hub.tell(CockpitReady())
    await server.serve(sockets=[listener])
    feeding.cancel()


async def _feed(hub: Hub, pair: socket.socket, done: Callable[[], None]) -> None:
    """Pass frames on until the pair closes, then end all screens and the server."""
    loop = asyncio.get_running_loop()
    receive: Callable[[], Awaitable[bytes]] = lambda: loop.sock_recv(pair, 1 << 20)  # noqa: E731
    code = CLOSE_LOST
    with contextlib.suppress(OSError):
        while packet := await receive():
            if packet[:1] == FRAME:
                hub.spread(packet[1:])
            elif packet[:1] == END:
                code = CLOSE_ENDED
                break
    hub.end(code)
    until_s = loop.time() + FAREWELL_S
    while hub.screens and loop.time() < until_s:
        await asyncio.sleep(0.01)
    done()
