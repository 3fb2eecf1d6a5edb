"""The cluster page in a browser: it shows the drive, says when it does not, and calls nobody else."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.caros.motorway import Drive, gap_m
from tests.e2e.feeder import Feeder
from tests.e2e.real_drive import frames_of_drive
from volant.caros.cockpit import CockpitControl, CockpitPainted, CockpitReplay, ControlKind
from volant.caros.cockpit.messages import CockpitAeb, CockpitCodes, CockpitFrame, CockpitStop
from volant.core.messages import (
    Alert,
    AlertLevel,
    BrakeStage,
    Engagement,
    Guidance,
    LaneWarning,
    TurnKind,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
S = 1_000_000_000


@pytest.fixture
def feeder(request: pytest.FixtureRequest) -> Iterator[Feeder]:
    """Sends frames; with the parameter True nothing until the test says so."""
    made = Feeder()
    if getattr(request, "param", False):
        made.paused.set()
    with made as started:
        yield started


class Watch:
    """A page, and everything that it said or asked for."""

    def __init__(self, browser: Browser, feeder: Feeder, theme: str, **context: Any) -> None:
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 720}, "color_scheme": theme, **context}
        )
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.goto(feeder.link.address)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def text(self, name: str) -> str:
        return self.page.locator(f"[data-test={name}]").inner_text()

    def wait_text(self, name: str, pattern: str) -> None:
        self.page.wait_for_function(
            """([name, pattern]) => {
                const find = (root) => {
                    for (const el of root.querySelectorAll("*")) {
                        if (el.dataset?.test === name) return el;
                        const inside = el.shadowRoot && find(el.shadowRoot);
                        if (inside) return inside;
                    }
                };
                const found = find(document);
                return found && new RegExp(pattern).test(found.textContent.trim());
            }""",
            arg=[name, pattern],
        )

    def wait_label(self, pattern: str) -> None:
        self.page.wait_for_function(
            """(pattern) => {
                const label = document.querySelector("#stale");
                return !label.hidden && new RegExp(pattern).test(label.textContent);
            }""",
            arg=pattern,
        )

    def wait_live(self) -> None:
        self.page.wait_for_function("() => document.querySelector('#stale').hidden")


Open = Callable[..., Watch]


@pytest.fixture
def open_page(browser: Browser, feeder: Feeder) -> Iterator[Open]:
    opened: list[Watch] = []

    def opening(theme: str = "dark", **context: Any) -> Watch:
        opened.append(Watch(browser, feeder, theme, **context))
        return opened[-1]

    yield opening
    for watch in opened:
        watch.context.close()


def pixels(watch: Watch) -> dict[str, Any]:
    """Numbers about the canvas: how many colours, how bright, and a coarse copy."""
    found: dict[str, Any] = watch.page.evaluate(
        """() => {
            const canvas = document.querySelector("volant-view").shadowRoot.querySelector("canvas");
            const small = new OffscreenCanvas(128, 72);
            const context = small.getContext("2d");
            context.drawImage(canvas, 0, 0, 128, 72);
            const data = context.getImageData(0, 0, 128, 72).data;
            const colours = new Set();
            const grey = [];
            for (let i = 0; i < data.length; i += 4) {
                colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
                grey.push((data[i] + data[i + 1] + data[i + 2]) / 3);
            }
            return { colours: colours.size, mean: grey.reduce((a, b) => a + b) / grey.length, grey };
        }"""
    )
    return found


def changed(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Share of the coarse picture that differs by more than 8 of 255."""
    pairs = zip(one["grey"], other["grey"], strict=True)
    return sum(abs(a - b) > 8.0 for a, b in pairs) / len(one["grey"])


def swap(frame: CockpitFrame, **changes: Any) -> CockpitFrame:
    return msgspec.structs.replace(frame, **changes)


def test_beside_a_stop_by_the_guard_no_confidence_stands(open_page, feeder):
    watch = open_page()
    watch.wait_live()
    assert watch.text("confidence") != "–"
    make = Drive().frame
    stop = CockpitStop(stands=False, words="Car stops", reason="The pilot fell silent")
    feeder.make = lambda t_s: swap(make(t_s), stop=stop)
    watch.wait_text("confidence", "–")


