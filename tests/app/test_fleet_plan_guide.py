"""The guide's table of a plan's fields says what the code does."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import FieldInfo, fields

from volant.cloud.campaigns import HealthRule, Plan, Wave
from volant.cloud.campaigns.windows import Window

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "fleet.md"
KINDS: dict[str, Any] = {"": Plan, "waves[].": Wave, "windows[].": Window, "health[].": HealthRule}


def default(field: FieldInfo) -> str:
    if field.required:
        return "required"
    return f"`{json.dumps(msgspec.to_builtins(field.default))}`"


def test_the_guide_names_every_field_of_a_plan_with_its_default() -> None:
    part = GUIDE.read_text().partition("\n## A plan\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `([a-z_.\[\]]+)` \| (required|`[^|]*`) \|", part, re.MULTILINE))
    known = {
        f"{place}{field.name}": default(field)
        for place, kind in KINDS.items()
        for field in fields(kind)
    }
    assert told == known
