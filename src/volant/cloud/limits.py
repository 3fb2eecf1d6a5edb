"""How much anybody may ask of the cars' door, and who asks too much: counts that start anew with each turn of the clock."""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from msgspec import Meta

TURN_S: Final = 5.0
"""Counts are of so long; cars heard are stored as often."""
ADDRESSES_MOST: Final = 100_000
"""Addresses with errors that are told apart in one turn; beyond it all are one."""
WORDS_S: Final = 60.0
"""Between two times that the same is said in the log; a choice of ours."""
REST: Final = "other addresses"

Most = Annotated[int, Meta(ge=1, le=10_000_000)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All are choices of ours; table `limits` of `fleet.toml`."""

    car_requests: Most = 200
    """Requests of one car in five seconds: a download in many ranges is let through, a car that floods is not."""
    address_errors: Most = 50
    """Requests of one address in five seconds that were refused: each costs a look into the database. Many cars may
    share an address, so cars that are known go on."""
    waiting: Most = 4000
    """Requests that may wait for the database; more are asked to come again."""
    wake_sockets: Most = 200_000
    """Cars that one server keeps a connection open for."""
    wakes_per_s: Most = 2000
    """Cars that one server wakes in a second."""


@dataclass
class Seldom:
    """Lets the same words into the log once in `WORDS_S`: each car that is sent away would else be a line."""

    _said_s: dict[str, float] = field(default_factory=dict)

    def lets(self, kind: str, now_s: float) -> bool:
        """Whether it is time to say it."""
        if abs(now_s - self._said_s.get(kind, -WORDS_S)) < WORDS_S:
            return False
        self._said_s[kind] = now_s
        return True


@dataclass
class Counts:
    """What was asked since the last turn. Any thread may count a car."""

    limits: Limits
    cars: dict[str, int] = field(default_factory=dict)
    """Requests by car, of cars with a good token."""
    addresses: dict[str, int] = field(default_factory=dict)
    """Requests that were refused, by address."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def hear(self, car_id: str) -> bool:
        """Count a request of a car. False: it is one too many."""
        with self._lock:
            count = self.cars.get(car_id, 0) + 1
            self.cars[car_id] = count
        return count <= self.limits.car_requests

    def err(self, client: str) -> None:
        """Count a request that was refused."""
        address = self._address(client)
        self.addresses[address] = self.addresses.get(address, 0) + 1

    def lets(self, client: str) -> bool:
        """Whether somebody who is not known may ask at all."""
        if not self.addresses:
            return True
        return self.addresses.get(self._address(client), 0) < self.limits.address_errors

    def turn(self) -> list[str]:
        """Begin anew; the cars that were heard."""
        with self._lock:
            heard, self.cars = self.cars, {}
        self.addresses.clear()
        return list(heard)

    def _address(self, client: str) -> str:
        address = address_of(client)
        if address not in self.addresses and len(self.addresses) >= ADDRESSES_MOST:
            return REST
        return address


def address_of(client: str) -> str:
    """Who asks, of `ADDRESS:PORT`; of IPv6 the first 64 bits, which belong to one."""
    host = client.rpartition(":")[0].strip("[]")
    if ":" not in host:
        return host
    try:
        return str(ipaddress.ip_network(f"{host}/64", strict=False))
    except ValueError:
        return host
