"""Every test that the page about the fleet's tests names is there."""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_each_line_names_a_test_that_is_there() -> None:
    page = (REPO / "docs" / "reference" / "fleet-tests.md").read_text()
    named = NAMED.findall(page)
    assert len(named) > 30
    missing = [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (REPO / file).read_text()
    ]
    assert not missing
