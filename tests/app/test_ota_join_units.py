"""What control units are given when their car joins a director."""

import time
from pathlib import Path

import pytest

from tests.app.test_repo_command import ask
from volant.app.ota_join import JoinWish, join_command
from volant.app.unit_flash import open_units
from volant.core.errors import InputError
from volant.core.settings import find_data
from volant.vehicle import load_spec


def test_units_are_joined_with_the_time_of_the_desk(tmp_path: Path) -> None:
    ask("init", str(tmp_path / "repo"), "--vehicle", "CAR", "--car", "p7")
    begun_s = time.time()
    join_command(str(tmp_path / "repo"), JoinWish(car="p7"), tmp_path / "state", as_json=True)
    with open_units(tmp_path / "state", load_spec(find_data("cars", "p7"))) as boots:
        for boot in boots.values():
            assert boot.trust is not None
            told = boot.trust.told(0)
            assert told.joined
            assert told.time_s >= begun_s


def test_a_unit_that_should_check_in_full_is_not_joined(tmp_path: Path) -> None:
    units = ("--ecu", "gateway=SIM-1", "--ecu", "brake=SIM-1")
    ask("init", str(tmp_path / "repo"), "--vehicle", "CAR", *units)
    with pytest.raises(InputError, match=r"brake would check both .* --ecu brake=SIM-1,partial"):
        join_command(str(tmp_path / "repo"), JoinWish(car="p7"), tmp_path / "state", as_json=True)
    assert not (tmp_path / "state").exists()
