"""Questions to units in the same program: answers and errors as over DoIP."""

import pytest

from volant.app.served_units import UnitsLine, served_units
from volant.caros.codes import fresh_memories
from volant.caros.diagnostics import NegativeResponseError, UnknownUnitError
from volant.core.errors import LinkError
from volant.vehicle.boot import Identity, Tables
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.boot.device import in_memory
from volant.vehicle.ecus import ECUS, CarFacts

GATEWAY = ECUS[0]
STANDING = {"speed_mps": 0.0, "supply_v": 12.9}


@pytest.fixture(scope="module")
def line() -> UnitsLine:
    boots = {spec.name: in_memory(Identity(spec.name, HARDWARE), "1", Tables()) for spec in ECUS}
    live = STANDING.get
    units = served_units(CarFacts(), lambda name: live(name, 0.0), fresh_memories(), boots)
    return UnitsLine(units)


def test_a_unit_answers_and_refuses(line: UnitsLine) -> None:
    answer = line.ask(GATEWAY.address, bytes.fromhex("22f190"))
    assert answer[:3] == bytes.fromhex("62f190")
    with pytest.raises(NegativeResponseError) as refused:
        line.ask(GATEWAY.address, bytes.fromhex("22ffff"))
    assert refused.value.nrc == 0x31


def test_long_work_is_waited_for(line: UnitsLine) -> None:
    line.ask(GATEWAY.address, bytes.fromhex("1003"))
    assert line.ask(GATEWAY.address, bytes.fromhex("31010301"))[0] == 0x71
    line.ask(GATEWAY.address, bytes.fromhex("1001"))


def test_nobody_and_silence_are_told_apart(line: UnitsLine) -> None:
    with pytest.raises(UnknownUnitError, match="4711"):
        line.ask(0x4711, b"\x3e\x00")
    with pytest.raises(LinkError, match="does not answer"):
        line.ask(GATEWAY.address, b"\x3e\x80")
