"""All units run the new programs or all the old: what units do wrong, and what becomes of it."""

from tests.ota.car import Car, never_mixed
from volant.core.updates import UpdateEnd


def agreed() -> Car:
    car = Car()
    car.watch = never_mixed
    return car.update()


def test_all_units_come_to_the_new_programs_and_they_stay() -> None:
    car = agreed().rest()
    assert car.releases == [2, 2, 2]
    assert car.sound()
    assert [one.end for one in car.history] == [UpdateEnd.INSTALLED]
