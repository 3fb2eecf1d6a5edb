"""The DoIP entity without its sockets: who may activate routing, and who is told what."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.caros.diagnostics.car import DRIVE, FACTS, units
from volant.caros.diagnostics.gateway import DoipSettings, Gateway
from volant.wire import doip
from volant.wire.doip import Activation, DiagnosticNack, Message, Nack, Payload, StreamReader

S = 1_000_000_000


class Outside:
    """Everything that a gateway says, by connection."""

    def __init__(self, **more: object) -> None:
        self.said: dict[int, list[Message]] = {}
        self.dropped: list[int] = []
        self.now_ns = 0
        chosen = DoipSettings(vin=FACTS.vin, **more)  # type: ignore[arg-type]
        self.gateway = Gateway(chosen, units(), self)

    def send(self, number: int, data: bytes) -> None:
        found = list(StreamReader(doip.MAX_PAYLOAD).feed(data))
        assert all(isinstance(one, Message) for one in found)
        self.said.setdefault(number, []).extend(one for one in found if isinstance(one, Message))

    def drop(self, number: int) -> None:
        self.dropped.append(number)

    def open(self, number: int) -> None:
        self.gateway.opened(number, self.now_ns)

    def tell(self, number: int, data: bytes) -> list[Message]:
        self.said.pop(number, None)
        self.gateway.received(number, data, self.now_ns)
        return self.said.get(number, [])

    def activate(self, number: int, source: int, kind: int = 0) -> int | None:
        self.open(number)
        answers = self.tell(number, doip.activation_request(source, kind))
        return answers[0].payload[4] if answers else None

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * S)
        self.gateway.poll(self.now_ns)


def test_a_known_tester_is_let_in_and_asks_a_unit() -> None:
    outside = Outside()
    assert outside.activate(1, 0x0E00) == Activation.DONE
    ack, answer = outside.tell(1, doip.diagnostic(0x0E00, DRIVE, b"\x22\xf1\x90"))
    assert ack.kind is Payload.DIAGNOSTIC_ACK
    assert answer.payload == bytes.fromhex("1001 0e00 62f190") + FACTS.vin.encode()


@pytest.mark.parametrize(
    ("source", "kind", "why"),
    [
        (0x0000, 0, Activation.UNKNOWN_SOURCE),
        (0x0E08, 0, Activation.UNKNOWN_SOURCE),
        (DRIVE, 0, Activation.UNKNOWN_SOURCE),
        (0x0E00, 1, Activation.UNKNOWN_TYPE),
        (0x0E00, 0xE0, Activation.UNKNOWN_TYPE),
    ],
)
def test_unknown_sources_and_types_are_refused_and_let_go(
    source: int, kind: int, why: Activation
) -> None:
    outside = Outside()
    assert outside.activate(1, source, kind) == why
    assert outside.dropped == [1]


def test_nobody_speaks_without_activation_or_for_another() -> None:
    outside = Outside()
    outside.open(1)
    (nack,) = outside.tell(1, doip.diagnostic(0x0E00, DRIVE, b"\x3e\x00"))
    assert nack.payload[4] == DiagnosticNack.INVALID_SOURCE
    outside.activate(2, 0x0E00)
    (nack,) = outside.tell(2, doip.diagnostic(0x0E01, DRIVE, b"\x3e\x00"))
    assert nack.payload[4] == DiagnosticNack.INVALID_SOURCE
    assert outside.dropped == [1, 2]


def test_an_unknown_unit_is_told_and_the_tester_stays() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    (nack,) = outside.tell(1, doip.diagnostic(0x0E00, 0x2222, b"\x3e\x00"))
    assert nack.payload[4] == DiagnosticNack.UNKNOWN_TARGET
    assert outside.dropped == []


def test_a_dead_unit_is_told_of() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    outside.gateway.units[DRIVE].reachable = False
    (nack,) = outside.tell(1, doip.diagnostic(0x0E00, DRIVE, b"\x3e\x00"))
    assert nack.payload[4] == DiagnosticNack.UNREACHABLE
    _, *answers = outside.tell(1, doip.diagnostic(0x0E00, 0xE400, b"\x3e\x00"))
    assert len(answers) == len(outside.gateway.units) - 1


def test_the_functional_address_reaches_all() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    ack, *answers = outside.tell(1, doip.diagnostic(0x0E00, 0xE400, b"\x3e\x00"))
    assert ack.kind is Payload.DIAGNOSTIC_ACK
    assert {a.payload[:2] for a in answers} == {
        address.to_bytes(2, "big") for address in outside.gateway.units
    }
    assert len(outside.tell(1, doip.diagnostic(0x0E00, 0xE400, b"\xba"))) == 1  # only the ack


def test_the_same_tester_elsewhere_is_refused_while_the_first_lives() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    assert outside.activate(2, 0x0E00) is None
    assert outside.said[1][-1].kind is Payload.ALIVE_REQUEST
    outside.tell(1, doip.message(Payload.ALIVE_RESPONSE, b"\x0e\x00"))
    assert outside.said[2][-1].payload[4] == Activation.SOURCE_ACTIVE_ELSEWHERE
    assert outside.dropped == [2]


def test_the_same_tester_elsewhere_is_let_in_when_the_first_is_dead() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    assert outside.activate(2, 0x0E00) is None
    outside.wait(0.6)
    assert outside.dropped == [1]
    assert outside.said[2][-1].payload[4] == Activation.DONE


def test_a_full_entity_lets_one_more_in_only_for_a_dead_one() -> None:
    outside = Outside(max_sockets=2)
    outside.activate(1, 0x0E00)
    outside.activate(2, 0x0E01)
    assert outside.activate(3, 0x0E02) is None
    outside.tell(1, doip.message(Payload.ALIVE_RESPONSE, b"\x0e\x00"))
    outside.tell(2, doip.message(Payload.ALIVE_RESPONSE, b"\x0e\x01"))
    assert outside.said[3][-1].payload[4] == Activation.NO_SOCKET_FREE
    assert outside.activate(4, 0x0E03) is None
    outside.tell(1, doip.message(Payload.ALIVE_RESPONSE, b"\x0e\x00"))
    outside.wait(0.6)
    assert outside.said[4][-1].payload[4] == Activation.DONE
    assert outside.dropped == [3, 2]


def test_another_source_on_an_active_connection_is_refused() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    (answer,) = outside.tell(1, doip.activation_request(0x0E01))
    assert answer.payload[4] == Activation.OTHER_SOURCE_HERE
    assert outside.dropped == [1]


def test_who_says_nothing_is_let_go() -> None:
    outside = Outside()
    outside.open(1)
    outside.activate(2, 0x0E00)
    outside.wait(2.1)
    assert outside.dropped == [1]
    outside.wait(299.0)
    assert outside.dropped == [1, 2]


def test_a_message_that_never_ends_is_let_go_also_when_it_drips() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    outside.tell(1, doip.diagnostic(0x0E00, DRIVE, bytes(100))[:50])
    for _ in range(5):
        outside.wait(1.1)
        outside.tell(1, b"\0")
    assert outside.dropped == [1]


def test_absurd_lengths_and_foreign_words_get_their_nack() -> None:
    outside = Outside()
    outside.open(1)
    (nack,) = outside.tell(1, bytes.fromhex("02fd 8001 ffffffff"))
    assert nack.payload == bytes((Nack.TOO_LARGE,))
    assert outside.dropped == []
    outside.open(2)
    (nack,) = outside.tell(2, b"GET / HTTP/1.1\r\n\r\n")
    assert nack.payload == bytes((Nack.WRONG_PATTERN,))
    assert outside.dropped == [2]


def test_who_asks_what_only_an_entity_says_is_told_so() -> None:
    outside = Outside()
    outside.open(1)
    (nack,) = outside.tell(1, doip.message(Payload.STATUS_REQUEST))
    assert nack.payload == bytes((Nack.UNKNOWN_TYPE,))
    assert outside.tell(1, doip.nack(Nack.TOO_LARGE)) == []


def test_who_answers_for_another_is_let_go() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    outside.tell(1, doip.message(Payload.ALIVE_RESPONSE, b"\x0e\x01"))
    assert outside.dropped == [1]


def test_an_activation_asked_for_again_is_given_again() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    (answer,) = outside.tell(1, doip.activation_request(0x0E00))
    assert answer.payload[4] == Activation.DONE


def test_long_work_is_answered_to_who_asked() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    outside.activate(2, 0x0E01)
    outside.tell(1, doip.diagnostic(0x0E00, DRIVE, b"\x10\x03"))
    _, pending = outside.tell(1, doip.diagnostic(0x0E00, DRIVE, bytes.fromhex("31010301")))
    assert pending.payload[4:].hex() == "7f3178"
    outside.said.clear()
    outside.wait(1.1)
    assert outside.said[1][0].payload[4:].hex() == "7101030100"
    assert 2 not in outside.said


@pytest.mark.parametrize(
    ("request_", "answered"),
    [
        (doip.message(Payload.IDENTIFY), True),
        (doip.message(Payload.IDENTIFY, version=0xFF), True),
        (doip.message(Payload.IDENTIFY_VIN, FACTS.vin.encode()), True),
        (doip.message(Payload.IDENTIFY_VIN, b"X" * 17), False),
        (doip.message(Payload.IDENTIFY_EID, b"\x02\0\0\0\0\x01"), True),
        (doip.message(Payload.IDENTIFY_EID, b"\x02\0\0\0\0\x02"), False),
    ],
)
def test_discovery_answers_who_is_meant(request_: bytes, answered: bool) -> None:
    answer = Outside().gateway.datagram(request_)
    if not answered:
        assert answer is None
        return
    assert answer is not None
    told = doip.Announcement.unpack(answer[8:])
    assert (told.vin, told.address) == (FACTS.vin.encode(), 0x1000)


def test_status_and_power_are_told_over_udp() -> None:
    outside = Outside()
    outside.activate(1, 0x0E00)
    status = outside.gateway.datagram(doip.message(Payload.STATUS_REQUEST))
    assert status is not None
    assert status[8:] == bytes.fromhex("00 08 01 00010004")
    power = outside.gateway.datagram(doip.message(Payload.POWER_REQUEST))
    assert power is not None
    assert power[8:] == b"\x01"


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_no_datagram_is_answered_with_more_than_an_announcement(data: bytes) -> None:
    answer = Outside().gateway.datagram(data)
    assert answer is None or len(answer) <= 41


def test_a_refusal_is_not_answered_with_a_refusal() -> None:
    assert Outside().gateway.datagram(doip.nack(Nack.WRONG_PATTERN)) is None


PIECES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([0x0E00, 0x0E01, 0x1234]).map(doip.activation_request),
    st.binary(min_size=1, max_size=12).map(lambda data: doip.diagnostic(0x0E00, DRIVE, data)),
    st.just(doip.message(Payload.ALIVE_RESPONSE, b"\x0e\x00")),
    st.just(bytes.fromhex("02fd 8001 7fffffff")),
)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 3), PIECES, st.integers(0, 3)), max_size=30))
def test_any_bytes_on_any_connection_break_nothing(
    told: list[tuple[int, bytes, int]],
) -> None:
    outside = Outside(max_sockets=2)
    known: set[int] = set()
    for number, data, seconds in told:
        if number not in known or number in outside.dropped:
            known.add(number)
            outside.dropped = [n for n in outside.dropped if n != number]
            outside.open(number)
        outside.tell(number, data)
        outside.wait(seconds)
    assert outside.gateway.activated <= 2
