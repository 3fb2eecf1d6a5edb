"""The car's open line to its fleet: the server says `come` when there is something, so that nobody waits for a poll.

Only a hint: what there is the car asks as always, and without a line it asks by itself. After a break it calls again
later and later, by chance, so that many cars do not come back at once.
"""

from __future__ import annotations

import contextlib
import random
import threading
import zlib
from typing import Final
from urllib.parse import quote, urlsplit

from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException
from websockets.sync.client import ClientConnection, connect

from volant.app.updates_folder import UpdatesFolder

COME: Final = "come"
AGAIN_S: Final = 5.0
AGAIN_MOST_S: Final = 300.0
"""Between two calls, the more often in vain the longer; choices of ours."""
OPEN_S: Final = 10.0
PING_S: Final = 60.0
"""Keeps the line through what forgets silent ones; a choice of ours."""
MESSAGE_MOST: Final = 1024
JITTER_SHARE: Final = 0.1
"""Each car's own period differs by as much; a choice of ours."""


def period_s(vehicle: str, usual_s: float) -> float:
    """Between two checks of one car that nobody called, always the same for a car and another for each."""
    lot = zlib.crc32(vehicle.encode()) / 2.0**32
    return usual_s * (1.0 + JITTER_SHARE * (2.0 * lot - 1.0))


def wake_url(source: str, vehicle: str) -> str | None:
    """Where a car keeps its line, by where its updates come from; None: no server is there."""
    parts = urlsplit(source)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme)
    if scheme is None:
        return None
    return f"{scheme}://{parts.netloc}/DEFAULT/controller/v1/{quote(vehicle, safe='')}/wake"


class WakeLine:
    """Keeps the line on a thread of its own until it is closed."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._called, self._ends = threading.Event(), threading.Event()
        self._link: ClientConnection | None = None
        self.why = ""
        """Why there is no line now; empty: there is one, or the first call is under way."""
        threading.Thread(target=self._run, name="wake", daemon=True).start()

    def called(self) -> bool:
        """Whether the server has said `come` since the last time."""
        found = self._called.is_set()
        self._called.clear()
        return found

    def close(self) -> None:
        """Let go of it."""
        self._ends.set()
        link = self._link
        if link is not None:
            with contextlib.suppress(OSError, WebSocketException):
                link.close()

    def _run(self) -> None:
        vain = 0
        while not self._ends.is_set():
            try:
                self._hold()
                vain = 0
            except (InvalidHandshake, InvalidURI, WebSocketException, OSError, EOFError) as error:
                self.why = str(error)[:200] or type(error).__name__
                vain += 1
            wait_s = min(AGAIN_MOST_S, AGAIN_S * 2.0 ** min(vain, 10))
            # Drawn anew each time: cars that lost their server together come back apart.
            self._ends.wait(random.uniform(0.5, 1.0) * wait_s)  # noqa: S311 - no secret

    def _hold(self) -> None:
        headers = {"Authorization": f"TargetToken {self._token}"}
        with connect(
            self._url,
            additional_headers=headers,
            compression=None,
            proxy=None,
            open_timeout=OPEN_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=1.0,
            max_size=MESSAGE_MOST,
        ) as link:
            self._link, self.why = link, ""
            for word in link:
                if word == COME:
                    self._called.set()
                if self._ends.is_set():
                    return


def wake_line(folder: UpdatesFolder) -> WakeLine | None:
    """The line of a car that has joined a fleet; None: it takes its updates from elsewhere."""
    joined, token = folder.joined(), folder.token()
    if joined is None or not token:
        return None
    url = wake_url(joined.source, folder.inventory().vehicle_id)
    return WakeLine(url, token) if url is not None else None
