"""What is remembered of quiet cars, lanes, and counts: in bounds, and never the wrong answer."""

import asyncio
import sys
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.cloud.asking import Rest
from volant.cloud.ddi import Action, Device, Place, write_base
from volant.cloud.ddi.writing import write_rest
from volant.cloud.lanes import BehindError, Lane
from volant.cloud.limits import Counts, Limits, address_of
from volant.cloud.quiet import BUSY, FLAGS, QuietCars, installed_of, sleep_s
from volant.core.errors import LinkError

DIGEST = "ab" * 32


@given(st.integers(0, 2**53), st.booleans())
def test_what_little_is_remembered_gives_the_same_answer(installed: int, wants: bool) -> None:
    action = (
        Action(action_id=installed, campaign_id="c", attempt=1, chunks=()) if installed else None
    )
    device = Device(controller_id="car-1", installed=action, wants_attributes=wants)
    place = Place("http://fleet", "DEFAULT", "car-1")
    found = write_rest(place, 300.0, installed=installed, wants_attributes=wants)
    assert found == write_base(device, place, 300.0)
    cars = QuietCars(news=1, line=0)
    cars.put("car-1", Rest(digest=DIGEST, news=1, installed=installed, wants_attributes=wants))
    assert installed_of(cars.rows["car-1"]) == installed


def test_a_car_costs_less_than_300_bytes() -> None:
    cars, count = QuietCars(news=1, line=0), 20_000
    rest = Rest(digest=DIGEST, news=1, installed=12345, waits=frozenset({"spring"}))
    for place in range(count):
        cars.put(f"VOLANT{place:011}", rest)
    each = sum(sys.getsizeof(car) + sys.getsizeof(row) for car, row in cars.rows.items())
    assert (each + sys.getsizeof(cars.rows)) / count < 300


def test_news_forgets_all_and_what_is_older_is_not_remembered() -> None:
    cars = QuietCars(line=0)
    assert cars.learn(5)
    cars.put("car-1", Rest(digest=DIGEST, news=4))
    assert not cars.rows
    cars.put("car-1", Rest(digest=DIGEST, news=5))
    assert not cars.learn(5)
    assert cars.rows
    assert cars.learn(6)
    assert not cars.rows
    assert cars.knew("car-1", bytes.fromhex(DIGEST))
    assert not cars.knew("car-1", b"x" * 32)
    cars.put("car-1", Rest(digest=DIGEST, news=6))
    assert not cars.before
    cars.drop_old()
    cars.drop_old()
    cars.drop_old()


def test_as_many_go_as_there_is_room_for() -> None:
    cars = QuietCars(news=1, line=0)
    cars.put("car-1", Rest(digest=DIGEST, news=1, waits=frozenset({"a", "b"})))
    row = cars.rows["car-1"]
    assert cars.campaigns() == {"a", "b"}
    assert not cars.may_go(row)
    cars.make_room({"a": 1, "b": 1, "c": 5})
    assert [cars.may_go(row) for _ in range(3)] == [True, True, False]
    assert cars.rooms() == {"c": 5}
    cars.rouse("car-1")
    cars.rouse("car-2")
    assert cars.rows["car-1"][FLAGS] == 1
    assert not cars.may_go(cars.rows["car-1"])


def test_a_car_of_which_another_server_stored_something_is_looked_at_anew() -> None:
    cars = QuietCars(news=1, line=7)
    for name in ("car-1", "car-2"):
        cars.put(name, Rest(digest=DIGEST, news=1, line=7, waits=frozenset({"a"})))
    assert cars.touch(9, ["car-1", "car-3", "spring"]) == ["car-1"]
    assert cars.rows["car-1"][FLAGS] & BUSY
    assert not cars.rows["car-2"][FLAGS] & BUSY
    assert cars.touch(10, ["car-1"]) == []


def test_what_was_looked_at_before_a_line_that_was_heard_is_looked_at_again() -> None:
    cars = QuietCars(news=1)
    cars.put("car-1", Rest(digest=DIGEST, news=1, line=9))
    assert cars.rows["car-1"][FLAGS] & BUSY
    cars.touch(9, [])
    cars.put("car-1", Rest(digest=DIGEST, news=1, line=8))
    assert cars.rows["car-1"][FLAGS] & BUSY
    cars.put("car-1", Rest(digest=DIGEST, news=1, line=9))
    assert not cars.rows["car-1"][FLAGS] & BUSY


