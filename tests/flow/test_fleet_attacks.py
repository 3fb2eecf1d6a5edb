"""What a hostile car or a stranger at the cars' door can do to a real server: what is in docs/reference/fleet-tests.md."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud import rough
from tests.cloud.live import ROOT, LiveFleet, until
from volant.cloud.campaigns import CarState
from volant.cloud.ddi.shapes import BODY_MOST_BYTES

SYSTEM = bytes(range(251)) * 40
SETTINGS = """
[limits]
address_errors = 1000000
"""
"""All attacks here come from one address; that one limit has a test of its own."""
GROWTH_MOST_MIB = 256
"""Of the server's memory by anything in this file; bodies that were kept would be far above."""


class Door:
    """A server that runs, with cars that each have a campaign of their own."""

    def __init__(self, fleet: LiveFleet, pid: int) -> None:
        self.fleet, self.pid = fleet, pid
        self.good = self.car()
        self.before_mib = self.mib()

    @property
    def port(self) -> int:
        return self.fleet.port

    def car(self, **plan: Any) -> str:
        name = f"car-{len(self.fleet.tokens)}"
        self.fleet.admit(name)
        self.fleet.begin("os-2.0", name, cars=f'car == "{name}"', **plan)
        return name

    def mib(self) -> float:
        """Memory of the server now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no VmRSS")

    def path(self, car: str, rest: str = "") -> str:
        return f"{ROOT}/{car}{rest}"

    def is_well(self) -> bool:
        """An honest car is still served, and the server has not grown."""
        with self.fleet.client(self.good) as client:
            served = client.get("").status_code == 200
        return served and self.mib() - self.before_mib < GROWTH_MOST_MIB


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("attacks")
    fleet = LiveFleet(folder / "fleet")
    (folder / "os.img").write_bytes(SYSTEM)
    fleet.folder.mkdir()
    (fleet.folder / "fleet.toml").write_text(SETTINGS)
    fleet.publish("os-2.0", folder / "os.img")
    with fleet.serving() as running:
        yield Door(fleet, running.pid)


def deployment(client: httpx.Client) -> dict[str, Any]:
    links = client.get("").json()["_links"]
    found: dict[str, Any] = client.get(links["deploymentBase"]["href"]).json()
    return found


def said(execution: str, finished: str = "none") -> dict[str, Any]:
    return {"status": {"execution": execution, "result": {"finished": finished}}}


# Bytes that are no requests, and requests that are two.

GARBAGE = {
    "chance": os.urandom(4096).replace(b"\r\n", b""),
    "zeros": bytes(4096),
    "TLS to a door without": bytes.fromhex("16030100f1010000ed0303") + bytes(200),
    "a word": b"HELO fleet\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nwhat\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a length beyond all": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "a chunk that is none": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a method of chance": b"\xff\xfe / HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_bytes_that_are_no_request_have_an_end(door: Door, kind: str) -> None:
    found = rough.statuses(rough.send(door.port, GARBAGE[kind]))
    assert all(400 <= one < 506 for one in found), found
    assert door.is_well()


SMUGGLED = "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: TargetToken {token}\r\n\r\n"
SMUGGLERS = {
    "length and chunks": ("Content-Length: {n}", "Transfer-Encoding: chunked"),
    "chunks and length": ("Transfer-Encoding: chunked", "Content-Length: {n}"),
    "two lengths": ("Content-Length: {n}", "Content-Length: 5"),
    "chunks of another spelling": ("Transfer-Encoding: xchunked", "Content-Length: {n}"),
    "chunks twice": ("Transfer-Encoding: chunked, chunked",),
    "a line that is folded": ("X: a\r\n Content-Length: 0", "Content-Length: {n}"),
}


@pytest.mark.parametrize("kind", SMUGGLERS)
def test_two_requests_in_the_clothes_of_one_do_no_more_than_two_honest_ones(
    door: Door, kind: str
) -> None:
    victim = door.car()
    inner = SMUGGLED.format(path=door.path(victim), token="guessed").encode()
    body = b"0\r\n\r\n" + inner
    lines = [one.format(n=len(body)) for one in SMUGGLERS[kind]]
    found = rough.send(
        door.port, rough.request("PUT", door.path(door.good, "/configData"), "", *lines, body=body)
    )
    assert all(one >= 400 for one in rough.statuses(found)), found
    assert door.fleet.task(victim, victim).state is CarState.WAITING
    assert door.is_well()


TRICKS = (
    "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/fleet.db", "//fleet.db",
    "/softwaremodules/1/artifacts/../../../fleet.db",
    "/softwaremodules/1/artifacts/..%2f..%2ffleet.db",
    "/softwaremodules/1/artifacts/%00", "/softwaremodules/1/artifacts//etc/passwd",
    "/softwaremodules/-1/artifacts/os.img", "/softwaremodules/99999999999999999999/artifacts/os.img",
    "/deploymentBase/0x1", "/deploymentBase/1e3", "/deploymentBase/%31%00",
    "/deploymentBase/" + "9" * 5000, "/\N{SNOWMAN}".encode().decode("latin-1"), "/;x=/../", "/?c=" + "a&" * 3000,
)  # fmt: skip


@pytest.mark.parametrize("place", range(len(TRICKS)))
def test_a_path_that_is_a_trick_finds_nothing(door: Door, place: int) -> None:
    car = door.car()
    path = door.path(car, TRICKS[place])
    data = rough.send(
        door.port, rough.request("GET", path, door.fleet.tokens[car], "Connection: close")
    )
    found = rough.statuses(data)
    assert len(found) <= 1
    assert all(one in {200, 400, 401, 404, 405, 414, 431} for one in found), data[:300]
    assert b"root:" not in data
    assert b"SQLite format" not in data
    assert door.is_well()


def test_an_address_as_a_path_is_no_proxy(door: Door) -> None:
    data = rough.send(
        door.port,
        rough.request("GET", "http://169.254.169.254/latest", "", "Connection: close"),
        rough.request("CONNECT", "127.0.0.1:22", "", "Connection: close"),
    )
    assert all(one >= 400 for one in rough.statuses(data)), data


# Too much, too slow, too many.


def test_a_body_without_an_end_is_cut_off(door: Door) -> None:
    token, path = door.fleet.tokens[door.good], door.path(door.good, "/configData")
    for lines in (("Transfer-Encoding: chunked",), (f"Content-Length: {1 << 40}",)):
        head = rough.request("PUT", path, token, *lines)
        if "chunked" in lines[0]:
            head += b"40000000\r\n"
        assert rough.pour(door.port, head, most_bytes=1 << 30) < 1 << 30
    assert door.is_well()


def test_a_body_that_is_too_long_is_refused_in_words(door: Door) -> None:
    with door.fleet.client(door.good) as client:
        found = client.put("/configData", content=b"x" * (BODY_MOST_BYTES + 1))
    assert found.status_code == 413


@pytest.mark.parametrize("what", ["line", "one header", "many headers"])
def test_a_head_without_an_end_is_cut_off(door: Door, what: str) -> None:
    head = {
        "line": b"GET /",
        "one header": b"GET / HTTP/1.1\r\nX: ",
        "many headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000,
    }[what]
    assert rough.pour(door.port, head, most_bytes=64 << 20) < 64 << 20
    assert door.is_well()


@pytest.mark.slow
@pytest.mark.parametrize("what", [pytest.param("head", marks=pytest.mark.soak), "body"])
def test_a_client_that_sends_a_byte_now_and_then_is_let_go(door: Door, what: str) -> None:
    head = b"GET / HTTP/1.1\r\nX: "
    if what == "body":
        path = door.path(door.good, "/configData")
        head = rough.request("PUT", path, door.fleet.tokens[door.good], "Content-Length: 100000")
    rough.drip(door.port, head, gap_s=0.5, least=240)
    assert door.is_well()


@pytest.mark.slow
def test_ten_thousand_connections_that_say_nothing_keep_nobody_out(door: Door) -> None:
    with rough.connections(door.port, 10_000) as links:
        assert len(links) > 500, len(links)
        assert until(door.is_well)
    assert until(door.is_well)


def test_a_car_that_floods_harms_only_itself(door: Door) -> None:
    car = door.car()
    path, token = door.path(car, "/configData"), door.fleet.tokens[car]
    body = json.dumps({"data": {"model": "ev1"}}).encode()
    one = rough.request("PUT", path, token, f"Content-Length: {len(body)}", body=body)
    found = rough.statuses(rough.send(door.port, one * 2_000))
    assert set(found) <= {200, 429, 503}, set(found)
    assert 429 in found
    assert door.is_well()


def test_a_car_that_floods_is_told_when_to_come_again(door: Door) -> None:
    car = door.car()
    with door.fleet.client(car) as client:
        answers = (client.put("/configData", json={"data": {}}) for _ in range(2_000))
        held = next(one for one in answers if one.status_code == 429)
    assert int(held.headers["retry-after"]) >= 1


# Cars that lie.


def test_a_car_with_another_s_token_is_nobody(door: Door) -> None:
    victim, thief = door.car(), door.car()
    stolen = {"Authorization": f"TargetToken {door.fleet.tokens[thief]}"}
    with httpx.Client(base_url=door.fleet.url, headers=stolen) as client:
        for method, rest in (
            ("GET", ""), ("PUT", "/configData"), ("POST", "/deploymentBase/1/feedback"),
            ("GET", "/softwaremodules/1/artifacts/os.img"),
        ):  # fmt: skip
            found = client.request(method, door.path(victim, rest), json=said("closed", "success"))
            assert found.status_code == 401
    assert door.fleet.task(victim, victim).state is CarState.WAITING


def test_a_car_s_action_is_not_another_s_to_end(door: Door) -> None:
    victim, thief = door.car(), door.car()
    with door.fleet.client(victim) as theirs, door.fleet.client(thief) as mine:
        number = deployment(theirs)["id"]
        deployment(mine)
        found = mine.post(f"/deploymentBase/{number}/feedback", json=said("closed", "success"))
        assert found.status_code == 404
    assert door.fleet.task(victim, victim).state is CarState.TOLD


def test_feedback_that_is_replayed_counts_once(door: Door) -> None:
    car = door.car()
    with door.fleet.client(car) as client:
        path = f"/deploymentBase/{deployment(client)['id']}/feedback"
        answers = [client.post(path, json=said("closed", "success")) for _ in range(5)]
    assert [one.status_code for one in answers] == [200, 410, 410, 410, 410]
    campaign = door.fleet.campaign(car)
    assert sum(sum(one.counts) for one in campaign.tallies) == 1
    assert campaign.told == 1


def test_feedback_of_an_earlier_try_is_not_taken_for_the_later(door: Door) -> None:
    car = door.car(tries=2)
    with door.fleet.client(car) as client:
        first = deployment(client)["id"]
        assert client.post(
            f"/deploymentBase/{first}/feedback", json=said("closed", "failure")
        ).is_success
        second = until(
            lambda: (
                client.get("").json()["_links"].get("deploymentBase") and deployment(client)["id"]
            )
        )
        assert second != first
        late = client.post(f"/deploymentBase/{first}/feedback", json=said("closed", "success"))
    assert late.status_code == 410
    assert door.fleet.task(car, car).state is CarState.TOLD


def test_attributes_that_are_bombs_are_refused_or_bounded(door: Door) -> None:
    bombs = (
        b"[" * 100_000, b'{"data":' * 20_000, b'{"data":{"a":"' + b"b" * 200 + b'"}}',
        json.dumps({"data": {f"k{n}": "v" for n in range(1_000)}}).encode(),
        b'{"data":{"a":1e999}}', b"\xff\xfe", b'{"data":{"a":"\\ud800"}}', b"",
    )  # fmt: skip
    car = door.car()
    with door.fleet.client(car) as client:
        for one in bombs:
            found = client.put("/configData", content=one)
            assert found.status_code in {200, 400, 429}, (one[:40], found.text)
    assert len(door.fleet.attributes(car)) <= 100
    assert door.is_well()


def test_many_cars_at_once_each_get_what_is_theirs(door: Door) -> None:
    cars = [door.car() for _ in range(20)]
    with ExitStack() as stack:
        clients = [stack.enter_context(door.fleet.client(car)) for car in cars]
        numbers = [deployment(client)["id"] for client in clients]
    assert len(set(numbers)) == len(cars)
