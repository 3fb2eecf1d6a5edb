"""Trouble codes of the live car over the death of the process that keeps them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from volant.app.live_diagnostics import FILE, Codes
from volant.vehicle.ecus import ECUS
from volant.vehicle.faults import by_name

LOST = by_name(next(spec for spec in ECUS if spec.name == "pilot").faults)["pilot_lost"].code


def test_codes_are_there_again_for_the_next_incarnation(tmp_path: Path) -> None:
    first = Codes(tmp_path)
    assert first.confirmed() == ""
    first.memories["pilot"].report(LOST, True, 5, {})
    first.keep()
    again = Codes(tmp_path)
    assert again.confirmed() == "pilot:pilot_lost"
    assert again.memories["pilot"].to_bytes() == first.memories["pilot"].to_bytes()
    again.memories["pilot"].clear()
    again.keep()
    assert Codes(tmp_path).confirmed() == ""


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    codes = Codes(tmp_path)
    codes.keep()
    (tmp_path / FILE).unlink()
    codes.keep()
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode({"pilot": b"too short"}),
        msgspec.msgpack.encode({"nobody": b""}),
    ],
)
def test_codes_that_are_not_sound_are_dropped_and_the_car_goes_on(
    tmp_path: Path, stored: bytes
) -> None:
    (tmp_path / FILE).write_bytes(stored)
    codes = Codes(tmp_path)
    assert codes.confirmed() == ""
    codes.memories["pilot"].report(LOST, True, 5, {})
    codes.keep()
    assert Codes(tmp_path).confirmed() == "pilot:pilot_lost"


def test_codes_that_cannot_be_written_are_still_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    codes = Codes(tmp_path / "gone")
    codes.memories["pilot"].report(LOST, True, 5, {})
    codes.keep()
    codes.keep()
    assert [one.message.partition(":")[0] for one in caplog.records] == ["trouble_codes_not_kept"]
    assert codes.confirmed() == "pilot:pilot_lost"
