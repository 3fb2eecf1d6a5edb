"""DoIP messages: cut streams, absurd lengths, round trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.errors import InputError
from volant.wire import doip
from volant.wire.doip import Message, Nack, Payload, Refusal, StreamReader

GOOD = st.one_of(
    st.just((Payload.ALIVE_REQUEST, b"")),
    st.binary(min_size=2, max_size=2).map(lambda data: (Payload.ALIVE_RESPONSE, data)),
    st.binary(min_size=5, max_size=300).map(lambda data: (Payload.DIAGNOSTIC, data)),
)


@given(st.lists(GOOD, max_size=12), st.lists(st.integers(1, 50), min_size=1, max_size=9))
def test_a_stream_cut_anywhere_gives_the_messages(
    sent: list[tuple[Payload, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(doip.message(kind, payload) for kind, payload in sent)
    reader, came, at, turn = StreamReader(400), [], 0, 0
    while at < len(stream):
        piece = stream[at : at + cuts[turn % len(cuts)]]
        came += list(reader.feed(piece))
        assert reader.held < 408
        at, turn = at + len(piece), turn + 1
    assert came == [Message(kind, payload) for kind, payload in sent]


@given(st.lists(st.binary(max_size=100), max_size=30))
def test_any_bytes_cost_no_error_and_little_memory(pieces: list[bytes]) -> None:
    reader = StreamReader(64)
    for piece in pieces:
        for found in reader.feed(piece):
            assert isinstance(found, Message | Refusal)
        assert reader.held <= 72


@pytest.mark.parametrize(
    ("header", "nack"),
    [
        ("02fe 8001 00000005", Nack.WRONG_PATTERN),  # inverse does not fit
        ("05fa 8001 00000005", Nack.WRONG_PATTERN),  # unknown version
        ("ff00 8001 00000005", Nack.WRONG_PATTERN),  # any version, but not an identification
        ("02fd 1234 00000000", Nack.UNKNOWN_TYPE),
        ("02fd 8001 ffffffff", Nack.TOO_LARGE),
        ("02fd 0005 0000ffff", Nack.TOO_LARGE),
        ("02fd 0005 00000008", Nack.WRONG_LENGTH),
        ("02fd 8001 00000004", Nack.WRONG_LENGTH),
        ("02fd 0007 00000001", Nack.WRONG_LENGTH),
    ],
)
def test_a_wrong_header_is_refused_with_its_code(header: str, nack: Nack) -> None:
    (found,) = StreamReader(1000).feed(bytes.fromhex(header))
    assert found == Refusal(nack)


def test_what_is_too_large_is_skipped_without_being_kept() -> None:
    reader = StreamReader(1000)
    head = bytes.fromhex("02fd 8001 00100000")
    assert list(reader.feed(head + bytes(100))) == [Refusal(Nack.TOO_LARGE)]
    for _ in range(16):
        assert list(reader.feed(bytes(65536 - 8))) == []
        assert reader.held == 0
    left = (1 << 20) - 100 - 16 * 65528
    assert list(reader.feed(bytes(left) + doip.message(Payload.ALIVE_REQUEST))) == [
        Message(Payload.ALIVE_REQUEST, b"")
    ]


def test_after_a_lost_frame_nothing_is_believed() -> None:
    reader = StreamReader(1000)
    assert len(list(reader.feed(b"GET / HTTP/1.1\r\n"))) == 1
    assert list(reader.feed(doip.message(Payload.ALIVE_REQUEST))) == []


@pytest.mark.parametrize("data", [b"", b"\x02\xfd", doip.message(Payload.IDENTIFY) + b"x"])
def test_a_datagram_holds_one_whole_message(data: bytes) -> None:
    assert isinstance(doip.read_datagram(data, 1000), Refusal)


def test_an_announcement_survives_its_bytes() -> None:
    told = doip.Announcement(vin=b"V" * 17, address=0x1000, eid=b"abcdef", gid=b"ghijkl")
    assert doip.Announcement.unpack(told.pack()) == told
    with pytest.raises(InputError):
        doip.Announcement.unpack(told.pack()[:-2])


@pytest.mark.parametrize("most", [0, doip.MAX_PAYLOAD + 1])
def test_a_reader_without_a_sane_limit_is_our_own_misuse(most: int) -> None:
    with pytest.raises(ValueError):
        StreamReader(most)
