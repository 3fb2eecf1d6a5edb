"""Our car as FASTSim's vehicle: the same mass, rolling, inertia, efficiencies and auxiliaries."""

from dataclasses import dataclass
from typing import Any

import yaml

from tests.peers import peer
from volant.vehicle import CarSpec
from volant.vehicle.parameters import PlantSpec

TEMPLATE = "2022_Renault_Zoe_ZE50_R135.yaml"


@dataclass(frozen=True)
class FastsimResult:
    """What FASTSim says about one cycle."""

    wh_per_km: float
    """At the battery's terminals."""
    distance_m: float
    air_j: float


def fastsim_vehicle(spec: CarSpec, plant: PlantSpec) -> Any:
    """One set of figures for both models.

    Their motor looks its efficiency up by signed power, so the map is given mirrored: as shipped, with
    positive powers only, it regenerates at the map's first value whatever the power.
    """
    fastsim = peer("fastsim")
    car = yaml.safe_load(fastsim.Vehicle.from_resource(TEMPLATE).to_yaml())
    grid, values = list(spec.motor.power_share.value), list(spec.motor.efficiency.value)
    battery, motor = (car["pt_type"]["BEV"][part] for part in ("res", "em"))
    battery.update(energy_capacity_joules=spec.usable_j, min_soc=0.0, max_soc=1.0)
    battery["state"]["soc"] = 0.8
    motor["pwr_out_max_watts"] = plant.peak_power_w
    motor["eff_interp_achieved"]["data"] = {
        "grid": [[-share for share in grid[:0:-1]] + grid],
        "values": values[:0:-1] + values,
    }
    del motor["eff_interp_at_max_input"]
    car["pt_type"]["BEV"]["transmission"]["eff_interp"] = spec.motor.gear_efficiency.value
    radius_m = spec.tyre.radius_m.value
    car["chassis"].update(
        drag_coef=spec.body.drag_coefficient.value,
        frontal_area_square_meters=spec.body.frontal_area_m2.value,
        wheel_rr_coef=plant.rolling_coefficient,
        wheel_radius_meters=radius_m,
        wheel_inertia_kilogram_square_meters=(plant.moved_mass_kg - plant.mass_kg)
        * radius_m**2
        / 4.0,
        drive_axle_weight_frac=spec.body.front_axle_share.value,
        wheel_base_meters=spec.wheelbase_m,
        cg_height_meters=spec.body.cg_height_m.value,
        glider_mass_kilograms=None,
        cargo_mass_kilograms=None,
    )
    car.update(mass_kilograms=plant.mass_kg, pwr_aux_base_watts=plant.base_load_w)
    return fastsim.Vehicle.from_yaml(yaml.safe_dump(car))


def drive_in_fastsim(spec: CarSpec, plant: PlantSpec, cycle: str) -> FastsimResult:
    fastsim = peer("fastsim")
    drive = fastsim.SimDrive(
        fastsim_vehicle(spec, plant), fastsim.Cycle.from_resource(f"{cycle}.csv")
    )
    drive.walk()
    car = yaml.safe_load(drive.to_yaml())["veh"]
    battery = car["pt_type"]["BEV"]["res"]["state"]
    distance_m = car["state"]["dist_meters"]
    used_wh = battery["energy_out_electrical_joules"] / 3600.0
    return FastsimResult(
        used_wh / (distance_m / 1000.0), distance_m, car["state"]["energy_drag_joules"]
    )
