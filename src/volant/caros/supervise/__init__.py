"""Supervision: which processes the live car has, and what happens when one of them dies.

`table` reads and checks the process table, `machine` decides (a pure state machine), `shell` does:
it spawns, hears heartbeats, signals and waits.
"""

from volant.caros.supervise.table import JobRow, ProcessRow, ProcessTable, load_table

__all__ = ["JobRow", "ProcessRow", "ProcessTable", "load_table"]
