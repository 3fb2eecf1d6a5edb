"""The bench of a million cars asks for everything that the console reads."""

from typing import cast

from bench.fleet_store import LOOKS_AT_ALL, routes

from volant.cloud.api_routes import routes as api
from volant.cloud.desk import Desk

NOT_READ = {"/files/{sha256}", "/releases/{release}/ready"}
"""Asked before files are sent, by key."""


class Nothing:
    """Stands in for a desk that nobody asks."""

    local = staticmethod(Desk.local)


def test_every_address_that_the_console_reads_is_measured() -> None:
    measured = {name.partition(" ")[0] for name in routes(cast("Desk", Nothing()))}
    read = {
        one.path.removeprefix("/api/v1").replace(":str}", "}")
        for one in api().routes
        if "GET" in one.methods
    }
    assert measured == read - NOT_READ
    assert measured > {name.partition(" ")[0] for name in LOOKS_AT_ALL}
