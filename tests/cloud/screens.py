"""The console's types, from the views of the management API: `python -m tests.cloud.screens` writes
web/fleet/views.gen.ts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from volant.caros.cockpit.shapes import declarations
from volant.cloud import views
from volant.cloud.campaigns import Plan
from volant.cloud.people import Right, Role

ROOT = Path(__file__).resolve().parents[2]
TYPES = ROOT / "web" / "fleet" / "views.gen.ts"
ROOTS: Final[tuple[type[Any], ...]] = tuple(
    one
    for one in vars(views).values()
    if isinstance(one, type) and issubclass(one, views.View) and one is not views.View
)


def generate() -> str:
    """The whole file of types."""
    holder = msgspec.defstruct("Words", [("role", Role), ("right", Right)])
    known, _ = declarations((*ROOTS, Plan, holder))
    del known["Words"]
    return (
        "// Made by `python -m tests.cloud.screens`; do not edit.\n\n"
        + "\n\n".join(known[name] for name in sorted(known))
        + "\n"
    )


if __name__ == "__main__":
    TYPES.parent.mkdir(parents=True, exist_ok=True)
    TYPES.write_text(generate(), encoding="utf-8")
