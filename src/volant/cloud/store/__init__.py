"""Where a fleet's server keeps what must not be lost: a port, and SQLite behind it."""

from volant.cloud.store.ports import FleetStore, Work
from volant.cloud.store.sqlite import SqliteStore

__all__ = ["FleetStore", "SqliteStore", "Work"]