def test_trouble_codes_are_counted_where_there_are_some(open_page, feeder):
    watch = open_page()
    watch.wait_live()
    make = feeder.make
    codes = CockpitCodes(number=1, count=2, codes=(), may_clear=False, refused="")
    feeder.make = lambda t_s: msgspec.structs.replace(make(t_s), codes=codes)
    watch.wait_text("codes", "^2 trouble codes$")


def test_text_follows_the_drive(feeder, open_page):
    drive = Drive()

    def at_speed(speed_mps: float) -> Callable[[float], CockpitFrame]:
        def make(t_s: float) -> CockpitFrame:
            frame = drive.frame(t_s)
            assert frame.car is not None
            return swap(frame, car=msgspec.structs.replace(frame.car, speed_mps=speed_mps))

        return make

    feeder.make = at_speed(27.0)
    watch = open_page()
    watch.wait_text("speed", "^97$")
    feeder.make = at_speed(12.5)
    watch.wait_text("speed", "^45$")
    assert watch.text("gear") == "D"
    assert watch.text("charge") == "72 %"
    assert watch.text("range") == "374 km"
    assert watch.text("limit") == "120"
    assert watch.text("set-speed") == "120"
    assert watch.text("pilot") == "Pilot drives"
    assert watch.text("reason") == "Slower car ahead"
    assert watch.text("confidence") == "High"
    shown_m = int(watch.text("gap").removesuffix(" m"))
    assert abs(shown_m - gap_m(feeder.time_s)) < 2.5
    assert watch.errors == []


def test_the_scene_is_drawn_and_moves_with_the_drive(feeder, open_page):
    watch = open_page()
    watch.wait_live()
    first = pixels(watch)
    assert first["colours"] > 200
    begun_s = feeder.time_s
    watch.page.wait_for_timeout(700)
    assert feeder.time_s > begun_s + 0.4
    assert changed(first, pixels(watch)) > 0.01
    feeder.standing.set()
    watch.page.wait_for_timeout(1500)
    still = pixels(watch)
    watch.page.wait_for_timeout(300)
    assert changed(still, pixels(watch)) < 0.003


def test_a_road_user_more_is_seen(feeder, open_page):
    drive = Drive()
    feeder.standing.set()
    empty = swap(drive.frame(4.0), tracks=())
    full = drive.frame(4.0)
    feeder.make = lambda _: empty
    watch = open_page()
    watch.wait_live()
    watch.page.wait_for_timeout(600)
    without = pixels(watch)
    feeder.make = lambda _: full
    watch.page.wait_for_timeout(900)
    assert changed(without, pixels(watch)) > 0.01
    assert "15 other road users" in str(
        watch.page.locator("volant-view canvas").get_attribute("aria-label")
    ) or "16 other road users" in str(
        watch.page.locator("volant-view canvas").get_attribute("aria-label")
    )


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_accessibility_violation(feeder, open_page, theme):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make check")
    alert = Alert(
        stamp_ns=0,
        alert_id="hands",
        level=AlertLevel.PROMPT,
        words="Hands on the wheel",
        cause="test",
        action="Hold the wheel",
        until_ns=900 * S,
    )
    show = CockpitReplay(name="a.mcap", paused=False, speed=1.0, position_s=4.0, length_s=60.0)
    drive = Drive()
    feeder.make = lambda t_s: swap(drive.frame(t_s), alert=alert, replay=show)
    watch = open_page(theme)
    watch.wait_text("alert", "Hands on the wheel")
    watch.page.evaluate(AXE.read_text(encoding="utf-8"))
    report = watch.page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    assert [(v["id"], v["nodes"][0]["html"]) for v in report["violations"]] == []
    assert len(report["passes"]) > 10
    assert watch.errors == []


