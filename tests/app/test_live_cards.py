"""Several live cars of one machine, told apart by their numbers."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from volant.app import live_cards, power_socket, signal_line
from volant.app.exits import Exit
from volant.app.live_cards import LiveCard, card_here, live_command
from volant.app.power_socket import find_car
from volant.app.signal_line import SignalClient
from volant.core.errors import InputError, LinkError


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (live_cards, signal_line):
        monkeypatch.setattr(module, "runtime_folder", lambda: tmp_path)
    monkeypatch.setattr(power_socket, "runtime_folder", lambda: tmp_path)


@contextmanager
def car(folder: Path, number: int, began: str) -> Iterator[socket.socket]:
    """A car that only listens."""
    path = folder / f"signals-{number}.sock"
    card = LiveCard(
        number=number, car="p7", road="volant-world", seed=number, began=began, cockpit_port=1,
        kuksa_port=2, viss_port=3, doip_port=4, signals=str(path), power="", state=str(folder),
    )  # fmt: skip
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(8)
        with card_here(card):
            assert (folder / f"car-{number}.json").stat().st_mode & 0o777 == 0o600
            yield listener


def listed(capsys: pytest.CaptureFixture[str]) -> list[int]:
    assert live_command(as_json=True) is Exit.DONE
    return [one["number"] for one in json.loads(capsys.readouterr().out)]


def test_cars_are_listed_the_last_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == []
    with car(tmp_path, 11, "2026-11-30T10:00:00+00:00"):
        with car(tmp_path, 7, "2026-11-30T11:00:00+00:00"):
            assert listed(capsys) == [7, 11]
            assert live_command(as_json=False) is Exit.DONE
            assert "volant-world" in capsys.readouterr().out
        assert listed(capsys) == [11]


def test_what_a_killed_car_left_is_taken_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with car(tmp_path, 11, "2026-11-30T10:00:00+00:00") as listener:
        listener.close()
        (tmp_path / "car-12.json").write_text("no card")
        assert listed(capsys) == []
        assert not (tmp_path / "car-11.json").exists()


def test_a_car_is_found_by_number_by_file_and_by_socket(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text('{"number": 7}')
    with (
        car(tmp_path, 7, "2026-11-30T10:00:00+00:00") as wanted,
        car(tmp_path, 11, "2026-11-30T11:00:00+00:00") as other,
    ):
        for named in (Path("7"), ready, tmp_path / "signals-7.sock"):
            with SignalClient(named):
                wanted.settimeout(5.0)
                wanted.accept()[0].close()
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_of_several_cars_none_is_taken_by_itself(tmp_path: Path) -> None:
    with car(tmp_path, 11, "2026-11-30T11:00:00+00:00"):
        (tmp_path / "signals-3.sock").touch()
        with SignalClient() as client:
            assert client.path == tmp_path / "signals-11.sock"
        with (
            car(tmp_path, 7, "2026-11-30T10:00:00+00:00"),
            pytest.raises(LinkError, match=r"several live cars run here, take --car: 11, 7"),
        ):
            SignalClient()


def test_a_number_of_nobody_and_a_file_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="volant live"):
        SignalClient(Path("99"))
    with pytest.raises(LinkError, match="volant live"):
        find_car(Path("99"))
    for text in ("", "[]", "{}", '{"number": "x"}', "\xff"):
        (tmp_path / "file.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(InputError):
            SignalClient(tmp_path / "file.json")
