"""The command line: answers, exit statuses, bad input in one line, and never a traceback."""

import fcntl
import json
import os
import pty
import resource
import socket
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.straight_road import write_straight
from volant.app import cli, drive, exits, say
from volant.app.answer import DriveAnswer
from volant.app.exits import Exit
from volant.app.progress import Progress
from volant.core.messages import GuardDecision
from volant.wire.journal import journal_info

REPO = Path(__file__).resolve().parents[2]
KEYS = {
    "arrived", "reason", "distance_m", "duration_s", "real_time_factor", "contacts", "min_gap_m",
    "interventions", "intervention_list", "max_lane_offset_m", "accel_min_mps2", "accel_max_mps2",
    "jerk_p99_mps3", "contacts_at_fault", "contact_list", "needless_brakings", "rule_breaks",
    "interventions_per_100_km", "lane_offset_rms_m", "lateral_accel_p99_mps2", "via", "via_passed",
    "journal", "journal_sha256", "journal_lost", "seed", "car", "road", "sensors",
    "cars", "bus", "trouble_codes", "version",
}  # fmt: skip
NULLABLE = {"bus",
    "min_gap_m", "max_lane_offset_m", "accel_min_mps2", "accel_max_mps2", "jerk_p99_mps3",
    "journal", "journal_sha256", "interventions_per_100_km", "lane_offset_rms_m",
    "lateral_accel_p99_mps2",
}  # fmt: skip

Volant = Callable[..., tuple[int, str, str]]


