"""U-MAN-1, U-MAN-2, U-INV: what a car says of itself, and what a director believes of it."""

import msgspec
import pytest

from tests.trust.uptane.lab import offered
from volant.core.errors import InputError, TrustError
from volant.trust.attacks.world import BRAKE, GATEWAY, SEAT, VEHICLE, World, key_of
from volant.trust.uptane import (
    Attack,
    EcuEntry,
    EcuReport,
    Inventory,
    RejectedError,
    read_manifest,
    sign_manifest,
    sign_report,
)
from volant.trust.uptane.envelope import seal, unseal
from volant.trust.uptane.manifest import MANIFEST_KIND, REPORT_KIND


def reports(world: World) -> dict[str, bytes]:
    units = (world.primary, *world.secondaries.values())
    return {one.entry.ecu_id: one.report(world.now_s) for one in units}


def test_u_man_1_a_manifest_is_read() -> None:
    world = offered()
    world.secondaries[SEAT].noticed = RejectedError(Attack.FREEZE, "old")
    heard = read_manifest(world.manifest(), world.inventory, {})
    assert {one.ecu_id: one.name for one in heard.installed}[BRAKE] == "brake-1-1.bin"
    assert heard.attacks == {SEAT: Attack.FREEZE}
    assert heard.counters == {GATEWAY: 1, BRAKE: 1, SEAT: 1}


def test_u_man_1_the_primary_signs_it() -> None:
    world = offered()
    data = sign_manifest(VEHICLE, GATEWAY, reports(world), key_of(BRAKE))
    with pytest.raises(TrustError, match="signature"):
        read_manifest(data, world.inventory, {})


def test_one_signature_of_several_is_enough() -> None:
    world = offered()
    statement = sign_manifest(VEHICLE, GATEWAY, reports(world), key_of(GATEWAY))
    other = sign_manifest(VEHICLE, GATEWAY, reports(world), key_of(BRAKE))
    ours, theirs = (msgspec.json.decode(data) for data in (statement, other))
    true, false = ours["signatures"], theirs["signatures"]
    for signatures in (true + false, false + true, false + true + false):
        data = msgspec.json.encode(ours | {"signatures": signatures})
        assert set(read_manifest(data, world.inventory, {}).reports) == {GATEWAY, BRAKE, SEAT}
    with pytest.raises(TrustError, match="signature"):
        read_manifest(
            msgspec.json.encode(ours | {"signatures": false + false}), world.inventory, {}
        )


def test_u_man_1_a_unit_that_lacks() -> None:
    world = offered()
    some = {name: data for name, data in reports(world).items() if name != SEAT}
    data = sign_manifest(VEHICLE, GATEWAY, some, key_of(GATEWAY))
    with pytest.raises(TrustError, match="did not report: seat-1"):
        read_manifest(data, world.inventory, {})
    assert set(read_manifest(data, world.inventory, {}, all_units=False).reports) == set(some)


@pytest.mark.parametrize(
    ("vehicle", "primary", "words"),
    [("CAR-B", GATEWAY, "of CAR-B"), (VEHICLE, BRAKE, "the manifest says brake-1")],
)
def test_u_man_1_of_another_car_or_primary(vehicle: str, primary: str, words: str) -> None:
    world = offered()
    data = sign_manifest(vehicle, primary, reports(world), key_of(GATEWAY))
    with pytest.raises(TrustError, match=words):
        read_manifest(data, world.inventory, {})


def test_u_man_1_a_unit_that_is_not_in_the_inventory() -> None:
    world = offered()
    found = {**reports(world), "stranger": reports(world)[SEAT]}
    data = sign_manifest(VEHICLE, GATEWAY, found, key_of(GATEWAY))
    with pytest.raises(TrustError, match="not in the inventory"):
        read_manifest(data, world.inventory, {})


def test_u_man_2_a_report_holds_all_that_is_asked() -> None:
    world = offered()
    data = world.secondaries[BRAKE].report(world.now_s)
    found = unseal(data, EcuReport, REPORT_KIND, key_of(BRAKE).public, 1 << 20)
    assert found.installed is not None
    assert (found.ecu_id, found.counter, found.time_s) == (BRAKE, 1, world.now_s)
    assert set(found.installed.hashes) == {"sha256", "sha512"}
    assert found.installed.length == world.secondaries[BRAKE].installed.length
    assert found.attack is None


