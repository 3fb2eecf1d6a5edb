"""`--bus`: what it takes, what it refuses, and python-can behind the port."""

import can
import pytest

from volant.app.canbus import (
    WAITING_FRAMES,
    CanPort,
    code_words,
    load_network,
    open_ports,
    parse_bus,
)
from volant.core.errors import InputError, LinkError
from volant.vehicle.network import Frame, Media
from volant.vehicle.network.frames import QUEUE_FRAMES

BUSES = ("chassis", "powertrain", "body", "adas")


def test_a_kind_may_stand_alone_or_with_channels() -> None:
    assert parse_bus("inline", BUSES).channels == ()
    assert parse_bus("virtual", BUSES).channel("body", BUSES) == "volant-body"
    assert parse_bus("socketcan:can0", BUSES).channel("body", BUSES) == "can0"
    assert parse_bus("socketcan:a,b,c,d", BUSES).channel("body", BUSES) == "c"
    named = parse_bus("socketcan:body=can3,adas=can1", BUSES)
    assert named.channel("body", BUSES) == "can3"
    with pytest.raises(InputError, match="chassis"):
        named.channel("chassis", BUSES)


@pytest.mark.parametrize(
    "words",
    ["", "foo", "socketcan", "socketcan:", "socketcan:a,b", "socketcan:,", "socketcan:wheel=can0",
     "socketcan:body=can0,can1"],
)  # fmt: skip
def test_anything_else_is_refused(words: str) -> None:
    with pytest.raises(InputError):
        parse_bus(words, BUSES)


def test_a_bus_that_is_not_there_is_one_clear_line() -> None:
    with (
        pytest.raises(LinkError, match="bus chassis of PILOT: socketcan no-such-can"),
        open_ports("socketcan:no-such-can", BUSES) as ports,
    ):
        ports("chassis", "PILOT", None)


def test_inline_stays_in_the_process() -> None:
    with open_ports("inline", BUSES) as ports:
        assert isinstance(ports, Media)


def test_frames_pass_python_can_and_only_those_asked_for() -> None:
    with open_ports("virtual:test-pass", BUSES) as ports:
        one = ports("body", "BODY", None)
        other = ports("body", "PILOT", frozenset({0x123}))
        for can_id in (0x100, 0x123, 0x200, 0x123):
            assert one.send(Frame(can_id, bytes([can_id & 0xFF])))
        assert other.receive() == [Frame(0x123, b"\x23")] * 2
        assert other.receive() == []
        assert one.receive() == []


def test_a_flood_is_counted_and_the_newest_frames_stay() -> None:
    with open_ports("virtual:test-flood", BUSES) as ports:
        port = ports("body", "PILOT", None)
        babbler = ports("body", "BABBLER", None)
        sent = [babbler.send(Frame(5, bytes([n & 0xFF, n >> 8]))) for n in range(2 * QUEUE_FRAMES)]
        assert all(sent)
        found = port.receive()
        assert len(found) == QUEUE_FRAMES
        assert found[-1].data == bytes([0xFF, 1])
        assert port.lost > 0
        taken = [babbler.send(Frame(5, b"")) for _ in range(2 * WAITING_FRAMES)]
        assert not all(taken)


def test_a_bus_that_breaks_takes_nothing_and_gives_nothing() -> None:
    class Broken:
        def send(self, message: object, timeout: float) -> None:
            raise can.CanOperationError("bus off")

        def recv(self, timeout: float) -> None:
            raise can.CanOperationError("bus off")

        def shutdown(self) -> None:
            raise can.CanOperationError("bus off")

    port = CanPort(Broken())
    assert not port.send(Frame(1, b""))
    assert port.receive() == []
    port.close()


def test_codes_are_written_as_people_write_them() -> None:
    assert code_words(0xC12987) == "U0129-87"
    assert code_words(0x0A1B00) == "P0A1B-00"


def test_the_network_is_found_and_agrees_with_itself() -> None:
    assert set(load_network().databases) == set(BUSES)
