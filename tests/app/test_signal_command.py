"""`volant signals`: the tree, imports, values as people write them, and what a car that is not there says."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from volant.app import power_socket, signal_command, signal_files, signal_line
from volant.app.exits import Exit
from volant.app.power_socket import PowerAnswer, PowerReply
from volant.app.signal_command import (
    get_command,
    import_command,
    list_command,
    parse_value,
    set_command,
    show_command,
    watch_command,
)
from volant.caros.signals.line import LineServer
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import SignalStore
from volant.core.errors import InputError, LinkError, RefusedError
from volant.core.messages import PowerState
from volant.wire.vss import Catalogue, Leaf

RELEASE = {
    "Vehicle": {
        "type": "branch",
        "children": {
            "Speed": {"type": "sensor", "datatype": "float", "unit": "km/h"},
            "Song": {"type": "actuator", "datatype": "string"},
        },
    }
}


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_files, "data_folder", lambda: tmp_path / "data")
    for module in (power_socket, signal_line):
        monkeypatch.setattr(module, "runtime_folder", lambda: tmp_path)


def test_the_tree_is_listed_without_a_car(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_command("Vehicle.**.IsOpen", as_json=True) is Exit.DONE
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 10
    assert all(row["told"] and row["moved"] for row in rows)
    assert list_command("Vehicle.Speed", as_json=False) is Exit.DONE
    assert "km/h" in capsys.readouterr().out
    for wrong in ("Vehicle.Sped", "a b"):
        with pytest.raises(InputError):
            list_command(wrong, as_json=False)


def test_an_import_adds_what_the_car_has_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps(RELEASE))
    assert import_command(file) is Exit.DONE
    assert "2 signals, 1 that the car does not have" in capsys.readouterr().err
    catalogue, own = signal_files.whole_catalogue()
    assert "Vehicle.Song" in catalogue
    assert "Vehicle.Song" not in own
    assert import_command(file, as_json=True) is Exit.DONE
    told = {"signals": 2, "new": 1, "file": str(signal_files.imported_folder() / "other.json")}
    assert json.loads(capsys.readouterr().out) == told
    list_command("Vehicle.Song", as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert not row["told"]
    assert not row["moved"]


def test_an_import_that_contradicts_the_tree_is_refused_and_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    inside = {
        "Speed": {"type": "branch", "children": {"X": {"type": "sensor", "datatype": "uint8"}}}
    }
    file.write_text(json.dumps({"Vehicle": {"type": "branch", "children": inside}}))
    with pytest.raises(InputError, match="signal and a branch"):
        import_command(file)
    assert not signal_files.imported_folder().exists()


def test_without_a_car_values_are_not_there_and_it_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(LinkError, match="no live car is up"):
        get_command(["Vehicle.Speed"], None, as_json=False)
    assert show_command("Vehicle.Speed", None, as_json=False) is Exit.DONE
    said = capsys.readouterr()
    assert "datatype: float" in said.out
    assert "no live car is up" in said.err


@pytest.mark.parametrize(
    ("text", "datatype", "value"),
    [
        ("true", "boolean", True),
        ("False", "boolean", False),
        ("60", "uint8", 60),
        ("60", "string", "60"),
        ("1.5", "float", 1.5),
        ("[1, 2]", "uint8[]", [1, 2]),
        ("many", "uint8", "many"),
        ("yes", "boolean", "yes"),
    ],
)
def test_a_value_is_what_its_type_makes_of_it(text: str, datatype: str, value: object) -> None:
    assert parse_value(text, datatype) == value


def test_a_socket_is_for_its_owner_alone_and_goes_with_its_car(tmp_path: Path) -> None:
    with signal_line.listening_here():
        (path,) = tmp_path.glob("signals-*.sock")
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def with_a_car(ask: Callable[[], object]) -> None:
    """Run a command while a car with a tree of two signals listens."""

    async def serve() -> None:
        leaves = [Leaf("Vehicle.Speed", "sensor", "float"), Leaf("Vehicle.Lit", "actuator", "int8")]
        store = SignalStore(Catalogue(leaves))
        lit = store.leaf("Vehicle.Lit").id
        store.claim("tests", [lit], "actuation", Rights.all(), lambda _: None)
        with signal_line.listening_here() as listener:
            serving = asyncio.create_task(LineServer(store, Rights.all()).serve(listener))
            try:
                await asyncio.to_thread(ask)
            finally:
                serving.cancel()

    asyncio.run(serve())


def test_a_misspelt_signal_of_the_live_car_is_told_with_the_nearest() -> None:
    def ask() -> None:
        with pytest.raises(InputError, match=r"Vehicle\.Sped: no such .*; nearest: Vehicle\.Speed"):
            get_command(["Vehicle.Sped"], None, as_json=False)

    with_a_car(ask)


def test_what_was_asked_of_a_signal_can_be_read_by_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with_a_car(lambda: set_command("Vehicle.Lit", "6", None, as_json=True))
    assert json.loads(capsys.readouterr().out) == {"path": "Vehicle.Lit", "asked": 6}


def test_a_car_that_sleeps_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    power = PowerAnswer(
        state=PowerState.SLEEP, goal=PowerState.SLEEP, to=None, for_s=1.0, supply_v=12.5,
        supply_pct=75.0, supply_low=False, busy={}, late=(),
    )  # fmt: skip
    asleep = PowerReply(taken=True, words="", power=power)
    monkeypatch.setattr(signal_command, "ask_car", lambda _door, _wish: asleep)
    words = r"the car sleeps: `volant power wake --car \d+`"
    with signal_line.listening_here():
        with pytest.raises(RefusedError, match=words):
            get_command(["Vehicle.Speed"], None, as_json=False)
        with pytest.raises(RefusedError, match=words):
            set_command("Vehicle.Body.Horn.IsActive", "true", None)
        with pytest.raises(RefusedError, match=words):
            watch_command("Vehicle.Speed", None, 1, as_json=False)
        assert show_command("Vehicle.Speed", None, as_json=False) is Exit.DONE
    assert "the car sleeps" in capsys.readouterr().err
