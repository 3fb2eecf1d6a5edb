"""Charging and conditioning of the parked car: when it begins, what flows, and when it is over.

The charge controller of a car does this while all else sleeps; so does this step, of the body alone. Times
are seconds of the car's clock. Charging by a timer keeps to the words of VSS 6.0 (Charging.Timer.Mode): a
time in the past begins at once, and a charging that is complete switches its timer off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from volant.core.body import (
    BodyItem,
    ChargeState,
    ChargeTimer,
    Conditioning,
    ConditioningState,
    StationKind,
)
from volant.core.clock import NS_PER_S
from volant.core.messages import Gear
from volant.vehicle import charging
from volant.vehicle.body import heat
from volant.vehicle.body.around import Surround
from volant.vehicle.body.items import ROWS, Key
from volant.vehicle.parameters import PlantSpec

_B = BodyItem
REPLAN_S: Final = 30.0
"""How often the time that is left is worked out anew; sooner when something changes."""
HORIZON_S: Final = 48 * 3600.0
"""A charging that takes longer is not planned."""
MARGIN: Final = 0.05
"""Of the time it takes, and
"""
MARGIN_S: Final = 180.0
"""so much more: a charging that ends by a time begins earlier by these (chosen)."""
RESERVE: Final = 0.2
"""Below this charge nothing is conditioned without a station (chosen)."""
DRIVING_K: Final = 283.15
"""What a battery is warmed to for driving: it brakes and gives power again (chosen)."""
CABIN_LEAD_S: Final = 1800.0
"""The climate runs so long before a departure at most,"""
CABIN_HOLD_S: Final = 600.0
"""and so long after it, for somebody who is late (chosen)."""
CABIN_SPARE_S: Final = 120.0
BATTERY_LEAD_S: Final = 7200.0
"""The battery's heater runs so long before its time at most."""
BATTERY_SPARE_S: Final = 300.0
AGAIN_K: Final = 1.0
"""The heater begins again when it has become so much colder."""
SLEEP_W: Final = 5.0
"""Of the units that listen while the car sleeps and does not charge (estimated)."""
WORDS_CABLE: Final = "no cable is plugged in"
WORDS_STOPPED: Final = "it was stopped"
WORDS_LIMIT: Final = "the limit is reached"
WORDS_TIME: Final = "it waits for its time"


@dataclass(frozen=True, slots=True)
class ChargeMemory:
    """What charger and conditioning remember."""

    flows: bool = False
    """Charging; false while a station only feeds the car."""
    begun: bool = False
    """The timer's time has come."""
    start_s: float | None = None
    left_s: float | None = None
    look_s: float = 0.0
    """When to work out the time that is left."""
    seen: tuple[float, ...] = ()
    """What it was worked out for."""
    inlet_w: float = 0.0
    most_w: float = 0.0
    heater_w: float = 0.0
    why: str = WORDS_CABLE
    battery_active: bool = False
    cabin_active: bool = False


@dataclass(frozen=True, slots=True)
class Flowing:
    """What one step gives."""

    load_w: float
    """Drawn from the battery beyond the base load; negative while it charges."""
    heater_w: float
    """Into the battery's cells."""


