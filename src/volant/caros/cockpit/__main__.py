"""`python -m volant.caros.cockpit --socket FD --listen FD`: the server's process; started by `launch`."""

from __future__ import annotations

import argparse
import socket

from volant.caros.cockpit.server import run


def main() -> None:
    """Serve until the feeder's socket closes."""
    parser = argparse.ArgumentParser(prog="volant.caros.cockpit")
    parser.add_argument("--socket", type=int, required=True, help="inherited pair to the feeder")
    parser.add_argument("--listen", type=int, required=True, help="inherited listening socket")
    arguments = parser.parse_args()
    run(socket.socket(fileno=arguments.socket), socket.socket(fileno=arguments.listen))


if __name__ == "__main__":
    main()
