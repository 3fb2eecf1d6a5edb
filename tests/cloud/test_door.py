"""The cars' door: who is let in, what is too much, and what is said when the database is away or far behind."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.cloud.rsgi import CLIENT, ROOT, TOKEN, Message, OpenDoor, Proto, Scope, Wire
from tests.cloud.shop import CHUNKS, RELEASE
from volant.cloud.asking import Rest
from volant.cloud.bodies import from_cbor
from volant.cloud.campaigns import Wave, stop
from volant.cloud.ddi.shapes import BODY_MOST_BYTES
from volant.cloud.lanes import Lane
from volant.cloud.people import digest_of
from volant.cloud.store import SqlStore
from volant.cloud.wake import Hub, Line
from volant.core.errors import InputError, LinkError

FILE = bytes(range(250)) * 4


@pytest.fixture
def door(tmp_path: Path) -> Iterator[OpenDoor]:
    found = OpenDoor(tmp_path)
    with closing(found.shop):
        found.refresh()
        yield found


def describe(door: OpenDoor, *cars: str) -> None:
    for car in cars:
        body = json.dumps({"data": {"model": "ev1"}}).encode()
        assert door.send("PUT", "/configData", car=car, blocks=[body]).status == 200


def links(door: OpenDoor, car: str = "car-1") -> set[str]:
    found = door.send("GET", car=car)
    assert found.status == 200
    return set(json.loads(found.body).get("_links", {}))


def test_a_car_with_its_token_is_answered_with_links_to_where_it_came(door: OpenDoor) -> None:
    found = door.send("GET")
    assert found.headers["content-type"].startswith("application/hal+json")
    assert (
        json.loads(found.body)["_links"]["configData"]["href"] == f"http://fleet{ROOT}/configData"
    )
    assert door.send("GET").body == found.body


def test_links_lead_to_where_cars_see_the_server(door: OpenDoor) -> None:
    door.door.base = "https://cars.example"
    for _ in range(2):
        assert b"https://cars.example/DEFAULT" in door.send("GET").body


def test_cars_ask_at_periods_of_their_own(door: OpenDoor) -> None:
    cars = [f"car-{place}" for place in range(40)]
    door.admit(*cars)
    sleeps = {
        json.loads(door.send("GET", car=car).body)["config"]["polling"]["sleep"] for car in cars
    }
    assert len(sleeps) > 20
    assert min(sleeps) >= "00:04:30"
    assert max(sleeps) <= "00:05:30"


def test_a_quiet_car_s_poll_is_answered_again_until_something_changes(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe(door, "car-1")
    first = door.send("GET")
    with monkeypatch.context() as patch:
        patch.setattr(SqlStore, "read", None)
        patch.setattr(SqlStore, "work", None)
        assert door.send("GET").body == first.body
        etag = {"if-none-match": first.headers["etag"]}
        assert door.send("GET", headers=etag).status == 304
    door.shop.begin()
    door.refresh()
    assert "deploymentBase" in links(door)
    assert "deploymentBase" in links(door)


def test_cars_that_wait_for_room_are_quiet_until_there_is_some(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars = [f"car-{place}" for place in range(1, 6)]
    door.admit(*cars)
    describe(door, *cars)
    door.shop.begin(concurrency=2, watch_s=0.0, waves=(Wave(name="all", errors_stop=5),))
    door.refresh()
    told = [car for car in cars if "deploymentBase" in links(door, car)]
    assert len(told) == 2
    waiting = [car for car in cars if car not in told]
    for car in waiting:
        assert not links(door, car)
    with monkeypatch.context() as patch:
        patch.setattr(SqlStore, "read", None)
        patch.setattr(SqlStore, "work", None)
        for car in waiting:
            assert not links(door, car)
    door.shop.report(told[0], "closed", "success")
    door.refresh()
    assert [("deploymentBase" in links(door, car)) for car in waiting] == [True, False, False]


def test_a_car_that_another_server_has_told_gets_its_update_here_too(door: OpenDoor) -> None:
    """The other server may die right after it; this one took the car for one that waits."""
    door.admit("car-2")
    describe(door, "car-1", "car-2")
    door.shop.begin(concurrency=1, watch_s=0.0, waves=(Wave(name="all", errors_stop=5),))
    door.refresh()
    assert "deploymentBase" in links(door, "car-1")
    assert not links(door, "car-2")
    ours, theirs = door.door, door.make(door.door.artifacts)
    door.door = theirs
    door.refresh()
    door.shop.report("car-1", "closed", "success")
    assert "deploymentBase" in links(door, "car-2")
    door.door = ours
    door.refresh()
    for _ in range(2):
        assert "deploymentBase" in links(door, "car-2")


@pytest.mark.parametrize("token", ["", "wrong", "secre", "secret2"])
def test_another_token_is_no_good(door: OpenDoor, token: str) -> None:
    for _ in range(2):
        assert door.send("GET", token=token).status == 401
        assert door.send("GET").status == 200


def test_a_car_that_is_not_known_and_another_scheme(door: OpenDoor) -> None:
    assert door.send("GET", car="car-9").status == 401
    gateway = {"authorization": f"GatewayToken {TOKEN}"}
    assert door.send("GET", headers=gateway).status == 401
    assert door.send("POST", "/cancelAction/1/feedback", car="car-9", blocks=[b"{}"]).status == 401


def test_a_token_that_was_replaced_is_no_good_any_more(door: OpenDoor) -> None:
    assert door.send("GET").status == 200
    door.admit("car-1", token="new")
    door.refresh()
    assert door.send("GET").status == 401
    assert door.send("GET", token="new").status == 200


@pytest.mark.parametrize(
    "path", [f"{ROOT}/../car-2", f"{ROOT}/%2e%2e/x", f"{ROOT}/what", "//", "/", "/uptane/x", "/DEFAULT/controller/v1/"]
)  # fmt: skip
def test_other_paths(door: OpenDoor, path: str) -> None:
    assert door.send("GET", whole=path).status in {401, 404}


def test_a_body_that_is_too_long_is_not_read_to_its_end(door: OpenDoor) -> None:
    long = [b"x" * (BODY_MOST_BYTES + 1)]
    assert door.send("PUT", "/configData", blocks=long).status == 413
    lying = {"content-length": "5"}
    assert door.send("PUT", "/configData", blocks=long, headers=lying).status == 413
    assert door.send("PUT", "/configData", headers={"content-length": "many"}).status == 413


def test_a_file_is_sent_whole_in_part_and_not_at_all(door: OpenDoor, tmp_path: Path) -> None:
    digest = sha256(FILE).hexdigest()
    (tmp_path / digest).write_bytes(FILE)
    file = replace(CHUNKS[0].artifacts[0], sha256=digest, size=len(FILE))
    with door.shop.fleet.store.work() as work:
        work.put_release(replace(RELEASE, chunks=(replace(CHUNKS[0], artifacts=(file,)),)))
    describe(door, "car-1")
    door.shop.begin()
    door.refresh()
    href = json.loads(door.send("GET").body)["_links"]["deploymentBase"]["href"]
    found = door.send("GET", href.partition(ROOT)[2].partition("?")[0])
    chunk = json.loads(found.body)["deployment"]["chunks"][0]
    path = chunk["artifacts"][0]["_links"]["download-http"]["href"].partition(ROOT)[2]
    assert door.send("GET", path).body == FILE
    part = door.send("GET", path, headers={"range": "bytes=900-"})
    assert (part.status, part.body, part.headers["content-length"]) == (206, FILE[900:], "100")
    assert door.send("GET", path, headers={"range": "bytes=1000-"}).status == 416
    head = door.send("HEAD", path)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "1000")
    assert door.send("GET", f"{path}.MD5SUM").status == 200


class Elsewhere:
    """Files that do not lie on this machine."""

    def path(self, sha256: str) -> None:
        return None

    def blocks(self, sha256: str, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        if self.away:
            raise LinkError("no store")
        for at in range(begin, end or 0, 300):
            yield FILE[at : min(at + 300, end or 0)]

    away = False


def test_a_file_that_lies_elsewhere_is_handed_on(door: OpenDoor) -> None:
    files = Elsewhere()
    door.door = door.make(files)
    door.refresh()
    file = replace(CHUNKS[0].artifacts[0], size=len(FILE))
    with door.shop.fleet.store.work() as work:
        work.put_release(replace(RELEASE, chunks=(replace(CHUNKS[0], artifacts=(file,)),)))
    describe(door, "car-1")
    door.shop.begin()
    door.refresh()
    assert "deploymentBase" in links(door)
    path = f"/softwaremodules/{CHUNKS[0].module_id}/artifacts/{file.filename}"
    assert door.send("GET", path).body == FILE
    assert door.send("GET", path, headers={"range": "bytes=250-799"}).body == FILE[250:800]
    files.away = True
    assert door.send("GET", path).status == 503


def test_a_device_may_speak_cbor(door: OpenDoor) -> None:
    cbor = {"accept": "application/cbor", "content-type": "application/cbor"}
    body = cbor2.dumps({"mode": "merge", "data": {"model": "ev1"}})
    assert door.send("PUT", "/configData", blocks=[body], headers=cbor).status == 200
    assert door.shop.call("car-1").status == 200
    for _ in range(2):
        found = door.send("GET", headers=cbor)
        assert found.headers["content-type"] == "application/cbor"
        assert "polling" in cbor2.loads(found.body)["config"]
    assert door.send("PUT", "/configData", blocks=[b"\xff\x00"], headers=cbor).status == 400


@given(st.binary(max_size=200))
def test_bytes_that_are_no_cbor_are_refused(data: bytes) -> None:
    try:
        json.loads(from_cbor(data))
    except InputError:
        return


@pytest.mark.parametrize(
    "data",
    [
        b"\x81" * 5000 + b"\x01",
        b"\xd8\x1c\x81\xd8\x1d\x00",
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x81\x01\x01",
        b"\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    ],
)
def test_cbor_that_is_deep_endless_or_a_circle(data: bytes) -> None:
    try:
        json.loads(from_cbor(data))
    except InputError:
        return


@contextmanager
def away(_: SqlStore) -> Iterator[Any]:
    raise LinkError("locked")
    yield


def test_a_database_that_is_away_is_told_in_clear_words(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqlStore, "work", away)
    monkeypatch.setattr(SqlStore, "read", away)
    found = door.send("GET")
    assert found.status == 503
    assert 30 <= int(found.headers["retry-after"]) <= 61
    assert found.text == "the database is away, come again"


def test_a_car_that_floods_is_held_and_others_are_not(tmp_path: Path) -> None:
    door = OpenDoor(tmp_path, car_requests=10)
    with closing(door.shop):
        door.admit("car-2")
        door.refresh()
        statuses = [door.send("GET").status for _ in range(15)]
        assert statuses.count(200) == 10
        assert statuses[10:] == [429] * 5
        assert door.send("GET").headers["retry-after"] == "6"
        assert door.send("GET", car="car-2").status == 200
        assert door.send("PUT", "/configData", blocks=[b"{}"]).status == 429
        assert set(door.door.counts.turn()) == {"car-1", "car-2"}
        assert door.send("GET").status == 200


def test_who_errs_waits_behind_others_and_honest_cars_of_the_address_go_on(tmp_path: Path) -> None:
    door = OpenDoor(tmp_path, address_errors=5)
    with closing(door.shop):
        door.admit("car-2")
        door.refresh()
        statuses = [door.send("GET", car=f"no-{place}").status for place in range(8)]
        assert statuses == [401] * 8
        assert not door.door.counts.lets(CLIENT)
        # This server has met neither of them.
        assert door.send("GET").status == 200
        assert door.send("GET", car="car-2").status == 200
        assert door.send("GET", car="car-1", token="wrong").status == 401


def test_of_those_that_err_no_more_wait_than_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = OpenDoor(tmp_path, address_errors=5)
    monkeypatch.setattr(Lane, "is_full", property(lambda lane: lane is door.door._suspects))
    with closing(door.shop):
        door.admit("car-2")
        door.refresh()
        assert door.send("GET").status == 200
        statuses = [door.send("GET", car=f"no-{place}").status for place in range(8)]
        assert statuses == [401] * 5 + [429] * 3
        assert door.send("GET").status == 200
        assert door.send("GET", car="car-2").status == 429
        assert door.send("GET", car="car-2", client="198.51.100.1:1").status == 200
        door.door.counts.turn()
        assert door.send("GET", car="no-9").status == 401


def test_asking_for_the_next_root_is_no_fault_of_anybody(tmp_path: Path) -> None:
    door = OpenDoor(tmp_path, address_errors=5)
    with closing(door.shop):
        door.refresh()
        for name, is_fault in (("2.root.json", False), ("9.targets.json", True)):
            path = f"/uptane/cars/car-9/director/metadata/{name}"
            assert {door.send("GET", whole=path).status for _ in range(12)} == {404}
            assert door.door.counts.lets(CLIENT) != is_fault


def test_a_storm_is_answered_or_sent_away_to_come_again_at_different_times(tmp_path: Path) -> None:
    cars = [f"car-{place}" for place in range(200)]
    door = OpenDoor(tmp_path, waiting=50)
    with closing(door.shop):
        door.admit(*cars)
        door.refresh()
        found = door.send_all([("GET", "", {"car": car}) for car in cars])
        assert {one.status for one in found} == {200, 503}
        sent_away = [one for one in found if one.status == 503]
        assert len({one.headers["retry-after"] for one in sent_away}) > 3
        for _ in range(4):
            found = door.send_all([("GET", "", {"car": car}) for car in cars])
        assert {one.status for one in found} == {200}


def test_nobody_is_told_anything_before_time_was_looked_after(door: OpenDoor) -> None:
    door.door.ready = False
    assert door.send("GET").status == 503
    door.door.ready = True
    assert door.send("GET").status == 200


async def until(true: Any) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not come")


def test_a_car_that_is_connected_is_woken_for_its_update_and_for_a_stop(door: OpenDoor) -> None:
    cars = ["car-1", "car-2", "car-3"]
    door.admit(*cars)
    describe(door, *cars)

    async def scene() -> None:
        wires = {car: Wire() for car in cars}
        held = [asyncio.create_task(hold(door, car, wire)) for car, wire in wires.items()]
        await until(lambda: len(door.door.hub.lines) == 3)
        await door.door.wake()
        assert not any(wire.hears for wire in wires.values())
        door.shop.begin(concurrency=1, waves=(Wave(name="all", errors_stop=5),))
        await door.door.refresh()
        await door.door.wake()
        assert all(wire.hears == ["come"] for wire in wires.values())
        assert "deploymentBase" in door.shop.poll("car-2")
        await door.door.refresh()
        door.shop.fleet.act("spring", "stop", "ann", 1e9, lambda one: stop(one, "ann"))
        await door.door.refresh()
        await door.door.wake()
        assert wires["car-2"].hears == ["come", "come"]
        assert wires["car-1"].hears == ["come"]
        wires["car-1"].says.put_nowait(Message(0))
        await door.door.end()
        await asyncio.gather(*held)
        assert not door.door.hub.lines

    asyncio.run(scene())


@pytest.mark.parametrize("seen_free", [True, False])
def test_a_car_that_was_called_and_came_too_late_is_called_again(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch, seen_free: bool
) -> None:
    """Whether a look finds the place taken, or sees it free and the transaction does not."""
    cars = ["car-1", "car-2", "car-3"]
    door.admit(*cars)
    describe(door, *cars)
    door.shop.begin(concurrency=1, watch_s=0.0, waves=(Wave(name="all", errors_stop=5),))
    assert "deploymentBase" in door.shop.poll("car-1")

    async def scene() -> None:
        wire = Wire()
        held = asyncio.create_task(hold(door, "car-2", wire))
        await door.door.refresh()
        await until(lambda: len(door.door.hub.lines) == 1)
        await door.door.wake()
        door.shop.report("car-1", "closed", "success")
        await door.door.refresh()
        await door.door.wake()
        assert wire.hears == ["come"]
        assert "deploymentBase" in door.shop.poll("car-3")
        await door.door.refresh()
        if seen_free:
            busy = Rest(digest=digest_of(TOKEN), news=door.door.cars.news, busy=True)
            monkeypatch.setattr("volant.cloud.door.peek", lambda *_: [busy])
        headers = {"authorization": f"TargetToken {TOKEN}", "host": "fleet"}
        await door.door.__rsgi__(Scope("GET", ROOT.replace("car-1", "car-2"), headers), Proto())
        monkeypatch.undo()
        door.door.hub.turn()
        await door.door.wake()
        assert wire.hears == ["come"]
        door.shop.report("car-3", "closed", "success")
        await door.door.refresh()
        await door.door.wake()
        assert wire.hears == ["come", "come"]
        await door.door.end()
        await held

    asyncio.run(scene())


def test_one_that_waits_and_connects_again_and_again_waits_once() -> None:
    hub = Hub()
    for _ in range(50):
        line = Line("car-1", "digest", Wire())
        hub.join(line)
        hub.wait("car-1", {"spring"})
        hub.leave(line)
    assert not hub.waiting["spring"]


async def hold(
    door: OpenDoor, car: str, wire: Wire, token: str = TOKEN, end: str = "/wake"
) -> None:
    headers = {"authorization": f"TargetToken {token}"}
    scope = Scope("GET", ROOT.replace("car-1", car) + end, headers, proto="ws")
    await door.door.__rsgi__(scope, wire)


def test_a_car_that_waits_for_room_is_woken_when_there_is_some(door: OpenDoor) -> None:
    cars = ["car-1", "car-2"]
    door.admit(*cars)
    describe(door, *cars)
    door.shop.begin(concurrency=1, watch_s=0.0, waves=(Wave(name="all", errors_stop=5),))
    assert "deploymentBase" in door.shop.poll("car-1")

    async def scene() -> None:
        wire = Wire()
        held = asyncio.create_task(hold(door, "car-2", wire))
        await door.door.refresh()
        await until(lambda: len(door.door.hub.lines) == 1)
        await door.door.wake()
        await door.door.refresh()
        await door.door.wake()
        assert wire.hears == []
        door.shop.report("car-1", "closed", "success")
        await door.door.refresh()
        await door.door.wake()
        assert wire.hears == ["come"]
        await door.door.end()
        await held

    asyncio.run(scene())


def test_connections_that_are_not_let_in_or_end(tmp_path: Path) -> None:
    door = OpenDoor(tmp_path, wake_sockets=1, car_requests=3)
    with closing(door.shop):
        door.admit("car-2")

        async def scene() -> None:
            for car, token, end, status in (
                ("car-1", "wrong", "/wake", 401),
                ("car-9", TOKEN, "/wake", 401),
                ("car-1", TOKEN, "/other", 404),
            ):
                wire = Wire()
                await hold(door, car, wire, token, end)
                assert wire.closed == [status]
            first, second, flood = Wire(), Wire(), Wire()
            held = [asyncio.create_task(hold(door, "car-1", first))]
            await until(lambda: door.door.hub.lines)
            await hold(door, "car-2", second)
            assert second.closed == [503]
            door.door.hub.join(door.door.hub.lines["car-1"])
            first.says.put_nowait(Message(2, "x" * 1000))
            await asyncio.gather(*held)
            assert first.closed == [None]
            held = [asyncio.create_task(hold(door, "car-1", flood))]
            for _ in range(9):
                flood.says.put_nowait(Message(2, "here"))
            await asyncio.gather(*held)
            assert flood.closed == [None]
            assert not door.door.hub.lines

        asyncio.run(scene())


def test_a_connection_whose_token_was_taken_back_ends(door: OpenDoor) -> None:
    async def scene() -> None:
        wire = Wire()
        held = asyncio.create_task(hold(door, "car-1", wire))
        await until(lambda: door.door.hub.lines)
        with door.shop.fleet.store.work() as work:
            work.put_token("car-1", digest_of("new"))
            work.tell_news()
        await door.door.refresh()
        await door.door.wake()
        await held
        assert wire.closed == [None]

    asyncio.run(scene())
