"""The small tester against entities that misbehave."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from volant.caros.diagnostics import DoipTester, NegativeResponseError, UnknownUnitError
from volant.core.errors import InputError, LinkError
from volant.wire import doip
from volant.wire.doip import Activation, DiagnosticNack, Nack, Payload

UNIT, US = 0x1001, 0x0E00
WELCOME = doip.activation_response(US, 0x1000, Activation.DONE)


def says(data: str, unit: int = UNIT) -> bytes:
    return doip.diagnostic(unit, US, bytes.fromhex(data))


@contextmanager
def entity(*answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """An entity that gives one answer to each thing it hears, then ends; and what it heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listens:
        listens.settimeout(10)

        def serve() -> None:
            connected, _ = listens.accept()
            with connected:
                for answer in answers:
                    heard.append(connected.recv(1 << 16))
                    connected.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listens.getsockname()[1], heard
        thread.join(10)


def test_it_waits_through_pending_and_what_others_say() -> None:
    others = says("7f3178") + says("7e00", 0x1002) + doip.diagnostic_ack(UNIT, US) + says("7e00")
    with entity(WELCOME, others + says("71010301")) as (port, _), DoipTester(port=port) as tester:
        assert tester.ask(UNIT, bytes.fromhex("31010301")) == bytes.fromhex("71010301")


def test_it_answers_alive_checks() -> None:
    alive = doip.message(Payload.ALIVE_REQUEST)
    with entity(WELCOME, alive, says("7e00")) as (port, heard), DoipTester(port=port) as tester:
        assert tester.ask(UNIT, b"\x3e\x00") == b"\x7e\x00"
    assert heard[2] == doip.message(Payload.ALIVE_RESPONSE, b"\x0e\x00")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (says("7f2231"), NegativeResponseError, "request_out_of_range"),
        (says("7f22ee"), NegativeResponseError, "unknown code"),
        (says("629999"), InputError, "expected data of F190"),
        (b"HTTP/1.1 400 Bad Request\r\n", LinkError, "not DoIP: wrong_pattern"),
        (bytes.fromhex("02fd8001ffffffff"), LinkError, "not DoIP: too_large"),
        (doip.nack(Nack.OUT_OF_MEMORY), LinkError, "refused a message: 03"),
        (
            doip.diagnostic_nack(UNIT, US, DiagnosticNack.UNREACHABLE),
            LinkError,
            r"06 \(unreachable\)",
        ),
        (
            doip.diagnostic_nack(UNIT, US, DiagnosticNack.UNKNOWN_TARGET),
            UnknownUnitError,
            "no control unit 1001",
        ),
        (b"", LinkError, "closed the connection"),
    ],
)
def test_each_trouble_is_an_error_that_says_it(
    answer: bytes, error: type[Exception], words: str
) -> None:
    with (
        entity(WELCOME, answer) as (port, _),
        DoipTester(port=port) as tester,
        pytest.raises(error, match=words),
    ):
        tester.read_data(UNIT, 0xF190)


def test_a_silent_entity_is_not_waited_for_for_ever() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(LinkError, match="nothing came"),
    ):
        DoipTester(port=silent.getsockname()[1], timeout_s=0.05)