def timers(
    memory: ChargeMemory,
    values: Mapping[Key, float],
    around: Surround,
    cabin_k: float,
    spec: PlantSpec,
) -> tuple[ChargeMemory, dict[Key, float]]:
    """What conditioning is to run now; gives the values that are over too."""
    now_s = around.stamp_ns / NS_PER_S
    over: dict[Key, float] = {}
    fed = _connected(values, around) or around.charge >= RESERVE
    cabin_s = values[_B.CABIN_TIME, None]
    cabin = False
    if cabin_s > 0.0:
        lead_s = cabin_lead_s(
            abs(_wished_k(values) - cabin_k), abs(cabin_k - around.ambient_k), spec
        )
        if now_s >= cabin_s + CABIN_HOLD_S:
            over[_B.CABIN_TIME, None] = 0.0
        else:
            # Once begun it goes on: a cabin that warms up must not put its own begin off.
            cabin = fed and (memory.cabin_active or now_s >= cabin_s - lead_s)
    mode = _conditioning(values)
    battery_s = values[_B.CONDITIONING_TIME, None]
    active = mode is not Conditioning.OFF
    if active and 0.0 < battery_s <= now_s:
        over[_B.CONDITIONING, None] = 0.0
        active = False
    elif active and battery_s > 0.0:
        lead_s = battery_lead_s(around.temperature_k, target_k(mode, spec), around.ambient_k, spec)
        active = memory.battery_active or now_s >= battery_s - lead_s
    cold_k = target_k(mode, spec) - around.temperature_k
    heats = active and fed and cold_k > (0.0 if memory.heater_w else AGAIN_K)
    heater_w = spec.charging.heater_w if heats else 0.0
    return replace(memory, cabin_active=cabin, battery_active=active, heater_w=heater_w), over


def cabin_lead_s(error_k: float, outside_k: float, spec: PlantSpec) -> float:
    """How long before a departure the climate begins; as warm as it can get in CABIN_LEAD_S."""
    wpk = spec.climate_w_per_k * heat.CONDUCTANCE_SHARE
    spare_w = spec.climate_max_w - wpk * (outside_k + 0.5 * error_k)
    if spare_w <= 0.0:
        return CABIN_LEAD_S
    return min(CABIN_LEAD_S, CABIN_SPARE_S + heat.CABIN_JPK * error_k / spare_w)


def battery_lead_s(now_k: float, to_k: float, ambient_k: float, spec: PlantSpec) -> float:
    """How long before its time the battery's heater begins."""
    if now_k >= to_k:
        return 0.0
    spare_w = spec.charging.heater_w - spec.cooling_wpk * max(0.0, 0.5 * (now_k + to_k) - ambient_k)
    if spare_w <= 0.0:
        return BATTERY_LEAD_S
    return min(BATTERY_LEAD_S, BATTERY_SPARE_S + spec.heat_capacity_jpk * (to_k - now_k) / spare_w)


def target_k(mode: Conditioning, spec: PlantSpec) -> float:
    """What the battery is warmed to; 0: nothing."""
    if mode is Conditioning.OFF:
        return 0.0
    warm_k = spec.charging.warm_k
    return warm_k if mode is Conditioning.FAST_CHARGING else min(DRIVING_K, warm_k)


def step(
    memory: ChargeMemory,
    values: Mapping[Key, float],
    around: Surround,
    drawn_w: float,
    spec: PlantSpec,
    dt_s: float,
) -> tuple[ChargeMemory, Flowing, dict[Key, float]]:
    """One step after `timers`; gives the values that are over too.

    `drawn_w` is what climate and heaters draw.
    """
    over: dict[Key, float] = {}
    now_s = around.stamp_ns / NS_PER_S
    load_w = spec.base_load_w + drawn_w + memory.heater_w
    memory = _planned(memory, values, around, load_w - memory.heater_w, now_s, spec, dt_s)
    timer = _timer(values)
    limit = values[_B.CHARGE_LIMIT, None] / 100.0
    connected = _connected(values, around)
    room = 0.0 if memory.flows else heat.CHARGE_AGAIN
    full = around.charge >= limit - room
    due = timer is ChargeTimer.OFF or memory.begun
    if timer is not ChargeTimer.OFF and connected and full and due:
        over[_B.CHARGE_TIMER, None] = 0.0
    station_w, kind = values[_B.STATION_POWER, None], _station(values)
    charge, battery_k = around.charge, around.temperature_k
    inlet_w = stored_w = 0.0
    heater_w = memory.heater_w
    flows = bool(values[_B.CHARGE, None]) and connected and not full and due
    if flows:
        take = charging.taken(
            charge, battery_k, spec, station_w, kind, load_w=load_w, heated=heater_w == 0.0
        )
        inlet_w, stored_w, heater_w = take.inlet_w, take.stored_w, heater_w + take.heater_w
    elif connected and (memory.heater_w or memory.cabin_active):
        inlet_w, stored_w = _fed(load_w, spec, station_w, kind)
    why = _why(values, around, connected=connected, full=full, due=due, inlet_w=inlet_w)
    idle = around.asleep and not inlet_w and not memory.cabin_active and not heater_w
    resting_w = SLEEP_W - spec.base_load_w if idle else 0.0
    most_w = inlet_w if inlet_w and not memory.inlet_w else max(memory.most_w, inlet_w)
    memory = replace(
        memory,
        flows=flows and inlet_w > 0.0,
        inlet_w=inlet_w,
        left_s=None if full else memory.left_s,
        most_w=most_w,
        heater_w=heater_w,
        why=why,
    )
    return memory, Flowing(drawn_w + heater_w - stored_w + resting_w, heater_w), over


