"""The shape of a fleet's database, version by version; alembic brings an older one to the newest."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from volant.core.errors import InputError

HEAD: Final = "0002"
"""The newest version; a test checks that it is alembic's own."""


def bring_up(connection: Connection) -> None:
    """Make the tables, or bring them to the newest version, in the transaction of this connection.

    Raises:
        InputError: a newer Volant has made it.
    """
    if _version(connection) == HEAD:
        return
    # Imported here: a fleet that is up to date starts without it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise InputError(f"of another version than {HEAD}: {error}") from error


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("select version_num from alembic_version")).first()
    return None if found is None else str(found[0])
