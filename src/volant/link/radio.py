"""The virtual radio: bumble's controllers, joined by an air that has distance, loss and connection events.

A car and its phones are given an end of it just as they would be given a dongle: as a pair of source and sink in one
process, or as a transport string over TCP. Without an air it carries at once and loses nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bumble import core, hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport.common import Transport
from bumble.transport.tcp_server import open_tcp_server_transport_with_socket

from volant.link.air import FAILED_EVENTS, INTERVAL_LEAST_NS, Air, Path, Timing

_UNIT_NS = 1_250_000
"""Connection intervals are counted in 1.25 ms (Core 5.4, Vol 4, E 7.8.12)."""
_TRIES_ROOM = 1 << 16
"""Numbers of chance that one packet may use."""
_SUPERVISION_NS = 4_000_000_000
_ENCRYPTION_EVENTS = 2
"""Starting encryption takes six packets, of which the emulated controllers send two (Core 5.4, Vol 6, B 5.1.3.1)."""


@dataclass(slots=True)
class _Line:
    """A connection in the air."""

    names: tuple[str, str]
    timing: Timing
    free_ns: dict[str, int] = field(default_factory=dict)


class AirController(Controller):
    """A controller that reports how strong it hears, and that gives up connecting when told so."""

    heard_dbm: float = -50.0
    le_acl_data_packet_length = 251
    """What a radio with data length extension takes at once (Core 5.4, Vol 6, B 2.4)."""

    def hear(self, packet: ll.AdvertisingPdu, strength_dbm: float) -> None:
        """Take an advertising packet."""
        self.heard_dbm = strength_dbm
        self.on_ll_advertising_pdu(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """To the host; strengths of reports are those of the air."""
        reports = getattr(packet, "reports", ())
        for report in reports:
            if hasattr(report, "rssi"):
                report.rssi = max(-127, min(20, round(self.heard_dbm)))
        if reports and isinstance(packet, hci.HCI_LE_Extended_Advertising_Report_Event):
            packet = hci.HCI_LE_Extended_Advertising_Report_Event(list(reports))
        # As the emulated controller does it, but without a line for a log that nobody reads.
        if self.host:
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """From the host."""
        match packet:
            case hci.HCI_Command():
                self.on_hci_command_packet(packet)
            case hci.HCI_AclDataPacket():
                self.on_hci_acl_data_packet(packet)
            case _:
                pass

    def on_hci_le_set_extended_scan_parameters_command(
        self, command: hci.HCI_LE_Set_Extended_Scan_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        """How often it listens, which the emulated controller does not keep."""
        self.le_scan_interval = command.scan_intervals[0]
        self.le_scan_window = command.scan_windows[0]
        return super().on_hci_le_set_extended_scan_parameters_command(command)

    def on_hci_le_create_connection_cancel_command(
        self, command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Give up, and say so; the emulated controller does neither (Core 5.4, Vol 4, E 7.8.13)."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is not None:
            self.send_hci_packet(
                hci.HCI_LE_Connection_Complete_Event(
                    status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                    connection_handle=0, role=hci.Role.CENTRAL,
                    peer_address_type=pending.peer_address.address_type,
                    peer_address=pending.peer_address, connection_interval=0,
                    peripheral_latency=0, supervision_timeout=0, central_clock_accuracy=0,
                )
            )  # fmt: skip
        return super().on_hci_le_create_connection_cancel_command(command)


class AirLink(LocalLink):
    """What the controllers share. Each connection has its own events; each pair of names its own path."""

    def __init__(self, air: Air | None = None) -> None:
        super().__init__()
        self.air = air
        self.paths: dict[frozenset[str], Path] = {}
        self._lines: dict[frozenset[bytes], _Line] = {}
        self._packets: dict[str, int] = {}

    def place(self, one: str, other: str, path: Path) -> None:
        """Where two ends are from now on; a metre apart where nothing was said."""
        self.paths[frozenset((one, other))] = path

    def path(self, one: str, other: str) -> Path:
        """From end to end."""
        return self.paths.get(frozenset((one, other)), Path())

    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address,
        transport: core.PhysicalTransport, data: bytes,
    ) -> None:  # fmt: skip
        """Data of a connection."""
        connection = sender_controller.le_connections.get(destination_address)
        target = self._other_end(connection)
        if connection is None or target is None:
            return
        # The address of the connection, which stays when the sender's own has changed meanwhile.
        source = connection.self_address

        def arrive() -> None:
            if source in target.le_connections:
                target.on_link_acl_data(source, transport, data)

        self._carry(sender_controller, source, destination_address, len(data), 0, arrive)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Control of a connection: encryption, parameters, its end."""
        sender = self._holder(sender_address, receiver_address)
        target = self._holder(receiver_address, sender_address)
        if sender is None or target is None:
            return

        def arrive() -> None:
            if sender_address in target.le_connections:
                if isinstance(packet, ll.ConnectionUpdateInd):
                    self._retime(sender_address, receiver_address, packet.interval)
                target.on_ll_control_pdu(sender_address, packet)

        events = _ENCRYPTION_EVENTS if isinstance(packet, ll.EncReq) else 0
        self._carry(sender, sender_address, receiver_address, 27, events, arrive)

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        """Advertisements, and requests to connect."""
        loop = asyncio.get_running_loop()
        if isinstance(packet, ll.ConnectInd):
            self._connect(sender_controller, packet)
            return
        others = [one for one in self.controllers if one is not sender_controller]
        if self.air is None:
            for target in sorted(others, key=lambda one: one.name):
                loop.call_soon(target.on_ll_advertising_pdu, packet)
            return
        heard = []
        for target in self._in_turn(self.air, sender_controller.name, others):
            names = (sender_controller.name, target.name)
            number = self._number(_name(*names))
            if self._hears(self.air, target, names, number):
                strength = self.air.strength_dbm(self.path(*names), _name(*names), number)
                heard.append((target, strength))

        def arrive() -> None:
            for listener, strength_dbm in heard:
                listener.hear(packet, strength_dbm)

        now_ns = _now_ns()
        _later(now_ns + self.air.late_ns(sender_controller.name, now_ns), arrive)

    def _in_turn(self, air: Air, name: str, others: list[Controller]) -> list[AirController]:
        """Who hears first and may ask first: by chance, and not by the order of a set."""
        turns, now_ns = air.chance.child(name, "turn"), _now_ns()
        found = [one for one in others if isinstance(one, AirController)]
        return sorted(found, key=lambda one: turns.child(one.name).bits(now_ns))

    def _hears(self, air: Air, target: Controller, names: tuple[str, str], number: int) -> bool:
        listens = target.pending_le_connection is not None or (
            target.le_scan_enable
            and air.in_window(
                _name(*names), _now_ns(), target.le_scan_window, target.le_scan_interval
            )
        )
        return listens and not air.loses(self.path(*names), _name(*names), number)

    def _connect(self, sender: Controller, packet: ll.ConnectInd) -> None:
        """A request reaches the one who advertised, if it still does; if not, the other finds nobody there."""
        now_ns = _now_ns()
        ends = (packet.initiator_address, packet.advertiser_address)
        target = next((one for one in self.controllers if _advertises(one, ends[1])), None)
        interval_ns = max(INTERVAL_LEAST_NS, packet.interval * _UNIT_NS)
        supervision_ns = packet.timeout * 10_000_000 or _SUPERVISION_NS
        names = (sender.name, target.name if target else "")
        anchor_ns = now_ns
        reached = target is not None
        if self.air is not None:
            name = _name(*names)
            anchor_ns = self.air.anchor_ns(name, now_ns, interval_ns)
            path = self.path(*names)
            reached = reached and not self.air.loses(path, name, self._number(name))
        if target is None or not reached:
            self._not_there(sender, packet, anchor_ns + FAILED_EVENTS * interval_ns)
            return
        self._lines[_key(*ends)] = _Line(names, Timing(anchor_ns, interval_ns, supervision_ns))
        # At once: whoever asks second finds that nobody advertises any more.
        target.on_ll_advertising_pdu(packet)

    def _not_there(self, sender: Controller, packet: ll.ConnectInd, at_ns: int) -> None:
        address = packet.advertiser_address

        def fail() -> None:
            if connection := sender.le_connections.get(address):
                code = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
                sender.on_le_disconnected(connection, code)

        _later(at_ns, fail)

    def _carry(
        self, sender: Controller, source: hci.Address, destination: hci.Address, size: int,
        events: int, arrive: Callable[[], None],
    ) -> None:  # fmt: skip
        line = self._lines.get(_key(source, destination))
        if self.air is None or line is None:
            asyncio.get_running_loop().call_soon(arrive)
            return
        now_ns = _now_ns()
        other = line.names[1] if line.names[0] == sender.name else line.names[0]
        name = _name(sender.name, other)
        found = self.air.deliver(
            self.path(sender.name, other), name, self._number(name),
            line.timing, now_ns + events * line.timing.interval_ns,
            line.free_ns.get(sender.name, 0), size,
        )  # fmt: skip
        line.free_ns[sender.name] = found.at_ns
        give_up = lambda: self._lost(source, destination)  # noqa: E731
        _later(found.at_ns, arrive if found.arrived else give_up)

    def _lost(self, one: hci.Address, other: hci.Address) -> None:
        """Nothing got through for too long: both ends give up."""
        self._lines.pop(_key(one, other), None)
        for own, peer in ((one, other), (other, one)):
            holder = self._holder(own, peer)
            if holder is not None:
                code = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
                holder.on_le_disconnected(holder.le_connections[peer], code)

    def _retime(self, one: hci.Address, other: hci.Address, interval: int) -> None:
        if line := self._lines.get(_key(one, other)):
            interval_ns = max(INTERVAL_LEAST_NS, interval * _UNIT_NS)
            anchor_ns = line.timing.event_ns(_now_ns())
            line.timing = Timing(anchor_ns, interval_ns, line.timing.supervision_ns)

    def _holder(self, own: hci.Address, peer: hci.Address) -> Controller | None:
        """Who holds the connection from an address to a peer."""
        for one in self.controllers:
            found = one.le_connections.get(peer)
            if found is not None and found.self_address == own:
                return one
        return None

    def _other_end(self, connection: Any) -> Controller | None:
        if connection is None:
            return None
        return self._holder(connection.peer_address, connection.self_address)

    def _number(self, name: str) -> int:
        self._packets[name] = self._packets.get(name, 0) + _TRIES_ROOM
        return self._packets[name]


