"""The process `apps` of the live car: hosts what is installed, each app behind its own walls.

Its death ends the apps, and they come back with it; its channel to the signals is the supervisor's and lasts.
One host at a time has the apps of a user: a second car runs none, says who has them, and asks again each second.
"""

from __future__ import annotations

import math
import os
import time
from typing import Final

from volant.app.app_lock import HELD, host_of, hosting
from volant.app.app_make import app_store
from volant.app.app_run import StatusFile
from volant.app.live_context import Context
from volant.app.live_record import BUDGET
from volant.app.live_station import Station
from volant.caros.apps.host import AppHost
from volant.caros.apps.isolation.probe import probe
from volant.caros.apps.store import AppStore
from volant.caros.ledger import FlashLedger
from volant.core import topics
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError
from volant.core.messages import AppCard, AppCards, PowerState

TURN_S: Final = 0.02
LOOK_S: Final = 0.5
AGAIN_S: Final = 1.0
"""Between two looks whether the apps are free."""
MOVING_MPS: Final = 0.3
CARDS_NS: Final = NS_PER_S


def apps(station: Station, context: Context) -> int:
    """Run the process."""
    store = app_store(context.state)
    if not station.go():
        return 0
    try:
        while not station.ending:
            with hosting(store, f"the car {os.getppid()}") as ours:
                if ours:
                    station.note = ""
                    if _first_app(station, store):
                        _host(station, context, store)
                    return 0
            if held_by := host_of(store):
                station.note = f"{HELD}{held_by} runs them; this car waits"
            _idle(station, AGAIN_S)
    except OSError as error:  # the folder of the apps cannot be made: the car drives without
        station.note = f"no apps: {error}"
        _idle(station)
    return 0


def _first_app(station: Station, store: AppStore) -> bool:
    """Wait until an app is installed: nothing is tried on this machine before."""
    while not station.ending:
        try:
            if store.rows():
                return True
        except InputError as error:
            station.note = str(error)
        station.beat()
        time.sleep(LOOK_S)
    return False


def _idle(station: Station, for_s: float = math.inf) -> None:
    end_s = time.monotonic() + for_s
    while not station.ending and time.monotonic() < end_s:
        station.beat()
        time.sleep(TURN_S)


def _host(station: Station, context: Context, store: AppStore) -> None:
    machine, offer = probe()
    car = station.bus.subscribe(topics.CAR_STATE, 1)
    power = station.bus.subscribe(topics.CAR_POWER, 1)
    ledger = FlashLedger(context.state, BUDGET)
    # Parked until the car says more: an app that is for driving does not start before.
    host = AppHost(store, machine, offer, context.apps[0], power=PowerState.PARKED, ledger=ledger)
    status = StatusFile(store, offer.level.word)
    board = _Board(station)
    try:
        while not station.ending:
            host.turn(TURN_S)
            station.bus.drain()
            if car.unread:
                host.move(moving=abs(car.take()[-1].speed_mps) > MOVING_MPS)
            if power.unread:
                host.power(power.take()[-1].state)
            board.say(host.cards())
            found = host.status()
            status.say(found)
            station.note = "; ".join(
                [f"isolation {offer.level.word}"]
                + [" | ".join((f"{one.id} {one.phase}", *one.card)) for one in found]
            )
            station.beat()
    finally:
        host.close()


class _Board:
    """Says what apps show, when it changes and now and then."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._said: tuple[AppCard, ...] | None = None
        self._said_ns = 0

    def say(self, cards: tuple[AppCard, ...]) -> None:
        now_ns = self._station.now_ns
        if cards != self._said or now_ns - self._said_ns >= CARDS_NS:
            self._said, self._said_ns = cards, now_ns
            self._station.bus.publish(topics.APP_CARDS, AppCards(stamp_ns=now_ns, cards=cards))
