"""A process that counts in a fleet's database until it is killed: `python -m tests.cloud.store.counting PLACE NAME`."""

from __future__ import annotations

import sys
from pathlib import Path

from volant.cloud.ddi.device import Device
from volant.cloud.store import SqlStore


def main(place: str, name: str) -> None:
    store = SqlStore(place if "://" in place else Path(place))
    while True:
        with store.work() as work:
            number = work.number("step")
            work.log(at_s=1.0, by=name, act="step", data={"number": number})
            work.put_device(
                Device(controller_id=f"car-{number % 7}", attributes={"n": str(number)})
            )
        print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
