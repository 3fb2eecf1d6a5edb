"""Which cases of a long row the default suite drives, and which are left to `make soak`."""

from collections.abc import Iterable
from typing import Any

import pytest


def soaked(cases: Iterable[Any], first: int = 1) -> list[Any]:
    """The first cases as they are, the others marked as soak: each kind of drive is driven every time."""
    rows = list(cases)
    return [
        *rows[:first],
        *(
            pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=pytest.mark.soak)
            for row in rows[first:]
        ),
    ]
