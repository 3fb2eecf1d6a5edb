"""`volant ota demo`: a car is updated, drives differently, gets a bad version and goes back; proven step by step.

All but the making of the images is done with the commands that a person would type, each in a process of its own, on
a car and two repositories in a folder of their own. What a step claims is measured: a drive of each version over the same road says
whether the car drives differently, and as before after the way back.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from volant.app.exits import Exit
from volant.app.folders import data_folder
from volant.app.programs import tables_of
from volant.app.say import answer_json, table, tell
from volant.core.errors import RefusedError
from volant.core.settings import find_data
from volant.vehicle import load_spec
from volant.vehicle.boot import Image, make_image
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.boot.image import Value

CAR: Final = "g3-520"
TRIAL: Final = "20,0"
"""`volant up --trial`: a version that is well for twenty seconds at rest may stay; a car waits for a drive, too."""
DRIVE: Final = ("--headless", "--distance", "400", "--cars", "0", "--no-journal")
COMMAND_S: Final = 240.0
"""No command takes longer, on a busy machine too."""
UP_S: Final = 120.0
END_S: Final = 180.0
"""An update that is on trial has ended by then, one way or the other."""
LOOK_S: Final = 0.5
GENTLER: Final = 0.75
"""Version 2 starts at half the acceleration; more than this share of version 1's would be no difference."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """Programs that go together."""

    release: int
    title: str
    change: str
    units: Mapping[str, Mapping[str, Value]]
    """What is other than the factory's, by unit."""


_CALM: Final[Mapping[str, Mapping[str, Value]]] = {
    "pilot": {"plan.accel_mps2": 0.8, "plan.accel_high_mps2": 0.5},
    "brake": {"brake_rate_nps": 15_000.0},
    "drive": {"regen_power_w": 30_000.0},
}
_STRICT: Final[Mapping[str, Value]] = {"health.noisy_m": (1e-6, 1e-6)}
VERSIONS: Final = (
    Version(1, "Volant 1", "The car as it is sold.", {"pilot": {}, "brake": {}, "drive": {}}),
    Version(2, "Volant 2", "The car starts more gently, and recovers less energy.", _CALM),
    Version(
        3,
        "Volant 3",
        "The pilot watches its sensors more strictly.",
        {**_CALM, "pilot": {**_CALM["pilot"], **_STRICT}},
    ),
)
"""The third is bad: a pilot that takes a micrometre for noise calls its sensors broken, and trouble codes follow."""


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the demo."""

    step: str
    ok: bool
    found: str
    """What was seen."""
    took_s: float


class DemoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant ota demo --json` prints."""

    ok: bool
    steps: tuple[Happened, ...]
    folder: str
    """Repositories, the car's state and what its programs said; empty: thrown away."""


@dataclass(slots=True)
class Stage:
    """The folder in which it plays, and what runs there."""

    folder: Path
    drives: dict[int, Json] = field(default_factory=dict)
    number: str = ""
    """Of the live car."""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self, *words: str, may: Sequence[int] = (0,)) -> str:
        """A command of ours; what it answers.

        Raises:
            RefusedError: it ends with another exit status than it may.
        """
        line = [sys.executable, "-m", "volant", *words]
        done = subprocess.run(
            line, check=False, capture_output=True, timeout=COMMAND_S, cwd=self.folder
        )
        if done.returncode not in may:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise RefusedError(f"volant {' '.join(words[:2])}: {''.join(said)}")
        return done.stdout.decode()

    def asked(self, *words: str, may: Sequence[int] = (0,)) -> Any:
        """The same, as JSON."""
        return json.loads(self.run(*words, "--json", may=may))

    def start(self, name: str, *words: str) -> None:
        """A command that stays; its words go to files."""
        with (
            (self.folder / f"{name}.out").open("wb") as out,
            (self.folder / f"{name}.err").open("wb") as err,
        ):
            line = [sys.executable, "-m", "volant", *words]
            self.running.append(subprocess.Popen(line, stdout=out, stderr=err, cwd=self.folder))

    def end(self) -> None:
        """Ask all that stay to end, and see that they do."""
        for one in reversed(self.running):
            one.send_signal(signal.SIGINT)
        for one in self.running:
            try:
                one.wait(30.0)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
        self.running.clear()

    def ota(self, *words: str, may: Sequence[int] = (0,)) -> Any:
        """A command to the live car's updates."""
        return self.asked("ota", *words, "--car", self.number, may=may)


Step = Callable[[Stage], str]
"""What it saw; where something did not happen it raises RefusedError."""


def demo_command(folder: Path | None, *, as_json: bool) -> Exit:
    """Run `volant ota demo`."""
    kept = folder is not None
    place = folder or Path(tempfile.mkdtemp(prefix="volant-ota-"))
    if kept:
        if place.exists() and any(place.iterdir()):
            raise RefusedError(f"{place} is not empty: the demo makes a car of its own")
        place.mkdir(parents=True, exist_ok=True)
    stage, steps = Stage(place.absolute()), list[Happened]()
    try:
        for name, step in STEPS:
            steps.append(_tried(name, step, stage))
            _say(steps[-1], quiet=as_json)
            if not steps[-1].ok:
                break
    finally:
        stage.end()
        good = len(steps) == len(STEPS) and all(one.ok for one in steps)
        if not kept and good:
            shutil.rmtree(place, ignore_errors=True)
    told = DemoAnswer(ok=good, steps=tuple(steps), folder=str(place) if kept or not good else "")
    _answer(told, as_json=as_json)
    return Exit.DONE if good else Exit.DIFFERS


