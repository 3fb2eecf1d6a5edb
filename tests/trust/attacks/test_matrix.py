"""The attack matrix: each cell comes to what is expected, and the car goes on afterwards."""

from collections import Counter

import pytest

from volant.trust.attacks.attackers import ATTACKS, Power, Served, answer
from volant.trust.attacks.matrix import Cell, Level, Outcome, cells, expected, run_cell
from volant.trust.attacks.wire import Reply, plain
from volant.trust.attacks.world import BEGIN_S, BRAKE, SEAT, TIME, World
from volant.trust.uptane import Attack, RejectedError
from volant.trust.uptane.keeper import DAY_S
from volant.trust.uptane.session import Source


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("level", Level)
def test_each_cell_comes_to_what_is_expected(attack: str, level: Level) -> None:
    row = [Cell(attack, power, level) for power in Power]
    found = {cell.power: run_cell(cell) for cell in row}
    assert {power: str(one) for power, one in found.items()} == {
        cell.power: expected(cell) for cell in row
    }
    assert all(one.recovers for one in found.values())


@pytest.mark.parametrize("level", Level)
def test_a_freeze_is_unnoticed_only_by_whom_no_signed_time_reaches(level: Level) -> None:
    """What a unit knows of the time is its own, and what it heard: not what time it is."""
    found = {power: run_cell(Cell("freeze", power, level)).outcome for power in Power}
    assert [power for power, one in found.items() if one is Outcome.REFUSED] == [Power.NONE]
    world = World()
    past = world.served()
    world.publish_release()
    world.now_s += 100 * DAY_S
    unit = world.secondaries[BRAKE if level is Level.FULL else SEAT]
    assert unit.clock.now_s(0) == BEGIN_S
    assert world.run(unit.check(unit.clock.now_s(0)), plain(shown(past))).is_empty
    world.ask_time()
    unit.hear_time(Reply(past[TIME, TIME]), 0)
    assert unit.clock.now_s(0) == BEGIN_S, "an old answer is none"
    unit.hear_time(Reply(world.signed_time, endless=True), 0)
    assert unit.clock.now_s(0) == BEGIN_S
    unit.hear_time(Reply(world.signed_time), 0)
    assert unit.clock.now_s(0) == world.now_s
    with pytest.raises(RejectedError) as raised:
        world.run(unit.check(unit.clock.now_s(0)), plain(shown(past)))
    assert raised.value.attack == Attack.FREEZE


def shown(files: Served) -> Source:
    return lambda fetch: answer(files, fetch)


def test_there_are_at_least_150_cells_and_losses_among_them() -> None:
    assert len(list(cells())) == 154
    outcomes = Counter(expected(cell).split()[0] for cell in cells())
    assert set(outcomes) <= set(Outcome)
    assert outcomes["loss"] == 2, (
        "only who holds the director's keys gets through, and in part only"
    )
    lost = [cell for cell in cells() if expected(cell).startswith("loss")]
    assert {(cell.power, cell.level) for cell in lost} == {(Power.DIRECTOR, Level.PARTIAL)}
