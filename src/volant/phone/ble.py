"""The phone's radio: it looks for its car, connects, and carries capsules there and back within time limits.

It follows a hint that only holders of a key can read, and believes nothing before the car has sealed it: somebody else's
copy of the hint costs time, no more.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bumble import att, hci
from bumble.core import UUID
from bumble.core import BaseBumbleError as BumbleError
from bumble.device import (
    Advertisement,
    Connection,
    ConnectionParametersPreferences,
    Device,
    DeviceConfiguration,
)
from bumble.host import Host
from bumble.keys import MemoryKeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from bumble.transport.common import Transport

from volant.core.errors import InputError, LinkError
from volant.trust.key.beacon import shows
from volant.trust.key.capsule import head, kind_of
from volant.trust.key.codes import KeyRefusedError, Kind
from volant.trust.key.frames import (
    INBOX_UUID,
    MTU,
    OUTBOX_UUID,
    SERVICE_UUID,
    Partial,
    cut,
    take,
)

INTERVAL_MS = 30.0
"""Connection interval that the phone asks for; phones allow 7.5 to 50 ms and often choose 30 (recalled)."""
CONNECT_S = 5.0
CONNECT_TRIES = 3
SETTLE_S = 3.0
"""For finding the service, or for encrypting again."""
FRESH_S = 0.25
"""A nonce older than this is not used: half of what the car allows, since the command is on its way for a while."""
UNHEARD_MOST = 8
"""Capsules that wait for somebody who asks."""


@dataclass(frozen=True, slots=True)
class Bond:
    """What makes coming back quick: a key of the radio, and where inbox and outbox are. Opens nothing."""

    long_term_key: bytes = field(repr=False)
    inbox: int
    outbox: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """The car was seen on the air."""

    address: Any
    strength_dbm: int
    """Says little about distance, and nothing for sure."""


class PhoneBle:
    """The phone's end of the radio; `start` on a pair of source and sink, or `open` by a transport string."""

    def __init__(self, secret: bytes, interval_ms: float = INTERVAL_MS) -> None:
        """`secret`: 16 bytes that stay; the car recognises the phone's changing addresses by them once they are bonded."""
        self._secret, self.interval_ms = secret, interval_ms
        self._transport: Transport | None = None
        self._keys = MemoryKeyStore()

    async def open(self, transport: str) -> None:
        """Start on a radio by name: `usb:0`, `tcp-client:127.0.0.1:PORT`, whatever bumble knows."""
        self._transport = await open_transport(transport)
        await self.start(self._transport.source, self._transport.sink)

    async def start(self, source: Any, sink: Any) -> None:
        """Switch on."""
        raw = bytearray(hashlib.sha256(b"address" + self._secret).digest()[:6])
        raw[5] |= 0xC0
        config = DeviceConfiguration(
            name="", irk=self._secret, le_privacy_enabled=True, le_rpa_timeout=0,
            address=hci.Address(bytes(raw), hci.Address.RANDOM_DEVICE_ADDRESS),
        )  # fmt: skip
        self._device = Device(config=config, host=Host(source, sink))
        self._device.keystore = self._keys
        keys = PairingDelegate.KeyDistribution
        both = keys.DISTRIBUTE_ENCRYPTION_KEY | keys.DISTRIBUTE_IDENTITY_KEY
        delegate = PairingDelegate(PairingDelegate.NO_OUTPUT_NO_INPUT, both, both)
        self._device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=True, mitm=False, bonding=True, delegate=delegate
        )
        await self._device.power_on()

    async def close(self) -> None:
        """Switch off."""
        for connection in tuple(self._device.connections.values()):
            await _hang_up(connection)
        await self._device.power_off()
        if self._transport is not None:
            await self._transport.close()

    async def find(
        self, car_id: bytes, within_s: float, scan_ms: tuple[float, float] = (60.0, 60.0)
    ) -> Sighting:
        """Look for a car; `scan_ms` is how long to listen, and how often.

        Raises:
            LinkError: it was not seen in time.
        """
        seen: asyncio.Future[Sighting] = asyncio.get_running_loop().create_future()

        def look(found: Advertisement) -> None:
            if not seen.done() and shows(bytes(found.data_bytes), car_id):
                seen.set_result(Sighting(found.address, found.rssi))

        self._device.on("advertisement", look)
        window_ms, every_ms = scan_ms
        await self._device.start_scanning(
            active=False, scan_interval=every_ms, scan_window=window_ms,
            scanning_phys=[hci.HCI_LE_1M_PHY],
        )  # fmt: skip
        try:
            return await asyncio.wait_for(seen, within_s)
        except TimeoutError as error:
            raise LinkError(f"the car was not seen within {within_s:g} s") from error
        finally:
            self._device.remove_listener("advertisement", look)
            await self._device.stop_scanning()

    async def connect(self, sighting: Sighting, bond: Bond | None = None) -> CarLine:
        """A line to a car that was seen; encrypted where the car still knows the bond.

        A request to connect may be lost on the air, which the radio notices late: so it is tried again.

        Raises:
            LinkError: the car is gone, full, or not a car.
        """
        for _ in range(CONNECT_TRIES - 1):
            line = CarLine(await self._called(sighting))
            try:
                return await self._settled(line, bond)
            except LinkError:
                if not line.failed:
                    raise
        return await self._settled(CarLine(await self._called(sighting)), bond)

    async def _called(self, sighting: Sighting) -> Connection:
        await self._fresh_address()
        preferences = ConnectionParametersPreferences(
            connection_interval_min=self.interval_ms, connection_interval_max=self.interval_ms
        )
        try:
            return await self._device.connect(
                sighting.address,
                connection_parameters_preferences={hci.Phy.LE_1M: preferences},
                timeout=CONNECT_S,
            )
        except (BumbleError, TimeoutError) as error:
            raise LinkError(f"the car did not connect within {CONNECT_S:g} s") from error

    async def _settled(self, line: CarLine, bond: Bond | None) -> CarLine:
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._settle(line, bond)
        except (BumbleError, asyncio.CancelledError, TimeoutError, LinkError) as error:
            # bumble cancels what waits on a connection that ends.
            if isinstance(error, asyncio.CancelledError) and not line.gone:
                raise
            await line.close()
            raise LinkError(f"the car did not let the phone in: {error}") from error
        return line

    async def _settle(self, line: CarLine, bond: Bond | None) -> None:
        if bond is not None:
            line.listen(bond.inbox, bond.outbox)
            asked = asyncio.ensure_future(line.client.request_mtu(MTU))
            line.bonded = await self._encrypt(line, bond.long_term_key)
            await asked
            if line.bonded:
                return
        else:
            await line.client.request_mtu(MTU)
        await _discover(line)

    async def bond(self, line: CarLine) -> Bond:
        """Make the radio's own keys with a car that knows this phone's key; Secure Connections or nothing.

        Raises:
            LinkError: the car refused, or the link is gone.
        """
        made: asyncio.Future[PairingKeys] = asyncio.get_running_loop().create_future()
        line.radio.once("pairing", made.set_result)
        try:
            async with asyncio.timeout(SETTLE_S):
                await line.radio.pair()
                keys = await made
        except (BumbleError, asyncio.CancelledError, TimeoutError) as error:
            if isinstance(error, asyncio.CancelledError) and not line.gone:
                raise
            raise LinkError(f"the car did not bond: {error}") from error
        if not line.radio.sc or keys.ltk is None:
            await line.close()
            raise LinkError("the car's radio offered no Secure Connections")
        self._keys.all_keys.clear()
        line.bonded = True
        return Bond(keys.ltk.value, line.inbox, line.outbox)

    async def _encrypt(self, line: CarLine, key: bytes) -> bool:
        """Whether the car still has the key; its changing address is no name for it, so it is lent for the moment."""
        name = str(line.radio.peer_address)
        self._keys.all_keys[name] = PairingKeys(ltk=PairingKeys.Key(value=key))
        try:
            await line.radio.encrypt()
        except hci.HCI_Error as error:
            if error.error_code != hci.HCI_ErrorCode.PIN_OR_KEY_MISSING_ERROR:
                raise
            return False
        finally:
            self._keys.all_keys.clear()
        return True

    async def _fresh_address(self) -> None:
        """Another private address for each connection, so that strangers do not know the phone again."""
        address = hci.Address.generate_private_address(self._secret)
        await self._device.send_sync_command(
            hci.HCI_LE_Set_Random_Address_Command(random_address=address)
        )
        self._device.random_address = address


