"""Whatever happens to frames: defined degradation and a trouble code, never a wrong command."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vehicle.network.bus_car import MAPPING, TICK_NS, BusBench, new_units
from volant.core.geometry import Pose
from volant.core.messages import Command, Gear, Indicator
from volant.vehicle import plant
from volant.vehicle.ecus import ODOMETER, SPEED
from volant.vehicle.network import Frame
from volant.vehicle.network.actuating import COMMAND_NS, SAFE_MPS2
from volant.vehicle.network.frames import QUEUE_FRAMES
from volant.vehicle.network.mapping import code_of
from volant.vehicle.network.watch import Fault
from volant.vehicle.plant import Ground
from volant.wire import e2e

BRAKE, DRIVE, STEER = (code_of(code) << 8 for code in ("U0129", "U0110", "U0131"))

_KNOWN = {m.can_id for one in MAPPING.databases.values() for m in one.messages.values()}


def message_id(bus: str, name: str) -> int:
    return MAPPING.databases[bus].message(name).can_id


def rolling(speed_mps: float = 20.0) -> BusBench:
    bench = BusBench(speed_mps=speed_mps)
    bench.run(20)
    assert bench.state.valid
    assert bench.codes.told == []
    return bench


def changed(frame: Frame, data: bytes) -> Frame:
    return Frame(frame.can_id, data, frame.extended)


# --- what the car reports -------------------------------------------------------------------------


def test_a_missing_message_makes_the_state_invalid_and_comes_back() -> None:
    bench = rolling()
    bench.drop("chassis", "BRK_Speed")
    states = bench.run(10)
    assert [state.valid for state in states] == [True] * 5 + [False] * 5
    assert bench.codes.failing == {BRAKE | Fault.MISSING.value}
    kept = bench.codes.snapshots[-1]
    assert SPEED.decode(kept[SPEED.did]) == pytest.approx(20.0, abs=0.3)
    assert ODOMETER.decode(kept[ODOMETER.did]) < 10.0
    bench.media.buses["chassis"].tamper = None
    states = bench.run(6)
    assert [state.valid for state in states][:2] == [False] * 2
    assert states[-1].valid
    assert bench.codes.failing == set()


def test_a_broken_checksum_is_refused_and_told() -> None:
    bench = rolling()
    target = message_id("chassis", "BRK_Motion")

    def tamper(frame: Frame) -> list[Frame]:
        if frame.can_id != target:
            return [frame]
        return [changed(frame, frame.data[:-1] + bytes([frame.data[-1] ^ 0x10]))]

    bench.media.buses["chassis"].tamper = tamper
    before = bench.state.yaw_rate_rps
    states = bench.run(10)
    assert not states[-1].valid
    assert {state.yaw_rate_rps for state in states} == {before}
    assert bench.codes.failing == {BRAKE | Fault.CHECKSUM.value}


def test_a_stuck_counter_is_refused_and_told() -> None:
    bench = rolling()
    target = message_id("chassis", "STR_Angle")
    protection = MAPPING.heard["STR_Angle"].protection
    assert protection is not None
    bench.media.buses["chassis"].tamper = lambda frame: [
        changed(frame, e2e.protect(protection, frame.data, 3)) if frame.can_id == target else frame
    ]
    states = bench.run(12)
    assert not states[-1].valid
    assert bench.codes.failing == {STEER | Fault.COUNTER.value}


def test_values_that_are_sent_anew_but_not_measured_anew_are_refused_and_told() -> None:
    bench = rolling()
    target = message_id("chassis", "BRK_Speed")
    protection = MAPPING.heard["BRK_Speed"].protection
    assert protection is not None
    first: list[bytes] = []

    def tamper(frame: Frame) -> list[Frame]:
        if frame.can_id != target:
            return [frame]
        first.append(frame.data)
        counter = e2e.counter_of(protection, frame.data)
        return [changed(frame, e2e.protect(protection, first[0], counter))]

    bench.media.buses["chassis"].tamper = tamper
    states = bench.run(12)
    assert not states[-1].valid
    assert bench.codes.failing == {BRAKE | Fault.FROZEN.value}


@pytest.mark.parametrize("size", [0, 1, 7, 64])
def test_a_wrong_length_is_refused_and_told(size: int) -> None:
    bench = rolling()
    target = message_id("powertrain", "DRV_Gear")
    bench.media.buses["powertrain"].tamper = lambda frame: [
        changed(frame, bytes(size)) if frame.can_id == target else frame
    ]
    states = bench.run(20)
    assert not states[-1].valid
    assert DRIVE | Fault.LENGTH.value in bench.codes.failing


def test_the_driver_is_not_believed_on_an_old_word() -> None:
    from volant.core.messages import DriverControls

    bench = BusBench(speed_mps=20.0)
    bench.car.set_controls(
        DriverControls(accelerator=0.6, wheel_torque_nm=4.0, wheel_angle_rad=0.2)
    )
    bench.run(10)
    assert bench.state.driver.accelerator == pytest.approx(0.6)
    bench.drop("powertrain", "DRV_Driver")
    bench.drop("chassis", "STR_Driver")
    bench.run(10)
    assert bench.state.driver.accelerator == 0.0
    assert bench.state.driver.wheel_torque_nm == 0.0
    assert bench.state.driver.wheel_angle_rad == pytest.approx(0.2)
    assert not bench.state.valid


def test_what_is_not_vital_keeps_the_drive_and_tells() -> None:
    bench = rolling()
    bench.drop("powertrain", "BAT_Charge", "BAT_Pack", "BAT_Contactors")
    states = bench.run(80)
    assert all(state.valid for state in states)
    assert states[-1].charge_pct == states[0].charge_pct
    assert bench.codes.failing == {code_of("U0111") << 8 | Fault.MISSING.value}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_measurement_that_is_no_number_is_not_sent(value: float) -> None:
    from volant.core.messages import DriverControls

    bench = rolling()
    bench.car.set_controls(DriverControls(wheel_torque_nm=value))
    states = bench.run(10)
    assert math.isfinite(states[-1].driver.wheel_torque_nm)
    assert states[-1].valid is not math.isnan(value)


# --- units that die -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "code"),
    [("DRIVE", "U0110"), ("BRAKE", "U0129"), ("STEER", "U0131"), ("BODY", "U0140")],
)
def test_a_dead_unit_is_told(unit: str, code: str) -> None:
    bench = rolling()
    bench.units.silent.add(unit)
    bench.run(60)
    assert code_of(code) << 8 | Fault.MISSING.value in bench.codes.failing
    assert bench.state.valid is (unit == "BODY")


@pytest.mark.parametrize(
    ("unit", "code"), [("DRIVE", "U0110"), ("BRAKE", "U0129"), ("STEER", "U0131")]
)
def test_bus_off_of_a_unit_is_told_and_the_car_is_not_driven_on(unit: str, code: str) -> None:
    """A unit that is cut off hears no command either, so it makes safe what it moves."""
    bench = rolling()
    for (_, name), port in bench.media.ports.items():
        port.off = name == unit
    bench.run(60, 1.0)
    assert code_of(code) << 8 | Fault.MISSING.value in bench.codes.failing
    assert not bench.state.valid
    assert bench.units._drive.ramp_mps2 > 0.0 or unit != "DRIVE"
    assert bench.units._brake.alone or unit == "STEER"
    assert bench.units._steer.held or unit != "STEER"
    for port in bench.media.ports.values():
        port.off = False
    bench.run(600)
    assert bench.state.valid
    assert bench.codes.failing == set()


anything = st.tuples(
    st.sampled_from(list(MAPPING.databases)),
    st.one_of(st.integers(0, 0x7FF), st.sampled_from(sorted(_KNOWN))),
    st.binary(max_size=64),
    st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(plan=st.lists(st.lists(anything, max_size=40), min_size=1, max_size=12))
def test_no_frame_whatever_breaks_a_tick_or_puts_a_wrong_value_into_the_state(
    plan: list[list[tuple[str, int, bytes, bool]]],
) -> None:
    bench, told = rolling(), {message.sender for message in MAPPING.heard.values()}
    for foreign in plan:
        for bus, can_id, data, extended in foreign:
            bench.media.buses[bus].deliver(Frame(can_id, data, extended))
        bench.run(1)
        assert bench.state.speed_mps == pytest.approx(20.0, abs=1.0)
        assert bench.state.gear is Gear.DRIVE
    assert all(len(port._queue) <= QUEUE_FRAMES for port in bench.media.ports.values())
    assert len(bench.codes.failing) <= len(told) * len(Fault) + 2 * len(MAPPING.databases)


def test_a_dead_drive_unit_leaves_braking_to_the_brake_unit() -> None:
    bench = rolling()
    bench.units.silent.add("DRIVE")
    bench.run(100, 2.0)
    assert bench.car.state.drive_n == pytest.approx(0.0, abs=1.0)
    assert bench.car.state.accel_mps2 == pytest.approx(-SAFE_MPS2, abs=0.6)
    bench.run(700, 2.0)
    assert bench.car.state.speed_mps == 0.0


def test_bus_off_of_the_pilot_stops_the_car_with_hazard_lights_and_is_told() -> None:
    bench = rolling()
    bench.run(50, 1.0, 0.002)
    held_rad = bench.car.state.steer_rad
    for bus in MAPPING.table.buses:
        bench.media.ports[bus, "PILOT"].off = True
    bench.run(15, 1.0, -0.01)
    truth = bench.car.truth(bench.stamp_ns)
    assert truth.indicator is Indicator.HAZARD
    bench.run(85, 1.0, -0.01)
    assert bench.car.state.accel_mps2 == pytest.approx(-SAFE_MPS2, abs=0.5)
    assert bench.car.state.steer_rad == pytest.approx(held_rad, abs=0.002)
    assert not bench.state.valid
    assert code_of("U0073") << 8 | 0x88 in bench.codes.failing
    bench.run(700)
    assert bench.car.state.speed_mps == 0.0


def test_a_babbling_node_is_told_and_costs_bounded_memory() -> None:
    bench = rolling()
    target = message_id("chassis", "BRK_Speed")
    medium = bench.media.buses["chassis"]
    for _ in range(5):
        for number in range(5 * QUEUE_FRAMES):
            medium.deliver(Frame(target, bytes(8)))
            medium.deliver(Frame(number, bytes(number % 9)))
        bench.run(1)
    assert code_of("U0002") << 8 | 0x08 in bench.codes.ever
    for port in bench.media.ports.values():
        assert len(port._queue) <= QUEUE_FRAMES
    bench.run(40)
    assert bench.state.valid
    assert bench.codes.failing == set()


def test_frames_that_nobody_knows_change_nothing() -> None:
    bench, beside = rolling(), rolling()
    for number in range(200):
        bench.media.buses["chassis"].deliver(Frame(0x700 + number % 16, bytes(8)))
        bench.media.buses["body"].deliver(Frame(0x100, bytes(8), extended=True))
        assert bench.run(1, 0.5) == beside.run(1, 0.5)
    assert bench.codes.told == []


# --- what the actuators do ------------------------------------------------------------------------


def test_silence_takes_torque_away_and_ramps_the_brakes_within_a_tenth_of_a_second() -> None:
    bench = rolling()
    bench.run(50, 1.5)
    bench.drop("chassis", "PIL_Long", "PIL_Lat", "PIL_Signals")
    bench.run(8, 1.5)
    assert bench.units._drive.ramp_mps2 == 0.0
    bench.run(1, 1.5)
    assert bench.units._drive.ramp_mps2 > 0.0
    bench.run(100, 1.5)
    assert bench.car.state.accel_mps2 == pytest.approx(-SAFE_MPS2, abs=0.5)
    bench.run(600, 1.5)
    assert bench.car.state.speed_mps == 0.0
    assert bench.state.hold


def test_a_stop_that_has_begun_goes_on_until_the_car_stands() -> None:
    bench = rolling()
    bench.drop("chassis", "PIL_Long", "PIL_Signals")
    bench.run(60)
    bench.media.buses["chassis"].tamper = None
    bench.run(100, 1.0, 0.002)
    assert bench.car.state.accel_mps2 == pytest.approx(-SAFE_MPS2, abs=0.5)
    assert bench.car.truth(bench.stamp_ns).indicator is Indicator.HAZARD
    assert bench.car.state.steer_rad > 0.002, "a moving car is steered as soon as it can be"
    bench.run(450, 1.0)
    assert bench.car.state.accel_mps2 == pytest.approx(1.0, abs=0.2)
    assert bench.car.truth(bench.stamp_ns).indicator is Indicator.OFF


SENT = ("PIL_Long", "PIL_Lat", "PIL_Signals", "DRV_BrakeRequest")
IDS = {message_id("chassis", name) for name in SENT}
MOST_DELAY = 5
deeds = st.sampled_from(["pass", "drop", "twice", "flip", "short", "long", "delay"])


def told_at(tick: int) -> tuple[float, float]:
    """A command of its own for every tick."""
    return 0.02 * ((tick * 37) % 401 - 200), 1e-4 * ((tick * 53) % 401 - 200)


@settings(max_examples=60, deadline=None)
@given(
    plan=st.lists(
        st.tuples(deeds, st.integers(0, 63), st.integers(1, MOST_DELAY)), min_size=20, max_size=120
    )
)
def test_whatever_is_done_to_frames_no_wrong_command_is_obeyed(
    plan: list[tuple[str, int, int]],
) -> None:
    """Demands come from a command that was sent, within its timeout, or they are the safe ones."""
    units, media, spec = new_units()
    machine = plant.start(spec, Pose(0.0, 0.0, 0.0), speed_mps=15.0)
    ground, medium = Ground(), media.buses["chassis"]
    late: dict[int, list[Frame]] = {}
    turn = [0]
    now = [0]

    def tamper(frame: Frame) -> list[Frame]:
        if frame.can_id not in IDS:
            return [frame]
        deed, bit, delay = plan[turn[0] % len(plan)]
        turn[0] += 1
        if deed == "drop":
            return []
        if deed == "twice":
            return [frame, frame]
        if deed == "flip":
            word = int.from_bytes(frame.data, "little") ^ 1 << bit % (8 * len(frame.data))
            return [changed(frame, word.to_bytes(len(frame.data), "little"))]
        if deed == "short":
            return [changed(frame, frame.data[: bit % len(frame.data)])]
        if deed == "long":
            return [changed(frame, frame.data + bytes(1 + bit))]
        if deed == "delay":
            late.setdefault(now[0] + delay, []).append(frame)
            return []
        return [frame]

    sent: dict[float, int] = {0.0: 0}
    bends: dict[float, int] = {0.0: 0}
    for tick in range(1, 80):
        now[0] = tick
        medium.tamper = None
        for frame in late.pop(tick, []):
            medium.deliver(frame)
        medium.tamper = tamper
        accel_mps2, curvature_per_m = told_at(tick)
        sent[round(accel_mps2, 3)] = tick
        bends[round(curvature_per_m, 6)] = tick
        stamp_ns = tick * TICK_NS
        units.apply(
            Command(
                stamp_ns=stamp_ns,
                accel_mps2=accel_mps2,
                curvature_per_m=curvature_per_m,
                gear=Gear.DRIVE,
            ),
            stamp_ns,
        )
        before = units._steer.angle_rad
        demand = units.step(machine, ground, stamp_ns)
        oldest = tick - COMMAND_NS // TICK_NS - MOST_DELAY
        long = units._ears["DRIVE", "PIL_Long"].state
        if long.valid:
            assert sent[round(long.values[0], 3)] >= oldest
            assert long.values[1] == list(Gear).index(Gear.DRIVE)
        else:
            assert demand.drive_n == 0.0
            assert units._drive.ramp_mps2 > 0.0
        lat = units._ears["STEER", "PIL_Lat"].state
        if lat.valid:
            assert bends[round(lat.values[0], 6)] >= oldest
        else:
            assert demand.steer_rad == before
        if not units._ears["BRAKE", "DRV_BrakeRequest"].state.valid:
            assert units._brake.alone
        assert demand.brake_n >= 0.0
