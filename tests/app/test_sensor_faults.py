"""Each one of the sensors lost for eight seconds, on the motorway and in town: said, and no contact."""

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import replace

from tests.marks import soaked
from volant.app import compose
from volant.app.compose import Trip, plan_trip
from volant.app.drive import drive_trip
from volant.app.exits import Exit
from volant.app.trip import TripWish
from volant.core import topics
from volant.core.bus import Bus
from volant.core.clock import NS_PER_S
from volant.core.messages import Engagement, InterventionKind
from volant.sim import WorldSettings
from volant.sim.sensors_faults import FaultKind, SensorFault

FROM_S, TO_S, END_S = 12.0, 20.0, 26.0
SENSORS = (
    *("radar_front", "radar_front_left", "radar_front_right", "radar_rear_left"),
    *("radar_rear_right", "camera_front", "camera_left", "camera_right", "camera_rear"),
    *("ultrasonic", "gnss"),
)


def wish(place: str) -> TripWish:
    town = place == "town"
    return TripWish(
        car="g3-520",
        road="volant-world",
        seed=5,
        sensors="typical",
        cars=30,
        start="school" if town else "Ring counter-clockwise",
        to="harbour" if town else None,
        distance_m=None if town else 3000.0,
    )


class Heard:
    """What the pilot said and did."""

    def __init__(self) -> None:
        self.codes: set[str] = set()
        self.alerts: set[str] = set()
        self.engaged: set[Engagement] = set()
        self.now_s = 0.0

    def watch(self, bus: Bus) -> Callable[[int], None]:
        states, alerts = bus.subscribe(topics.PILOT_STATE), bus.subscribe(topics.ALERT)

        def look(stamp_ns: int) -> None:
            self.now_s = stamp_ns / NS_PER_S
            for state in states.take():
                self.codes |= set(state.degraded)
                self.engaged.add(state.engagement)
            self.alerts |= {alert.alert_id for alert in alerts.take()}

        return look

    def ended(self) -> tuple[Exit, str] | None:
        return (Exit.DONE, "seen enough") if self.now_s >= END_S else None


def drive_without(
    sensor: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Heard, int, float | None]:
    plain = compose.world_settings

    def broken(trip: Trip) -> WorldSettings:
        fault = SensorFault(sensor=sensor, from_s=FROM_S, to_s=TO_S)
        return replace(plain(trip), faults=(fault,))

    monkeypatch.setattr(compose, "world_settings", broken)
    heard = Heard()
    driven = drive_trip(plan_trip(wish(place)), watch=heard.watch, asked_to_end=heard.ended)
    return heard, driven.summary.contacts, driven.summary.accel_min_mps2


@pytest.mark.slow
@pytest.mark.parametrize(("sensor", "place"), soaked(product(SENSORS, ["motorway", "town"])))
def test_one_sensor_lost_for_a_while_is_said_and_nobody_is_hit(
    sensor: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, contacts, hardest = drive_without(sensor, place, monkeypatch)
    assert contacts == 0
    assert f"{sensor}_lost" in heard.codes & heard.alerts
    assert hardest is not None
    assert hardest > -4.2
    if sensor != "camera_front":  # the others make up for any other one
        assert heard.engaged <= {Engagement.OFF, Engagement.READY, Engagement.ENGAGED}
    assert Engagement.MINIMAL_RISK not in heard.engaged


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "code"), [(FaultKind.FROZEN, "gnss_lost"), (FaultKind.GHOSTS, "gnss_off")]
)
def test_a_receiver_that_hangs_or_jumps_away_is_named_and_the_car_stays_in_its_lane(
    kind: FaultKind, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In town for 40 s: until the pilot asks for the driver (30 s) it goes by wheels, gyro, lanes and signs."""
    plain = compose.world_settings

    def broken(trip: Trip) -> WorldSettings:
        fault = SensorFault(sensor="gnss", kind=kind, from_s=10.0)
        return replace(plain(trip), faults=(fault,))

    monkeypatch.setattr(compose, "world_settings", broken)
    heard = Heard()
    driven = drive_trip(
        plan_trip(wish("town")),
        watch=heard.watch,
        asked_to_end=lambda: (Exit.DONE, "seen enough") if heard.now_s >= 50.0 else None,
    )
    found = [one.kind for one in driven.summary.intervention_list]
    assert InterventionKind.ROAD_LEFT not in found
    assert driven.summary.contacts == 0
    assert driven.summary.max_lane_offset_m is not None
    assert driven.summary.max_lane_offset_m < 0.3
    assert code in heard.codes & heard.alerts
    assert Engagement.TAKEOVER in heard.engaged  # a wrong place does not hold for ever
