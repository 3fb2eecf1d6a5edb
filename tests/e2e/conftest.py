"""A served drive, and seats at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.feeder import Feeder
from tests.e2e.seat import Open, Seat

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def feeder() -> Iterator[Feeder]:
    with Feeder() as started:
        yield started


@pytest.fixture
def open_seat(browser: Browser, feeder: Feeder) -> Iterator[Open]:
    opened: list[Seat] = []

    def opening(theme: str = "dark", **context: Any) -> Seat:
        opened.append(Seat(browser, feeder, theme, **context))
        return opened[-1]

    yield opening
    for seat in opened:
        seat.context.close()
