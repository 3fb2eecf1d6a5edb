"""A power cut at any moment of an update: every legal state of the units' flash and of the primary's record."""

import random
from collections import Counter

import pytest
from msgspec.structs import replace

from tests.ota import car
from tests.ota.cuts import SCENARIOS, Film, Scenario
from volant.core.errors import InputError
from volant.ota import record

EACH = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
SAMPLE = 40
"""States of each scenario in the quick set; all of them and second cuts: `slow`, and the benchmark."""


@EACH
def test_after_a_cut_all_units_run_the_same_in_the_end(scenario: Scenario) -> None:
    states = list(scenario.filmed().states())
    ends = Counter()
    for contents, words in random.Random(1).sample(states, SAMPLE):
        _, release = scenario.resumed(contents)
        assert release in scenario.ends, words
        ends[release] += 1
    assert set(ends) <= set(scenario.ends)


@pytest.mark.slow
@EACH
def test_after_every_cut_and_a_second_one(scenario: Scenario) -> None:
    chance = random.Random(2)
    first = second = 0
    for contents, words in scenario.filmed().states():
        film, release = scenario.resumed(contents)
        assert release in scenario.ends, words
        first += 1
        later = list(film.states())
        for again, more in chance.sample(later, min(2, len(later))):
            _, release = scenario.resumed(again)
            assert release in scenario.ends, f"{words}, then {more}"
            second += 1
    assert first > 200
    assert second > 200


def harmed(scenario: Scenario, film: Film) -> bool:
    return any(scenario.resumed(one)[1] not in scenario.ends for one, _ in film.states())


def test_the_replay_finds_a_unit_of_one_slot_that_is_overwritten_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forgets(kept: record.Record) -> bytes:
        if kept.open is not None:
            kept = replace(kept, open=replace(kept.open, overwritten=(), locked=False))
        return record.encode(kept)

    monkeypatch.setattr(car, "encode", forgets)
    scenario = SCENARIOS["the last one hangs"]
    assert harmed(scenario, scenario.filmed())


def test_the_replay_finds_a_record_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = SCENARIOS["one hangs"]
    film = scenario.filmed()
    monkeypatch.setattr(car.Disk, "value", None)
    assert harmed(scenario, film)


def test_a_record_that_is_none_of_ours_is_refused_and_a_long_one_is_bounded() -> None:
    assert record.load(car.Disk()) == record.Record()
    for text in (b"[]", b"{", b'{"form": 2}', b'{"other": 1}', b"\xff", b"\0"):
        with pytest.raises(InputError):
            record.load(car.Disk(text))
    with pytest.raises(InputError):
        record.decode(b" " * (record.RECORD_MOST_BYTES + 1))
