"""Open lines of simulated cars, against a WebSocket server that is not ours, on a real socket."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from websockets.sync.server import ServerConnection, serve

from volant.app.fleet_cars import Making
from volant.app.fleet_drive import Drive
from volant.app.fleet_lines import Line, Lines
from volant.app.fleet_steps import make_cars
from volant.app.fleet_words import Kind
from volant.core.chance import Chance

WAIT_S = 60.0


@contextmanager
def server(handler: Callable[[ServerConnection], None]) -> Iterator[tuple[str, int]]:
    """Each connection in a thread of its own."""
    with serve(handler, "127.0.0.1", 0, compression=None) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found.socket.getsockname()
        found.shutdown()
        thread.join(WAIT_S)


class Keeper:
    """Lines and what came on them, by a clock that may run ahead of the machine's."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.called: list[int] = []
        self.selector = selectors.DefaultSelector()
        self.lines = Lines(self.selector, address, self.called.append, Chance.of(1, "lines"))
        self.ahead_s = 0.0

    def close(self) -> None:
        self.lines.close()
        self.selector.close()

    def until(self, done: Callable[[], bool]) -> None:
        end_s = time.monotonic() + WAIT_S
        while not done() and time.monotonic() < end_s:
            now_s = time.monotonic() + self.ahead_s
            self.lines.turn(now_s)
            for key, mask in self.selector.select(0.05):
                assert isinstance(key.data, Line)
                self.lines.ready(key.data, mask, now_s)
        assert done()


def test_a_line_is_kept_by_path_and_token_and_calls_are_heard() -> None:
    seen: list[tuple[str, str]] = []

    def calls(link: ServerConnection) -> None:
        assert link.request is not None
        seen.append((link.request.path, link.request.headers["Authorization"]))
        link.send("what")
        link.send("come")
        for _ in link:
            pass

    with server(calls) as address:
        keeper = Keeper(address)
        keeper.lines.keep(7, "sim-1-0000007", "word")
        keeper.lines.keep(9, "sim-1-0000009", "other")
        keeper.until(lambda: len(keeper.called) == 2)
        assert sorted(keeper.called) == [7, 9]
        assert (keeper.lines.up, keeper.lines.calls) == (2, 2)
        assert sorted(seen) == [
            ("/DEFAULT/controller/v1/sim-1-0000007/wake", "TargetToken word"),
            ("/DEFAULT/controller/v1/sim-1-0000009/wake", "TargetToken other"),
        ]
        keeper.close()
        assert keeper.lines.up == 0


def test_a_line_that_breaks_is_opened_again_but_not_at_once() -> None:
    count = [0]

    def hangs_up(link: ServerConnection) -> None:
        count[0] += 1
        link.close()

    with server(hangs_up) as address:
        keeper = Keeper(address)
        keeper.lines.keep(0, "car", "word")
        keeper.until(lambda: count[0] == 1 and not keeper.lines.up and not keeper.lines._lines)
        assert len(keeper.lines._later) == 1
        keeper.ahead_s = 10.0
        keeper.until(lambda: count[0] == 2)
        keeper.close()


def test_lines_are_opened_a_few_at_a_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        keeper = Keeper(listening.getsockname())
        for place in range(100):
            keeper.lines.keep(place, f"car-{place}", "word")
        keeper.lines.turn(1000.0)
        assert len(keeper.lines._lines) == 20
        keeper.lines.turn(1001.0)
        assert len(keeper.lines._lines) == 40
        keeper.close()


def test_a_car_that_is_called_comes_at_once_or_when_it_is_through() -> None:
    now = [100.0]
    cars, _ = make_cars(Making(1), 3)
    drive = Drive(cars, ["token"] * 3, ("127.0.0.1", 9), clock_s=lambda: now[0])
    drive.plan((200.0 + place, place) for place in range(3))
    drive._call(1)
    assert list(drive._ready) == [(100.0, 1)]
    drive._call(1)
    assert drive.behind == 1, "it is on its way"
    assert (drive.figures.called, drive.figures.by_themselves) == (1, 0)
    drive._ready.clear()
    drive._let_wait(1, 50.0, now[0])
    assert list(drive._ready) == [(100.0, 1)], "what it was called for meanwhile it asks now"
    drive._ready.clear()
    drive._let_wait(1, 500.0, now[0])
    now[0] = 202.0
    drive.turn(0.0)
    assert drive.figures.by_themselves == 2, (
        "of cars 0 and 2; what car 1 had planned before is void"
    )
    assert drive.figures.kinds[Kind.POLL] == 0
    drive.close()
