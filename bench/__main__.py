"""Measures speed and size: `python -m bench [NAMES] [--json FILE]`.

Every other file of this folder with a `rows() -> list[Row]` is a benchmark. Ratios against a peer come
from one run on one machine. The table goes to the terminal, all rows to a JSON file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

from bench.rows import Row, skipped

HERE = Path(__file__).resolve().parent
NOT_BENCHMARKS = ("__init__", "__main__", "rows")


def benchmark_names() -> list[str]:
    return sorted(
        path.stem
        for path in HERE.glob("*.py")
        if path.stem not in NOT_BENCHMARKS and "def rows(" in path.read_text(encoding="utf-8")
    )


def measure(name: str) -> list[Row]:
    """The rows of one benchmark; a benchmark that breaks is a row that is not met."""
    began_s = time.monotonic()
    try:
        rows: list[Row] = importlib.import_module(f"bench.{name}").rows()
    except ImportError as error:
        rows = [skipped(f"{name}/all", f"not measured, a package lacks: {error}")]
    except Exception as error:  # noqa: BLE001 - the other benchmarks shall still be measured
        rows = [Row(f"{name}/all", math.nan, ok=False, note=f"{type(error).__name__}: {error}")]
    print(f"  {name}: {time.monotonic() - began_s:.0f} s", file=sys.stderr, flush=True)
    return rows


def number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    if abs(value) >= 1000.0:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if abs(value) < 100.0 else f"{value:.0f}"


def show(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Volant bench")
    for heading in (
        "what",
        "value",
        "unit",
        "target",
        "met",
        "peer",
        "peer value",
        "ratio",
        "note",
    ):
        right = heading in ("value", "peer value", "ratio")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    met = {True: "yes", False: "NO", None: ""}
    for row in rows:
        table.add_row(
            *(row.name, number(row.value), row.unit, row.target, met[row.ok]),
            *(row.peer, number(row.peer_value), number(row.ratio), row.note),
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def plain(row: Row) -> dict[str, object]:
    """A row as JSON, which knows no NaN."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in asdict(row).items()
    }


def write(rows: list[Row], path: Path) -> None:
    report = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rows": [plain(row) for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def main() -> int:
    known = benchmark_names()
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and size.")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(known)} (default: all)")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "bench.json")
    arguments = parser.parse_args()
    wrong = [name for name in arguments.names if name not in known]
    if wrong:
        parser.error(f"no benchmark {', '.join(wrong)}; there are: {', '.join(known)}")
    rows = [row for name in arguments.names or known for row in measure(name)]
    show(rows)
    write(rows, arguments.json)
    return 1 if any(row.ok is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
