"""A delta over the unit's bus: applied from the slot that runs, gone on with by segments, else the whole image."""

import random
from dataclasses import replace
from itertools import count

import pytest

from tests.ota.test_uds_unit import quiet
from tests.ota.unit_bench import UnitBench, artifact, image, order
from volant.core.errors import LinkError, RefusedError
from volant.ota import NeedsWholeError, Order
from volant.trust.delta.make import DeltaSettings, make_delta
from volant.trust.flash import CrashState, MemoryFlash, RecordingFlash, check_states
from volant.vehicle.boot import Image, Tables, make_image
from volant.vehicle.boot.device import GEOMETRY

SEGMENT = 4096


def long_image(release: int, rows: int = 1000) -> bytes:
    """About 20 kB, a few rows of which differ from release to release."""
    dice = random.Random(7)
    table = {f"row_{n:05}": dice.random() for n in range(rows)}
    table |= {f"row_{n:05}": float(release) for n in range(0, rows, 97)}
    told = Image(
        unit="brake",
        hardware="SIM-1",
        version=f"{release}.0",
        release=release,
        tables=Tables(calibration=table),
    )
    return make_image(told)


OLD, NEW = long_image(1), long_image(2)
DELTA = make_delta(OLD, NEW, DeltaSettings(segment_bytes=SEGMENT))


def by_delta(*, whole: bool = False, delta: bytes = DELTA) -> Order:
    found = order(NEW, 2)
    return replace(found, image=found.image if whole else None, delta=artifact(delta, "d"))


def running(flash: MemoryFlash | None = None) -> UnitBench:
    """The unit with the old image."""
    bench = UnitBench(flash)
    if flash is None:
        bench.boot.provision(OLD)
        bench.power_on()
    return bench


def test_a_delta_makes_the_new_image_of_what_runs() -> None:
    bench, told = running(), list[tuple[int, int]]()
    bench.port.stage(by_delta(), lambda done, size: told.append((done, size)))
    assert sum(bench.blocks) == len(DELTA) < len(NEW) // 4
    assert told[0] == (0, len(DELTA))
    assert told[-1] == (len(DELTA), len(DELTA))
    bench.port.activate()
    bench.port.reset()
    assert bench.version == "2.0"
    assert bench.boot.program(bench.boot.next_slot)[0] == NEW


def test_a_delta_from_other_bytes_is_not_even_sent() -> None:
    bench = UnitBench()
    with pytest.raises(NeedsWholeError, match="whole image"):
        bench.port.stage(by_delta(), quiet)
    assert not bench.blocks
    bench.port.stage(by_delta(whole=True), quiet)
    assert sum(bench.blocks) == len(NEW)


@pytest.mark.parametrize("delta", [b"", b"junk" * 30, DELTA[:-1], DELTA[:40]])
def test_what_is_no_delta_is_not_sent_either(delta: bytes) -> None:
    bench = running()
    bench.port.stage(by_delta(whole=True, delta=delta), quiet)
    assert sum(bench.blocks) == len(NEW)


def test_the_unit_refuses_a_delta_that_does_not_fit_it() -> None:
    bench = UnitBench()
    line = bench.port._line
    line.open(b"test")
    line.routine(0xFF00)
    bench.config = replace(bench.config, block_length=4098)
    for data, nrc in ((DELTA, "31"), (b"junk" * 30, "71"), (DELTA[:-4] + b"\0\0\0\0", "31")):
        line.open(b"test")
        bench.ask(bytes.fromhex(f"34104408000000{len(data):08x}"))
        with pytest.raises(RefusedError, match=f"refused with {nrc}"):
            bench.ask(b"\x36\x01" + data)
        with pytest.raises(RefusedError, match="refused with 24"):
            bench.ask(b"\x36\x01" + data)
    line.open(b"test")
    with pytest.raises(RefusedError, match="refused with 31"):
        bench.ask(bytes.fromhex("34104408000001000000ff"))


def test_a_payload_that_was_changed_on_the_way_is_refused_and_the_image_comes_whole() -> None:
    bench, changed = running(), bytearray(DELTA)
    changed[-3] ^= 1
    with pytest.raises(NeedsWholeError):
        bench.port.stage(by_delta(delta=bytes(changed)), quiet)
    bench.port.stage(by_delta(whole=True, delta=bytes(changed)), quiet)
    assert bench.port.now().staged is not None


@pytest.mark.parametrize("fault", ["request", "answer", "power", "late"])
def test_one_fault_at_every_request_costs_a_segment_at_most(fault: str) -> None:
    plain = running()
    plain.port.stage(by_delta(), quiet)
    for at in range(plain.asked):
        bench = running()
        bench.faults = {at: fault}
        bench.port.stage(by_delta(), quiet)
        assert bench.port.now().staged is not None, at
        assert sum(bench.blocks) <= len(DELTA) + SEGMENT + len(DELTA) // 4, at


def test_a_cut_at_any_write_leaves_the_old_program_and_the_delta_goes_on() -> None:
    start = running()
    assert isinstance(start.flash, MemoryFlash)
    recorded = RecordingFlash(GEOMETRY, start.flash.content)
    running(recorded).port.stage(by_delta(), quiet)
    resumed, states = set(), count()

    def check(device: MemoryFlash, state: CrashState) -> None:
        after = running(device)
        assert after.version == "1.0", state.words
        if next(states) % 7:  # going on from every one takes half a minute
            return
        after.port.stage(by_delta(), quiet)
        assert after.port.now().staged is not None, state.words
        resumed.add(after.port.resumed_at > 0)

    assert check_states(recorded, check) > 300
    assert resumed == {True, False}


def test_a_part_that_a_delta_made_is_gone_on_with_by_the_whole_image() -> None:
    bench = running()
    bench.faults = dict.fromkeys(range(12, 10_000), "request")
    with pytest.raises(LinkError):
        bench.port.stage(by_delta(), quiet)
    bench.faults = {}
    assert bench.boot.resumes_at[0] >= SEGMENT
    bench.blocks.clear()
    bench.port.stage(order(NEW, 2), quiet)
    assert bench.port.resumed_at >= SEGMENT
    assert sum(bench.blocks) == len(NEW) - bench.port.resumed_at
    assert bench.port.now().staged is not None


def test_a_part_of_another_image_is_erased_for_a_delta() -> None:
    bench = running()
    bench.faults = dict.fromkeys(range(20, 10_000), "request")
    with pytest.raises(LinkError):
        bench.port.stage(order(image(5, rows=900)), quiet)
    bench.faults = {}
    bench.port.stage(by_delta(), quiet)
    assert bench.port.now().staged is not None
