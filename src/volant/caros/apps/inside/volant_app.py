"""What an app talks to its car through. Standard library only; it is there in every sandbox: `import volant_app`.

    import volant_app

    car = volant_app.Car()
    car.subscribe("Vehicle.Speed")
    while True:
        for path, (value, stamp_ns) in car.wait(10.0).items():
            print(path, value)

Two sockets are handed to an app: 3 for signals, 4 for its host. Each packet is one MessagePack map; see
docs/guides/apps.md. When the car asks an app to end, `wait` and every request raise `Ended`; what is left to do
is done in `finally`, within two seconds.
"""

from __future__ import annotations

import os
import select
import struct
import time

TYPE_CHECKING = False  # as in `typing`, whose import costs 10 ms of each start
if TYPE_CHECKING:
    import socket
    from typing import Any

SIGNALS, HOST = 3, 4
PACKET_MOST = 128 * 1024
CHUNK = 96 * 1024
BEAT_S = 1.0
ANSWER_S = 15.0  # the signal tree may just be starting anew

if TYPE_CHECKING:
    Values = dict[str, tuple[Any, int]]


class Refused(Exception):  # noqa: N818 - what an app reads: `except volant_app.Refused`
    """The car says no; `errors` has (code, reason) by path."""

    def __init__(self, errors: dict[str, tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{path}: {words}" for path, (_, words) in errors.items()))


class Ended(SystemExit):
    """The car asks the app to end now."""


class Car:
    """The car, as far as the app's manifest lets it reach."""

    def __init__(self) -> None:
        """Say that the app is ready."""
        self.actuations: list[dict[str, Any]] = []
        """Values that others want of what this app provides, oldest first."""
        self.moving: bool | None = None
        """Whether the car moves; None until it is told."""
        self._changed: Values = {}
        self._held: list[dict[str, Any]] = []
        """What is said again when the signal tree was started anew."""
        self._answers: dict[int, dict[str, Any]] = {}
        self._number, self._beat_s, self._greeted = 0, 0.0, False
        self._poll = select.poll()
        for end in (SIGNALS, HOST):
            os.set_blocking(end, False)
            self._poll.register(end, select.POLLIN)
        self._tell(HOST, {"op": "hello"})

    # --- signals ----------------------------------------------------------------------------------

    def get(self, *paths: str) -> Values:
        """Current values with their time in ns of Unix time, by path; a path may be a branch or pattern."""
        found = self._ask(SIGNALS, {"op": "get", "paths": paths})["values"]
        return {path: (value, stamp_ns) for path, (value, stamp_ns) in found.items()}

    def value(self, path: str) -> Any:
        """One current value; None while nobody has said it."""
        return self.get(path)[path][0]

    def set(self, values: dict[str, Any]) -> None:
        """Ask the car to move actuators: all, or none and `Refused` says why."""
        self._ask(SIGNALS, {"op": "set", "values": values})

    def subscribe(self, *paths: str) -> None:
        """Hear of changes from now on, and at once of what stands; `wait` gives them."""
        self._hold({"op": "subscribe", "paths": paths})

    def provide(self, *paths: str, actuation: bool = False) -> None:
        """Be the one who says signals, or with `actuation` who moves them (`actuations`)."""
        self._hold({"op": "provide", "paths": paths, "what": "actuation" if actuation else "data"})

    def publish(self, values: dict[str, Any]) -> None:
        """Say values of signals that this app provides."""
        self._ask(SIGNALS, {"op": "publish", "values": values})

    def wait(self, timeout_s: float = 1.0) -> Values:
        """What has changed, by path, the latest of each; empty after the time-out. Keeps the app alive."""
        until_s = time.monotonic() + timeout_s
        while not self._changed and not self.actuations:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                break
            self._turn(left_s)
        self._turn(0.0)
        changed, self._changed = self._changed, {}
        return changed

    # --- the host ---------------------------------------------------------------------------------

    def keep(self, name: str, data: bytes, *, append: bool = False) -> None:
        """Keep bytes under a name over restarts and updates; counts against the flash of the day."""
        for at in range(0, len(data) or 1, CHUNK):
            packet = {"op": "keep", "name": name, "data": data[at : at + CHUNK]}
            self._ask(HOST, {**packet, "append": append or at > 0})

    def kept(self, name: str) -> bytes | None:
        """What was kept under a name; None: nothing."""
        found = b""
        while True:
            answer = self._ask(HOST, {"op": "kept", "name": name, "offset": len(found)})
            if answer["size"] < 0:
                return None
            data: bytes = answer["data"]
            found += data
            if len(found) >= answer["size"] or not data:
                return found

    def names(self) -> dict[str, int]:
        """Size of all that is kept, by name."""
        return dict(self._ask(HOST, {"op": "names"})["names"])

    def drop(self, name: str) -> None:
        """Keep it no longer."""
        self._ask(HOST, {"op": "drop", "name": name})

    def show(self, title: str, *lines: str) -> None:
        """Put one card on the screen; refused while the car moves where the manifest does not say `card`."""
        self._ask(HOST, {"op": "show", "title": title, "lines": lines})

    def connect(self, host: str, port: int) -> socket.socket:
        """A TCP connection to a host that the manifest names."""
        import socket

        answer = self._ask(HOST, {"op": "connect", "host": host, "port": port})
        return socket.socket(fileno=answer["descriptor"])

    # --- packets ----------------------------------------------------------------------------------

    def _hold(self, request: dict[str, Any]) -> None:
        self._ask(SIGNALS, request)
        self._held.append(request)

    def _ask(self, end: int, request: dict[str, Any]) -> dict[str, Any]:
        number = self._send(end, request)
        until_s = time.monotonic() + ANSWER_S
        while number not in self._answers:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise Refused({"": ("unavailable", f"no answer to {request['op']}")})
            self._turn(left_s)
        answer = self._answers.pop(number)
        if answer.get("errors"):
            raise Refused({path: tuple(why) for path, why in answer["errors"].items()})
        return answer

    def _send(self, end: int, request: dict[str, Any]) -> int:
        self._number += 1
        self._tell(end, {**request, "id": self._number})
        return self._number

    def _tell(self, end: int, message: dict[str, Any]) -> None:
        packet = pack(message)
        for _ in range(2):
            try:
                os.write(end, packet)
            except BlockingIOError:  # the other side is busy
                waiting = select.poll()
                waiting.register(end, select.POLLOUT)
                waiting.poll(ANSWER_S * 1e3)
            except OSError as error:
                raise Ended(0) from error
            else:
                return
        raise Refused({"": ("unavailable", "the car does not listen")})

    def _turn(self, timeout_s: float) -> None:
        """Take in what has come, wait for it at most so long, and say now and then that all is well."""
        now_s = time.monotonic()
        if now_s - self._beat_s >= BEAT_S:
            self._beat_s = now_s
            self._tell(HOST, {"op": "beat"})
        for end, _ in self._poll.poll(min(timeout_s, BEAT_S) * 1e3):
            self._read(end)

    def _read(self, end: int) -> None:
        for _ in range(64):
            packet, descriptor = _receive(end)
            if packet is None:
                return
            message = unpack(packet)
            if descriptor is not None:
                message["descriptor"] = descriptor
            self._take(end, message)

    def _take(self, end: int, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
            while len(self._answers) > 64:  # answers that nobody waits for any more
                del self._answers[next(iter(self._answers))]
        elif end == HOST:
            self.moving = message.get("moving", self.moving)
            if "stop" in message:
                raise Ended(0)
        elif "values" in message:
            for path, (value, stamp_ns) in message["values"].items():
                self._changed[path] = (value, stamp_ns)
        elif "actuate" in message:
            self.actuations.append(message["actuate"])
        elif "hello" in message:
            if self._greeted:
                for request in self._held:
                    self._send(SIGNALS, request)
            self._greeted = True


def _receive(end: int) -> tuple[bytes | None, int | None]:
    """A packet with the descriptor that came along; None: nothing waits. The end of the car ends the app."""
    descriptor: int | None = None
    try:
        if end == HOST:
            import _socket  # `socket` costs 10 ms of each start

            host = _socket.socket(fileno=end)
            try:
                packet, extra, _, _ = host.recvmsg(PACKET_MOST, 64)
            finally:
                host.detach()
            for _, _, data in extra:
                descriptor = struct.unpack_from("i", data)[0]
        else:
            packet = os.read(end, PACKET_MOST)
    except BlockingIOError:
        return None, None
    except OSError as error:
        raise Ended(0) from error
    if not packet:
        raise Ended(0)
    return packet, descriptor


def pack(value: Any) -> bytes:
    """MessagePack of None, bool, int, float, str, bytes, lists, tuples and maps."""
    out: list[bytes] = []
    _pack(value, out.append)
    return b"".join(out)


def _pack(value: Any, add: Any) -> None:
    if value is None or value is True or value is False:
        add({None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value])
    elif isinstance(value, int):
        if 0 <= value < 128:
            add(bytes((value,)))
        else:
            add(struct.pack(">BQ", 0xCF, value) if value >= 0 else struct.pack(">Bq", 0xD3, value))
    elif isinstance(value, float):
        add(struct.pack(">Bd", 0xCB, value))
    elif isinstance(value, str):
        data = value.encode()
        add(struct.pack(">BI", 0xDB, len(data)) + data)
    elif isinstance(value, bytes | bytearray):
        add(struct.pack(">BI", 0xC6, len(value)) + bytes(value))
    elif isinstance(value, list | tuple):
        add(struct.pack(">BI", 0xDD, len(value)))
        for one in value:
            _pack(one, add)
    elif isinstance(value, dict):
        add(struct.pack(">BI", 0xDF, len(value)))
        for key, one in value.items():
            _pack(key, add)
            _pack(one, add)
    else:
        raise TypeError(f"{type(value).__name__} cannot be sent to the car")


def unpack(data: bytes) -> Any:
    """What `pack` or any other MessagePack encoder gave; ValueError where it is none."""
    try:
        value, end = _unpack(data, 0)
    except (struct.error, IndexError, RecursionError) as error:
        raise ValueError("no MessagePack") from error
    if end != len(data):
        raise ValueError("no MessagePack")
    return value


_FIXED = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h",
    0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_SIZED = {
    0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I", 0xDC: ">H", 0xDD: ">I",
    0xDE: ">H", 0xDF: ">I",
}  # fmt: skip
_WORDS = {0xC0: None, 0xC2: False, 0xC3: True}


def _unpack(data: bytes, at: int) -> tuple[Any, int]:
    code = data[at]
    at += 1
    if code < 0x80:
        return code, at
    if code >= 0xE0:
        return code - 256, at
    if code in _WORDS:
        return _WORDS[code], at
    if code in _FIXED:
        form = _FIXED[code]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    if code in _SIZED:
        form = _SIZED[code]
        size = struct.unpack_from(form, data, at)[0]
        at += struct.calcsize(form)
    else:
        size = code & (0x1F if 0xA0 <= code < 0xC0 else 0x0F)
    if size > len(data):
        raise ValueError("no MessagePack")
    if 0xA0 <= code < 0xC0 or 0xD9 <= code <= 0xDB:
        return _slice(data, at, size).decode(), at + size
    if 0xC4 <= code <= 0xC6:
        return _slice(data, at, size), at + size
    if 0x90 <= code < 0xA0 or code in (0xDC, 0xDD):
        items = []
        for _ in range(size):
            one, at = _unpack(data, at)
            items.append(one)
        return items, at
    if 0x80 <= code < 0x90 or code in (0xDE, 0xDF):
        found = {}
        for _ in range(size):
            key, at = _unpack(data, at)
            found[key], at = _unpack(data, at)
        return found, at
    raise ValueError("no MessagePack")


def _slice(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError("no MessagePack")
    return data[at : at + size]
