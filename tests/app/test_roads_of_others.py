"""The pilot drives roads that others drew; what cannot be driven ends with a reason."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data_folder import data_folder, find_data_folder
from tests.marks import soaked

ENDS: dict[str, str] = {"parking_demo": "minimal-risk stop: Lane not seen"}
"""Roads that the pilot hands back: aisles between bays, where no lane's marks are seen."""

DEFAULT = "roads/esmini/straight_500m.xodr"
"""Driven by the default suite: the shortest drive."""


def _files() -> list[str]:
    folder = find_data_folder()
    if folder is None:
        return ["none"]
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.xodr"))
    return sorted(
        found, key=lambda name: name != DEFAULT
    )  # that one first, the others as they were


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", soaked(_files()))
def test_a_foreign_road_is_driven_or_handed_back_with_a_reason(name: str) -> None:
    road = data_folder() / name
    words = ("--headless", "--json", "--no-journal", "--seed", "1", "--distance", "250")
    done = subprocess.run(
        [sys.executable, "-m", "volant", "drive", "--road", str(road), *words, "--cars", "4"],
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout)
    assert answer["contacts_at_fault"] == 0
    assert answer["needless_brakings"] == 0
    ends = ENDS.get(Path(name).stem)
    if ends is not None:
        assert (done.returncode, answer["reason"]) == (3, ends)
    else:
        assert (done.returncode, answer["reason"]) == (0, "arrived")
