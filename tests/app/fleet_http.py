"""The cars' Uptane door over HTTP on a thread of its own, for tests that need a network and no whole server."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_keys import FleetKeys
from volant.cloud.uptane import PREFIX, UptaneDoor


@contextlib.contextmanager
def uptane_served(fleet: Path) -> Iterator[str]:
    """Serve a fleet's folder; gives the address that cars join."""
    with FleetFolder(fleet) as home:
        door = UptaneDoor(home.fleet, FleetKeys(home.path), time.time)

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def answered(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                headers = {name.lower(): text for name, text in self.headers.items()}
                path = self.path.removeprefix(PREFIX)
                found = door.answer(self.command, path, headers, self.rfile.read(length))
                self.send_response(found.status)
                for name, text in found.headers.items():
                    if name != "content-length":
                        self.send_header(name, text)
                blocks = [found.body]
                if found.file is not None:
                    file, part = found.file
                    blocks = list(home.artifacts.blocks(file.sha256, part.begin, part.end))
                self.send_header("content-length", str(sum(map(len, blocks))))
                self.end_headers()
                for block in blocks:
                    self.wfile.write(block)

            do_GET = do_POST = answered  # noqa: N815 - names that http.server looks for

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}"
            finally:
                server.shutdown()
                thread.join()
