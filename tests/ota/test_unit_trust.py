"""A unit that was joined takes what the director named, whoever asks, and says by signature what it runs."""

from dataclasses import replace

import msgspec
import pytest

from tests.ota.test_uds_unit import install, quiet
from tests.ota.unit_bench import FIRST, UnitBench, image, order
from tests.vehicle.boot.director import BEGIN_S, Director, key_of
from volant.core.errors import RefusedError
from volant.trust.uptane import Attack, attest, target_file
from volant.trust.uptane.custom import NAME_MOST
from volant.trust.uptane.envelope import unseal
from volant.trust.uptane.manifest import REPORT_KIND, REPORT_MOST_BYTES, EcuReport
from volant.vehicle.boot.believing import METADATA_MOST_BYTES
from volant.vehicle.boot.device import TRUST
from volant.vehicle.boot.trusting import UnitTrust

NEW = image()


def joined(director: Director) -> UnitBench:
    bench = UnitBench()
    UnitTrust(bench.flash, TRUST).join(director.joining())
    bench.power_on()
    return bench


def report(bench: UnitBench) -> EcuReport:
    data = bench.port.report()
    return unseal(data, EcuReport, REPORT_KIND, key_of("brake").public, REPORT_MOST_BYTES)


def test_a_unit_that_was_not_joined_is_as_it_was() -> None:
    bench = UnitBench()
    assert not bench.port.joined
    assert bench.port.nonce() == b""
    with pytest.raises(RefusedError, match="not joined"):
        bench.port.report()
    with pytest.raises(RefusedError, match="believes no director"):
        bench.port.believe([Director().targets])
    install(bench)
    assert bench.version == "3.0"


def test_an_image_is_sound_only_if_the_director_has_named_it() -> None:
    director = Director()
    bench = joined(director)
    with pytest.raises(RefusedError, match="has not named this image"):
        bench.port.stage(order(NEW), quiet)
    director.name(image(4))
    with pytest.raises(RefusedError, match="has not named this image"):
        bench.port.stage(replace(order(NEW), metadata=(director.targets,)), quiet)
    director.name(NEW, 7)
    bench.port.stage(replace(order(NEW), metadata=(director.targets,)), quiet)
    install(bench)
    runs = bench.port.now().runs
    assert runs is not None
    assert (runs.name, runs.release_counter, len(runs.hashes)) == ("brake/7.img", 7, 2)
    assert report(bench).installed == runs
    bench.power_on()
    assert bench.port.now().runs == runs


def test_what_is_not_believed_is_said_and_reported() -> None:
    director = Director()
    bench = joined(director)
    before = director.targets
    director.name(NEW, 7)
    bench.port.believe([director.targets])
    with pytest.raises(RefusedError, match=r"does not believe it: .*rollback"):
        bench.port.believe([before])
    with pytest.raises(RefusedError, match="no metadata"):
        bench.port.believe([b"junk"])
    told = report(bench)
    assert told.attack is Attack.ROLLBACK
    assert told.installed is not None
    assert told.installed.length == len(FIRST)
    assert report(bench).counter == told.counter + 1


def test_a_unit_is_brought_only_the_roots_that_are_new_to_it() -> None:
    """More of them than lie in its flash: of all that there ever were it keeps one."""
    director = Director()
    bench = joined(director)
    for _ in range(45):
        director.roll()
    director.name(NEW, 7)
    for _ in range(2):
        bench.blocks.clear()
        bench.port.believe((*director.roots, director.targets))
        assert sum(bench.blocks) < len(director.roots[-1]) * 48 + len(director.targets)
        for _ in range(45):
            director.roll()
        director.name(NEW, 8)
    bench.port.stage(replace(order(NEW), metadata=(*director.roots, director.targets)), quiet)
    assert bench.port.now().staged is not None
    bench.port.believe((*director.roots, director.targets))
    assert sum(bench.blocks) > sum(map(len, director.roots[-45:]))


def test_more_roots_than_a_unit_takes_at_once_are_said_to_be_that() -> None:
    director = Director()
    bench = joined(director)
    director.roll()
    again = METADATA_MOST_BYTES // len(director.roots[-1]) + 1
    with pytest.raises(RefusedError, match=r"bytes of metadata, a unit takes .* join it anew"):
        bench.port.believe((*director.roots[-1:] * again, director.targets))
    bench.port.believe((*director.roots, director.targets))


