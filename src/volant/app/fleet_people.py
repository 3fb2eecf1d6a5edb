"""The people's door of a fleet's server: its application on uvicorn, in a thread with a loop of its own."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Final, Self

import uvicorn

import volant
from volant.cloud.api import people_app
from volant.cloud.desk import Desk
from volant.core.errors import LinkError

BEGIN_S: Final = 30.0
END_S: Final = 10
CONSOLE: Final = Path(volant.__file__).parent / "static" / "fleet"
BUILD: Final = "`make setup` builds it in a checkout, and each installed Volant has it"


class PeopleDoor:
    """Serves people while it is open."""

    def __init__(self, desk: Desk, host: str, port: int) -> None:
        console = CONSOLE if CONSOLE.is_dir() else None
        self.console = console is not None
        config = uvicorn.Config(
            people_app(desk, console, BUILD),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=END_S,
        )
        self.host, self.port = host, port
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="fleet-people", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        ends_s = time.monotonic() + BEGIN_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < ends_s:
            time.sleep(0.01)
        if not self._server.started:
            raise LinkError(f"nothing can be served at {self.host}:{self.port}")
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(END_S + 5)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:
            return  # so uvicorn says that it cannot listen; `__enter__` tells
