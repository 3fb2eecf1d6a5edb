"""Motor, inverter and gear: limits of torque and power, electrical power, regeneration.

Efficiency is a map over mechanical power alone (the form of FASTSim 3), not over speed and torque, and
a motor that pushes at standstill draws nothing: both simplified.
"""

from __future__ import annotations

from volant.vehicle.parameters import PlantSpec


def force_limit_n(speed_mps: float, spec: PlantSpec) -> float:
    """Greatest force at the tyres that torque and power of the motor allow when driving."""
    speed_mps = abs(speed_mps)
    if speed_mps >= spec.max_speed_mps:
        return 0.0
    eta = spec.gear_efficiency
    by_torque_n = spec.peak_torque_nm * spec.torque_to_force_per_m * eta
    if speed_mps * by_torque_n <= spec.peak_power_w * eta:
        return by_torque_n
    return spec.peak_power_w * eta / speed_mps


def force_from_w(available_w: float, speed_mps: float, spec: PlantSpec) -> float:
    """Greatest driving force that a power at the inverter's terminals allows, by the map's last point."""
    if available_w <= 0.0:
        return 0.0
    wheel_w = available_w * spec.gear_efficiency * spec.power_to_mechanical
    return wheel_w / max(0.5, abs(speed_mps))


def absorbed_n(speed_mps: float, accepted_w: float, spec: PlantSpec) -> float:
    """Greatest braking force at the tyres by the motor that machine and battery could take."""
    speed_mps = abs(speed_mps)
    force_n = spec.peak_torque_nm * spec.torque_to_force_per_m / spec.gear_efficiency
    power_w = min(max(0.0, accepted_w), spec.peak_power_w)
    if force_n * speed_mps > power_w:
        return power_w / speed_mps
    return force_n


def regen_force_n(speed_mps: float, accepted_w: float, spec: PlantSpec) -> float:
    """Greatest braking force at the tyres by regeneration.

    Bounded by the motor's torque and power, the stated power, what the battery accepts (at the
    terminals, so a little more comes from the wheels), and faded out towards standstill.
    """
    speed_mps = abs(speed_mps)
    end_mps = spec.regen_end_speed_mps
    if speed_mps <= end_mps or accepted_w <= 0.0:
        return 0.0
    force_n = absorbed_n(speed_mps, min(spec.regen_power_w, accepted_w), spec)
    if speed_mps < spec.regen_full_speed_mps:
        force_n *= (speed_mps - end_mps) / (spec.regen_full_speed_mps - end_mps)
    return force_n


def electric_w(wheel_w: float, spec: PlantSpec) -> float:
    """Power at the inverter's terminals for a power at the driven wheels; negative when regenerating."""
    if wheel_w >= 0.0:
        mechanical_w = wheel_w / spec.gear_efficiency
        place = mechanical_w * spec.efficiency_per_w
    else:
        mechanical_w = wheel_w * spec.gear_efficiency
        place = -mechanical_w * spec.efficiency_per_w
    table = spec.efficiency
    last = len(table) - 2
    if place >= last:
        eta = table[last]
    else:
        index = int(place)
        low = table[index]
        eta = low + (place - index) * (table[index + 1] - low)
    if wheel_w >= 0.0:
        return mechanical_w / eta + spec.unmodelled_loss_share * mechanical_w
    return mechanical_w * eta - spec.unmodelled_loss_share * mechanical_w


def climate_w(ambient_k: float, spec: PlantSpec) -> float:
    """Load of heating or cooling the cabin; none in the comfort band of 18 to 24 degrees Celsius."""
    outside_k = max(291.15 - ambient_k, ambient_k - 297.15, 0.0)
    return min(spec.climate_max_w, spec.climate_w_per_k * outside_k)


__all__ = [
    "absorbed_n",
    "climate_w",
    "electric_w",
    "force_from_w",
    "force_limit_n",
    "regen_force_n",
]
