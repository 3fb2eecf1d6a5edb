"""A process that counts in a fleet's database until it is killed, and tells each number that it has stored."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from volant.cloud.ddi.device import Device
from volant.cloud.store import SqlStore


def count(place: Path | str, name: str, told: Connection) -> None:
    store = SqlStore(place)
    while True:
        with store.work() as work:
            number = work.number("step")
            work.log(at_s=1.0, by=name, act="step", data={"number": number})
            work.put_device(
                Device(controller_id=f"car-{number % 7}", attributes={"n": str(number)})
            )
        told.send(number)
