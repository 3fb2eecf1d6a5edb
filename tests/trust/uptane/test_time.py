"""U-TIME: secure time (Uptane 2.1, 5.4.3.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trust.uptane.lab import check, offered
from volant.core.errors import InputError, TrustError
from volant.trust.attacks.world import key_of
from volant.trust.uptane import Attack, RejectedError, SecureClock, attest
from volant.trust.uptane.limits import NS_PER_S

SOURCE = key_of("time")
NONCE = b"n" * 16


def heard(time_s: int, clock: SecureClock | None = None, now_ns: int = 0) -> SecureClock:
    asked = (clock or SecureClock()).ask(NONCE, now_ns)
    return asked.hear(attest(time_s, (NONCE.hex(),), SOURCE), SOURCE.public, now_ns + 1)


def test_u_time_an_attested_time_goes_on_by_the_unit_s_own_counter() -> None:
    clock = heard(1_800_000_000)
    assert clock.now_s(90 * NS_PER_S) == pytest.approx(1_800_000_090)


def test_u_time_one_answer_serves_many_units() -> None:
    nonces = tuple(bytes([n] * 16).hex() for n in range(3))
    data = attest(1_800_000_000, nonces, SOURCE)
    for n in range(3):
        clock = SecureClock().ask(bytes([n] * 16), 0).hear(data, SOURCE.public, 1)
        assert clock.attested_s == 1_800_000_000


def test_u_time_a_clock_set_back_to_1970_still_detects_a_freeze() -> None:
    world = offered()
    clock = heard(int(world.now_s) + 30 * 86_400).after_boot(0)
    world.now_s = clock.now_s(0)
    with pytest.raises(RejectedError) as raised:
        check(world)
    assert raised.value.attack == Attack.FREEZE


def test_u_time_never_goes_back() -> None:
    clock = heard(1_800_000_000)
    with pytest.raises(TrustError, match="before what was attested"):
        heard(1_799_999_000, clock, 5 * NS_PER_S)
    assert heard(1_800_000_005, clock, 5 * NS_PER_S).now_s(6 * NS_PER_S) >= 1_800_000_005


def test_u_time_an_answer_within_the_drift_of_the_counter_takes_nothing_back() -> None:
    clock = heard(1_800_000_000)
    again = heard(1_799_999_999, clock)
    assert (again.attested_s, again.now_s(0)) == (1_800_000_000, 1_800_000_000)


def test_u_time_a_quick_answer_after_a_slow_one_is_believed() -> None:
    asked = SecureClock().ask(NONCE, 0)
    late = attest(1_800_000_020, (NONCE.hex(),), SOURCE)
    clock = asked.hear(late, SOURCE.public, 20 * NS_PER_S)
    assert clock.now_s(20 * NS_PER_S) == pytest.approx(1_800_000_040), "ahead by the 20 s it took"
    with pytest.raises(TrustError, match="before what was attested"):
        heard(1_800_000_018, clock, now_ns=20 * NS_PER_S)
    quick = heard(1_800_000_021, clock, now_ns=21 * NS_PER_S)
    assert quick.now_s(21 * NS_PER_S) == pytest.approx(1_800_000_021)
    booted = clock.after_boot(0)
    assert booted.late_s == clock.late_s


def test_u_time_an_old_answer_and_a_stranger_s_are_refused() -> None:
    asked = SecureClock().ask(NONCE, 0)
    with pytest.raises(TrustError, match="no question of ours"):
        asked.hear(attest(1, (("a" * 32),), SOURCE), SOURCE.public, 1)
    with pytest.raises(TrustError, match="no question of ours"):
        SecureClock().hear(attest(1, (NONCE.hex(),), SOURCE), SOURCE.public, 1)
    with pytest.raises(TrustError, match="signature"):
        asked.hear(attest(1, (NONCE.hex(),), key_of("a stranger")), SOURCE.public, 1)
    with pytest.raises(TrustError, match="too late"):
        asked.hear(attest(1, (NONCE.hex(),), SOURCE), SOURCE.public, 61 * NS_PER_S)
    with pytest.raises(InputError):
        asked.hear(b"{}", SOURCE.public, 1)


def test_an_answer_counts_once() -> None:
    data = attest(1_800_000_000, (NONCE.hex(),), SOURCE)
    clock = SecureClock().ask(NONCE, 0).hear(data, SOURCE.public, 1)
    with pytest.raises(TrustError, match="no question"):
        clock.hear(data, SOURCE.public, 2)


def test_a_nonce_has_sixteen_bytes() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        SecureClock().ask(b"short", 0)


@given(st.lists(st.tuples(st.integers(0, 2**33), st.integers(0, 10**6)), max_size=8))
def test_secure_time_never_goes_back_whatever_comes(answers: list[tuple[int, int]]) -> None:
    clock, now_ns, last_s = SecureClock(), 0, 0.0
    for time_s, later_s in answers:
        now_ns += later_s * NS_PER_S
        asked = clock.ask(NONCE, now_ns)
        try:
            clock = asked.hear(attest(time_s, (NONCE.hex(),), SOURCE), SOURCE.public, now_ns)
        except TrustError:
            continue
        assert clock.attested_s >= last_s
        last_s = clock.attested_s
        assert clock.after_boot(0).now_s(0) == last_s


def test_a_time_beyond_all_time_is_refused_or_late() -> None:
    world = offered()
    world.now_s = 1e300
    with pytest.raises(RejectedError) as raised:
        check(world)
    assert raised.value.attack == Attack.FREEZE
    with pytest.raises(InputError):
        heard(2**45)
