"""The attack matrix: each cell comes to what is expected, and the car goes on afterwards."""

from collections import Counter

import pytest

from volant.trust.attacks.attackers import ATTACKS, Power
from volant.trust.attacks.matrix import Cell, Level, Outcome, cells, expected, run_cell


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("level", Level)
def test_each_cell_comes_to_what_is_expected(attack: str, level: Level) -> None:
    row = [Cell(attack, power, level) for power in Power]
    found = {cell.power: run_cell(cell) for cell in row}
    assert {power: str(one) for power, one in found.items()} == {
        cell.power: expected(cell) for cell in row
    }
    assert all(one.recovers for one in found.values())


def test_there_are_at_least_150_cells_and_losses_among_them() -> None:
    assert len(list(cells())) == 154
    outcomes = Counter(expected(cell).split()[0] for cell in cells())
    assert set(outcomes) <= set(Outcome)
    assert outcomes["loss"] == 2, (
        "only who holds the director's keys gets through, and in part only"
    )
    lost = [cell for cell in cells() if expected(cell).startswith("loss")]
    assert {(cell.power, cell.level) for cell in lost} == {(Power.DIRECTOR, Level.PARTIAL)}
