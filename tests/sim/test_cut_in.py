"""The cut-in grid and the reference models on it."""

from functools import cache

from volant.sim.cut_in import Pass, drive, grid, is_harmless
from volant.sim.cut_in_models import MODELS


@cache
def _passes(model: str) -> tuple[Pass, ...]:
    return tuple(drive(case, MODELS[model](), MODELS[model].delay_s) for case in grid())


def _crashes(model: str) -> int:
    return sum(held.crashed for held in _passes(model))


def test_the_grid_has_540_low_and_780_high_passes() -> None:
    speeds = [round(3.6 * case.ego_mps) for case in grid()]
    assert sum(speed <= 60 for speed in speeds) == 540
    assert sum(speed > 60 for speed in speeds) == 780
    assert len({case.name for case in grid()}) == 1320


def test_the_models_stand_near_their_published_crashes() -> None:
    """Published code: CC 332, R157 227, RSS 122, FSM 130; ours are written from the texts alone."""
    published = {"cc": 332, "r157": 227, "rss": 122, "fsm": 130}
    for model, crashes in published.items():
        assert abs(_crashes(model) - crashes) <= 25, (model, _crashes(model))


def test_the_fuzzy_model_hardly_crashes_where_the_careful_human_does_not() -> None:
    worse = [
        ours.crashed and not human.crashed
        for ours, human in zip(_passes("fsm"), _passes("cc"), strict=True)
    ]
    assert sum(worse) <= 9


def test_a_driver_who_does_nothing_crashes_most_and_is_harmless_in_some() -> None:
    harmless = sum(is_harmless(case) for case in grid())
    assert 1320 - harmless > _crashes("cc")
    assert harmless > 100


def test_braking_keeps_to_the_bounds_of_the_grid() -> None:
    for model in MODELS:
        assert min(held.hardest_mps2 for held in _passes(model)) >= -0.774 * 9.81 - 1e-9
