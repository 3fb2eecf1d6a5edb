"""Control units on a virtual CAN bus: what a hostile or dying bus does to them, which is nothing."""

import contextlib
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import can
import pytest

from tests.caros.diagnostics.car import BRAKE, DRIVE, FACTS, units
from volant.caros.diagnostics import CanIds, CanNode, Unit
from volant.wire.isotp import IsoTpLink

IDS, OTHER = CanIds(0x741, 0x761), CanIds(0x18DA01F1, 0x18DAF101)


@contextmanager
def node(name: str, served: dict[CanIds, Unit]) -> Iterator[can.BusABC]:
    with (
        can.Bus(name, interface="virtual") as ours,
        can.Bus(name, interface="virtual") as theirs,
        CanNode(ours, served),
    ):
        yield theirs


def send(bus: can.BusABC, identifier: int, data: bytes) -> None:
    extended = identifier > 0x7FF
    bus.send(can.Message(arbitration_id=identifier, data=data, is_extended_id=extended))


def ask(bus: can.BusABC, ids: CanIds, request: bytes) -> bytes:
    """One request and its whole answer; what others answer meanwhile is not heard."""
    link, frames = IsoTpLink(), []
    frames = link.send(request, 0).frames
    while True:
        for frame in frames:
            send(bus, ids.request, frame)
        heard = bus.recv(10.0)
        assert heard is not None, "no answer"
        if heard.arbitration_id != ids.response:
            frames = []
            continue
        out = link.frame(bytes(heard.data), 0)
        frames = out.frames
        if out.messages:
            return out.messages[0]


def test_units_with_short_and_long_identifiers_answer_on_one_bus() -> None:
    with node("two", {IDS: units()[DRIVE], OTHER: units()[BRAKE]}) as bus:
        for ids in (IDS, OTHER):
            assert ask(bus, ids, b"\x22\xf1\x90") == b"\x62\xf1\x90" + FACTS.vin.encode()


def test_a_long_request_comes_in_blocks() -> None:
    with node("long", {IDS: units()[DRIVE]}) as bus:
        assert ask(bus, IDS, b"\x22" + b"\xf1\x86" * 16) == b"\x62" + b"\xf1\x86\x01" * 16


def test_long_work_is_waited_for() -> None:
    with node("work", {IDS: units()[DRIVE]}) as bus:
        ask(bus, IDS, b"\x10\x03")
        assert ask(bus, IDS, bytes.fromhex("31010301")) == bytes.fromhex("7f3178")
        heard = bus.recv(10.0)
        assert heard is not None
        assert bytes(heard.data)[:6] == bytes.fromhex("057101030100")


def test_garbage_and_messages_that_never_end_change_nothing() -> None:
    chance = random.Random(4)
    with node("garbage", {IDS: units()[DRIVE]}) as bus:
        for _ in range(2000):
            identifier = chance.choice((IDS.request, 0x7DF, 0x123))
            send(bus, identifier, chance.randbytes(chance.randrange(9)))
        bus.send(can.Message(is_error_frame=True))
        bus.send(
            can.Message(arbitration_id=IDS.request, is_remote_frame=True, is_extended_id=False)
        )
        send(bus, IDS.request, bytes.fromhex("1fff220102030405"))  # a first frame, and no more
        send(bus, IDS.request, bytes.fromhex("0210010000000000"))
        while (heard := bus.recv(1.0)) is not None:
            assert heard.arbitration_id == IDS.response
        assert ask(bus, IDS, b"\x3e\x00") == b"\x7e\x00"


def test_a_babbling_node_delays_a_tester_and_keeps_nobody_out() -> None:
    with (
        can.Bus("babble", interface="virtual", rx_queue_size=512) as ours,
        can.Bus("babble", interface="virtual") as theirs,
        CanNode(ours, {IDS: units()[DRIVE]}),
    ):
        for number in range(5000):
            with contextlib.suppress(can.CanError):  # its queue is full, as it is meant to be
                send(theirs, 0x123 + number % 64, bytes(8))
        until_s = time.monotonic() + 10.0
        while time.monotonic() < until_s:
            with contextlib.suppress(can.CanError):
                send(theirs, IDS.request, b"\x02\x3e\x00")
            heard = theirs.recv(0.2)
            if heard is not None:
                break
        assert heard is not None
        assert bytes(heard.data)[:3] == b"\x02\x7e\x00"


def test_a_dead_unit_is_silent() -> None:
    unit = units()[DRIVE]
    with node("dead", {IDS: unit}) as bus:
        unit.reachable = False
        send(bus, IDS.request, b"\x02\x3e\x00")
        send(bus, 0x7DF, b"\x02\x3e\x00")
        assert bus.recv(0.2) is None
        unit.reachable = True
        assert ask(bus, IDS, b"\x3e\x00") == b"\x7e\x00"


class FailingBus(can.BusABC):
    """A bus that goes off for its first calls and then has one request to give."""

    def __init__(self) -> None:
        self.channel_info = "failing"
        self.calls = 0
        self.sent: list[can.Message] = []
        self._is_shutdown = True  # there is nothing to shut down

    def recv(self, timeout: float | None = None) -> can.Message | None:
        self.calls += 1
        if self.calls <= 2:
            raise can.CanOperationError("bus off")
        if self.calls in (3, 4):
            return can.Message(arbitration_id=IDS.request, data=b"\x02\x3e\x00")
        node_of[0]._stopped = True
        return None

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        self.sent.append(msg)
        if len(self.sent) == 1:
            raise can.CanOperationError("no buffer")


node_of: list[CanNode] = []


def test_a_bus_that_goes_off_is_told_once_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus = FailingBus()
    node_of[:] = [CanNode(bus, {IDS: units()[DRIVE]})]
    node_of[0].run()
    assert [bytes(one.data)[:3] for one in bus.sent] == [b"\x02\x7e\x00"] * 2
    assert sum("uds_bus_failed" in line for line in caplog.messages) == 2
