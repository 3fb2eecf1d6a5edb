"""What `volant ota check|install|status` asks the car, and what it tells a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from volant.app import ota_command
from volant.app.exits import Exit
from volant.app.ota_command import InstallWish, check_command, install_command, status_command
from volant.app.ota_socket import OtaReply, OtaWish
from volant.core.errors import LinkError, RefusedError
from volant.core.updates import UpdateEnd, UpdatePhase, UpdateResult, UpdateState, UpdateWish

SEEN = "3f2a91c4" * 8
OTHER = "77" * 32
OFFERED: dict[str, Any] = {
    "phase": UpdatePhase.OFFERED,
    "offer": SEEN,
    "title": "A calm car",
    "takes_s": 20.0,
    "size_bytes": 41_500,
}
DONE = UpdateResult(end=UpdateEnd.INSTALLED, title="A calm car", at_s=1.8e9, why="")


def state(**words: Any) -> UpdateState:
    return UpdateState(stamp_ns=0, **{**OFFERED, **words})


class Car:
    """Says one state after the other, the last one for ever."""

    def __init__(self, *states: UpdateState) -> None:
        self.states, self.asked = list(states), list[OtaWish]()

    def __call__(self, _car: Path | None, asked: OtaWish) -> OtaReply:
        if asked.wish is not None:
            self.asked.append(asked)
        found = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return OtaReply(taken=True, words="", state=found, director="")


Drive = Callable[..., Car]


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch) -> Drive:
    def make(*states: UpdateState) -> Car:
        car = Car(*states)
        monkeypatch.setattr(ota_command, "ask_updates", car)
        monkeypatch.setattr(ota_command, "LOOK_S", 0.0)
        return car

    return make


def install(wish: UpdateWish = UpdateWish.NOW, **more: Any) -> Exit:
    return install_command(None, InstallWish(wish, **more), as_json=False)


def test_who_installs_agrees_to_what_is_printed(
    drive: Drive, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = state(phase=UpdatePhase.IDLE, offer="", last=DONE)
    car = drive(state(), state(phase=UpdatePhase.WAITING), ended)
    assert install() is Exit.DONE
    assert car.asked == [OtaWish(wish=UpdateWish.NOW, offer=SEEN)]
    said = capsys.readouterr().out
    assert "A calm car (3f2a91c43f2a)" in said
    assert "takes about 20 s; 42 kB to fetch" in said


def test_an_offer_that_is_meant_is_installed_and_no_other(drive: Drive) -> None:
    car = drive(state(offer=OTHER))
    with pytest.raises(RefusedError, match="777777777777 is offered by now"):
        install(offer=SEEN[:8])
    drive(state(phase=UpdatePhase.IDLE, offer=""))
    with pytest.raises(RefusedError, match="nothing is offered by now"):
        install(offer=SEEN[:8])
    assert car.asked == []


def test_a_refused_stick_installs_nothing_of_what_was_offered_before(
    drive: Drive, tmp_path: Path
) -> None:
    refused = state(reasons=("it is not signed by whom it should: stick",))
    car = drive(state(phase=UpdatePhase.CHECKING), refused)
    with pytest.raises(RefusedError, match="not signed"):
        install(usb=tmp_path)
    assert [one.wish for one in car.asked] == [UpdateWish.CHECK]
    car = drive(state(phase=UpdatePhase.CHECKING), state(phase=UpdatePhase.IDLE, offer=""))
    with pytest.raises(RefusedError, match="brings nothing"):
        install(usb=tmp_path)


def test_a_stick_that_brings_what_is_offered_is_agreed_to_by_name(
    drive: Drive, tmp_path: Path
) -> None:
    trial = state(phase=UpdatePhase.TRIAL)
    car = drive(state(phase=UpdatePhase.CHECKING), state(), trial)
    assert install(usb=tmp_path) is Exit.DONE
    assert [one.offer for one in car.asked] == ["", SEEN]


@pytest.mark.parametrize("phase", [UpdatePhase.OFFERED, UpdatePhase.IDLE])
def test_what_is_agreed_to_no_more_ends_the_looking_as_not_installed(
    drive: Drive, phase: UpdatePhase
) -> None:
    drive(state(), state(phase=UpdatePhase.WAITING), state(phase=phase))
    assert install() is Exit.DIFFERS


def test_a_process_that_starts_again_is_waited_for(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = drive(state(), state(phase=UpdatePhase.INSTALLING), state(phase=UpdatePhase.TRIAL))
    silent = [2]

    def ask(path: Path | None, asked: OtaWish) -> OtaReply:
        if len(car.states) == 1 and silent[0]:
            silent[0] -= 1
            raise LinkError("no live car answers")
        return car(path, asked)

    monkeypatch.setattr(ota_command, "ask_updates", ask)
    assert install() is Exit.DONE
    assert silent == [0]
    monkeypatch.setattr(ota_command, "SILENT_S", 0.0)
    silent[0] = 1
    with pytest.raises(LinkError):
        ota_command._look(None)


def test_words_are_for_people(drive: Drive, capsys: pytest.CaptureFixture[str]) -> None:
    last = UpdateResult(end=UpdateEnd.ROLLED_BACK, title="Worse", at_s=1.8e9, why="codes")
    words = {"phase": UpdatePhase.IDLE, "offer": "", "reasons": ("nothing newer",), "last": last}
    drive(state(**words, can=(UpdateWish.CHECK, UpdateWish.TONIGHT)))
    status_command(None, as_json=False)
    said = capsys.readouterr().out
    for part in (
        "note: nothing newer",
        "volant ota: check, install --tonight",
        "Worse: rolled back, the old programs run, 2027-01-15 ",
    ):
        assert part in said
    drive(state(phase=UpdatePhase.TRIAL, left_s=250.0))
    status_command(None, as_json=False)
    assert "on trial for another 5 min of driving" in capsys.readouterr().out


def test_tonight_is_done_when_it_is_agreed_to(drive: Drive) -> None:
    car = drive(state(), state(phase=UpdatePhase.WAITING, starts_s=1.8e9))
    assert install(UpdateWish.TONIGHT) is Exit.DONE
    assert car.asked == [OtaWish(wish=UpdateWish.TONIGHT, offer=SEEN)]
    car = drive(state(), state(phase=UpdatePhase.IDLE))
    assert install(UpdateWish.LATER) is Exit.DONE
    assert car.asked == [OtaWish(wish=UpdateWish.LATER)]


@pytest.mark.parametrize(
    ("takes_s", "words"),
    [(0.5, "10 s"), (29.0, "30 s"), (90.0, "90 s"), (91.0, "2 min"), (601.0, "11 min")],
)
def test_how_long_it_takes_is_never_nothing(
    drive: Drive, capsys: pytest.CaptureFixture[str], takes_s: float, words: str
) -> None:
    drive(state(takes_s=takes_s, size_bytes=4_700_000))
    assert status_command(None, as_json=False) is Exit.DONE
    assert f"takes about {words}; 4.7 MB to fetch" in capsys.readouterr().out


def test_how_long_it_still_takes_is_said_while_it_is_followed(
    drive: Drive, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = state(phase=UpdatePhase.DOWNLOADING, done=0.42, left_s=33.0)
    drive(state(phase=UpdatePhase.CHECKING), busy, state())
    assert check_command(None, as_json=False) is Exit.DONE
    assert "downloading, 40 %, about 40 s left" in capsys.readouterr().err
