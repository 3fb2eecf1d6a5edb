"""The fleet's console in a browser, against the real door for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.e2e.fleet_door import CARS, STATIC, Door, car_id, plan_of
from volant.cloud.campaigns import CarState, Phase, Plan
from volant.cloud.people import Role
from volant.trust.attacks.world import VEHICLE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = ("campaigns", "campaign/spring", "campaign/maps", "campaign/brakes", "new", "change/maps",
         "cars", f"car/{car_id(34)}", f"car/{VEHICLE}", "releases", "people", "audit")  # fmt: skip
Open = Callable[..., "Console"]


class Console:
    """The console in a tab of its own, and what the browser complained of."""

    def __init__(self, browser: Browser, door: Door, name: str, **context: Any) -> None:
        self.door = door
        words = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark", **context}
        self.context = browser.new_context(**words)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._said)
        self.page.goto(door.address)
        if name:
            self.sign_in(door.tokens[name])
            self.page.wait_for_selector("[data-test=who]")

    def _said(self, message: Any) -> None:
        # The browser itself notes answers that say no; what the page makes of them is tested.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def sign_in(self, token: str) -> None:
        self.page.fill("input[name=token]", token)
        self.page.keyboard.press("Enter")

    def go(self, hash_: str) -> None:
        """To a page, until it shows what the server said."""
        self.page.evaluate("hash => { location.hash = hash; }", f"#/{hash_}")
        self.page.wait_for_function(
            """hash => location.hash === hash && document.querySelector("volant-fleet").shadowRoot
                .querySelector("main > *")?.shadowRoot?.querySelector("h1")""",
            arg=f"#/{hash_}",
        )
        self.page.wait_for_function(
            """() => !document.querySelector("volant-fleet").shadowRoot.querySelector("main > *")
                .shadowRoot.textContent.includes("Waiting for the server")"""
        )

    def tab_to(self, selector: str) -> None:
        """By the tab key alone."""
        for _ in range(200):
            if self.page.locator(f"{selector}:focus").count():
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"no way to {selector} by keys")

    def audit(self, *rules: str) -> list[Any]:
        """Rules of axe that are broken, of these or of all."""
        if not AXE.is_file():
            pytest.skip("axe-core is not installed: make check")
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[Any] = self.page.evaluate(
            """async rules => (await axe.run(rules.length ? {runOnly: rules} : {}))
                .violations.map(v => [v.id, v.nodes.map(n => n.html)])""",
            list(rules),
        )
        return found


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    if not (STATIC / "index.html").is_file():
        pytest.skip("the console is not built: make setup")
    with Door(tmp_path) as started:
        yield started


@pytest.fixture
def open_console(browser: Browser, door: Door) -> Iterator[Open]:
    opened: list[Console] = []

    def opening(name: str = "root", **context: Any) -> Console:
        opened.append(Console(browser, door, name, **context))
        return opened[-1]

    yield opening
    for one in opened:
        one.context.close()


def until(console: Console, found: Callable[[], Any], what: str) -> Any:
    end_s = time.monotonic() + 20.0
    while time.monotonic() < end_s:
        if answer := found():
            return answer
        console.page.wait_for_timeout(50)
    return pytest.fail(f"not in 20 s: {what}")


def test_a_token_lets_in_and_stays_in_its_tab(open_console, door):
    console = open_console("")
    page = console.page
    console.sign_in("nobody's")
    page.wait_for_selector("[data-test=out]:has-text('nobody has this token')")
    console.sign_in(door.tokens["eve"])
    assert page.wait_for_selector("[data-test=who]").inner_text() == "eve, viewer"
    assert page.locator("[data-test=make]").count() == 0
    page.reload()
    page.wait_for_selector("[data-test=who]")
    assert page.evaluate("() => [localStorage.length, document.cookie]") == [0, ""]
    page.click("text=Sign out")
    page.wait_for_selector("input[name=token]")
    assert page.evaluate("() => sessionStorage.length") == 0
    assert console.errors == []


def test_a_token_that_is_taken_back_ends_the_session_with_words(open_console, door):
    console = open_console("ann")
    console.go("campaign/spring")
    door.desk.uninvite(door.desk.local("keeper"), "ann")
    words = console.page.wait_for_selector("[data-test=out]:has-text('signed out')").inner_text()
    assert "the token of ann was taken back" in words


def test_waves_go_on_as_one_looks(open_console, door):
    console = open_console()
    console.go("campaign/spring")
    page = console.page
    bar = "fleet-wave:nth-of-type(2) svg"
    before = (
        "Wave quarter: 9 well, 6 watched, 4 at it, 3 told, 6 waiting, 1 refused, 1 silent, 2 failed"
    )
    assert page.get_attribute(bar, "aria-label") == before
    with door.fleet.store.work() as work:
        found = work.campaign("spring")
        tally = found.tallies[1].moved(CarState.BUSY, CarState.FAILED)
        tallies = (found.tallies[0], tally, found.tallies[2])
        work.put_campaign(replace(found, tallies=tallies, phase=Phase.HALTED, reason="too many"))
    page.wait_for_selector("[data-test=phase]:has-text('Stopped itself')")
    assert page.inner_text("[data-test=reason]") == "too many"
    assert "3 at it" in page.get_attribute(bar, "aria-label")
    assert "3 failed" in page.get_attribute(bar, "aria-label")


@pytest.mark.parametrize("name", ["ann", "bob"])
def test_verbs_are_exactly_what_the_server_says(open_console, door, name):
    console = open_console(name)
    for campaign in ("spring", "maps", "brakes", "winter"):
        console.go(f"campaign/{campaign}")
        person = door.desk.who(door.tokens[name])
        wanted = {one.verb: one.why_not for one in door.desk.campaign(person, campaign).verbs}
        shown = console.page.evaluate(
            """() => Object.fromEntries([...document.querySelector("volant-fleet").shadowRoot
                .querySelector("fleet-campaign").shadowRoot.querySelectorAll("[data-verb]")].map(one => [
                    one.dataset.verb,
                    one.getAttribute("aria-disabled") ? one.nextElementSibling.textContent : ""]))"""
        )
        assert shown == wanted
    # One that is not possible is reached by keys, and pressing it does nothing.
    console.page.focus("[data-verb=start]")
    console.page.keyboard.press("Enter")
    assert console.page.locator("[data-test=failed]:not(:empty)").count() == 0


def test_what_is_approved_is_what_was_shown(open_console, door):
    console = open_console("bob")
    console.go("campaign/maps")
    page = console.page
    page.click("[data-verb=approve]")
    shown = page.inner_text("[data-test=approve-digest]")
    assert shown == door.campaign("maps").plan.digest
    text = page.inner_text("dialog[open]")
    for words in ("Maps of the summer", "stops at 2 errors", "at most 3 cars"):
        assert words in text
    # Somebody puts another plan in place while the person reads.
    other = plan_of(
        campaign_id="maps", title="Maps of the summer", release="os-2.0", concurrency=90
    )
    ann = door.desk.who(door.tokens["ann"])
    door.desk.change(ann, "maps", other)
    page.wait_for_selector("[data-test=phase]:has-text('Draft')")
    assert page.inner_text("[data-test=approve-digest]") == shown
    page.click("[data-test=approve]")
    assert "meanwhile" in page.wait_for_selector("[data-test=failed]:not(:empty)").inner_text()
    assert door.campaign("maps").phase is Phase.DRAFT


def test_a_second_person_approves_by_keys_alone(open_console, door):
    console = open_console("bob")
    console.go("campaign/maps")
    console.tab_to("[data-verb=approve]")
    console.page.keyboard.press("Enter")
    console.page.wait_for_selector("dialog[open]")
    console.page.keyboard.press("Escape")
    assert door.campaign("maps").phase is Phase.SUBMITTED
    console.page.keyboard.press("Enter")
    console.page.wait_for_selector("dialog[open]")
    console.tab_to("[data-test=approve]")
    console.page.keyboard.press("Enter")
    console.page.wait_for_selector("[data-test=phase]:has-text('Approved')")
    found = door.campaign("maps")
    assert (found.approved, found.approved_by) == (found.plan.digest, "bob")


def test_stopping_asks_once_and_notes_why(open_console, door):
    console = open_console("ann")
    console.go("campaign/spring")
    page = console.page
    page.click("[data-verb=stop]")
    assert "13 cars under way are called back" in page.inner_text("dialog[open]")
    page.keyboard.press("Escape")
    assert door.campaign("spring").phase is Phase.RUNNING
    page.click("[data-verb=stop]")
    page.keyboard.type("bad brakes")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-test=phase]:has-text('Stopped')")
    assert door.campaign("spring").reason == "bad brakes"


def test_failures_lead_to_their_cars_and_cars_to_their_history(open_console):
    console = open_console("eve")
    console.go("campaign/spring")
    page = console.page
    assert page.locator("[data-test=failure]").count() == 3
    assert "412 MB wanted" in page.locator("[data-test=failure]").first.inner_text()
    page.click("[data-test=failure] >> nth=0 >> text=failed")
    until(console, lambda: page.locator("[data-test=task]").count() == 2, "the two that failed")
    page.click(f"[data-test=task] >> text={car_id(34)}")
    page.wait_for_selector("h1:has-text('VLNT')")
    assert page.evaluate("() => document.title").startswith(car_id(34))
    row = page.wait_for_selector("[data-test=task]").inner_text()
    assert "spring" in row
    assert "not enough room" in row
    assert page.locator("[data-test=again]").count() == 0
    console.go(f"car/{VEHICLE}")
    assert "brake-1.1" in page.inner_text("[data-test=change]")
    page.wait_for_selector("text=2 manifests not believed: an old one")


def test_one_car_is_let_try_again(open_console, door):
    console = open_console("ann")
    console.go(f"car/{car_id(35)}")
    console.page.click("[data-test=again]")
    console.page.wait_for_selector("[data-test=task]:has-text('tries again')")
    assert door.campaign("spring").tallies[1].count(CarState.FAILED) == 1


def test_a_campaign_is_written_by_keys_shown_how_it_fits_and_saved(open_console, door):
    console = open_console("ann")
    console.go("campaigns")
    page = console.page
    console.tab_to("[data-test=make]")
    page.keyboard.press("Enter")
    for field, text in (("title", "Summer"), ("campaign_id", "summer"), ("release", "os-2.1"),
                        ("cars", "group == test")):  # fmt: skip
        console.tab_to(f"[name={field}]")
        page.keyboard.type(text)
    page.keyboard.press("Tab")
    fit = page.wait_for_selector("[data-test=fit]:has-text('can have it')").inner_text()
    assert fit.startswith("18 can have it 100 %")
    assert "about 5 cars" in page.locator("[data-test=wave]").first.inner_text()
    page.fill("[name='waves.0.errors_stop']", "")
    console.tab_to("[data-test=save]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-test=wrong]:has-text('1 field to mend first.')")
    assert page.evaluate(
        "() => { let one = document.activeElement; while (one.shadowRoot) one = one.shadowRoot.activeElement; return one.name; }"
    ) == ("waves.0.errors_stop")
    page.keyboard.type("1")
    console.tab_to("[data-test=save]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-test=phase]:has-text('Draft')")
    plan: Plan = door.campaign("summer").plan
    assert (plan.title, plan.cars, plan.release) == ("Summer", "group == test", "os-2.1")
    assert [wave.name for wave in plan.waves] == ["canaries", "tenth", "all"]
    page.click("[data-verb=change]")
    page.wait_for_selector("[name=title]")
    until(console, lambda: page.input_value("[name=title]") == "Summer", "the plan in the form")
    page.fill("[name=title]", "Late summer")
    page.click("[data-test=save]")
    page.wait_for_selector("h1:has-text('Late summer')")
    assert door.campaign("summer").revision == 1
    assert console.errors == []


def test_cars_come_by_filter_and_page_by_page(open_console):
    console = open_console("eve")
    console.go("cars")
    page = console.page
    page.wait_for_selector(f"text={CARS + 1} cars in the whole fleet")
    assert page.locator("[data-test=car]").count() == 50
    page.click("[data-test=next]")
    page.wait_for_selector(f"[data-test=car] >> text={car_id(50)}")
    page.go_back()
    page.wait_for_selector(f"[data-test=car] >> text={car_id(0)}")
    page.fill("[name=filter]", "group == staff and version < 2.0")
    page.keyboard.press("Enter")
    until(console, lambda: page.locator("[data-test=car]").count() == 2, "cars of the staff")
    page.fill("[name=filter]", "group = staff")
    page.keyboard.press("Enter")
    why = page.wait_for_selector("[data-test=filter-why]:not(:empty)").inner_text()
    assert "character 7" in why


def test_a_token_is_told_once_and_taken_back(open_console, door):
    console = open_console("root")
    console.go("people")
    page = console.page
    page.fill("[name=name]", "kim")
    page.select_option("[name=role]", "approver")
    page.fill("[name=days]", "7")
    page.click("text=Make a token")
    token = page.wait_for_selector("[data-test=token] .digest").inner_text()
    person = door.desk.who(token)
    assert (person.name, person.role) == ("kim", Role.APPROVER)
    assert person.expires_s - person.made_s == pytest.approx(7 * 86_400.0, abs=60.0)
    page.click("button[aria-label='Take back the token of kim']")
    page.click("[data-test=revoke]")
    page.wait_for_selector("[data-test=person]:has-text('taken back')")
    console.go("audit")
    page.click("[data-test=check]")
    whole = page.wait_for_selector("[data-test=whole]:not(:empty)").inner_text()
    lines = door.desk.check_audit(door.desk.who(door.tokens["root"])).lines
    assert whole.startswith(f"Whole: {lines} lines")
    assert "uninvite" in page.locator("[data-test=line]").first.inner_text()


def test_a_server_that_is_gone_is_told_and_what_was_shown_stays(open_console):
    console = open_console("eve")
    console.go("campaign/spring")
    console.context.set_offline(True)
    words = console.page.wait_for_selector("[data-test=stale]:not(:empty)").inner_text()
    assert "the server does not answer" in words
    assert console.page.locator("fleet-wave").count() == 3
    console.context.set_offline(False)
    console.page.wait_for_selector("[data-test=stale]:empty", state="attached")


# What the theme or the width may change; all else is the same, and is looked at once.
LOOKS = ("color-contrast", "scrollable-region-focusable", "target-size")


@pytest.mark.parametrize(
    ("theme", "width", "rules"), [("dark", 1280, ()), ("light", 1280, LOOKS), ("light", 390, LOOKS)]
)
def test_every_page_is_whole_and_open_to_all(open_console, door, theme, width, rules):
    hostile = "<img src=x onerror=alert(1)>" + "Donaudampfschiff" * 10
    plan = plan_of(campaign_id="hostile", title=hostile, release="os-2.0", cars=f'x == "{hostile}"')
    door.desk.draft(door.desk.who(door.tokens["ann"]), plan)
    viewport = {"width": width, "height": 844}
    signed_out = open_console("", color_scheme=theme, viewport=viewport)
    assert signed_out.audit(*rules) == []
    console = open_console("root", color_scheme=theme, viewport=viewport)
    for page in (*PAGES, "campaign/hostile"):
        console.go(page)
        assert (page, console.audit(*rules)) == (page, [])
        wide = "() => document.documentElement.scrollWidth > innerWidth"
        assert (page, console.page.evaluate(wide)) == (page, False)
    console.go("campaign/hostile")
    console.page.click("[data-verb=stop]")
    assert console.audit(*rules) == []
    assert console.errors == []


def test_who_may_not_write_campaigns_is_told_at_once_and_no_campaign_leads_back(open_console, door):
    console = open_console("eve")
    console.go("new")
    assert "eve is viewer" in console.page.wait_for_selector("[data-test=may-not]").inner_text()
    assert console.page.locator("form").count() == 0
    console.go("campaign/nothing")
    console.page.click("text=To all campaigns")
    console.page.wait_for_function("() => location.hash === '#/campaigns'")


def test_pause_and_stop_stand_first_and_a_wide_table_shows_that_it_goes_on(open_console, door):
    console = open_console("ann", viewport={"width": 390, "height": 800})
    console.go("campaign/spring")
    verbs = console.page.locator("[data-verb]").all()
    assert [one.get_attribute("data-verb") for one in verbs][:2] == ["pause", "stop"]
    console.go("cars")
    console.page.wait_for_selector(".scroll table")
    shade = "() => { const all = []; const walk = n => { n.querySelectorAll('*').forEach(e => { if (e.classList.contains('scroll')) all.push(getComputedStyle(e).backgroundAttachment); if (e.shadowRoot) walk(e.shadowRoot); }); }; walk(document); return all; }"
    assert "local" in console.page.evaluate(shade)[0]