def offer_many(director: Director, units: int) -> None:
    """A car with so many units, each with an image and a delta."""
    hashes = {"sha256": "11" * 32, "sha512": "11" * 64}
    delta = {
        "algorithm": "volant-delta",
        "name": "delta/" + "11" * 32 + ".delta",
        "length": 100_000,
        "hashes": hashes,
        "base": hashes,
    }
    director.name(NEW, 7)
    for number in range(units - 1):
        who = {f"ecu-serial-{number:08}": {"hardwareId": "hardware-a"}}
        custom = {"ecuIdentifiers": who, "releaseCounter": 7, "deltas": [delta]}
        name = f"unit{number:03}/release-7.img"
        director.keeper.add(target_file(name, b"x" * number, custom))
    director.keeper.publish(director.now_s, ["targets"])


def test_a_unit_has_room_for_a_director_of_100_units_and_says_when_it_has_none() -> None:
    director = Director()
    bench = joined(director)
    offer_many(director, 100)
    assert len(director.targets) > 90_000
    bench.port.stage(replace(order(NEW), metadata=(director.targets,)), quiet)
    assert bench.port.now().staged is not None
    offer_many(director, 150)
    with pytest.raises(RefusedError, match=rf"bytes of metadata, {TRUST.metadata_bytes} fit"):
        bench.port.believe([director.targets])
    assert report(bench).attack is None


def test_the_longest_name_that_a_director_may_give_is_reported() -> None:
    director = Director()
    bench = joined(director)
    who = {"ecuIdentifiers": {"brake": {"hardwareId": "SIM-1"}}, "releaseCounter": 7}
    director.keeper.add(target_file("n" * NAME_MOST, NEW, who))
    director.keeper.publish(director.now_s, ["targets"])
    bench.port.stage(replace(order(NEW), metadata=(director.targets,)), quiet)
    install(bench)
    told = report(bench).installed
    assert told is not None
    assert told.name == "n" * NAME_MOST


def test_reasons_of_a_unit_are_fit_to_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = joined(Director())
    wild = b"\x01\x1b[2Jevil\n\xff" + b"x" * 1000
    monkeypatch.setattr(bench.port._line, "routine", lambda *_: wild)
    with pytest.raises(RefusedError) as caught:
        bench.port.hear(b"")
    assert str(caught.value).isprintable()
    assert "?[2Jevil" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_signed_time_answers_the_unit_s_own_nonce() -> None:
    bench = joined(Director())
    nonce = bench.port.nonce()
    assert len(nonce) == 16
    with pytest.raises(RefusedError, match="no question"):
        bench.port.hear(attest(BEGIN_S, ("00" * 16,), key_of("time")))
    bench.port.hear(attest(BEGIN_S, (nonce.hex(),), key_of("time")))
    assert report(bench).time_s == BEGIN_S


@pytest.mark.parametrize("fault", ["request", "answer", "power", "late"])
def test_metadata_get_across_whatever_is_lost(fault: str) -> None:
    for at in range(12):
        director = Director()
        bench = joined(director)
        director.name(NEW)
        bench.faults = {at: fault}
        bench.port.believe([director.targets])
        bench.port.stage(order(NEW), quiet)
        assert bench.port.now().staged is not None, at


def test_metadata_that_are_no_list_or_too_long_or_not_whole_are_refused() -> None:
    bench = joined(Director())
    bench.config = replace(bench.config, block_length=1024)
    line = bench.port._line
    line.open(b"test")
    for data in (b"\xc1", msgspec.msgpack.encode([1]), msgspec.msgpack.encode([b""] * 301)):
        request = bytes.fromhex(f"34004409000000{len(data):08x}")
        assert bench.ask(request)[0] == 0x74
        assert bench.ask(b"\x36\x01" + data)[0] == 0x76
        assert bench.ask(b"\x37")[0] == 0x77
        assert line.routine(0x0206)[0] == 1
    with pytest.raises(RefusedError, match="sequence"):
        line.routine(0x0206)
    for size in (0, METADATA_MOST_BYTES + 1):
        with pytest.raises(RefusedError):
            bench.ask(bytes.fromhex(f"34004409000000{size:08x}"))
