"""docs/reference/guard.md prints the table that the guard enforces, and every reason that it gives."""

import re
from pathlib import Path

from volant.safety.limits import LIMITS, Limit

REPO = Path(__file__).resolve().parents[2]
PAGE = REPO / "docs" / "reference" / "guard.md"
SAFETY = REPO / "src" / "volant" / "safety"


def table() -> str:
    lines = [
        "| row | bounds | value | mean over | status | source |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(line_of(row) for row in LIMITS)])


def line_of(row: Limit) -> str:
    value = f"{row.value:g}"
    if row.fast_value != row.value:
        value = (
            f"{row.value:g} up to {row.slow_mps:g} m/s, {row.fast_value:g} from {row.fast_mps:g}"
        )
    window = f"{row.window_s:g} s" if row.window_s else ""
    quantity = row.quantity.name.lower().replace("_", " ")
    cells = (f"`{row.name}`", f"{quantity}, {row.quantity.value}", value, window)
    return f"| {' | '.join((*cells, row.status.value, row.clause))} |"


def test_the_page_prints_the_table_of_limits() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"<!-- limits -->\n(.*)\n<!-- /limits -->", text, re.DOTALL)
    assert found is not None
    assert found.group(1) == table(), "put this into the page:\n" + table()


def test_the_page_explains_every_code_that_the_guard_can_give() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rooms = [path for path in sorted(SAFETY.glob("*.py")) if not path.name.startswith("aeb")]
    source = "".join(path.read_text(encoding="utf-8") for path in rooms)
    pattern = (
        r'"((?:path|driver|car_state|stale|invalid|pilot|no)_[a-z_]+|stopped|limited|urgent|aeb)"'
    )
    codes = set(re.findall(pattern, source))
    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in text} == set()
