"""The socket of `volant power`: who asks is answered, who is silent or babbles costs nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path
from typing import Self

import pytest

from volant.app import packet_door
from volant.app.packet_door import CALLERS_MOST
from volant.app.power_command import power_command
from volant.app.power_socket import (
    PowerAnswer,
    PowerDoor,
    PowerReply,
    ask_car,
    find_car,
)
from volant.caros.power import Wish
from volant.core.errors import InputError, LinkError, RefusedError, SettingsError
from volant.core.messages import PowerState

ANSWER = PowerAnswer(
    state=PowerState.PARKED,
    goal=PowerState.SLEEP,
    to=None,
    for_s=3.0,
    supply_v=12.5,
    supply_pct=75.0,
    supply_low=False,
    busy={"garage": "clips"},
    late=("sleep after 5.0 s without recorder",),
)


class Car:
    """A door with somebody behind it, on a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.asked: list[Wish | None] = []
        self.path, self._ending = path, threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self.door = PowerDoor(self.path)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(10.0)

    def _serve(self) -> None:
        with self.door:
            while not self._ending.wait(0.005):
                self.door.turn(self._take)

    def _take(self, asked: Wish | None) -> PowerReply:
        self.asked.append(asked)
        moving = asked is Wish.OFF
        return PowerReply(taken=not moving, words="the car moves" if moving else "", power=ANSWER)


def test_who_asks_is_answered(tmp_path: Path) -> None:
    with Car(tmp_path / "s") as car:
        assert ask_car(car.path, None).power == ANSWER
        assert ask_car(car.path, Wish.SLEEP).taken
        assert ask_car(car.path, Wish.OFF).words == "the car moves"
        assert car.asked == [None, Wish.SLEEP, Wish.OFF]
    assert not car.path.exists()
    with pytest.raises(LinkError, match="no live car answers"):
        ask_car(car.path, None)


def test_the_command_says_how_the_car_is_and_why_it_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Car(tmp_path / "s") as car:
        power_command("show", car.path, as_json=False)
        told = capsys.readouterr().out
        assert "parked for 3 s, on the way to sleep" in told
        assert "busy: garage: clips" in told
        power_command("sleep", car.path, as_json=True)
        assert '"supply_v": 12.5' in capsys.readouterr().out
        with pytest.raises(RefusedError, match="off: the car moves"):
            power_command("off", car.path, as_json=False)
    with pytest.raises(SettingsError, match="expected show, wake, sleep, drive, off"):
        power_command("fly", car.path, as_json=False)


def test_silent_babbling_and_gone_callers_hold_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packet_door, "PATIENCE_S", 0.05)
    with Car(tmp_path / "s") as car:
        lines = []
        for number in range(CALLERS_MOST):
            line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            line.settimeout(5.0)
            line.connect(str(car.path))
            lines.append(line)
            if number % 4 == 0:
                line.send(b"\xff" * 200)
            elif number % 4 == 1:
                line.send(b'{"wish": "fly"}')
            elif number % 4 == 2:
                line.close()
        answered = False
        for _ in range(100):  # the queue of those who came before may be full for a moment
            with contextlib.suppress(LinkError):
                answered = ask_car(car.path, None).taken
                break
            time.sleep(0.05)
        assert answered
        for line in lines:
            line.close()
        assert set(car.asked) <= {None}


def test_a_car_is_found_by_its_files_or_because_it_is_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(LinkError, match="no live car runs here"):
        find_car(None)
    with PowerDoor() as door:
        assert find_car(None) == door.path
        assert find_car(door.path) == door.path
        ready = tmp_path / "ready.json"
        ready.write_text(f'{{"power_socket": "{door.path}"}}', encoding="utf-8")
        assert find_car(ready) == door.path
        with PowerDoor(door.path.with_name("power-1.sock")), pytest.raises(LinkError, match="sev"):
            find_car(None)
    for wrong in ("{}", "[]", '{"power_socket": ""}', "\xff"):
        ready.write_text(wrong, encoding="utf-8")
        with pytest.raises(InputError):
            find_car(ready)


def test_a_folder_of_somebody_else_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with PowerDoor() as door:
        folder = door.path.parent
    folder.chmod(0o777)
    with pytest.raises(InputError, match="yours alone"):
        PowerDoor()
    with pytest.raises(InputError, match="no socket can be made"):
        PowerDoor(tmp_path / ("long" * 40))
