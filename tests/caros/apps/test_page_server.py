"""An app's page over the wire: who gets in, with which rights, and for how long."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.caros.apps.paging import FLAP, WAIT_S, PagedCar
from volant.caros.apps import page_server
from volant.caros.apps.page_tokens import LIFE_S, TOKENS_MOST, PageTokens
from volant.caros.apps.pages import Page
from volant.caros.signals.tokens import TokenExpiredError
from volant.caros.signals.values import SignalError
from volant.core.messages import PowerState

FILES = {"index.html": b"<!doctype html><title>x</title>", "a/b.js": b"1"}
WINDOW = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"
NULL = {"Origin": "null"}


@pytest.fixture
def car(tmp_path: Path) -> Iterator[PagedCar]:
    with PagedCar(tmp_path) as one:
        yield one


def asked(
    address: str, data: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, Any]:
    request = urllib.request.Request(address, data, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def token_of(page: Page) -> str:
    status, body, _ = asked(page.address + "token", b"", NULL)
    assert status == 200, body
    found: str = json.loads(body)["token"]
    return found


def viss(page: Page, origin: str | None = "null") -> ClientConnection:
    address = page.address.replace("http", "ws") + "viss"
    return connect(address, origin=origin, subprotocols=["VISSv2"], proxy=None)  # type: ignore[arg-type]


def say(client: ClientConnection, **request: Any) -> Any:
    client.send(json.dumps({"requestId": "1", **request}))
    while "requestId" not in (answer := json.loads(client.recv(WAIT_S))):
        pass
    return answer


def is_open(page: Page) -> bool:
    try:
        socket.create_connection(("127.0.0.1", page.port), WAIT_S).close()
    except OSError:
        return False
    return True


def is_gone(page: Page) -> bool:
    """Nothing is answered, or that nobody has business there."""
    try:
        return asked(page.address)[0] == 403
    except OSError:
        return True


def drain(client: ClientConnection) -> None:
    """Read until the other side closes."""
    while True:
        client.recv(WAIT_S)


def settled(car: PagedCar, page: Page) -> None:
    """The page's server has heard that the car stands."""
    car.until(lambda: asked(page.address + "app/index.html")[0] == 200, "the page")


def test_files_come_from_the_page_s_folder_alone(car: PagedCar) -> None:
    page = car.install(FILES)
    settled(car, page)
    status, body, headers = asked(page.address + "app/a/b.js")
    assert (status, body) == (200, b"1")
    policy = headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in headers
    for path in ("app/../app.toml", "app/%2e%2e/app.toml", "app/..%2fapp.toml", "app/no.js", "no"):
        assert asked(page.address + path)[0] == 404, path


def test_nobody_gets_in_without_the_key_or_under_another_name(car: PagedCar) -> None:
    page = car.install(FILES)
    settled(car, page)
    base = f"http://127.0.0.1:{page.port}"
    for path in ("/", "/app/index.html", "/x/app/index.html", f"/{page.word.key[:-1]}/", "/%00/"):
        assert asked(base + path)[0] == 403, path
    assert asked(page.address, headers={"Host": f"evil.example:{page.port}"})[0] == 403
    assert asked(page.address, headers={"Host": f"localhost:{page.port}"})[0] == 403
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{page.port}/{page.word.key}x/viss", origin="null", proxy=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("origin", [None, "http://evil.example", "own", "other port"])
def test_only_what_has_no_origin_is_the_app(car: PagedCar, origin: str | None) -> None:
    page = car.install(FILES)
    settled(car, page)
    own = f"http://127.0.0.1:{page.port}"
    words = {"own": own, "other port": "http://127.0.0.1:8740"}.get(origin or "", origin)
    headers = {} if words is None else {"Origin": words}
    assert asked(page.address + "token", b"", headers)[0] == 403
    assert asked(page.address + "card", b"{}", headers)[0] == 403
    with pytest.raises(InvalidStatus):
        viss(page, words)
    with pytest.raises(InvalidStatus):  # and what it may not is told to our frame alone
        connect(page.address.replace("http", "ws") + "state", origin="null", proxy=None)  # type: ignore[arg-type]


def test_a_token_gives_what_the_manifest_names_and_no_more(car: PagedCar) -> None:
    page = car.install(
        FILES, signals=("read:Vehicle.Speed", f"actuate:{WINDOW}", f"actuate:{FLAP}")
    )
    car.say(Speed=42.0, CurrentLocation__Latitude=48.0)
    settled(car, page)
    token = token_of(page)
    with viss(page) as client:
        got = say(client, action="get", path="Vehicle.Speed", authorization=token)
        assert got["data"]["dp"]["value"] == "42"
        for request, reason in (
            (
                {"action": "get", "path": "Vehicle.CurrentLocation.Latitude"},
                "insufficient_priviledges",
            ),
            ({"action": "get", "path": "Vehicle"}, "insufficient_priviledges"),
            ({"action": "subscribe", "path": "Vehicle.Cabin"}, "insufficient_priviledges"),
            (
                {"action": "set", "path": "Vehicle.Body.Horn.IsActive", "value": "true"},
                "insufficient_priviledges",
            ),
            ({"action": "set", "path": FLAP, "value": "true"}, "service_unavailable"),
        ):
            answer = say(client, authorization=token, **request)
            assert answer["error"]["reason"] == reason, request
        assert "parked only" in answer["error"]["message"]
        assert "error" not in say(
            client, action="set", path=WINDOW, value="50", authorization=token
        )
    assert car.moved == [("app:org.example.page", WINDOW, 50)]


