"""`volant clips` as a user has it, and clips in the hands of others' readers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import mcap.reader
import msgspec
import pytest
from typer.testing import CliRunner

from tests.app.test_live_record import clips_in, record
from volant.app.cli import app
from volant.caros.trip_log import append, line_of
from volant.caros.trip_tally import TripTally
from volant.core.messages import Contact
from volant.wire.journal import journal_info


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with a whole clip, and one whose writer died."""
    record(tmp_path)
    whole = clips_in(tmp_path)[0]
    cut = whole.with_name("clip-20250101-000000-aeb.mcap.part")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return tmp_path


def ask(*words: str, state: Path, status: int = 0) -> Any:
    done = CliRunner().invoke(app, ["clips", *words, "--state", str(state), "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def test_the_list_says_what_there_is_and_what_it_cost(state: Path) -> None:
    found = ask("list", state=state)
    cut, whole = found["clips"]
    assert (whole["event"], whole["whole"], whole["sound"]) == ("contact", True, None)
    assert whole["events"] == ["contact"]
    assert whole["began_s"] == 3.0
    assert 2.5 < whole["length_s"] <= 3.0
    assert whole["on_disk_s"] >= 0.0
    assert whole["time"]
    assert (cut["event"], cut["whole"], cut["began_s"]) == ("aeb", False, None)
    assert found["bytes"] == whole["bytes"] + cut["bytes"]
    assert found["written_today_bytes"] == found["owners"]["recorder"] > whole["bytes"]
    assert 0.0 < found["left_years"] <= 1000.0


def test_bare_clips_take_the_same_options_and_say_where_others_stand(state: Path) -> None:
    assert ask(state=state) == ask("list", state=state)
    done = CliRunner().invoke(app, ["clips", "--state", str(state), "list"])
    assert done.exit_code == 2
    assert "options come after 'list'" in done.output


def test_a_checked_list_tells_a_clip_that_is_not_sound(state: Path) -> None:
    assert [one["sound"] for one in ask("list", "--check", state=state)["clips"]] == [None, True]
    path = clips_in(state)[0]
    data = bytearray(path.read_bytes())
    summary = mcap.reader.make_reader(io.BytesIO(data)).get_summary()
    assert summary is not None
    chunk = max(summary.chunk_indexes, key=lambda one: one.chunk_length)
    data[chunk.chunk_start_offset + chunk.chunk_length // 2] ^= 0xFF
    path.write_bytes(data)
    found = ask("list", "--check", state=state, status=5)
    assert [one["sound"] for one in found["clips"]] == [None, False]


def test_a_clip_is_shown_kept_let_go_and_deleted(state: Path) -> None:
    name = clips_in(state)[0].name
    assert ask("show", name, state=state)["sound"] is True
    kept = ask("keep", name.removesuffix(".mcap"), state=state)
    assert kept["kept"]
    assert Path(kept["path"]).is_file()
    assert not ask("keep", name, "--undo", state=state)["kept"]
    gone = ask("delete", name, state=state)
    assert gone["deleted"] == [name]
    assert gone["bytes"] > 0
    assert len(ask("list", state=state)["clips"]) == 1


def test_words_for_people_name_the_clip_and_how_to_watch_it(state: Path) -> None:
    name = clips_in(state)[0].name
    words = ["--state", str(state)]
    shown = CliRunner().invoke(app, ["clips", "show", name, *words])
    assert f"watch it: volant replay --watch {state}/clips/{name}\n" in shown.stdout
    listed = CliRunner().invoke(app, ["clips", "list", *words])
    assert name in listed.stdout
    assert "2 clips, " in listed.stdout
    assert "cut" in listed.stdout


def test_trips_are_listed(state: Path) -> None:
    append(state, line_of(TripTally().summary("2026-01-01T00:00:00+00:00", "arrived")))
    assert ask("trips", state=state)["trips"][-1]["reason"] == "arrived"
    done = CliRunner().invoke(app, ["clips", "trips", "--state", str(state)])
    assert "2026-01-01T00:00:00" in done.stdout


def test_a_file_that_is_no_clip_is_told_and_costs_nothing_else(state: Path) -> None:
    (state / "clips" / "clip-20240101-000000-aeb.mcap").write_bytes(b"nothing")
    first, *rest = ask("list", state=state)["clips"]
    assert "no MCAP file" in first["fault"]
    assert len(rest) == 2


def test_a_stock_reader_opens_a_clip_by_its_index(state: Path) -> None:
    path = clips_in(state)[0]
    with path.open("rb") as file:
        reader = mcap.reader.make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        ours = [one for one in reader.iter_messages() if one[1].message_encoding == "msgpack"]
        touched = list(reader.iter_messages(topics=["world/contact"]))
    assert len(ours) == journal_info(path).messages
    ((schema, _, message),) = touched
    assert schema is not None
    assert schema.name == "Contact"
    assert msgspec.msgpack.decode(message.data, type=Contact).stamp_ns == 3_000_000_000
