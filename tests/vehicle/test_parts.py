"""Tyre, battery, drive and consumption, each alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vehicle.reference_car import spec_of, with_figures
from volant.vehicle import battery, cell, consumption, powertrain, tyre
from volant.vehicle.consumption import Consumption
from volant.vehicle.parameters import plant_spec

G3_CAR = spec_of("g3-520")
G3 = plant_spec(G3_CAR)
WARM_K = 298.15


def side_n(slip_rad: float, load_n: float = 4000.0, friction: float = 1.05) -> float:
    return tyre.side_force_n(slip_rad, load_n, friction, 20.0, G3)


def test_a_small_slip_gives_the_cornering_stiffness() -> None:
    assert side_n(1e-4) == pytest.approx(-20.0 * 4000.0 * 1e-4, rel=1e-3)


@given(st.floats(-1.5, 1.5), st.floats(100.0, 12000.0), st.floats(0.1, 1.2))
def test_a_tyre_opposes_its_slip_and_never_exceeds_its_friction(
    slip_rad: float, load_n: float, friction: float
) -> None:
    force_n = side_n(slip_rad, load_n, friction)
    assert force_n == -side_n(-slip_rad, load_n, friction)
    assert force_n * slip_rad <= 0.0
    assert abs(force_n) <= friction * load_n * (1.0 + 1e-12)


def test_load_transfer_costs_an_axle_friction() -> None:
    alone = tyre.axle_friction(1.0, 8000.0, 8000.0, 0.0, 0.1)
    spread = tyre.axle_friction(1.0, 8000.0, 8000.0, 2000.0, 0.1)
    # One tyre at 6000 N and one at 2000 N, static 4000 N: by load, 1 - 0.1 (0.5 x 6 - 0.5 x 2)/8.
    assert alone == 1.0
    assert spread == pytest.approx(1.0 - 0.1 * (0.5 * 6000.0 - 0.5 * 2000.0) / 8000.0)


@given(st.floats(0.0, 1.0))
def test_the_voltage_of_a_pack_rises_with_its_charge(charge: float) -> None:
    voltage_v = cell.open_circuit_v(charge, 96)
    assert 96 * 3.2 <= voltage_v <= 96 * 4.15
    assert voltage_v <= cell.open_circuit_v(min(1.0, charge + 0.01), 96)


def test_a_full_battery_holds_its_usable_energy() -> None:
    full_j = cell.energy_j(1.0, G3.capacity_c, G3.cells_in_series)
    assert full_j == pytest.approx(G3_CAR.usable_j)
    assert cell.energy_j(0.0, G3.capacity_c, G3.cells_in_series) == 0.0


@given(st.floats(-50e3, 150e3), st.floats(0.1, 0.9))
def test_the_battery_gives_the_power_asked_for_and_loses_i2r(power_w: float, charge: float) -> None:
    state = battery.step(battery.start(charge, WARM_K, G3), power_w, WARM_K, G3, 1.0)
    assert state.power_w == pytest.approx(power_w, abs=1e-3)
    current_a = state.power_w / state.voltage_v
    assert state.loss_w == pytest.approx(current_a**2 * G3.resistance_ohm, rel=1e-6, abs=1e-6)


def test_more_than_the_battery_can_is_not_given() -> None:
    state = battery.step(battery.start(0.5, WARM_K, G3), 1e9, WARM_K, G3, 0.01)
    open_v = cell.open_circuit_v(0.5, G3.cells_in_series)
    assert state.power_w == pytest.approx(open_v**2 / (4.0 * G3.resistance_ohm))
    assert state.voltage_v == pytest.approx(0.5 * open_v)


def test_charge_stays_between_empty_and_full() -> None:
    empty = battery.step(battery.start(0.0, WARM_K, G3), 1000.0, WARM_K, G3, 1.0)
    full = battery.step(battery.start(1.0, WARM_K, G3), -1000.0, WARM_K, G3, 1.0)
    assert (empty.charge, empty.power_w) == (0.0, 0.0)
    assert (full.charge, full.power_w) == (1.0, 0.0)


def test_limits_fall_towards_empty_full_and_frost() -> None:
    def state(charge: float, kelvin: float = WARM_K) -> battery.BatteryState:
        return battery.start(charge, kelvin, G3)

    assert battery.discharge_limit_w(state(0.5), G3) == G3.discharge_w
    assert battery.discharge_limit_w(state(0.015), G3) == pytest.approx(0.65 * G3.discharge_w)
    assert battery.discharge_limit_w(state(0.0), G3) == 0.0
    assert battery.charge_limit_w(state(0.5), G3) == G3.charge_w
    assert battery.charge_limit_w(state(0.95), G3) == pytest.approx(0.5 * G3.charge_w)
    assert battery.charge_limit_w(state(1.0), G3) == 0.0
    assert battery.charge_limit_w(state(0.5, 263.0), G3) == 0.0


def test_current_warms_the_battery_and_cold_raises_its_loss() -> None:
    warm = battery.step(battery.start(0.5, WARM_K, G3), 100e3, WARM_K, G3, 60.0)
    cold = battery.step(battery.start(0.5, 263.15, G3), 100e3, 263.15, G3, 60.0)
    assert warm.temperature_k - WARM_K == pytest.approx(
        60.0 * warm.loss_w / G3_CAR.battery.heat_capacity_jpk.value
    )
    assert cold.loss_w > 1.8 * warm.loss_w


def test_a_warm_battery_cools_towards_the_air() -> None:
    state = battery.start(0.5, WARM_K + 20.0, G3)
    for _ in range(6000):
        state = battery.step(state, 0.0, WARM_K, G3, 1.0)
    constant_s = G3_CAR.battery.heat_capacity_jpk.value / G3_CAR.battery.cooling_wpk.value
    assert state.temperature_k - WARM_K == pytest.approx(
        20.0 * math.exp(-6000 / constant_s), rel=1e-3
    )


def test_the_motor_gives_its_torque_then_its_power_then_nothing() -> None:
    at_rest_n = powertrain.force_limit_n(0.0, G3)
    assert at_rest_n == pytest.approx(300.0 * 7.63 / 0.326 * 0.97)
    assert powertrain.force_limit_n(30.0, G3) == pytest.approx(145e3 * 0.97 / 30.0)
    assert powertrain.force_limit_n(47.3, G3) == 0.0
    assert powertrain.force_limit_n(-30.0, G3) == powertrain.force_limit_n(30.0, G3)


@given(st.floats(1.0, 140e3))
def test_power_through_the_drive_always_costs(power_w: float) -> None:
    assert powertrain.electric_w(power_w, G3) > power_w
    assert -power_w < powertrain.electric_w(-power_w, G3) < 0.0


def test_the_efficiency_map_is_that_of_the_car_file() -> None:
    plain = plant_spec(G3_CAR, calibrated=False)
    for share, efficiency in ((0.02, 0.86), (0.1, 0.92), (0.4, 0.95), (1.0, 0.93)):
        wheel_w = share * 145e3 * 0.97
        expected_w = share * 145e3 / efficiency
        assert powertrain.electric_w(wheel_w, plain) == pytest.approx(expected_w, rel=1e-6)


def test_calibration_adds_its_share_and_nothing_else() -> None:
    plain = plant_spec(G3_CAR, calibrated=False)
    extra_w = powertrain.electric_w(20e3, G3) - powertrain.electric_w(20e3, plain)
    assert extra_w == pytest.approx(0.0282 * 20e3 / 0.97)
    back_w = powertrain.electric_w(-20e3, G3) - powertrain.electric_w(-20e3, plain)
    assert back_w == pytest.approx(0.0282 * 20e3 * 0.97)


def test_regeneration_fades_at_low_speed_and_is_capped_at_high() -> None:
    at = [powertrain.regen_force_n(speed, 80e3, G3) for speed in (1.0, 1.5, 2.0, 3.0, 5.0, 30.0)]
    assert at[0] == at[1] == 0.0
    assert 0.0 < at[2] < at[3] < at[4]
    assert at[5] == pytest.approx(60e3 / 30.0)
    assert powertrain.regen_force_n(30.0, 10e3, G3) == pytest.approx(10e3 / 30.0)


def test_climate_draws_outside_its_comfort_band_only() -> None:
    loads = [powertrain.climate_w(273.15 + celsius, G3) for celsius in (-40, -2, 18, 24, 34)]
    assert loads == pytest.approx([4000.0, 1800.0, 0.0, 0.0, 900.0])


def test_consumption_follows_what_is_used_and_forgets_slowly() -> None:
    state = Consumption(450.0)
    for _ in range(1000):
        state = consumption.after(state, 900.0 * 20.0, 20.0)
    # After one window length a step has been taken in by 1 - 1/e.
    assert state.recent_j_per_m == pytest.approx(450.0 + 450.0 * (1.0 - math.exp(-1.0)), rel=0.01)
    assert consumption.range_m(state, 90e6, 450.0) == pytest.approx(90e6 / state.recent_j_per_m)


def test_a_long_descent_promises_no_endless_range() -> None:
    state = consumption.after(Consumption(450.0), -1e9, 10000.0)
    assert consumption.range_m(state, 90e6, 450.0) == pytest.approx(90e6 / (0.4 * 450.0))


def test_a_car_without_resistance_still_computes() -> None:
    ideal = plant_spec(with_figures(G3_CAR, battery__resistance_ohm=0.0))
    state = battery.step(battery.start(0.5, WARM_K, ideal), 5e4, WARM_K, ideal, 1.0)
    assert state.power_w == pytest.approx(5e4)
    assert state.loss_w == 0.0
