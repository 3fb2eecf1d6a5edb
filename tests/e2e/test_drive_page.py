"""The driver's page in a browser: keys, glass and gamepad drive, and whoever leaves it is gone."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from tests.caros.motorway import Drive
from tests.e2e.feeder import Feeder
from tests.e2e.seat import AXE, Seat
from volant.caros.cockpit import CockpitHands, CockpitPress, CockpitSeat
from volant.caros.cockpit.messages import CockpitCodes, CockpitStop
from volant.caros.codes import fresh_memories, present_codes
from volant.core.messages import AppCard, Function, Indicator, RequestKind
from volant.vehicle.ecus import circumstances

pytestmark = pytest.mark.e2e

PAD = """() => {
    window.pad = { connected: true, mapping: "standard", id: "Test pad", axes: [0, 0, 0, 0],
        buttons: Array.from({ length: 17 }, () => ({ pressed: false, value: 0 })) };
    navigator.getGamepads = () => [window.pad];
}"""


def at_rest(hands: CockpitHands) -> bool:
    return hands.accelerator == 0.0 and hands.brake == 0.0 and hands.wheel == 0.0


def test_keys_drive_only_from_the_seat(open_seat):
    seat = open_seat()
    seat.page.keyboard.press("x")
    seat.page.wait_for_timeout(200)
    assert not [w for w in seat.feeder.link.poll() if isinstance(w, CockpitPress | CockpitHands)]
    seat.take()
    for key, wanted in (
        ("ArrowUp", lambda h: h.accelerator > 0.3),
        ("ArrowDown", lambda h: h.brake > 0.3 and h.accelerator == 0.0),
        ("Space", lambda h: h.brake == 1.0),
        ("ArrowLeft", lambda h: h.wheel > 0.5),
        ("ArrowRight", lambda h: h.wheel < -0.5),
    ):
        seat.page.evaluate("() => document.activeElement.blur()")
        seat.page.keyboard.down(key)
        seat.hands(wanted)
        seat.page.keyboard.up(key)
        seat.hands(at_rest)
    assert seat.errors == []


def test_each_button_has_a_key_and_asks_for_its_thing(open_seat):
    seat = open_seat()
    seat.take()
    keyboard = seat.page.keyboard
    keyboard.press("p")
    seat.press(RequestKind.ENGAGE)
    keyboard.press("x")
    seat.press(RequestKind.CANCEL)
    keyboard.press("Escape")
    seat.press(RequestKind.CANCEL)
    keyboard.press("+")
    assert seat.press(RequestKind.SET_SPEED).value == pytest.approx(125 / 3.6)
    keyboard.press("-")
    assert seat.press(RequestKind.SET_SPEED).value == pytest.approx(120 / 3.6)
    keyboard.press("l")
    assert seat.press(RequestKind.SET_SPEED).value is None
    keyboard.press("g")
    assert seat.press(RequestKind.SET_TIME_GAP).value == pytest.approx(1.8)
    keyboard.press("q")
    assert seat.press(RequestKind.INDICATE).indicator is Indicator.LEFT
    keyboard.press("q")
    assert seat.press(RequestKind.INDICATE).indicator is Indicator.OFF
    keyboard.press("n")
    seat.hands(lambda hands: not hands.hands_on)
    keyboard.press("m")
    seat.hands(lambda hands: not hands.eyes_on)
    seat.page.click("[data-function=lcc]")
    switched = seat.press(RequestKind.SWITCH)
    assert (switched.function, switched.value) == (Function.LCC, 0.0)


def test_the_glass_is_held_like_a_pedal(open_seat):
    seat = open_seat(viewport={"width": 390, "height": 844})
    seat.take()
    pad = seat.page.locator("[data-hold=brake]")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    seat.page.mouse.move(box["x"] + 20, box["y"] + 20)
    seat.page.mouse.down()
    seat.hands(lambda hands: hands.brake > 0.3)
    seat.page.mouse.up()
    seat.hands(at_rest)


def test_a_gamepad_drives(open_seat):
    seat = open_seat()
    seat.page.evaluate(PAD)
    seat.take()
    seat.page.evaluate("() => { pad.axes[0] = -1; pad.buttons[6].value = 0.5; }")
    seat.hands(lambda hands: hands.wheel == 1.0 and hands.brake == 0.5)
    seat.page.evaluate("() => { pad.axes[0] = 0; pad.buttons[6].value = 0; }")
    seat.hands(at_rest)
    seat.page.evaluate("() => { pad.buttons[1].pressed = true; }")
    seat.press(RequestKind.CANCEL)


def test_a_window_that_loses_the_focus_lets_go_of_everything(open_seat):
    seat = open_seat()
    seat.take()
    seat.page.keyboard.down("ArrowUp")
    seat.hands(lambda hands: hands.accelerator > 0.3)
    seat.page.evaluate("() => dispatchEvent(new Event('blur'))")
    seat.hands(at_rest)


def test_a_page_that_is_hidden_leaves_the_seat(open_seat):
    seat = open_seat()
    seat.take()
    seat.page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { value: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    seat.hear(lambda word: word == CockpitSeat(taken=False))
    assert seat.page.locator("#seat").get_attribute("aria-pressed") == "false"


def test_another_screen_that_takes_the_wheel_is_told_to_the_first(open_seat):
    first = open_seat()
    first.take()
    second = open_seat()
    second.take()
    first.page.wait_for_function(
        "() => document.querySelector('#seat-words').textContent.startsWith('Another screen')"
    )
    assert first.page.locator("[data-press=engage]").is_disabled()
    assert second.page.locator("[data-press=engage]").is_enabled()


def told(feeder: Feeder, count: int, **more: Any) -> None:
    """From now on the car tells of so many trouble codes."""
    memories = fresh_memories()
    memory = memories["pilot"]
    values = {"speed_mps": 25.0, "charge_pct": 71.0, "odometer_m": 4_200.0}
    frozen = circumstances(lambda name: values.get(name, math.nan))
    for spec in memory.specs[:count]:
        memory.report(spec.code, True, 42_000_000_000, frozen)
        memory.report(spec.code, spec is memory.specs[0], 43_000_000_000)
    found = present_codes(memories)
    content = {"number": count, "may_clear": False, "refused": "", **more}
    codes = CockpitCodes(count=len(found), codes=found[:32], **content)
    make = Drive().frame
    feeder.make = lambda t_s: msgspec.structs.replace(make(t_s), codes=codes)


def wait_count(seat: Seat, words: str) -> None:
    seat.page.wait_for_function(
        "(words) => document.querySelector('#codes-count').textContent === words", arg=words
    )


def text_of(seat: Seat, part: str) -> str:
    """All words of a part, open or not."""
    found: str = seat.page.evaluate(
        "(name) => document.querySelector(name).shadowRoot.textContent.replace(/\\s+/g, ' ')", part
    )
    return found


def test_trouble_codes_are_counted_listed_and_opened_by_keys(open_seat):
    seat = open_seat()
    assert seat.page.locator("#codes-count").is_hidden()
    assert "Not looked for" in text_of(seat, "volant-codes")
    told(seat.feeder, 0)
    wait_count(seat, "No trouble codes")
    assert "None. All is well." in text_of(seat, "volant-codes")
    told(seat.feeder, 2)
    wait_count(seat, "2 trouble codes")
    seat.page.focus("#codes-count")
    seat.page.keyboard.press("Enter")
    seat.page.keyboard.press("Tab")
    seat.page.keyboard.press("Enter")
    opened = seat.page.locator("[data-test=code]").first.inner_text()
    for words in ("U3003-16", "Active now", "Pilot: supply voltage is too low"):
        assert words in opened
    for words in ("First in this drive at 0:42", "90 km/h", "71 %", "4.2 km"):
        assert words in opened
    assert "Stored" in seat.page.locator("[data-test=code]").nth(1).inner_text()
    told(seat.feeder, 40)
    wait_count(seat, "40 trouble codes")
    assert "And 8 more." in text_of(seat, "volant-codes")
    assert seat.errors == []


def wait_why(seat: Seat, words: str) -> None:
    """Until the panel says why codes cannot be cleared, or nothing any more."""
    seat.page.wait_for_function(
        """(words) => document.querySelector("volant-codes").shadowRoot
            .querySelector("[data-test=why-not]").textContent === words""",
        arg=words,
    )


def test_codes_are_cleared_only_from_the_seat_of_a_parked_car(open_seat):
    seat = open_seat()
    told(seat.feeder, 1)
    wait_count(seat, "1 trouble code")
    clear = seat.page.locator("[data-test=clear]")
    seat.take()
    wait_why(seat, "Cleared only when the car stands in park.")
    assert clear.is_disabled()
    told(seat.feeder, 1, refused="Only in park", number=2)
    wait_why(seat, "Not cleared: Only in park")
    told(seat.feeder, 1, may_clear=True, number=3)
    wait_why(seat, "")
    clear.click()
    seat.press(RequestKind.CLEAR_CODES)
    told(seat.feeder, 0)
    wait_count(seat, "No trouble codes")


@pytest.mark.parametrize("stands", [False, True])
def test_a_stop_of_the_guard_stands_where_the_pilots_word_stands(open_seat, stands):
    seat = open_seat()
    stop = CockpitStop(
        stands=stands, words="Car stands" if stands else "Car stops", reason="The pilot fell silent"
    )
    make = Drive().frame
    seat.feeder.make = lambda t_s: msgspec.structs.replace(make(t_s), stop=stop)
    seat.page.wait_for_function(
        """(words) => document.querySelector("volant-pilot").shadowRoot
            .querySelector("[data-test=pilot]").textContent === words""",
        arg=stop.words,
    )
    shown = text_of(seat, "volant-pilot")
    assert "The pilot fell silent" in shown
    assert "set" not in shown
    assert seat.page.locator(".tile.soon" if stands else ".tile.now").count() == 1


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("count", [0, 3])
def test_no_accessibility_violation(open_seat, theme, count):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make check")
    seat = open_seat(theme)
    told(seat.feeder, count, may_clear=True)
    wait_count(seat, f"{count} trouble codes" if count else "No trouble codes")
    seat.take()
    seat.page.evaluate(
        """() => document.querySelector("volant-codes").shadowRoot
            .querySelectorAll("details").forEach((one) => { one.open = true; })"""
    )
    seat.page.evaluate(AXE.read_text(encoding="utf-8"))
    report = seat.page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    assert [(v["id"], v["nodes"][0]["html"]) for v in report["violations"]] == []
    assert seat.errors == []


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (800, 480), (390, 844)])
def test_nothing_spills_and_every_button_is_big_enough(open_seat, size):
    seat = open_seat(viewport={"width": size[0], "height": size[1]})
    told(seat.feeder, 3)
    wait_count(seat, "3 trouble codes")
    seat.take()
    assert seat.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    boxes = [button.bounding_box() for button in seat.page.locator(".desk button").all()]
    for box in boxes:
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            assert one is not None
            assert other is not None
            apart = (
                one["x"] + one["width"] <= other["x"] + 0.5
                or other["x"] + other["width"] <= one["x"] + 0.5
                or one["y"] + one["height"] <= other["y"] + 0.5
                or other["y"] + other["height"] <= one["y"] + 0.5
            )
            assert apart


def card(**more: Any) -> AppCard:
    content = {
        "app": "org.example.trip",
        "name": "Trip",
        "title": "Trip 12 km",
        "lines": ("a", "b"),
    }
    address = "http://127.0.0.1:4711/k-_3/"
    return AppCard(**{**content, "address": address, **more})


def with_cards(feeder: Feeder, *cards: AppCard) -> None:
    make = Drive().frame
    feeder.make = lambda t_s: msgspec.structs.replace(make(t_s), apps=cards)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1280, 360])
def test_apps_show_cards_and_lead_to_their_pages(open_seat, theme, width):
    seat = open_seat(theme, viewport={"width": width, "height": 720})
    page = seat.page
    assert page.locator("volant-apps li").count() == 0
    with_cards(seat.feeder, card(), card(app="org.example.two", name="Two", title="", lines=()))
    page.wait_for_selector("volant-apps li >> nth=1")
    text = page.locator("volant-apps li").first.inner_text()
    assert [line for line in text.split("\n") if line] == ["Trip", "Trip 12 km", "a", "b", "Open"]
    link = page.locator("volant-apps a").first
    assert link.get_attribute("href") == "http://127.0.0.1:4711/k-_3/"
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert link.get_attribute("target") == "_blank"
    if AXE.is_file():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        report = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
        assert [(v["id"], v["nodes"][0]["html"]) for v in report["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with_cards(seat.feeder, card(address=""))
    page.wait_for_selector("volant-apps a", state="detached")
    assert page.locator("volant-apps li").count() == 1
    with_cards(seat.feeder)
    page.wait_for_selector("volant-apps li", state="detached")
    assert seat.errors == []


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "http://evil.example/",
        "http://127.0.0.1:4711@evil.example/k/",
        "//x/y/",
    ],
)
def test_a_card_leads_nowhere_but_to_a_page_of_this_machine(open_seat, address):
    seat = open_seat()
    words = "<img src=x onerror=alert(1)>"
    with_cards(seat.feeder, card(address=address, title=words))
    seat.page.wait_for_selector("volant-apps li")
    assert seat.page.locator("volant-apps a").count() == 0
    assert words in seat.page.locator("volant-apps li").inner_text()
