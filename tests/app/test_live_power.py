"""What the live car does for a person who is not there: the pilot goes with the trip, and its turn signal too."""

from __future__ import annotations

import msgspec
import pytest

from tests.safety.builders import Drive, car_state, command
from volant.app.live_power import let_go
from volant.core.messages import CommandSource, Indicator, RequestKind
from volant.safety import guard
from volant.safety.guard import GuardInput


@pytest.mark.parametrize("side", [Indicator.LEFT, Indicator.RIGHT])
def test_the_turn_signal_that_the_pilot_had_set_goes_with_it(side: Indicator) -> None:
    drive = Drive(speed_mps=0.0)
    drive.engage()
    lit = drive.tick(ask=command(drive.stamp_ns, indicator=side)).command
    assert lit.indicator is side
    stamp_ns = drive.stamp_ns + 10_000_000
    car = car_state(stamp_ns, 0.0, indicator=side)
    requests = let_go(stamp_ns, car)
    asked = msgspec.structs.replace(lit, stamp_ns=stamp_ns)
    _, decision = guard.check(
        drive.state, GuardInput(stamp_ns, car, asked, requests=requests), drive.settings
    )
    assert decision.source is CommandSource.DRIVER
    assert decision.command.indicator is Indicator.OFF


@pytest.mark.parametrize("shown", [Indicator.OFF, Indicator.HAZARD])
def test_hazard_lights_stay_on(shown: Indicator) -> None:
    for car in (car_state(0, 0.0, indicator=shown), None):
        assert [request.kind for request in let_go(0, car)] == [RequestKind.CANCEL]
