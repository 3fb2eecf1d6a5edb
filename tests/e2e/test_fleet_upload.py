"""Files become a release in the console: sent from a browser with progress, refused in words, stopped without a rest."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from tests.e2e.test_fleet_console import door, open_console, until

pytestmark = pytest.mark.e2e
__all__ = ["door", "open_console"]

SLOW = 2_000_000
"""Bytes a second that the browser sends, where its progress is looked at."""


def pick(console, *files: Path) -> None:
    console.page.set_input_files("input[name=files]", [str(one) for one in files])


def send(console) -> None:
    console.page.click("fleet-upload button[type=submit]")


def slow(console, bytes_per_s: float) -> None:
    session = console.context.new_cdp_session(console.page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False, "latency": 0, "downloadThroughput": -1,
            "uploadThroughput": bytes_per_s,
        },
    )  # fmt: skip


def left(door) -> list[str]:
    """Files that lie on the server, whole or not."""
    folder = door.desk.artifacts.folder
    found = [
        one.name for one in folder.iterdir() if re.fullmatch(r"[0-9a-f]{64}|.*\.part", one.name)
    ]
    return sorted(found)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "files"
    folder.mkdir()
    found = []
    for name, length in (("os.swu", 6_000_000), ("maps.bin", 300_000)):
        (folder / name).write_bytes(hashlib.sha256(name.encode()).digest() * (length // 32))
        found.append(folder / name)
    return found


def test_several_files_go_with_progress_and_become_a_release(open_console, door, files):
    console = open_console("ann")
    console.go("releases")
    page = console.page
    page.fill("fleet-upload [name=name]", "os-3.0")
    page.fill("fleet-upload [name=version]", "3.0")
    pick(console, *files)
    slow(console, SLOW)
    send(console)
    value = "() => [...document.querySelector('volant-fleet').shadowRoot.querySelector('main > *').shadowRoot.querySelector('fleet-upload').shadowRoot.querySelectorAll('progress')].map(one => one.value)[0]"
    share = until(console, lambda: 0 < (page.evaluate(value) or 0) < 1, "some of it has gone")
    assert share
    assert console.audit() == []
    slow(console, -1)
    page.wait_for_selector("text=Release os-3.0 is made.", timeout=60_000)
    row = page.wait_for_selector("[data-test=release]:has-text('os-3.0')")
    assert "2 files" in row.inner_text()
    made = door.desk.releases(door.desk.local("keeper"))[0]
    assert (made.release, made.version, made.by) == ("os-3.0", "3.0", "ann")
    assert {one.name: one.sha256 for one in made.files} == {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in files
    }
    assert console.errors == []


def test_what_is_refused_says_why_and_goes_on_when_it_is_mended(
    open_console, door, files, tmp_path
):
    console = open_console("ann", color_scheme="light")
    console.go("releases")
    page = console.page
    wrong = tmp_path / "files" / ".hidden file"
    wrong.write_bytes(b"x")
    page.fill("fleet-upload [name=name]", "os-2.0")
    pick(console, files[1], wrong)
    send(console)
    page.wait_for_selector("fleet-upload [data-test=failed]:has-text('There is a release os-2.0')")
    page.fill("fleet-upload [name=name]", "os-3.0")
    page.select_option("[data-test=send]:has-text('maps.bin') select", "image")
    send(console)
    texts = [page.wait_for_selector(f"[data-test=send]:has-text('{one}') [data-test=refused]").inner_text()
             for one in ("maps.bin", ".hidden file")]  # fmt: skip
    assert "no keys of Uptane repositories are here" in texts[0]
    assert "letters, digits" in texts[1]
    assert left(door) == []
    assert console.audit() == []
    page.click("button[aria-label='Remove .hidden file']")
    page.select_option("[data-test=send]:has-text('maps.bin') select", "device")
    send(console)
    page.wait_for_selector("text=Release os-3.0 is made.")
    assert len(left(door)) == 1
    assert console.errors == []


def test_sending_is_stopped_leaves_nothing_half_and_goes_on_with_what_is_missing(
    open_console, door, files
):
    console = open_console("ann")
    console.go("releases")
    page = console.page
    page.fill("fleet-upload [name=name]", "os-3.0")
    pick(console, *reversed(files))
    slow(console, SLOW)
    send(console)
    page.wait_for_selector("[data-test=send]:has-text('maps.bin') [data-test=hash]")
    page.wait_for_selector("[data-test=send]:has-text('os.swu') [data-test=progress]")
    page.click("[data-test=stop-sending]")
    page.wait_for_selector("[data-test=refused]:has-text('stopped; nothing')")
    first = hashlib.sha256(files[1].read_bytes()).hexdigest()
    until(console, lambda: left(door) == [first], "the server keeps the whole file alone")
    assert door.desk.releases(door.desk.local("keeper"))[0].release == "os-2.1"
    slow(console, -1)
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.method == "PUT" else None)
    send(console)
    page.wait_for_selector("text=Release os-3.0 is made.")
    assert [one.rpartition("/")[2] for one in sent] == ["os.swu", "os-3.0"]


def test_who_may_only_look_has_no_form(open_console):
    console = open_console("eve")
    console.go("releases")
    assert console.page.locator("fleet-upload").count() == 0


@pytest.mark.parametrize(("theme", "width"), [("dark", 1280), ("light", 1280), ("light", 390)])
def test_the_form_fits_and_is_open_to_all(open_console, files, theme, width, tmp_path):
    console = open_console("ann", color_scheme=theme, viewport={"width": width, "height": 844})
    console.go("releases")
    pick(console, *files)
    console.page.select_option("[data-test=send]:has-text('maps.bin') select", "image")
    assert console.audit() == []
    wide = "() => document.documentElement.scrollWidth > innerWidth"
    assert not console.page.evaluate(wide)
    console.page.screenshot(path=str(tmp_path / "upload.png"), full_page=True)
