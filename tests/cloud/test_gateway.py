"""The door for devices: who is let in, what is too much, and what is said when the database is away."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud.shop import Shop
from volant.cloud.artifacts import FolderArtifacts
from volant.cloud.gateway import BODY_MOST_BYTES, Gateway, digest_of
from volant.cloud.store import SqlStore
from volant.core.errors import LinkError

ROOT = "/DEFAULT/controller/v1/car-1"
FILE = bytes(range(250)) * 4


class Door:
    def __init__(self, folder: Path) -> None:
        self.shop = Shop(folder)
        with self.shop.fleet.store.work() as work:
            work.put_token("car-1", digest_of("secret"))
        self.gateway = Gateway(self.shop.fleet, FolderArtifacts(folder), lambda: self.shop.now_s)

    def send(
        self, method: str, path: str = "", token: str = "secret", car: str = "car-1", **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"TargetToken {token}", **more.pop("headers", {})}

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.gateway)
            async with httpx.AsyncClient(transport=transport, base_url="http://fleet") as client:
                return await client.request(
                    method, ROOT.replace("car-1", car) + path, headers=headers, **more
                )

        return asyncio.run(once())


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    found = Door(tmp_path)
    yield found
    found.shop.close()


def test_a_car_with_its_token_is_answered_with_links_to_where_it_came(door: Door) -> None:
    found = door.send("GET")
    assert found.status_code == 200
    assert found.headers["content-type"].startswith("application/hal+json")
    assert found.json()["_links"]["configData"]["href"] == f"http://fleet{ROOT}/configData"


def test_cars_ask_at_periods_of_their_own(door: Door) -> None:
    cars = [f"car-{place}" for place in range(40)]
    with door.shop.fleet.store.work() as work:
        for car in cars:
            work.put_token(car, digest_of("secret"))
    sleeps = {door.send("GET", car=car).json()["config"]["polling"]["sleep"] for car in cars}
    assert len(sleeps) > 20
    assert min(sleeps) >= "00:04:30"
    assert max(sleeps) <= "00:05:30"


def test_a_quiet_car_s_poll_is_answered_again_until_something_changes(door: Door) -> None:
    door.send("PUT", "/configData", content=json.dumps({"data": {}}))
    first = door.send("GET")
    again = door.send("GET")
    assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
    etag = {"If-None-Match": first.headers["etag"]}
    assert door.send("GET", headers=etag).status_code == 304
    door.shop.begin()
    changed = door.send("GET", headers=etag)
    assert "deploymentBase" in changed.json()["_links"]
    assert door.send("GET").content == changed.content


@pytest.mark.parametrize("token", ["", "wrong", "secre", "secret2"])
def test_another_token_is_no_good(door: Door, token: str) -> None:
    assert door.send("GET", token=token).status_code == 401


def test_a_car_that_is_not_known_and_another_scheme(door: Door) -> None:
    with door.shop.fleet.store.work() as work:
        work.put_token("car-1", digest_of("other"))
    assert door.send("GET", token="other").status_code == 200
    gateway = {"Authorization": "GatewayToken other"}
    assert door.send("GET", headers=gateway).status_code == 401


def test_a_token_that_was_replaced_is_no_good_any_more(door: Door) -> None:
    assert door.send("GET").status_code == 200
    with door.shop.fleet.store.work() as work:
        work.put_token("car-1", digest_of("new"))
    door.gateway.forget()
    assert door.send("GET").status_code == 401


@pytest.mark.parametrize("path", ["/../car-2", "/%2e%2e/x", "/what", "//"])
def test_other_paths(door: Door, path: str) -> None:
    assert door.send("GET", path).status_code in {200, 401, 404}


def test_a_body_that_is_too_long_is_not_read_to_its_end(door: Door) -> None:
    assert door.send("PUT", "/configData", content=b"x" * (BODY_MOST_BYTES + 1)).status_code == 413


def test_a_file_is_sent_whole_in_part_and_not_at_all(door: Door) -> None:
    from hashlib import sha256

    from msgspec.structs import replace

    from tests.cloud.shop import CHUNKS, RELEASE

    digest = sha256(FILE).hexdigest()
    (door.shop.folder / digest).write_bytes(FILE)
    file = replace(CHUNKS[0].artifacts[0], sha256=digest, size=len(FILE))
    with door.shop.fleet.store.work() as work:
        work.put_release(replace(RELEASE, chunks=(replace(CHUNKS[0], artifacts=(file,)),)))
    door.send("PUT", "/configData", content=json.dumps({"data": {}}))
    door.shop.begin()
    href = door.send("GET").json()["_links"]["deploymentBase"]["href"]
    chunk = door.send("GET", href.partition(ROOT)[2]).json()["deployment"]["chunks"][0]
    path = chunk["artifacts"][0]["_links"]["download-http"]["href"].partition(ROOT)[2]
    assert door.send("GET", path).content == FILE
    part = door.send("GET", path, headers={"Range": "bytes=900-"})
    assert (part.status_code, part.content) == (206, FILE[900:])
    assert part.headers["content-length"] == "100"
    head = door.send("HEAD", path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "1000")
    assert door.send("GET", f"{path}.MD5SUM").status_code == 200


def test_a_database_that_is_away_is_told_in_clear_words(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def away(self: SqlStore) -> Iterator[Any]:
        raise LinkError("locked")
        yield

    monkeypatch.setattr(SqlStore, "work", away)
    found = door.send("GET")
    assert found.status_code == 503
    assert found.headers["retry-after"] == "30"
    assert found.text == "the database is away, come again"
