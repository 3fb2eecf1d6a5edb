"""Worlds in which nothing is a reason to brake hard, a few of each kind."""

from collections.abc import Callable

import pytest

from tests.safety.aeb_scenes import Scene, play
from tests.safety.aeb_worlds import KINDS, Draw, needless, world


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_nothing_is_braked_for_without_need(kind: Callable[[Draw], Scene]) -> None:
    for seed in range(1, 4):
        out = play(world(kind, seed), "typical", seed)
        assert not needless(out), out
