"""What the live car's diagnostics tell the screens, and when they clear."""

from __future__ import annotations

import math

import msgspec
import pytest

from tests.caros.motorway import Drive
from volant.app.live_diagnostics import SHOWN, TELL_NS, told_codes, why_not_clear
from volant.caros.codes import fresh_memories, present_codes
from volant.core.messages import CarState, Gear, TroubleCode, TroubleCodes
from volant.vehicle.ecus import circumstances

S = 1_000_000_000
LATEST = Drive().latest(1.0).car


def car(speed_mps: float, gear: Gear, *, valid: bool = True) -> CarState:
    assert LATEST is not None
    return msgspec.structs.replace(LATEST, speed_mps=speed_mps, gear=gear, valid=valid)


def some(count: int) -> tuple[TroubleCode, ...]:
    memories = fresh_memories()
    memory = memories["pilot"]
    for spec in memory.specs[:count]:
        memory.report(spec.code, True, 1, circumstances(lambda _: math.nan))
    return present_codes(memories)


def told(
    before: TroubleCodes | None, found: tuple[TroubleCode, ...], now_ns: int, refused: str = ""
) -> TroubleCodes | None:
    return told_codes(before, found, now_ns, may_clear=False, refused=refused)


def test_codes_are_cleared_from_the_screen_in_park_only() -> None:
    assert why_not_clear(car(0.0, Gear.PARK), S) == ""
    assert why_not_clear(car(0.0, Gear.DRIVE), S) == "Only in park"
    assert why_not_clear(car(3.0, Gear.PARK), S) == "Not while the car moves"
    assert why_not_clear(car(-3.0, Gear.REVERSE), S) == "Not while the car moves"


@pytest.mark.parametrize("seen", [None, car(0.0, Gear.PARK, valid=False), car(0.0, Gear.PARK)])
def test_a_car_that_does_not_say_so_is_not_taken_to_stand(seen: CarState | None) -> None:
    assert why_not_clear(seen, 2 * S) == "The car does not say that it stands"


def test_codes_are_told_when_they_change_and_now_and_then() -> None:
    first = told(None, (), 0)
    assert first is not None
    assert (first.number, first.count) == (0, 0)
    assert told(first, (), TELL_NS - 1) is None
    again = told(first, (), TELL_NS)
    assert again is not None
    assert again.number == 0
    new = told(again, some(2), TELL_NS + 1)
    assert new is not None
    assert (new.number, new.count) == (1, 2)
    refused = told(new, some(2), TELL_NS + 2, "Only in park")
    assert refused is not None
    assert (refused.number, refused.refused) == (2, "Only in park")


def test_many_codes_fit_on_the_bus() -> None:
    found = some(200)
    message = told(None, found, 0)
    assert message is not None
    assert message.count == len(found) > SHOWN == len(message.codes)
    assert len(msgspec.msgpack.encode(message)) < 32_000
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=TroubleCodes) == message
