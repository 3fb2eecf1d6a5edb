"""Where the broker listens, and what it says when it cannot."""

import asyncio

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.caros.kuksa.broker import SPEED, Client, catalogue, path_id
from tests.caros.kuksa.credentials import SERVER_NAME, certificate
from volant.caros.kuksa import kuksa_v2_pb2 as v2
from volant.caros.kuksa.server import serve
from volant.caros.kuksa.tls import Tls
from volant.caros.signals.store import SignalStore
from volant.core.errors import InputError, LinkError


def store() -> SignalStore:
    return SignalStore(catalogue())


def test_a_unix_socket_is_served(tmp_path):
    async def test() -> None:
        address = f"unix:{tmp_path / 'kuksa.sock'}"
        server = await serve(store(), address)
        async with grpc.aio.insecure_channel(address) as channel:
            assert (await Client(channel).ask("GetServerInfo")).name == "volant"
        await server.stop()

    asyncio.run(test())


def test_tls_is_served_to_who_trusts_the_certificate():
    async def test() -> None:
        cert, key = certificate()
        server = await serve(store(), "127.0.0.1:0", tls=Tls(cert, key))
        trusting = grpc.ssl_channel_credentials(cert)
        name = [("grpc.ssl_target_name_override", SERVER_NAME)]
        address = f"127.0.0.1:{server.port}"
        async with grpc.aio.secure_channel(address, trusting, name) as channel:
            request = v2.GetValueRequest(signal_id=path_id(SPEED))
            await Client(channel).ask("GetValue", request)
        stranger = grpc.ssl_channel_credentials(certificate()[0])
        async with grpc.aio.secure_channel(address, stranger, name) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await Client(channel).ask("GetServerInfo")
        await server.stop()

    asyncio.run(test())


def test_a_port_that_is_taken_is_told():
    async def test() -> None:
        first = await serve(store(), "127.0.0.1:0")
        with pytest.raises(LinkError, match="cannot be taken"):
            await serve(store(), f"127.0.0.1:{first.port}")
        await first.stop()

    asyncio.run(test())


@pytest.mark.parametrize("wrong", ["certificate", "key", "another's key"])
def test_a_pair_that_is_none_is_told(wrong):
    async def test() -> None:
        cert, key = certificate()
        stranger = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        tls = {"certificate": Tls(b"none", key), "key": Tls(cert, b"none")}.get(
            wrong, Tls(cert, stranger)
        )
        with pytest.raises(InputError, match="no pair"):
            await serve(store(), "127.0.0.1:0", tls=tls)

    asyncio.run(test())


def test_a_broker_that_stops_ends_its_streams():
    async def test() -> None:
        server = await serve(store(), "127.0.0.1:0")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stream = Client(channel).hear("Subscribe", v2.SubscribeRequest(signal_paths=[SPEED]))
            await stream.read()
            await server.stop(0.0)
            with pytest.raises(grpc.aio.AioRpcError):
                await stream.read()

    asyncio.run(test())
