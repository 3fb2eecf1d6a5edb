"""The edge of the process `signals` that speaks VISS version 2: WebSocket and HTTP on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from volant.caros.signals.tokens import TokenChecker
from volant.caros.viss.server import serve

if TYPE_CHECKING:
    from volant.app.live_signals import EdgeInput


async def viss_edge(given: EdgeInput) -> None:
    """Serve until cancelled, with the broker's key and certificate."""
    door, kuksa = given.context.viss, given.context.kuksa
    checker = None if kuksa.token_key_pem is None else TokenChecker(kuksa.token_key_pem)
    await serve(
        given.store,
        door.listener,
        history=given.history,
        checker=checker,
        tls=kuksa.tls,
        origins=door.origins,
    )
