"""What can bind a plan: no code and no value of the message that nothing gives."""

import re
from pathlib import Path

from volant.core.messages import Constraint
from volant.pilot.planning import causes

SOURCES = {path.name: path.read_text() for path in Path(causes.__file__).parent.glob("*.py")}
CODES = {name: code for name, code in vars(causes).items() if name.isupper() and type(code) is int}


def test_every_constraint_of_the_message_is_given_by_a_plan() -> None:
    source = "".join(SOURCES.values())
    assert [one for one in Constraint if not re.search(rf"Constraint\.{one.name}\b", source)] == []


def test_every_code_has_its_words_and_is_given_by_something() -> None:
    assert sorted(CODES.values()) == list(range(len(causes.CAUSES)))
    others = "".join(text for name, text in SOURCES.items() if name != "causes.py")
    assert [name for name in CODES if not re.search(rf"\b{name}\b", others)] in ([], ["NONE"])
