"""The engagement machine: who drives, and why. Pure; every state meets every input in the tests.

The driver always wins, in the same control tick: brake or cancel ends everything, accelerator and wheel
override while they are used. The guard draws the same line from the same inputs. A demand to take over
stands for ten seconds before a minimal-risk stop, unless it is urgent; a minimal-risk stop is not taken
back by the pilot itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from volant.core.clock import NS_PER_S
from volant.core.messages import Engagement


@dataclass(frozen=True, slots=True)
class EngageTuning:
    """Times and thresholds; the driver's are those of the guard."""

    pressed: float = 0.02
    """Share of pedal travel that is no longer noise (safety/driver.py has the same)."""
    wheel_torque_nm: float = 3.0
    """Hands that steer (likewise; UN R79 allows 50 N at the rim, recalled)."""
    engage_wait_s: float = 0.2
    """A press of the button counts this long."""
    takeover_s: float = 10.0
    """From the demand to the minimal-risk stop (UN R157, 5.4.4.1: at least 10 s; recalled)."""
    settle_s: float = 2.0
    """A demand whose cause has gone stands this much longer."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Why the driver must take over."""

    code: str
    words: str
    urgent: bool = False


class EngageInput(msgspec.Struct, frozen=True):
    """What the machine sees at one control tick."""

    stamp_ns: int
    engage: bool = False
    cancel: bool = False
    brake: bool = False
    accelerator: bool = False
    wheel: bool = False
    blocker: Demand | None = None
    """Why it may not be engaged now; None when ready."""
    demand: Demand | None = None
    """Why it may not go on; None when all is well."""


class EngageState(msgspec.Struct, frozen=True):
    """Where the machine is."""

    engagement: Engagement = Engagement.OFF
    code: str = "boot"
    words: str = "Pilot starting"
    engage_until_ns: int = -1
    demand_ns: int = -1
    """When the standing demand began, -1 for none."""
    demand_seen_ns: int = -1
    at_risk: bool = False
    """A minimal-risk stop was begun and the driver has not come."""

    @property
    def driving(self) -> bool:
        """The pilot drives, at least in part."""
        return self.engagement not in (Engagement.OFF, Engagement.READY)


def step(state: EngageState, given: EngageInput, tuning: EngageTuning) -> EngageState:
    """One control tick of the machine."""
    if given.engage:
        until_ns = given.stamp_ns + int(tuning.engage_wait_s * NS_PER_S)
        state = replace(state, engage_until_ns=until_ns)
    if given.brake or given.cancel:
        return _let_go(state, given)
    if not state.driving:
        return _wait(state, given)
    state = _note_demand(state, given, tuning)
    if given.accelerator or given.wheel:
        code, words = (
            ("driver_wheel", "You steer") if given.wheel else ("driver_pedal", "You speed up")
        )
        return replace(state, engagement=Engagement.OVERRIDDEN, code=code, words=words)
    if state.at_risk and state.engage_until_ns >= given.stamp_ns and given.blocker is None:
        state = replace(state, at_risk=False, demand_ns=-1)
    if state.demand_ns < 0 and not state.at_risk:
        return replace(
            state,
            engagement=Engagement.ENGAGED,
            code="ok",
            words="Pilot drives",
            engage_until_ns=-1,
        )
    demand = given.demand
    code, words = (state.code, state.words) if demand is None else (demand.code, demand.words)
    waited_ns = given.stamp_ns - state.demand_ns
    urgent = demand is not None and demand.urgent
    if state.at_risk or urgent or waited_ns >= tuning.takeover_s * NS_PER_S:
        return replace(
            state, engagement=Engagement.MINIMAL_RISK, code=code, words=words, at_risk=True
        )
    return replace(state, engagement=Engagement.TAKEOVER, code=code, words=words)


def _let_go(state: EngageState, given: EngageInput) -> EngageState:
    """The driver has the car, whatever was before."""
    if state.driving:
        code, words = (
            ("driver_brake", "You braked") if given.brake else ("driver_cancel", "You switched off")
        )
        ready = given.blocker is None
        return EngageState(Engagement.READY if ready else Engagement.OFF, code, words)
    return _wait(replace(state, engage_until_ns=-1), given)


def _wait(state: EngageState, given: EngageInput) -> EngageState:
    """The driver drives; the pilot may or may not be ready."""
    if given.blocker is not None:
        return EngageState(
            *(Engagement.OFF, given.blocker.code, given.blocker.words, state.engage_until_ns)
        )
    if state.engage_until_ns >= given.stamp_ns:
        return EngageState(Engagement.ENGAGED, "ok", "Pilot drives")
    if state.engagement is Engagement.READY:
        return state
    return EngageState(Engagement.READY, "ready", "Ready", state.engage_until_ns)


def _note_demand(state: EngageState, given: EngageInput, tuning: EngageTuning) -> EngageState:
    """When the standing demand began, and whether it has gone for good."""
    if given.demand is not None:
        began_ns = state.demand_ns if state.demand_ns >= 0 else given.stamp_ns
        return replace(state, demand_ns=began_ns, demand_seen_ns=given.stamp_ns)
    gone_ns = given.stamp_ns - state.demand_seen_ns
    if state.demand_ns >= 0 and gone_ns >= tuning.settle_s * NS_PER_S:
        return replace(state, demand_ns=-1)
    return state
