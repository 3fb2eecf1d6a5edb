"""The live car's door for KUKSA's clients: its port is held, its files are read before anything starts."""

import asyncio
import socket
from pathlib import Path

import grpc
import pytest

from tests.caros.kuksa.broker import Client, catalogue
from tests.caros.kuksa.credentials import write
from volant.app.live_kuksa import KuksaWish, open_kuksa
from volant.caros.kuksa.server import serve
from volant.caros.signals.store import SignalStore
from volant.core.errors import InputError, LinkError


def test_the_port_is_held_for_the_broker_alone() -> None:
    door = open_kuksa(KuksaWish())
    with door.held:
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", door.port))
        with open_kuksa(KuksaWish(door.port)).held as next_one:
            assert next_one.getsockname()[1] > door.port

        async def serve_twice() -> None:
            for _ in range(2):  # a process that died comes back at the same port
                server = await serve(SignalStore(catalogue()), f"127.0.0.1:{door.port}", held=True)
                assert server.port == door.port
                options = [("grpc.use_local_subchannel_pool", 1)]
                async with grpc.aio.insecure_channel(f"127.0.0.1:{door.port}", options) as channel:
                    assert (await Client(channel).ask("GetServerInfo")).name == "volant"
                await server.stop(0.0)

        asyncio.run(serve_twice())
        with pytest.raises(LinkError):
            asyncio.run(serve(SignalStore(catalogue()), f"127.0.0.1:{door.port}"))


def test_keys_and_certificates_are_checked_first(tmp_path: Path) -> None:
    write(tmp_path, tls=True, tokens=True)
    door = open_kuksa(KuksaWish(0, tmp_path / "jwt.pub", tmp_path, bridge=False))
    with door.held:
        assert door.words == f"grpcs://127.0.0.1:{door.port}, with tokens"
        assert door.tls is not None
    (tmp_path / "key.pem").write_bytes(b"none")
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    for wish in (
        KuksaWish(token_key=tmp_path / "nothing"),
        KuksaWish(token_key=tmp_path / "key.pem"),
        KuksaWish(token_key=tmp_path / "large"),
        KuksaWish(token_key=tmp_path),
        KuksaWish(tls=tmp_path),
        KuksaWish(tls=tmp_path / "nothing"),
    ):
        with pytest.raises(InputError):
            open_kuksa(wish)


def test_an_open_broker_says_so() -> None:
    door = open_kuksa(KuksaWish())
    with door.held:
        assert door.words == f"grpc://127.0.0.1:{door.port}, open on this machine"


def test_the_supervisor_does_not_load_grpc() -> None:
    import subprocess
    import sys

    code = "import sys, volant.app.up; sys.exit(any(name.split('.')[0] == 'grpc' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
