"""The DoIP entity with its sockets: several testers, testers that stall, and the way out."""

import socket
import threading

import pytest

from tests.caros.diagnostics.car import BRAKE, DRIVE, FACTS, UNKNOWN, entity, key
from volant.caros.diagnostics import DoipEntity, DoipSettings, DoipTester, NegativeResponseError
from volant.caros.diagnostics.client import UnknownUnitError
from volant.core.errors import LinkError
from volant.vehicle.boot.flashing import FLASH_START
from volant.wire import doip
from volant.wire.doip import Payload


def test_a_tester_reads_and_is_refused() -> None:
    with entity() as served, DoipTester(port=served.port) as tester:
        assert tester.read_data(DRIVE, 0xF190) == FACTS.vin.encode()
        with pytest.raises(NegativeResponseError, match=r"31 \(request_out_of_range\)"):
            tester.read_data(DRIVE, 0x9999)
        with pytest.raises(UnknownUnitError):
            tester.read_data(UNKNOWN, 0xF190)
        assert tester.read_data(BRAKE, 0xF189) == b"9.9.9"


def test_an_image_goes_in_with_the_right_key() -> None:
    image = bytes(range(256)) * 100
    with entity() as served, DoipTester(port=served.port) as tester:
        tester.ask(DRIVE, b"\x10\x03")
        tester.ask(DRIVE, b"\x10\x02")
        with pytest.raises(NegativeResponseError, match="security"):
            tester.download(DRIVE, FLASH_START, image)
        seed = tester.ask(DRIVE, b"\x27\x11")[2:]
        tester.ask(DRIVE, b"\x27\x12" + key(0x11, seed))
        tester.ask(DRIVE, b"\x2e\xf1\x5aworkshop")
        assert tester.ask(DRIVE, bytes.fromhex("3101ff00")) == bytes.fromhex("7101ff0000")
        tester.download(DRIVE, FLASH_START, image)


def test_several_testers_are_served_at_once() -> None:
    with entity() as served:
        told: list[bytes] = []

        def work(source: int, unit: int) -> None:
            with DoipTester(port=served.port, source=source) as tester:
                told.extend(tester.read_data(unit, 0xF190) for _ in range(50))

        threads = [threading.Thread(target=work, args=(0x0E00 + n, 0x1000 + n)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert told == [FACTS.vin.encode()] * 400


def test_a_dead_testers_place_is_given_away() -> None:
    with entity() as served:
        first = DoipTester(port=served.port)
        with DoipTester(port=served.port) as second:
            assert second.read_data(DRIVE, 0xF190) == FACTS.vin.encode()
        with pytest.raises(LinkError):
            first.read_data(DRIVE, 0xF190)
        first.close()


def test_many_that_open_and_stall_do_not_keep_a_tester_out() -> None:
    with entity() as served:
        idle = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(60)]
        with DoipTester(port=served.port) as tester:
            assert tester.read_data(DRIVE, 0xF190) == FACTS.vin.encode()
        for one in idle:
            one.settimeout(10)
            assert one.recv(1) == b""  # all are let go in the end
            one.close()


def test_who_asks_without_reading_is_no_longer_heard_and_others_are() -> None:
    ask = doip.diagnostic(0x0E00, DRIVE, bytes.fromhex("190a")) * 100
    with entity() as served:
        deaf = socket.create_connection(("127.0.0.1", served.port))
        deaf.sendall(doip.activation_request(0x0E00))
        deaf.setblocking(False)
        sent = 0
        with DoipTester(port=served.port, source=0x0E01) as tester:
            while sent < 20_000_000:
                try:
                    sent += deaf.send(ask)
                except BlockingIOError:
                    break
                except ConnectionError:
                    break
                tester.read_data(BRAKE, 0xF190)
            assert sent < 20_000_000
            assert tester.read_data(BRAKE, 0xF190) == FACTS.vin.encode()
        deaf.close()


def test_a_refusal_is_read_before_the_end() -> None:
    with entity() as served:
        with socket.create_connection(("127.0.0.1", served.port), 10) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n" * 5000)
            stranger.settimeout(10)
            assert stranger.recv(100) == doip.nack(doip.Nack.WRONG_PATTERN)
        with pytest.raises(LinkError, match="unknown_source"):
            DoipTester(port=served.port, source=0x0D00)


def test_discovery_answers_over_udp() -> None:
    with entity() as served, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        asks.settimeout(10)
        asks.sendto(doip.message(Payload.IDENTIFY), ("127.0.0.1", served.udp_port or 0))
        told = doip.Announcement.unpack(asks.recv(100)[8:])
        assert told.vin == FACTS.vin.encode()


def test_a_taken_port_is_told() -> None:
    with entity() as served, pytest.raises(LinkError, match="cannot listen"):
        DoipEntity({}, DoipSettings(vin=FACTS.vin), port=served.port)


def test_a_tester_that_came_early_waits_at_a_socket_that_listens_already() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as early:
        early.sendall(doip.activation_request(0x0E00))
        with DoipEntity({}, DoipSettings(vin=FACTS.vin), listener=listener) as served:
            assert served.port == port
            early.settimeout(10)
            assert early.recv(100)[2:4] == Payload.ACTIVATION_RESPONSE.to_bytes(2, "big")


def test_nobody_at_the_port_is_told() -> None:
    with entity() as served:
        port = served.port
    with pytest.raises(LinkError, match="nobody answers"):
        DoipTester(port=port)
