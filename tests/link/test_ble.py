"""The car on Bluetooth: who is let in, what is refused on the way, and that nobody keeps an owner out."""

import asyncio
from dataclasses import replace

import pytest

pytest.importorskip("bumble", reason="needs the extra: pip install 'volant[ble]'")

from bumble.pairing import PairingConfig

from tests.link.scene import Carried, Scene, now_s
from tests.trust.key.world import World
from volant.core.errors import LinkError
from volant.link.air import Path
from volant.link.ble import BleTuning
from volant.link.virtual_time import run
from volant.phone.ble import CarLine
from volant.trust.key import Action, Code, KeyRefusedError, Request, local
from volant.trust.key.capsule import head
from volant.trust.key.codes import Kind

MS = 0.001


def test_a_first_exchange_needs_no_pairing_of_the_radio() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        line = await owner.line()
        assert (await owner.standard(line, Action.UNLOCK)).code is Code.OK
        assert not line.radio.is_encrypted
        assert [one.action for one in scene.door.orders] == [Action.UNLOCK]

    run(play())


def test_a_bonded_phone_comes_back_encrypted_and_unlocks_by_one_fast_command() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        await owner.bonded()
        line = await owner.line()
        assert line.bonded
        assert line.radio.is_encrypted
        assert (await owner.fast(line)).code is Code.OK
        # The nonce came by itself: one capsule from the phone, nothing looked up.
        assert scene.door.codes[-1:] == [Code.OK]
        assert len(scene.door.codes) == 3
        # What must not be used twice was kept before it was sent, and again after the answer.
        assert [one.counter for one in owner.kept] == [1, 1]

    run(play())


def test_a_car_that_forgot_the_bond_is_used_without_it() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        await owner.bonded()
        scene.car.rename(scene.car_id)
        line = await owner.line()
        assert not line.bonded
        assert (await owner.fast(line)).code is Code.OK

    run(play())


def test_strangers_get_no_bond() -> None:
    async def play() -> None:
        scene = await Scene.made()
        stranger = await scene.carried(scene.world.phone("stranger"), "stranger")
        line = await stranger.line()
        with pytest.raises(LinkError, match="bond"):
            await stranger.ble.bond(line)

    run(play())


def test_pairing_without_secure_connections_ends_the_connection() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        line = await owner.line()
        await owner.standard(line)
        owner.ble._device.pairing_config_factory = lambda _: PairingConfig(sc=False, mitm=False)
        with pytest.raises(LinkError):
            await owner.ble.bond(line)
        await line.ended(1.0)
        owner.ble._device.pairing_config_factory = lambda _: PairingConfig(mitm=False)
        assert (await owner.standard(await owner.line())).code is Code.OK
        assert not scene.car._bonded

    run(play())


def test_a_command_that_was_held_for_more_than_half_a_second_is_refused() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        await owner.bonded()
        line = await owner.line()
        greeting = await line.greeting(1.0)
        owner.phone.car, waiting = local(owner.phone.car, greeting, Request(Action.UNLOCK))
        await asyncio.sleep(501 * MS)
        answer = await line.exchange(waiting.data, 1.0)
        assert answer == head(Kind.REFUSED) + bytes([Code.HELD])
        assert not scene.door.orders

    run(play())


def test_a_phone_that_waited_asks_for_a_fresh_nonce() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        await owner.bonded()
        line = await owner.line()
        await asyncio.sleep(1.5)
        assert (await owner.fast(line)).code is Code.OK

    run(play())


def test_a_command_for_another_connection_is_refused() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        await owner.bonded()
        line = await owner.line()
        thief = await scene.carried(scene.world.phone("thief"), "thief")
        other = await thief.line()
        owner.phone.car, waiting = local(
            owner.phone.car, await line.greeting(1.0), Request(Action.UNLOCK)
        )
        answer = await other.exchange(waiting.data, 1.0)
        assert answer == head(Kind.REFUSED) + bytes([Code.TAG])
        assert not scene.door.orders

    run(play())


async def cut_off(scene: Scene, line: CarLine, within_s: float = 0.5) -> None:
    before = now_s()
    await line.ended(within_s)
    assert now_s() - before <= within_s
    assert scene.car.connections == 0


