"""Live cars are tested one after the other: two at once leave two cores no time for their edges."""

from __future__ import annotations

import fcntl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE_S = 150.0
TIMEOUT_S = 360


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name.startswith("test_up"):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(autouse=True)
def one_live_car(request: pytest.FixtureRequest) -> Iterator[None]:
    """Wait until no other worker has a live car up, at most so long."""
    if not request.node.path.name.startswith("test_up"):
        yield
        return
    with (Path(tempfile.gettempdir()) / "volant-test-live-car").open("w") as lock:
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.2)
        yield
