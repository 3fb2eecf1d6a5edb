"""The car's line to its fleet: the word that it hears, and breaks."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from volant.app.updates_wake import WakeLine, period_s, wake_url

TOKEN = "TargetToken secret"


def until(true: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60.0
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.01)


class Hub:
    """A server that says what it is told to say."""

    def __init__(self) -> None:
        self.links: list[ServerConnection] = []
        self.server: Server = serve(
            self.hold, "127.0.0.1", 0, process_request=self.let_in, compression=None
        )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        port = self.server.socket.getsockname()[1]
        found = wake_url(f"http://127.0.0.1:{port}/uptane", "CAR 1")
        assert found is not None
        return found

    def let_in(self, link: ServerConnection, request: Request) -> Response | None:
        if request.path != "/DEFAULT/controller/v1/CAR%201/wake":
            return link.respond(404, "")
        return None if request.headers["Authorization"] == TOKEN else link.respond(401, "")

    def hold(self, link: ServerConnection) -> None:
        self.links.append(link)
        for _ in link:
            pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub()
    yield found
    found.server.shutdown()


def test_a_car_hears_that_it_is_to_come_and_nothing_else(hub: Hub) -> None:
    line = WakeLine(hub.url, "secret")
    until(lambda: bool(hub.links))
    hub.links[0].send("go away")
    hub.links[0].send("come")
    until(line.called)
    assert not line.called(), "once for each word"
    line.close()


def test_a_car_that_is_not_let_in_says_why(hub: Hub) -> None:
    line = WakeLine(hub.url, "wrong")
    until(lambda: "401" in line.why)
    assert not line.called()
    line.close()


def test_a_server_that_says_too_much_is_left(hub: Hub) -> None:
    line = WakeLine(hub.url, "secret")
    until(lambda: bool(hub.links))
    hub.links[0].send("come" * 1000)
    until(lambda: bool(line.why))
    assert not line.called()
    line.close()


def test_only_a_server_has_a_line_and_each_car_a_period_of_its_own() -> None:
    assert wake_url("/srv/repo", "CAR") is None
    assert (
        wake_url("https://a.example/uptane", "V") == "wss://a.example/DEFAULT/controller/v1/V/wake"
    )
    periods = {period_s(f"CAR{n}", 100.0) for n in range(100)}
    assert len(periods) == 100
    assert 90.0 <= min(periods) < 92.0 < 108.0 < max(periods) <= 110.0
