"""Levels: never rounded up, and what is missing is said."""

from itertools import chain, combinations

import pytest

from volant.caros.apps.isolation.levels import (
    NEEDED,
    Level,
    Means,
    Offer,
    level_named,
    level_of,
)

SETS = list(
    map(frozenset, chain.from_iterable(combinations(Means, n) for n in range(len(Means) + 1)))
)


@pytest.mark.parametrize("means", SETS, ids=lambda means: "+".join(sorted(m.value for m in means)))
def test_a_level_is_reached_with_all_that_it_needs_and_not_before(means: frozenset[Means]) -> None:
    level = level_of(means)
    assert NEEDED[level] <= means
    for better in Level:
        if better > level:
            assert not NEEDED[better] <= means
            assert Offer(means, {}).missing(better)


def test_more_means_never_lower_a_level() -> None:
    for few in SETS:
        for many in SETS:
            if few <= many:
                assert level_of(few) <= level_of(many)


def test_what_is_missing_is_said_with_its_reason() -> None:
    offer = Offer(frozenset({Means.CALLS}), {Means.VIEW: "bubblewrap is not installed"})
    assert offer.missing(Level.STRONG) == ("view: bubblewrap is not installed",)
    assert offer.missing(Level.NONE) == ()


def test_a_level_is_found_by_its_word() -> None:
    assert [level_named(level.word) for level in Level] == list(Level)
