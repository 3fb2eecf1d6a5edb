"""`volant ota demo`: a car is updated, drives differently, gets a bad version and goes back; proven step by step.

All but the making of the images is done with the commands that a person would type, each in a process of its own, on
a car and two repositories in a folder of their own. What a step claims is measured: a drive of each version over the same road says
whether the car drives differently, and as before after the way back.
"""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from volant.app import demo_stage
from volant.app.demo_stage import CALM, CAR, STRICT, Json, StepOf, Version, make_images, must, play
from volant.app.exits import Exit
from volant.core.errors import RefusedError

TRIAL: Final = "20,0"
"""`volant up --trial`: a version that is well for twenty seconds at rest may stay; a car waits for a drive, too."""
DRIVE: Final = ("--headless", "--distance", "400", "--cars", "0", "--no-journal")
UP_S: Final = 120.0
END_S: Final = 180.0
"""An update that is on trial has ended by then, one way or the other."""
LOOK_S: Final = 0.5
GENTLER: Final = 0.75
"""Version 2 starts at half the acceleration; more than this share of version 1's would be no difference."""
VERSIONS: Final = (
    Version(1, "Volant 1", "The car as it is sold.", {"pilot": {}, "brake": {}, "drive": {}}),
    Version(2, "Volant 2", "The car starts more gently, and recovers less energy.", CALM),
    Version(
        3,
        "Volant 3",
        "The pilot watches its sensors more strictly.",
        {**CALM, "pilot": {**CALM["pilot"], **STRICT}},
    ),
)
"""The third is bad."""


@dataclass(slots=True)
class Stage(demo_stage.Stage):
    """With what was driven, and the live car."""

    drives: dict[int, Json] = field(default_factory=dict)
    number: str = ""
    """Of the live car."""

    def ota(self, *words: str, may: tuple[int, ...] = (0,)) -> Any:
        """A command to the live car's updates."""
        return self.asked("ota", *words, "--car", self.number, may=may)


Step = StepOf[Stage]


def demo_command(folder: Path | None, *, as_json: bool) -> Exit:
    """Run `volant ota demo`."""
    return play(STEPS, Stage, folder, as_json=as_json)


# --- the steps ------------------------------------------------------------------------------------


def _repositories(stage: Stage) -> str:
    stage.run("repo", "init", "repo", "--car", CAR)
    for version in VERSIONS:
        make_images(stage.folder, version)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stage.start("serve", "repo", "serve", "repo", "--port", str(port))
    url = f"http://127.0.0.1:{port}/"
    joined = stage.asked("ota", "join", "repo", "--url", url, "--car", CAR, "--state", "state")
    return f"director and images at {url}, {len(joined['units'])} units joined"


def _boot(stage: Stage) -> str:
    car = stage.start(
        "up", "up", "--parked", "--car", CAR, "--state", "state", "--trial", TRIAL, "--json"
    )
    until_s = time.monotonic() + UP_S
    while time.monotonic() < until_s and car.poll() is None:
        with contextlib.suppress(RefusedError):
            for card in stage.asked("live"):
                if card["number"] == car.pid:
                    stage.number = str(car.pid)
                    stage.ota("status")
                    return f"live car {stage.number}, parked"
        time.sleep(LOOK_S)
    raise RefusedError(f"the car did not come up: see {stage.folder / 'up.err'}")


def _offer(stage: Stage, version: Version) -> None:
    """Publish a version for all its units."""
    images = [f"{unit}={unit}-{version.release}.img" for unit in version.units]
    words = ("--title", version.title, "--change", version.change, "--unusable", "The car")
    stage.run("repo", "add", "repo", *images, *words, "--takes", "60")


def _ended(stage: Stage, title: str) -> Json:
    """How the update of this title ended, once it has."""
    until_s = time.monotonic() + END_S
    while time.monotonic() < until_s:
        state = stage.ota("status")["state"]
        if state["phase"] == "idle" and state["last"] and state["last"]["title"] == title:
            last: Json = state["last"]
            return last
        time.sleep(LOOK_S)
    raise RefusedError(f"{title} had not ended after {END_S:.0f} s: {state['phase']}")