class VirtualRadio:
    """Ends of one air; `end` for this process, `serve` for another."""

    def __init__(self, air: Air | None = None) -> None:
        self.link = AirLink(air)
        self._served: list[Transport] = []

    def end(self, name: str) -> AirController:
        """A controller, which is source and sink of a host in this process."""
        return AirController(name, link=self.link)

    def remove(self, end: AirController) -> None:
        """A phone is switched off: its connections are lost in time, its advertisements end."""
        self.link.remove_controller(end)

    async def serve(self, name: str) -> str:
        """Offer an end over TCP on a free port of this machine; the transport string for the other process."""
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        transport = await open_tcp_server_transport_with_socket(listening)
        self._served.append(transport)
        AirController(name, host_source=transport.source, host_sink=transport.sink, link=self.link)
        return f"tcp-client:127.0.0.1:{port}"

    async def close(self) -> None:
        """Stop serving."""
        for transport in self._served:
            transport.server.close()  # type: ignore[attr-defined]
            await transport.close()
        self._served.clear()


def _now_ns() -> int:
    return round(asyncio.get_running_loop().time() * 1e9)


def _later(at_ns: int, work: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_at(at_ns / 1e9, work)


def _name(one: str, other: str) -> str:
    return "-".join(sorted((one, other)))


def _key(one: hci.Address, other: hci.Address) -> frozenset[bytes]:
    return frozenset((bytes(one), bytes(other)))


def _advertises(controller: Controller, address: hci.Address) -> bool:
    legacy = controller.le_legacy_advertiser
    sets = controller.advertising_sets.values()
    return (legacy.enabled and legacy.address == address) or any(
        one.enabled and one.address == address for one in sets
    )
