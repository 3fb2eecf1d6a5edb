"""The model of the air: strength, loss, connection events, ranging, and what a relay changes."""

from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.chance import Chance
from volant.link.air import Air, AirTuning, Path, Relay, Timing, loss
from volant.trust.key.ranging import RangingTuning, is_near

MS = 1_000_000
AIR = Air(Chance.of(1, "air"))
TIMING = Timing(anchor_ns=5 * MS, interval_ns=30 * MS, supervision_ns=4000 * MS)
RELAYED = Path(40.0, relay=Relay(delay_ns=30.0))


def mean_dbm(path: Path, name: str = "phone") -> float:
    return mean(AIR.strength_dbm(path, name, packet) for packet in range(400))


def test_strength_falls_by_twenty_decibels_a_decade_and_six_a_wall() -> None:
    assert mean_dbm(Path(1.0)) - mean_dbm(Path(10.0)) == pytest.approx(20.0)
    assert mean_dbm(Path(3.0)) - mean_dbm(Path(3.0, walls=2)) == pytest.approx(12.0)


def test_at_a_metre_the_mean_over_many_places_is_that_of_free_space() -> None:
    found = mean(AIR.strength_dbm(Path(1.0), f"phone {n}", n) for n in range(2000))
    assert found == pytest.approx(-40.2, abs=0.5)


def test_shadow_stays_with_a_place_and_fading_changes_from_packet_to_packet() -> None:
    others = [mean_dbm(Path(5.0), f"phone {n}") for n in range(30)]
    assert max(others) - min(others) > 6.0
    assert AIR.strength_dbm(Path(5.0), "phone", 1) != AIR.strength_dbm(Path(5.0), "phone", 2)


def test_loss_is_the_floor_when_near_and_all_when_far_and_the_standard_s_at_the_sensitivity() -> (
    None
):
    tuning = AirTuning()
    assert loss(tuning, -50.0) == pytest.approx(tuning.loss_floor)
    assert loss(tuning, -150.0) == pytest.approx(1.0)
    assert loss(AirTuning(loss_floor=0.0), tuning.sensitivity_dbm) == pytest.approx(0.308)


@given(st.floats(-200.0, 50.0), st.floats(0.0, 50.0))
def test_more_strength_never_means_more_loss(strength_dbm: float, more_db: float) -> None:
    assert loss(AirTuning(), strength_dbm + more_db) <= loss(AirTuning(), strength_dbm) <= 1.0


@given(st.integers(0, 10**12), st.sampled_from([7_500_000, 30 * MS, 50 * MS]))
def test_an_event_is_after_the_time_and_less_than_an_interval_away(now: int, every: int) -> None:
    timing = Timing(5 * MS, every, 4000 * MS)
    event = timing.event_ns(now)
    assert now < event <= max(now, timing.anchor_ns) + every
    assert (event - timing.anchor_ns) % every == 0


def test_a_packet_waits_for_its_event_and_goes_again_when_it_is_lost() -> None:
    good = Air(Chance.of(1), AirTuning(loss_floor=0.0))
    found = good.deliver(Path(1.0), "p", 0, TIMING, 6 * MS, 0, 40)
    assert found.arrived
    assert 35 * MS < found.at_ns < 36 * MS
    bad = Air(Chance.of(1), AirTuning(loss_floor=0.5))
    tries = [bad.deliver(Path(1.0), "p", n << 16, TIMING, 6 * MS, 0, 40) for n in range(400)]
    assert mean(one.tries for one in tries) == pytest.approx(2.0, abs=0.2)
    for one in tries:
        assert 35 * MS + (one.tries - 1) * 30 * MS < one.at_ns < 36 * MS + (one.tries - 1) * 30 * MS


def test_much_data_takes_several_packets_and_keeps_its_order() -> None:
    good = Air(Chance.of(1), AirTuning(loss_floor=0.0))
    first = good.deliver(Path(1.0), "p", 0, TIMING, 6 * MS, 0, 8000)
    second = good.deliver(Path(1.0), "p", 1 << 16, TIMING, 6 * MS, first.at_ns, 40)
    assert first.tries == 32
    assert second.at_ns > first.at_ns
    # 32 packets of 2.5 ms fill 30 ms twice and more.
    assert first.at_ns > 35 * MS + 60 * MS


def test_where_nothing_gets_through_the_connection_is_given_up_in_time() -> None:
    found = AIR.deliver(Path(1e6), "p", 0, TIMING, 6 * MS, 0, 40)
    assert not found.arrived
    assert 4035 * MS <= found.at_ns <= 4065 * MS


def test_ranging_of_an_honest_phone_says_near_and_across_the_street_says_far() -> None:
    tuning, near, far = RangingTuning(), 0, 0
    for number in range(300):
        now = 10**9 * (number + 1)
        beside = AIR.rounds(Path(1.2), "phone", now, 8, 20 * MS)
        across = AIR.rounds(Path(12.0), "phone", now, 8, 20 * MS)
        near += is_near(beside, now + 200 * MS, tuning)
        far += not is_near(across, now + 200 * MS, tuning)
    assert near >= 297
    assert far == 300


def test_a_relay_is_seen_by_ranging_and_not_by_strength() -> None:
    assert mean_dbm(RELAYED) == pytest.approx(mean_dbm(Path(1.0)))
    assert mean_dbm(RELAYED) > mean_dbm(Path(40.0)) + 30.0
    for number in range(1000):
        now = 10**9 * (number + 1)
        # Ten nanoseconds, the least that a relay can add: 3 m of way.
        beside = Path(0.5, relay=Relay(delay_ns=10.0))
        for path in (RELAYED, beside):
            rounds = AIR.rounds(path, "phone", now, 8, 20 * MS)
            assert not is_near(rounds, now + 200 * MS, RangingTuning())


def test_a_relay_makes_data_late() -> None:
    good = Air(Chance.of(1), AirTuning(loss_floor=0.0))
    direct = good.deliver(Path(1.0), "p", 0, TIMING, 6 * MS, 0, 40)
    late = Path(1.0, relay=Relay(delay_ns=8e6))
    assert good.deliver(late, "p", 0, TIMING, 6 * MS, 0, 40).at_ns == direct.at_ns + 8 * MS


def test_a_scanner_hears_as_often_as_it_listens() -> None:
    heard = sum(AIR.in_window("p", now, 16, 160) for now in range(2000))
    assert heard / 2000 == pytest.approx(0.1, abs=0.03)
    assert all(AIR.in_window("p", now, 96, 96) for now in range(100))


def test_a_phone_more_changes_no_other_phone_s_chance_and_the_same_seed_gives_the_same() -> None:
    again = Air(Chance.of(1, "air"))
    assert again.rounds(Path(3.0), "a", 5, 4, 7) == AIR.rounds(Path(3.0), "a", 5, 4, 7)
    assert AIR.rounds(Path(3.0), "a", 5, 4, 7) != AIR.rounds(Path(3.0), "b", 5, 4, 7)
    assert median(one.distance_m for one in AIR.rounds(Path(3.0), "a", 5, 99, 7)) == pytest.approx(
        3.0, abs=0.05
    )