def _runs(stage: Stage, release: int) -> None:
    """All units say that they run this release, by their own signed word to the director."""
    wanted = {unit: f"{unit}-{release}.img" for unit in VERSIONS[0].units}
    until_s = time.monotonic() + END_S
    while time.monotonic() < until_s:
        (car,) = stage.asked("repo", "status", "repo")["cars"]
        runs = {one["ecu_id"]: one["runs"] for one in car["units"]}
        if all(runs.get(unit) == name for unit, name in wanted.items()):
            return
        time.sleep(LOOK_S)
    raise RefusedError(f"the director hears {runs}, expected {wanted}")


def _by_stick(stage: Stage) -> str:
    """Version 1 comes from a stick: the director's word is the same, the network is not asked."""
    _offer(stage, VERSIONS[0])
    stage.run("repo", "bundle", "repo", "stick")
    stage.ota("install", "--usb", str(stage.folder / "stick"))
    last = _ended(stage, VERSIONS[0].title)
    must(last["end"] == "installed", f"version 1: {last['end']}: {last['why']}")
    _runs(stage, 1)
    return f"{', '.join(last['units'])} run version 1"


def _driven(release: int) -> Step:
    def drive(stage: Stage) -> str:
        found: Json = stage.asked("drive", *DRIVE, "--car", CAR, "--state", "state")
        stage.drives[release] = found
        must(found["contacts"] == 0, f"{found['contacts']} contacts")
        return (
            f"400 m in {found['duration_s']:.1f} s, at most {found['accel_max_mps2']:.2f} m/s2 "
            f"and {found['accel_min_mps2']:.2f} m/s2"
        )

    return drive


def _offered(stage: Stage) -> str:
    _offer(stage, VERSIONS[1])
    state = stage.ota("check")
    must(state["phase"] == "offered", f"{state['phase']}, expected offered")
    must(state["changes"] == [VERSIONS[1].change], f"says {state['changes']}")
    return f"{state['title']}: {' '.join(state['changes'])} {len(state['units'])} units"


def _installed(stage: Stage) -> str:
    stage.ota("install", "--now")
    last = _ended(stage, VERSIONS[1].title)
    must(last["end"] == "installed", f"version 2: {last['end']}: {last['why']}")
    _runs(stage, 2)
    return f"{', '.join(last['units'])} run version 2, and the director heard it from each"


def _differs(stage: Stage) -> str:
    words = _driven(2)(stage)
    before, after = (stage.drives[n]["accel_max_mps2"] for n in (1, 2))
    must(after < GENTLER * before, f"{after:.2f} m/s2 after {before:.2f}: it drives as before")
    return f"{words}: {100.0 * (1.0 - after / before):.0f} % gentler"


def _goes_back(stage: Stage) -> str:
    _offer(stage, VERSIONS[2])
    stage.ota("check")
    stage.ota("install", "--now", may=(0, Exit.DIFFERS))
    last = _ended(stage, VERSIONS[2].title)
    must(last["end"] == "rolled_back", f"version 3: {last['end']}, expected rolled_back")
    _runs(stage, 2)
    return f"all units run version 2 again: {last['why']}"


def _as_before(stage: Stage) -> str:
    before = stage.drives[2]
    words = _driven(2)(stage)
    keys = ("duration_s", "distance_m", "accel_max_mps2", "accel_min_mps2")
    same = all(stage.drives[2][key] == before[key] for key in keys)
    must(same, f"{words}: another drive than version 2's")
    return f"{words}: the drive of version 2, to the last digit"


STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("two repositories and a car that believes them", _repositories),
    ("the car boots, parked", _boot),
    ("version 1 comes on a stick", _by_stick),
    ("it drives by version 1", _driven(1)),
    ("version 2 is offered over the air", _offered),
    ("agreed to: installed over all units", _installed),
    ("it drives differently", _differs),
    ("version 3 is bad: it goes back by itself", _goes_back),
    ("it drives by version 2", _as_before),
)
