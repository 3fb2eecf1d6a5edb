"""`volant fleet serve`: the fleet's server over HTTP, with its clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import uvicorn

from volant.app.exits import Exit
from volant.app.fleet_folder import FleetFolder
from volant.app.say import tell
from volant.cloud.gateway import Gateway
from volant.core.errors import LinkError

REFRESH_S: Final = 1.0
"""How soon a campaign that another process has changed is noticed; a stop reaches every later poll within it."""
TICK_S: Final = 5.0

_log = logging.getLogger(__name__)


def serve_command(folder: Path, host: str, port: int, poll_s: float) -> Exit:
    """Run `volant fleet serve` until a signal comes."""
    with FleetFolder(folder) as home:
        gateway = Gateway(home.fleet, home.artifacts, time.time, poll_s)
        tell(f"fleet of {folder} at http://{host}:{port}/DEFAULT/controller/v1/CAR (Ctrl-C ends)")
        asyncio.run(_serve(gateway, host, port))
    return Exit.DONE


async def _serve(gateway: Gateway, host: str, port: int) -> None:
    config = uvicorn.Config(
        gateway, host=host, port=port, log_level="warning", access_log=False, lifespan="off"
    )
    async with _clock(gateway):
        await uvicorn.Server(config).serve()


@contextlib.asynccontextmanager
async def _clock(gateway: Gateway) -> AsyncIterator[None]:
    """Let time go by beside the server."""
    running = asyncio.create_task(_go_on(gateway))
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _go_on(gateway: Gateway) -> None:
    ticked_s = 0.0
    while True:
        await asyncio.sleep(REFRESH_S)
        try:
            refresh(gateway)
            if time.monotonic() - ticked_s >= TICK_S:
                gateway.fleet.tick(time.time())
                ticked_s = time.monotonic()
        except LinkError as error:
            _log.warning("database_away error=%s", error)


def refresh(gateway: Gateway) -> None:
    """Notice what other processes have stored."""
    if gateway.fleet.refresh():
        gateway.forget()
