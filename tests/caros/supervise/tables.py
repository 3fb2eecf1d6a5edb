"""Process tables for tests, written out as a user would."""

from __future__ import annotations

from typing import Any

import msgspec

from volant.caros.supervise.table import ProcessRow, ProcessTable


def row(name: str, **changes: Any) -> ProcessRow:
    return msgspec.convert({"name": name, "program": ["true"], **changes}, ProcessRow)


def table(*rows: ProcessRow) -> ProcessTable:
    return ProcessTable(process=rows)
