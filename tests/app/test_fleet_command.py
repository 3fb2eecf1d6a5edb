"""`volant fleet` as the people of a fleet have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from volant.app.cli import app
from volant.app.fleet_folder import FleetFolder
from volant.cloud.campaigns import CarState
from volant.cloud.ddi import Place, Request
from volant.cloud.people import digest_of
from volant.core.errors import InputError, RefusedError

PLAN = {
    "campaign_id": "spring",
    "title": "Spring",
    "release": "os-2",
    "concurrency": 2,
    "waves": [
        {"name": "canary", "count": 1, "errors_stop": 1},
        {"name": "rest", "errors_share": 0.5},
    ],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "os.swu").write_bytes(b"system" * 1000)
    (tmp_path / "spring.json").write_text(json.dumps(PLAN))
    return tmp_path


def run(*words: str) -> Any:
    """The answer as JSON; errors as they are raised."""
    done = CliRunner().invoke(app, ["fleet", *words, "--json"], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout)


def campaign(verb: str, by: str = "ann", *more: str) -> Any:
    return run("campaign", "fleet", verb, "spring", "--by", by, *more)


def begin() -> str:
    token = str(run("admit", "fleet", "CAR1", "--by", "ann")["token"])
    run("publish", "fleet", "os-2", "os.swu", "--version", "2", "--by", "ann")
    campaign("draft", "ann", "--plan", "spring.json")
    digest = campaign("submit")["digest"]
    campaign("approve", "bob", "--digest", digest)
    return token


def test_a_campaign_from_files_to_a_car(home: Path) -> None:
    token = begin()
    found = campaign("start")
    assert (found["phase"], found["waves"][0]["cars"]) == ("running", {"waiting": 1})
    place = Place("http://x", "DEFAULT", "CAR1")
    with FleetFolder(home / "fleet") as folder:
        with folder.store.work() as work:
            assert work.token("CAR1") == digest_of(token)
        handled = folder.fleet.request("CAR1", Request("GET", ""), place, sleep_s=5.0, now_s=2e9)
    assert b"deploymentBase" in handled.answer.body
    assert campaign("show")["waves"][0]["cars"] == {str(CarState.TOLD): 1}
    assert campaign("stop", "bob", "--reason", "bad brakes")["reason"] == "bad brakes"
    assert run("audit", "fleet")["lines"] == 8


def test_a_table_for_people(home: Path) -> None:
    begin()
    done = CliRunner().invoke(app, ["fleet", "campaign", "fleet", "show", "spring"])
    assert "spring: approved, revision 2" in done.stdout
    assert "canary" in done.stdout
    assert "8 lines" not in done.stdout
    assert "none changed or missing" in CliRunner().invoke(app, ["fleet", "audit", "fleet"]).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["campaign", "fleet", "dance", "spring", "--by", "ann"], "no verb of a campaign"),
        (["campaign", "fleet", "draft", "spring", "--by", "ann"], "a plan is needed"),
        (["campaign", "fleet", "show", "autumn"], "no campaign autumn"),
        (["campaign", "fleet", "draft", "x", "--by", "a", "--plan", "spring.json"], "of spring"),
        (["campaign", "fleet", "draft", "spring", "--by", "a", "--plan", "none"], "cannot be read"),
        (["campaign", "fleet", "draft", "spring", "--by", "a", "--plan", "spring.json"], "no release"),
        (["publish", "fleet", "os-2", "none.swu", "--by", "ann"], "cannot be read"),
        (["publish", "fleet", "os-2", "spaced out.swu", "--by", "ann"], "no name of an artifact"),
        (["admit", "fleet", "a/b", "--by", "ann"], "no id of a car"),
        (["admit", "fleet", "CAR", "--by", "Ann Smith"], "no name of a person"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told(home: Path, words: list[str], expected: str) -> None:
    (home / "spaced out.swu").write_bytes(b"x")
    with FleetFolder(home / "fleet"):
        pass
    with pytest.raises(InputError, match=expected):
        run(*words)


def test_two_people_and_a_release_that_is_there(home: Path) -> None:
    begin()
    with pytest.raises(RefusedError, match="revision 2, you saw 0"):
        campaign("start", "ann", "--revision", "0")
    with pytest.raises(RefusedError, match="a release is not changed"):
        run("publish", "fleet", "os-2", "os.swu", "--by", "ann")
