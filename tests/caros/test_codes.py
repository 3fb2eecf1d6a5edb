"""Trouble codes over drives: kept whole, never half, and told in words."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.codes import FILE, OWNER, Codes, code_rows, network_faults, present_codes
from volant.caros.flash import FlashSettings
from volant.caros.ledger import FlashLedger
from volant.core.messages import CodeStatus
from volant.vehicle.ecus import ECUS, ODOMETER, SPEED, circumstances
from volant.vehicle.faults import by_name
from volant.wire.uds import DtcStatus

LOST = by_name(next(spec for spec in ECUS if spec.name == "pilot").faults)["pilot_lost"].code
FOREIGN = {"pilot": network_faults({0xC12187: "esp_missing"})}


def frame(speed_mps: float = 20.0, odometer_m: float = 1_500.0) -> dict[int, bytes]:
    values = {"speed_mps": speed_mps, "odometer_m": odometer_m}
    return circumstances(lambda name: values.get(name, float("nan")))


def test_codes_are_there_again_for_the_next_incarnation(tmp_path: Path) -> None:
    first = Codes(tmp_path)
    assert first.confirmed() == ""
    first.memories["pilot"].report(LOST, True, 5, {})
    assert first.changed
    assert first.keep()
    assert not first.changed
    again = Codes(tmp_path)
    assert again.confirmed() == "pilot:pilot_lost"
    assert again.memories["pilot"].to_bytes() == first.memories["pilot"].to_bytes()
    again.memories["pilot"].clear()
    again.keep()
    assert Codes(tmp_path).confirmed() == ""
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    codes = Codes(tmp_path)
    assert codes.keep()
    assert not (tmp_path / FILE).exists()


def test_each_drive_is_an_operation_cycle(tmp_path: Path) -> None:
    """Active, then stored, then no longer pending, and forgotten after 40 sound drives."""
    codes = Codes(tmp_path)
    codes.begin_drive()
    codes.memories["pilot"].report(LOST, True, 5, frame())
    codes.memories["pilot"].report(LOST, False, 6)
    codes.keep()
    for drive in range(1, 43):
        codes = Codes(tmp_path)
        codes.begin_drive()
        fault = codes.memories["pilot"].fault(LOST)
        assert fault is not None
        assert not fault.status & DtcStatus.FAILED_THIS_CYCLE
        assert bool(fault.status & DtcStatus.PENDING) == (drive == 1)
        told = present_codes(codes.memories)
        assert (len(told) == 1) == (drive <= 40), drive
        if told:
            assert told[0].status is CodeStatus.STORED
            assert told[0].first is not None
            assert told[0].first.drives_ago == drive
        codes.memories["pilot"].report(LOST, False, 5)
        codes.keep()


def test_a_drive_in_which_nothing_was_tested_heals_nothing(tmp_path: Path) -> None:
    codes = Codes(tmp_path)
    codes.memories["pilot"].report(LOST, True, 5, frame())
    for _ in range(3):
        codes.begin_drive()
    fault = codes.memories["pilot"].fault(LOST)
    assert fault is not None
    assert fault.status & DtcStatus.PENDING
    assert fault.healed_cycles == 0


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\xc1",
        b"\x00" * (1 << 21),
        msgspec.msgpack.encode({"memories": {"pilot": b"too short"}, "more": {}}),
        msgspec.msgpack.encode({"memories": {"pilot": 7}}),
        msgspec.msgpack.encode({"memories": {}, "more": {"pilot": [{"code": 1}]}}),
    ],
)
def test_a_damaged_file_begins_anew_and_says_so(tmp_path: Path, stored: bytes) -> None:
    (tmp_path / FILE).write_bytes(stored)
    codes = Codes(tmp_path)
    assert codes.confirmed() == ""
    (said,) = codes.said
    assert "damaged" in said
    codes.memories["pilot"].report(LOST, True, 5, {})
    codes.keep()
    assert Codes(tmp_path).confirmed() == "pilot:pilot_lost"
    assert Codes(tmp_path).said == ()


@given(st.binary(max_size=64), st.integers(0, 4_000))
def test_whatever_stands_in_the_file_the_car_goes_on(
    tmp_path_factory: pytest.TempPathFactory, patch: bytes, place: int
) -> None:
    folder = tmp_path_factory.mktemp("codes")
    codes = Codes(folder, FOREIGN)
    codes.memories["pilot"].report(LOST, True, 5, frame())
    codes.keep()
    data = bytearray((folder / FILE).read_bytes())
    data[place : place + len(patch)] = patch
    (folder / FILE).write_bytes(data)
    again = Codes(folder)
    again.begin_drive()
    assert present_codes(again.memories) is not None
    assert Codes(folder).said == ()


def test_a_disk_that_takes_nothing_costs_only_what_would_be_kept(tmp_path: Path) -> None:
    codes = Codes(tmp_path / "gone")
    codes.memories["pilot"].report(LOST, True, 5, {})
    assert not codes.keep()
    codes.memories["pilot"].report(LOST, False, 6, {})
    assert not codes.keep()
    (said,) = codes.said
    assert said == "trouble codes are not kept: No such file or directory"
    assert codes.confirmed() == "pilot:pilot_lost"


def test_what_a_disk_did_not_take_is_kept_once_it_does(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    codes = Codes(folder)
    codes.memories["pilot"].report(LOST, True, 5, {})
    assert not codes.keep()
    assert codes.changed
    folder.mkdir()
    assert codes.keep()
    assert not codes.changed
    assert Codes(folder).confirmed() == "pilot:pilot_lost"


def test_the_budget_of_flash_is_asked_and_what_it_refuses_stays_due(tmp_path: Path) -> None:
    today = [1]
    settings = FlashSettings(owners={OWNER: 80_000})
    ledger = FlashLedger(tmp_path, settings, lambda: today[0])
    codes = Codes(tmp_path, ledger=ledger)
    codes.memories["pilot"].report(LOST, True, 5, {})
    assert codes.keep()
    counted = ledger.state().of(1).owners[OWNER]
    assert counted > (tmp_path / FILE).stat().st_size
    codes.memories["pilot"].clear()
    assert not codes.keep()
    assert codes.changed
    assert ledger.state().of(1).owners[OWNER] == counted
    assert codes.said == (
        "trouble codes are not kept: diagnostics has used up its 0.08 MB of today",
    )
    assert Codes(tmp_path).confirmed() == "pilot:pilot_lost"
    today[0] = 2
    assert codes.keep()
    assert Codes(tmp_path).confirmed() == ""


def test_a_folder_in_place_of_the_file_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    codes = Codes(tmp_path)
    assert "cannot be read" in codes.said[0]
    codes.memories["pilot"].report(LOST, True, 5, {})
    assert not codes.keep()
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_codes_of_another_network_are_there_for_who_does_not_know_it(tmp_path: Path) -> None:
    codes = Codes(tmp_path, FOREIGN)
    codes.memories["pilot"].report(0xC12187, True, 5, frame())
    codes.keep()
    (told,) = present_codes(Codes(tmp_path).memories)
    assert (told.code, told.name, told.unit) == ("U0121-87", "esp_missing", "pilot")


def test_what_fails_now_comes_first_with_its_circumstances(tmp_path: Path) -> None:
    codes = Codes(tmp_path)
    memory = codes.memories["drive"]
    hot = by_name(memory.specs)["inverter_hot"].code
    memory.report(hot, True, 1_000_000_000, frame())
    memory.report(hot, False, 2_000_000_000)
    codes.memories["pilot"].report(LOST, True, 3_000_000_000, frame(33.0))
    first, second = present_codes(codes.memories)
    assert (first.name, first.status) == ("pilot_lost", CodeStatus.ACTIVE)
    assert (second.name, second.status) == ("inverter_hot", CodeStatus.STORED)
    assert first.warns
    assert first.latest is not None
    assert first.latest.speed_mps == pytest.approx(33.0)
    assert first.latest.odometer_m == 1_500.0
    assert first.latest.supply_v is None
    assert code_rows([first])[0][-1] == "3.00 s at 119 km/h"
    assert {SPEED.did, ODOMETER.did} < {did for did, _ in _latest(codes)}


def _latest(codes: Codes) -> tuple[tuple[int, bytes], ...]:
    fault = codes.memories["pilot"].fault(LOST)
    assert fault is not None
    return fault.frames[2].values
