"""Takes the pictures of the documentation anew: `make pictures`.

The default trip is driven once, as fast as the machine can; at the first moment of each kind of place the
frames of the cockpit are kept, then played to a browser and photographed. Moments are told by what the
frames say, not by the clock, so that a pilot that drives differently is still met where it should be. The
report of an examination is photographed from a short one, made here, and so is the fleet's console.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import msgspec

from tests.conftest import BROWSER_ARGUMENTS, chromium
from tests.e2e.feeder import FRAME_S, Feeder
from tests.e2e.fleet_door import Door
from tests.e2e.updates import STATES, publish
from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.exam_run import ExamWish, run_command
from volant.app.trip import TripWish
from volant.caros.cockpit.messages import CockpitFrame, CockpitPlan
from volant.core.messages import Constraint, ObjectClass, TurnKind

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES: Final = ROOT / "docs" / "images"
MOST_BYTES: Final = 300_000
KEPT: Final = 90
"""Frames before the moment, three seconds: the scene moves gently to where it belongs."""
LOOKED_AT: Final = 6
"""Every so many frames are looked into: five a second."""
SETTLED_MS: Final = 4500
TALL_PX: Final = 1180
Test = Callable[[float, CockpitPlan, CockpitFrame], bool]


def _turn(plan: CockpitPlan) -> tuple[TurnKind | None, float]:
    return (plan.guidance.turn, plan.guidance.distance_m) if plan.guidance else (None, 0.0)


def _at_a_light(speed_mps: float, plan: CockpitPlan, frame: CockpitFrame) -> bool:
    return (
        plan.constraint is Constraint.RED_LIGHT and 2.0 < speed_mps < 5.0 and len(frame.lights) > 0
    )


def _among_people(speed_mps: float, _plan: CockpitPlan, frame: CockpitFrame) -> bool:
    people = sum(track.object_class is ObjectClass.PEDESTRIAN for track in frame.tracks)
    return speed_mps > 3.0 and people >= 4 and len(frame.tracks) >= 14


def _in_the_roundabout(speed_mps: float, plan: CockpitPlan, _frame: CockpitFrame) -> bool:
    turn, left_m = _turn(plan)
    return turn is TurnKind.ROUNDABOUT and left_m < 16.0 and speed_mps > 2.0


def _on_the_motorway(speed_mps: float, _plan: CockpitPlan, frame: CockpitFrame) -> bool:
    return speed_mps > 20.0 and len(frame.tracks) >= 7


MOMENTS: Final[dict[str, tuple[Test, str]]] = {
    "town": (_among_people, "dark"),
    "roundabout": (_in_the_roundabout, "dark"),
    "motorway": (_on_the_motorway, "light"),
    "light": (_at_a_light, "dark"),
}
"""Picture, when it is taken, and the theme."""


def moments() -> dict[str, list[bytes]]:
    """The frames up to the first moment of each kind."""
    last: deque[bytes] = deque(maxlen=KEPT)
    found: dict[str, list[bytes]] = {}
    count = 0

    def look(packed: bytes) -> None:
        nonlocal count
        last.append(packed)
        count += 1
        if count % LOOKED_AT:
            return
        frame = msgspec.msgpack.decode(packed, type=CockpitFrame)
        if frame.car is None or frame.plan is None:
            return
        for name, (test, _) in MOMENTS.items():
            if name not in found and test(frame.car.speed_mps, frame.plan, frame):
                found[name] = list(last)

    wish = TripWish(car="g3-520", road="volant-world", seed=1, sensors="typical", cars=None)
    drive_trip(plan_trip(wish), send=look)
    return found


@contextmanager
def page_of(browser: Browser, theme: str, height_px: int = 720) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": height_px},
        color_scheme="dark" if theme == "dark" else "light",
    )
    yield context.new_page()
    context.close()


def fed(feeder: Feeder, frames: list[bytes]) -> None:
    """Play the frames from now; at their end the scene stands."""
    begin_s = feeder.time_s
    feeder.make = lambda now_s: frames[min(int((now_s - begin_s) / FRAME_S), len(frames) - 1)]


def cockpit_picture(browser: Browser, frames: list[bytes], theme: str, picture: Path) -> None:
    with Feeder() as feeder, page_of(browser, theme) as page:
        fed(feeder, frames)
        page.goto(feeder.link.address)
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=picture)


def seat_picture(browser: Browser, frames: list[bytes], picture: Path) -> None:
    with Feeder() as feeder, page_of(browser, "dark") as page:
        fed(feeder, frames)
        page.goto(feeder.link.address + "drive/")
        page.wait_for_function("() => document.querySelector('#stale').hidden")
        page.click("#seat")
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=picture)


def update_picture(browser: Browser, picture: Path) -> None:
    """An update that is offered to a parked car."""
    with Feeder() as feeder, page_of(browser, "light") as page:
        publish(feeder, STATES["offered"])
        page.goto(feeder.link.address + "drive/")
        page.wait_for_function("() => document.querySelector('#stale').hidden")
        page.click("#seat")
        page.click("#update-badge")
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=picture)


def report_picture(browser: Browser, picture: Path) -> None:
    """What `volant exam run basics --only light --report exam.html` writes, amid its replay."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "exam.html")
        os.chdir(folder)
        try:
            run_command(ExamWish("basics", only="light", report=report))
        finally:
            os.chdir(here)
        with page_of(browser, "light", TALL_PX) as page:
            page.goto(report.as_uri())
            page.wait_for_selector("#theatre canvas")
            page.locator("#theatre select").first.select_option(label="light-turns-red (passed)")
            page.locator("[data-test=time]").evaluate(
                "bar => { bar.value = bar.max * 0.3; bar.dispatchEvent(new Event('input')); }"
            )
            page.wait_for_timeout(1000)
            page.screenshot(path=picture)


def fleet_picture(browser: Browser, picture: Path) -> None:
    """A campaign of the fleet's console, in the midst of its second wave."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Door(Path(folder)) as door,
        page_of(browser, "light", TALL_PX) as page,
    ):
        page.goto(door.address)
        page.fill("input[name=token]", door.tokens["ann"])
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-test=who]")
        page.goto(f"{door.address}#/campaign/spring")
        page.wait_for_selector("[data-test=task]")
        page.screenshot(path=picture)


def main() -> int:
    from playwright.sync_api import sync_playwright

    found = moments()
    missing = MOMENTS.keys() - found.keys()
    if missing:
        sys.exit(f"the drive never came to: {', '.join(sorted(missing))}")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_ARGUMENTS)
        taken = [
            Path(folder, f"{name}.png")
            for name in (*MOMENTS, "driver", "update", "exam-report", "fleet")
        ]
        for picture in taken[: len(MOMENTS)]:
            cockpit_picture(browser, found[picture.stem], MOMENTS[picture.stem][1], picture)
        seat_picture(browser, found["town"], taken[-4])
        update_picture(browser, taken[-3])
        report_picture(browser, taken[-2])
        fleet_picture(browser, taken[-1])
        browser.close()
        heavy = [picture.name for picture in taken if picture.stat().st_size > MOST_BYTES]
        if heavy:
            sys.exit(f"too heavy for a page: {', '.join(heavy)}")
        for picture in taken:
            shutil.copyfile(picture, IMAGES / picture.name)
            print(f"wrote {(IMAGES / picture.name).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
