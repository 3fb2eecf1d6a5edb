"""The broker as a gRPC server: both versions, TLS, and what one connection may ask of it.

It runs in the asyncio loop of the process that owns the store, never in a process of the driving loop.
"""

from __future__ import annotations

from typing import Any, Final

import grpc

from volant import __version__
from volant.caros.kuksa.gate import Gate
from volant.caros.kuksa.reflection import Reflection
from volant.caros.kuksa.service_v1 import ServiceV1
from volant.caros.kuksa.service_v2 import ServiceV2
from volant.caros.kuksa.tls import Tls, check_pair
from volant.caros.kuksa.tree import Tree
from volant.caros.signals.store import SignalStore
from volant.caros.signals.tokens import TokenChecker
from volant.core.errors import LinkError

PORT: Final = 55555
"""Of KUKSA's broker."""
LARGEST_REQUEST: Final = 1 << 20
"""Bytes; a batch with all of VSS 6.0 has 40 000."""
LARGEST_HEADERS: Final = 32 << 10
MOST_CALLS: Final = 5000
"""Calls at once, subscriptions with them."""
GRACE_S: Final = 0.5
"""How long calls may still run when the server stops."""
OPTIONS: Final = (
    ("grpc.max_receive_message_length", LARGEST_REQUEST),
    ("grpc.max_metadata_size", LARGEST_HEADERS),
    # A client that vanished is noticed, and its claims end, though nothing is sent to it.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.server_handshake_timeout_ms", 10_000),
)


class KuksaServer:
    """A running broker."""

    def __init__(self, server: Any, port: int) -> None:
        self._server = server
        self.port = port
        """Of TCP; 1 on a unix socket."""

    async def stop(self, grace_s: float = GRACE_S) -> None:
        """End all calls and close."""
        await self._server.stop(grace_s)

    async def wait(self) -> None:
        """Until somebody stops it."""
        await self._server.wait_for_termination()


async def serve(
    store: SignalStore,
    address: str = f"127.0.0.1:{PORT}",
    *,
    checker: TokenChecker | None = None,
    tls: Tls | None = None,
    gate: Gate | None = None,
    held: bool = False,
) -> KuksaServer:
    """Serve a store on `host:port` (port 0: any) or `unix:/path`, from the running loop.

    Args:
        store: whether v1 targets move the car is its `bridge`.
        address: loopback unless who starts it says otherwise.
        checker: None serves everybody with all rights.
        tls: None serves in the clear.
        held: a socket of this user holds the port, bound with SO_REUSEPORT and not listening.
        gate: for tests that bring their own clock; else made from `checker`.

    Raises:
        LinkError: the address cannot be taken.
        InputError: certificate and key are no pair in PEM.
    """
    # Unless the port is held for us, a second server on it would take half of the clients.
    options = (*OPTIONS, ("grpc.so_reuseport", int(held)))
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=MOST_CALLS)
    tree = Tree(store, gate or Gate(checker))
    server.add_generic_rpc_handlers(
        (
            ServiceV2(tree, __version__).handlers(),
            ServiceV1(tree, __version__).handlers(),
            *Reflection().handlers(),
        )
    )
    port = _listen(server, address, tls)
    await server.start()
    return KuksaServer(server, port)


def _listen(server: Any, address: str, tls: Tls | None) -> int:
    try:
        if tls is None:
            return int(server.add_insecure_port(address))
        check_pair(tls)
        pair = ((tls.key_pem, tls.certificate_pem),)
        return int(server.add_secure_port(address, grpc.ssl_server_credentials(pair)))
    except RuntimeError as error:
        raise LinkError(f"{address} cannot be taken: {error}") from error