def test_u_man_2_a_replayed_report_is_dropped() -> None:
    world = offered()
    old = reports(world)
    heard = read_manifest(
        sign_manifest(VEHICLE, GATEWAY, old, key_of(GATEWAY)), world.inventory, {}
    )
    mixed = {**reports(world), BRAKE: old[BRAKE]}
    data = sign_manifest(VEHICLE, GATEWAY, mixed, key_of(GATEWAY))
    with pytest.raises(TrustError, match="an old report of brake-1: counter 1, last 1"):
        read_manifest(data, world.inventory, heard.counters)
    assert read_manifest(world.manifest(), world.inventory, heard.counters)


def test_u_man_2_a_report_signed_by_another_unit_is_dropped() -> None:
    world = offered()
    found = reports(world)
    swapped = {**found, BRAKE: found[SEAT]}
    data = sign_manifest(VEHICLE, GATEWAY, swapped, key_of(GATEWAY))
    with pytest.raises(TrustError, match="signature"):
        read_manifest(data, world.inventory, {})


def test_u_man_2_a_report_that_speaks_of_another_unit_is_dropped() -> None:
    world = offered()
    found = reports(world)
    report = EcuReport(ecu_id=SEAT, installed=None, time_s=1.0, counter=9)
    found[BRAKE] = sign_report(report, key_of(BRAKE))
    data = sign_manifest(VEHICLE, GATEWAY, found, key_of(GATEWAY))
    with pytest.raises(TrustError, match="speaks of another unit"):
        read_manifest(data, world.inventory, {})


def test_a_statement_of_one_kind_is_none_of_another() -> None:
    report = EcuReport(ecu_id=SEAT, installed=None, time_s=1.0, counter=9)
    data = sign_report(report, key_of(SEAT))
    with pytest.raises(InputError, match="expected"):
        unseal(data, EcuReport, MANIFEST_KIND, key_of(SEAT).public, 1 << 20)
    other = data.replace(REPORT_KIND.encode(), MANIFEST_KIND.encode())
    with pytest.raises(TrustError):
        unseal(other, EcuReport, MANIFEST_KIND, key_of(SEAT).public, 1 << 20)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[" * 100_000, b"x" * (9 << 20)])
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        read_manifest(data, offered().inventory, {})


def test_signed_and_yet_no_report() -> None:
    inventory = offered().inventory
    data = seal(inventory, REPORT_KIND, key_of(SEAT))
    with pytest.raises(InputError, match="signed, and yet"):
        unseal(data, EcuReport, REPORT_KIND, key_of(SEAT).public, 1 << 20)


def test_u_inv_an_inventory_is_read_back_and_holds_what_is_asked() -> None:
    inventory = offered().inventory
    assert Inventory.from_bytes(inventory.to_bytes()) == inventory
    unit = inventory.find(SEAT)
    assert unit is not None
    assert (unit.hardware_id, unit.primary, unit.partial) == ("seat-a", False, True)
    assert unit.public == key_of(SEAT).public
    assert inventory.find("nobody") is None


@pytest.mark.parametrize("fault", ["twice", "no primary", "two primaries", "partial primary"])
def test_u_inv_a_wrong_inventory_is_refused(fault: str) -> None:
    units = list(offered().inventory.ecus)
    change = msgspec.structs.replace
    if fault == "twice":
        units.append(units[1])
    elif fault == "no primary":
        units[0] = change(units[0], primary=False)
    elif fault == "two primaries":
        units[1] = change(units[1], primary=True)
    else:
        units[0] = change(units[0], partial=True)
    data = msgspec.json.encode({"vehicle_id": "V", "ecus": units})
    with pytest.raises(InputError):
        Inventory.from_bytes(data)
    with pytest.raises(InputError):
        Inventory.from_bytes(b" " * (2 << 20))
    assert EcuEntry(ecu_id="a", hardware_id="b", key="0" * 64).public
