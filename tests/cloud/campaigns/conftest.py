"""A shop with cars, for tests of what devices hold."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cloud.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as found:
        found.describe(*[f"car-{place}" for place in range(5)], model="ev1")
        yield found
