"""Serves one app's page to browsers on this machine, from an origin of its own.

Every address begins with a key. What the browser opens is our frame; the app's own files lie in a frame within
it, in a sandbox without origin: no cookies, no storage, no windows, no way out of the frame, and no
address that its scripts may reach but this one. There VISS answers with the rights of the app's manifest.
While the car moves, the frame covers the app unless its manifest says that it shows a card; what nobody has
heard of lately counts as moving. ADR 14 says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from volant.caros.apps.page_guard import HASH, HTML_TYPE, guarded
from volant.caros.apps.page_tokens import PageTokens
from volant.caros.apps.words import Card, Lines, PageHanded, Title
from volant.caros.signals.store import SignalStore
from volant.caros.signals.values import SignalError
from volant.caros.viss.history import History
from volant.caros.viss.server import Sockets
from volant.caros.viss.service import Service
from volant.core.errors import InputError

FRAME: Final = Path(__file__).resolve().parents[2] / "static" / "app"
"""Our frame around an app's page; built with the screens."""
STATE_S: Final = 0.5
"""The frame is told at least so often how things stand, and covers the app when it is not."""
CARD_MOST_BYTES: Final = 1024
STATES_MOST: Final = 16
"""Frames that are told, at a time."""
CLOSE_COVERED: Final = 4003
"""Of a WebSocket: the car moves, or the app has gone."""
NOT_HERE: Final = "Open the app from the driver's page; its address holds a key.\n"
COVERED: Final = "The car moves: this app shows nothing.\n"
NO_DOORS: Final = (
    "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), display-capture=(), fullscreen=(), "
    "gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), keyboard-map=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), "
    "publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"
)
_ALWAYS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-dns-prefetch-control": "off",
    "permissions-policy": NO_DOORS,
}


class CardAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a page posts to show a card; its token stands in it, so that no preflight is needed."""

    token: Annotated[str, Meta(max_length=100)]
    title: Title
    lines: Lines = ()


class PageServer:
    """One page; an ASGI application."""

    def __init__(
        self,
        word: PageHanded,
        port: int,
        store: SignalStore,
        history: History,
        show: Callable[[Card], None],
        frame: Path = FRAME,
    ) -> None:
        """Args:
        word: the host's, about the page.
        port: of its origin.
        store: the signal tree.
        history: of its signals.
        show: called with a card that the page shows.
        frame: folder of our frame.

        Raises:
            SignalError: the scope is none.
        """
        self.word = word
        self.moving: bool | None = None
        self._gone = False
        self._host = f"127.0.0.1:{port}"
        self._tokens = PageTokens(word.scope)
        self._service = Service(store, self._tokens, history=history)
        self._sockets = Sockets(self._service)
        self._show = show
        self._talks: set[asyncio.Future[None]] = set()
        self._states = 0
        self._changed = asyncio.Event()
        self._card = Card(app=word.app, title="")
        self._files = StaticFiles(directory=word.folder)
        self._frame = StaticFiles(directory=frame, html=True, check_dir=False)
        origin = f"http://{self._host}"
        self._own = {**_ALWAYS, **_frame_headers(origin, word.key)}
        files = f"{origin}/{word.key}/app/"
        self._apps = {**_ALWAYS, **_app_headers(origin, word.key, f"{HASH} {files}")}
        self._mute = {**_ALWAYS, **_app_headers(origin, word.key, "'none'")}

    @property
    def covered(self) -> bool:
        """The app may not be seen and is told nothing: its manifest shows nothing while the car moves."""
        return self.moving is not False and self.word.while_moving == "nothing"

    def move(self, moving: bool | None) -> None:
        """The car moves, stands, or nobody knows."""
        if moving == self.moving:
            return
        self.moving = moving
        if self.covered:
            self.end()
        self._turn()

    def end(self) -> None:
        """Let go of all that the page holds, and believe none of its tokens any more."""
        self._tokens.revoke()
        for talk in self._talks:
            talk.cancel()
        self._set_card(Card(app=self.word.app, title=""))

    def close(self) -> None:
        """The app has gone: nobody has business here any more."""
        self._gone = True
        self.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or socket."""
        if scope["type"] not in ("http", "websocket"):
            return
        inside = self._inside(scope)
        if scope["type"] == "websocket":
            await self._socket(WebSocket(scope, receive, send), inside)
            return
        with contextlib.suppress(ClientDisconnect):
            answer, headers = await self._answer(Request(scope, receive), scope, inside)
            await answer(scope, receive, _with(send, headers))

    def _inside(self, scope: Scope) -> str | None:
        """The path behind the key; None: who asks has no business here."""
        hosts = Headers(scope=scope).getlist("host")
        if self._gone or len(hosts) != 1 or hosts[0].lower() != self._host:
            return None
        key, slash, rest = scope["path"].removeprefix("/").partition("/")
        if not secrets.compare_digest(key.encode(), self.word.key.encode()):
            return None
        return f"/{rest}" if slash else ""

    # --- HTTP -------------------------------------------------------------------------------------

    async def _answer(
        self, request: Request, scope: Scope, inside: str | None
    ) -> tuple[Response, dict[str, str]]:
        if inside is None:
            return PlainTextResponse(NOT_HERE, 403), self._own
        if inside == "":
            return RedirectResponse(f"/{self.word.key}/"), self._own
        headers = self._apps if inside.startswith(("/app/", "/token", "/card")) else self._own
        try:
            if request.method == "POST" and inside in ("/token", "/card"):
                return await self._asked(request, inside), headers
            if request.method not in ("GET", "HEAD"):
                return PlainTextResponse("Not here.\n", 405), headers
            if inside.startswith("/app/"):
                if self.covered:
                    return PlainTextResponse(COVERED, 403), headers
                return await self._file(inside.removeprefix("/app/"), scope)
            return await self._frame.get_response(inside.strip("/") or ".", scope), headers
        except HTTPException as error:
            return PlainTextResponse(f"{error.detail}\n", error.status_code), headers

    async def _file(self, path: str, scope: Scope) -> tuple[Response, dict[str, str]]:
        """A file of the app; scripts run in HTML files alone, and behind the guard's."""
        found = await self._files.get_response(path, scope)
        if not path.endswith(".html") or not isinstance(found, FileResponse):
            return found, self._mute
        try:
            html = guarded(Path(found.path).read_bytes())
        except InputError as error:
            return PlainTextResponse(f"{error}\n", 415), self._mute
        return Response(html, headers={"content-type": HTML_TYPE}), self._apps

    async def _asked(self, request: Request, what: str) -> Response:
        """A token, or a card; from the page only, which has no origin."""
        if request.headers.getlist("origin") != ["null"]:
            return PlainTextResponse("Only for the app's own page.\n", 403)
        if self.covered:
            return PlainTextResponse(COVERED, 403)
        if what == "/token":
            token = self._tokens.issue(self._service.now_ns() / 1e9)
            found = {"token": token, "lives_s": self._tokens.life_s}
            return Response(msgspec.json.encode(found), 200, media_type="application/json")
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > CARD_MOST_BYTES:
                return PlainTextResponse("A card is small.\n", 413)
        try:
            ask = msgspec.json.decode(body, type=CardAsk)
            self._tokens.rights(ask.token, self._service.now_ns() / 1e9)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return PlainTextResponse(f"{error}\n"[:200], 400)
        except SignalError as error:
            return PlainTextResponse(f"{error.reason}\n", 401)
        self._set_card(Card(app=self.word.app, title=ask.title, lines=ask.lines))
        return Response(status_code=204)

    def _set_card(self, card: Card) -> None:
        if card != self._card:
            self._card = card
            self._show(card)
            self._turn()

    # --- sockets ----------------------------------------------------------------------------------

    async def _socket(self, client: WebSocket, inside: str | None) -> None:
        origins = client.headers.getlist("origin")
        if inside == "/viss" and origins == ["null"] and not self.covered:
            await self._viss(client)
        elif inside == "/state" and origins == [f"http://{self._host}"]:
            await self._tell(client)
        else:
            await client.close(1008)

    async def _viss(self, client: WebSocket) -> None:
        talk = asyncio.ensure_future(self._sockets.serve(client, f"app:{self.word.app}"))
        self._talks.add(talk)
        try:
            await asyncio.wait({talk})
        finally:
            self._talks.discard(talk)
            talk.cancel()
        if talk.cancelled():
            with contextlib.suppress(RuntimeError, OSError):
                await client.close(CLOSE_COVERED)

    async def _tell(self, client: WebSocket) -> None:
        """Tell our frame how things stand, at once and then again and again."""
        if self._states >= STATES_MOST:
            await client.close(1013)
            return
        self._states += 1
        await client.accept()
        try:
            while True:
                changed = self._changed
                async with asyncio.timeout(10.0):
                    await client.send_text(self._state())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), STATE_S)
        except (WebSocketDisconnect, TimeoutError, RuntimeError, OSError):
            pass  # the frame went away, which is its right
        finally:
            self._states -= 1

    def _state(self) -> str:
        word = self.word
        shown = {"name": word.name, "page": word.page, "while_moving": word.while_moving}
        card = (self._card.title, *self._card.lines) if self._card.title else ()
        return msgspec.json.encode(
            {**shown, "moving": self.moving is not False, "card": card}
        ).decode()

    def _turn(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def listener_port(listener: socket.socket) -> int:
    """Where a page's socket listens."""
    port: int = listener.getsockname()[1]
    return port


def _frame_headers(origin: str, key: str) -> dict[str, str]:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src {origin}/{key}/ {origin.replace('http', 'ws')}/{key}/; "
        f"frame-src {origin}/{key}/app/; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }


def _app_headers(origin: str, key: str, scripts: str) -> dict[str, str]:
    files = f"{origin}/{key}/app/"
    policy = (
        f"sandbox allow-scripts; default-src 'none'; script-src {scripts}; "
        f"worker-src 'none'; style-src {files}; "
        f"img-src {files} data:; font-src {files}; "
        f"connect-src {origin}/{key}/ {origin.replace('http', 'ws')}/{key}/; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {origin}"
    )
    # What has no origin is a stranger to its own files, so these may be fetched by strangers who know the key.
    return {
        "content-security-policy": policy,
        "access-control-allow-origin": "null",
        "cross-origin-resource-policy": "cross-origin",
    }


def _with(send: Send, extra: dict[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            added = [(name.encode(), value.encode()) for name, value in extra.items()]
            kept = [pair for pair in message["headers"] if pair[0].decode() not in extra]
            message = {**message, "headers": kept + added}
        await send(message)

    return sending
