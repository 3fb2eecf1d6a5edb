"""The process `energy`: what it keeps, whom it asks, and a route that is found anew."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from tests.caros.motorway import Drive
from tests.house.source_tree import REPO
from volant.app.compose import Trip, plan_trip
from volant.app.live_energy import FILE, Memory, Reader
from volant.app.live_route import RouteTeller
from volant.app.trip import TripWish
from volant.caros.energy import learn, outlook, route
from volant.caros.energy.facts import facts_of
from volant.caros.energy.profile import profile_of
from volant.caros.energy.sample import SPEED
from volant.caros.signals.line import LineServer
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.core.messages import Localization, Plan
from volant.core.units import kmh_from_mps
from volant.vehicle import load_spec
from volant.wire.vss import read_catalogues

FACTS = facts_of(load_spec(REPO / "cars" / "g3-520.toml"))
OTHER = facts_of(load_spec(REPO / "cars" / "p7.toml"))


def test_what_was_learned_is_kept(tmp_path: Path) -> None:
    memory = Memory(tmp_path, FACTS)
    learned, why = memory.read()
    assert (learned, why) == (learn.start(FACTS), "")
    driven = replace(learned, driven_m=4000.0)
    memory.keep(driven)
    again, why = Memory(tmp_path, FACTS).read()
    assert (again.driven_m, why) == (4000.0, "")
    assert not list(tmp_path.glob("*.part"))


def test_another_car_and_a_broken_file_begin_anew(tmp_path: Path) -> None:
    Memory(tmp_path, FACTS).keep(learn.start(FACTS))
    learned, why = Memory(tmp_path, OTHER).read()
    assert learned == learn.start(OTHER)
    assert why.startswith("learns anew: ")
    for data in (b"", b"{", b"\xff" * 99, b"[" * 70_000):
        (tmp_path / FILE).write_bytes(data)
        learned, why = Memory(tmp_path, FACTS).read()
        assert learned == learn.start(FACTS)
        assert why.startswith("learns anew: ")


def test_a_disk_that_refuses_loses_nothing_but_the_memory(tmp_path: Path) -> None:
    gone = Memory(tmp_path / "not" / "there", FACTS)
    gone.keep(learn.start(FACTS))
    assert gone.read()[0] == learn.start(FACTS)


@contextlib.contextmanager
def serving(path: Path) -> Iterator[SignalStore]:
    """A store on a socket, in a thread of its own."""
    signals = REPO / "cars" / "signals"
    store = SignalStore(read_catalogues([signals / "vss.toml", signals / "pilot.toml"]))
    loop = asyncio.new_event_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(4)
        server = LineServer(store, Rights.all())
        task = loop.create_task(server.serve(listener))
        thread = threading.Thread(target=_run, args=(loop, task))
        thread.start()
        try:
            yield store
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join(10.0)
            loop.close()
            path.unlink()


def _run(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    for left in asyncio.all_tasks(loop):
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(left)


def test_it_asks_the_signals_and_bears_their_death(tmp_path: Path) -> None:
    path = tmp_path / "signals.sock"
    reader = Reader(path)
    assert reader.read(0) == ({}, 0)
    profile = profile_of(np.array([0.0, 500.0]), np.zeros(2), np.full(2, 20.0))
    with serving(path) as store:
        told = route.values_of(profile) | {route.POSITION: 5.0, SPEED: 36.0}
        points = {store.leaf(name).id: Datapoint(value, 77) for name, value in told.items()}
        assert store.publish(Rights.all(), points) == {}
        values, stamp_ns = reader.read(1)
        assert stamp_ns == 77
        assert values[SPEED] == 36.0
        found = route.profile_on(values)
        assert found is not None
        assert found.length_m == 500.0
        assert set(outlook.PATHS) <= set(values)
    assert reader.read(2) == ({}, 0)
    with serving(path):
        assert reader.read(3)[1] == 0, "a car that says nothing yet"
    reader.close()


@cache
def trip(via: tuple[str, ...] = ()) -> Trip:
    return plan_trip(
        TripWish(
            car="g3-520", road=str(REPO / "maps" / "volant-world.xodr"), seed=1, sensors="typical",
            cars=0, start="market-car-park", to="harbour", via=via,
        )
    )  # fmt: skip


SEEN = Drive({}).latest(1.0)


def plan(left_m: float | None, rerouted: int = 0) -> Plan:
    assert SEEN.plan is not None
    return replace(SEEN.plan, distance_left_m=left_m, rerouted=rerouted)


def at(place: Trip, station_m: float) -> Localization:
    point = place.stretch.corridor.at(station_m)
    assert SEEN.localization is not None
    return replace(SEEN.localization, x_m=point.x_m, y_m=point.y_m, yaw_rad=point.heading_rad)


def test_the_route_is_told_once_and_the_position_always() -> None:
    teller = RouteTeller(trip(), ())
    first = teller.turn(plan(4000.0), None)
    assert set(first) == set(route.PATHS)
    later = teller.turn(plan(3000.0), None)
    assert set(later) == {route.POSITION}
    assert later[route.POSITION] - first[route.POSITION] == pytest.approx(1000.0)
    assert teller.turn(plan(None), None) == {route.POSITION: None}
    assert teller.turn(plan(1e6), None)[route.POSITION] == 0.0


@pytest.mark.parametrize("via", [(), ("stadium",)])
def test_a_way_found_anew_is_told_anew(via: tuple[str, ...]) -> None:
    place = trip(via)
    teller = RouteTeller(place, ())
    whole_m = teller.turn(plan(4000.0), None)[route.LENGTH]
    stretch = place.stretch
    station_m = stretch.start_m + 300.0
    left_m = stretch.destination_m - station_m
    told = teller.turn(plan(left_m, 1), at(place, station_m))
    assert told[route.LENGTH] == pytest.approx(whole_m - 300.0, abs=60.0)
    assert told[route.POSITION] == pytest.approx(0.0, abs=60.0)
    assert kmh_from_mps(40.0) > max(told[route.SPEED])


def test_a_way_that_nobody_finds_is_none() -> None:
    teller = RouteTeller(trip(), ())
    teller.turn(plan(4000.0), None)
    told = teller.turn(plan(90_000.0, 1), at(trip(), trip().stretch.start_m + 300.0))
    assert told[route.LENGTH] is None
    assert told[route.POSITION] is None
    assert teller.turn(plan(80_000.0, 1), None) == {route.POSITION: None}
