"""One step of the body: requests in, positions and temperatures on, a report and a load out.

The body has its own last word: a door does not open at speed, whoever asks and by whatever way. What it
refuses it says in its next report.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from volant.core.body import BodyItem, BodyPlace, BodyRequest, BodyState, LightSwitch
from volant.core.messages import Gear
from volant.vehicle.body import charge, heat
from volant.vehicle.body.around import Surround
from volant.vehicle.body.items import DOORS, FIRST, HORN_S, ROWS, SIDES, Key, keys, wanted
from volant.vehicle.body.report import Flow, report
from volant.vehicle.parameters import PlantSpec

_B, _P = BodyItem, BodyPlace
_LAMPS: Final[Mapping[LightSwitch, tuple[float, float, float]]] = {
    LightSwitch.OFF: (0.0, 0.0, 0.0),
    LightSwitch.POSITION: (1.0, 0.0, 0.0),
    LightSwitch.DAYTIME: (0.0, 1.0, 0.0),
    LightSwitch.AUTO: (0.0, 1.0, 0.0),  # the simulated world has no night
    LightSwitch.BEAM: (1.0, 0.0, 1.0),
}
"""Parking, running and low beam lamps by the switch."""


@dataclass(frozen=True, slots=True)
class BodyMemory:
    """What the body remembers."""

    values: Mapping[Key, float]
    targets: Mapping[Key, float]
    """Where what moves is on its way to."""
    flow: Flow
    charger: charge.ChargeMemory
    refused: int = 0
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class BodyOutput:
    """What one step gives."""

    changed: bool
    """Something that people see or press is not as it was."""
    load_w: float
    """Drawn beyond the base load; negative while charging."""
    battery_heat_w: float
    """Of its heater, part of the load."""
    gear: Gear | None
    """What the selector was moved to in this step."""


def start(ambient_k: float) -> BodyMemory:
    """A body at boot: closed, unlocked, climate on."""
    values = {key: FIRST.get(key, row.start) for key, row in keys()}
    flow = Flow(cabin_k=ambient_k, tyre_k=ambient_k, ambient_k=ambient_k)
    return BodyMemory(values, {}, flow, charge.ChargeMemory())


def step(
    memory: BodyMemory,
    requests: Sequence[BodyRequest],
    around: Surround,
    spec: PlantSpec,
    dt_s: float,
) -> tuple[BodyMemory, BodyOutput]:
    """One step; nothing is raised, whatever is asked."""
    before = memory
    gear: Gear | None = None
    for request in requests:
        memory, moved = _taken(memory, request, around)
        gear = moved or gear
    if memory.targets:
        memory = _travelled(memory, around.speed_mps, dt_s)
    memory, flowing = _flow(memory, around, spec, dt_s)
    changed = (
        memory.values is not before.values
        or memory.refused != before.refused
        or _shown(memory.charger) != _shown(before.charger)
    )
    return memory, BodyOutput(changed, flowing.load_w, flowing.heater_w, gear)


def _shown(charger: charge.ChargeMemory) -> tuple[bool | str, ...]:
    """What of charging people see at once."""
    return charger.inlet_w > 0.0, charger.heater_w > 0.0, charger.cabin_active, charger.why


def state_of(memory: BodyMemory, around: Surround, spec: PlantSpec) -> BodyState:
    """What the body reports."""
    return report(
        memory.values,
        memory.flow,
        charge.report(memory.charger, memory.values),
        charge.report_conditioning(memory.charger, memory.values, spec),
        stamp_ns=around.stamp_ns,
        reverse=around.gear is Gear.REVERSE,
        motor=(around.motor_rps, around.motor_nm, around.loss_w),
        odometer_m=around.odometer_m,
        refused=(memory.refused, memory.refusal),
    )


def closed(memory: BodyMemory) -> bool:
    """Whether all doors are."""
    values = memory.values
    return not any(values[_B.DOOR, place] for place in DOORS)


def belted(memory: BodyMemory) -> bool:
    """Whether the driver is."""
    return memory.values[_B.SEAT_BELT, _P.FRONT_LEFT] > 0.0


def plugged(memory: BodyMemory) -> bool:
    """Whether a charging cable is in the inlet."""
    return memory.values[_B.CHARGE_CABLE, None] > 0.0


def _taken(
    memory: BodyMemory, request: BodyRequest, around: Surround
) -> tuple[BodyMemory, Gear | None]:
    """One request, obeyed or refused with words."""
    item, key = request.item, (request.item, request.place)
    value = wanted(item, request.place, request.value, request.word)
    words = value if isinstance(value, str) else _refusal(memory, key, value, around)
    if isinstance(value, str) or words:
        place = "" if request.place is None else f" {request.place.value}"
        told = f"{item.value}{place}: {words}"
        return replace(memory, refused=memory.refused + 1, refusal=told), None
    if item is _B.GEAR:
        return memory, Gear(ROWS[item].words[int(value)])
    values, targets = dict(memory.values), dict(memory.targets)
    if item is _B.HORN:
        values[key], targets[key] = HORN_S * value, 0.0
    elif item is _B.TRIP:
        values[key] = around.odometer_m - value
    elif math.isinf(ROWS[item].per_s):
        values[key] = value
    else:
        targets[key] = value
    if item is _B.LIGHT_SWITCH:
        lamps = _LAMPS[LightSwitch(ROWS[item].words[int(value)])]
        for lamp, on in zip((_B.PARKING_LIGHT, _B.RUNNING_LIGHT, _B.LOW_BEAM), lamps, strict=True):
            values[lamp, None] = on
    if item is _B.CHARGE_CABLE:
        values[_B.CABLE_LOCK, None] = min(1.0, value)
    return replace(memory, values=values, targets=targets), None


def _refusal(memory: BodyMemory, key: Key, value: float, around: Surround) -> str:
    """Why the body does not do it now; empty: it does."""
    item, place = key
    row, values = ROWS[item], memory.values
    if abs(around.speed_mps) > row.fastest_mps and not (row.only_up and value <= values[key]):
        limit = "standing" if row.fastest_mps < 1.0 else f"below {3.6 * row.fastest_mps:.0f} km/h"
        return f"only {limit}"
    opens = value > values[key]
    if item is _B.DOOR and opens and values[_B.DOOR_LOCK, place]:
        return "it is locked"
    if item is _B.BOOT and opens and values[_B.BOOT_LOCK, None]:
        return "it is locked"
    return _charging_refusal(item, opens, value, values, around)


def _charging_refusal(
    item: BodyItem, opens: bool, value: float, values: Mapping[Key, float], around: Surround
) -> str:
    cable = values[_B.CHARGE_CABLE, None] > 0.0
    if item is _B.CHARGE_FLAP and not opens and cable:
        return "the cable is plugged in"
    if item is _B.CHARGE_CABLE and opens and cable:
        return "another cable is plugged in"
    if item is _B.CHARGE_CABLE and opens and not values[_B.CHARGE_FLAP, None]:
        return "the flap is closed"
    if item is _B.CHARGE_CABLE and opens and around.gear is not Gear.PARK:
        return "only parked"
    if item is _B.CHARGE_CABLE and value != values[item, None] and values[_B.CABLE_LOCK, None]:
        return "it is locked"
    if item is _B.GEAR and cable and ROWS[item].words[int(value)] != Gear.PARK.value:
        return "the cable is plugged in"
    return ""


def _travelled(memory: BodyMemory, speed_mps: float, dt_s: float) -> BodyMemory:
    """All that moves, one step on its way; what may not move at this speed stops where it is."""
    values, targets, stopped = dict(memory.values), dict(memory.targets), ""
    for key, target in memory.targets.items():
        row = ROWS[key[0]]
        if abs(speed_mps) > row.fastest_mps and not (row.only_up and target <= values[key]):
            del targets[key]
            place = "" if key[1] is None else f" {key[1].value}"
            stopped = f"{key[0].value}{place}: stopped on its way, the car moves"
            continue
        rate = 1.0 if key[0] is _B.HORN else ROWS[key[0]].per_s
        left, most = target - values[key], rate * dt_s
        if abs(left) <= most:
            values[key] = target
            del targets[key]
        else:
            values[key] += math.copysign(most, left)
    if stopped:
        memory = replace(memory, refused=memory.refused + 1, refusal=stopped)
    return replace(memory, values=values, targets=targets)


def _flow(
    memory: BodyMemory, around: Surround, spec: PlantSpec, dt_s: float
) -> tuple[BodyMemory, charge.Flowing]:
    """Heat and energy one step on, and what is drawn beyond the base load."""
    values, flow = memory.values, memory.flow
    charger, over = charge.timers(memory.charger, values, around, flow.cabin_k, spec)
    open_doors = sum(values[_B.DOOR, place] for place in DOORS) / 100.0
    open_windows = sum(values[_B.WINDOW, place] for place in DOORS) / 100.0
    front = (_P.FRONT_LEFT, _P.FRONT_RIGHT)
    awake = not around.asleep
    air = heat.cabin(
        flow.cabin_k,
        around.ambient_k,
        0.5 * sum(values[_B.AIR_TEMPERATURE, place] for place in front),
        heat.DOOR_SHARE * open_doors + heat.WINDOW_SHARE * open_windows,
        on=charger.cabin_active or (awake and values[_B.AIR_CONDITIONING, None] > 0.0),
        recirculation=values[_B.RECIRCULATION, None] > 0.0,
        defrost=awake and values[_B.DEFROST, None] > 0.0,
        fan=sum(values[_B.AIR_FAN, place] for place in front) / 200.0,
        spec=spec,
        dt_s=dt_s,
    )
    drawn_w = air.power_w + (_heaters_w(values) if awake else 0.0)
    charger, flowing, ended = charge.step(charger, values, around, drawn_w, spec, dt_s)
    out_j = around.battery_w * dt_s
    plugged = charger.inlet_w > 0.0
    flow = Flow(
        cabin_k=air.cabin_k,
        tyre_k=heat.tyre_k(flow.tyre_k, around.ambient_k, around.speed_mps, dt_s),
        ambient_k=around.ambient_k,
        drawn_w=drawn_w,
        consumed_j=flow.consumed_j + max(0.0, out_j),
        recovered_j=flow.recovered_j + (0.0 if plugged else max(0.0, -out_j)),
        charged_j=flow.charged_j + (max(0.0, -out_j) if plugged else 0.0),
    )
    over |= ended
    return replace(
        memory, values={**values, **over} if over else values, flow=flow, charger=charger
    ), flowing


def _heaters_w(values: Mapping[Key, float]) -> float:
    """Of screens, mirrors, seats and wheel; cooling a seat costs as much as heating it."""
    drawn_w = sum(
        share * values[_B.SCREEN_HEAT, place]
        for share, place in zip(heat.SCREEN_W, (_P.FRONT, _P.REAR), strict=True)
    )
    drawn_w += heat.MIRROR_W * sum(values[_B.MIRROR_HEAT, place] for place in SIDES)
    drawn_w += heat.SEAT_W * sum(abs(values[_B.SEAT_HEAT, place]) for place in DOORS) / 100.0
    return drawn_w + heat.WHEEL_W * values[_B.WHEEL_HEAT, None] / 100.0


__all__ = [
    "BodyMemory",
    "BodyOutput",
    "Surround",
    "belted",
    "closed",
    "plugged",
    "start",
    "state_of",
    "step",
]
