"""What `volant journal info` says of a journal, whole and cut."""

from pathlib import Path

import pytest

from tests.app.straight_road import write_straight
from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.journal_command import info_command
from volant.app.record import open_recording
from volant.app.trip import TripWish


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journal")
    road = write_straight(folder / "straight.xodr")
    wish = TripWish(
        car="g3-520", road=str(road), seed=1, sensors="typical", cars=0, distance_m=60.0
    )
    trip = plan_trip(wish)
    recording = open_recording(folder / "drive.mcap", trip)
    assert recording is not None
    drive_trip(trip, write=recording.write)
    recording.close({"reason": "arrived", "distance_m": 59.98765432, "contacts": 0})
    return folder / "drive.mcap"


def line_of(words: str, text: str) -> str:
    return " ".join(next(line for line in text.splitlines() if line.split()[:1] == [words]).split())


def test_figures_of_the_summary_are_rounded(
    whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info_command(whole, as_json=False)
    said = capsys.readouterr().out
    assert line_of("distance_m", said) == "distance_m 59.99"
    assert line_of("contacts", said) == "contacts 0"
    assert line_of("sound", said) == "sound yes"


def test_whether_a_cut_file_is_sound_cannot_be_told(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    info_command(cut, as_json=False)
    said = capsys.readouterr().out
    assert line_of("sound", said) == "sound cannot be told (the file has no end)"
    assert line_of("whole", said).startswith("whole no")
