"""The driver's seat on a screen: its words become a driver's, and its silence a driver who is gone."""

from __future__ import annotations

import math

import pytest

from tests.safety.builders import car_state
from volant.app.desk import BRAKE, SILENT_NS, Desk, Steering
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
from volant.core.bus import InlineBus
from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import (
    DriverControls,
    DriverRequest,
    Engagement,
    Function,
    PilotState,
    RequestKind,
)
from volant.core.updates import UpdateRequest, UpdateWish

STEERING = Steering(15.0, 2.6, 0.18)


class Room:
    """A desk with its bus; `tick` says what screens said and gives what the car is told."""

    def __init__(self) -> None:
        self.bus, self.inbox = InlineBus(), Inbox()
        self.said: list[FromServer] = []
        self.desk = Desk(self.bus, self.inbox, self._hear, STEERING)
        self.stamp_ns = 0
        self.controls = DriverControls()
        self.requests: list[DriverRequest] = []
        self.wishes: list[UpdateRequest] = []

    def _hear(self) -> list[FromServer]:
        said, self.said = self.said, []
        return said

    def car(self, engagement: Engagement, speed_mps: float = 20.0, steer_rad: float = 0.0) -> None:
        self.bus.publish(topics.CAR_STATE, car_state(self.stamp_ns, speed_mps, steer_rad=steer_rad))
        drives = engagement not in (Engagement.OFF, Engagement.READY)
        state = PilotState(
            stamp_ns=self.stamp_ns,
            engagement=engagement,
            code="ok",
            words="ok",
            set_speed_mps=20.0,
            time_gap_setting_s=1.6,
            functions=("acc", "lcc") if drives else (),
            ready=True,
        )
        self.bus.publish(topics.PILOT_STATE, state)

    def tick(self, *said: FromServer, count: int = 1) -> DriverControls:
        self.said += said
        for _ in range(count):
            self.desk.look(self.stamp_ns)
            self.stamp_ns += CONTROL_TICK_NS
            for _, message in self.inbox.take(self.stamp_ns):
                if isinstance(message, DriverControls):
                    self.controls = message
                elif isinstance(message, DriverRequest):
                    self.requests.append(message)
                elif isinstance(message, UpdateRequest):
                    self.wishes.append(message)
        return self.controls


@pytest.fixture
def room() -> Room:
    made = Room()
    made.car(Engagement.ENGAGED)
    return made


GAS = CockpitHands(accelerator=0.4)
SILENT_TICKS = SILENT_NS // CONTROL_TICK_NS + 2


def test_hands_and_feet_reach_the_car_at_the_next_tick(room: Room) -> None:
    room.tick(CockpitSeat(taken=True))
    told = room.tick(CockpitHands(brake=0.3, hands_on=False, eyes_on=False))
    assert (told.brake, told.hands_on, told.eyes_on) == (0.3, False, False)
    told = room.tick(CockpitHands(wheel=0.5))
    assert told.wheel_torque_nm > 3.0
    assert told.wheel_angle_rad > 0.0
    assert told.hands_on


def test_nobody_drives_from_beside_the_seat(room: Room) -> None:
    told = room.tick(GAS, CockpitPress(kind=RequestKind.CANCEL))
    assert told == DriverControls()
    assert room.requests == []
    assert not room.desk.attended


def test_presses_become_requests_of_the_tick(room: Room) -> None:
    room.tick(CockpitSeat(taken=True))
    room.tick(
        CockpitPress(kind=RequestKind.SWITCH, value=0.0, function=Function.LCC),
        CockpitPress(kind=RequestKind.CANCEL),
    )
    assert [one.kind for one in room.requests] == [RequestKind.SWITCH, RequestKind.CANCEL]
    assert room.requests[0].function is Function.LCC
    assert {one.stamp_ns for one in room.requests} == {room.stamp_ns}


def test_only_who_sits_in_the_seat_wishes_something_of_an_update(room: Room) -> None:
    room.tick(CockpitWish(wish=UpdateWish.NOW))
    assert room.wishes == []
    room.tick(CockpitSeat(taken=True))
    room.tick(CockpitWish(wish=UpdateWish.TONIGHT, offer="3f2a"))
    wish = UpdateRequest(stamp_ns=room.stamp_ns, wish=UpdateWish.TONIGHT, offer="3f2a")
    assert room.wishes == [wish]
    room.tick(CockpitGone())
    room.tick(CockpitWish(wish=UpdateWish.NOW))
    assert len(room.wishes) == 1


