"""The edge of the process `signals` that speaks KUKSA: kuksa.val.v1 and v2 on loopback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from volant.app.live_kuksa import LOOPBACK
from volant.caros.kuksa.server import serve
from volant.caros.signals.tokens import TokenChecker
from volant.core.errors import LinkError

if TYPE_CHECKING:
    from volant.app.live_signals import EdgeInput

AGAIN_S: Final = 1.0


async def kuksa_edge(given: EdgeInput) -> None:
    """Serve until cancelled; a port that is taken is tried again and told."""
    door = given.context.kuksa
    checker = None if door.token_key_pem is None else TokenChecker(door.token_key_pem)
    address = f"{LOOPBACK}:{door.port}"
    while True:
        try:
            server = await serve(given.store, address, checker=checker, tls=door.tls, held=True)
            break
        except LinkError as error:
            given.say("kuksa", str(error))
            await asyncio.sleep(AGAIN_S)
    given.say("kuksa", "")
    try:
        await server.wait()
    finally:
        await server.stop(0.0)
