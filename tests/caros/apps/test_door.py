"""The apps' sockets in one asyncio loop: handed over, taken again after a death, and fair."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from volant.caros.apps.door import SignalDoor
from volant.caros.apps.words import AGAIN, hand_over, tell_gone
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.wire.vss import Catalogue, Leaf

SPEED = "Vehicle.Speed"


def tree() -> SignalStore:
    store = SignalStore(Catalogue([Leaf(SPEED, "sensor", "float")]))
    store.publish(Rights.all(), {store.leaf(SPEED).id: Datapoint(1.0, 1)})
    return store


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return ours, theirs


async def heard(end: socket.socket) -> Any:
    packet = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(end, 1 << 17), 10.0)
    return msgspec.msgpack.decode(packet) if packet else None


def say(end: socket.socket, **words: Any) -> None:
    end.send(msgspec.msgpack.encode(words))


def run(test: Callable[[SignalDoor, socket.socket, SignalStore], Awaitable[None]]) -> None:
    """Run a test with a door and the host's end of its channel."""

    async def inner() -> None:
        store, (channel, theirs) = tree(), pair()
        with channel, theirs:
            door = SignalDoor(store, theirs)
            door.open()
            assert channel.recv(64) == AGAIN
            try:
                await test(door, channel, store)
            finally:
                door.close()

    asyncio.run(inner())


def test_an_app_is_heard_by_its_rights_and_let_go_of_when_it_ends() -> None:
    async def test(door: SignalDoor, channel: socket.socket, _: SignalStore) -> None:
        app, end = pair()
        with app, end:
            hand_over(channel, "org.example.app", f"read:{SPEED}", end)
            assert await heard(app) == {"hello": 1}
            say(app, op="get", id=1, paths=[SPEED])
            assert (await heard(app))["values"] == {SPEED: [1.0, 1]}
            assert door.apps == ("org.example.app",)
            tell_gone(channel, "org.example.app")
            while door.apps:
                await asyncio.sleep(0.01)

    run(test)


def test_after_a_death_of_the_tree_the_same_socket_goes_on() -> None:
    async def inner() -> None:
        channel, theirs = pair()
        app, end = pair()
        with channel, theirs, app, end:
            for _ in range(2):
                door = SignalDoor(tree(), theirs)
                door.open()
                assert channel.recv(64) == AGAIN
                hand_over(channel, "org.example.app", f"read:{SPEED}", end)
                assert await heard(app) == {"hello": 1}
                say(app, op="get", id=1, paths=[SPEED])
                assert (await heard(app))["id"] == 1
                door.close()

    asyncio.run(inner())


def test_an_app_that_does_not_read_costs_the_others_nothing() -> None:
    async def test(_: SignalDoor, channel: socket.socket, store: SignalStore) -> None:
        ends = [pair() for _ in range(2)]
        for number, (_, end) in enumerate(ends):
            hand_over(channel, f"org.example.app{number}", f"read:{SPEED}", end)
        (deaf, _), (app, _) = ends
        assert await heard(app) == {"hello": 1}
        for end in (deaf, app):
            say(end, op="subscribe", id=1, paths=[SPEED])
        leaf = store.leaf(SPEED).id
        for number in range(3000):
            store.publish(Rights.all(), {leaf: Datapoint(float(number), number)})
            await asyncio.sleep(0)
        latest = 0.0
        while latest < 2999.0:
            message = await heard(app)
            latest = message.get("values", {SPEED: [0.0, 0]})[SPEED][0]
        for ours, theirs in ends:
            ours.close()
            theirs.close()

    run(test)


def test_a_flood_of_requests_is_slowed_and_another_app_is_answered() -> None:
    async def test(_: SignalDoor, channel: socket.socket, __: SignalStore) -> None:
        (flood, one), (app, two) = pair(), pair()
        hand_over(channel, "org.example.flood", f"read:{SPEED}", one)
        hand_over(channel, "org.example.app", f"read:{SPEED}", two)
        assert await heard(app) == {"hello": 1}
        sent, until_s = 0, time.monotonic() + 0.5
        while time.monotonic() < until_s:
            try:
                say(flood, op="get", id=1, paths=[SPEED])
                sent += 1
            except BlockingIOError:
                await asyncio.sleep(0.001)
        say(app, op="get", id=2, paths=[SPEED])
        assert (await heard(app))["id"] == 2
        for end in (flood, one, app, two):
            end.close()

    run(test)


def test_one_that_sends_only_rubbish_is_heard_no_more() -> None:
    async def test(_: SignalDoor, channel: socket.socket, __: SignalStore) -> None:
        app, end = pair()
        hand_over(channel, "org.example.app", f"read:{SPEED}", end)
        end.close()
        assert await heard(app) == {"hello": 1}
        for _ in range(30):
            try:
                app.send(b"\xc1")
            except OSError:
                break
            await asyncio.sleep(0.005)
        while await heard(app) is not None:
            pass
        app.close()

    run(test)


def test_words_of_the_channel_that_are_none_are_left_out() -> None:
    async def test(door: SignalDoor, channel: socket.socket, _: SignalStore) -> None:
        channel.send(b"junk")
        app, end = pair()
        with app, end:
            hand_over(channel, "org.example.app", "fly:Vehicle", end)
            hand_over(channel, "org.example.good", f"read:{SPEED}", end)
            assert await heard(app) == {"hello": 1}
            assert door.apps == ("org.example.good",)

    run(test)