def _tried(name: str, step: Step, stage: Stage) -> Happened:
    began_s = time.monotonic()
    try:
        ok, found = True, step(stage)
    except (RefusedError, subprocess.TimeoutExpired, OSError, ValueError, KeyError) as error:
        ok, found = False, str(error) or type(error).__name__
    return Happened(step=name, ok=ok, found=found, took_s=round(time.monotonic() - began_s, 1))


def _must(holds: bool, words: str) -> None:
    """Raise RefusedError where something did not happen."""
    if not holds:
        raise RefusedError(words)


# --- the steps ------------------------------------------------------------------------------------


def _repositories(stage: Stage) -> str:
    stage.run("repo", "init", "repo", "--car", CAR)
    for version in VERSIONS:
        _make(stage.folder, version)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stage.start("serve", "repo", "serve", "repo", "--port", str(port))
    url = f"http://127.0.0.1:{port}/"
    joined = stage.asked("ota", "join", "repo", "--url", url, "--car", CAR, "--state", "state")
    return f"director and images at {url}, {len(joined['units'])} units joined"


def _make(folder: Path, version: Version) -> None:
    """The images of a version, as `volant ecu image make` makes them."""
    car = load_spec(find_data("cars", CAR, data_folder()))
    for unit, changes in version.units.items():
        tables = tables_of(unit, car)
        image = Image(
            unit=unit,
            hardware=HARDWARE,
            version=str(version.release),
            release=version.release,
            tables=msgspec.structs.replace(tables, calibration={**tables.calibration, **changes}),
        )
        (folder / f"{unit}-{version.release}.img").write_bytes(make_image(image))


def _boot(stage: Stage) -> str:
    stage.start(
        "up", "up", "--parked", "--car", CAR, "--state", "state", "--trial", TRIAL, "--json"
    )
    car = stage.running[-1]
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
    _must(last["end"] == "installed", f"version 1: {last['end']}: {last['why']}")
    _runs(stage, 1)
    return f"{', '.join(last['units'])} run version 1"


def _driven(release: int) -> Step:
    def drive(stage: Stage) -> str:
        found: Json = stage.asked("drive", *DRIVE, "--car", CAR, "--state", "state")
        stage.drives[release] = found
        _must(found["contacts"] == 0, f"{found['contacts']} contacts")
        return (
            f"400 m in {found['duration_s']:.1f} s, at most {found['accel_max_mps2']:.2f} m/s2 "
            f"and {found['accel_min_mps2']:.2f} m/s2"
        )

    return drive


def _offered(stage: Stage) -> str:
    _offer(stage, VERSIONS[1])
    state = stage.ota("check")
    _must(state["phase"] == "offered", f"{state['phase']}, expected offered")
    _must(state["changes"] == [VERSIONS[1].change], f"says {state['changes']}")
    return f"{state['title']}: {' '.join(state['changes'])} {len(state['units'])} units"


def _installed(stage: Stage) -> str:
    stage.ota("install", "--now")
    last = _ended(stage, VERSIONS[1].title)
    _must(last["end"] == "installed", f"version 2: {last['end']}: {last['why']}")
    _runs(stage, 2)
    return f"{', '.join(last['units'])} run version 2, and the director heard it from each"


def _differs(stage: Stage) -> str:
    words = _driven(2)(stage)
    before, after = (stage.drives[n]["accel_max_mps2"] for n in (1, 2))
    _must(after < GENTLER * before, f"{after:.2f} m/s2 after {before:.2f}: it drives as before")
    return f"{words}: {100.0 * (1.0 - after / before):.0f} % gentler"


def _goes_back(stage: Stage) -> str:
    _offer(stage, VERSIONS[2])
    stage.ota("check")
    stage.ota("install", "--now", may=(0, Exit.DIFFERS))
    last = _ended(stage, VERSIONS[2].title)
    _must(last["end"] == "rolled_back", f"version 3: {last['end']}, expected rolled_back")
    _runs(stage, 2)
    return f"all units run version 2 again: {last['why']}"


def _as_before(stage: Stage) -> str:
    before = stage.drives[2]
    words = _driven(2)(stage)
    keys = ("duration_s", "distance_m", "accel_max_mps2", "accel_min_mps2")
    same = all(stage.drives[2][key] == before[key] for key in keys)
    _must(same, f"{words}: another drive than version 2's")
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


def _say(one: Happened, *, quiet: bool) -> None:
    if not quiet:
        mark = "ok" if one.ok else "NO"
        tell(f"{mark}  {one.step} ({one.took_s:.0f} s): {one.found}")


def _answer(told: DemoAnswer, *, as_json: bool) -> None:
    if as_json:
        answer_json(told)
        return
    rows = [(one.step, "yes" if one.ok else "NO", one.found) for one in told.steps]
    happened = sum(one.ok for one in told.steps)
    table(f"{happened} of {len(STEPS)} happened", ("what", "happened", "seen"), rows)
    if told.folder:
        tell(f"all of it lies in {told.folder}")
