"""The cycles against the packages that others made of them."""

import pytest

from tests.peers import peer
from tests.vehicle.reference_car import spec_of
from volant.core.errors import InputError
from volant.vehicle import CYCLE_NAMES, load_cycle
from volant.vehicle.cycles import added_load_kg

# Seconds, metres, greatest km/h: UN R83, GTR 15, and the EPA's own descriptions.
KNOWN = {
    "nedc": (1180.0, 11013.0, 120.0),
    "wltc": (1800.0, 23266.0, 131.3),
    "udds": (1369.0, 11990.0, 91.2),
    "hwfet": (765.0, 16503.0, 96.4),
}


@pytest.mark.parametrize("name", CYCLE_NAMES)
def test_a_cycle_has_its_known_length_and_speed(name: str) -> None:
    cycle = load_cycle(name)
    duration_s, distance_m, top_kmh = KNOWN[name]
    assert cycle.duration_s == duration_s
    assert cycle.distance_m == pytest.approx(distance_m, rel=0.001)
    assert max(cycle.speed_mps) * 3.6 == pytest.approx(top_kmh, abs=0.1)
    assert cycle.speed_mps[0] == cycle.speed_mps[-1] == 0.0


def test_nedc_from_its_ramps_is_the_trace_of_the_wltp_package() -> None:
    theirs = peer("wltp.cycles.nedc").cycle_data()["cycle"]
    ours = [speed * 3.6 for speed in load_cycle("nedc").speed_mps]
    # Their first row is our second: an operation's speed counts at its end.
    assert ours[1:] == pytest.approx(theirs, abs=0.02)


def test_wltc_is_the_trace_of_the_wltp_package() -> None:
    theirs = peer("wltp.cycles.class3").class_data_b()["cycle"]
    ours = [speed * 3.6 for speed in load_cycle("wltc").speed_mps]
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("name", ["udds", "hwfet"])
def test_epa_schedules_are_those_of_fastsim(name: str) -> None:
    import yaml

    cycle = yaml.safe_load(peer("fastsim").Cycle.from_resource(f"{name}.csv").to_yaml())
    assert load_cycle(name).speed_mps == pytest.approx(cycle["speed_meters_per_second"], abs=0.001)


def test_a_wrong_name_gives_the_nearest() -> None:
    with pytest.raises(InputError, match="wltc"):
        load_cycle("wltp")


def test_test_masses_follow_the_rules_of_each_cycle() -> None:
    spec = spec_of("g3-520")
    assert added_load_kg(spec, "nedc") == 100.0
    # 75 kg driver, 25 kg, 15 % of (2025 - 1725 - 25) kg.
    assert added_load_kg(spec, "wltc") == pytest.approx(141.25)
    assert added_load_kg(spec, "udds") == pytest.approx(300 * 0.4536, abs=0.1)