def test_no_other_token_is_one(car: PagedCar) -> None:
    page = car.install(FILES)
    other = car.install(FILES, app="org.example.other", signals=("read:Vehicle.Cabin",))
    settled(car, page)
    settled(car, other)
    theirs = token_of(other)
    with viss(page) as client:
        for token, reason in (
            (None, "token_missing"),
            ("x", "token_invalid"),
            (theirs, "token_invalid"),
        ):
            answer = say(client, action="get", path="Vehicle.Speed", authorization=token)
            assert answer["error"]["reason"] == reason


def test_tokens_end_by_themselves_at_a_word_and_when_there_are_many() -> None:
    tokens = PageTokens("read:Vehicle.Speed")
    one = tokens.issue(1000.0)
    assert tokens.rights(one, 1000.0 + LIFE_S - 1.0).may_read("Vehicle.Speed")
    assert not tokens.rights(one, 1000.0).may_read("Vehicle.Cabin.DoorCount")
    assert not tokens.rights(one, 1000.0).may_actuate("Vehicle.Speed")
    with pytest.raises(TokenExpiredError):
        tokens.rights(one, 1000.0 + LIFE_S)
    for _ in range(TOKENS_MOST):
        last = tokens.issue(1000.0)
    with pytest.raises(SignalError):
        tokens.rights(one, 1000.0)
    tokens.revoke()
    with pytest.raises(SignalError):
        tokens.rights(last, 1000.0)


def test_what_shows_nothing_is_cut_off_when_the_car_moves(car: PagedCar) -> None:
    page = car.install(FILES)
    settled(car, page)
    token = token_of(page)
    with viss(page) as client:
        assert "error" not in say(
            client, action="subscribe", path="Vehicle.Speed", authorization=token
        )
        car.move(True)
        with pytest.raises(ConnectionClosed):
            drain(client)
    assert asked(page.address + "app/index.html")[0] == 403
    assert asked(page.address + "token", b"", NULL)[0] == 403
    with pytest.raises(InvalidStatus):
        viss(page)
    car.move(False)
    settled(car, page)
    with viss(page) as client:
        answer = say(client, action="get", path="Vehicle.Speed", authorization=token)
        assert answer["error"]["reason"] == "token_invalid"


def test_what_shows_a_card_goes_on_behind_it(car: PagedCar) -> None:
    page = car.install(FILES, while_moving="card")
    settled(car, page)
    token = token_of(page)
    car.move(True)
    body = json.dumps({"token": token, "title": "Trip", "lines": ["1 km"]}).encode()
    assert asked(page.address + "card", body, NULL)[0] == 204
    car.until(lambda: page.card == ("Trip", "1 km"), "the card")
    car.sync(PowerState.SLEEP)
    assert car.pages.get(page.word.app) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b'{"token": "x", "title": "t"}', 401),
        (b'{"token": "TOKEN", "title": "' + b"t" * 41 + b'"}', 400),
        (b'{"token": "TOKEN", "title": "t", "lines": ["a", "b", "c"]}', 400),
        (b'{"token": "TOKEN", "title": "t", "more": 1}', 400),
        (b"[" * 1000, 400),
        (b" " * 2000, 413),
    ],
)
def test_a_card_that_is_none_is_refused(car: PagedCar, body: bytes, status: int) -> None:
    page = car.install(FILES, while_moving="card")
    settled(car, page)
    data = body.replace(b"TOKEN", token_of(page).encode())
    assert asked(page.address + "card", data, NULL)[0] == status
    car.turn()
    assert page.card == ()


def test_a_host_that_falls_silent_counts_as_moving(car: PagedCar) -> None:
    page = car.install(FILES)
    settled(car, page)
    end_s = time.monotonic() + WAIT_S
    while asked(page.address + "app/index.html")[0] == 200:
        assert time.monotonic() < end_s
        time.sleep(0.1)
    settled(car, page)  # it speaks again


def test_an_app_that_goes_takes_its_page_along(car: PagedCar) -> None:
    page = car.install(FILES)
    settled(car, page)
    with viss(page) as client:
        car.apps.enable(page.word.app, on=False)
        car.sync()
        with pytest.raises(ConnectionClosed):
            client.recv(WAIT_S)
    assert is_gone(page)
    car.until(lambda: not is_open(page), "its socket to close")


def test_who_serves_the_pages_anew_is_handed_them_again(car: PagedCar) -> None:
    page = car.install(FILES)
    settled(car, page)
    car.call(car.door.close)
    car.call(car.door.open)
    car.pages.again()
    settled(car, page)


def test_our_frame_is_told_and_is_the_only_one(car: PagedCar, tmp_path: Path) -> None:
    page = car.install(FILES, while_moving="card")
    settled(car, page)
    own = f"http://127.0.0.1:{page.port}"
    with connect(page.address.replace("http", "ws") + "state", origin=own, proxy=None) as frame:  # type: ignore[arg-type]
        told = json.loads(frame.recv(WAIT_S))
        assert told == {
            "name": "Page of org.example.page",
            "page": "index.html",
            "while_moving": "card",
            "moving": False,
            "card": [],
        }
        car.move(True)
        while not json.loads(frame.recv(WAIT_S))["moving"]:
            pass
    policy = asked(page.address)[2]["content-security-policy"]
    assert f"frame-src {page.address}app/;" in policy
    assert "frame-ancestors 'none'" in policy
    assert page_server.FRAME.name == "app"
