"""The driver's page in a browser, and what the car heard of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.feeder import Feeder
from volant.caros.cockpit import CockpitHands, CockpitPress, CockpitSeat
from volant.core.messages import RequestKind

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


class Seat:
    """The page, and what the car heard of it."""

    def __init__(self, browser: Browser, feeder: Feeder, theme: str, **context: Any) -> None:
        self.feeder = feeder
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 720}, "color_scheme": theme, **context}
        )
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(feeder.link.address + "drive/")
        self.page.wait_for_function("() => document.querySelector('#stale').hidden")

    def take(self) -> None:
        self.page.click("#seat")
        self.hear(lambda word: word == CockpitSeat(taken=True))

    def hear(self, wanted: Callable[[Any], bool]) -> Any:
        """The next word that is wanted; what comes before it is passed over."""
        until_s = time.monotonic() + 5.0
        while time.monotonic() < until_s:
            for word in self.feeder.link.poll():
                if wanted(word):
                    return word
            self.page.wait_for_timeout(20)
        return pytest.fail("the car did not hear it")

    def press(self, kind: RequestKind) -> CockpitPress:
        pressed: CockpitPress = self.hear(lambda w: isinstance(w, CockpitPress) and w.kind is kind)
        return pressed

    def hands(self, wanted: Callable[[CockpitHands], bool]) -> None:
        self.hear(lambda word: isinstance(word, CockpitHands) and wanted(word))


Open = Callable[..., Seat]
