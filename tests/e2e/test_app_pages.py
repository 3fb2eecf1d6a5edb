"""Pages of apps in a browser: a hostile one reaches nothing, the frame covers, the dashboard says and does what it should."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.caros.apps.paging import FLAP, PagedCar
from tests.e2e.feeder import Feeder
from volant.caros.apps.pages import Page
from volant.caros.cockpit.seam import CockpitPainted
from volant.caros.viss.server import serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
DASHBOARD = ROOT / "apps" / "dashboard"
WINDOW = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"
HTML = b'<!doctype html><html lang="en"><title>x</title><body><p id="told"></p><script src="main.js"></script>'


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>parent.postMessage(typeof RTCPeerConnection, "*")</script></svg>'


@pytest.fixture
def car(tmp_path: Path) -> Iterator[PagedCar]:
    with PagedCar(tmp_path) as one:
        yield one


class Canary:
    """Somebody out in the world who counts whatever reaches him, by TCP and by UDP."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self.tcp_port: int = self._tcp.getsockname()[1]
        self.udp_port: int = self._udp.getsockname()[1]
        for one in (self._hear_tcp, self._hear_udp):
            threading.Thread(target=one, daemon=True).start()

    def _hear_tcp(self) -> None:
        try:
            while True:
                end, _ = self._tcp.accept()
                with end:
                    self.came.append(f"tcp {end.recv(200)!r}")
        except OSError:
            pass

    def _hear_udp(self) -> None:
        try:
            while data := self._udp.recv(2000):
                self.came.append(f"udp {data!r}")
        except OSError:
            pass

    def close(self) -> None:
        for one in (self._tcp, self._udp):
            one.shutdown(socket.SHUT_RDWR) if one is self._tcp else None
            one.close()


@contextmanager
def opened(
    browser: Browser, car: PagedCar, page: Page, **context: Any
) -> Iterator[tuple[Tab, list[str]]]:
    """Our frame with the app in it, and what the browser complained of."""
    words = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark", **context}
    made = browser.new_context(**words)
    tab, errors = made.new_page(), []
    tab.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(page.address)
    try:
        yield tab, errors
    finally:
        made.close()


def app_of(car: PagedCar, tab: Tab) -> Frame:
    """The app's frame, once it is there; the car's host goes on meanwhile."""

    def found() -> Frame | None:
        return next((one for one in tab.frames if "/app/" in one.url), None)

    frame: Frame = car.until(found, "the app's frame", lambda: tab.wait_for_timeout(50))
    return frame


def until(car: PagedCar, tab: Tab, frame: Any, script: str, what: str) -> Any:
    return car.until(lambda: frame.evaluate(script), what, lambda: tab.wait_for_timeout(50))


