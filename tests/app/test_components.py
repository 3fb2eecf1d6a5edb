"""The shells pass on what the steps need, and nothing else."""

from tests.safety.builders import TICK_NS, car_state
from tests.safety.test_aeb_rules import SETTINGS as BRAKING
from volant.app import components
from volant.core import topics
from volant.core.component import Inputs
from volant.core.messages import CarState, Command, Engagement, PilotState
from volant.safety.guard import GuardSettings

GUARD = GuardSettings(wheelbase_m=2.6, steering_ratio=15.0)


def state(stamp_ns: int, added_per_m: float) -> PilotState:
    return PilotState(
        stamp_ns=stamp_ns, engagement=Engagement.READY, code="ok", words="ready",
        set_speed_mps=20.0, time_gap_setting_s=1.4, functions=("lka",), ready=True,
        assist_curvature_per_m=added_per_m,
    )  # fmt: skip


def driven(said: PilotState | None, car: CarState) -> Command:
    part = components.vehicle(GUARD, BRAKING)
    bus_names = [topic.name for topic in part.inputs]
    latest: dict[str, object] = dict.fromkeys(bus_names)
    latest[topics.CAR_STATE.name] = car
    latest[topics.PILOT_STATE.name] = said
    new: dict[str, tuple[object, ...]] = dict.fromkeys(bus_names, ())
    _memory, outputs = part.step(part.start(), Inputs(latest, new), car.stamp_ns)
    told = dict(outputs)
    command = told[topics.CAR_COMMAND]
    assert isinstance(command, Command)
    return command


def test_what_lane_keeping_asks_for_reaches_the_wheels_of_a_car_driven_by_hand() -> None:
    car = car_state(TICK_NS, 20.0)
    assert driven(None, car).curvature_per_m == 0.0
    assert driven(state(TICK_NS, 0.0), car).curvature_per_m == 0.0
    assert driven(state(TICK_NS, 0.002), car).curvature_per_m > 0.0
    assert driven(state(TICK_NS, -0.002), car).curvature_per_m < 0.0
