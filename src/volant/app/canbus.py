"""The car's buses outside the process: python-can behind the port `FramePort`, opened and closed here.

`--bus` takes a kind: `inline` stays within the process and virtual time (the default, byte for byte the
same each time), any other is an interface of python-can with its channels.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import can

from volant.app.folders import data_folder
from volant.core.errors import InputError, LinkError
from volant.core.settings import search_folders
from volant.vehicle.network import CarMapping, Frame, FramePort, Media, Ports, load_mapping
from volant.vehicle.network.frames import QUEUE_FRAMES

INLINE: Final = "inline"
BITRATE: Final = 500_000
WAITING_FRAMES: Final = 16 * QUEUE_FRAMES
"""Kept by python-can's virtual bus for one port: a node that floods fills no memory."""


@dataclass(frozen=True, slots=True)
class BusWish:
    """Where the buses are: an interface, and a channel for each bus or one for all."""

    interface: str
    channels: tuple[str, ...] = ()
    named: Mapping[str, str] | None = None

    def channel(self, bus: str, buses: Sequence[str]) -> str:
        """The channel of a bus.

        Raises:
            InputError: none is named for it.
        """
        if self.named is not None:
            if bus not in self.named:
                raise InputError(f"--bus names no channel for {bus!r}")
            return self.named[bus]
        if not self.channels:
            return f"volant-{bus}"
        if len(self.channels) == 1:
            return self.channels[0]
        return self.channels[list(buses).index(bus)]


def parse_bus(words: str, buses: Sequence[str]) -> BusWish:
    """`inline`, `virtual`, `socketcan:can0`, `socketcan:can0,can1,...` or `...:chassis=can0,...`.

    Raises:
        InputError: not of this form, or not one channel for all or for each bus.
    """
    interface, colon, rest = words.partition(":")
    known = {INLINE, *can.VALID_INTERFACES}
    if interface not in known:
        raise InputError(f"no bus {interface!r}, expected one of {', '.join(sorted(known))}")
    parts = tuple(part.strip() for part in rest.split(",")) if colon else ()
    if any(not part for part in parts):
        raise InputError(f"an empty channel in {words!r}")
    if any("=" in part for part in parts):
        named = dict(part.split("=", 1) for part in parts if "=" in part)
        if len(named) != len(parts) or not set(named) <= set(buses):
            raise InputError(f"channels {rest!r}, expected BUS=CHANNEL for {', '.join(buses)}")
        return BusWish(interface, (), named)
    if len(parts) not in (0, 1, len(buses)):
        raise InputError(f"{len(parts)} channels, expected 1 or one each for {', '.join(buses)}")
    if not parts and interface not in (INLINE, "virtual"):
        raise InputError(f"{interface} wants a channel, such as {interface}:can0")
    return BusWish(interface, parts)


class CanPort:
    """One unit's way to a bus of python-can; implements `FramePort`."""

    def __init__(self, bus: Any, ids: frozenset[int] | None = None) -> None:
        self._bus, self._ids = bus, ids
        self.lost = 0

    def send(self, frame: Frame) -> bool:
        """Hand a frame over without waiting; False: the bus did not take it."""
        message = can.Message(
            arbitration_id=frame.can_id,
            data=frame.data,
            is_extended_id=frame.extended,
            check=False,
        )
        try:
            self._bus.send(message, timeout=0)
        except (can.CanError, OSError, ValueError):
            return False
        return True

    def receive(self) -> list[Frame]:
        """Data frames that have come, the newest of them where there are too many.

        The port is emptied each time: an old command in a queue must not be taken for a new one.
        """
        frames: deque[Frame] = deque(maxlen=QUEUE_FRAMES)
        for count in range(WAITING_FRAMES):
            try:
                message = self._bus.recv(timeout=0)
            except (can.CanError, OSError, ValueError):
                break
            if message is None:
                break
            if count == QUEUE_FRAMES:
                self.lost += 1
            heard = self._ids is None or message.arbitration_id in self._ids
            if heard and not (message.is_error_frame or message.is_remote_frame):
                frames.append(
                    Frame(message.arbitration_id, bytes(message.data), message.is_extended_id)
                )
        return list(frames)

    @property
    def descriptor(self) -> int | None:
        """Can be read when a frame has come; None: the interface has no such thing."""
        try:
            found = self._bus.fileno()
        except (NotImplementedError, can.CanError, OSError):
            return None
        return found if found >= 0 else None

    def close(self) -> None:
        """Give the bus back."""
        with contextlib.suppress(can.CanError, OSError):
            self._bus.shutdown()


@contextlib.contextmanager
def open_ports(words: str, buses: Sequence[str]) -> Iterator[Ports]:
    """Ports to the buses of a wish, closed at the end.

    Raises:
        InputError: the wish is wrong.
        LinkError: a bus cannot be opened here.
    """
    wish = parse_bus(words, buses)
    if wish.interface == INLINE:
        yield Media()
        return
    opened: list[CanPort] = []

    def port(bus: str, unit: str, ids: frozenset[int] | None) -> FramePort:
        channel = wish.channel(bus, buses)
        settings: dict[str, Any] = {"interface": wish.interface, "channel": channel}
        if wish.interface == "virtual":
            settings["rx_queue_size"] = WAITING_FRAMES
        else:
            settings["bitrate"] = BITRATE
        try:
            opened.append(CanPort(can.Bus(ignore_config=True, **settings), ids))
        except (can.CanError, OSError, ImportError, ValueError, NotImplementedError) as error:
            raise LinkError(
                f"bus {bus} of {unit}: {wish.interface} {channel} cannot be opened: {error}"
            ) from error
        return opened[-1]

    try:
        yield port
    finally:
        for one in opened:
            one.close()


def find_mapping() -> Path:
    """The mapping of the car's network, looked for where cars are.

    Raises:
        InputError: there is none.
    """
    for folder in search_folders("cars", data_folder()):
        path = folder / "network" / "mapping.toml"
        if path.is_file():
            return path
    raise InputError("no cars/network/mapping.toml in the folders of cars")


def load_network() -> CarMapping:
    """The car's mapping with its data bases.

    Raises:
        InputError: there is none, or it contradicts itself.
    """
    return load_mapping(find_mapping())


Report = Callable[[int, bool, int, Mapping[int, bytes]], None]


def code_words(code: int) -> str:
    """A trouble code as people write it: `U0129-87` (SAE J2012)."""
    high = code >> 8
    return f"{'PCBU'[high >> 14 & 3]}{high >> 12 & 3}{high & 0xFFF:03X}-{code & 0xFF:02X}"
