"""Where a fleet's server keeps what must not be lost: a port, and SQLite or PostgreSQL behind it."""

from volant.cloud.store.ports import FleetStore, Work
from volant.cloud.store.sql import SqlStore

__all__ = ["FleetStore", "SqlStore", "Work"]
