"""The body over buses: every value that a signal carries arrives within one bit, by hand-written signals too."""

import itertools
from typing import Any

import cantools
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from tests.vehicle.network.bus_car import MAPPING, TICK_NS, BusBench, new_units
from tests.vehicle.network.test_agreement import states
from volant.core.body import BodyItem, BodyPlace, BodyRequest, BodyState, LightSwitch
from volant.core.geometry import Pose
from volant.core.messages import CarState
from volant.vehicle import plant
from volant.vehicle.network import Frame
from volant.vehicle.network.bodybus import GATHER_NS, signals_of
from volant.vehicle.network.bodyfields import BODY_FIELDS, BodyField, body_of

BODY = cantools.database.load_file(REPO / "cars" / "network" / "body.dbc")
FIELDS = {one.name: one for one in MAPPING.body}
STILL = BusBench().state
BESIDE = {"seats_front_left_belted", "lights_reverse"}
"""What the car's own state tells too, and it goes first."""
UNTOLD = {
    f"seats_{place}_{part}"
    for place in ("rear_left", "rear_right", "rear_middle")
    for part in ("position_m", "height_m", "recline_rad", "tilt_rad")
} | {"seats_rear_middle_heat_pct"}
"""Rear seats do not move and the middle one is not heated."""


def reach(name: str) -> tuple[float, float]:
    """What a value's signal can carry."""
    field = FIELDS[name]
    signal = MAPPING.heard[field.message].signals[field.signal]
    ends = sorted(
        (raw * signal.scale + signal.offset) * field.factor + field.offset
        for raw in (signal.low_raw, signal.high_raw)
    )
    return ends[0], ends[1]


def bit_of(name: str) -> float:
    field = FIELDS[name]
    return MAPPING.heard[field.message].signals[field.signal].scale * abs(field.factor)


def strategy(one: BodyField) -> st.SearchStrategy[Any]:
    if one.words:
        return st.sampled_from(list(one.kind))  # type: ignore[call-overload]
    if one.kind is bool:
        return st.booleans()
    low, high = reach(one.name)
    low, high = max(low, one.low), min(high, one.high)
    if one.kind is int:
        return st.integers(round(low), round(high))
    numbers = st.floats(low, high, allow_nan=False)
    # The last minute of what can be told means that nothing flows.
    return st.one_of(st.none(), st.floats(low, high - 120.0)) if one.optional else numbers


bodies = st.fixed_dictionaries(
    {name: strategy(BODY_FIELDS[name]) for name in FIELDS if name not in BESIDE}
).map(lambda values: body_of(values, 0))


def test_every_value_of_the_body_has_a_signal_or_stands_still() -> None:
    assert set(BODY_FIELDS) - set(FIELDS) == UNTOLD


def test_a_body_is_made_of_its_values_again() -> None:
    bench = BusBench()
    told = bench.car.body(0)
    assert told is not None
    values = {name: one.get(told) for name, one in BODY_FIELDS.items()}
    charge = msgspec.structs.replace(told.charge, why="")
    assert body_of(values, 0) == msgspec.structs.replace(told, refusal="", charge=charge)


@settings(max_examples=60, deadline=None)
@given(body=bodies, state=states)
def test_every_value_arrives_within_one_bit(body: BodyState, state: CarState) -> None:
    units, _, spec = new_units()
    units.tell(body)
    units.report(state, None, plant.start(spec, Pose(0.0, 0.0, 0.0)))
    arrived = units.port.body(0)
    assert arrived is not None
    for name in set(FIELDS) - BESIDE:
        told, found = BODY_FIELDS[name].get(body), BODY_FIELDS[name].get(arrived)
        if isinstance(told, float) and found is not None:
            assert abs(found - told) <= bit_of(name) * (1.0 + 1e-9), name
        else:
            assert found == told, name


