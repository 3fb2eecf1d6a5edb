"""Updates on the driver's page: offered, agreed to from the seat of a parked car, watched, and told of afterwards."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.e2e.seat import AXE, Seat
from tests.e2e.updates import OFFER, STATES, TITLE, publish
from volant.caros.cockpit import CockpitWish
from volant.core.updates import UpdateState, UpdateWish

pytestmark = pytest.mark.e2e


def show(seat: Seat, said: UpdateState | None, *, parked: bool = True) -> None:
    """The car says it, and the page has understood."""
    publish(seat.feeder, said, parked=parked)
    wanted = [said is not None, said and said.phase.value, said and said.refused, parked]
    seat.page.wait_for_function(
        """([some, phase, refused, parked]) => {
            const panel = document.querySelector("volant-update");
            if (!some) return panel.hidden;
            const state = panel.told?.state;
            return state?.phase === phase && state.refused === refused && panel.parked === parked;
        }""",
        arg=wanted,
    )


def panel(seat: Seat) -> str:
    found: str = seat.page.locator("volant-update section").inner_text()
    return found


def wished(seat: Seat) -> UpdateWish:
    word: CockpitWish = seat.hear(lambda one: isinstance(one, CockpitWish))
    return word.wish


def press(seat: Seat, wish: str) -> None:
    seat.page.locator(f"volant-update [data-wish={wish}]").click()


def test_a_car_that_takes_no_updates_says_nothing_of_them(open_seat):
    seat = open_seat()
    show(seat, None)
    assert seat.page.locator("volant-update").is_hidden()
    assert seat.page.locator("#update-badge").is_hidden()


def test_an_offer_says_all_that_a_person_must_know_and_is_agreed_to(open_seat):
    seat = open_seat()
    show(seat, STATES["offered"])
    assert seat.page.locator("#update-badge").inner_text() == "Update ready"
    seat.page.click("#update-badge")
    text = panel(seat)
    for words in (TITLE, *OFFER["changes"], *OFFER["unusable"], "Takes about 7 min", "3 units"):
        assert words in text
    now = seat.page.locator("volant-update [data-wish=now]")
    assert now.is_disabled()
    assert "Take the wheel to decide." in text
    seat.take()
    for wish in (UpdateWish.NOW, UpdateWish.TONIGHT, UpdateWish.LATER):
        show(seat, STATES["idle"])
        show(seat, STATES["offered"])
        press(seat, wish.value)
        word = seat.hear(lambda one: isinstance(one, CockpitWish))
        assert (word.wish, word.offer) == (wish, OFFER["offer"])
    show(seat, STATES["refused"])
    seat.page.wait_for_function(
        """() => document.querySelector("volant-update").shadowRoot
            .querySelector("[data-test=why-not]").textContent.startsWith("Not taken: the charge")"""
    )
    assert seat.errors == []


def test_while_the_car_drives_nothing_is_asked_and_the_road_stays_free(open_seat):
    seat = open_seat()
    seat.take()
    for said in STATES.values():
        show(seat, said, parked=False)
        assert seat.page.locator("volant-update button").count() == 0
        assert "More when the car stands in park." in panel(seat)
        assert seat.page.locator("dialog").count() == 0
        road = seat.page.locator(".road").bounding_box()
        box = seat.page.locator("volant-update").bounding_box()
        assert road is not None
        assert box is not None
        assert box["x"] >= road["x"] + road["width"]


def test_a_note_about_an_update_moves_no_button_under_the_hand(open_seat):
    seat = open_seat()
    show(seat, STATES["installed"], parked=False)
    before = seat.page.locator("[data-hold=brake]").bounding_box()
    show(seat, STATES["offered"], parked=False)
    assert seat.page.locator("[data-hold=brake]").bounding_box() == before


def test_a_car_that_may_not_be_driven_says_so_where_it_says_who_drives(open_seat):
    seat = open_seat()
    show(seat, STATES["installing"])
    tile = seat.page.wait_for_selector(".tile.soon")
    assert tile is not None
    assert tile.inner_text().split("\n") == ["Cannot be driven", "An update is being installed"]
    text = panel(seat)
    for words in ("The car cannot be driven now.", "43 %, 3 min left", "Brakes and stability"):
        assert words in text
    assert seat.page.locator("volant-update li[data-test=unit] progress").count() == 3
    assert seat.page.locator("#update-badge").inner_text() == "Update 43 %"
    show(seat, STATES["offered"])
    seat.page.wait_for_selector(".tile.soon", state="detached")


def test_the_way_back_is_asked_about_before_it_is_gone(open_seat):
    seat = open_seat()
    seat.take()
    show(seat, STATES["trial"])
    press(seat, "rollback")
    seat.page.locator("volant-update [data-test=keep]").click()
    press(seat, "rollback")
    assert "cannot be driven meanwhile" in panel(seat)
    seat.page.wait_for_timeout(200)
    assert not [word for word in seat.feeder.link.poll() if isinstance(word, CockpitWish)]
    press(seat, "rollback")
    assert wished(seat) is UpdateWish.ROLLBACK


def test_what_became_of_it_is_told_with_the_reason(open_seat):
    seat = open_seat()
    show(seat, STATES["rolled_back"])
    assert seat.page.locator("#update-badge").inner_text() == "Update undone"
    seat.page.locator("volant-update [data-test=last] summary").click()
    text = panel(seat)
    for words in ("Rolled back, the old programs run", TITLE, "C0035-62", "Brakes and stability"):
        assert words in text


def test_updates_that_fell_silent_take_no_press_and_the_car_stays_locked(open_seat):
    seat = open_seat()
    seat.take()
    said = msgspec.structs.replace(STATES["trial"], locked=True)
    show(seat, said)
    make = seat.feeder.make

    def silent(t_s: float) -> Any:
        frame = make(t_s)
        assert frame.update is not None
        update = msgspec.structs.replace(frame.update, silent=True)
        return msgspec.structs.replace(frame, update=update)

    seat.feeder.make = silent
    seat.page.wait_for_function(
        "() => document.querySelector('volant-update').shadowRoot.textContent.includes('silent')"
    )
    assert seat.page.locator("volant-update [data-wish=rollback]").is_disabled()
    assert seat.page.locator(".tile.soon").count() == 1


def test_keys_that_press_a_button_of_the_panel_do_not_brake(open_seat):
    seat = open_seat()
    seat.take()
    show(seat, STATES["offered"])
    seat.page.locator("volant-update [data-wish=later]").focus()
    seat.page.keyboard.press("Space")
    assert wished(seat) is UpdateWish.LATER
    seat.page.keyboard.press("Space")
    assert not seat.page.locator("[data-hold=brake].held").count()
    show(seat, STATES["checking"])
    assert seat.page.evaluate("document.activeElement.id") == "update"


@pytest.mark.parametrize(("theme", "width"), [("dark", 1280), ("light", 390)])
def test_each_state_is_whole_and_open_to_all(open_seat, theme, width):
    seat = open_seat(theme, viewport={"width": width, "height": 844})
    seat.take()
    long = msgspec.structs.replace(
        STATES["offered"],
        title="<img src=x onerror=alert(1)>" + "Donaudampfschiff" * 12,
        changes=("x" * 300,) * 3,
    )
    if AXE.is_file():
        seat.page.evaluate(AXE.read_text(encoding="utf-8"))
    for said in (*STATES.values(), long):
        show(seat, said)
        seat.page.evaluate(
            """() => document.querySelector("volant-update").shadowRoot
                .querySelectorAll("details").forEach((one) => { one.open = true; })"""
        )
        assert seat.page.evaluate("document.documentElement.scrollWidth") <= width
        for button in seat.page.locator("volant-update button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert box["x"] + box["width"] <= width
        if AXE.is_file():
            report = seat.page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
            assert [(v["id"], v["nodes"][0]["html"]) for v in report["violations"]] == []
    assert long.title in panel(seat)
    assert seat.errors == []
