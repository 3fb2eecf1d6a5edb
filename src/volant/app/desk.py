"""The driver's seat on a screen: what its hands and feet do goes through the inbox like any driver's.

A dead man's switch: a screen that falls silent, or goes without leaving the seat, is a driver who is
gone. Pedals and wheel are free in the same tick; a pilot that drives sees neither hands nor eyes and
asks for them; a car that was driven by hand is braked to a stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from volant.app.inbox import Inbox
from volant.caros.cockpit import (
    CockpitGone,
    CockpitHands,
    CockpitPress,
    CockpitSeat,
    CockpitWish,
    FromServer,
)
from volant.core import topics
from volant.core.bus import Bus
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S, nanoseconds
from volant.core.messages import DriverControls, DriverRequest, Engagement
from volant.core.updates import UpdateRequest

SILENT_NS: Final = nanoseconds(0.5)
"""Five missed words of a screen that speaks ten times a second, or oftener (chosen)."""
BRAKE: Final = 0.3
"""How hard a car is braked that nobody drives any more: 2.7 m/s2, as a person would."""
LATERAL_MPS2: Final = 4.0
"""What a full turn of the wheel asks for across: keys and sticks have no feel, so no more (chosen)."""
TORQUE_NM: Final = 5.0
"""Of hands that steer: over the 3.0 of safety/driver.py, so that they win."""
SLACK: Final = 0.02
"""A stick that rests is not quite in the middle."""
CENTRE_S: Final = 1.0
"""A wheel that is let go turns back to the middle in this time (estimated)."""
STEP_RAD: Final = 0.01
"""The wheel is told anew when it has turned by half a degree."""
_BY_HAND: Final = (Engagement.OFF, Engagement.READY)
_STEERING: Final = frozenset({"lcc", "tja"})


@dataclass(frozen=True, slots=True)
class Steering:
    """What a wheel on a screen must know of the car."""

    ratio: float
    """Steering wheel angle per road wheel angle."""
    wheelbase_m: float
    max_curvature_per_m: float

    def full_rad(self, speed_mps: float) -> float:
        """Wheel angle of a full turn at a speed."""
        most_per_m = LATERAL_MPS2 / max(abs(speed_mps), 1.0) ** 2
        bend_per_m = min(self.max_curvature_per_m, most_per_m)
        return self.ratio * math.atan(bend_per_m * self.wheelbase_m)


class Desk:
    """Turns the words of the seated screen into the driver's controls and requests."""

    def __init__(
        self,
        bus: Bus,
        inbox: Inbox,
        hear: Callable[[], Sequence[FromServer]],
        steering: Steering,
    ) -> None:
        self.taken = False
        """Somebody sits in the driver's seat, or has gone from it without leaving it."""
        self._car = bus.subscribe(topics.CAR_STATE)
        self._pilot = bus.subscribe(topics.PILOT_STATE)
        self._inbox, self._hear, self._steering = inbox, hear, steering
        self._hands: CockpitHands | None = None
        self._heard_ns = 0
        self._wheel_rad = 0.0
        """Where the wheel stands when no hand turns it."""
        self._told = DriverControls()
        self._abandoned = False
        """The seat was left while the car was driven by hand."""

    def abandon(self) -> None:
        """Nobody knows any more who sat here: a car driven by hand is braked to a stop."""
        self._abandoned = not self.taken

    @property
    def attended(self) -> bool:
        """Somebody sits there and is heard."""
        return self._hands is not None

    def look(self, stamp_ns: int) -> None:
        """Between two ticks: hear the screens, and tell what counts from the next tick on."""
        for word in self._hear():
            self._take(word, stamp_ns)
        if self._hands is not None and stamp_ns - self._heard_ns > SILENT_NS:
            self._hands = None
        controls = self._controls(self._hands)
        if self._differs(controls):
            self._told = controls
            self._inbox.put(topics.DRIVER_CONTROLS, controls)

    def _take(self, word: FromServer, stamp_ns: int) -> None:
        match word:
            case CockpitSeat(taken=True):
                self.taken, self._abandoned = True, False
                self._hands, self._heard_ns = CockpitHands(), stamp_ns
            case CockpitSeat():
                self._abandoned = self.taken and not self._pilot_drives()
                self.taken, self._hands = False, None
            case CockpitGone():
                self._hands = None
            case CockpitHands() if self.taken:
                self._hands, self._heard_ns = word, stamp_ns
            case CockpitPress() if self.taken and self._hands is not None:
                self._inbox.put(topics.DRIVER_REQUEST, _request(word, stamp_ns))
            case CockpitWish() if self.taken and self._hands is not None:
                wish = UpdateRequest(stamp_ns=stamp_ns, wish=word.wish, offer=word.offer)
                self._inbox.put(topics.UPDATE_REQUEST, wish)

    def _controls(self, hands: CockpitHands | None) -> DriverControls:
        if hands is not None:
            return self._driven(hands)
        if self._abandoned and (self._pilot_drives() or self._speed_mps() < 0.05):
            self._abandoned = False
        if not self.taken and not self._abandoned:
            return DriverControls()  # the seat is as it was before anybody took it
        by_hand = not self._pilot_drives()
        return DriverControls(
            brake=BRAKE if by_hand else 0.0,
            wheel_angle_rad=self._rest_rad(),
            hands_on=False,
            eyes_on=False,
        )

    def _driven(self, hands: CockpitHands) -> DriverControls:
        turning = abs(hands.wheel) > SLACK
        angle_rad = self._rest_rad(turning=turning)
        if turning:
            angle_rad += hands.wheel * self._steering.full_rad(self._speed_mps())
        return DriverControls(
            accelerator=hands.accelerator,
            brake=hands.brake,
            wheel_torque_nm=math.copysign(TORQUE_NM, hands.wheel) if turning else 0.0,
            wheel_angle_rad=angle_rad,
            hands_on=hands.hands_on or turning,
            eyes_on=hands.eyes_on,
        )

    def _rest_rad(self, *, turning: bool = False) -> float:
        """Where the wheel stands by itself: with the pilot's steering, else on its way to the middle."""
        state, car = self._pilot.latest, self._car.latest
        steers = state is not None and not _STEERING.isdisjoint(state.functions)
        if self._pilot_drives() and steers and not turning and car is not None:
            if math.isfinite(car.steer_rad):
                self._wheel_rad = car.steer_rad * self._steering.ratio
        else:
            self._wheel_rad *= 1.0 - CONTROL_TICK_NS / NS_PER_S / CENTRE_S
        return self._wheel_rad

    def _differs(self, controls: DriverControls) -> bool:
        """Worth telling: all but a wheel that hardly moved."""
        turned = abs(controls.wheel_angle_rad - self._told.wheel_angle_rad) > STEP_RAD
        same_wheel = msgspec.structs.replace(controls, wheel_angle_rad=self._told.wheel_angle_rad)
        return turned or same_wheel != self._told

    def _pilot_drives(self) -> bool:
        state = self._pilot.latest
        return state is not None and state.engagement not in _BY_HAND

    def _speed_mps(self) -> float:
        car = self._car.latest
        return 0.0 if car is None or not math.isfinite(car.speed_mps) else car.speed_mps


def _request(press: CockpitPress, stamp_ns: int) -> DriverRequest:
    return DriverRequest(
        stamp_ns=stamp_ns,
        kind=press.kind,
        value=press.value,
        indicator=press.indicator,
        function=press.function,
    )
