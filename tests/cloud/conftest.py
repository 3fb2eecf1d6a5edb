"""What tests of the fleet share: a real PostgreSQL, started once."""

from collections.abc import Iterator

import pytest

from tests.cloud.postgres import Postgres, need, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    need()
    with server() as found:
        yield found
