"""The report of an examination in a browser: one file that loads nothing and shows a case again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from volant.app.exam_report import SCRIPT
from volant.app.exam_run import ExamWish, run_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_failed_case_is_watched_without_a_network(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    assert SCRIPT.is_file(), "the screens are not built"
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "exam.html"
    wish = ExamWish(
        "basics", driver="idle", sensors="perfect", only="standing-car-30", report=report
    )
    run_command(wish)
    context = browser.new_context(color_scheme=theme, offline=True)
    page = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_selector("#theatre canvas")
    page.locator("[data-test=time]").evaluate(
        "bar => { bar.value = bar.max; bar.dispatchEvent(new Event('input')); }"
    )
    page.wait_for_function("document.querySelector('.told').textContent.includes('CONTACT')")
    colours = page.locator("#theatre canvas").evaluate(
        """canvas => {
            const held = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            const seen = new Set();
            for (let i = 0; i < held.length; i += 4 * 97) seen.add(`${held[i] >> 4},${held[i+1] >> 4}`);
            return seen.size;
        }"""
    )
    assert colours > 8
    assert not errors
    assert [url for url in asked if not url.startswith("file:")] == []
    page.click("[data-test=play]")
    assert page.inner_text("[data-test=play]") == "Pause"
    context.close()
