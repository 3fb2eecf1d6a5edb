"""What the demos are made of: steps that happen or not, commands in processes of their own, and what is told at the end."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from volant.app.demo_folder import check_new
from volant.app.exits import Exit
from volant.app.folders import data_folder
from volant.app.programs import tables_of
from volant.app.say import answer_json, table, tell
from volant.core.errors import RefusedError, VolantError
from volant.core.settings import find_data
from volant.vehicle import load_spec
from volant.vehicle.boot import Image, make_image
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.boot.image import Value

CAR: Final = "g3-520"
COMMAND_S: Final = 240.0
"""No command takes longer, on a busy machine too."""
END_S: Final = 30.0

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """Programs that go together."""

    release: int
    title: str
    change: str
    units: Mapping[str, Mapping[str, Value]]
    """What is other than the factory's, by unit."""


CALM: Final[Mapping[str, Mapping[str, Value]]] = {
    "pilot": {"plan.accel_mps2": 0.8, "plan.accel_high_mps2": 0.5},
    "brake": {"brake_rate_nps": 15_000.0},
    "drive": {"regen_power_w": 30_000.0},
}
STRICT: Final[Mapping[str, Value]] = {"health.noisy_m": (1e-6, 1e-6)}
"""Bad: a pilot that takes a micrometre for noise calls its sensors broken, and trouble codes follow."""


def make_images(folder: Path, version: Version) -> dict[str, Path]:
    """The images of a version by unit, as `volant ecu image make` makes them."""
    car = load_spec(find_data("cars", CAR, data_folder()))
    found = {}
    for unit, changes in version.units.items():
        tables = tables_of(unit, car)
        image = Image(
            unit=unit,
            hardware=HARDWARE,
            version=str(version.release),
            release=version.release,
            tables=msgspec.structs.replace(tables, calibration={**tables.calibration, **changes}),
        )
        found[unit] = folder / f"{unit}-{version.release}.img"
        found[unit].write_bytes(make_image(image))
    return found


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a demo."""

    step: str
    ok: bool
    found: str
    """What was seen."""
    took_s: float


class DemoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a demo prints with `--json`."""

    ok: bool
    steps: tuple[Happened, ...]
    folder: str
    """All that it made, and what its programs said; empty: thrown away."""


@dataclass(slots=True)
class Stage:
    """The folder in which it plays, and what runs there."""

    folder: Path
    quiet: bool = False
    """Nothing is shown but the answer at the end."""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    """Commands that stay, by the name of their files."""

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

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        """A command that stays; its words go to files, behind those of an earlier one of the name."""
        with (
            (self.folder / f"{name}.out").open("ab") as out,
            (self.folder / f"{name}.err").open("ab") as err,
        ):
            line = [sys.executable, "-m", "volant", *words]
            found = subprocess.Popen(line, stdout=out, stderr=err, cwd=self.folder)
        self.running[name] = found
        return found

    def end(self) -> None:
        """Ask all that stay to end, and see that they do."""
        for one in reversed(self.running.values()):
            one.send_signal(signal.SIGINT)
        for one in self.running.values():
            try:
                one.wait(END_S)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
        self.running.clear()


S = TypeVar("S", bound=Stage)
StepOf = Callable[[S], str]
"""What it saw; where something did not happen it raises RefusedError."""


def must(holds: bool, words: str) -> None:
    """Raise RefusedError where something did not happen."""
    if not holds:
        raise RefusedError(words)


def play(
    steps: Sequence[tuple[str, StepOf[S]]],
    make: Callable[[Path], S],
    folder: Path | None,
    *,
    makes: str = "car",
    as_json: bool,
) -> Exit:
    """Do one step after the other, up to the first that does not happen.

    Args:
        steps: by name.
        make: the stage in a folder.
        folder: a new one, which is kept; None: one that is thrown away once all has happened.
        makes: what the demo makes in it, for people.
        as_json: print one JSON object instead of lines and a table.

    Raises:
        RefusedError: the folder is not empty.
    """
    place = folder or Path(tempfile.mkdtemp(prefix="volant-demo-"))
    if folder is not None:
        check_new(place, makes)
        place.mkdir(parents=True, exist_ok=True)
    stage, done = make(place.absolute()), list[Happened]()
    stage.quiet = as_json
    try:
        for name, step in steps:
            if not as_json:
                tell(f"..  {name}")
            done.append(_tried(name, step, stage))
            if not as_json:
                _say(done[-1])
            if not done[-1].ok:
                break
    finally:
        stage.end()
        good = len(done) == len(steps) and all(one.ok for one in done)
        if folder is None and good:
            shutil.rmtree(place, ignore_errors=True)
    kept = folder is not None or not good
    told = DemoAnswer(ok=good, steps=tuple(done), folder=str(place) if kept else "")
    _answer(told, len(steps), as_json=as_json)
    return Exit.DONE if good else Exit.DIFFERS


def _tried(name: str, step: StepOf[S], stage: S) -> Happened:
    began_s = time.monotonic()
    try:
        ok, found = True, step(stage)
    except (VolantError, subprocess.TimeoutExpired, OSError, ValueError, KeyError) as error:
        ok, found = False, str(error) or type(error).__name__
    return Happened(step=name, ok=ok, found=found, took_s=round(time.monotonic() - began_s, 1))


def _say(one: Happened) -> None:
    mark = "ok" if one.ok else "NO"
    tell(f"{mark}  {one.step} ({one.took_s:.0f} s): {one.found}")


def _answer(told: DemoAnswer, steps: int, *, as_json: bool) -> None:
    if as_json:
        answer_json(told)
        return
    rows = [(one.step, "yes" if one.ok else "NO", one.found) for one in told.steps]
    happened = sum(one.ok for one in told.steps)
    table(f"{happened} of {steps} happened", ("what", "happened", "seen"), rows)
    if told.folder:
        tell(f"all of it lies in {told.folder}")
