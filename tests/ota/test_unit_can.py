"""Programming over ISO-TP on a bus that loses frames, falls silent and takes its time."""

import pytest

from tests.ota.can_line import FRAME_NS, CanLine
from tests.ota.test_uds_unit import quiet
from tests.ota.unit_bench import UnitBench, image, order
from volant.ota.uds_unit import UdsUnit
from volant.vehicle import ecus, uds_server
from volant.wire.isotp import IsoTpFault

NEW = image()


class OverCan:
    """A unit behind ISO-TP."""

    def __init__(self) -> None:
        self.bench = UnitBench()
        self.line = CanLine(self.bench.serve)
        self.port = UdsUnit(
            "brake",
            self.line.ask,
            lambda level, seed: ecus.key_for(ecus.secret_of("brake"), level, seed),
            self.line.wait,
        )

    def install(self) -> None:
        self.port.stage(order(NEW), quiet)
        self.port.activate()
        self.port.reset()
        self.port.confirm()


def test_the_whole_way_takes_as_long_as_its_frames() -> None:
    over = OverCan()
    over.install()
    assert over.bench.version == "3.0"
    assert not over.line.faults
    assert over.line.now_ns >= over.line.frames * FRAME_NS
    assert over.line.frames > len(NEW) // 7


def test_any_frame_may_be_lost() -> None:
    plain, seen = OverCan(), set[IsoTpFault]()
    plain.port.stage(order(NEW), quiet)
    for lost in range(0, plain.line.frames, 7):
        over = OverCan()
        over.line.lost = {lost}
        over.port.stage(order(NEW), quiet)
        assert over.port.now().staged is not None, lost
        seen |= set(over.line.faults)
    # A flow control, a consecutive frame in the midst, one at the end.
    assert {IsoTpFault.TIMEOUT_BS, IsoTpFault.WRONG_SEQUENCE} <= seen


def test_many_frames_may_be_lost() -> None:
    over = OverCan()
    over.line.lost = set(range(40, 4000, 97))
    over.port.stage(order(NEW), quiet)
    assert over.port.now().staged is not None


@pytest.mark.parametrize("seconds", [4.9, 5.1, 60.0])
def test_a_pause_longer_than_s3_ends_the_session_and_the_transfer_goes_on(seconds: float) -> None:
    over, told = OverCan(), list[int]()

    def tell(done: int, _size: int) -> None:
        told.append(done)
        if len(told) == 6:
            over.line.wait(seconds)

    over.port.stage(order(NEW), tell)
    assert over.port.now().staged is not None
    assert over.port.resumed_at == (0 if seconds < 5 else 1024)


def test_a_reset_in_the_midst_of_an_erase_leaves_the_bootloader_and_it_goes_on() -> None:
    over = OverCan()
    bench, erased = over.bench, 0
    step = bench.boot.erase_step

    def cut() -> bool:
        nonlocal erased
        erased += 1
        if erased == 7:
            bench.power_on()
            raise OSError("no power")
        return step()

    bench.boot.erase_step = cut  # type: ignore[method-assign]
    over.port.stage(order(NEW), quiet)
    assert erased == 7
    assert bench.version == "1.0"
    assert over.port.now().staged is not None
    assert uds_server.next_due_ns(bench.state) is None
