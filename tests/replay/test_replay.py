"""Same seed, same journal; and a journal that is driven again agrees message by message."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.app.straight_road import write_straight
from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.record import header_of, open_recording
from volant.app.replay import replay_command, replay_journal
from volant.app.trip import TripWish
from volant.core import topics
from volant.core.body import BodyItem, BodyPlace, BodyRequest, BodyState
from volant.core.bus import Bus
from volant.core.errors import InputError
from volant.core.messages import CarState, Message
from volant.core.topics import BY_NAME, Topic
from volant.wire.journal import JournalWriter, journal_info, read_header, read_journal

REPO = Path(__file__).resolve().parents[2]
# NumPy's names of what it dispatches at run time; hiding them changes the width of its loops.
HIDDEN = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"


def wish(road: str, **changes: object) -> TripWish:
    values: dict[str, object] = {
        "car": "g3-520",
        "road": road,
        "seed": 5,
        "sensors": "typical",
        "cars": 12,
        "distance_m": 120.0,
    }
    return TripWish(**{**values, **changes})  # type: ignore[arg-type]


def driven_hash(folder: Path, seed: int, **environment: str) -> str:
    """Drive in a process of its own and give the journal's hash."""
    folder.mkdir()
    command = [sys.executable, "-m", "volant", "drive", "--headless", "--json", "--cars", "20"]
    command += ["--seed", str(seed), "--distance", "250", "--journal", str(folder)]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPO / "src"), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["distance_m"] > 240.0
    return str(answer["journal_sha256"])


def hideable() -> str:
    """What this machine's NumPy would use of the features to hide."""
    from numpy._core._multiarray_umath import __cpu_features__ as features

    return " ".join(name for name in HIDDEN.split() if features.get(name))


@pytest.mark.slow
def test_one_seed_gives_one_hash_under_other_conditions(tmp_path: Path) -> None:
    first = driven_hash(tmp_path / "one", 7, PYTHONHASHSEED="1", TZ="UTC")
    other = {"PYTHONHASHSEED": "2", "TZ": "Pacific/Auckland", "LC_ALL": "C"}
    if hideable():
        other["NPY_DISABLE_CPU_FEATURES"] = hideable()
    assert driven_hash(tmp_path / "another folder", 7, **other) == first
    assert driven_hash(tmp_path / "three", 8) != first


def record(path: Path, made: TripWish) -> Path:
    trip = plan_trip(made)
    recording = open_recording(path, trip)
    assert recording is not None
    drive_trip(trip, write=recording.write)
    recording.close({})
    return path


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    road = write_straight(folder / "straight.xodr")
    return record(folder / "drive.mcap", wish(str(road)))


def test_a_drive_agrees_with_its_journal(journal: Path) -> None:
    answer = replay_journal(journal)
    assert answer.agrees, answer.first_difference
    assert answer.messages == journal_info(journal).messages > 5000


def test_what_was_asked_of_the_body_is_asked_again(tmp_path: Path) -> None:
    """A window and a door in a drive: the journal has the requests, and a replay gives the same body."""
    road = write_straight(tmp_path / "straight.xodr")
    trip = plan_trip(wish(str(road), cars=0))
    path = tmp_path / "asked.mcap"
    recording = open_recording(path, trip)
    assert recording is not None
    asked = {
        1_000_000_000: BodyRequest(
            stamp_ns=0, item=BodyItem.WINDOW, place=BodyPlace.FRONT_LEFT, value=60.0
        ),
        6_000_000_000: BodyRequest(
            stamp_ns=0, item=BodyItem.DOOR, place=BodyPlace.FRONT_LEFT, value=100.0
        ),
    }

    def press(bus: Bus) -> Callable[[int], None]:
        def look(stamp_ns: int) -> None:
            if stamp_ns in asked:
                now = msgspec.structs.replace(asked[stamp_ns], stamp_ns=stamp_ns + 10_000_000)
                bus.publish(topics.BODY_REQUEST, now)

        return look

    drive_trip(trip, write=recording.write, watch=press)
    recording.close({})
    told = [one.message for one in read_journal(path) if one.topic == topics.BODY_STATE.name]
    assert isinstance(told[-1], BodyState)
    assert told[-1].doors[0].window_pct == 60.0
    assert told[-1].refused == 1
    answer = replay_journal(path)
    assert answer.agrees, answer.first_difference


