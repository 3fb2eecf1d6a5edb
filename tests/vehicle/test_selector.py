"""The gear selector of a person who drives by hand."""

from volant.core.messages import Command, Gear
from volant.vehicle.selector import HOLDS_NS, Selector


def command(gear: Gear) -> Command:
    return Command(stamp_ns=0, accel_mps2=0.0, curvature_per_m=0.0, gear=gear)


def test_its_word_holds_for_a_moment_and_then_the_commands_do() -> None:
    selector = Selector(command(Gear.PARK))
    assert selector.passed(command(Gear.PARK), 0).gear is Gear.PARK
    assert selector.moved(Gear.DRIVE, 100).gear is Gear.DRIVE
    assert selector.passed(command(Gear.PARK), 100 + HOLDS_NS - 1).gear is Gear.DRIVE
    assert selector.passed(command(Gear.PARK), 100 + HOLDS_NS).gear is Gear.PARK


def test_a_command_in_its_gear_is_passed_as_it_is() -> None:
    selector = Selector(command(Gear.PARK))
    selector.moved(Gear.REVERSE, 0)
    one = command(Gear.REVERSE)
    assert selector.passed(one, 1) is one
