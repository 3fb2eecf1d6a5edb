"""A real server whose files lie in S3, and S3 breaks off, refuses or hangs; see docs/reference/fleet-tests.md."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import httpx
import pytest

from tests.cloud.between import Between, between
from tests.cloud.bucket import KEYS, bucket, settings
from tests.cloud.live import LiveFleet
from volant.cloud.people import Role

CARS = [f"car-{place}" for place in range(6)]
DATA = secrets.token_bytes(5_000_000)
"""Some blocks of the store's."""


@dataclass
class Yard:
    """A server, the way to its store, and where each car's file is."""

    fleet: LiveFleet
    way: Between
    operator: str
    hrefs: dict[str, str]

    def load(self, car: str, begin: int = 0) -> tuple[int, bytes]:
        """What a car gets of its file from a byte on, until it is whole or breaks off."""
        found = b""
        headers = {"range": f"bytes={begin}-"} if begin else {}
        with (
            suppress(httpx.TransportError),
            self.fleet.client(car) as client,
            client.stream("GET", self.hrefs[car], headers=headers, timeout=60.0) as answer,
        ):
            for block in answer.iter_raw():
                found += block
        return answer.status_code, found


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("away")
    with pytest.MonkeyPatch.context() as patch, bucket() as port, between(port) as way:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        fleet = LiveFleet(folder / "fleet")
        fleet.folder.mkdir()
        (fleet.folder / "fleet.toml").write_text(settings(way.port))
        fleet.admit(*CARS)
        (folder / "os.img").write_bytes(DATA)
        fleet.publish("os-2.0", folder / "os.img")
        fleet.begin("os-2.0")
        token = fleet.invite("ann", Role.OPERATOR)
        with fleet.serving():
            yield Yard(fleet, way, token, {car: where(fleet, car) for car in CARS})


def where(fleet: LiveFleet, car: str) -> str:
    with fleet.client(car) as client:
        deployment = client.get(client.get("").json()["_links"]["deploymentBase"]["href"]).json()
    (file,) = deployment["deployment"]["chunks"][0]["artifacts"]
    href: str = file["_links"]["download-http"]["href"]
    return href


def test_a_store_that_breaks_off_in_the_middle_of_a_file(yard: Yard) -> None:
    """What a car has got is right, the connection ends too early for its length, and it goes on from there."""
    said = 0

    def cut(data: bytes) -> bool:
        nonlocal said
        said += len(data)
        return said > 2_500_000

    yard.way.cut_said = cut
    try:
        status, found = yard.load(CARS[0])
        assert (status, found) == (200, DATA[: len(found)])
        assert 0 < len(found) < len(DATA)
        status, words = yard.load(CARS[0], len(found))
        assert (status, words) == (503, b"the files are away, come again")
    finally:
        yard.way.cut_said = lambda _: False
    assert yard.load(CARS[0], len(found)) == (206, DATA[len(found) :])


def test_a_store_that_refuses_while_a_release_is_published_leaves_none(yard: Yard) -> None:
    yard.way.refuses = True
    yard.way.end_all()
    body = secrets.token_bytes(100_000)
    try:
        with yard.fleet.person(yard.operator) as operator:
            sent = operator.put("/releases/os-3.0/files/os.img", content=body)
            assert sent.status_code == 503
            assert "s3://" in sent.json()["error"]
            assert [one["release"] for one in operator.get("/releases").json()] == ["os-2.0"]
        assert yard.load(CARS[1])[0] == 503
    finally:
        yard.way.refuses = False
    with yard.fleet.person(yard.operator) as operator:
        sent = operator.put("/releases/os-3.0/files/os.img", content=body)
        assert sent.status_code < 300, sent.text
    assert yard.load(CARS[1]) == (200, DATA)


def test_a_store_that_breaks_off_while_it_takes_a_file_has_none_of_it(yard: Yard) -> None:
    """Larger than one part: what had arrived is not to be seen."""
    asked = 0

    def cut(data: bytes) -> bool:
        nonlocal asked
        asked += len(data)
        return asked > 8_000_000

    yard.way.cut_asked = cut
    body = secrets.token_bytes(12_000_000)
    with yard.fleet.person(yard.operator) as operator:
        try:
            sent = operator.put("/releases/os-4.0/files/os.img", content=body)
            assert sent.status_code == 503
            assert yard.way.cuts
        finally:
            yard.way.cut_asked = lambda _: False
        sent = operator.put("/releases/os-4.0/files/os.img", content=body)
        assert sent.status_code < 300, sent.text
        assert sent.json()["length"] == len(body)


@pytest.mark.soak
def test_a_store_that_hangs_keeps_no_car_waiting_for_another(yard: Yard) -> None:
    """All are told within one wait, and polls are answered meanwhile."""
    yard.way.hold()
    yard.way.end_all()
    try:
        with ThreadPoolExecutor(len(CARS)) as pool:
            loads = [pool.submit(yard.load, car) for car in CARS]
            with yard.fleet.client(CARS[0]) as client:
                assert client.get("").status_code == 200
            assert not any(one.done() for one in loads)
            assert {one.result()[0] for one in loads} == {503}
    finally:
        yard.way.go_on()
    assert yard.load(CARS[2]) == (200, DATA)
