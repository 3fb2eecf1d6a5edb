"""Unmodified testers of others against our servers: udsoncan, doipclient, can-isotp."""

import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import can
import pytest

from tests.caros.diagnostics.car import DRIVE, FACTS, entity, key, units
from tests.peers import peer
from volant.caros.diagnostics import CanIds, CanNode, DoipEntity, DoipSettings, Unit
from volant.vehicle.ecus import ECUS, NOTE, SPEED, EcuSpec, server_config
from volant.vehicle.faults import FaultMemory
from volant.wire.isotp import IsoTpSettings

udsoncan = peer("udsoncan")
doipclient = peer("doipclient")
connectors = peer("doipclient.connectors")
isotp = peer("isotp")
connections = peer("udsoncan.connections")
clients = peer("udsoncan.client")
services = udsoncan.services
SPEC = next(spec for spec in ECUS if spec.address == DRIVE)
LOST = 0xC12987  # U0129-87: the brakes' frames are missing


class Hex(udsoncan.DidCodec):  # type: ignore[misc]
    """Bytes as they are."""

    def __init__(self, length: int) -> None:
        self.length = length

    def encode(self, value: bytes) -> bytes:
        return value

    def decode(self, payload: bytes) -> bytes:
        return payload

    def __len__(self) -> int:
        return self.length


def choices() -> dict[str, Any]:
    chosen = dict(udsoncan.configs.default_client_config)
    chosen["data_identifiers"] = {
        0xF190: Hex(17),
        0xF186: Hex(1),
        NOTE: Hex(16),
        **{did: Hex(2) for did in (0x0100, 0x0101, 0x0102)},
        **{did: Hex(4) for did in (0x0103, 0x0104)},
        0x9999: Hex(1),
    }
    chosen["security_algo"] = lambda level, seed, params: key(level, seed)
    chosen["extended_data_size"] = {LOST: 1}
    chosen["request_timeout"] = 10
    chosen["use_server_timing"] = False  # it counts P2 from before its own frames have left
    chosen["p2_timeout"] = 10
    return chosen


@contextmanager
def over_doip(unit: Unit) -> Iterator[Any]:
    with entity({DRIVE: unit}) as served:
        tester = doipclient.DoIPClient("127.0.0.1", DRIVE, tcp_port=served.port)
        connection = connectors.DoIPClientUDSConnector(tester)
        with clients.Client(connection, config=choices()) as client:
            yield client
        tester.close()


@contextmanager
def over_can(unit: Unit) -> Iterator[Any]:
    channel = f"peers-{id(unit)}"
    ids = CanIds(SPEC.can_request, SPEC.can_response)
    with (
        can.Bus(channel, interface="virtual") as ours,
        can.Bus(channel, interface="virtual") as theirs,
        CanNode(ours, {ids: unit}, settings=IsoTpSettings(block_size=8, separation_ns=100_000)),
    ):
        notifier = can.Notifier(theirs, [], timeout=0.05)
        address = isotp.Address(txid=ids.request, rxid=ids.response)
        stack = isotp.NotifierBasedCanStack(
            theirs, notifier, address=address, params={"tx_padding": 0xCC, "stmin": 0}
        )
        connection = connections.PythonIsoTpConnection(stack)
        try:
            with clients.Client(connection, config=choices()) as client:
                yield client
        finally:
            notifier.stop()


WAYS = pytest.mark.parametrize("way", [over_doip, over_can], ids=["doipclient", "can-isotp"])


def unit() -> Unit:
    return units()[DRIVE]


@WAYS
def test_udsoncan_reads_writes_and_unlocks(way: Any) -> None:
    with way(unit()) as client:
        assert client.read_data_by_identifier(0xF190).service_data.values[0xF190] == (
            FACTS.vin.encode()
        )
        both = client.read_data_by_identifier([0xF190, SPEED.did]).service_data.values
        assert SPEED.decode(both[SPEED.did]) == 0.0
        with pytest.raises(udsoncan.NegativeResponseException) as refused:
            client.read_data_by_identifier(0x9999)
        assert refused.value.response.code == 0x31
        client.change_session(3)
        with pytest.raises(udsoncan.NegativeResponseException) as refused:
            client.write_data_by_identifier(NOTE, b"n" * 16)
        assert refused.value.response.code == 0x33
        client.unlock_security_access(1)
        client.write_data_by_identifier(NOTE, b"n" * 16)
        assert client.read_data_by_identifier(NOTE).service_data.values[NOTE] == b"n" * 16
        client.tester_present()
        client.communication_control(control_type=3, communication_type=1)
        client.control_dtc_setting(setting_type=2)
        client.ecu_reset(1)
        assert client.read_data_by_identifier(0xF186).service_data.values[0xF186] == b"\x01"


