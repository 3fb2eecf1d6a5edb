"""The way of testers between the bridge and the control units: what passes it, and what it cannot carry."""

import select
import socket
from collections.abc import Iterator

import pytest

from tests.caros.diagnostics.car import FACTS, units
from volant.app.canbus import load_network
from volant.app.live_can import homes_of
from volant.app.live_testers import BridgeEnd, UnitsEnd, asks, units_on_can
from volant.core.messages import CanFrame
from volant.vehicle.ecus import ECUS
from volant.wire.isotp import IsoTpLink

DRIVE = ECUS[1]


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    bridge, diagnostics = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with bridge, diagnostics:
        yield bridge, diagnostics


def frame(can_id: int, data: bytes, bus: str = DRIVE.bus, *, extended: bool = False) -> CanFrame:
    return CanFrame(bus=bus, can_id=can_id, data=data, extended=extended)


def heard(testers: BridgeEnd, end: socket.socket, count: int) -> list[CanFrame]:
    """So many answers; the wait has an end only where they never come."""
    found: list[CanFrame] = []
    while len(found) < count:
        assert select.select([end], [], [], 20.0)[0]
        found += testers.answers()
    return found


def test_only_what_is_a_testers_passes() -> None:
    assert asks(frame(DRIVE.can_request, b"\x02\x3e\x00"))
    assert not asks(frame(DRIVE.can_request, b"\x02\x3e\x00", "adas"))
    assert not asks(frame(DRIVE.can_request, b"\x02\x3e\x00", extended=True))
    assert not asks(frame(DRIVE.can_response, b"\x02\x3e\x00"))
    assert not asks(frame(0x111, b""))
    assert asks(frame(0x7DF, b"\x02\x3e\x00", "adas"))


def test_units_identifiers_are_at_home_on_their_bus_and_nobody_elses() -> None:
    network = load_network()
    own = {
        message.can_id for base in network.databases.values() for message in base.messages.values()
    }
    homes = homes_of(network)
    for spec in ECUS:
        assert spec.can_request not in own
        assert spec.can_response not in own
        assert homes[spec.can_request, False] == homes[spec.can_response, False] == spec.bus


def test_a_unit_answers_a_tester_on_can_in_full(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    testers, link = BridgeEnd(ends[0]), IsoTpLink()
    with units_on_can(ends[1], units()):
        frames = list(link.send(b"\x22\xf1\x90", 0).frames)
        messages: tuple[bytes, ...] = ()
        while not messages:
            testers.hand_on(frame(DRIVE.can_request, one) for one in frames)
            frames = []
            for answer in heard(testers, ends[0], 1):
                assert (answer.can_id, answer.bus) == (DRIVE.can_response, DRIVE.bus)
                out = link.frame(answer.data, 0)
                frames += out.frames
                messages += tuple(out.messages)
    assert messages == (b"\x62\xf1\x90" + FACTS.vin.encode(),)


def test_all_units_answer_on_their_own_buses_when_all_are_asked(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    testers = BridgeEnd(ends[0])
    with units_on_can(ends[1], units()):
        testers.hand_on([frame(0x7DF, b"\x02\x3e\x00", "chassis")])
        found = {(one.can_id, one.bus) for one in heard(testers, ends[0], len(ECUS))}
    assert found == {(spec.can_response, spec.bus) for spec in ECUS}


def test_neither_end_waits_nor_breaks(ends: tuple[socket.socket, socket.socket]) -> None:
    testers = BridgeEnd(ends[0])
    with UnitsEnd(ends[1]) as bus:
        floods(testers, bus, ends)


def floods(testers: BridgeEnd, bus: UnitsEnd, ends: tuple[socket.socket, socket.socket]) -> None:
    testers.hand_on(frame(DRIVE.can_request, bytes(8)) for _ in range(20_000))
    while bus.recv(0.0) is not None:
        pass
    ends[0].send(b"no frame")
    assert bus.recv(0.0) is None
    ends[1].send(b"no frame")
    assert testers.answers() == []
