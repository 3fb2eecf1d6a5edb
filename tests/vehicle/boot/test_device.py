"""How a unit's flash is divided, and that it keeps what it holds when it gets other slots."""

import pytest

from tests.vehicle.boot.director import Director
from volant.trust.flash import Geometry, MemoryFlash
from volant.vehicle.boot import Identity, Image, Tables, make_image
from volant.vehicle.boot.device import (
    GEOMETRY,
    SLOT_BYTES,
    SLOT_MOST_BYTES,
    Device,
    bootloader,
    first_image,
    resized,
)

WHO = Identity("brake", "SIM-1")


@pytest.mark.parametrize("slot_bytes", [SLOT_BYTES, 100 << 10, SLOT_MOST_BYTES])
def test_a_device_is_known_by_its_length(slot_bytes: int) -> None:
    device = Device.of(slot_bytes)
    assert Device.of_size(device.geometry.size_bytes) == device
    assert device.layout.slots[0].length == slot_bytes
    assert Device.of_size(device.geometry.size_bytes + 2) is None


@pytest.mark.parametrize("size", [0, 1, 72 << 10, 1 << 30])
def test_other_lengths_are_no_unit_s(size: int) -> None:
    assert Device.of_size(size) is None
    if size == 72 << 10:
        with pytest.raises(ValueError, match="no unit"):
            bootloader(MemoryFlash(Geometry(size, 1024, 64)), WHO)


def test_program_and_trust_stay_when_slots_become_larger_and_smaller() -> None:
    flash = MemoryFlash(GEOMETRY)
    boot = bootloader(flash, WHO)
    boot.provision(first_image(WHO, "1.0", Tables()))
    assert boot.trust is not None
    boot.trust.join(Director().joining())
    larger = resized(flash.content, 64 << 10)
    for content in (larger, resized(larger, SLOT_BYTES)):
        device = Device.of_size(len(content))
        assert device is not None
        after = bootloader(MemoryFlash(device.geometry, content), WHO)
        assert after.boot() is not None
        assert after.trust is not None
        assert after.trust.joined
        assert after.trust.told(0).root == 1
    assert resized(larger, SLOT_BYTES) == flash.content


def test_what_does_not_fit_is_refused() -> None:
    flash = MemoryFlash(Device.of(64 << 10).geometry)
    told = Image(unit="brake", hardware="SIM-1", version="1", release=0, tables=Tables())
    bootloader(flash, WHO).provision(make_image(told, code=bytes(40 << 10)))
    with pytest.raises(ValueError, match="holds more"):
        resized(flash.content, SLOT_BYTES)
    for slot_bytes in (1000, 16 << 10, SLOT_MOST_BYTES + 1024):
        with pytest.raises(ValueError, match="no slots"):
            resized(flash.content, slot_bytes)
    with pytest.raises(ValueError, match="no device"):
        resized(b"", SLOT_BYTES)