@WAYS
def test_udsoncan_reads_codes_and_frames_and_clears(way: Any) -> None:
    served = unit()
    memory = served.config.faults
    assert memory is not None
    memory.report(LOST, True, 7, {SPEED.did: SPEED.encode(27.7)})
    with way(served) as client:
        assert client.get_number_of_dtc_by_status_mask(0x08).service_data.dtc_count == 1
        (found,) = client.get_dtc_by_status_mask(0x08).service_data.dtcs
        assert found.id == LOST
        assert found.status.confirmed
        assert found.status.test_failed
        assert len(client.get_supported_dtc().service_data.dtcs) == len(SPEC.faults)
        (found,) = client.get_dtc_snapshot_by_dtc_number(LOST, 1).service_data.dtcs
        (frame,) = found.snapshots
        assert (frame.did, SPEED.decode(frame.data)) == (SPEED.did, pytest.approx(27.7))
        (found,) = client.get_dtc_extended_data_by_dtc_number(LOST, 1, 1).service_data.dtcs
        assert found.extended_data[0].raw_data == b"\x01"
        client.clear_dtc(0xFFFFFF)
        assert client.get_dtc_by_status_mask(0x08).service_data.dtcs == []


@WAYS
def test_udsoncan_clears_nothing_while_the_car_drives(way: Any) -> None:
    speed_mps = 30.0
    memory = FaultMemory(SPEC.faults)
    memory.report(LOST, True, 7, {SPEED.did: SPEED.encode(27.7)})
    served = Unit(
        server_config(
            SPEC, FACTS, live=lambda _: speed_mps, seed=lambda: bytes(range(1, 17)), faults=memory
        )
    )
    with way(served) as client:
        for group in (0xFFFFFF, LOST):
            with pytest.raises(udsoncan.NegativeResponseException) as refused:
                client.clear_dtc(group)
            assert refused.value.response.code_name == "ConditionsNotCorrect"
        with pytest.raises(udsoncan.NegativeResponseException) as refused:
            client.clear_dtc(0x123456)
        assert refused.value.response.code_name == "RequestOutOfRange"
        assert client.get_number_of_dtc_by_status_mask(0x08).service_data.dtc_count == 1
        speed_mps = 0.0
        client.clear_dtc(LOST)
        assert client.get_number_of_dtc_by_status_mask(0x08).service_data.dtc_count == 0


@pytest.mark.parametrize("spec", ECUS, ids=lambda spec: spec.name)
def test_udsoncan_over_doipclient_reads_every_unit(spec: EcuSpec) -> None:
    with entity() as served:
        tester = doipclient.DoIPClient("127.0.0.1", spec.address, tcp_port=served.port)
        with clients.Client(connectors.DoIPClientUDSConnector(tester), config=choices()) as client:
            read = client.read_data_by_identifier(0xF190).service_data.values
            assert read[0xF190] == FACTS.vin.encode()
            assert len(client.get_supported_dtc().service_data.dtcs) == len(spec.faults)
        tester.close()


def test_doipclient_hears_the_car_announce_itself() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hears:
        hears.bind(("127.0.0.1", 0))
        settings, to = DoipSettings(vin=FACTS.vin), hears.getsockname()
        with DoipEntity(units(), settings, port=0, announce_to=to):
            _, told = doipclient.DoIPClient.await_vehicle_announcement(timeout=10, sock=hears)
    assert told.vin == FACTS.vin


def test_doipclient_finds_the_entity_and_tells_its_state() -> None:
    with entity() as served:
        tester = doipclient.DoIPClient(
            "127.0.0.1", DRIVE, tcp_port=served.port, udp_port=served.udp_port
        )
        told = tester.request_vehicle_identification()
        assert (told.vin, told.logical_address) == (FACTS.vin, 0x1000)
        assert tester.request_vehicle_identification(vin=FACTS.vin).vin == FACTS.vin
        assert tester.request_entity_status().currently_open_sockets == 1
        assert tester.request_diagnostic_power_mode().diagnostic_power_mode == 1
        assert tester.request_activation(0).response_code == 0x10
        tester.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_doipclient_is_refused_with_a_wrong_source() -> None:
    with entity() as served, pytest.raises(ConnectionRefusedError):
        doipclient.DoIPClient(
            "127.0.0.1", DRIVE, tcp_port=served.port, client_logical_address=0x0D00
        )
    gc.collect()  # the refused client leaves its sockets open; that is its own affair


def test_all_units_of_a_bus_answer_the_functional_identifier() -> None:
    served = {CanIds(s.can_request, s.can_response): units()[s.address] for s in ECUS[:3]}
    with (
        can.Bus("functional", interface="virtual") as ours,
        can.Bus("functional", interface="virtual") as theirs,
        CanNode(ours, served),
    ):
        for request, count in ((b"\x02\x3e\x00", 3), (b"\x01\xba", 0), (b"\x02\x3e\x00", 3)):
            theirs.send(can.Message(arbitration_id=0x7DF, data=request, is_extended_id=False))
            heard = [theirs.recv(5.0) for _ in range(count)]
            assert {one.arbitration_id for one in heard if one} == {
                ids.response for ids in served
            } or not count
