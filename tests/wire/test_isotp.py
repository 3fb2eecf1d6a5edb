"""ISO-TP between two links, over a wire that may lose, double and reorder frames."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.wire.isotp import (
    MAX_MESSAGE,
    IsoTpFault,
    IsoTpLink,
    IsoTpOutput,
    IsoTpSettings,
    gap_byte,
    gap_ns,
)

MS = 1_000_000


def first_frame(length: int) -> bytes:
    return bytes((0x10 | length >> 8, length & 0xFF)) + bytes(6)


def carry(
    message: bytes, sender: IsoTpLink, receiver: IsoTpLink, step_ns: int = MS, limit: int = 20_000
) -> tuple[list[bytes], int]:
    """Send a message over a perfect wire; gives what came and how long it took."""
    came: list[bytes] = []
    now_ns = 0
    forth = deque(sender.send(message, now_ns).frames)
    back: deque[bytes] = deque()
    for _ in range(limit):
        while forth or back:
            while forth:
                out = receiver.frame(forth.popleft(), now_ns)
                assert out.faults == []
                back += out.frames
                came += out.messages
            while back:
                out = sender.frame(back.popleft(), now_ns)
                assert out.faults == []
                forth += out.frames
        if not sender.sending and not receiver.receiving:
            return came, now_ns
        now_ns += step_ns
        forth += sender.poll(now_ns).frames
        assert receiver.poll(now_ns).faults == []
    raise AssertionError("the exchange never ended")


@settings(max_examples=60)
@given(
    message=st.one_of(st.binary(min_size=1, max_size=40), st.binary(min_size=4000, max_size=4095)),
    block=st.sampled_from([0, 1, 2, 8, 255]),
    gap=st.sampled_from([0, 100_000, 900_000, 5 * MS]),
    padding=st.sampled_from([None, 0x00, 0xCC]),
)
def test_a_message_comes_exactly_as_it_was_sent(
    message: bytes, block: int, gap: int, padding: int | None
) -> None:
    chosen = IsoTpSettings(block_size=block, separation_ns=gap, padding=padding)
    came, _ = carry(message, IsoTpLink(chosen), IsoTpLink(chosen))
    assert came == [message]


def test_the_receivers_gap_is_kept() -> None:
    receiver = IsoTpLink(IsoTpSettings(separation_ns=20 * MS))
    _, took_ns = carry(bytes(62), IsoTpLink(), receiver)
    assert took_ns == 7 * 20 * MS  # eight consecutive frames, seven gaps


FATES = st.lists(st.sampled_from(["pass", "lose", "double", "hold", "late"]), max_size=80)


@settings(max_examples=150)
@given(messages=st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=4), fates=FATES)
def test_a_hostile_wire_never_breaks_a_link(messages: list[bytes], fates: list[str]) -> None:
    chosen = IsoTpSettings(block_size=3, max_message=256)
    sender, receiver = IsoTpLink(chosen), IsoTpLink(chosen)
    plan, waiting = deque(fates), deque(messages)
    held: list[tuple[IsoTpLink, bytes]] = []
    now_ns = 0

    def pass_on(to: IsoTpLink, frames: list[bytes]) -> None:
        for frame in frames:
            fate = plan.popleft() if plan else "pass"
            if fate == "hold":
                held.append((to, frame))
            elif fate == "late":
                take(to.poll(now_ns + 2_000 * MS), to)
            for _ in range({"pass": 1, "double": 2}.get(fate, 0)):
                take(to.frame(frame, now_ns), to)

    def take(out: IsoTpOutput, at: IsoTpLink) -> None:
        assert all(len(frame) == 8 for frame in out.frames)
        assert all(len(message) <= 256 for message in out.messages)
        pass_on(sender if at is receiver else receiver, out.frames)

    for _ in range(60):
        if waiting and not sender.sending:
            pass_on(receiver, sender.send(waiting.popleft(), now_ns).frames)
        while held:
            to, frame = held.pop()
            take(to.frame(frame, now_ns), to)
        now_ns += 300 * MS
        take(sender.poll(now_ns), sender)
        take(receiver.poll(now_ns), receiver)
    assert not sender.sending
    assert not receiver.receiving
    assert carry(b"as good as new", sender, receiver)[0] == [b"as good as new"]


@settings(max_examples=300)
@given(st.lists(st.tuples(st.binary(max_size=70), st.integers(0, 2_000 * MS)), max_size=30))
def test_any_bytes_are_taken_without_an_error(frames: list[tuple[bytes, int]]) -> None:
    link, now_ns = IsoTpLink(IsoTpSettings(max_message=100)), 0
    link.send(bytes(50), 0)
    for frame, waits_ns in frames:
        now_ns += waits_ns
        out = link.frame(frame, now_ns)
        assert all(len(message) <= 100 for message in out.messages)
        assert len(out.frames) <= 40


def test_too_long_a_message_is_answered_with_overflow() -> None:
    out = IsoTpLink(IsoTpSettings(max_message=100)).frame(first_frame(101), 0)
    assert out.frames[0][0] == 0x32
    assert out.faults == [IsoTpFault.OVERFLOW_SENT]
    escaped = IsoTpLink().frame(b"\x10\x00\xff\xff\xff\xff\x00\x00", 0)
    assert escaped.faults == [IsoTpFault.OVERFLOW_SENT]


def test_a_lost_consecutive_frame_ends_the_message() -> None:
    link = IsoTpLink()
    link.frame(first_frame(30), 0)
    assert link.frame(b"\x21" + bytes(7), 0).faults == []
    assert link.frame(b"\x23" + bytes(7), 0).faults == [IsoTpFault.WRONG_SEQUENCE]
    assert not link.receiving


def test_a_consecutive_frame_that_is_too_short_ends_the_message() -> None:
    link = IsoTpLink()
    link.frame(first_frame(30), 0)
    assert link.frame(b"\x21" + bytes(6), 0).faults == [IsoTpFault.BAD_FRAME]
    assert not link.receiving


def test_a_message_that_never_ends_is_given_up() -> None:
    link = IsoTpLink()
    link.frame(first_frame(30), 0)
    assert link.poll(999 * MS).faults == []
    assert link.poll(1_000 * MS).faults == [IsoTpFault.TIMEOUT_CR]


def test_flow_control_that_never_comes_is_given_up() -> None:
    link = IsoTpLink()
    link.send(bytes(30), 0)
    assert link.poll(1_000 * MS).faults == [IsoTpFault.TIMEOUT_BS]
    assert not link.sending


def test_waiting_is_allowed_but_not_for_ever() -> None:
    link = IsoTpLink(IsoTpSettings(max_waits=3))
    link.send(bytes(30), 0)
    for turn in range(1, 4):
        assert link.frame(b"\x31\x00\x00", turn * 900 * MS).faults == []
    assert link.frame(b"\x31\x00\x00", 3_600 * MS).faults == [IsoTpFault.TOO_MANY_WAITS]


@pytest.mark.parametrize(
    ("flow", "fault"),
    [(b"\x32\x00\x00", IsoTpFault.OVERFLOW_HEARD), (b"\x37\x00\x00", IsoTpFault.INVALID_FLOW)],
)
def test_a_receiver_that_cannot_ends_the_message(flow: bytes, fault: IsoTpFault) -> None:
    link = IsoTpLink()
    link.send(bytes(30), 0)
    assert link.frame(flow, 0).faults == [fault]
    assert not link.sending


def test_a_new_message_replaces_one_that_is_half_there() -> None:
    link = IsoTpLink()
    link.frame(first_frame(30), 0)
    out = link.frame(b"\x02\x3e\x00", 0)
    assert out.faults == [IsoTpFault.UNEXPECTED_FRAME]
    assert out.messages == [b"\x3e\x00"]


@pytest.mark.parametrize("length", [0, MAX_MESSAGE + 1])
def test_our_own_misuse_is_told(length: int) -> None:
    with pytest.raises(ValueError):
        IsoTpLink().send(bytes(length), 0)


def test_one_message_at_a_time() -> None:
    link = IsoTpLink()
    link.send(bytes(30), 0)
    with pytest.raises(RuntimeError):
        link.send(bytes(30), 0)


@pytest.mark.parametrize(
    ("byte", "ns"), [(0, 0), (0x7F, 127 * MS), (0xF1, 100_000), (0xF9, 900_000)]
)
def test_the_gap_has_its_byte(byte: int, ns: int) -> None:
    assert gap_ns(byte) == ns
    assert gap_byte(ns) == byte


@pytest.mark.parametrize("byte", [0x80, 0xF0, 0xFA, 0xFF])
def test_a_reserved_gap_is_the_longest(byte: int) -> None:
    assert gap_ns(byte) == 127 * MS