def test_another_thread_may_ask_while_there_is_news() -> None:
    cars, ends, wrong = QuietCars(line=0), threading.Event(), list[str]()
    digest = bytes.fromhex(DIGEST)

    def ask() -> None:
        while not ends.is_set():
            try:
                row = cars.rest("car-1", digest)
            except IndexError as error:
                wrong.append(str(error))
            else:
                if row is not None:
                    wrong.append("was kept waiting, though there was room")

    before_s = sys.getswitchinterval()
    asking = threading.Thread(target=ask)
    sys.setswitchinterval(1e-6)
    try:
        asking.start()
        for news in range(1_000):
            cars.learn(news)
            cars.make_room({"a": 1_000_000, "b": 1_000_000})
            cars.put("other", Rest(digest=DIGEST, news=news, waits=frozenset({"b"})))
            cars.put("car-1", Rest(digest=DIGEST, news=news, waits=frozenset({"a"})))
    finally:
        ends.set()
        asking.join()
        sys.setswitchinterval(before_s)
    assert not wrong


def test_who_may_rest() -> None:
    cars, digest = QuietCars(news=1, line=0), bytes.fromhex(DIGEST)
    cars.put("car-1", Rest(digest=DIGEST, news=1, waits=frozenset({"a"})))
    assert cars.rest("car-1", digest) == cars.rows["car-1"]
    assert cars.rest("car-2", digest) is None
    assert cars.rest("car-1", b"x" * 32) is None
    cars.make_room({"a": 1})
    assert cars.rest("car-1", digest) is None
    assert cars.rest("car-1", digest) == cars.rows["car-1"]
    cars.rouse("car-1")
    assert cars.rest("car-1", digest) is None


def test_periods_differ_by_a_tenth() -> None:
    found = {sleep_s(f"car-{place}", 300.0) for place in range(500)}
    assert min(found) >= 270
    assert max(found) <= 330
    assert len(found) > 50


def test_a_lane_does_many_at_once_in_their_order_and_each_gets_its_own() -> None:
    batches: list[list[int]] = []

    async def work(jobs: list[int]) -> Sequence[int | Exception]:
        batches.append(jobs)
        await asyncio.sleep(0)
        return [ValueError("odd") if job % 2 else job * 10 for job in jobs]

    async def scene() -> None:
        lane: Lane[int, int] = Lane(work, waiting_most=10, at_once=4)
        found = await asyncio.gather(*(lane.ask(job) for job in range(12)), return_exceptions=True)
        assert found[:10:2] == [0, 20, 40, 60, 80]
        assert all(isinstance(one, ValueError) for one in found[1:10:2])
        assert all(isinstance(one, BehindError) for one in found[10:])
        assert [one for batch in batches for one in batch] == list(range(10))
        assert max(map(len, batches)) == 4
        assert await lane.ask(2) == 20
        gone = asyncio.create_task(lane.ask(4))
        await asyncio.sleep(0)
        gone.cancel()
        assert await lane.ask(6) == 60

    asyncio.run(scene())


def test_a_lane_whose_work_fails_tells_all_that_wait() -> None:
    tries = []

    async def work(jobs: list[int]) -> Sequence[int | Exception]:
        tries.append(jobs)
        await asyncio.sleep(0)
        raise LinkError("gone")

    async def scene() -> None:
        lane: Lane[int, int] = Lane(work, waiting_most=10, at_once=4)
        found = await asyncio.gather(*(lane.ask(job) for job in range(9)), return_exceptions=True)
        assert all(isinstance(one, LinkError) for one in found)
        assert len(tries) == 1

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("192.0.2.7:80", "192.0.2.7"),
        ("[2001:db8:1:2:3::9]:80", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:4::9:80", "2001:db8:1:2::/64"),
        ("x:y:z:1", "x:y:z"),
        ("", ""),
    ],
)
def test_who_asks(client: str, address: str) -> None:
    assert address_of(client) == address


def test_counts_have_a_bound() -> None:
    counts = Counts(Limits(address_errors=2))
    for place in range(100_050):
        counts.err(f"10.{place >> 16}.{place >> 8 & 255}.{place & 255}:1")
    assert len(counts.addresses) <= 100_001
    assert not counts.lets("203.0.113.1:1")
    assert counts.turn() == []
    assert counts.lets("203.0.113.1:1")
