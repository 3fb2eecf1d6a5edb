"""What a car counts of itself since the first start of its programs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from volant.core.errors import InputError
from volant.core.updates import UpdateEnd, UpdateResult
from volant.ota.health import HealthFacts
from volant.ota.life import (
    LASTS_S,
    LOOP_BOOTS,
    Life,
    decode_life,
    encode_life,
    ended_of,
    followed,
    lived,
    started,
)
from volant.ota.record import Decision, Offer, Open, Record, UnitPlan
from volant.trust.uptane import Installed

NONE = HealthFacts()
IMAGE = Installed(ecu_id="brake", name="b", length=1, hashes={"sha256": "0" * 64})
OFFER = Offer(name="f" * 64, units=(UnitPlan(unit="brake", target=IMAGE, before=None),))


def facts(**counted: object) -> HealthFacts:
    return HealthFacts(**counted)  # type: ignore[arg-type]


def test_hours_kilometres_and_events_add_up() -> None:
    life = lived(Life(), 3.6, 0.5, NONE, facts(disengagements=2, faults=1))
    life = lived(
        life, 3.6, 0.5, facts(disengagements=2, faults=1), facts(disengagements=3, faults=1)
    )
    assert (life.km, round(life.hours, 6)) == (1.0, 0.002)
    assert life.condition.events == {"disengagements": 3, "faults": 1}


def test_a_code_counts_once_and_those_of_before_do_not() -> None:
    opened = Record(open=Open(offer=OFFER, decision=Decision.TRIAL))
    life = followed(Life(), opened, frozenset({"body B1"}))
    for codes in ({"body B1", "pilot U0121"}, set(), {"pilot U0121"}):
        life = lived(life, 1.0, 0.0, NONE, facts(codes=frozenset(codes)))
    assert life.events == {"dtc": 1, "dtc:U0121": 1}


def test_it_begins_anew_with_new_programs_and_again_when_they_go() -> None:
    old = Life(hours=5.0, events={"dtc": 1})
    stages = [Decision.STAGE, Decision.ACTIVATE, Decision.TRIAL, Decision.TRIAL, Decision.BACK]
    lives = []
    for decision in stages:
        old = followed(old, Record(open=Open(offer=OFFER, decision=decision)), frozenset())
        lives.append(old.hours)
        old = replace(old, hours=old.hours + 1.0)
    assert lives == [5.0, 6.0, 0.0, 1.0, 0.0]
    assert followed(old, Record(), frozenset()) == old


def test_starts_that_do_not_last_are_a_loop() -> None:
    life = Life()
    for _ in range(LOOP_BOOTS - 1):
        life = lived(started(life, booted=True), 5.0, 0.0, NONE, NONE)
    assert not life.events
    assert started(life, booted=True).events == {"boot_loop": 1}
    for _ in range(int(LASTS_S / 10.0) + 1):
        life = lived(life, 10.0, 0.0, NONE, NONE)
    assert not started(life, booted=True).events
    assert started(life, booted=False).events == {"restarts": 1}


@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=True), st.floats(allow_nan=True), st.integers(-5, 5),
            st.sets(st.sampled_from([f"unit C{n}" for n in range(300)]), max_size=100),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_whatever_clocks_and_counters_do_it_only_grows_and_can_be_read_again(
    steps: list[tuple[float, float, int, set[str]]],
) -> None:
    life, before = Life(), NONE
    for passed_s, passed_km, more, codes in steps:
        after = facts(disengagements=max(0, before.disengagements + more), codes=frozenset(codes))
        grown = lived(life, passed_s, passed_km, before, after)
        assert grown.hours >= life.hours
        assert grown.km >= life.km
        assert all(grown.events[one] >= count for one, count in life.events.items())
        assert decode_life(encode_life(grown)) == grown
        life, before = grown, after


def test_how_the_last_update_ended() -> None:
    result = UpdateResult(end=UpdateEnd.ROLLED_BACK, title="Worse", at_s=1.0, why="codes")
    told = ended_of(Record(last=result, last_offer="a" * 64))
    assert told is not None
    assert (told.offer, told.installed, told.why) == ("a" * 64, False, "rolled back: codes")
    assert ended_of(Record(last=result)) is None
    assert ended_of(Record(last=result, last_offer="no hash")) is None
    assert ended_of(Record()) is None


@pytest.mark.parametrize("data", [b"", b"[]", b'{"hours": -1}', b"x" * 100_000])
def test_what_is_no_life_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        decode_life(data)
