"""What `volant up` refuses before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from volant.app.trip import TripWish
from volant.app.up import UpWish, up_command
from volant.core.errors import InputError

TRIP = TripWish(car="g3-520", road="volant-world", seed=1, sensors="typical", cars=None)


@pytest.mark.parametrize("option", ["ready_file", "status_file"])
def test_a_file_that_can_never_come_is_refused(option: str, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "told.json"
    with pytest.raises(InputError, match="is no folder to write in"):
        up_command(UpWish(trip=TRIP, **{option: path}))  # type: ignore[arg-type]


def test_a_journal_that_is_wanted_and_not_wanted_is_refused() -> None:
    with pytest.raises(InputError, match="contradict"):
        up_command(UpWish(trip=TRIP, journal=Path("x.mcap"), record=False))


def test_a_state_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        up_command(UpWish(trip=TRIP, state=tmp_path / "state"))
