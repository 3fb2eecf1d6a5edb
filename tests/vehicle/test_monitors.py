"""Monitors: what is heard, what is silent, and which trouble codes come of it."""

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from volant.core.messages import (
    CarPower,
    CarState,
    Command,
    CommandSource,
    DriverControls,
    Engagement,
    Gear,
    GuardDecision,
    Indicator,
    PilotState,
    PowerState,
)
from volant.sim.sensors import TYPICAL
from volant.vehicle import ecus, monitors
from volant.vehicle.faults import FIRST_RECORD, FaultMemory
from volant.vehicle.monitors import MonitorState, Result, Seen

TURN_NS = 50_000_000


def car(stamp_ns: int, *, valid: bool = True) -> CarState:
    return CarState(
        stamp_ns=stamp_ns,
        speed_mps=20.0,
        accel_mps2=-1.0,
        lateral_accel_mps2=0.0,
        yaw_rate_rps=0.0,
        steer_rad=0.01,
        gear=Gear.DRIVE,
        indicator=Indicator.RIGHT,
        hold=False,
        brake_lights=False,
        charge_pct=80.0,
        range_m=300_000.0,
        battery_power_w=8_000.0,
        battery_voltage_v=400.0,
        battery_temperature_k=298.0,
        odometer_m=1_234.0,
        driver=DriverControls(door_closed=False),
        valid=valid,
    )


def pilot(stamp_ns: int, *degraded: str) -> PilotState:
    return PilotState(
        stamp_ns=stamp_ns,
        engagement=Engagement.ENGAGED,
        code="ok",
        words="",
        set_speed_mps=20.0,
        time_gap_setting_s=2.0,
        functions=(),
        ready=True,
        degraded=degraded,
    )


def guard(
    stamp_ns: int, source: CommandSource = CommandSource.COMFORT, reason: str = "ok"
) -> GuardDecision:
    return GuardDecision(
        stamp_ns=stamp_ns,
        source=source,
        command=Command(stamp_ns=stamp_ns, accel_mps2=0.0, curvature_per_m=0.0),
        limited=False,
        limits=(),
        reason=reason,
    )


def well(stamp_ns: int) -> Seen:
    return Seen(car(stamp_ns), pilot(stamp_ns), guard(stamp_ns))


def failed(results: tuple[Result, ...]) -> set[str]:
    return {f"{one.unit}:{one.fault}" for one in results if one.failed}


def after(*seen: Seen) -> tuple[Result, ...]:
    """Results of the last of some calls, one a turn."""
    state = MonitorState()
    results: tuple[Result, ...] = ()
    for number, one in enumerate(seen):
        state, results = monitors.step(state, one, number * TURN_NS)
    return results


def test_what_never_came_is_not_tested() -> None:
    assert after(*(Seen() for _ in range(20))) == ()


def test_a_car_that_is_well_has_tested_all_and_no_code() -> None:
    results = after(*(well(n * TURN_NS) for n in range(8)))
    assert failed(results) == set()
    assert len({(one.unit, one.fault) for one in results}) == len(results) == 32


def test_a_silent_pilot_is_missed_by_those_who_hear_it() -> None:
    last = pilot(0, "radar_front_lost")
    seen = [Seen(car(n), last, guard(n)) for n in range(6)]
    assert failed(after(*seen)) == {f"{unit}:pilot_lost" for unit in monitors.HEARERS}
    assert failed(after(*seen, Seen(car(7), pilot(7), guard(7)))) == set()


def test_a_silent_guard_is_missed_by_those_it_commands() -> None:
    seen = [Seen(car(n), pilot(n), guard(0)) for n in range(6)]
    assert failed(after(*seen)) == {f"{unit}:pilot_lost" for unit in monitors.PARTNERS}


def test_every_sensor_of_the_typical_set_has_a_code() -> None:
    for sensor in TYPICAL:
        assert failed(after(Seen(pilot=pilot(0, f"{sensor.name}_lost")))) != set(), sensor.name


