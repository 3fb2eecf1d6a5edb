"""A unit with one slot: it has no program while it is written, and its way back is open until it is confirmed:
U-NOSTORE.
"""

from dataclasses import replace

import pytest

from tests.ota.test_uds_unit import quiet
from tests.ota.unit_bench import FIRST, WHO, UnitBench, artifact, image, order
from tests.vehicle.boot.director import Director
from volant.core.errors import RefusedError
from volant.ota import NeedsWholeError
from volant.trust.flash import Flash
from volant.vehicle.boot import Bootloader, Layout
from volant.vehicle.boot.device import LAYOUT, TRUST
from volant.vehicle.boot.trusting import UnitTrust

NEW = image()


def one_slot(flash: Flash) -> Bootloader:
    layout = Layout(LAYOUT.record, LAYOUT.slots[:1])
    return Bootloader(flash, layout, WHO, trust=UnitTrust(flash, TRUST))


def changed(director: Director) -> UnitBench:
    """The unit with the new image, not confirmed."""
    bench = UnitBench(make=one_slot)
    UnitTrust(bench.flash, TRUST).join(director.joining())
    bench.power_on()
    director.name(NEW)
    bench.port.stage(replace(order(NEW), metadata=(director.targets,)), quiet)
    bench.port.activate()
    bench.port.reset()
    assert bench.version == "3.0"
    assert not bench.port.now().two_slots
    return bench


def test_u_nostore_until_it_is_confirmed_the_old_program_is_taken_back_though_nobody_names_it() -> (
    None
):
    bench = changed(Director())
    bench.port.revert()
    bench.port.stage(order(FIRST, 0), quiet)
    bench.port.activate()
    bench.port.reset()
    assert bench.version == "1.0"
    bench.port.confirm()
    bench.port.stage(order(NEW), quiet)
    assert bench.port.now().staged is not None


def test_once_it_is_confirmed_the_old_one_is_refused() -> None:
    bench = changed(Director())
    bench.port.confirm()
    with pytest.raises(RefusedError, match="release is lower"):
        bench.port.stage(order(FIRST, 0), quiet)


def test_u_nostore_after_a_cut_while_it_is_written_it_waits_in_its_bootloader() -> None:
    bench = UnitBench(make=one_slot)
    bench.faults = {14: "power"}
    bench.port.stage(order(NEW), quiet)
    now = bench.port.now()
    assert bench.port.resumed_at
    assert (now.runs, now.version, now.active) == (None, "", False)
    assert now.staged is not None
    bench.port.activate()
    bench.port.reset()
    assert bench.version == "3.0"


def test_a_delta_is_not_for_it() -> None:
    bench = UnitBench(make=one_slot)
    with pytest.raises(NeedsWholeError):
        bench.port.stage(replace(order(NEW), image=None, delta=artifact(b"d")), quiet)