@pytest.fixture
def volant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Volant:
    """Type a command in an empty folder; gives status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["volant", *words])
        monkeypatch.setattr(cli._Debug, "on", False)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return typed


@pytest.fixture
def straight(tmp_path: Path) -> str:
    return str(write_straight(tmp_path / "straight.xodr"))


def short(road: str, *more: str) -> tuple[str, ...]:
    """A drive of a few virtual seconds on an empty road."""
    return ("drive", "--headless", "--road", road, "--cars", "0", "--distance", "60", *more)


def test_a_drive_answers_with_the_documented_keys(volant: Volant, straight: str) -> None:
    status, out, _ = volant(*short(straight, "--json", "--seed", "3"))
    answer = json.loads(out)
    assert status == Exit.DONE
    assert set(answer) == KEYS == set(DriveAnswer.__struct_fields__)
    assert answer["arrived"] is True
    assert answer["reason"] == "arrived"
    assert answer["seed"] == 3
    assert answer["distance_m"] == pytest.approx(60.0, abs=3.0)
    assert answer["contacts"] == answer["interventions"] == answer["journal_lost"] == 0
    assert answer["min_gap_m"] is None  # nobody was there
    assert {key for key, value in answer.items() if value is None} <= NULLABLE
    assert journal_info(answer["journal"]).sha256 == answer["journal_sha256"]


@pytest.mark.parametrize(
    ("words", "kind"), [(("--bus",), "inline"), (("--bus", "virtual"), "virtual")]
)
def test_a_drive_over_buses_says_so_and_arrives(
    volant: Volant, straight: str, words: tuple[str, ...], kind: str
) -> None:
    status, out, err = volant(*short(straight, "--json", "--no-journal", *words))
    answer = json.loads(out)
    assert (status, answer["bus"], answer["contacts"]) == (Exit.DONE, kind, 0)
    assert f"over buses: {kind}" in err
    assert "trouble code" not in err


@pytest.mark.parametrize("words", ["nothing", "socketcan", "socketcan:a,b"])
def test_a_bus_that_cannot_be_is_refused_at_once(volant: Volant, straight: str, words: str) -> None:
    status, out, err = volant(*short(straight, "--bus", words))
    assert status == Exit.USAGE
    assert out == ""
    assert err.count("\nvolant: ") + err.startswith("volant: ") == 1


def test_the_page_of_the_answer_names_every_key() -> None:
    page = (REPO / "docs" / "reference" / "drive-json.md").read_text()
    assert [key for key in sorted(KEYS) if f"`{key}`" not in page] == []


def test_the_page_of_commands_lists_every_exit_status() -> None:
    page = (REPO / "docs" / "reference" / "cli.md").read_text()
    for status, words in exits.WORDS.items():
        assert f"| {int(status)} | {words} |" in page
    assert set(exits.WORDS) == set(Exit)


def test_a_drive_without_json_ends_with_a_table(volant: Volant, straight: str) -> None:
    status, out, err = volant(*short(straight, "--no-journal"))
    assert status == Exit.DONE
    assert "arrived" in out
    assert "contacts" in out
    assert "\x1b" not in out + err  # no colours without a terminal
    assert not list(Path.cwd().rglob("*.mcap*"))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("drive", "--car", "g3-521"), "volant: no car named 'g3-521'; nearest: g3-520"),
        (
            ("drive", "--road", "volant-wrld"),
            "volant: no map named 'volant-wrld'; nearest: volant-w",
        ),
        (("drive", "--road", "none/such.xodr"), "volant: none/such.xodr: no such file"),
        (("drive", "--sensors", "typcal"), "volant: no sensors named 'typcal'; there are: "),
        (("drive", "--road", "such.xodr"), "volant: no such file, and no map named 'such.xodr'"),
        (("drive", "--headless", "--pace", "2"), "is for drives that are watched"),
        (("drive", "--haedless"), "No such option: --haedless (Possible options: --headless"),
        (("drive", "--pace", "0"), "--pace"),
        (("drive", "--seed", "-1"), "--seed"),
        (("drive", "--distance", "far"), "--distance"),
        (("drvie",), "No such command 'drvie'. Did you mean 'drive'?"),
        (("range", "--car", "g3-521"), "volant: no car named 'g3-521'; nearest: g3-520"),
        (("range", "--cycle", "wlct"), "volant: no cycle named 'wlct'; nearest: wltc"),
        (("road", "check", "nowhere"), "volant: no map named 'nowhere'"),
        (("journal", "info", "none.mcap"), "volant: none.mcap: cannot be read"),
        (("replay", "none.mcap"), "volant: none.mcap: cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_word_gives_one_clear_line(
    volant: Volant, words: tuple[str, ...], line: str
) -> None:
    status, out, err = volant(*words)
    assert status == Exit.USAGE
    assert line in err
    assert out == ""
    assert "Traceback" not in err


def test_a_broken_car_file_is_told_with_its_line(volant: Volant, tmp_path: Path) -> None:
    text = (REPO / "cars" / "g3-520.toml").read_text()
    wrong = tmp_path / "mine.toml"
    wrong.write_text(text.replace("width_m", "widht_m", 1))
    status, _, err = volant("drive", "--car", str(wrong))
    assert status == Exit.USAGE
    assert err.startswith(f"volant: {wrong}:")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<OpenDRIVE><road>", "mine.xodr"),
        ("not xml", "mine.xodr"),
        ("", "mine.xodr"),
        ("<OpenDRIVE><header revMajor='1' revMinor='6'/></OpenDRIVE>", "mine.xodr"),
    ],
    ids=["cut off", "no xml", "empty", "no road"],
)
def test_a_broken_map_is_told_with_its_file(
    volant: Volant, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "mine.xodr").write_text(text)
    status, _, err = volant("drive", "--road", "./mine.xodr")
    assert status == Exit.USAGE
    assert words in err
    assert err.count("\n") == 1


def test_a_road_without_a_drivable_lane_is_told(volant: Volant, tmp_path: Path) -> None:
    road = write_straight(tmp_path / "walk.xodr", kind="sidewalk")
    status, _, err = volant("drive", "--road", str(road))
    assert status == Exit.USAGE
    assert "no drivable lane" in err
    assert volant("road", "check", str(road))[0] == Exit.DIFFERS


def test_a_lane_with_a_width_below_nothing_is_not_driven_on(volant: Volant, tmp_path: Path) -> None:
    road = write_straight(tmp_path / "inside-out.xodr", width_m=-3.0)
    status, out, err = volant("drive", "--headless", "--road", str(road))
    assert status == Exit.USAGE
    assert "no drivable lane" in err
    assert out == ""
    status, out, _ = volant("road", "check", str(road))
    assert status == Exit.DIFFERS
    assert "negative-width" in out


def test_a_road_that_is_too_short_is_told(volant: Volant, tmp_path: Path) -> None:
    road = write_straight(tmp_path / "stub.xodr", length_m=40.0)
    status, _, err = volant("drive", "--road", str(road))
    assert status == Exit.USAGE
    assert "too short" in err


def test_a_road_that_ends_sooner_is_driven_to_its_end(volant: Volant, straight: str) -> None:
    status, out, err = volant(
        "drive", "--headless", "--road", straight, "--cars", "0", "--json", "--no-journal"
    )
    assert status == Exit.DONE
    assert "the road ends sooner" in err
    assert 300.0 < json.loads(out)["distance_m"] < 400.0


def test_a_journal_folder_that_cannot_be_written_costs_the_journal_only(
    volant: Volant, straight: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()  # a file where a folder should be refuses root too
    status, out, err = volant(*short(straight, "--json", "--journal", "file/journals"))
    answer = json.loads(out)
    assert status == Exit.DONE
    assert answer["journal"] is None
    assert answer["journal_lost"] > 1000
    assert "cannot be written" in err
    assert err.count("cannot be written") == 1


@pytest.mark.slow
def test_a_disk_that_fills_up_costs_the_journal_only(straight: str, tmp_path: Path) -> None:
    """The system refuses to let a file grow beyond 20 kB, as a full disk would."""

    def full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-m", "volant", *short(straight, "--json")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPO / "src")},
        preexec_fn=full_disk,
        capture_output=True,
        text=True,
    )
    answer = json.loads(done.stdout)
    assert done.returncode == Exit.DONE
    assert answer["arrived"] is True
    assert answer["journal_lost"] > 0
    assert answer["journal"].endswith(".mcap.part")
    assert done.stderr.count("cannot be written") == 1
    assert not list(tmp_path.glob("journals/*.mcap"))
    journal_info(answer["journal"])  # what is on the disk can be read


@pytest.mark.slow
def test_a_terminal_that_closes_ends_the_drive_with_a_whole_journal(
    straight: str, tmp_path: Path
) -> None:
    """A live drive in a terminal of its own, which is closed once the drive has begun."""
    ours, theirs = pty.openpty()
    words = [word for word in short(straight, "--port", "0") if word != "--headless"]
    with subprocess.Popen(
        [sys.executable, "-m", "volant", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPO / "src"), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: own_terminal(0),
    ) as process:
        os.close(theirs)
        said = b""
        while b"km/h" not in said:
            said += os.read(ours, 4096)
        os.close(ours)
        assert process.wait(60) == Exit.HANGUP
    (journal,) = tmp_path.glob("journals/*.mcap")
    assert journal_info(journal).sound


def own_terminal(number: int) -> None:
    """Make a terminal the controlling one, so that its end is a SIGHUP."""
    os.setsid()
    fcntl.ioctl(number, termios.TIOCSCTTY, 0)


def test_a_file_that_is_no_journal_is_told(volant: Volant, straight: str) -> None:
    status, _, err = volant("replay", straight)
    assert status == Exit.USAGE
    assert "straight.xodr: " in err
    assert volant("journal", "plot", straight)[0] == Exit.USAGE


def press_ctrl_c_at(at_ns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Progress.look

    def press(self: Progress, stamp_ns: int) -> None:
        look(self, stamp_ns)
        if stamp_ns == at_ns:
            os.kill(os.getpid(), 2)

    monkeypatch.setattr(Progress, "look", press)


def test_ctrl_c_leaves_a_whole_journal_and_a_summary(
    volant: Volant, straight: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    press_ctrl_c_at(2_000_000_000, monkeypatch)
    status, out, _ = volant(*short(straight, "--json"))
    answer = json.loads(out)
    assert status == Exit.INTERRUPTED
    assert answer["arrived"] is False
    assert answer["reason"] == "interrupted by Ctrl-C"
    info = journal_info(answer["journal"])
    assert info.sound
    assert info.duration_s == pytest.approx(2.0, abs=0.02)


def test_a_fault_of_our_own_is_one_line_and_leaves_a_readable_journal(
    volant: Volant, straight: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Progress, stamp_ns: int) -> None:
        if stamp_ns == 2_000_000_000:
            raise ZeroDivisionError("the sky fell")

    monkeypatch.setattr(Progress, "look", broken)
    status, _, err = volant(*short(straight))
    assert status == Exit.INTERNAL
    assert "ZeroDivisionError: the sky fell (volant --debug shows where)" in err
    assert "Traceback" not in err
    (journal,) = Path.cwd().glob("journals/*")
    assert journal_info(journal).duration_s == pytest.approx(2.0, abs=0.02)
    assert "Traceback" in volant("--debug", *short(straight))[2]


def test_a_contact_has_its_own_status(
    volant: Volant, straight: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The world says that something was touched; who did it does not matter here."""
    from volant.core.messages import Contact, ObjectClass
    from volant.sim.world import World

    def touched(self: World) -> tuple[Contact, ...]:
        if self._step_ns != 1_000_000_000:
            return ()
        lorry = ObjectClass.LORRY
        return (
            Contact(
                stamp_ns=1_000_000_000,
                actor_id=1,
                object_class=lorry,
                closing_mps=1.0,
                struck_from_behind=True,
            ),
        )

    monkeypatch.setattr(World, "contacts", touched)
    status, out, _ = volant(*short(straight, "--json", "--no-journal"))
    answer = json.loads(out)
    assert status == Exit.CONTACT
    assert answer["reason"] == "contact with a lorry"
    assert answer["contacts"] >= 1
    assert answer["arrived"] is False