class CarLine:
    """A connection to a car."""

    def __init__(self, radio: Connection) -> None:
        self.radio, self.client = radio, radio.gatt_client
        self.inbox = self.outbox = 0
        self.bonded = self.gone = self.failed = False
        self._partial = Partial()
        self._greeting, self._greeted_s = b"", 0.0
        self._heard: deque[bytes] = deque(maxlen=UNHEARD_MOST)
        self._news = asyncio.Event()
        radio.on("disconnection", self._ended)

    def listen(self, inbox: int, outbox: int) -> None:
        """Hear what the car notifies."""
        self.inbox, self.outbox = inbox, outbox
        self.client.notification_subscribers.setdefault(outbox, set()).add(self._notified)

    def send(self, capsule: bytes) -> None:
        """Write a capsule, in as many pieces as it takes."""
        for piece in cut(capsule, self.radio.att_mtu):
            self.write(piece)

    def write(self, piece: bytes) -> None:
        """Write bytes as they are."""
        command = att.ATT_Write_Command(attribute_handle=self.inbox, attribute_value=piece)
        self.client.send_gatt_pdu(bytes(command))

    async def exchange(self, capsule: bytes, within_s: float) -> bytes:
        """Send, and wait for the answer.

        Raises:
            LinkError: there was none in time, or the car is gone.
        """
        self._heard.clear()
        self._alive()
        self.send(capsule)
        return await self._wait(lambda: self._heard.popleft() if self._heard else b"", within_s)

    async def greeting(self, within_s: float) -> bytes:
        """A nonce of the car that was not used.

        Raises:
            LinkError: there was none in time, or the car is gone.
        """
        self._alive()
        if asyncio.get_running_loop().time() - self._greeted_s > FRESH_S:
            self._greeting = b""
        if not self._greeting and not self._greets:
            self.send(head(Kind.ASK))
        self._greets = False
        return await self._wait(self._taken, within_s)

    _greets = True
    """The car greets by itself, once."""

    async def close(self) -> None:
        """Hang up, and wait until the radio says so."""
        if not self.gone:
            await _hang_up(self.radio)

    async def ended(self, within_s: float) -> None:
        """Wait until the car has hung up.

        Raises:
            LinkError: it has not.
        """
        try:
            async with asyncio.timeout(within_s):
                while not self.gone:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise LinkError(f"still connected after {within_s:g} s") from error

    def _taken(self) -> bytes:
        found, self._greeting = self._greeting, b""
        return found

    async def _wait(self, look: Callable[[], bytes], within_s: float) -> bytes:
        try:
            async with asyncio.timeout(within_s):
                while not (found := look()):
                    self._alive()
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise LinkError(f"the car did not answer within {within_s:g} s") from error
        return found

    def _alive(self) -> None:
        if self.gone:
            raise LinkError("the car has hung up")

    def _ended(self, reason: int) -> None:
        self.gone = True
        self.failed = reason == hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
        self._news.set()

    def _notified(self, piece: bytes) -> None:
        try:
            self._partial, capsule = take(self._partial, piece)
        except InputError:
            self._partial, capsule = Partial(), None
        if capsule is None:
            return
        if _is_greeting(capsule):
            self._greeting, self._greeted_s = capsule, asyncio.get_running_loop().time()
            self._greets = False
        else:
            self._heard.append(capsule)
        self._news.set()


async def _discover(line: CarLine) -> None:
    services = await line.client.discover_service(UUID(SERVICE_UUID))
    if not services:
        raise LinkError("what was found on the air has no door")
    found = await line.client.discover_characteristics(
        [UUID(INBOX_UUID), UUID(OUTBOX_UUID)], services[0]
    )
    handles = {str(one.uuid).lower(): one for one in found}
    inbox = handles.get(str(UUID(INBOX_UUID)).lower())
    outbox = handles.get(str(UUID(OUTBOX_UUID)).lower())
    if inbox is None or outbox is None:
        raise LinkError("what was found on the air has a door without inbox or outbox")
    line.listen(inbox.handle, outbox.handle)
    await line.client.discover_descriptors(outbox)
    await line.client.subscribe(outbox)


async def _hang_up(radio: Connection) -> None:
    try:
        await radio.disconnect()
    except (BumbleError, asyncio.CancelledError):
        return


def _is_greeting(capsule: bytes) -> bool:
    try:
        return kind_of(capsule) is Kind.GREET
    except KeyRefusedError:
        return False


def new_secret() -> bytes:
    """For a phone's radio."""
    return secrets.token_bytes(16)
