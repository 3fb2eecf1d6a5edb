"""The car on Bluetooth LE: one service with an inbox and an outbox, which carries capsules to a door.

It trusts nothing that the radio says. Writing needs no pairing of the radio, since capsules protect themselves; a
bond (LE Secure Connections only) is given to peers that have shown a key, hides what passes from bystanders and makes
coming back quicker. Whoever shows no key in time, sends too much or cuts a frame loses the connection.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bumble import att, gatt, hci
from bumble.core import UUID
from bumble.core import ProtocolError as BumbleError
from bumble.device import Connection as RadioConnection
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from bumble.transport.common import Transport

from volant.core.errors import InputError
from volant.link.door import Door, Said
from volant.trust.key.beacon import CHANCE_BYTES, ROTATE_S, advertisement
from volant.trust.key.codes import IDLE_MOST_NS, KEYS_MOST
from volant.trust.key.frames import (
    INBOX_UUID,
    MTU,
    OUTBOX_UUID,
    SERVICE_UUID,
    Partial,
    cut,
    take,
)

_LOG = logging.getLogger(__name__)
_NOTIFY = b"\x01\x00"


@dataclass(frozen=True, slots=True)
class BleTuning:
    """How the car shares its few connections; our own values."""

    connections: int = 4
    """At the same time. A usual radio holds 4 to 8 (recalled)."""
    stranger_s: float = IDLE_MOST_NS / 1e9
    """A peer that has shown no key after this long is cut off."""
    stranger_capsules: int = 8
    """Honest phones need two; each HELLO costs the car an agreement of keys."""
    frame_s: float = 2.0
    """A frame that is not whole after this long is cut, and its peer with it."""
    silent_s: float = 60.0
    """A known phone that says nothing for so long gives its place back."""
    unsent_most: int = 64
    """Packets that wait for a peer that does not take them."""
    advertise_ms: float = 30.0
    """Between advertisements; short, since the car has power and a person waits."""
    rotate_s: float = ROTATE_S
    """How long an address and a hint are shown."""


class _Delegate(PairingDelegate):
    """Bonds with peers that have shown a key, and gives nothing of the car's identity away."""

    def __init__(self, known: Callable[[], bool]) -> None:
        keys = PairingDelegate.KeyDistribution
        super().__init__(
            PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT,
            keys.DISTRIBUTE_ENCRYPTION_KEY | keys.DISTRIBUTE_IDENTITY_KEY,
            keys.DISTRIBUTE_ENCRYPTION_KEY,
        )
        self._known = known

    async def accept(self) -> bool:
        return self._known()


class _Peer:
    """One connection; what the door sees of it."""

    local = True

    def __init__(self, car: CarBle, number: int, radio: RadioConnection) -> None:
        self.number, self.radio = number, radio
        self.known = self.listening = self.ended = False
        self.capsules = 0
        self.partial = Partial()
        self._car = car
        self._frame_end: asyncio.TimerHandle | None = None
        self._end = car.later(car.tuning.stranger_s, self.drop)

    def took(self, piece: bytes) -> bytes | None:
        """One piece more of a frame, which has a time to become whole."""
        self.partial, capsule = take(self.partial, piece)
        if self._frame_end and not self.partial.open:
            self._frame_end.cancel()
            self._frame_end = None
        elif self.partial.open and self._frame_end is None:
            self._frame_end = self._car.later(self._car.tuning.frame_s, self.drop)
        return capsule

    def became_known(self) -> None:
        """Also: said something again."""
        self.known = True
        self._end.cancel()
        self._end = self._car.later(self._car.tuning.silent_s, self.drop)

    def send(self, capsule: bytes) -> None:
        if not self.ended and self.listening:
            self._car.notify(self, capsule)

    def drop(self) -> None:
        self._car.hang_up(self)

    def close(self) -> None:
        """Its timers end with it."""
        self.ended = True
        self._end.cancel()
        if self._frame_end:
            self._frame_end.cancel()