def test_nothing_is_asked_from_anywhere_else(feeder, open_page):
    watch = open_page()
    watch.wait_live()
    watch.page.wait_for_timeout(500)
    base = feeder.link.address.removeprefix("http")
    assert len(watch.requests) >= 4
    assert any(url.startswith("ws://") for url in watch.requests)
    outside = [url for url in watch.requests if not re.sub("^(http|ws)", "", url).startswith(base)]
    assert outside == []
    assert watch.errors == []


def test_the_policy_of_the_page_bites(feeder, open_page):
    watch = open_page()
    watch.wait_live()
    refused = watch.page.evaluate(
        """async () => {
            const violations = [];
            document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective));
            await fetch("http://192.0.2.1/").catch(() => {});
            const script = document.createElement("script");
            script.textContent = "window.inlined = true";
            document.head.append(script);
            await new Promise((done) => setTimeout(done, 50));
            return { violations, inlined: window.inlined === true };
        }"""
    )
    assert not refused["inlined"]
    assert any(name.startswith("connect") for name in refused["violations"])
    assert any(name.startswith("script") for name in refused["violations"])


def test_when_frames_stop_the_page_says_so_and_comes_back(feeder, open_page):
    watch = open_page()
    watch.wait_live()
    feeder.paused.set()
    watch.wait_label("^No live data for \\d+ s$")
    assert watch.page.locator("volant-view").get_attribute("stale") is not None
    assert "old" in str(watch.page.locator("main").get_attribute("class"))
    feeder.paused.clear()
    watch.wait_live()
    assert watch.page.locator("volant-view").get_attribute("stale") is None
    assert watch.errors == []


def test_when_only_the_pilot_stops_the_instruments_go_on(feeder, open_page):
    drive = Drive()
    frozen = drive.latest(2.0)

    def make(t_s: float) -> CockpitFrame:
        return drive.frame(
            t_s, localization=frozen.localization, tracks=frozen.tracks, plan=frozen.plan
        )

    feeder.make = make
    watch = open_page()
    watch.wait_label("^No data from the pilot$")
    assert watch.page.locator("volant-view").get_attribute("stale") is not None
    assert re.fullmatch(r"\d+", watch.text("speed"))
    assert "old" not in str(watch.page.locator("main").get_attribute("class")).split()


def test_when_the_car_stops_answering_it_is_said(feeder, open_page):
    drive = Drive()
    frozen = drive.latest(2.0).car
    feeder.make = lambda t_s: drive.frame(t_s, car=frozen)
    open_page().wait_label("^No data from the car$")


def test_the_end_of_the_drive_is_told(feeder, open_page):
    watch = open_page()
    watch.wait_live()
    feeder.paused.set()
    feeder.link.close()
    watch.wait_label("^The drive has ended$")


def test_frames_of_another_version_are_not_guessed_at(feeder, open_page):
    drive = Drive()
    feeder.make = lambda t_s: swap(drive.frame(t_s), schema="000000000000")
    watch = open_page()
    watch.wait_label("^Reload: the car has a new version$")
    assert watch.text("speed") == "–"


@pytest.mark.parametrize("feeder", [True], indirect=True)
def test_before_anything_came_the_page_waits(feeder, open_page):
    watch = open_page()
    watch.wait_label("^Waiting for the car$")
    assert watch.text("speed") == "–"
    assert watch.text("pilot") == "Starting"


def test_the_first_live_frame_is_reported(feeder, open_page):
    watch = open_page()
    watch.wait_live()
    watch.page.wait_for_timeout(300)
    assert any(isinstance(message, CockpitPainted) for message in feeder.link.poll())


@pytest.mark.parametrize(
    ("engagement", "words"),
    [
        (Engagement.OFF, "Manual"),
        (Engagement.READY, "Pilot ready"),
        (Engagement.OVERRIDDEN, "You override"),
        (Engagement.TAKEOVER, "Take over now"),
        (Engagement.MINIMAL_RISK, "Safe stop"),
    ],
)
def test_who_drives_stands_in_one_place(feeder, open_page, engagement, words):
    drive = Drive()

    def make(t_s: float) -> CockpitFrame:
        frame = drive.frame(t_s)
        assert frame.pilot is not None
        pilot = msgspec.structs.replace(
            frame.pilot,
            engagement=engagement,
            words="Because",
            blockers=("door_open",),
            blocker_words=("Door open",),
        )
        return swap(frame, pilot=pilot)

    feeder.make = make
    watch = open_page()
    watch.wait_text("pilot", f"^{words}$")
    assert watch.text("reason") == "Door open"