@pytest.mark.parametrize(
    "pieces",
    [
        [b"\xff\xff" + bytes(40)],
        [b"\x20\x01"],
        [b"\x00\x00"],
        [b"\x00"],
        [b""],
        [b"\x00\x02\x01\x11\x00"],
        [b"\x00\x05\x01\x11", b"\x00\x05\x01\x11"],
    ],
    ids=["oversized", "one too long", "empty", "no length", "no bytes", "too much", "interleaved"],
)
def test_bad_frames_end_the_connection_and_the_owner_comes_in_after(pieces: list[bytes]) -> None:
    async def play() -> None:
        scene = await Scene.made()
        stranger = await scene.carried(scene.world.phone("stranger"), "stranger")
        line = await stranger.line()
        for piece in pieces:
            line.write(piece)
        await cut_off(scene, line)
        assert not scene.door.codes
        owner = await scene.owner()
        assert (await owner.standard(await owner.line())).code is Code.OK

    run(play())


def test_a_frame_that_does_not_end_is_cut_with_its_peer_even_if_it_is_known() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        line = await owner.line()
        await owner.standard(line)
        line.write(b"\x00\x50" + bytes(10))
        await asyncio.sleep(1.9)
        assert not line.gone
        await cut_off(scene, line, 0.2)

    run(play())


def test_frames_of_many_pieces_arrive_whole() -> None:
    async def play() -> None:
        scene = await Scene.made(seed=4)
        owner = await scene.owner()
        line = await owner.line()
        found = await line.exchange(bytes(8192), 3.0)
        assert found == head(Kind.REFUSED) + bytes([Code.VERSION])

    run(play())


def test_whoever_shows_no_key_within_two_seconds_is_cut_off() -> None:
    async def play() -> None:
        scene = await Scene.made()
        stranger = await scene.carried(scene.world.phone("stranger"), "stranger")
        line = await stranger.line()
        await asyncio.sleep(1.5)
        assert not line.gone
        await cut_off(scene, line, 0.501)
        assert scene.door.gone == [1]

    run(play())


def test_a_stranger_may_not_make_the_car_agree_on_keys_again_and_again() -> None:
    async def play() -> None:
        scene = await Scene.made()
        stranger = await scene.carried(scene.world.phone("stranger"), "stranger")
        line = await stranger.line()
        for _ in range(100):
            line.send(head(Kind.ASK))
        await cut_off(scene, line)
        assert len(scene.door.codes) == BleTuning().stranger_capsules

    run(play())


async def squat(phone: Carried) -> None:
    while True:
        try:
            line = await phone.line()
            await line.ended(10.0)
        except LinkError:
            continue


def test_an_owner_connects_though_ten_squatters_try_without_end() -> None:
    async def play() -> None:
        waits = []
        for seed in range(2):
            scene = await Scene.made(seed=seed)
            owner = await scene.owner()
            squatters = []
            for number in range(10):
                phone = scene.world.phone(f"squatter {number}")
                carried = await scene.carried(phone, f"squatter {number}", Path(3.0))
                squatters.append(asyncio.create_task(squat(carried)))
            await asyncio.sleep(3.0)
            assert scene.car.connections == BleTuning().connections
            start = now_s()
            while True:
                try:
                    line = await owner.line()
                    answer = await owner.standard(line, Action.UNLOCK)
                    break
                except LinkError:
                    continue
            assert answer.code is Code.OK
            waits.append(now_s() - start)
            # Known: it stays, whoever else comes.
            await asyncio.sleep(5.0)
            assert not line.gone
            for task in squatters:
                task.cancel()
            await asyncio.gather(*squatters, return_exceptions=True)
        assert max(waits) < 30.0

    run(play())


def test_a_known_phone_that_is_silent_gives_its_place_back() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        line = await owner.line()
        await owner.standard(line)
        await asyncio.sleep(59.0)
        assert not line.gone
        await cut_off(scene, line, 2.0)

    run(play())


