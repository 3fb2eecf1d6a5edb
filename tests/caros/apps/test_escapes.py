"""Attempts to get out, by real programs in real sandboxes: what the guide's table says is so."""

import os
import re
from pathlib import Path

import pytest

from scripts.escapes import ATTEMPTS, PAGE, passes, try_all, try_as_user
from tests.caros.apps.running import machine_for
from volant.caros.apps.isolation.levels import Level

LEVELS = sorted(Level, reverse=True)


def table() -> dict[str, list[bool]]:
    """Whether each attempt passes, by its words, from level full down, as the guide has it."""
    text = PAGE.read_text(encoding="utf-8").split("<!-- escapes: begin -->")[1]
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in text.splitlines()]
    return {row[0]: ["passes" in cell for cell in row[1:]] for row in rows if len(row) == 5}


def test_there_are_attempts_enough() -> None:
    assert len(ATTEMPTS) >= 20
    words = [words for words, _ in ATTEMPTS.values()]
    assert len(set(words)) == len(words)
    assert set(words) <= set(table())


@pytest.mark.slow
def test_nothing_gets_out_at_level_full() -> None:
    machine_for(Level.FULL)
    found = try_all(Level.FULL)
    assert {name: what for name, what in found.items() if passes(what)} == {}
    assert len(found) == len(ATTEMPTS)


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.word)
def test_the_table_tells_what_an_ordinary_user_s_apps_can_do(level: Level) -> None:
    machine_for(level)
    if os.geteuid() == 0 and not Path("/usr/bin/python3").exists():
        pytest.skip("an ordinary user has no Python here: apt-get install python3")
    said = table()
    found = {ATTEMPTS[name][0]: passes(what) for name, what in try_as_user(level).items()}
    assert found == {words: said[words][LEVELS.index(level)] for words in found}