def test_signals_are_what_their_names_say() -> None:
    """Decoded by cantools, and not by the mapping."""
    bench = BusBench()
    heard: dict[str, Any] = {}

    def listen(frame: Frame) -> list[Frame]:
        if any(one.frame_id == frame.can_id for one in BODY.messages):
            heard.update(BODY.decode_message(frame.can_id, frame.data, decode_choices=False))  # type: ignore[arg-type]
        return [frame]

    bench.media.buses["body"].tamper = listen
    for item, place, value, word in (
        (BodyItem.DOOR, BodyPlace.REAR_RIGHT, 40.0, None),
        (BodyItem.CHILD_LOCK, BodyPlace.REAR_LEFT, 1.0, None),
        (BodyItem.WINDOW, BodyPlace.FRONT_RIGHT, 70.0, None),
        (BodyItem.BOOT, None, 25.0, None),
        (BodyItem.LIGHT_SWITCH, None, None, "beam"),
        (BodyItem.FOG_REAR, None, 1.0, None),
        (BodyItem.WIPER, None, None, "fast"),
        (BodyItem.AIR_TEMPERATURE, BodyPlace.FRONT_LEFT, 291.65, None),
        (BodyItem.SEAT_HEAT, BodyPlace.FRONT_RIGHT, -60.0, None),
        (BodyItem.MIRROR_YAW, BodyPlace.LEFT, -30.0, None),
        (BodyItem.SEAT_POSITION, BodyPlace.FRONT_LEFT, 0.2, None),
    ):
        bench.car.request(BodyRequest(stamp_ns=0, item=item, place=place, value=value, word=word))
    for _ in range(800):
        bench.car.body(bench.stamp_ns)
        bench.run(1, silent=True)
    want = {
        "BDY_Angles_RearRight": 40.0, "BDY_Doors_RearRight": 1, "BDY_Doors_AllClosed": 0,
        "BDY_Doors_FrontLeft": 0, "BDY_Locks_ChildRearLeft": 1, "BDY_Doors_ChildLeft": 1,
        "BDY_Windows_FrontRight": 70, "BDY_Windows_FrontLeft": 0, "BDY_Lids_Boot": 25.0,
        "BDY_Lights_Switch": 4, "BDY_Lights_LowBeam": 1, "BDY_Lights_FogRear": 1,
        "BDY_Wipers_Front": 3, "BDY_Wipers_Cycles": 60, "BDY_Air_WantedLeft": 18.5,
        "BDY_Air_WantedRight": 21.0, "BDY_Heats_FrontRight": -60, "BDY_Mirrors_LeftPan": -30.0,
        "BDY_Seats_DriverSlide": 0.2, "BDY_SeatsRight_Slide": 0.12, "BDY_Belts_DriverSeat": 1,
    }  # fmt: skip
    for name, value in want.items():
        assert heard[name] == value or abs(heard[name] - value) < 0.051, (name, heard[name])
    told = bench.units.port.body(bench.stamp_ns)
    assert told is not None
    assert told.lights.switch is LightSwitch.BEAM
    assert abs(told.doors[3].open_pct - 40.0) <= 0.1


def test_the_body_is_told_when_it_changes_and_once_a_second() -> None:
    bench = BusBench()
    told = []
    for tick in range(300):
        bench.car.body(bench.stamp_ns)
        bench.run(1, silent=True)
        if tick == 250:
            bench.car.request(BodyRequest(stamp_ns=0, item=BodyItem.DOME_LIGHT, value=1.0))
        body = bench.units.port.body(bench.stamp_ns)
        told += [] if body is None else [(tick, body.cabin_lights.dome)]
    first = told[0][0]
    assert first < 30, "all messages come within a cycle of 200 ms"
    assert any(250 < tick < 260 and dome for tick, dome in told), "on change, not by its cycle"
    assert all(after - before <= 100 for (before, _), (after, _) in itertools.pairwise(told))


def test_messages_that_stay_away_do_not_hold_up_the_others() -> None:
    units, media, spec = new_units()
    gone = MAPPING.databases["body"].message("BDY_Windows").can_id
    media.buses["body"].tamper = lambda frame: [] if frame.can_id == gone else [frame]
    units.tell(body_of({"doors_front_left_window_pct": 80.0, "hood_pct": 30.0}, 0))
    machine, stamp_ns, body = plant.start(spec, Pose(0.0, 0.0, 0.0)), 0, None
    while body is None and stamp_ns < 2 * GATHER_NS:
        units.report(msgspec.structs.replace(STILL, stamp_ns=stamp_ns), None, machine)
        body = units.port.body(stamp_ns)
        stamp_ns += TICK_NS
    assert body is not None
    assert body.stamp_ns == GATHER_NS
    assert body.doors[0].window_pct == 0.0
    assert body.hood_pct == 30.0


def test_nothing_flows_is_told_as_such() -> None:
    body = body_of({"charge_left_s": None}, 0)
    assert signals_of(MAPPING, body)["CHG_State"]["CHG_State_TimeLeft"] == 4095
