"""Steering and brake actuators: dead time as a queue of past commands, then lag or build-up, then limits."""

from __future__ import annotations

from volant.vehicle.parameters import PlantSpec


def steer_rad(now_rad: float, target_rad: float, spec: PlantSpec, dt_s: float) -> float:
    """Angle of the front wheels one step on: first-order lag, bounded rate, bounded angle."""
    limit_rad = spec.max_steer_rad
    if target_rad > limit_rad:
        target_rad = limit_rad
    elif target_rad < -limit_rad:
        target_rad = -limit_rad
    move_rad = (target_rad - now_rad) * dt_s / (spec.steer_lag_s + dt_s)
    most_rad = spec.steer_rate_rps * dt_s
    if move_rad > most_rad:
        move_rad = most_rad
    elif move_rad < -most_rad:
        move_rad = -most_rad
    return now_rad + move_rad


def brake_n(now_n: float, target_n: float, spec: PlantSpec, dt_s: float) -> float:
    """Force of the friction brakes one step on: linear build-up and release at one rate, bounded."""
    if target_n > spec.max_brake_n:
        target_n = spec.max_brake_n
    elif target_n < 0.0:
        target_n = 0.0
    most_n = spec.brake_rate_nps * dt_s
    if target_n > now_n + most_n:
        return now_n + most_n
    if target_n < now_n - most_n:
        return now_n - most_n
    return target_n
