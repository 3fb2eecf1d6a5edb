"""A unit of one slot that was begun on, and then would not take its new program."""

from collections.abc import Callable

from tests.ota.car import IDS, SINGLE, Car
from volant.core.errors import RefusedError
from volant.core.updates import UpdateEnd
from volant.ota import Order
from volant.ota.ports import Tell

REFUSALS = 3
"""So many that it is given up."""


def erased_and_refused(stage: Callable[[Order, Tell], None], car: Car) -> Callable[..., None]:
    """Its `stage`: it erases what runs and then refuses what is new."""
    boot, left = car.units[SINGLE].boot, [REFUSALS]

    def act(order: Order, tell: Tell) -> None:
        if order.target.hashes != IDS[SINGLE, 2].hashes or not left[0]:
            stage(order, tell)
            return
        left[0] -= 1
        assert boot.begin_erase()
        while not boot.erase_step():
            pass
        boot.running = None
        raise RefusedError("it does not want to")

    return act


def test_a_unit_that_lost_its_only_program_gets_it_back() -> None:
    """Nothing was switched, and yet it must be written again: that it was begun on stands in the record."""
    car = Car()
    unit = car.units[SINGLE]
    unit.stage = erased_and_refused(unit.stage, car)  # type: ignore[method-assign]
    car.update().rest()
    assert car.releases == [1, 1, 1]
    assert car.sound()
    assert [one.end for one in car.history] == [UpdateEnd.FAILED]