def test_a_car_that_never_gets_there_has_its_own_status(
    volant: Volant, straight: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody presses the button."""
    monkeypatch.setattr(drive.Starter, "look", lambda self, stamp_ns: None)
    status, out, _ = volant(*short(straight, "--json", "--no-journal"))
    assert status == Exit.NOT_ARRIVED
    assert json.loads(out)["reason"] == "the pilot was never engaged"


def test_a_taken_port_is_said_and_the_next_one_used(volant: Volant, straight: str) -> None:
    """And no browser ever comes: the drive neither waits nor ends."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = [word for word in short(straight, "--no-journal") if word != "--headless"]
        status, _, err = volant(*words, "--pace", "100", "--port", str(port))
    assert status == Exit.DONE
    assert f"port {port} is taken" in err
    assert "cockpit: http://127.0.0.1:" in err


def test_screens_that_are_not_built_are_said_in_one_line(
    volant: Volant, straight: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "screens_are_built", lambda: False)
    words = [word for word in short(straight, "--no-journal") if word != "--headless"]
    status, _, err = volant(*words, "--pace", "100", "--port", "0")
    assert status == Exit.DONE
    assert err.count("cockpit: the screens are not built; run make setup\n") == 1


@pytest.mark.parametrize(
    ("shut", "errors"),
    [("1>&-", True), ("2>&-", False), ("1>&- 2>&-", False), ("| head -c 1", True)],
)
def test_a_drive_with_a_closed_stream_ends_as_ever(straight: str, shut: str, errors: bool) -> None:
    line = f'"{sys.executable}" -m volant {" ".join(short(straight, "--no-journal"))} {shut}'
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        text=True,
        cwd=REPO / "src",
    )
    assert done.returncode == Exit.DONE
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert ("60 m" in done.stderr) is errors


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("cars --json", ""),
        ("cars --json", "2>&-"),
        ("doctor", ""),
        ("--help", ""),
        ("drive", ""),
    ],
)
def test_an_answer_that_cannot_be_written_is_told(straight: str, words: str, more: str) -> None:
    """The system's own full disk takes the answer."""
    if words == "drive":
        words = " ".join(short(straight, "--json", "--no-journal"))
    line = f'"{sys.executable}" -m volant {words} >/dev/full {more}'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=REPO / "src")
    assert done.returncode == Exit.UNWRITTEN
    told = "volant: the answer could not be written to standard output: No space left on device\n"
    assert done.stderr.endswith("" if more else told)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_lost_answer_hides_no_wish_to_end(
    volant: Volant, straight: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(say._STREAMS, "answer_lost", "No space left on device")
    assert volant("cars")[0] == Exit.UNWRITTEN
    assert volant("road", "check", "nowhere")[0] == Exit.USAGE
    press_ctrl_c_at(2_000_000_000, monkeypatch)
    assert volant(*short(straight, "--no-journal"))[0] == Exit.INTERRUPTED


def test_a_reader_of_the_help_that_goes_away_is_no_fault() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "volant", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=REPO / "src",
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        assert done.stderr.read() == b""
    assert done.returncode == Exit.DONE


@pytest.mark.parametrize("module", ["typer", "volant.app.cli"])
def test_ctrl_c_while_the_command_is_imported_is_one_line(module: str) -> None:
    code = (
        "import runpy, sys\n"
        "class Press:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Press())\n"
        "sys.argv = ['volant', 'cars']\n"
        "runpy.run_module('volant', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPO / "src"
    )
    assert done.returncode == Exit.INTERRUPTED
    assert done.stderr == "volant: interrupted by Ctrl-C\n"


@pytest.mark.parametrize("words", [("drive",), ("range",), ("replay",), ("journal", "plot"), ()])
def test_help_has_examples(volant: Volant, words: tuple[str, ...]) -> None:
    status, out, _ = volant(*words, "--help")
    assert status == Exit.DONE
    assert "Example" in out
    assert "volant" in out


def test_the_version_is_told(volant: Volant) -> None:
    from volant import __version__

    assert volant("--version") == (0, f"volant {__version__}\n", "")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['volant', '--help']\n"
        "from volant.app.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('numpy', 'numba', 'rich', 'msgspec', 'mcap', 'uvicorn')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPO / "src"
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_broken_pipe_is_silent() -> None:
    command = [sys.executable, "-m", "volant", "cars"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPO / "src"
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        assert done.stderr.read() == b""
    assert done.returncode == Exit.DONE


def test_the_guard_has_the_last_word_at_the_actuators() -> None:
    """What the world applies is the decision's command: the vehicle publishes no other."""
    from volant.app import components
    from volant.safety.aeb import AebSettings
    from volant.safety.guard import GuardSettings

    part = components.vehicle(
        GuardSettings(wheelbase_m=2.6, steering_ratio=15.0),
        AebSettings(length_m=4.4, width_m=1.8, rear_overhang_m=0.9, wheelbase_m=2.6),
    )
    names = [topic.name for topic in part.outputs]
    assert names == ["aeb/state", "guard/decision", "car/command"]
    assert "command" in GuardDecision.__struct_fields__


def test_places_are_listed_with_their_lanes(volant: Volant) -> None:
    status, out, _ = volant("places", "--json")
    rows = {row["name"]: row for row in json.loads(out)["places"]}
    assert status == Exit.DONE
    assert {"market-car-park", "station-car-park", "hospital", "harbour", "roundabout"} <= set(rows)
    assert set(rows["hospital"]) == {"name", "kind", "lane", "s_m", "x_m", "y_m"}
    status, shown, _ = volant("places")
    assert status == Exit.DONE
    assert "market-car-park" in shown


def test_a_place_that_does_not_exist_is_answered_with_the_nearest(volant: Volant) -> None:
    status, _, said = volant("drive", "--headless", "--no-journal", "--to", "harbor")
    assert status == Exit.USAGE
    assert "no place named 'harbor'; nearest: harbour" in said


def test_a_trip_to_a_place_arrives(volant: Volant, straight: str) -> None:
    status, out, said = volant(
        "drive", "--headless", "--no-journal", "--json", "--road", straight, "--cars", "0",
        "--from", "1:0:-1@20", "--to", "1:0:-1@90",
    )  # fmt: skip
    assert status == Exit.DONE
    assert "from 1:0:-1@20 to 1:0:-1@90" in said
    assert json.loads(out)["distance_m"] == pytest.approx(70.0, abs=3.0)