@pytest.mark.parametrize(
    ("level", "role"),
    [(AlertLevel.ADVICE, "status"), (AlertLevel.PROMPT, "alert"), (AlertLevel.CRITICAL, "alert")],
)
def test_alerts_are_shown_by_their_level(feeder, open_page, level, role):
    drive = Drive()
    alert = Alert(
        stamp_ns=0,
        alert_id="x",
        level=level,
        words="Take the wheel",
        cause="test",
        action="Both hands",
        until_ns=900 * S,
    )
    feeder.make = lambda t_s: swap(drive.frame(t_s), alert=alert)
    watch = open_page()
    watch.wait_text("alert", "^Take the wheel$")
    assert watch.page.locator("volant-alert").get_by_role(role).count() == 1
    feeder.make = drive.frame
    watch.page.wait_for_function(
        "() => !document.querySelector('volant-alert').shadowRoot.querySelector('[data-test=alert]')"
    )


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_theme_is_the_systems(open_page, theme):
    watch = open_page(theme)
    watch.wait_live()
    watch.page.wait_for_timeout(200)
    mean = pixels(watch)["mean"]
    assert mean > 150 if theme == "light" else mean < 80


def test_less_motion_is_respected(open_page):
    watch = open_page(reduced_motion="reduce")
    watch.wait_live()
    calm = watch.page.evaluate(
        "() => getComputedStyle(document.documentElement).getPropertyValue('--calm').trim()"
    )
    assert calm == "0ms"


def fullest(frame: CockpitFrame) -> CockpitFrame:
    """A frame with everything on it that may be on it at once."""
    assert frame.plan is not None
    assert frame.pilot is not None
    words = "Second exit, towards the Station quarter"
    guidance = Guidance(turn=TurnKind.ROUNDABOUT, distance_m=1234.0, words=words)
    return swap(
        frame,
        plan=msgspec.structs.replace(frame.plan, guidance=guidance),
        pilot=msgspec.structs.replace(
            frame.pilot,
            functions=("acc", "lcc", "navigation"),
            switched_off=("curve_speed", "aeb"),
            departure=LaneWarning.LEFT,
            blind_spot_right=True,
        ),
        aeb=CockpitAeb(
            stage=BrakeStage.FULL,
            words="Person crossing from the right",
            object_class=None,
            time_to_contact_s=1.2,
        ),
    )


def test_the_next_turn_and_what_is_off_are_said(feeder, open_page):
    drive = Drive()
    feeder.make = lambda t_s: fullest(drive.frame(t_s))
    watch = open_page()
    watch.wait_text("turn", "^1.2 km$")
    assert watch.text("turn-words") == "Second exit, towards the Station quarter"
    assert watch.text("drives") == "Navigation"
    assert watch.text("off") == "Off: Emergency brake +1"
    assert watch.text("alert") == "Emergency braking"
    feeder.make = drive.frame
    watch.wait_text("drives", "^Lane centring$")
    assert watch.page.locator("[data-test=turn]").count() == 0
    assert watch.errors == []


@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 720), (1024, 600), (800, 480), (390, 844)])
def test_nothing_lies_over_something_else(feeder, open_page, size, replay):
    drive = Drive()
    show = CockpitReplay(
        name="drive.mcap", paused=False, speed=0.25, position_s=61.0, length_s=1187.0
    )
    feeder.make = lambda t_s: fullest(drive.frame(t_s, show if replay else None))
    watch = open_page(viewport={"width": size[0], "height": size[1]})
    watch.wait_live()
    watch.page.wait_for_timeout(200)
    spilling = watch.page.locator("main section").evaluate_all(
        "found => found.filter(e => e.scrollWidth > e.clientWidth).map(e => e.className)"
    )
    assert spilling == []
    boxes = [
        box
        for section in watch.page.locator("main section").all()
        if (box := section.bounding_box()) is not None and box["width"] * box["height"] > 0
    ]
    assert len(boxes) == (6 if replay else 5)
    for box in boxes:
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            apart = (
                one["x"] + one["width"] <= other["x"]
                or other["x"] + other["width"] <= one["x"]
                or one["y"] + one["height"] <= other["y"]
                or other["y"] + other["height"] <= one["y"]
            )
            assert apart, (one, other)


