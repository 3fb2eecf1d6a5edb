"""VISS over real sockets: HTTP by httpx, WebSocket by websockets, and clients that mean no good."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
import websockets
from websockets.asyncio.client import connect

from tests.caros.kuksa.broker import DOOR, IDS, SPEED, UNKNOWN, VIN, WINDOW, catalogue
from tests.caros.kuksa.credentials import certificate, public_pem, token
from tests.caros.viss.stand import ALL, served
from volant.caros.kuksa.tls import Tls
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.signals.tokens import TokenChecker
from volant.caros.viss import server
from volant.caros.viss.session import Session

Talk = Callable[[SignalStore, int], Coroutine[Any, Any, None]]


def run(talk: Talk, **settings: Any) -> None:
    async def whole() -> None:
        store = SignalStore(catalogue())
        store.publish(ALL, {IDS[SPEED]: Datapoint(50.0, 1), IDS[VIN]: Datapoint("VIN", 1)})
        async with asyncio.timeout(60), served(store, **settings) as port:
            await talk(store, port)

    asyncio.run(whole())


async def ask(client, action: str, **request: Any) -> dict[str, Any]:
    await client.send(json.dumps({"action": action, "requestId": "7", **request}))
    return json.loads(await client.recv())


def viss(port: int, **more: Any):
    return connect(f"ws://127.0.0.1:{port}", subprotocols=["VISSv2"], proxy=None, **more)


def test_a_websocket_session() -> None:
    async def talk(store, port) -> None:
        moved = []
        store.claim("mover", [IDS[WINDOW]], "actuation", ALL, moved.append)
        async with viss(port) as client:
            assert client.subprotocol == "VISSv2"
            assert (await ask(client, "get", path=SPEED))["data"]["dp"]["value"] == "50"
            assert (await ask(client, "get", path=UNKNOWN))["error"]["number"] == 404
            assert "error" not in await ask(client, "set", path=WINDOW, value="40")
            assert moved == [{IDS[WINDOW]: 40}]
            name = (await ask(client, "subscribe", path=SPEED))["subscriptionId"]
            assert json.loads(await client.recv())["data"]["dp"]["value"] == "50"
            store.publish(ALL, {IDS[SPEED]: Datapoint(51.0, 2)})
            told = json.loads(await client.recv())
            assert (told["subscriptionId"], told["data"]["dp"]["value"]) == (name, "51")
            assert (await ask(client, "unsubscribe", subscriptionId=name))["subscriptionId"] == name
            every = {"type": "timebased", "parameter": {"period": "10"}}
            name = (await ask(client, "subscribe", path=SPEED, filter=every))["subscriptionId"]
            for _ in range(3):
                assert json.loads(await client.recv())["subscriptionId"] == name

    run(talk)


def test_reading_and_setting_over_http() -> None:
    async def talk(store, port) -> None:
        moved = []
        store.claim("mover", [IDS[DOOR]], "actuation", ALL, moved.append)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False
        ) as client:
            for path in ("/Vehicle/Speed", "/Vehicle.Speed"):
                answer = await client.get(path)
                assert answer.status_code == 200
                assert answer.headers["content-type"] == "application/json"
                assert answer.json()["data"]["dp"]["value"] == "50"
            asked = {"filter": json.dumps({"type": "paths", "parameter": ["Speed", "**.VIN"]})}
            data = (await client.get("/Vehicle", params=asked)).json()["data"]
            assert [one["path"] for one in data] == [SPEED, VIN]
            asked = {"filter": '{"type":"static-metadata","parameter":["unit"]}'}
            found = (await client.get("/Vehicle/Speed", params=asked)).json()["metadata"]
            assert found == {"Speed": {"unit": "km/h"}}
            done = await client.post(f"/{DOOR}", json={"value": "true"})
            assert (done.status_code, set(done.json())) == (200, {"ts"})
            assert moved == [{IDS[DOOR]: True}]
            wrong = await client.post("/Vehicle/Speed", json={"value": "1"})
            assert (wrong.status_code, wrong.json()["error"]["reason"]) == (401, "read_only")
            assert "www-authenticate" not in wrong.headers
            for path in ("/Some/Unknown/Datapoint", "/", "/Vehicle/%00", "/..%2f"):
                answer = await client.get(path)
                assert answer.status_code in (400, 404), path
            for body in (b"", b"{", b"[1]", b"{}", b"\xff", b"[" * 60_000, b"x" * 70_000):
                answer = await client.post(f"/{DOOR}", content=body)
                assert answer.json()["error"]["reason"] == "bad_request"
            assert (await client.put(f"/{DOOR}", json={"value": "1"})).status_code == 405
            long = await client.get("/Vehicle/Speed", params={"filter": "x" * 3000})
            assert long.status_code == 400
            timed = '{"type":"timebased","parameter":{"period":"100"}}'
            assert (await client.get("/Vehicle/Speed", params={"filter": timed})).status_code == 400

    run(talk)


def test_tokens_and_tls() -> None:
    async def talk(store, port) -> None:
        context = ssl.create_default_context(cadata=certificate_pem.decode())
        bearer = {"authorization": f"Bearer {token(f'read:{SPEED}')}"}
        async with httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{port}", verify=context, trust_env=False
        ) as client:
            refused = await client.get("/Vehicle/Speed")
            assert refused.status_code == 401
            assert refused.json()["error"]["reason"] == "token_missing"
            assert refused.headers["www-authenticate"].startswith("Bearer ")
            assert (await client.get("/Vehicle/Speed", headers=bearer)).status_code == 200
            vin = await client.get("/" + VIN, headers=bearer)
            assert vin.status_code == 406
        async with connect(
            f"wss://127.0.0.1:{port}", subprotocols=["VISSv2"], ssl=context, proxy=None
        ) as client:
            answer = await ask(client, "get", path=SPEED, authorization=token("read"))
            assert answer["data"]["dp"]["value"] == "50"

    certificate_pem, key_pem = certificate()
    run(talk, checker=TokenChecker(public_pem()), tls=Tls(certificate_pem, key_pem))


def test_other_sites_and_rebound_names_are_refused() -> None:
    async def talk(store, port) -> None:
        url = f"http://127.0.0.1:{port}/Vehicle/Speed"
        async with httpx.AsyncClient(trust_env=False) as client:
            for headers in (
                {"host": "evil.example"},
                {"host": f"evil.example:{port}"},
                {"origin": "https://evil.example"},
                {"origin": "null"},
            ):
                assert (await client.get(url, headers=headers)).status_code == 403
                posted = await client.post(url, json={"value": "1"}, headers=headers)
                assert posted.status_code == 403
                asked = await client.options(url, headers=headers)
                assert asked.status_code == 403
                assert "access-control-allow-origin" not in asked.headers
            own = {"origin": f"http://localhost:{port}"}
            assert (await client.get(url, headers=own)).status_code == 200
            page = {"origin": "http://127.0.0.1:8740"}
            for path, status in ((url, 200), (f"{url}/Nothing", 404)):
                answer = await client.get(path, headers=page)
                assert answer.status_code == status
                assert answer.headers["access-control-allow-origin"] == page["origin"]
                assert answer.headers["vary"] == "Origin"
            asked = await client.options(url, headers=page)
            assert asked.status_code == 204
            assert "POST" in asked.headers["access-control-allow-methods"]
            assert "authorization" in asked.headers["access-control-allow-headers"]
            assert (await client.options(url)).status_code == 405
            assert "vary" not in (await client.get(url)).headers
        for origin in ("https://evil.example", "null"):
            with pytest.raises(websockets.InvalidStatus):
                async with viss(port, origin=origin):
                    pass
        async with viss(port, origin="http://127.0.0.1:8740") as client:
            assert "data" in await ask(client, "get", path=SPEED)
        with pytest.raises(websockets.InvalidStatus):
            async with connect(f"ws://127.0.0.1:{port}", subprotocols=["other"], proxy=None):
                pass
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as client:
            assert "data" in await ask(client, "get", path=SPEED)

    run(talk, origins=("http://127.0.0.1:8740",))


def test_a_large_message_and_one_of_bytes_end_the_socket() -> None:
    async def talk(store, port) -> None:
        for wrong in ("x" * (server.LARGEST_MESSAGE + 1), b"{}"):
            async with viss(port) as client:
                await client.send(wrong)
                with pytest.raises(websockets.ConnectionClosed):
                    await client.recv()
        async with viss(port) as client:
            assert "data" in await ask(client, "get", path=SPEED)

    run(talk)


def test_a_client_that_does_not_read_costs_the_others_nothing(monkeypatch) -> None:
    async def talk(store, port) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: VISSv2\r\n\r\n" % port
        )
        await reader.readuntil(b"\r\n\r\n")
        request = b'{"action":"get","path":"Vehicle","requestId":"1"}'
        frame = bytes([0x81, 0x80 | len(request), 0, 0, 0, 0]) + request

        async def flood() -> None:
            with contextlib.suppress(OSError):
                while True:
                    writer.write(frame * 100)
                    await writer.drain()

        flooding = asyncio.ensure_future(flood())
        async with viss(port) as client:
            for speed in range(50):
                store.publish(ALL, {IDS[SPEED]: Datapoint(float(speed), 1)})
                answer = await ask(client, "get", path=SPEED)
                assert answer["data"]["dp"]["value"] == str(speed)
        await flooding  # it is let go
        writer.close()

    monkeypatch.setattr(server, "STALL_S", 0.5)
    run(talk)


def test_sessions_are_counted(monkeypatch) -> None:
    async def talk(store, port) -> None:
        async with viss(port), viss(port):
            with pytest.raises(websockets.InvalidStatus):
                async with viss(port):
                    pass
        async with viss(port) as client:
            assert "data" in await ask(client, "get", path=SPEED)

    monkeypatch.setattr(server, "MOST_SESSIONS", 2)
    run(talk)


def test_who_asks_nothing_and_who_sends_no_body_are_let_go(monkeypatch) -> None:
    async def talk(store, port) -> None:
        for begun in (b"", b"GET /Vehicle/Speed HTTP/1.1\r\nHost: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /{DOOR} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 10\r\n\r\n{{"
        writer.write(head.encode())
        assert (await reader.readline()).split()[1] == b"503"
        writer.close()

    monkeypatch.setattr(server, "HEAD_S", 0.2)
    monkeypatch.setattr(server, "BODY_S", 0.2)
    run(talk)


def test_between_two_requests_the_process_has_a_turn(monkeypatch) -> None:
    heard = [0]
    most = [0]

    def hear(session: Session, text: str) -> None:
        heard[0] += 1
        original(session, text)

    async def watch() -> None:
        while True:
            before = heard[0]
            await asyncio.sleep(0)
            most[0] = max(most[0], heard[0] - before)

    async def talk(store, port) -> None:
        request = json.dumps({"action": "get", "requestId": "1", "path": "Vehicle"})
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(viss(port)) for _ in range(8)]
            watching = asyncio.ensure_future(watch())
            for client in clients * 10:
                await client.send(request)
            for client in clients * 10:
                assert "data" in json.loads(await client.recv())
            watching.cancel()
        assert most == [1]

    original = Session.hear
    monkeypatch.setattr(Session, "hear", hear)
    run(talk)


def test_small_messages_are_sent_at_once(monkeypatch) -> None:
    seen = []

    def made(self, transport) -> None:
        original(self, transport)
        one = transport.get_extra_info("socket")
        seen.append(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def talk(store, port) -> None:
        async with viss(port) as client:
            assert "data" in await ask(client, "get", path=SPEED)
        assert seen == [1]

    original = server._HttpProtocol.connection_made
    monkeypatch.setattr(server._HttpProtocol, "connection_made", made)
    run(talk)
