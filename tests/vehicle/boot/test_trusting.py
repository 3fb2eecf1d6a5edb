"""What a unit believes by itself, and that no cut takes it away."""

import msgspec
import pytest

from tests.vehicle.boot.device import NEW, OLD
from tests.vehicle.boot.director import BEGIN_S, Director, key_of
from volant.core.errors import InputError, TrustError
from volant.trust.flash import Area, CrashState, Geometry, MemoryFlash, RecordingFlash, check_states
from volant.trust.uptane import Attack, Installed, RejectedError, attest, target_file
from volant.trust.uptane.envelope import unseal
from volant.trust.uptane.manifest import REPORT_KIND, REPORT_MOST_BYTES, EcuReport
from volant.vehicle.boot.trusting import TrustLayout, UnitTrust

BLOCK = 1024
GEOMETRY = Geometry(size_bytes=20 * BLOCK, erase_bytes=BLOCK, page_bytes=64)
LAYOUT = TrustLayout(Area(0, 4 * BLOCK), (Area(4 * BLOCK, 8 * BLOCK), Area(12 * BLOCK, 8 * BLOCK)))
RUNS = Installed(
    ecu_id="brake", name="old", length=len(OLD), hashes={"sha256": "0" * 64}, release_counter=2
)


def joined(director: Director, flash: MemoryFlash | None = None) -> UnitTrust:
    trust = UnitTrust(flash or MemoryFlash(GEOMETRY), LAYOUT)
    trust.join(director.joining())
    return trust


def report(trust: UnitTrust) -> EcuReport:
    data = trust.report(RUNS, 0)
    return unseal(data, EcuReport, REPORT_KIND, key_of("brake").public, REPORT_MOST_BYTES)


def test_a_unit_that_was_not_joined_has_no_trust() -> None:
    trust = UnitTrust(MemoryFlash(GEOMETRY), LAYOUT)
    assert not trust.joined
    assert not trust.told(0).joined
    assert trust.ecu_id == ""
    for act in (
        lambda: trust.named(NEW),
        lambda: trust.report(None, 0),
        lambda: trust.take((), None, 0),
    ):
        with pytest.raises(TrustError, match="not joined"):
            act()


def test_only_what_the_director_names_is_named() -> None:
    director = Director()
    trust = joined(director)
    assert trust.named(NEW) is None
    director.name(NEW)
    assert trust.named(NEW) is None
    trust.take([director.targets], RUNS, 0)
    named = trust.named(NEW)
    assert named is not None
    assert (named.name, named.counter, named.kinds) == ("brake/3.img", 3, ("sha256", "sha512"))
    assert trust.named(NEW + b"\0") is None
    assert trust.again().named(NEW) == named
    assert trust.told(0).targets == 3


@pytest.mark.parametrize(("unit", "hardware"), [("drive", "SIM-1"), ("drive", "OTHER")])
def test_an_image_of_another_unit_is_not_named(unit: str, hardware: str) -> None:
    director = Director()
    trust = joined(director)
    director.name(NEW, 3, unit, hardware)
    trust.take([director.targets], RUNS, 0)
    assert trust.named(NEW) is None


def test_other_hardware_or_a_lower_counter_is_refused_and_told_once() -> None:
    director = Director()
    trust = joined(director)
    director.name(NEW, 3, "brake", "OTHER")
    with pytest.raises(RejectedError, match="is for OTHER"):
        trust.take([director.targets], RUNS, 0)
    assert report(trust).attack is Attack.ARBITRARY
    director.name(NEW, 1)
    with pytest.raises(RejectedError, match="release counter 1"):
        trust.take([director.targets], RUNS, 0)
    assert report(trust).attack is Attack.ROLLBACK
    director.name(NEW, 3)
    trust.take([director.targets], RUNS, 0)
    assert report(trust).attack is None


def test_new_keys_are_believed_through_the_roots_between() -> None:
    director = Director()
    trust = joined(director)
    for _ in range(3):
        director.roll()
    director.name(NEW)
    with pytest.raises(RejectedError):
        trust.take([director.targets], RUNS, 0)
    trust.take([*director.roots, director.targets], RUNS, 0)
    assert trust.named(NEW) is not None
    assert trust.again().told(0).root == 4


def test_an_older_file_is_a_rollback_and_none_at_all_a_drop() -> None:
    director = Director()
    before = director.targets
    director.name(NEW)
    trust = joined(director)
    with pytest.raises(RejectedError, match="rollback"):
        trust.take([before], RUNS, 0)
    with pytest.raises(RejectedError, match="drop-request"):
        trust.take([], RUNS, 0)
    for junk in (b"", b"{", b'{"signed":{"_type":1}}', b"[" * 20_000):
        with pytest.raises(InputError):
            trust.take([junk], RUNS, 0)
    assert trust.named(NEW) is not None


