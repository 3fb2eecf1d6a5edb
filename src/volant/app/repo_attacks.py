"""`volant repo attacks`: the attack matrix, run in memory and shown."""

from __future__ import annotations

import msgspec

from volant.app.exits import Exit
from volant.app.say import answer, answer_json, table
from volant.trust.attacks.attackers import Power
from volant.trust.attacks.matrix import Cell, Level, cells, expected, run_cell
from volant.trust.attacks.table import SHORT


class CellAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of the attack matrix."""

    attack: str
    attacker: str
    level: str
    expected: str
    found: str
    recovers: bool


class AttacksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant repo attacks --json` prints."""

    cells: tuple[CellAnswer, ...]
    as_expected: int


def attacks_command(*, as_json: bool) -> Exit:
    """Run every cell of the attack matrix; the exit status is that of a difference if one is not as expected."""
    found = tuple(_cell(one) for one in cells())
    good = sum(one.expected == one.found and one.recovers for one in found)
    if as_json:
        answer_json(AttacksAnswer(cells=found, as_expected=good))
    else:
        by_cell = {(one.attack, one.level, one.attacker): one for one in found}
        rows = [
            (attack, level, *(by_cell[attack, level, power].found for power in Power))
            for attack in dict.fromkeys(one.attack for one in found)
            for level in Level
        ]
        table("Attacks", ("attack", "check", *(SHORT[power] for power in Power)), rows)
        answer(f"{good} of {len(found)} cells as expected, losses that Uptane defines among them")
    return Exit.DONE if good == len(found) else Exit.DIFFERS


def _cell(cell: Cell) -> CellAnswer:
    found = run_cell(cell)
    return CellAnswer(
        attack=cell.attack,
        attacker=cell.power,
        level=cell.level,
        expected=expected(cell),
        found=str(found),
        recovers=found.recovers,
    )