def rewritten(
    journal: Path, path: Path, change: dict[int, Message], count: int | None = None
) -> Path:
    """The journal with some messages replaced, or cut after `count`."""
    writer = JournalWriter(path, read_header(journal))
    for index, record in enumerate(read_journal(journal)):
        if count is not None and index >= count:
            break
        topic: Topic = BY_NAME[record.topic]
        writer.write(topic, record.stamp_ns, change.get(index, record.message))
    writer.close({})
    return path


def test_one_changed_value_is_found_where_it_is(journal: Path, tmp_path: Path) -> None:
    records = list(read_journal(journal))
    index = next(i for i, r in enumerate(records) if r.topic == "car/state" and i > 3000)
    state = records[index].message
    assert isinstance(state, CarState)
    changed = msgspec.structs.replace(state, speed_mps=state.speed_mps + 1e-12)
    answer = replay_journal(rewritten(journal, tmp_path / "changed.mcap", {index: changed}))
    assert not answer.agrees
    assert answer.messages == index
    assert answer.first_difference is not None
    assert "car/state" in answer.first_difference
    assert "speed_mps" in answer.first_difference


def test_a_journal_that_was_cut_agrees_as_far_as_it_goes(journal: Path, tmp_path: Path) -> None:
    answer = replay_journal(rewritten(journal, tmp_path / "cut.mcap", {}, count=2345))
    assert answer.agrees, answer.first_difference
    assert answer.messages == 2345
    assert answer.complete


def test_a_part_that_a_crash_left_behind_can_be_replayed(tmp_path: Path) -> None:
    road = write_straight(tmp_path / "straight.xodr")
    trip = plan_trip(wish(str(road), cars=0))
    writer = JournalWriter(tmp_path / "crash.mcap", header_of(trip))
    drive_trip(trip, write=writer.write)
    part = Path(shutil.copy(writer.part, tmp_path / "left.mcap.part"))  # as the disk has it now
    writer.close({})
    info = journal_info(part)
    assert not info.complete
    answer = replay_journal(part)
    assert answer.agrees, answer.first_difference
    assert answer.messages == info.messages > 0


def test_a_road_that_has_changed_since_is_told(tmp_path: Path) -> None:
    road = write_straight(tmp_path / "straight.xodr")
    path = record(tmp_path / "drive.mcap", wish(str(road), cars=0, distance_m=60.0))
    write_straight(road, length_m=401.0)
    with pytest.raises(InputError, match=r"the road .* has changed since"):
        replay_journal(path)


def test_a_journal_of_another_program_is_refused(journal: Path, tmp_path: Path) -> None:
    header = msgspec.structs.replace(read_header(journal), settings={"other": 1})
    writer = JournalWriter(tmp_path / "other.mcap", header)
    writer.close({})
    with pytest.raises(InputError, match="not a journal of volant drive"):
        replay_journal(tmp_path / "other.mcap")


def test_a_journal_without_a_message_is_no_agreement(journal: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mcap"
    whole = journal.read_bytes()
    cut.write_bytes(whole[: min(len(whole) // 4, 40_000)])
    with pytest.raises(InputError):
        replay_command(cut, as_json=True)


def test_a_file_without_its_end_is_compared_and_called_incomplete(
    journal: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.mcap"
    whole = journal.read_bytes()
    cut.write_bytes(whole[: len(whole) * 3 // 5])
    answer = replay_journal(cut)
    assert answer.agrees, answer.first_difference
    assert 0 < answer.messages < journal_info(journal).messages
    assert not answer.complete
