"""Every attack is refused, and succeeds once the one check against it is taken away."""

import inspect

import pytest

from tests.trust.key.attacks import ATTACKS, REMOVALS, Attack, removal
from tests.trust.key.world import World
from volant.trust.key import checks

NAMES = [f"{attack.threat}: {attack.name}" for attack in ATTACKS]


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_the_attack_is_refused(attack: Attack) -> None:
    assert not attack.run(World())


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_it_succeeds_without_the_check(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, instead in removal(attack.stopped_by):
        monkeypatch.setattr(module, name, instead)
    assert attack.run(World())


def test_every_check_has_its_attack() -> None:
    named = {
        name
        for name, found in inspect.getmembers(checks, inspect.isfunction)
        if not name.startswith("_") and found.__module__ == checks.__name__
    }
    assert {attack.stopped_by for attack in ATTACKS} == named | set(REMOVALS)


def test_there_are_enough_cases() -> None:
    assert len(ATTACKS) >= 40
    assert len(set(NAMES)) == len(ATTACKS)
