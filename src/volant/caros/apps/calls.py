"""TCP for apps: the host calls whom a manifest names, and hands the app the open connection.

An app itself can open no socket at any level but none. Names are looked up by the host; one that leads to a
neighbour is refused unless the manifest names that very address. This machine itself is never called: there the
car's own services listen, and an app speaks with its car by its own sockets, with its own rights.
"""

from __future__ import annotations

import array
import ipaddress
import os
import signal
import socket
from typing import Final

import msgspec

from volant.caros.supervise.shell import close_all_but, die_with

CALL_MOST_S: Final = 5


def call(host: str, port: int, number: int, end: socket.socket) -> int:
    """Fork a caller that answers the app's request by itself; gives its process number."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        die_with(parent)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(2 * CALL_MOST_S)
        close_all_but({0, 1, 2, end.fileno()})
        _answer(host, port, number, end)
    finally:
        os._exit(0)


def _answer(host: str, port: int, number: int, end: socket.socket) -> None:
    try:
        connection = _connected(host, port)
    except OSError as error:
        words = {"": ("unavailable", f"{host}:{port}: {error}")}
        end.send(msgspec.msgpack.encode({"id": number, "errors": words}), socket.MSG_NOSIGNAL)
        return
    packet = msgspec.msgpack.encode({"id": number})
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [connection.fileno()]))]
    end.sendmsg([packet], rights, socket.MSG_NOSIGNAL)


def _connected(host: str, port: int) -> socket.socket:
    fault: OSError = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host.encode("ascii"), port, type=socket.SOCK_STREAM
    ):
        found = str(address[0])
        if is_here(found):
            fault = OSError(f"{found} is this machine, which an app does not call")
            continue
        if found != host and not ipaddress.ip_address(found.split("%")[0]).is_global:
            fault = OSError(f"leads to {found}, which is not out in the world")
            continue
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(CALL_MOST_S)
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            fault = error
            continue
        connection.settimeout(None)
        return connection
    raise fault


def is_here(found: str) -> bool:
    """Whether an address leads to this machine: loopback, unspecified, or one of its own."""
    address = ipaddress.ip_address(found.split("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False  # nobody can bind to an address that is not its own
    return True
