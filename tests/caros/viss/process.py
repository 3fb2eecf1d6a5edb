"""VISS as a process of its own, with the small tree: `python -m tests.caros.viss.process FOLDER`.

FOLDER may hold `cert.pem` and `key.pem` (TLS) and `jwt.pub` (tokens). A window and a list of it follow
what is asked of them; the speed is 50.
"""

import asyncio
import socket
import sys
import time
from pathlib import Path

from tests.caros.kuksa.broker import IDS, MODE, SPEED, WINDOW, catalogue
from tests.caros.viss.stand import ALL
from volant.caros.kuksa.tls import Tls
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.signals.tokens import TokenChecker
from volant.caros.viss.server import serve


async def main(folder: Path) -> None:
    certificate, key, jwt = folder / "cert.pem", folder / "key.pem", folder / "jwt.pub"
    store = SignalStore(catalogue())

    def tell(values) -> None:
        points = {leaf_id: Datapoint(value, time.time_ns()) for leaf_id, value in values.items()}
        assert not store.publish(ALL, points)

    tell({IDS[SPEED]: 50.0})
    store.claim("car", [IDS[WINDOW], IDS[MODE]], "actuation", ALL, tell)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        await serve(
            store,
            listener,
            checker=TokenChecker(jwt.read_bytes()) if jwt.exists() else None,
            tls=Tls(certificate.read_bytes(), key.read_bytes()) if key.exists() else None,
        )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
