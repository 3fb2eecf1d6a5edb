"""What every test gets: fixed chance, no surprises from the environment, a browser where one is."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.data_folder import on_ci

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The page is made by us and talks to loopback only, so the browser's sandbox may be off (it cannot
# run as root, as CI does); the rest keeps the browser from calling its maker.
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Whoever starts the tests in the background hands down an ignored Ctrl-C; here signals mean something.
for _name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_name) is signal.SIG_IGN:
        signal.signal(
            _name, signal.default_int_handler if _name is signal.SIGINT else signal.SIG_DFL
        )

# Tests of gRPC and of the supervisor, which forks, meet in one process: gRPC's handlers of forks would
# start its threads again in children that have closed their files. The car itself never forks with gRPC.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

# One profile everywhere: the same examples on each run, so that a red test is red again.
settings.register_profile(
    "volant", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# For hunting: `HYPOTHESIS_PROFILE=hunt pytest ...` draws new and more examples each time.
settings.register_profile("hunt", deadline=None, max_examples=2000)
settings.load_profile("volant" if on_ci() else os.environ.get("HYPOTHESIS_PROFILE", "volant"))


def chromium() -> str | None:
    """Path of the system's Chromium, or None."""
    named = os.environ.get("VOLANT_CHROMIUM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


CLOCKED = frozenset({"app", "apps", "caros", "cloud", "e2e", "flow", "scripts"})
"""Rooms whose tests start processes, sockets and browsers and so depend on the machine's clock."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A clocked test that failed is tried once more, and told as a rerun: the machine may have been starved.

    Everything else is deterministic: what is red there is red at once.
    """
    for item in items:
        rooms = Path(item.path).relative_to(Path(__file__).parent).parts
        if rooms[0] in CLOCKED and not item.get_closest_marker("flaky"):
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=2))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked e2e needs Chromium: skipped where it lacks, failed in CI."""
    if item.get_closest_marker("e2e") and chromium() is None:
        line = "no Chromium found: apt-get install chromium, or set VOLANT_CHROMIUM"
        if on_ci():
            pytest.fail(line, pytrace=False)
        pytest.skip(line)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own Volant folders."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """One headless Chromium for a module's tests; mark them e2e.

    Not for the whole session: while it lives, its event loop counts as running, and
    `asyncio.run` of the tests of other modules would be refused.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium(), headless=True, args=BROWSER_ARGUMENTS
        )
        yield started
        started.close()