def test_a_phone_that_goes_away_in_the_middle_leaves_nothing_and_may_come_back_at_once() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        for _ in range(5):
            line = await owner.line()
            line.write(b"\x00\x50" + bytes(10))
            await line.close()
        line = await owner.line()
        assert (await owner.standard(line, Action.UNLOCK)).code is Code.OK
        assert scene.car.connections == 1
        assert len(scene.door.links) == 1

    run(play())


def test_a_phone_that_is_switched_off_is_missed_when_its_time_is_over() -> None:
    async def play() -> None:
        scene = await Scene.made(seed=2)
        owner = await scene.owner()
        line = await owner.line()
        await owner.standard(line)
        scene.radio.link.place("car", "owner", Path(10_000.0))
        with pytest.raises(LinkError):
            await owner.standard(line)
        await line.ended(20.0)
        assert scene.car.connections == 0

    run(play())


def test_a_thousand_fast_commands_arrive_over_an_air_that_loses_packets() -> None:
    async def play() -> None:
        scene = await Scene.made(seed=9)
        owner = await scene.owner(path=Path(100.0, walls=1))
        await owner.bonded()
        line = await owner.line()
        for _ in range(1000):
            assert (await owner.fast(line)).code is Code.OK
        assert len(scene.door.orders) == 1000
        assert owner.phone.car.counter == 1000

    run(play())


def test_the_car_cannot_be_told_from_others_and_changes_its_address() -> None:
    async def play() -> None:
        scene = await Scene.made(tuning=replace(BleTuning(), rotate_s=60.0))
        owner = await scene.owner()
        seen = []
        for _ in range(3):
            sighting = await owner.ble.find(scene.car_id, 5.0)
            seen.append(bytes(sighting.address))
            await asyncio.sleep(60.0)
        assert len(set(seen)) == 3
        with pytest.raises(LinkError, match="not seen"):
            await owner.ble.find(bytes(16), 5.0)

    run(play())


def test_the_phone_connects_from_another_address_each_time() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        seen = []
        for _ in range(3):
            line = await owner.line()
            seen.append(bytes(line.radio.self_address))
            await line.close()
        assert len(set(seen)) == 3

    run(play())


def test_answers_of_the_car_that_are_not_the_car_s_change_nothing() -> None:
    """Another radio shows the same hint: a copy of the advertisement."""

    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        await owner.bonded()
        other = await Scene.made()
        other.world.car = World("copy").car
        before = owner.phone.car
        carried = await other.carried(owner.phone, "owner")
        line = await carried.ble.connect(await carried.ble.find(scene.car_id, 5.0))
        with pytest.raises(KeyRefusedError):
            await carried.standard(line)
        assert owner.phone.car == before

    run(play())


def test_lines_of_the_phone_end_in_time_when_nobody_answers() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        line = await owner.line()
        start = now_s()
        with pytest.raises(LinkError, match="not answer"):
            await line._wait(lambda: b"", 0.7)
        assert now_s() - start == pytest.approx(0.7)
        await scene.car.close()
        with pytest.raises(LinkError, match="hung up"):
            await line.exchange(head(Kind.ASK), 1.0)
        with pytest.raises(LinkError, match="not seen"):
            await owner.ble.find(scene.car_id, 1.0)

    run(play())


def test_a_car_that_vanishes_between_sighting_and_connecting_is_given_up() -> None:
    async def play() -> None:
        scene = await Scene.made()
        owner = await scene.owner()
        sighting = await owner.ble.find(scene.car_id, 1.0)
        await scene.car.close()
        with pytest.raises(LinkError):
            await owner.ble.connect(sighting)

    run(play())


def test_car_and_phone_speak_over_tcp_as_they_would_over_dongles() -> None:
    """In real time, with transport strings."""

    async def play() -> None:
        scene = Scene(None, None, 30.0)
        await scene.car.open(await scene.radio.serve("car"))
        owner = await scene.owner_over(await scene.radio.serve("owner"))
        line = await owner.line()
        assert (await owner.standard(line, Action.UNLOCK)).code is Code.OK
        await owner.ble.close()
        await scene.car.close()
        await scene.radio.close()

    asyncio.run(play())
