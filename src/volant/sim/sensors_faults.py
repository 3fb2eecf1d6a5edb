"""Broken sensors on order: which one, how, and from when to when of the drive.

Names are those of the sensor table, `lane`, `gnss`, `lights`, `landmarks` or `all`. The front camera takes
the lane sensor, the lights and the landmarks with it, because they are its pictures.
"""

from __future__ import annotations

import enum
import math
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.core.chance import Chance
from volant.core.messages import ObjectClass, ObjectReturn

DELAY_NS: Final = 400_000_000
"""What a delayed sensor is late by, on top of its own latency (estimated: a clogged link)."""
_SHAKE_M: Final = 1.5
_SHAKE_MPS: Final = 2.0
_FALSE_S: Final = 2.0
_BOUND_TO: Final = dict.fromkeys(("lane", "lights", "landmarks"), "camera_front")
_TICKS_PER_S: Final = 20


class FaultKind(enum.Enum):
    """How a sensor is broken."""

    LOST = "lost"
    FROZEN = "frozen"
    """It goes on telling what it told last, with new stamps."""
    DELAYED = "delayed"
    NOISY = "noisy"
    GHOSTS = "ghosts"
    """It tells things that are not there; of `lane` a line beside the true one, of `gnss` a place 15 m
    away, of `lights` wrong colours, of `landmarks` others than there are, 4 m too far away."""


class SensorFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sensor broken for a while."""

    sensor: str
    kind: FaultKind = FaultKind.LOST
    from_s: Annotated[float, Meta(ge=0.0)] = 0.0
    to_s: float = math.inf


def fault_of(faults: tuple[SensorFault, ...], sensor: str, now_s: float) -> FaultKind | None:
    """How a sensor is broken now; None where it is sound."""
    for fault in faults:
        if not fault.from_s <= now_s < fault.to_s:
            continue
        if fault.sensor in (sensor, "all"):
            return fault.kind
        if fault.sensor == _BOUND_TO.get(sensor) and fault.kind is not FaultKind.GHOSTS:
            return fault.kind
    return None


def shake(objects: tuple[ObjectReturn, ...], chance: Chance) -> tuple[ObjectReturn, ...]:
    """Returns with far more noise than the table says."""
    return tuple(
        msgspec.structs.replace(
            one,
            x_m=one.x_m + chance.normal(4 * k, 0.0, _SHAKE_M),
            y_m=one.y_m + chance.normal(4 * k + 1, 0.0, _SHAKE_M),
            velocity_x_mps=one.velocity_x_mps + chance.normal(4 * k + 2, 0.0, _SHAKE_MPS),
            velocity_y_mps=one.velocity_y_mps + chance.normal(4 * k + 3, 0.0, _SHAKE_MPS),
        )
        for k, one in enumerate(objects)
    )


def false_returns(chance: Chance, tick: int) -> tuple[ObjectReturn, ...]:
    """Two things that are not there, for two seconds at one place each, doubted by the sensor itself."""
    block = tick // round(_FALSE_S * _TICKS_PER_S)
    found = []
    for k in range(2):
        birth = chance.child(block, k)
        found.append(
            ObjectReturn(
                x_m=birth.uniform(0, 8.0, 60.0),
                y_m=birth.uniform(1, -6.0, 6.0),
                yaw_rad=0.0,
                velocity_x_mps=birth.uniform(2, 0.0, 15.0),
                velocity_y_mps=0.0,
                length_m=4.5,
                width_m=1.8,
                height_m=1.5,
                object_class=ObjectClass.UNKNOWN,
                class_confidence=0.3,
                existence=birth.uniform(3, 0.3, 0.6),
            )
        )
    return tuple(found)