def test_a_silent_or_invalid_car_state_is_missed_by_the_pilots_unit() -> None:
    missing = {f"pilot:{name}_lost" for name in monitors.PARTNERS}
    assert failed(after(*(Seen(car(0)) for _ in range(5)))) == missing
    assert failed(after(Seen(car(0, valid=False)))) == missing


def test_a_guard_that_stops_for_the_pilot_says_that_it_is_gone() -> None:
    stops = CommandSource.MINIMAL_RISK
    assert failed(after(Seen(guard=guard(0, stops, "stale_command")))) == {"pilot:pilot_lost"}
    assert failed(after(Seen(guard=guard(0, stops, "pilot_off")))) == set()
    assert after(*(Seen(guard=guard(0, stops, "stale_command")) for _ in range(5))) == ()


def asked(accel_mps2: float, measured_mps2: float, spin_rps: float = 0.0) -> set[str]:
    """Codes after two seconds in which that was asked and measured at 20 m/s."""

    def at(stamp_ns: int) -> Seen:
        state = msgspec.structs.replace(
            car(stamp_ns), accel_mps2=measured_mps2, yaw_rate_rps=spin_rps
        )
        decision = guard(stamp_ns)
        command = msgspec.structs.replace(decision.command, accel_mps2=accel_mps2)
        return Seen(state, None, msgspec.structs.replace(decision, command=command))

    assert failed(after(*(at(n * TURN_NS) for n in range(15)))) == set()
    return failed(after(*(at(n * TURN_NS) for n in range(40))))


def test_parts_that_do_not_do_what_is_asked_for_a_second_have_their_codes() -> None:
    assert asked(0.0, -1.0) == set()
    assert asked(-3.0, -2.5) == asked(1.5, 1.2) == set()
    assert asked(-3.0, -0.5) == {"brake:pressure_off"}
    assert asked(1.5, 0.0) == {"drive:torque_off"}
    assert asked(0.0, 0.0, 0.2) == {"steer:angle_off"}


def test_units_that_stop_the_car_by_themselves_are_not_said_to_fail() -> None:
    state, results = MonitorState(), ()
    for turn in range(40):
        stamp_ns = turn * TURN_NS
        stops = msgspec.structs.replace(
            car(stamp_ns), indicator=Indicator.HAZARD, accel_mps2=-4.0, yaw_rate_rps=0.3
        )
        decision = guard(stamp_ns)
        command = msgspec.structs.replace(decision.command, accel_mps2=2.0)
        decision = msgspec.structs.replace(decision, command=command)
        state, results = monitors.step(state, Seen(stops, None, decision), stamp_ns)
    assert failed(results) == set()


def power(stamp_ns: int, *, low: bool) -> CarPower:
    state = PowerState.PARKED
    return CarPower(stamp_ns=stamp_ns, state=state, supply_v=11.9, supply_low=low)


def test_a_low_supply_is_found_by_every_unit_it_feeds() -> None:
    everyone = {f"{spec.name}:supply_low" for spec in ecus.ECUS}
    assert failed(after(Seen(power=power(0, low=True)))) == everyone
    assert failed(after(Seen(power=power(0, low=True)), Seen(power=power(1, low=False)))) == set()
    _, results = monitors.step(MonitorState(), Seen(power=power(0, low=True)), 2_000_000_000)
    assert results == ()


def test_a_hot_battery_is_found_while_the_car_is_heard() -> None:
    hot = msgspec.structs.replace(car(0), battery_temperature_k=340.0)
    assert failed(after(Seen(hot))) == {"battery:cells_hot"}
    assert "battery:cells_hot" not in failed(after(*(Seen(hot) for _ in range(5))))
    invalid = msgspec.structs.replace(hot, valid=False)
    assert "battery:cells_hot" not in failed(after(Seen(invalid)))


