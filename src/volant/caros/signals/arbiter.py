"""The arbiter: whether an actuation may go to the car now, and in words why not.

Rights and ranges were checked before. Here stand the interlocks by speed and state, one row each, the
owner (who moves something keeps it for a moment) and the rate. The body and the guard refuse by themselves
what would be dangerous; this is the nearer word, which the one who asked can read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from volant.caros.signals.values import Code, SignalError
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import Gear
from volant.wire.vss import Value, pattern_of

STANDING_MPS: Final = 0.5
SELECTOR_MPS: Final = 0.3
FOLDING_MPS: Final = 14.0
"""As vehicle/body/items.py, which holds them whoever asks."""
SLOWEST_KMH: Final = 10.0
"""Of a set speed (chosen)."""
OWNED_NS: Final = nanoseconds(0.5)
"""So long nobody else moves what somebody has moved (chosen)."""
RATE_PER_S: Final = 20.0
"""Actuations of one asker, each batch as one (chosen: ten hands are not as fast);"""
BURST: Final = 20.0
"""and so many at once."""
STALE_NS: Final = nanoseconds(0.5)
"""Older news of the car is none."""
MOST_OWNERS: Final = 4096
MOST_ASKERS: Final = 1024


@dataclass(frozen=True, slots=True)
class CarFacts:
    """What the arbiter knows of the car."""

    stamp_ns: int
    speed_mps: float
    gear: Gear
    valid: bool = True
    pilot_drives: bool = False
    pilot_ready: bool = False
    blockers: tuple[str, ...] = ()
    """Why the pilot cannot be engaged, for people."""
    cable: bool = False
    """The charging cable is plugged in."""
    cable_locked: bool = False
    flap_open: bool = True


@dataclass(frozen=True, slots=True)
class ArbiterState:
    """Who moved what when, and how often each has asked."""

    owners: Mapping[str, tuple[str, int]]
    """By path: who, and until when it is kept."""
    buckets: Mapping[str, tuple[float, int]]
    """By asker: how many are left, and when that was."""


def start() -> ArbiterState:
    """Nobody has asked for anything."""
    return ArbiterState({}, {})


@dataclass(frozen=True, slots=True)
class Rule:
    """One interlock: what it is about, when it applies, and why it says no."""

    pattern: str
    applies: Callable[[Any], bool]
    """To a value: opening, engaging, any."""
    forbids: Callable[[CarFacts], bool]
    words: str
    found: Callable[[CarFacts], str] | None = None
    """How the car is instead, where the words alone do not tell."""


def _any(_value: Any) -> bool:
    return True


def _opens(value: Any) -> bool:
    """A switch, a position, or a word of a switch such as ONE_SHOT_OPEN."""
    return "OPEN" in value if isinstance(value, str) else value > 0


def _off(value: Any) -> bool:
    return value is False


def _plugs(value: Any) -> bool:
    return bool(value != "NONE")


def _moves(facts: CarFacts) -> bool:
    return abs(facts.speed_mps) > STANDING_MPS


def _not_parked(facts: CarFacts) -> bool:
    return _moves(facts) or facts.gear is not Gear.PARK


def _instead_of_parked(facts: CarFacts) -> str:
    if facts.gear is Gear.PARK:
        return "the car moves"
    return f"the gear is {facts.gear.value[0].upper()}, not P"


_DOOR: Final = "Vehicle.Cabin.Door.*.*."
_DRIVER: Final = "Vehicle.Cabin.Seat.Row1.DriverSide."
_PORT: Final = "Vehicle.Powertrain.TractionBattery.Charging.ChargingPort"
_STATION: Final = "Vehicle.Powertrain.TractionBattery.Charging.Station.Kind"
_GEAR: Final = "Vehicle.Powertrain.Transmission.SelectedGear"
_PILOT: Final = "Vehicle.ADAS."
RULES: Final[tuple[Rule, ...]] = (
    Rule(_DOOR + "IsOpen", _opens, _moves, "no door opens while the car moves"),
    Rule(_DOOR + "Position", _opens, _moves, "no door opens while the car moves"),
    Rule(_DOOR + "Switch", _opens, _moves, "no door opens while the car moves"),
    Rule(_DOOR + "IsLocked", _off, _moves, "no door is unlocked while the car moves"),
    Rule("Vehicle.Body.Hood", _opens, _moves, "the bonnet does not open while the car moves"),
    Rule(
        "Vehicle.Body.Trunk.*.IsOpen", _opens, _moves, "the boot does not open while the car moves"
    ),
    Rule(
        "Vehicle.Body.Trunk.*.Position",
        _opens,
        _moves,
        "the boot does not open while the car moves",
    ),
    Rule("Vehicle.Body.Trunk.*.IsLocked", _off, _moves, "no lock opens while the car moves"),
    Rule(
        "Vehicle.Body.Mirrors.*.IsFolded",
        _opens,
        lambda f: abs(f.speed_mps) > FOLDING_MPS,
        "no mirror is folded above 50 km/h",
    ),
    Rule(_DRIVER + "Position", _any, _moves, "the driver's seat stays while the car moves"),
    Rule(_DRIVER + "Height", _any, _moves, "the driver's seat stays while the car moves"),
    Rule(_DRIVER + "Tilt", _any, _moves, "the driver's seat stays while the car moves"),
    Rule(_DRIVER + "Backrest.Recline", _any, _moves, "the driver's seat stays while the car moves"),
    Rule(
        "Vehicle.Chassis.SteeringWheel.Extension",
        _any,
        _moves,
        "the steering column stays while the car moves",
    ),
    Rule(
        "Vehicle.Chassis.SteeringWheel.Tilt",
        _any,
        _moves,
        "the steering column stays while the car moves",
    ),
    Rule(
        _GEAR,
        _any,
        lambda f: abs(f.speed_mps) > SELECTOR_MPS,
        "the gear changes at standstill only",
    ),
    Rule(_GEAR, _any, lambda f: f.pilot_drives, "the pilot drives: it has the gear"),
    Rule(
        _GEAR,
        lambda value: value != 126,
        lambda f: f.cable,
        "the charging cable is plugged in",
    ),
    Rule(
        _PORT + ".*.IsFlapOpen",
        _opens,
        _not_parked,
        "the charging flap opens when parked only",
        _instead_of_parked,
    ),
    Rule(
        _STATION,
        _plugs,
        _not_parked,
        "a charging cable is plugged in when parked only",
        _instead_of_parked,
    ),
    Rule(_STATION, _plugs, lambda f: not f.flap_open, "the charging flap is closed"),
    Rule(_STATION, _any, lambda f: f.cable_locked, "the plug is locked"),
    Rule(_PILOT + "EBA.IsEnabled", _off, _moves, "emergency braking stays on while the car moves"),
    Rule(
        _PILOT + "EBA.IsEnabled",
        _off,
        lambda f: f.pilot_drives,
        "emergency braking stays on while the pilot drives",
    ),
    Rule(
        _PILOT + "Pilot.Function.AEB.IsEnabled",
        _off,
        _moves,
        "emergency braking stays on while the car moves",
    ),
    Rule(
        _PILOT + "Pilot.Function.AEB.IsEnabled",
        _off,
        lambda f: f.pilot_drives,
        "emergency braking stays on while the pilot drives",
    ),
    *(
        Rule(
            _PILOT + path,
            lambda value: value < SLOWEST_KMH,
            lambda f: f.pilot_drives,
            f"a set speed is at least {SLOWEST_KMH:.0f} km/h: the pilot would stop in its lane",
        )
        for path in ("Pilot.SetSpeed", "CruiseControl.SpeedSet")
    ),
    Rule(
        "Vehicle.Body.Lights.DirectionIndicator.*.IsSignaling",
        _any,
        lambda f: f.pilot_drives,
        "the pilot drives: an indicator would ask it for a lane change",
    ),
)
"""The interlocks; the first that forbids gives the reason."""
ENGAGING: Final = (_PILOT + "CruiseControl.IsActive", _PILOT + "Pilot.IsEngaged")
"""Switched on only when the pilot is ready; its own blockers are the reason."""
_COMPILED: Final = tuple((pattern_of(rule.pattern).fullmatch, rule) for rule in RULES)


def decide(
    state: ArbiterState,
    who: str,
    wanted: Mapping[str, Value],
    facts: CarFacts | None,
    now_ns: int,
) -> tuple[ArbiterState, SignalError | None]:
    """Judge one actuation as a whole; None grants it.

    Args:
        state: of the last decision.
        who: the asker, such as `viss:127.0.0.1:40000` or `app:trip`: a port tells connections apart for the
            rate, not for the owner.
        wanted: value by path, of actuators, within their ranges.
        facts: of the car; None: nothing is known of it yet.
        now_ns: the car's time.
    """
    state, allowed = _rate(state, who, now_ns)
    if not allowed:
        first = next(iter(wanted), "")
        words = f"{who} asks more than {RATE_PER_S:.0f} times a second"
        return state, SignalError(Code.TOO_MANY, first, words)
    hand = _hand(who)
    for path, value in wanted.items():
        words = _interlock(path, value, facts, now_ns) or _owned(state, hand, path, now_ns)
        if words:
            return state, SignalError(Code.REFUSED, path, words)
    return _own(state, hand, wanted, now_ns), None


def _interlock(path: str, value: Value, facts: CarFacts | None, now_ns: int) -> str:
    rules = [rule for fits, rule in _COMPILED if fits(path) and rule.applies(value)]
    engages = path in ENGAGING and value is True
    if not rules and not engages:
        return ""
    if facts is None or not facts.valid or now_ns - facts.stamp_ns > STALE_NS:
        return "how the car moves is not known"
    for rule in rules:
        if rule.forbids(facts):
            return rule.words if rule.found is None else f"{rule.words}: {rule.found(facts)}"
    if engages and not facts.pilot_ready and not facts.pilot_drives:
        return f"the pilot is not ready: {', '.join(facts.blockers) or 'not yet'}"
    return ""


def _hand(who: str) -> str:
    """Whose hand it is: several connections of one machine are told by their ports, and may be one person's."""
    host, _, port = who.rpartition(":")
    return host if host and port.isdecimal() else who


