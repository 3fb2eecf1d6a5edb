"""What goes over the buses agrees with what was put on them within one bit of its signal."""

import cantools
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from tests.vehicle.network.bus_car import MAPPING, new_units
from volant.core.geometry import Pose
from volant.core.messages import (
    CarState,
    Command,
    DriverControls,
    Gear,
    GnssReturn,
    Indicator,
    LaneReturn,
    MarkKind,
    SensorFrames,
)
from volant.vehicle import plant
from volant.vehicle.network import Frame

ADAS = cantools.database.load_file(REPO / "cars" / "network" / "adas.dbc")
CHASSIS = cantools.database.load_file(REPO / "cars" / "network" / "chassis.dbc")


def number(least: float, most: float) -> st.SearchStrategy[float]:
    return st.floats(least, most, allow_nan=False)


controls = st.builds(
    DriverControls,
    accelerator=number(0.0, 1.0),
    brake=number(0.0, 1.0),
    wheel_torque_nm=number(-60.0, 60.0),
    wheel_angle_rad=number(-10.0, 10.0),
    hands_on=st.booleans(),
    eyes_on=st.booleans(),
    belted=st.booleans(),
    door_closed=st.booleans(),
)
states = st.builds(
    CarState,
    stamp_ns=st.just(0),
    speed_mps=number(-30.0, 70.0),
    accel_mps2=number(-15.0, 15.0),
    lateral_accel_mps2=number(-15.0, 15.0),
    yaw_rate_rps=number(-3.0, 3.0),
    steer_rad=number(-0.8, 0.8),
    gear=st.sampled_from(Gear),
    indicator=st.sampled_from(Indicator),
    hold=st.booleans(),
    brake_lights=st.just(False),
    charge_pct=number(0.0, 100.0),
    range_m=number(0.0, 1e6),
    battery_power_w=number(-3e5, 3e5),
    battery_voltage_v=number(0.0, 600.0),
    battery_temperature_k=number(235.0, 370.0),
    odometer_m=number(0.0, 4e8),
    driver=controls,
    valid=st.just(True),
)
commands = st.builds(
    Command,
    stamp_ns=st.just(10_000_000),
    accel_mps2=number(-16.0, 16.0),
    curvature_per_m=number(-0.5, 0.5),
    gear=st.sampled_from(Gear),
    indicator=st.sampled_from(Indicator),
    hold=st.booleans(),
)


def bit_of(name: str) -> float:
    found = next(one for one in MAPPING.state if one.name == name)
    return MAPPING.heard[found.message].signals[found.signal].scale * abs(found.factor)


def flat(message: msgspec.Struct) -> dict[str, object]:
    table = msgspec.structs.asdict(message)
    driver = table.pop("driver", None)
    if driver is not None:
        table |= {f"driver_{k}": v for k, v in msgspec.structs.asdict(driver).items()}
    return table


@settings(max_examples=60, deadline=None)
@given(state=states)
def test_every_value_of_the_car_state_arrives_within_one_bit(state: CarState) -> None:
    units, _, spec = new_units()
    machine = plant.start(spec, Pose(0.0, 0.0, 0.0))
    arrived = units.report(state, None, machine)
    assert arrived.valid
    told, found = flat(state), flat(arrived)
    for name, value in told.items():
        if isinstance(value, float):
            assert abs(found[name] - value) <= bit_of(name) * (1 + 1e-9), name  # type: ignore[operator]
        else:
            assert found[name] == value, name


@settings(max_examples=100, deadline=None)
@given(command=commands)
def test_every_value_of_a_command_arrives_within_one_bit(command: Command) -> None:
    """Decoded by cantools, which knows nothing of our codec."""
    units, media, _ = new_units()
    heard: dict[str, dict[str, float]] = {}

    def listen(frame: Frame) -> list[Frame]:
        peer = CHASSIS.get_message_by_frame_id(frame.can_id)
        heard[peer.name] = dict(peer.decode(frame.data, decode_choices=False))  # type: ignore[arg-type]
        return [frame]

    media.buses["chassis"].tamper = listen
    units.apply(command, command.stamp_ns)
    long, lat, lamps = heard["PIL_Long"], heard["PIL_Lat"], heard["PIL_Signals"]
    assert abs(long["PIL_Long_Accel"] - command.accel_mps2) <= 0.001
    assert abs(lat["PIL_Lat_Curvature"] - command.curvature_per_m) <= 1e-6
    assert long["PIL_Long_Gear"] == list(Gear).index(command.gear)
    assert long["PIL_Long_Hold"] == command.hold
    assert lamps["PIL_Signals_Indicator"] == list(Indicator).index(command.indicator)


lanes = st.builds(
    LaneReturn,
    stamp_ns=st.just(0),
    offset_m=number(-8.0, 8.0),
    heading_rad=number(-0.8, 0.8),
    curvature_per_m=number(-0.5, 0.5),
    width_m=number(0.0, 10.0),
    left_mark=st.sampled_from(MarkKind),
    right_mark=st.sampled_from(MarkKind),
    confidence=number(0.0, 1.0),
    lanes_left=st.one_of(st.none(), st.integers(0, 14)),
    lanes_right=st.one_of(st.none(), st.integers(0, 14)),
)
fixes = st.builds(
    GnssReturn,
    stamp_ns=st.just(0),
    x_m=number(-80_000.0, 80_000.0),
    y_m=number(-80_000.0, 80_000.0),
    z_m=number(-300.0, 300.0),
    yaw_rad=number(-3.2, 3.2),
    sigma_m=number(0.0, 5.0),
)


@settings(max_examples=40, deadline=None)
@given(state=states, lane=lanes, fix=fixes)
def test_lane_and_place_go_out_within_one_bit(
    state: CarState, lane: LaneReturn, fix: GnssReturn
) -> None:
    """Decoded by cantools."""
    units, media, spec = new_units()
    heard: dict[str, float] = {}

    def listen(frame: Frame) -> list[Frame]:
        heard.update(ADAS.decode_message(frame.can_id, frame.data, decode_choices=False))  # type: ignore[arg-type]
        return [frame]

    media.buses["adas"].tamper = listen
    frames = SensorFrames(stamp_ns=0, lane=lane, gnss=fix)
    units.report(state, frames, plant.start(spec, Pose(0.0, 0.0, 0.0)))
    for name, value in (
        ("CAM_Lane1_Offset", lane.offset_m),
        ("CAM_Lane1_Heading", lane.heading_rad),
        ("CAM_Lane1_Curvature", lane.curvature_per_m),
        ("CAM_Lane2_Width", lane.width_m),
        ("CAM_Lane2_Confidence", lane.confidence),
        ("GNS_Place_X", fix.x_m),
        ("GNS_Place_Y", fix.y_m),
        ("GNS_Course_Z", fix.z_m),
        ("GNS_Course_Yaw", fix.yaw_rad),
        ("GNS_Course_Sigma", fix.sigma_m),
    ):
        scale = next(s.scale for m in ADAS.messages for s in m.signals if s.name == name)
        assert abs(heard[name] - value) <= scale * (1 + 1e-9), name
    assert heard["CAM_Lane2_LeftMark"] == list(MarkKind).index(lane.left_mark)
    assert heard["CAM_Lane2_LanesLeft"] == (15 if lane.lanes_left is None else lane.lanes_left)