def report(memory: ChargeMemory, values: Mapping[Key, float]) -> ChargeState:
    """The port and what flows through it."""
    return ChargeState(
        flap_open=values[_B.CHARGE_FLAP, None] > 0.0,
        cable=values[_B.CHARGE_CABLE, None] > 0.0,
        cable_locked=values[_B.CABLE_LOCK, None] > 0.0,
        station=_station(values),
        station_w=values[_B.STATION_POWER, None],
        timer=_timer(values),
        time_s=values[_B.CHARGE_TIME, None],
        start_s=memory.start_s,
        why=memory.why,
        limit_pct=values[_B.CHARGE_LIMIT, None],
        wanted=values[_B.CHARGE, None] > 0.0,
        power_w=memory.inlet_w,
        most_w=memory.most_w,
        left_s=memory.left_s,
    )


def report_conditioning(
    memory: ChargeMemory, values: Mapping[Key, float], spec: PlantSpec
) -> ConditioningState:
    """Battery and cabin before a drive."""
    mode = _conditioning(values)
    return ConditioningState(
        battery=mode,
        battery_s=values[_B.CONDITIONING_TIME, None],
        active=memory.battery_active,
        heater_w=memory.heater_w,
        target_k=target_k(mode, spec),
        cabin_s=values[_B.CABIN_TIME, None],
        cabin_active=memory.cabin_active,
    )


def _planned(
    memory: ChargeMemory, values: Mapping[Key, float], around: Surround, load_w: float, now_s: float,
    spec: PlantSpec, dt_s: float,
) -> ChargeMemory:  # fmt: skip
    """When charging begins and how long it takes, worked out when something has changed."""
    names = (
        _B.CHARGE_CABLE,
        _B.CABLE_LOCK,
        _B.STATION_POWER,
        _B.CHARGE,
        _B.CHARGE_LIMIT,
        _B.CHARGE_TIMER,
    )
    seen = (
        *(values[name, None] for name in names),
        values[_B.CHARGE_TIME, None],
        float(memory.flows),
    )
    timer, at_s = _timer(values), values[_B.CHARGE_TIME, None]
    changed = seen != memory.seen
    rescheduled = changed and seen[5:7] != memory.seen[5:7]
    begun = memory.begun and not rescheduled
    left_s = None if memory.left_s is None else max(0.0, memory.left_s - dt_s)
    start_s = memory.start_s
    if changed or now_s >= memory.look_s or now_s < memory.look_s - REPLAN_S:
        need_s = _need_s(values, around, load_w, spec, flows=memory.flows)
        start_s = None
        if timer is ChargeTimer.START and not begun:
            start_s = at_s
        elif timer is ChargeTimer.END and not begun:
            early_s = 0.0 if need_s is None else need_s * (1.0 + MARGIN) + MARGIN_S
            start_s = at_s - early_s if math.isfinite(early_s) else now_s
        waits_s = 0.0 if start_s is None else max(0.0, start_s - now_s)
        left_s = None if need_s is None or math.isinf(need_s) else waits_s + need_s
        memory = replace(memory, seen=seen, look_s=now_s + REPLAN_S)
    if timer is not ChargeTimer.OFF and start_s is not None and now_s >= start_s:
        # An end without a station is not known yet: its time is what there is to wait for.
        begun, start_s = True, None
    if start_s is not None:
        start_s = max(0.0, start_s)
    return replace(memory, begun=begun, start_s=start_s, left_s=left_s)


