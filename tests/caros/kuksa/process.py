"""A broker as a process of its own, with the small tree: `python -m tests.caros.kuksa.process FOLDER`.

FOLDER may hold `cert.pem` and `key.pem` (TLS) and `jwt.pub` (tokens); `no-bridge` keeps v1 targets apart.
"""

import asyncio
import sys
from pathlib import Path

from tests.caros.kuksa.broker import catalogue
from volant.caros.kuksa.server import serve
from volant.caros.kuksa.tls import Tls
from volant.caros.signals.store import SignalStore
from volant.caros.signals.tokens import TokenChecker


async def main(folder: Path) -> None:
    certificate, key, jwt = folder / "cert.pem", folder / "key.pem", folder / "jwt.pub"
    store = SignalStore(catalogue(), bridge=not (folder / "no-bridge").exists())
    server = await serve(
        store,
        "127.0.0.1:0",
        checker=TokenChecker(jwt.read_bytes()) if jwt.exists() else None,
        tls=Tls(certificate.read_bytes(), key.read_bytes()) if key.exists() else None,
    )
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    await server.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
