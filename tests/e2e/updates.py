"""A made-up update machine: the states that a screen must be able to show, each as the real one would say it."""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec

from tests.caros.motorway import Drive
from tests.e2e.feeder import Feeder
from volant.caros.cockpit.messages import CockpitFrame, CockpitPilot
from volant.caros.cockpit.updateview import update_view
from volant.core.clock import nanoseconds
from volant.core.messages import Engagement, Gear
from volant.core.updates import (
    UpdateEnd,
    UpdatePhase,
    UpdateResult,
    UpdateState,
    UpdateUnit,
    UpdateWish,
)

TITLE: Final = "Calmer pilot 2.1"
DECIDE: Final = (UpdateWish.NOW, UpdateWish.TONIGHT, UpdateWish.LATER)
OFFER: Final[dict[str, Any]] = {
    "offer": "3f2a91c4",
    "title": TITLE,
    "changes": (
        "The pilot keeps more distance in rain",
        "Brakes are gentler at low speed",
        "Trip app: energy of each leg",
    ),
    "unusable": ("Driving", "Windows and seats", "Charging"),
    "takes_s": 420.0,
    "size_bytes": 48_000_000,
}


def units(*done: float, does: str = "") -> tuple[UpdateUnit, ...]:
    """Three units of an update, so far."""
    names = (("pilot", "2.0.4", "2.1.0"), ("brake", "1.8", "1.9"), ("app.trip", "", "3.0.1"))
    shares = (*done, 0.0, 0.0, 0.0)
    return tuple(
        UpdateUnit(
            unit=name,
            runs=runs,
            gets=gets,
            does=does if 0.0 < share < 1.0 else "",
            done=share,
        )
        for (name, runs, gets), share in zip(names, shares, strict=False)
    )


def ended(end: UpdateEnd, why: str = "", ago_s: float = 3600.0) -> UpdateResult:
    """What became of it."""
    return UpdateResult(
        end=end,
        title=TITLE,
        at_s=time.time() - ago_s,
        why=why,
        changes=OFFER["changes"],
        units=("pilot 2.0.4 -> 2.1.0", "brake 1.8 -> 1.9", "app.trip - -> 3.0.1"),
    )


def state(phase: UpdatePhase, **more: Any) -> UpdateState:
    """A state; of an update in hand it has its words."""
    known = {} if phase in (UpdatePhase.IDLE, UpdatePhase.CHECKING) else {**OFFER, "units": units()}
    return UpdateState(stamp_ns=0, phase=phase, **{**known, **more})


STATES: Final[dict[str, UpdateState]] = {
    "idle": state(UpdatePhase.IDLE, can=(UpdateWish.CHECK,)),
    "not_joined": state(
        UpdatePhase.IDLE, reasons=("This car has joined no repository: volant ota join",)
    ),
    "checking": state(UpdatePhase.CHECKING),
    "downloading": state(UpdatePhase.DOWNLOADING, done=0.42, left_s=95.0, can=(UpdateWish.LATER,)),
    "offered": state(UpdatePhase.OFFERED, can=DECIDE),
    "refused": state(
        UpdatePhase.OFFERED, can=DECIDE, refused="the charge of 12 % is not enough for a way back"
    ),
    "waiting": state(
        UpdatePhase.WAITING,
        reasons=("It waits until all doors are closed", "The 12 V battery is at 11.6 V"),
        can=(UpdateWish.LATER,),
    ),
    "tonight": state(
        UpdatePhase.WAITING,
        starts_s=time.time() + 9 * 3600.0,
        can=(UpdateWish.NOW, UpdateWish.LATER),
    ),
    "installing": state(
        UpdatePhase.INSTALLING,
        done=0.43,
        left_s=185.0,
        locked=True,
        units=units(1.0, 0.29, does="Block 1,024 of 3,530 is written"),
    ),
    "trial": state(
        UpdatePhase.TRIAL,
        done=0.3,
        left_s=600.0,
        units=units(1.0, 1.0, 1.0),
        can=(UpdateWish.ROLLBACK,),
    ),
    "reverting": state(
        UpdatePhase.REVERTING,
        done=0.6,
        locked=True,
        reasons=("Brakes and stability: new trouble code C0035-62",),
        units=units(1.0, 0.4, does="The old program is started"),
    ),
    "installed": state(UpdatePhase.IDLE, can=(UpdateWish.CHECK,), last=ended(UpdateEnd.INSTALLED)),
    "rolled_back": state(
        UpdatePhase.IDLE,
        can=(UpdateWish.CHECK,),
        last=ended(UpdateEnd.ROLLED_BACK, "The brakes had a new trouble code, C0035-62"),
    ),
}


def pilot_off(pilot: CockpitPilot | None) -> CockpitPilot | None:
    """The pilot of a parked car."""
    return pilot and msgspec.structs.replace(
        pilot, engagement=Engagement.OFF, functions=(), blocker_words=("Gear not in drive",)
    )


def publish(feeder: Feeder, said: UpdateState | None, *, parked: bool = True) -> None:
    """From now on the car says this of updates, once a second anew."""
    make = Drive().frame
    began_s = feeder.time_s

    def frame(t_s: float) -> CockpitFrame:
        made = make(t_s)
        car = made.car
        assert car is not None
        if parked:
            car = msgspec.structs.replace(car, gear=Gear.PARK, speed_mps=0.0)
            made = msgspec.structs.replace(made, pilot=pilot_off(made.pilot), tracks=(), plan=None)
        said_s = began_s + int(t_s - began_s)
        told = said and msgspec.structs.replace(said, stamp_ns=nanoseconds(said_s))
        update = told and update_view(told, made.stamp_ns)
        return msgspec.structs.replace(made, car=car, update=update)

    feeder.make = frame