def test_a_unit_knows_the_time_of_the_desk_before_it_ever_hears_one() -> None:
    director = Director()
    old = director.joining()
    director.name(NEW)
    stale = director.targets
    director.now_s += 100 * 86_400  # longer than targets hold
    trust = UnitTrust(MemoryFlash(GEOMETRY), LAYOUT)
    trust.join(msgspec.structs.replace(old, time_s=float(director.now_s)))
    assert trust.again().told(0).time_s == director.now_s
    with pytest.raises(RejectedError, match="freeze"):
        trust.take([stale], RUNS, 0)
    trust.join(old)
    assert trust.told(0).time_s == BEGIN_S, "joining anew heals a wrong time"


def test_time_goes_on_over_a_reset_and_finds_what_has_expired() -> None:
    director = Director()
    trust = joined(director)
    trust.ask_time(b"n" * 16, 5)
    nonce = (b"n" * 16).hex()
    with pytest.raises(TrustError):
        trust.hear_time(attest(BEGIN_S, (nonce,), key_of("thief")), 6)
    trust.hear_time(attest(BEGIN_S + 400 * 86_400, (nonce,), key_of("time")), 6)
    with pytest.raises(TrustError, match="no question"):
        trust.hear_time(attest(BEGIN_S + 400 * 86_400, (nonce,), key_of("time")), 7)
    trust.reset()
    assert trust.again().told(0).time_s == BEGIN_S + 400 * 86_400
    director.name(NEW)
    with pytest.raises(RejectedError, match="freeze"):
        trust.take([director.targets], RUNS, 0)


def test_no_counter_of_a_report_comes_twice() -> None:
    trust, seen = joined(Director()), list[int]()
    for number in range(140):
        seen.append(report(trust).counter)
        if number % 50 == 20:
            trust = trust.again()
    assert seen == sorted(set(seen))
    trust.join(Director().joining())
    assert report(trust).counter > seen[-1]


def test_metadata_that_do_not_fit_or_are_no_directors_are_refused() -> None:
    director = Director()
    for number in range(60):
        custom = {"ecuIdentifiers": {f"u{number}": {"hardwareId": "X"}}}
        director.keeper.add(target_file(f"other/{number}.img", b"x", custom))
    director.keeper.publish(BEGIN_S, ["targets"])
    trust = joined(Director())
    with pytest.raises(InputError, match="18963 bytes of metadata, 8192 fit"):
        trust.take([director.targets], RUNS, 0)
    assert report(trust).attack is None
    with pytest.raises(InputError, match="fit"):
        trust.join(director.joining())
    given = msgspec.structs.replace(Director().joining(), root=b"{}")
    with pytest.raises((InputError, TrustError)):
        trust.join(given)
    assert trust.joined


def test_after_a_cut_at_any_write_the_unit_believes_the_old_or_the_new() -> None:
    director = Director()
    start = joined(director)
    recorded = RecordingFlash(GEOMETRY, start._flash.content)  # type: ignore[attr-defined]
    trust = UnitTrust(recorded, LAYOUT)
    director.roll()
    director.name(NEW)
    files = [*director.roots, director.targets]
    trust.take(files, RUNS, 0)
    trust.report(RUNS, 0)
    trust.ask_time(b"n" * 16, 0)
    trust.hear_time(attest(BEGIN_S + 9, ((b"n" * 16).hex(),), key_of("time")), 1)
    seen = set()

    def check(device: MemoryFlash, state: CrashState) -> None:
        after = UnitTrust(device, LAYOUT)
        told = after.told(0)
        assert told.joined, state.words
        seen.add((told.root, told.targets, told.time_s))
        assert (after.named(NEW) is not None) == (told.root == 2), state.words
        after.take(files, RUNS, 0)
        assert after.named(NEW) is not None, state.words

    count = check_states(recorded, check)
    assert count > 30
    assert {one[0] for one in seen} == {1, 2}
    assert {one[2] for one in seen} == {BEGIN_S, BEGIN_S + 9.0}


def test_metadata_that_rot_are_said_and_mended_by_joining_anew() -> None:
    director = Director()
    trust = joined(director)
    content = bytearray(trust._flash.content)  # type: ignore[attr-defined]
    content[12 * BLOCK + 40] ^= 1
    rotten = UnitTrust(MemoryFlash(GEOMETRY, bytes(content)), LAYOUT)
    assert rotten.joined
    assert rotten.named(NEW) is None
    with pytest.raises(TrustError, match="broken"):
        rotten.take([director.targets], RUNS, 0)
    rotten.join(director.joining())
    director.name(NEW)
    rotten.take([director.targets], RUNS, 0)
    assert rotten.named(NEW) is not None
