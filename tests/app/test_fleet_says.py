"""What `volant fleet` says to people: tables, hints and refusals."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.app.test_fleet_command import begin, campaign, home, run
from volant.app.cli import app
from volant.app.cli_fleet import ORDER
from volant.app.fleet_acts import said
from volant.cloud.views import AuditLine
from volant.core.errors import LinkError, VolantError

__all__ = ["home"]


def words(*typed: str) -> Result:
    return CliRunner().invoke(app, ["fleet", *typed])


def refused(*typed: str) -> str:
    done = CliRunner().invoke(app, ["fleet", *typed], standalone_mode=False)
    assert isinstance(done.exception, VolantError), done.output
    return str(done.exception)


def test_who_only_looks_at_a_fleet_needs_no_car(home: Path) -> None:
    program = (
        "import sys, volant.app.cli, volant.app.fleet_command, volant.app.fleet_watch,"
        "volant.app.fleet_uptane, volant.app.fleet_deltas, volant.app.demo_folder\n"
        "print([one for one in sys.modules if one == 'numba' or one.startswith('volant.vehicle')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_cut_log_is_found_by_a_report_that_was_kept(home: Path) -> None:
    begin()
    campaign("start")
    campaign("stop", "bob", "--reason", "bad brakes")
    run("groups", "fleet", "CAR1", "eu", "--by", "ann")
    kept = run("report", "fleet", "spring")
    (home / "kept.json").write_text(json.dumps(kept))
    line = f"{kept['audit_lines']}:{kept['audit_digest']}"
    for holds in ("kept.json", line):
        assert "it holds what was kept" in words("audit", "fleet", "--holds", holds).stdout
    assert oct((home / "fleet" / "audit.pem").stat().st_mode)[-3:] == "600"
    delete = "import sqlite3; d = sqlite3.connect('fleet/fleet.db'); d.execute('delete from audit where number > 7'); d.commit()"
    subprocess.run([sys.executable, "-c", delete], check=True)
    for holds in ("kept.json", line):
        assert "cut off" in refused("audit", "fleet", "--holds", holds)
    assert "expected LINES:HASH or a file" in refused("audit", "fleet", "--holds", "none.json")


def test_the_reason_stands_wherever_the_act_does(home: Path) -> None:
    begin()
    campaign("start")
    campaign("stop", "bob", "--reason", "bad brakes")
    assert "because: bad brakes" in words("audit", "fleet", "--lines", "3").stdout
    assert "because: bad brakes" in words("report", "fleet", "spring", "--html", "x.html").stdout
    assert "because: bad brakes" in (home / "x.html").read_text()


def test_lists_that_are_empty_say_what_to_do(home: Path) -> None:
    run("admit", "fleet", "CAR1", "--by", "ann")
    assert "volant fleet campaign FLEET draft" in words("campaigns", "fleet").stdout
    assert "volant fleet publish" in words("releases", "fleet").stdout
    assert "volant fleet token" in words("people", "fleet").stdout
    assert "none of 1 cars is so" in words("cars", "fleet", "--filter", "model == x").stdout


def test_a_draft_claims_no_numbers_and_refusals_are_grouped(home: Path) -> None:
    begin()
    shown = words("campaign", "fleet", "show", "spring").stdout
    assert "stop it" not in shown
    assert "(new)" not in shown
    assert "not submit, approve, pause, resume, retry: it is approved\n" in shown


@pytest.mark.parametrize("width", ["80", "120"])
def test_tables_break_neither_hashes_nor_headings(
    home: Path, width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin()
    monkeypatch.setenv("COLUMNS", width)
    shown = words("releases", "fleet").stdout
    digest = run("releases", "fleet")[0]["files"][0]["sha256"]
    assert re.search(rf"\b{digest[:12]}\b", shown)
    assert digest[:13] not in shown
    for heading in ("release", "version", "SHA-256"):
        assert heading in shown


def test_a_line_of_the_log_is_words() -> None:
    data: dict[str, Any] = {
        "role": "viewer", "expires_s": None, "files": {"os.swu": "a" * 64}, "sizes": [1, 3], "text": "{}",
        "groups": ["eu", "staff"], "again": True,
    }  # fmt: skip
    found = said(AuditLine(number=1, at_s=0.0, by="ann", act="x", about="y", data=data))
    assert found == (
        f"role viewer; never expires; os.swu {'a' * 12}; waves of 1, 3 cars; with the plan;"
        " groups eu, staff; the token before it is no longer good"
    )


def test_a_car_that_is_let_in_again_is_told_so(home: Path) -> None:
    assert "no longer good" not in words("admit", "fleet", "CAR1", "--by", "ann").output
    assert "CAR1 was let in before" in words("admit", "fleet", "CAR1", "--by", "ann").output


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("cars", "ftp://fleet.example"), "neither a folder nor an address"),
        (("cars", "fleet", "--filter", "model = ev1"), "write `==`"),
        (("serve", "fleet", "--port", "8779", "--people-port", "8779"), "both doors"),
        (("admit", "fleet", "CAR1", "--by", "Server"), "no name for a person"),
        (("publish", "fleet", "os-2"), "needs at least one file"),
        (("publish", "fleet", "os-9", "none.swu", "--by", "ann"), "none.swu: cannot be read: No such file or directory"),
        (("demo", "--folder", "."), "the demo makes a fleet"),
        (("campaign", "fleet", "approve", "spring", "--by", "ann"), "ann wrote or submitted it"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why(home: Path, typed: tuple[str, ...], expected: str) -> None:
    run("admit", "fleet", "CAR1", "--by", "ann")
    run("publish", "fleet", "os-2", "os.swu", "--by", "ann")
    campaign("draft", "ann", "--plan", "spring.json")
    campaign("submit")
    found = refused(*typed)
    assert expected in found
    assert "Errno" not in found


def test_a_port_that_is_taken_is_told_before_anything_is_made(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(LinkError, match="already in use"):
            run_raw("serve", "fleet", "--port", port)
    assert not (home / "fleet").exists()


def run_raw(*typed: str) -> None:
    done = CliRunner().invoke(app, ["fleet", *typed], standalone_mode=False)
    if done.exception is not None:
        raise done.exception


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"concurrency": 0}, "spring.json: concurrency: found 0, expected int >= 1"),
        ({"concurrency": "2"}, 'spring.json: concurrency: found "2", expected int'),
        ({"waves": [{"name": "a", "errors_stop": 1, "share": 2}]}, "spring.json: waves[0].share: found 2, expected float <= 1.0"),
        ({"waves": [{"name": "a"}]}, "spring.json: waves[0]: a wave says how many errors"),
        ({"speed": 1}, "spring.json: speed: found a field that no plan has"),
        ({"title": None}, "spring.json: title: found null, expected str"),
        ({"cars": "model = ev1"}, "spring.json: filter, character 7: unexpected '='"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_plan_is_told_with_its_place(
    home: Path, changes: dict[str, Any], expected: str
) -> None:
    run("admit", "fleet", "CAR1", "--by", "ann")
    plan = json.loads((home / "spring.json").read_text()) | changes
    (home / "spring.json").write_text(json.dumps(plan))
    found = refused("campaign", "fleet", "draft", "spring", "--plan", "spring.json", "--by", "ann")
    assert found.startswith(expected)


def test_a_plan_that_is_no_json_and_one_that_lacks_something(home: Path) -> None:
    run("admit", "fleet", "CAR1", "--by", "ann")
    (home / "spring.json").write_text('{\n  "title": "x",\n}')
    typed = ("campaign", "fleet", "draft", "spring", "--plan", "spring.json", "--by", "ann")
    assert "line 3, column 1" in refused(*typed) or "line 2" in refused(*typed)
    (home / "spring.json").write_text("{}")
    assert "found nothing, expected this field" in refused(*typed)


def test_the_help_begins_where_one_begins() -> None:
    shown = words("--help").stdout
    assert "Start here: volant fleet demo" in shown
    commands = re.findall(r"^  ([a-z]+) ", shown.split("Commands:")[1], re.MULTILINE)
    assert commands == list(ORDER)


def test_a_dismissed_car_in_json(home: Path) -> None:
    run("admit", "fleet", "CAR1", "--by", "ann")
    assert run("dismiss", "fleet", "CAR1", "--by", "ann") == {"car": "CAR1", "dismissed": True}


def test_many_cars_are_let_in_from_a_file(home: Path) -> None:
    (home / "cars.txt").write_text("# spring\nCAR1\n\n  CAR2  \n")
    shown = words("admit", "fleet", "--from", "cars.txt", "--by", "ann").stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["CAR1", "CAR2"]
    made = run("admit", "fleet", "--from", "cars.txt", "--by", "ann")
    assert [(one["name"], one["again"]) for one in made] == [("CAR1", True), ("CAR2", True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("CAR1\na/b\n", "cars.txt:2: no id of a car"), ("CAR1\nCAR1", "cars.txt:2: CAR1 stands in line 1"), ("\n", "no car in it")],
)  # fmt: skip
def test_a_list_with_a_fault_lets_nobody_in(home: Path, text: str, expected: str) -> None:
    (home / "cars.txt").write_text(text)
    assert expected in refused("admit", "fleet", "--from", "cars.txt", "--by", "ann")
    assert "which car" in refused("admit", "fleet", "--by", "ann")
    assert not (home / "fleet").exists()


@pytest.mark.parametrize("typed", [("admit", "FILE", "car-1", "--by", "ann"), ("simulate", "FILE")])
def test_a_file_in_place_of_a_fleet_s_folder_is_told(
    tmp_path: Path, typed: tuple[str, ...]
) -> None:
    file = tmp_path / "file"
    file.write_text("here")
    said_ = refused(*(str(file) if one == "FILE" else one for one in typed))
    assert "no folder of a fleet can be made" in said_


def test_simulated_cars_whose_door_is_nowhere_are_told(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    typed = ("http://127.0.0.1:9", "--campaign", "spring", "--door", "http://127.0.0.1:9")
    assert "nobody answers at the cars' door 127.0.0.1:9" in refused("simulate", *typed)