def test_a_journal_is_watched_with_its_controls(browser):
    drive = Drive()
    with Feeder(replay=True) as feeder:
        state = {"paused": False, "speed": 1.0}

        def make(t_s: float) -> CockpitFrame:
            heard.extend(m for m in feeder.link.poll() if isinstance(m, CockpitControl))
            show = CockpitReplay(
                name="drive.mcap",
                paused=bool(state["paused"]),
                speed=float(state["speed"]),
                position_s=t_s,
                length_s=187.0,
            )
            return drive.frame(t_s, show)

        heard: list[CockpitControl] = []
        feeder.make = make
        watch = Watch(browser, feeder, "dark")
        watch.wait_text("replay-time", r"^0:\d\d / 3:07$")
        watch.page.locator("[data-test=pause]").click()
        watch.page.locator("[data-test=step]").click()
        watch.page.locator("[data-test=faster]").click()
        state["paused"] = True
        watch.wait_text("pause", "^Play$")
        watch.page.locator("[data-test=pause]").click()
        watch.page.locator("volant-replay input").fill("60")
        watch.page.wait_for_timeout(300)
        watch.context.close()
    assert [(message.kind, message.value) for message in heard] == [
        (ControlKind.PAUSE, None),
        (ControlKind.STEP, 1.0),
        (ControlKind.SPEED, 2.0),
        (ControlKind.PLAY, None),
        (ControlKind.SEEK, 60.0),
    ]


def test_a_drive_has_no_replay_controls(open_page):
    watch = open_page()
    watch.wait_live()
    assert watch.page.locator("[data-test=pause]").count() == 0


def test_the_pages_are_small():
    static = ROOT / "src" / "volant" / "static"
    scripts = list(static.rglob("*.js"))
    assert scripts, "the screens are not built: make setup"
    fleet = [path for path in scripts if static / "fleet" in path.parents]
    assert fleet, "the fleet's console is not built: make setup"
    car = set(scripts) - set(fleet)
    assert sum(len(gzip.compress(path.read_bytes())) for path in car) <= 60 * 1024
    assert sum(len(gzip.compress(path.read_bytes())) for path in fleet) <= 40 * 1024


DRIVE_S = 12.0
"""A drive long enough to see it move."""


@pytest.fixture(scope="module")
def drive_frames() -> list[bytes]:
    return frames_of_drive(DRIVE_S)


def played(frames: list[bytes], feeder: Feeder, from_s: float) -> Callable[[float], bytes]:
    """The drive from a time on; at its end it stands."""
    begin_s = feeder.time_s

    def make(t_s: float) -> bytes:
        return frames[min(int((from_s + t_s - begin_s) * 30.0), len(frames) - 1)]

    return make


def test_a_real_drive_is_what_the_page_shows(feeder, open_page, drive_frames):
    last = msgspec.msgpack.decode(drive_frames[-1], type=CockpitFrame)
    assert last.car is not None
    assert last.plan is not None
    feeder.make = lambda _: drive_frames[0]
    watch = open_page()
    watch.wait_live()
    first = pixels(watch)
    feeder.make = played(drive_frames, feeder, len(drive_frames) / 30.0 - 2.0)
    watch.wait_text("speed", f"^{round(last.car.speed_mps * 3.6)}$")
    watch.wait_text("pilot", "^Pilot drives$")
    watch.wait_text("reason", f"^{last.plan.reason}$")
    watch.page.wait_for_timeout(1500)
    assert changed(first, pixels(watch)) > 0.01
    assert watch.errors == []
