"""Programming with unmodified testers of others: udsoncan over doipclient and over can-isotp."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.caros.diagnostics.test_peers import WAYS, Hex, choices, udsoncan
from volant.caros.diagnostics import Unit
from volant.trust.flash import MemoryFlash
from volant.vehicle import ecus
from volant.vehicle.boot import Bootloader, Identity, Image, Tables, make_image
from volant.vehicle.boot.device import GEOMETRY, bootloader, first_image
from volant.vehicle.boot.flashing import FINGERPRINT, FLASH_START, PROGRESS, RELEASE

SPEC = next(spec for spec in ecus.ECUS if spec.name == "drive")
WHO = Identity("drive", "SIM-1")
DIDS = {FINGERPRINT: Hex(8), PROGRESS: Hex(40), RELEASE: Hex(4), 0xF189: Hex(3)}


def image(release: int = 3, hardware: str = "SIM-1") -> bytes:
    tables = Tables(calibration={f"row_{n}": float(release + n) for n in range(200)})
    told = Image(
        unit="drive", hardware=hardware, version=f"{release}.0", release=release, tables=tables
    )
    return make_image(told)


def boot_of(flash: MemoryFlash) -> Bootloader:
    boot = bootloader(flash, WHO)
    boot.boot()
    return boot


def unit_on(flash: MemoryFlash, **values: float) -> Unit:
    """The drive unit as power comes on."""
    live = {"speed_mps": 0.0, "supply_v": 12.9} | values
    config = ecus.server_config(
        SPEC,
        ecus.CarFacts(),
        live=lambda name: live.get(name, float("nan")),
        seed=lambda: bytes(range(1, 17)),
        boot=boot_of(flash),
    )
    return Unit(replace(config, block_length=514))


@pytest.fixture
def flash() -> MemoryFlash:
    made = MemoryFlash(GEOMETRY)
    bootloader(made, WHO).provision(first_image(WHO, "1.0", Tables()))
    return made


@contextmanager
def ready(client: Any) -> Iterator[Any]:
    """In the programming session, unlocked and signed in."""
    client.set_config("data_identifiers", choices()["data_identifiers"] | DIDS)
    client.change_session(3)
    client.change_session(2)
    client.unlock_security_access(0x11)
    client.write_data_by_identifier(FINGERPRINT, b"workshop")
    yield client


def transfer(client: Any, data: bytes, offset: int = 0, last: int | None = None) -> None:
    where = udsoncan.MemoryLocation(FLASH_START + offset, len(data) - offset, 32, 32)
    block = client.request_download(where).service_data.max_length - 2
    for number, at in enumerate(range(offset, len(data), block), 1):
        if number == last:
            return
        client.transfer_data(number & 0xFF, data[at : at + block])
    client.request_transfer_exit()


def answered(client: Any, routine: int) -> int:
    return int(client.start_routine(routine).service_data.routine_status_record[0])


def refused(act: Any, *words: Any) -> int:
    with pytest.raises(udsoncan.NegativeResponseException) as told:
        act(*words)
    return int(told.value.response.code)


@WAYS
def test_udsoncan_programs_a_unit_and_confirms_it(way: Any, flash: MemoryFlash) -> None:
    data = image()
    with way(unit_on(flash)) as client, ready(client):
        assert answered(client, 0xFF00) == 0
        transfer(client, data)
        assert answered(client, 0x0202) == 0
        assert answered(client, 0xFF01) == 0
        client.ecu_reset(1)
        assert client.read_data_by_identifier(0xF189).service_data.values[0xF189] == b"3.0"
        with ready(client):
            assert answered(client, 0x0203) == 0
    for _ in range(3):
        assert boot_of(flash).coming == 3


@WAYS
def test_udsoncan_goes_on_after_the_power_was_cut(way: Any, flash: MemoryFlash) -> None:
    data = image()
    with way(unit_on(flash)) as client, ready(client):
        client.start_routine(0xFF00)
        transfer(client, data, last=6)
    with way(unit_on(flash)) as client, ready(client):
        told = client.read_data_by_identifier(PROGRESS).service_data.values[PROGRESS]
        written, size = int.from_bytes(told[:4], "big"), int.from_bytes(told[4:8], "big")
        assert (written, size) == (2048, len(data))
        transfer(client, data, written)
        assert answered(client, 0x0202) == 0
        assert answered(client, 0xFF01) == 0
    assert boot_of(flash).coming == 3


@WAYS
def test_udsoncan_meets_every_refusal(way: Any, flash: MemoryFlash) -> None:
    where = udsoncan.MemoryLocation(FLASH_START, 64, 32, 32)
    with way(unit_on(flash)) as client:
        assert refused(client.request_download, where) == 0x7F
        client.change_session(3)
        client.change_session(2)
        assert refused(client.request_download, where) == 0x33
        client.set_config("security_algo", lambda level, seed, params: bytes(16))
        for code in (0x35, 0x35, 0x36, 0x37):
            assert refused(client.unlock_security_access, 0x11) == code
    with way(unit_on(flash)) as client, ready(client):
        assert refused(client.transfer_data, 1, bytes(64)) == 0x24
        assert refused(client.request_download, where) == 0x70
        client.start_routine(0xFF00)
        far = udsoncan.MemoryLocation(FLASH_START + (1 << 20), 64, 32, 32)
        assert refused(client.request_download, far) == 0x31
        client.request_download(where)
        assert refused(client.request_transfer_exit) == 0x24
        assert refused(client.transfer_data, 2, bytes(64)) == 0x73
        client.transfer_data(1, bytes(64))
        client.transfer_data(1, bytes(64))
        client.request_transfer_exit()
        assert answered(client, 0x0202) == 2
    assert boot_of(flash).coming == 0


@WAYS
@pytest.mark.parametrize(("supply_v", "code"), [(11.0, 0x93), (16.0, 0x92)])
def test_udsoncan_is_told_of_a_bad_supply(
    way: Any, flash: MemoryFlash, supply_v: float, code: int
) -> None:
    with way(unit_on(flash, supply_v=supply_v)) as client, ready(client):
        assert refused(client.start_routine, 0xFF00) == code


@WAYS
def test_udsoncan_is_told_that_an_image_is_for_other_hardware(way: Any, flash: MemoryFlash) -> None:
    with way(unit_on(flash)) as client, ready(client):
        client.start_routine(0xFF00)
        transfer(client, image(hardware="SIM-2"))
        assert answered(client, 0x0202) == 4
        assert answered(client, 0xFF01) == 1