def _need_s(
    values: Mapping[Key, float], around: Surround, load_w: float, spec: PlantSpec, *, flows: bool
) -> float | None:
    """How long charging to the limit takes; None: it is not to be, infinite: it never gets there."""
    limit = values[_B.CHARGE_LIMIT, None] / 100.0
    full = around.charge >= limit - (0.0 if flows else heat.CHARGE_AGAIN)
    if full or not _connected(values, around) or not values[_B.CHARGE, None]:
        return None
    return charging.charge_for(
        around.charge,
        limit,
        around.temperature_k,
        spec,
        values[_B.STATION_POWER, None],
        _station(values),
        ambient_k=around.ambient_k,
        load_w=load_w,
        longest_s=HORIZON_S,
    ).time_s


def _fed(
    load_w: float, spec: PlantSpec, station_w: float, kind: StationKind
) -> tuple[float, float]:
    """From the station for the car's load alone: at the inlet, and behind the charger."""
    efficiency = spec.charging.ac_efficiency if kind is StationKind.AC else 1.0
    most_w = min(station_w, spec.charging.ac_w) if kind is StationKind.AC else station_w
    inlet_w = min(most_w, load_w / efficiency)
    return inlet_w, inlet_w * efficiency


def _why(
    values: Mapping[Key, float], around: Surround, *, connected: bool, full: bool, due: bool,
    inlet_w: float,
) -> str:  # fmt: skip
    if inlet_w and not full and due and values[_B.CHARGE, None]:
        return ""
    for holds, words in (
        (not values[_B.CHARGE_CABLE, None], WORDS_CABLE),
        (around.gear is not Gear.PARK, "the car is not in park"),
        (not connected, "the plug is not locked"),
        (not values[_B.CHARGE, None], WORDS_STOPPED),
        (full, WORDS_LIMIT),
        (not due, WORDS_TIME),
        (values[_B.STATION_POWER, None] <= 0.0, "the station gives nothing"),
    ):
        if holds:
            return words
    return "the battery takes nothing at this temperature"


def _connected(values: Mapping[Key, float], around: Surround) -> bool:
    """Power may flow: plugged in, locked, parked."""
    plugged = values[_B.CHARGE_CABLE, None] > 0.0 and values[_B.CABLE_LOCK, None] > 0.0
    return plugged and around.gear is Gear.PARK


def _station(values: Mapping[Key, float]) -> StationKind:
    return StationKind(ROWS[_B.CHARGE_CABLE].words[int(values[_B.CHARGE_CABLE, None])])


def _timer(values: Mapping[Key, float]) -> ChargeTimer:
    return ChargeTimer(ROWS[_B.CHARGE_TIMER].words[int(values[_B.CHARGE_TIMER, None])])


def _conditioning(values: Mapping[Key, float]) -> Conditioning:
    return Conditioning(ROWS[_B.CONDITIONING].words[int(values[_B.CONDITIONING, None])])


def _wished_k(values: Mapping[Key, float]) -> float:
    places = ROWS[_B.AIR_TEMPERATURE].places
    return sum(values[_B.AIR_TEMPERATURE, place] for place in places) / len(places)


__all__ = [
    "SLEEP_W", "ChargeMemory", "Flowing", "battery_lead_s", "cabin_lead_s", "report", "report_conditioning",
    "step", "target_k", "timers",
]  # fmt: skip