def audit(frame: Any) -> list[Any]:
    """Rules of axe that are broken; it is put into the frame past the app's own walls."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make check")
    frame.evaluate(AXE.read_text())
    found = frame.evaluate(
        "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html)])"
    )
    assert isinstance(found, list)
    return found


def test_a_hostile_page_reaches_nothing_but_its_own_signals(
    browser: Browser, car: PagedCar
) -> None:
    canary = Canary()
    listener = socket.create_server(("127.0.0.1", 0))
    viss_port = listener.getsockname()[1]
    serving: list[Any] = []

    def begin() -> None:
        import asyncio

        serving.append(asyncio.ensure_future(serve(car.store, listener, history=car.history)))

    with Feeder() as feeder:
        car.call(begin)
        other = car.install(
            {"index.html": HTML}, app="org.example.other", signals=("read:Vehicle",)
        )
        aim = {
            "cockpit": feeder.link.address,
            "viss": f"http://127.0.0.1:{viss_port}",
            "canary": f"http://127.0.0.1:{canary.tcp_port}/",
            "other": other.address,
            "udp": canary.udp_port,
        }
        files = {
            "index.html": HTML,
            "main.js": (Path(__file__).parent / "hostile.js").read_bytes(),
            "aim.json": json.dumps(aim).encode(),
            "evil.svg": SVG,
        }
        page = car.install(files)
        car.say(Speed=42.0, CurrentLocation__Latitude=48.0)
        with opened(browser, car, page) as (tab, _):
            frame = app_of(car, tab)
            script = "() => document.querySelector('#told')?.textContent"
            told = json.loads(until(car, tab, frame, script, "the attempts"))
            pages = len(tab.context.pages)
        words = [one for one in feeder.link.poll() if not isinstance(one, CockpitPainted)]
        car.call(lambda: [one.cancel() for one in serving])
    canary.close()
    assert told.pop("(control) read a signal that is granted") == "passes"
    assert len(told) == 48  # docs/guides/apps.md says so
    assert {name: one for name, one in told.items() if not one.startswith("held: ")} == {}
    assert canary.came == []
    assert car.moved == []
    assert pages == 1
    assert [type(one).__name__ for one in words] == ["CockpitReady"]


@pytest.mark.parametrize("while_moving", ["nothing", "card"])
def test_the_frame_covers_a_moving_car_s_app_however_busy_that_is(
    browser: Browser, car: PagedCar, while_moving: str
) -> None:
    busy = b"document.querySelector('#told').textContent = 'here'; setTimeout(() => { for (;;); }, 300);"
    page = car.install({"index.html": HTML, "main.js": busy}, while_moving=while_moving)
    with opened(browser, car, page) as (tab, _):
        app_of(car, tab)
        tab.wait_for_timeout(1000)  # from now on it lets nothing in its process go on
        car.move(True)
        shown = "() => [...document.querySelectorAll('iframe')].some(one => !one.hidden)"
        until(car, tab, tab, f"() => !({shown})()", "covered")
        assert tab.inner_text("#words") == "The car moves"


def test_what_is_not_heard_of_is_covered(browser: Browser, car: PagedCar) -> None:
    page = car.install({"index.html": HTML, "main.js": b""})
    with opened(browser, car, page) as (tab, _):
        app_of(car, tab)
        car.call(car.door.close)
        tab.wait_for_selector("iframe", state="detached", timeout=30_000)
        assert tab.inner_text("#words") == "No word from the car"


def test_an_app_leads_its_own_frame_nowhere(browser: Browser, car: PagedCar) -> None:
    canary = Canary()
    away = f"location.href = 'http://127.0.0.1:{canary.tcp_port}/?secret';".encode()
    page = car.install({"index.html": HTML, "main.js": away})
    with opened(browser, car, page) as (tab, errors):
        car.until(
            lambda: any("frame-src" in one for one in errors),
            "held",
            lambda: tab.wait_for_timeout(50),
        )
        tab.wait_for_timeout(500)
    canary.close()
    # Chromium may connect before it refuses; not a byte goes out.
    assert set(canary.came) <= {"tcp b''"}


# --- the dashboard ----------------------------------------------------------------------------------


def driven(car: PagedCar) -> Page:
    """A car with values, and its dashboard."""
    for speed in (0.0, 20.0, 61.0):
        time.sleep(0.05)  # stamps that differ in milliseconds
        car.say(
            Speed=speed,
            TraveledDistanceSinceStart=12_400,
            TripDuration=905.0,
            AverageSpeed=49.3,
            Powertrain__Range=312_000,
            Powertrain__TractionBattery__AccumulatedConsumedEnergy=2.9,
            Powertrain__AccumulatedBrakingEnergy=0.8,
            Powertrain__TractionBattery__CurrentPower=-9400.0,
            Powertrain__TractionBattery__StateOfCharge__Displayed=71.0,
            Cabin__HVAC__AmbientAirTemperature=21.4,
            Exterior__AirTemperature=12.0,
            Cabin__HVAC__Station__Row1__Driver__Temperature=21.0,
            Cabin__HVAC__Station__Row1__Passenger__Temperature=22.0,
            Cabin__Door__Row1__DriverSide__Window__Position=0,
        )
    if not (DASHBOARD / "page" / "index.html").is_file():
        pytest.skip("the dashboard is not built: make setup")
    return car.install_folder(DASHBOARD)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_dashboard_says_does_and_asks(
    browser: Browser, car: PagedCar, theme: str, tmp_path: Path
) -> None:
    page = driven(car)
    with opened(browser, car, page, color_scheme=theme) as (tab, errors):
        frame = app_of(car, tab)
        ready = "() => document.querySelector('volant-dashboard')?.shadowRoot?.textContent.includes('12 km')"
        until(car, tab, frame, ready, "values")
        text = frame.inner_text(".grid")
        for words in ("15:05 min", "16.9 kWh/100 km", "71 %", "312 km", "Uses 9.4 kW", "21.4 °C"):
            assert words in text, words
        summary = "Speed of the last 10 minutes: 0.0 km/h to 61.0 km/h, now 61.0 km/h"
        frame.wait_for_selector(f"svg[aria-label='{summary}']")
        told = "() => document.querySelector('volant-dashboard').shadowRoot.querySelector('[data-test=told-%s]').textContent"
        frame.click("button[aria-label='Half open front left window']")
        until(
            car, tab, frame, told % "windows" + " === 'Half open front left window: done.'", "done"
        )
        frame.click("button[aria-label='Open flap of the charging port']")
        refused = (
            "'Open flap of the charging port: refused. The charging flap opens when parked only.'"
        )
        until(car, tab, frame, told % "charge" + " === " + refused, "refused")
        assert car.moved == [("app:org.volant.dashboard", WINDOW, 50)]
        assert audit(frame) == []
        assert audit(tab.main_frame) == []
        car.until(lambda: page.card, "the card", lambda: tab.wait_for_timeout(50))
        assert page.card == ("Trip 12 km", "16.9 kWh/100 km, 15:05 min", "71 % charge, 312 km")
        car.move(True)
        tab.wait_for_selector("#card:visible")
        assert tab.inner_text("#card-title") == "Trip 12 km"
        assert audit(tab.main_frame) == []
        car.say(TraveledDistanceSinceStart=15_000)
        car.until(
            lambda: page.card[0] == "Trip 15 km",
            "the card goes on",
            lambda: tab.wait_for_timeout(50),
        )
        assert errors == []


def test_the_dashboard_fits_a_phone_and_has_no_rights_that_it_does_not_use(
    browser: Browser, car: PagedCar
) -> None:
    page = driven(car)
    with opened(browser, car, page, viewport={"width": 360, "height": 640}) as (tab, _):
        frame = app_of(car, tab)
        until(car, tab, frame, "() => document.querySelector('volant-dashboard')?.up", "link")
        wide = "() => document.documentElement.scrollWidth > innerWidth"
        assert not frame.evaluate(wide)
        heard = frame.evaluate(
            "() => [...document.querySelector('volant-dashboard').values.keys()]"
        )
    rights = page.word.scope.split()
    assert FLAP in {one.partition(":")[2] for one in rights}
    assert "Speed" in heard
