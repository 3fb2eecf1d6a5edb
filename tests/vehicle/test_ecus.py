"""The table of control units of the simulated car."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from volant.vehicle import ecus, uds_server
from volant.vehicle.boot.flashing import FLASH_START
from volant.vehicle.cancar import codes_of
from volant.vehicle.network import load_mapping
from volant.vehicle.uds_config import UdsState
from volant.wire.uds import Sid


def config(spec: ecus.EcuSpec) -> uds_server.ServerConfig:
    return ecus.server_config(
        spec, ecus.CarFacts(), live=lambda _: 1.0, seed=lambda: bytes(range(1, 17))
    )


def test_addresses_identifiers_and_codes_differ() -> None:
    addresses = [spec.address for spec in ecus.ECUS]
    identifiers = [i for spec in ecus.ECUS for i in (spec.can_request, spec.can_response)]
    assert len(set(addresses)) == len(addresses)
    assert len(set(identifiers)) == len(identifiers)
    assert ecus.FUNCTIONAL_ADDRESS not in addresses
    for spec in ecus.ECUS:
        names = [fault.name for fault in spec.faults]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("spec", ecus.ECUS, ids=lambda spec: spec.name)
def test_every_unit_tells_who_it_is_and_its_codes(spec: ecus.EcuSpec) -> None:
    served = config(spec)
    for did in (*ecus.KNOWN_DIDS, *(value.did for value in spec.values)):
        request = b"\x22" + int(did).to_bytes(2, "big")
        (answer,) = uds_server.step(UdsState(), request, served, 0).responses
        assert answer[:1] == b"\x62"
    (answer,) = uds_server.step(UdsState(), b"\x19\x0a", served, 0).responses
    assert len(answer) == 3 + 4 * len(spec.faults)


VALUES = sorted({value for spec in ecus.ECUS for value in spec.values}, key=lambda v: v.did)


@given(st.sampled_from([*ecus.CIRCUMSTANCES, *VALUES]), st.floats(allow_nan=True))
def test_any_value_becomes_bytes_and_comes_back_as_near_as_they_allow(
    value: ecus.LiveValue, number: float
) -> None:
    back = value.decode(value.encode(number))
    if math.isnan(number):
        assert math.isnan(back)
        return
    top = value.offset + ((1 << 8 * value.width) - 2) * value.step
    assert math.isclose(
        back, min(max(number, value.offset), top), abs_tol=value.step * 0.51, rel_tol=1e-9
    )


def test_a_value_of_another_length_is_not_available() -> None:
    assert math.isnan(ecus.SPEED.decode(b"\x00"))


def test_a_freeze_frame_keeps_the_circumstances() -> None:
    frame = ecus.circumstances(lambda name: 12.5 if name == "supply_v" else math.nan)
    assert frame[ecus.SUPPLY.did] == (12500).to_bytes(2, "big")
    assert frame[ecus.SPEED.did] == b"\xff\xff"


@pytest.mark.parametrize(
    ("speed_mps", "nrc"), [(0.0, None), (-0.4, None), (3.0, 0x22), (-3.0, 0x22), (math.nan, 0x22)]
)
def test_units_change_nothing_while_the_car_moves(speed_mps: float, nrc: int | None) -> None:
    permit = ecus.permit_when_standing({"speed_mps": speed_mps, "supply_v": 12.0}.__getitem__)
    for sid in (
        Sid.RESET,
        Sid.COMMUNICATION,
        Sid.ROUTINE,
        Sid.DOWNLOAD,
        Sid.DTC_SETTING,
        Sid.CLEAR_DTC,
        Sid.WRITE_DATA,
        Sid.TRANSFER,
        Sid.TRANSFER_EXIT,
    ):
        assert permit(sid, 1) == nrc
    assert permit(Sid.SESSION, 2) == nrc
    assert permit(Sid.SESSION, 3) is None


def test_a_unit_offers_no_silence_that_nobody_makes() -> None:
    served = config(ecus.ECUS[1])
    (answer,) = uds_server.step(UdsState(session=3), b"\x28\x03\x01", served, 0).responses
    assert answer == b"\x7f\x28\x11"
    made = ecus.server_config(
        ecus.ECUS[1],
        ecus.CarFacts(),
        live=lambda _: 0.0,
        seed=lambda: bytes(range(1, 17)),
        controls_communication=True,
    )
    assert {Sid.RESET, Sid.COMMUNICATION} <= uds_server.offered(made)


def test_a_unit_prepared_at_a_standstill_is_as_ever_when_the_car_drives_off() -> None:
    speed = {"speed_mps": 0.0, "supply_v": 12.9}
    spec = ecus.ECUS[1]
    served = ecus.server_config(
        spec,
        ecus.CarFacts(),
        live=lambda name: speed.get(name, math.nan),
        seed=lambda: bytes(range(1, 17)),
    )
    state, key = UdsState(), ecus.key_for(ecus.secret_of(spec.name), 0x11, bytes(range(1, 17)))
    start = FLASH_START.to_bytes(4, "big")
    for request, answer in (
        (b"\x10\x03", 0x50),
        (b"\x85\x02", 0xC5),
        (b"\x10\x02", 0x50),
        (b"\x27\x11", 0x67),
        (b"\x27\x12" + key, 0x67),
        (b"\x2e\xf1\x5aworkshop", 0x6E),
        (b"\x31\x01\xff\x00", 0x7F),
        (None, 0x71),
        (b"\x34\x00\x44" + start + bytes((0, 0, 0, 9)), 0x74),
        (b"\x36\x01abc", 0x76),
    ):
        if request is None:
            done = uds_server.poll(state, served, 0)
            while not done.responses:
                done = uds_server.poll(done.state, served, 0)
        else:
            done = uds_server.step(state, request, served, 0)
        state = done.state
        assert done.responses[0][0] == answer
    assert served.faults is not None
    assert not served.faults.recording
    speed["speed_mps"] = 21.4
    done = uds_server.step(state, b"\x36\x02def", served, 1)
    assert done.responses == (b"\x7f\x36\x7f",)
    assert done.state == UdsState()
    assert served.faults.recording


def test_the_pilots_unit_knows_every_code_of_the_cars_network() -> None:
    mapping = load_mapping(REPO / "cars" / "network" / "mapping.toml")
    known = {fault.code for spec in ecus.ECUS if spec.name == "pilot" for fault in spec.faults}
    assert set(codes_of(mapping)) <= known
    table = {unit.lower(): code for unit, code in mapping.table.units.items()}
    assert {name: table[name] for name in table if name in ecus.LOST_CODES} == {
        name: code for name, code in ecus.LOST_CODES.items() if name in table
    }