class CarBle:
    """The car's end of the radio; `start` on a pair of source and sink, or `open` by a transport string."""

    def __init__(
        self, door: Door, car_id: bytes, tuning: BleTuning | None = None,
        clock: Callable[[], int] | None = None, chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:  # fmt: skip
        self.tuning = tuning or BleTuning()
        self._door, self._car_id, self._chance = door, car_id, chance
        self._clock = clock or (lambda: round(asyncio.get_running_loop().time() * 1e9))
        self._peers: dict[int, _Peer] = {}
        self._number = 0
        self._bonded: dict[str, None] = {}
        self._changed = asyncio.Event()
        self._shown, self._renew_s = b"", 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._transport: Transport | None = None
        self._keys = MemoryKeyStore()
        self._inbox: gatt.Characteristic[bytes] = gatt.Characteristic(
            UUID(INBOX_UUID),
            gatt.Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            gatt.Characteristic.WRITEABLE,
            gatt.CharacteristicValue(write=self._wrote),
        )
        self._outbox: gatt.Characteristic[bytes] = gatt.Characteristic(
            UUID(OUTBOX_UUID), gatt.Characteristic.Properties.NOTIFY, att.Attribute.Permissions(0)
        )

    @property
    def connections(self) -> int:
        """How many peers hold one just now."""
        return len(self._peers)

    async def open(self, transport: str) -> None:
        """Start on a radio by name: `usb:0`, `tcp-client:127.0.0.1:PORT`, whatever bumble knows."""
        self._transport = await open_transport(transport)
        await self.start(self._transport.source, self._transport.sink)

    async def start(self, source: Any, sink: Any) -> None:
        """Be there for phones."""
        config = DeviceConfiguration(name="", irk=self._chance(16), address=self._address())
        self._device = Device(config=config, host=Host(source, sink))
        self._device.keystore = self._keys
        self._device.add_service(gatt.Service(UUID(SERVICE_UUID), [self._inbox, self._outbox]))
        self._device.gatt_server.max_mtu = MTU
        self._device.pairing_config_factory = self._pairing
        self._device.on("connection", self._connected)
        self._outbox.on("subscription", self._subscribed)
        await self._device.power_on()
        self._spawn(self._advertise())

    async def close(self) -> None:
        """Leave the air; phones see the end of their connections."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in tuple(self._peers.values()):
            await self._disconnect(peer)
        await self._device.stop_advertising()
        await self._device.power_off()
        if self._transport is not None:
            await self._transport.close()

    def rename(self, car_id: bytes) -> None:
        """The car has another id, after a factory reset; bonds end too."""
        self._car_id = car_id
        self._keys.all_keys.clear()
        self._bonded.clear()
        self._renew_s = 0.0
        self._changed.set()

    def later(self, after_s: float, work: Callable[[], None]) -> asyncio.TimerHandle:
        """A timer."""
        return asyncio.get_running_loop().call_later(after_s, work)

    def notify(self, peer: _Peer, capsule: bytes) -> None:
        """Send a capsule in order; a peer that takes nothing is cut off instead of being waited for."""
        queue = self._device.host.get_data_packet_queue(peer.radio.handle)
        if queue is None or _waiting(queue, peer.radio.handle) > self.tuning.unsent_most:
            self.hang_up(peer)
            return
        pieces = cut(capsule, peer.radio.att_mtu)
        for piece in pieces:
            pdu = att.ATT_Handle_Value_Notification(
                attribute_handle=self._outbox.handle, attribute_value=piece
            )
            self._device.gatt_server.send_gatt_pdu(peer.radio, bytes(pdu))

    def hang_up(self, peer: _Peer) -> None:
        """End a connection; its place is free when the radio says so."""
        if not peer.ended:
            peer.close()
            self._spawn(self._disconnect(peer))

    # What happens on the air

    def _connected(self, radio: RadioConnection) -> None:
        self._number += 1
        peer = _Peer(self, self._number, radio)
        self._peers[radio.handle] = peer
        radio.on("disconnection", lambda _reason: self._gone(peer))
        radio.on("connection_encryption_change", lambda: self._encrypted(peer))
        radio.on("pairing", lambda keys: self._spawn(self._paired(peer, keys)))
        self._changed.set()
        if len(self._peers) > self.tuning.connections:
            peer.drop()

    def _gone(self, peer: _Peer) -> None:
        peer.close()
        self._peers.pop(peer.radio.handle, None)
        if peer.listening:
            self._door.closed(peer, self._clock())
        self._changed.set()

    def _encrypted(self, peer: _Peer) -> None:
        """A bonded phone is back: it hears without asking again (Core 5.4, Vol 3, G 3.3.3.3)."""
        if str(peer.radio.peer_address) in self._bonded and not peer.listening:
            self._device.gatt_server.write_cccd(peer.radio, self._outbox, _NOTIFY)

    async def _paired(self, peer: _Peer, keys: Any) -> None:
        name = str(peer.radio.peer_address)
        if not peer.radio.sc or not peer.known or keys.ltk is None:
            self._keys.all_keys.pop(name, None)
            peer.drop()
            return
        # Resolved from now on: the phone's private addresses lead to this name.
        for one in (key for key in self._keys.all_keys if key not in self._bonded):
            self._bonded[one] = None
        while len(self._bonded) > KEYS_MOST:
            oldest = next(iter(self._bonded))
            del self._bonded[oldest]
            self._keys.all_keys.pop(oldest, None)
        await self._device.refresh_resolving_list()

    def _subscribed(self, radio: RadioConnection, notify: bool, _indicate: bool) -> None:
        peer = self._peers.get(radio.handle)
        if peer is not None and notify and not peer.listening and not peer.ended:
            peer.listening = True
            self._answer(peer, self._door.opened(peer, self._clock()))

    def _wrote(self, radio: RadioConnection, piece: bytes) -> None:
        peer = self._peers.get(radio.handle)
        if peer is None or peer.ended:
            return
        try:
            capsule = peer.took(piece) if peer.listening else None
        except InputError as error:
            _LOG.info("bad_frame connection=%d found=%s", peer.number, error)
            peer.drop()
            return
        if capsule is None:
            return
        peer.capsules += 1
        if not peer.known and peer.capsules > self.tuning.stranger_capsules:
            peer.drop()
            return
        self._answer(peer, self._door.said(peer, capsule, self._clock()))

    def _answer(self, peer: _Peer, said: Said) -> None:
        if said.known:
            peer.became_known()
        for capsule in said.capsules:
            peer.send(capsule)
        if said.over:
            peer.drop()

    # Advertising

    async def _advertise(self) -> None:
        """Show the car as long as a place is free; a new address and a new hint from time to time."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            if loop.time() >= self._renew_s:
                self._renew_s = loop.time() + self.tuning.rotate_s
                await self._renew()
            if len(self._peers) < self.tuning.connections:
                await self._show()
            elif self._device.is_advertising:
                await self._device.stop_advertising()
            try:
                async with asyncio.timeout_at(self._renew_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _renew(self) -> None:
        """Connections keep the address that they began with."""
        await self._device.stop_advertising()
        address = self._address()
        await self._device.send_sync_command(
            hci.HCI_LE_Set_Random_Address_Command(random_address=address)
        )
        self._device.random_address = address
        self._shown = advertisement(self._car_id, self._chance(CHANCE_BYTES))

    async def _show(self) -> None:
        # A phone that has just seen the car looks for the address that it saw.
        if not self._device.is_advertising:
            await self._device.start_advertising(
                advertising_data=self._shown,
                scan_response_data=b"",
                advertising_interval_min=self.tuning.advertise_ms,
                advertising_interval_max=self.tuning.advertise_ms,
            )

    def _address(self) -> hci.Address:
        """Chance that nobody resolves: the car is found by its hint (Core 5.4, Vol 6, B 1.3.2.1)."""
        raw = bytearray(self._chance(6))
        raw[5] |= 0xC0
        return hci.Address(bytes(raw), hci.Address.RANDOM_DEVICE_ADDRESS)

    def _pairing(self, radio: RadioConnection) -> PairingConfig:
        peer = self._peers.get(radio.handle)
        delegate = _Delegate(lambda: peer is not None and peer.known)
        return PairingConfig(sc=True, mitm=False, bonding=True, delegate=delegate)

    async def _disconnect(self, peer: _Peer) -> None:
        if peer.radio.handle not in self._peers:
            return
        try:
            await peer.radio.disconnect()
        except (BumbleError, asyncio.CancelledError) as error:
            _LOG.info("already_gone connection=%d error=%s", peer.number, error)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _waiting(queue: Any, handle: int) -> int:
    """Packets of a connection that the radio has not taken from us."""
    return sum(1 for _, owner in queue._packets if owner == handle)
