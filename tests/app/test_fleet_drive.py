"""The pool of connections against servers on real sockets, some of which behave badly."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from volant.app.fleet_cars import Making, make_car
from volant.app.fleet_drive import Drive, Spread
from volant.app.fleet_words import BROKEN, Kind

BASE = json.dumps({"config": {"polling": {"sleep": "00:00:01"}}}).encode()
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BASE) + BASE
Handler = Callable[[socket.socket], None]


@contextmanager
def server(handler: Handler) -> Iterator[tuple[str, int]]:
    """Each connection in a thread of its own."""
    listening = socket.create_server(("127.0.0.1", 0))

    def one(link: socket.socket) -> None:
        with link:
            handler(link)

    def run() -> None:
        while True:
            try:
                link, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(link,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield listening.getsockname()
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def drive_of(address: tuple[str, int], cars: int = 20, *, stay: bool = True) -> Drive:
    found = Drive(
        [make_car(Making(1), place, cars) for place in range(cars)],
        ["token"] * cars,
        address,
        links=4,
        stay=stay,
    )
    found.plan((time.monotonic(), place) for place in range(cars))
    return found


def until(drive: Drive, done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60.0
    while not done() and time.monotonic() < end_s:
        drive.turn()
    assert done()


def answers_all(link: socket.socket) -> None:
    while link.recv(65536):
        link.sendall(GOOD)


def closes_after_one(link: socket.socket) -> None:
    """As a server whose patience with an idle connection ends at once, without saying so."""
    link.recv(65536)
    link.sendall(GOOD)


def garbage(link: socket.socket) -> None:
    link.recv(65536)
    link.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def hangs_up(link: socket.socket) -> None:
    link.recv(65536)


@pytest.mark.parametrize("handler", [answers_all, closes_after_one])
def test_every_car_gets_its_answer(handler: Handler) -> None:
    with server(handler) as address:
        drive = drive_of(address)
        until(drive, lambda: drive.figures.kinds[Kind.POLL] >= 20)
        assert drive.figures.statuses[BROKEN] == 0
        assert all(car.sleep_s == 1.0 for car in drive.cars)
        assert drive.figures.answers.quantile_s(0.5) <= drive.figures.delays.quantile_s(0.99)
        drive.close()


@pytest.mark.parametrize("stay", [True, False])
def test_connections_stay_or_each_car_makes_its_own(stay: bool) -> None:
    made = []

    def counted(link: socket.socket) -> None:
        made.append(link)
        answers_all(link)

    with server(counted) as address, closing(drive_of(address, stay=stay)) as drive:
        until(drive, lambda: drive.figures.kinds[Kind.POLL] >= 20)
        assert drive.figures.statuses[BROKEN] == 0
        assert (len(made) <= 4) == stay
        assert stay or len(made) >= 20


def test_at_the_end_what_is_on_its_way_is_awaited_and_nothing_begun() -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def answers_late(link: socket.socket) -> None:
        while link.recv(65536):
            asked.set()
            may_answer.wait(60.0)
            link.sendall(GOOD)

    with server(answers_late) as address:
        drive = drive_of(address)
        until(drive, asked.is_set)
        may_answer.set()
        drive.settle(60.0)
        found = drive.figures.kinds[Kind.POLL]
        assert 1 <= found <= 8
        drive.turn(0.0)
        assert drive.figures.kinds[Kind.POLL] == found
        assert drive.behind == 20 - found
        drive.close()


@pytest.mark.parametrize("handler", [garbage, hangs_up])
def test_a_bad_server_is_told_from_a_good_one(handler: Handler) -> None:
    with server(handler) as address:
        drive = drive_of(address)
        until(drive, lambda: drive.figures.statuses[BROKEN] >= 20)
        assert drive.figures.requests == 0
        assert all(car.broken for car in drive.cars)
        drive.close()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = probe.getsockname()
    drive = drive_of(address)
    until(drive, lambda: drive.figures.statuses[BROKEN] >= 20)
    drive.close()


def test_times_are_counted_to_five_per_cent() -> None:
    spread = Spread()
    for place in range(1, 1001):
        spread.add(place * 1e-3)
    assert spread.quantile_s(0.5) == pytest.approx(0.5, rel=0.06)
    assert spread.quantile_s(0.99) == pytest.approx(0.99, rel=0.06)
    assert Spread().quantile_s(0.99) == 0.0
