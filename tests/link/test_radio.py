"""The virtual radio: latencies that mean something, and the same ones in each run."""

import asyncio
from statistics import median

import pytest

pytest.importorskip("bumble", reason="needs the extra: pip install 'volant[ble]'")

from tests.link.scene import Carried, Scene, now_s
from volant.core.errors import LinkError
from volant.link.air import Path, Relay
from volant.link.virtual_time import run
from volant.trust.key import Action, Code, KeyRefusedError, RangingTuning, is_near


async def walk_up(phone: Carried) -> float:
    """From the advertisement that was seen until the car said that it is open, in seconds on the air."""
    sighting = await phone.ble.find(phone.scene.car_id, 10.0)
    start = now_s()
    line = await phone.ble.connect(sighting, phone.bond)
    assert (await phone.fast(line)).code is Code.OK
    took = now_s() - start
    await line.close()
    return took


def walk_ups(seed: int, count: int, interval_ms: float, path: Path) -> list[float]:
    async def play() -> list[float]:
        scene = await Scene.made(seed=seed, interval_ms=interval_ms)
        owner = await scene.owner(path=path)
        await owner.bonded()
        return [await walk_up(owner) for _ in range(count)]

    return run(play())


def test_walking_up_takes_a_third_of_a_second_at_30_ms_and_less_at_15() -> None:
    at_30 = sorted(walk_ups(1, 60, 30.0, Path(4.0)))
    at_15 = sorted(walk_ups(1, 60, 15.0, Path(4.0)))
    assert 0.10 < median(at_30) <= 0.35
    assert at_30[-2] <= 0.8
    assert median(at_15) < 0.8 * median(at_30)


def test_far_away_and_behind_walls_it_takes_longer() -> None:
    near = walk_ups(3, 30, 30.0, Path(2.0))
    far = walk_ups(3, 30, 30.0, Path(60.0, walls=2))
    assert sum(far) > sum(near)


def test_the_same_seed_gives_the_same_times_and_another_one_others() -> None:
    first, again, other = (walk_ups(seed, 5, 30.0, Path(9.0)) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_a_phone_reports_the_strength_of_the_air() -> None:
    async def play() -> None:
        scene = await Scene.made(seed=1)
        owner = await scene.owner()
        found = []
        for distance_m in (1.0, 40.0):
            scene.radio.link.place("car", "owner", Path(distance_m))
            found.append((await owner.ble.find(scene.car_id, 10.0)).strength_dbm)
        assert found[0] > found[1] + 15

    run(play())


def test_a_phone_that_listens_seldom_finds_the_car_later() -> None:
    async def play() -> None:
        scene = await Scene.made(seed=1)
        owner = await scene.owner()
        took = []
        for scan_ms in ((60.0, 60.0), (20.0, 400.0)):
            start = now_s()
            for _ in range(20):
                await owner.ble.find(scene.car_id, 30.0, scan_ms)
            took.append(now_s() - start)
        assert took[1] > 5 * took[0]

    run(play())


def test_out_of_reach_nothing_is_found() -> None:
    async def play() -> None:
        scene = await Scene.made(seed=1)
        owner = await scene.owner(path=Path(3000.0, walls=3))
        with pytest.raises(LinkError, match="not seen"):
            await owner.ble.find(scene.car_id, 5.0)

    run(play())


def test_a_relay_opens_nothing_by_walking_up_though_its_signal_is_strong() -> None:
    async def play() -> None:
        scene = await Scene.made(seed=1)
        relayed = Path(60.0, walls=2, relay=Relay(delay_ns=30.0))
        owner = await scene.owner(path=relayed)
        await owner.bonded()
        sighting = await owner.ble.find(scene.car_id, 10.0)
        assert sighting.strength_dbm > -60
        line = await owner.ble.connect(sighting, owner.bond)
        assert scene.air is not None
        for path, code in ((relayed, Code.RANGING), (Path(1.0), Code.OK)):
            now_ns = round(now_s() * 1e9)
            rounds = scene.air.rounds(path, "car-owner", now_ns - 200_000_000, 8, 20_000_000)
            scene.door.near = is_near(rounds, now_ns, RangingTuning())
            answer = await owner.passive(line)
            assert answer.code is code
        assert [one.action for one in scene.door.orders] == [Action.UNLOCK]

    run(play())


def test_a_relay_that_adds_half_a_second_is_refused_even_for_a_tap() -> None:
    async def play() -> None:
        scene = await Scene.made(seed=1)
        owner = await scene.owner()
        await owner.bonded()
        line = await owner.line()
        scene.radio.link.place("car", "owner", Path(60.0, relay=Relay(delay_ns=260e6)))
        # The nonce that the car showed when it connected is too old by now.
        await asyncio.sleep(0.5)
        scene.door.codes.clear()
        with pytest.raises(KeyRefusedError) as refused:
            await owner.fast(line)
        assert refused.value.code is Code.HELD
        assert scene.door.codes[-1] is Code.HELD

    run(play())


def test_virtual_time_says_when_somebody_waits_for_nothing() -> None:
    async def play() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing is left to happen"):
        run(play())
