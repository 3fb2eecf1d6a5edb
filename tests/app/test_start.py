"""The press of the button at the start of a drive."""

from tests.app.test_ending import pilot
from volant.app.inbox import Inbox
from volant.app.start import AGAIN_NS, BRAKE, FIRST_NS, GIVE_UP_NS, PARKED_NS, Starter
from volant.core import topics
from volant.core.bus import InlineBus
from volant.core.messages import DriverControls, Engagement, PilotState, RequestKind


def presses(inbox: Inbox) -> int:
    taken = inbox.take(10**15)
    assert {message.kind for _, message in taken} <= {RequestKind.ENGAGE}  # type: ignore[attr-defined]
    return len(taken)


def not_ready() -> PilotState:
    import msgspec

    return msgspec.structs.replace(pilot(Engagement.OFF), ready=False)


def test_the_button_is_pressed_once_the_pilot_is_ready() -> None:
    bus, inbox = InlineBus(), Inbox()
    starter = Starter(bus, inbox)
    starter.look(FIRST_NS)
    bus.publish(topics.PILOT_STATE, not_ready())
    starter.look(FIRST_NS + 10_000_000)
    assert presses(inbox) == 0
    bus.publish(topics.PILOT_STATE, pilot(Engagement.READY))
    starter.look(FIRST_NS - 1)
    assert presses(inbox) == 0
    starter.look(FIRST_NS + 20_000_000)
    assert presses(inbox) == 1


def test_a_press_that_was_not_taken_is_made_again_but_not_in_haste() -> None:
    bus, inbox = InlineBus(), Inbox()
    starter = Starter(bus, inbox)
    bus.publish(topics.PILOT_STATE, pilot(Engagement.READY))
    for stamp_ns in range(FIRST_NS, FIRST_NS + 2 * AGAIN_NS, 10_000_000):
        starter.look(stamp_ns)
    assert presses(inbox) == 2


def test_a_pilot_that_was_engaged_is_never_pressed_again() -> None:
    bus, inbox = InlineBus(), Inbox()
    starter = Starter(bus, inbox)
    bus.publish(topics.PILOT_STATE, pilot(Engagement.ENGAGED))
    starter.look(FIRST_NS)
    bus.publish(topics.PILOT_STATE, pilot(Engagement.READY))
    starter.look(10 * AGAIN_NS)
    assert presses(inbox) == 0


def test_a_pilot_that_is_not_ready_in_time_is_given_up_and_the_car_braked() -> None:
    bus, inbox = InlineBus(), Inbox()
    starter = Starter(bus, inbox)
    bus.publish(topics.PILOT_STATE, not_ready())
    starter.look(GIVE_UP_NS - 1)
    assert inbox.take(10**15) == ()
    starter.look(GIVE_UP_NS)
    ((topic, controls),) = inbox.take(10**15)
    assert topic is topics.DRIVER_CONTROLS
    assert controls.brake == BRAKE  # type: ignore[attr-defined]
    bus.publish(topics.PILOT_STATE, pilot(Engagement.READY))
    starter.look(GIVE_UP_NS + AGAIN_NS)
    assert inbox.take(10**15) == ()


def test_the_wheel_is_held_along_the_bend_until_the_pilot_has_it() -> None:
    bus, inbox = InlineBus(), Inbox()
    starter = Starter(bus, inbox, 0.2)
    ((topic, held),) = inbox.take(0)
    assert topic is topics.DRIVER_CONTROLS
    assert held == DriverControls(wheel_angle_rad=0.2)
    bus.publish(topics.PILOT_STATE, pilot(Engagement.READY))
    starter.look(FIRST_NS)
    assert presses(inbox) == 1
    bus.publish(topics.PILOT_STATE, pilot(Engagement.ENGAGED))
    starter.look(FIRST_NS + AGAIN_NS)
    ((_topic, free),) = inbox.take(10**15)
    assert free == DriverControls()


def test_a_parked_car_waits_longer_for_its_pilot() -> None:
    bus, inbox = InlineBus(), Inbox()
    starter = Starter(bus, inbox, give_up_ns=PARKED_NS)
    bus.publish(topics.PILOT_STATE, not_ready())
    starter.look(PARKED_NS - 1)
    assert inbox.take(10**15) == ()
    bus.publish(topics.PILOT_STATE, pilot(Engagement.READY))
    starter.look(PARKED_NS - 1)
    assert presses(inbox) == 1
