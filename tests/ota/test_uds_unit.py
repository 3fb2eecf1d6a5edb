"""A unit is programmed by UDS, whatever is refused, lost or cut on the way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ota.unit_bench import BLOCK, FIRST, UnitBench, artifact, image, order
from volant.caros.diagnostics import NegativeResponseError
from volant.core.errors import LinkError, RefusedError
from volant.ota import Order
from volant.ota.uds_unit import UdsUnit, runs
from volant.trust.flash import MemoryFlash
from volant.vehicle.boot.device import GEOMETRY, SLOT_BYTES
from volant.wire.uds import Nrc

NEW = image()


def quiet(_done: int, _size: int) -> None:
    """Nobody listens."""


def install(bench: UnitBench) -> None:
    """What the update machine does; a boot too much would cost the trial."""
    bench.port.stage(order(NEW), quiet)
    if not runs(bench.port.now(), order(NEW)):
        bench.port.activate()
        bench.port.reset()
    bench.port.confirm()


def test_the_whole_way_is_told_at_each_step() -> None:
    bench, told = UnitBench(), list[tuple[int, int]]()
    port = bench.port
    now = port.now()
    assert now.runs is not None
    assert (now.version, now.runs.length, now.staged) == ("1.0", len(FIRST), None)
    port.stage(order(NEW), lambda done, size: told.append((done, size)))
    now = port.now()
    assert now.staged is not None
    assert now.staged.hashes == order(NEW).target.hashes
    assert (now.version, now.active, now.on_trial) == ("1.0", False, False)
    assert told[0] == (0, len(NEW))
    assert told[-1] == (len(NEW), len(NEW))
    port.activate()
    now = port.now()
    assert (now.version, now.active, now.on_trial) == ("1.0", True, False)
    assert now.staged is not None
    assert bench.boot.coming == 3
    port.reset()
    now = port.now()
    assert (now.version, now.active, now.on_trial, now.staged) == ("3.0", False, True, None)
    port.confirm()
    assert not port.now().on_trial
    for _ in range(3):
        bench.power_on()
        assert bench.version == "3.0"


def test_each_step_may_be_repeated() -> None:
    bench = UnitBench()
    for _ in range(2):
        bench.port.stage(order(NEW), quiet)
    assert sum(bench.blocks) == len(NEW)
    for _ in range(2):
        bench.port.activate()
    bench.port.reset()
    bench.port.activate()
    for _ in range(2):
        bench.port.confirm()
    bench.port.stage(order(NEW), quiet)
    assert sum(bench.blocks) == len(NEW)
    assert bench.version == "3.0"


def test_a_trial_is_given_up_before_and_after_the_reset() -> None:
    bench = UnitBench()
    bench.port.revert()
    bench.port.stage(order(NEW), quiet)
    bench.port.revert()
    bench.port.activate()
    bench.port.revert()
    bench.port.reset()
    assert bench.version == "1.0"
    bench.port.stage(order(NEW), quiet)
    bench.port.activate()
    bench.port.reset()
    assert bench.version == "3.0"
    bench.port.revert()
    bench.port.reset()
    assert bench.version == "1.0"
    assert bench.port.now().rolled_back


def test_beside_a_trial_nothing_is_written() -> None:
    bench = UnitBench()
    bench.port.stage(order(NEW), quiet)
    bench.port.activate()
    with pytest.raises(RefusedError, match="on trial"):
        bench.port.stage(order(image(4)), quiet)
    bench.port.reset()
    with pytest.raises(RefusedError, match="on trial"):
        bench.port.stage(order(image(4)), quiet)


@pytest.mark.parametrize("fault", ["request", "answer", "power", "late"])
def test_one_fault_at_every_request_changes_nothing_of_the_end(fault: str) -> None:
    plain = UnitBench()
    install(plain)
    for at in range(plain.asked):
        bench = UnitBench()
        bench.faults = {at: fault}
        try:
            install(bench)
        except LinkError:
            install(bench)
        assert bench.version == "3.0", at
        assert not bench.boot.on_trial, at
        if fault in ("answer", "request"):  # at most what did not survive is sent again
            assert sum(bench.blocks) <= len(NEW) + GEOMETRY.erase_bytes + BLOCK, at


@given(
    st.dictionaries(
        st.integers(0, 80), st.sampled_from(["request", "answer", "power", "late"]), max_size=12
    )
)
@settings(max_examples=40, deadline=None)
def test_whatever_breaks_off_it_is_gone_on_with(faults: dict[int, str]) -> None:
    bench = UnitBench()
    bench.faults = faults
    for _ in range(20):
        assert bench.version in ("1.0", "3.0")
        try:
            install(bench)
        except (LinkError, RefusedError):
            continue
        if bench.version == "3.0":
            break
    assert bench.version == "3.0"


def test_a_dead_line_ends() -> None:
    bench = UnitBench()
    bench.faults = dict.fromkeys(range(10_000), "request")
    for act in (bench.port.now, bench.port.activate, bench.port.reset, bench.port.report):
        with pytest.raises((LinkError, RefusedError)):
            act()
    with pytest.raises(LinkError):
        bench.port.stage(order(NEW), quiet)
    assert bench.asked < 1_000


def test_what_is_not_possible_now_and_what_never_is() -> None:
    bench = UnitBench()
    bench.values["supply_v"] = 10.0
    with pytest.raises(LinkError, match="supply is too low"):
        bench.port.stage(order(NEW), quiet)
    bench.values = {"speed_mps": 3.0, "supply_v": 12.9}
    with pytest.raises(LinkError, match="the car moves"):
        bench.port.stage(order(NEW), quiet)
    bench.values["speed_mps"] = 0.0
    with pytest.raises(RefusedError, match="its slots hold"):
        bench.port.stage(order(bytes(1 << 16)), quiet)
    with pytest.raises(RefusedError, match="is no image"):
        bench.port.stage(order(bytes(3000)), quiet)
    with pytest.raises(RefusedError, match="whole image"):
        bench.port.stage(Order(target=order(NEW).target, image=None), quiet)
    with pytest.raises(RefusedError, match="nothing waits"):
        bench.port.activate()
    bench.port.stage(order(image(4, drive=7)), quiet)
    with pytest.raises(RefusedError, match="later program of another unit"):
        bench.port.activate()
    assert bench.version == "1.0"


def test_wrong_keys_are_told_and_others_wrong_keys_are_waited_out() -> None:
    bench = UnitBench()
    wrong = UdsUnit("brake", bench.ask, lambda _level, _seed: bytes(16), bench._wait)
    for _ in range(3):
        with pytest.raises(RefusedError, match="another key"):
            wrong.stage(order(NEW), quiet)
    install(bench)
    assert bench.version == "3.0"
    assert bench.waited_s > 10


@pytest.mark.parametrize("nrc", [*Nrc, 0xEE])
def test_every_refusal_has_an_end(nrc: int) -> None:
    bench, refusing = UnitBench(), True

    def ask(request: bytes) -> bytes:
        if refusing and request[0] == 0x36:
            raise NegativeResponseError(0x36, nrc)
        return bench.ask(request)

    port = UdsUnit("brake", ask, bench.port._line._key, bench._wait)
    with pytest.raises((RefusedError, LinkError), match="brake: "):
        port.stage(order(NEW), quiet)
    assert bench.asked < 500
    refusing = False
    port.stage(order(NEW), quiet)
    assert port.now().staged is not None


def test_a_rest_of_other_bytes_is_not_gone_on_with_and_a_spoilt_one_is_written_again() -> None:
    bench = UnitBench()
    bench.faults = dict.fromkeys(range(14, 10000), "request")
    with pytest.raises(LinkError):
        bench.port.stage(order(image(5)), quiet)
    bench.faults = {}
    assert bench.boot.resumes_at[0]
    bench.port.stage(order(NEW), quiet)
    assert bench.port.resumed_at == 0
    assert bench.port.now().staged is not None


def test_a_unit_without_a_program_tells_so_and_is_programmed() -> None:
    bench = UnitBench(MemoryFlash(GEOMETRY))
    now = bench.port.now()
    assert (now.runs, now.version, now.staged) == (None, "", None)
    install(bench)
    assert bench.version == "3.0"


def test_what_is_no_answer_is_a_fault_of_the_line() -> None:
    for answer in (b"\x62\x01\x22\xff", b"\x62\x01\x23", b"\x62"):
        port = UdsUnit("brake", lambda _: answer, lambda _l, _s: b"", lambda _: None)  # noqa: B023
        with pytest.raises(LinkError, match="brake: "):
            port.now()


def test_an_artifact_is_read_in_pieces() -> None:
    assert artifact(b"abc").read(1, 9) == b"bc"


def test_requests_are_no_longer_than_the_way_takes() -> None:
    bench = UnitBench()
    port = UdsUnit("brake", bench.ask, bench.port._line._key, bench._wait, request_most=100)
    port.stage(order(NEW), quiet)
    assert max(bench.blocks) == 98
    assert sum(bench.blocks) == len(NEW)


def test_an_image_that_no_slot_holds_is_refused_before_a_byte_is_sent() -> None:
    bench = UnitBench()
    assert bench.port.now().room_bytes == SLOT_BYTES
    long = bytes(SLOT_BYTES + 1024)
    with pytest.raises(RefusedError, match=r"image of 33\.0 KiB, its slots hold 32\.0 KiB"):
        bench.port.stage(order(long), quiet)
    assert bench.blocks == []
    assert bench.boot.resumes_at == (0, 0)
