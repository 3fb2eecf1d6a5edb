"""Kills what writes at each of its system calls, one after the other, and prints what was left, as a table or JSON.

`python scripts/kill_at.py [--only NAMES] [--every N] [--json FILE]`; the cases stand in `kill_cases.py`, how it is
done in `kill_strace.py`. Wants strace, and to be root or the parent of what it traces.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from kill_cases import CASES
from kill_strace import Row, kill_everywhere


def main() -> int:
    """Kill all that is asked for; 1 if something broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names of cases, with commas")
    parser.add_argument("--every", type=int, default=1, help="at each so manieth call")
    parser.add_argument("--json", type=Path)
    wish = parser.parse_args()
    if shutil.which("strace") is None:
        print("strace is not installed: apt-get install strace", file=sys.stderr)
        return 1
    names = [name for name in wish.only.split(",") if name]
    rows = []
    for case in CASES:
        if names and case.name not in names:
            continue
        with tempfile.TemporaryDirectory(prefix="kill-") as folder:
            rows.append(kill_everywhere(case, Path(folder).resolve(), wish.every))
        print(said(rows[-1]), flush=True)
    if wish.json:
        wish.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return int(any(row.broken for row in rows))


def said(row: Row) -> str:
    """A line of the table, and what broke."""
    line = (
        f"| `{row.case}` | {row.words} | {row.calls} | {row.killed} | {row.old} | {row.new} "
        f"| {row.waits} | {row.went_on} | {len(row.broken)} |"
    )
    return "\n".join([line, *row.broken])


if __name__ == "__main__":
    sys.exit(main())