@pytest.mark.parametrize("how", ["gone", "silent"])
def test_a_driver_who_is_gone_lets_go_and_the_pilot_sees_neither_hands_nor_eyes(
    room: Room, how: str
) -> None:
    room.tick(CockpitSeat(taken=True), GAS)
    assert room.controls.accelerator == 0.4
    told = room.tick(CockpitGone()) if how == "gone" else room.tick(count=SILENT_TICKS)
    assert (told.accelerator, told.brake, told.wheel_torque_nm) == (0.0, 0.0, 0.0)
    assert not told.hands_on
    assert not told.eyes_on
    assert not room.desk.attended


def test_a_car_driven_by_hand_is_braked_when_its_driver_is_gone(room: Room) -> None:
    room.car(Engagement.READY)
    room.tick(CockpitSeat(taken=True), GAS)
    assert room.tick(count=SILENT_TICKS).brake == BRAKE


def test_a_screen_that_was_silent_for_a_moment_drives_on(room: Room) -> None:
    room.tick(CockpitSeat(taken=True), GAS)
    room.tick(count=SILENT_TICKS)
    assert room.tick(GAS).accelerator == 0.4


def test_who_leaves_the_seat_leaves_the_car_to_the_pilot_or_standing(room: Room) -> None:
    room.tick(CockpitSeat(taken=True), GAS)
    assert room.tick(CockpitSeat(taken=False)) == DriverControls()
    room.car(Engagement.READY)
    room.tick(CockpitSeat(taken=True), GAS)
    assert room.tick(CockpitSeat(taken=False)).brake == BRAKE
    room.car(Engagement.READY, speed_mps=0.0)
    assert room.tick().brake == 0.0


def test_the_wheel_starts_from_where_the_pilot_holds_it(room: Room) -> None:
    """A touch in a bend adds to the bend; it does not throw the car out of it."""
    room.car(Engagement.ENGAGED, 20.0, steer_rad=0.03)
    room.tick(CockpitSeat(taken=True))
    room.tick(count=5)
    assert room.controls.wheel_angle_rad == pytest.approx(0.03 * 15.0, abs=0.02)
    assert room.controls.wheel_torque_nm == 0.0
    touched = room.tick(CockpitHands(wheel=0.1))
    assert touched.wheel_angle_rad > 0.4


def test_a_wheel_driven_by_hand_turns_back_to_the_middle(room: Room) -> None:
    room.car(Engagement.ENGAGED, 20.0, steer_rad=0.03)
    room.tick(CockpitSeat(taken=True))
    room.tick(count=5)
    room.car(Engagement.READY, 20.0, steer_rad=0.03)
    for _ in range(50):
        room.tick(CockpitHands(), count=10)
    assert abs(room.controls.wheel_angle_rad) < 0.02


@pytest.mark.parametrize("speed_mps", [0.0, 5.0, 15.0, 30.0, 60.0, math.nan])
def test_a_full_turn_of_the_wheel_is_no_more_than_sensible(speed_mps: float) -> None:
    room = Room()
    room.car(Engagement.READY, speed_mps)
    room.tick(CockpitSeat(taken=True))
    told = room.tick(CockpitHands(wheel=1.0))
    bend = math.tan(told.wheel_angle_rad / 15.0) / 2.6
    assert bend <= 0.18 + 1e-9
    if math.isfinite(speed_mps):
        assert bend * speed_mps**2 <= 4.0 + 1e-6


def test_a_resting_seat_tells_nothing_anew(room: Room) -> None:
    room.tick(CockpitSeat(taken=True))
    room.tick(CockpitHands())
    put: list[int] = []
    for _ in range(50):
        room.said.append(CockpitHands())
        room.desk.look(room.stamp_ns)
        room.stamp_ns += CONTROL_TICK_NS
        put.append(len(room.inbox.take(room.stamp_ns)))
    assert sum(put) == 0