def _owned(state: ArbiterState, who: str, path: str, now_ns: int) -> str:
    owner, until_ns = state.owners.get(path, (who, 0))
    return f"{owner} has just moved it" if owner != who and now_ns < until_ns else ""


def _own(state: ArbiterState, who: str, wanted: Mapping[str, Value], now_ns: int) -> ArbiterState:
    owners = state.owners
    if len(owners) + len(wanted) > MOST_OWNERS:
        owners = {path: one for path, one in owners.items() if now_ns < one[1]}
    mine = dict.fromkeys(wanted, (who, now_ns + OWNED_NS))
    return replace(state, owners={**owners, **mine})


def _rate(state: ArbiterState, who: str, now_ns: int) -> tuple[ArbiterState, bool]:
    """A bucket of tokens for each asker; those that are full again are forgotten."""
    left, since_ns = state.buckets.get(who, (BURST, now_ns))
    left = min(BURST, left + (now_ns - since_ns) / NS_PER_S * RATE_PER_S)
    allowed = left >= 1.0
    buckets = state.buckets
    if len(buckets) >= MOST_ASKERS:
        full_ns = nanoseconds(BURST / RATE_PER_S)
        buckets = {name: one for name, one in buckets.items() if now_ns - one[1] < full_ns}
        buckets = buckets if len(buckets) < MOST_ASKERS else {}
    kept = {**buckets, who: (left - 1.0 if allowed else left, now_ns)}
    return replace(state, buckets=kept), allowed


__all__ = ["RULES", "ArbiterState", "CarFacts", "Rule", "decide", "start"]
