"""`volant drive` before it drives."""

from pathlib import Path

import pytest

from tests.app.test_trip import wish
from volant.app.drive import DriveWish, drive_command
from volant.app.updates_folder import UpdatesFolder
from volant.core.errors import RefusedError


def test_a_car_that_is_locked_for_an_update_is_not_driven(tmp_path: Path) -> None:
    folder = UpdatesFolder(tmp_path, "g3-520")
    folder.path.mkdir(parents=True)
    folder.lock("an update is half done")
    trip = wish(cars=0, distance_m=60.0)
    with pytest.raises(RefusedError, match="an update is half done"):
        drive_command(DriveWish(trip, headless=True, as_json=True, state=tmp_path))