def test_sensors_that_the_pilot_has_lost_have_their_codes() -> None:
    told = {
        "radar_front_lost": "pilot:radar_front_lost",
        "radar_rear_left_late": "pilot:radar_rear_left_lost",
        "radar_front_left_frozen": "pilot:radar_front_left_counter",
        "radar_rear_right_noisy": "radar_rear_right:blocked",
        "camera_front_lost": "pilot:camera_blocked",
        "camera_left_late": "pilot:camera_left_blocked",
        "camera_right_frozen": "pilot:camera_right_blocked",
        "camera_rear_noisy": "pilot:camera_rear_blocked",
        "ultrasonic_lost": "pilot:parking_sensors_blocked",
        "gnss_lost": "pilot:gnss_lost",
        "gnss_off": "pilot:gnss_off",
        "left_blind": "",
    }
    for code, wanted in told.items():
        assert failed(after(Seen(pilot=pilot(0, code)))) == ({wanted} - {""}), code


def test_a_monitor_that_was_held_up_blames_nobody_for_silence() -> None:
    state, _ = monitors.step(MonitorState(), well(0), 0)
    state, results = monitors.step(state, well(0), 2_000_000_000)
    assert failed(results) == set()
    for turn in range(1, 6):
        state, results = monitors.step(state, well(0), 2_000_000_000 + turn * TURN_NS)
    assert "drive:pilot_lost" in failed(results)


def test_results_reach_the_memories_with_their_circumstances() -> None:
    memories = {spec.name: FaultMemory(spec.faults) for spec in ecus.ECUS}
    seen = Seen(car(0), guard=guard(0, CommandSource.MINIMAL_RISK, "stale_command"))
    state, results = monitors.step(MonitorState(), seen, 7)
    frame = ecus.circumstances(lambda name: monitors.live_value(name, seen, state, 7))
    monitors.report(memories, results, 7, frame)
    (fault,) = (one for one in memories["pilot"].faults() if one.occurrences)
    kept = dict(fault.frames[FIRST_RECORD].values)
    assert (fault.spec.name, fault.frames[FIRST_RECORD].stamp_ns) == ("pilot_lost", 7)
    assert ecus.SPEED.decode(kept[ecus.SPEED.did]) == 20.0
    assert math.isnan(ecus.SUPPLY.decode(kept[ecus.SUPPLY.did]))


def test_live_values_are_those_of_the_car_and_none_when_it_is_silent() -> None:
    state, _ = monitors.step(MonitorState(), well(0), 0)

    def value(name: str, now_ns: int = 0) -> float:
        return monitors.live_value(name, well(0), state, now_ns)

    assert value("speed_mps") == 20.0
    assert value("battery_a") == 20.0
    assert value("indicator") == 2.0
    assert value("doors_open") == 1.0
    assert value("pilot_mode") == 2.0
    assert value("boot_time_s", 2_500_000_000) == 2.5
    assert math.isnan(value("supply_v"))
    assert math.isnan(value("speed_mps", 1_000_000_000))
    assert math.isnan(value("pilot_mode", 1_000_000_000))
    assert math.isnan(monitors.live_value("speed_mps", Seen(car(0, valid=False)), state, 0))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 400_000_000),
            st.booleans(),
            st.sampled_from(CommandSource),
            st.sets(st.text(max_size=12) | st.sampled_from(["radar_front_lost", "gnss_off"])),
        ),
        max_size=20,
    )
)
def test_whatever_is_heard_every_result_has_its_code(
    heard: list[tuple[int, bool, CommandSource, set[str]]],
) -> None:
    memories = {spec.name: FaultMemory(spec.faults) for spec in ecus.ECUS}
    state, now_ns = MonitorState(), 0
    for later_ns, valid, source, degraded in heard:
        now_ns += later_ns
        seen = Seen(car(now_ns, valid=valid), pilot(now_ns, *degraded), guard(now_ns, source))
        state, results = monitors.step(state, seen, now_ns)
        monitors.report(memories, results, now_ns, {})
    assert state.called_ns == (now_ns if heard else -1)
