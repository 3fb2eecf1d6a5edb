"""The topic table: every name on the bus, its message, rate and kind, readable in a minute.

A *state* topic drains to its latest message; an *event* topic keeps every message and counts what it
drops. `journal` says whether the recorder keeps it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from volant.core import body, updates
from volant.core import messages as m
from volant.core.clock import CONTROL_TICK_NS, PILOT_TICK_NS


class Kind(enum.Enum):
    """How a topic treats messages that nobody has read yet."""

    STATE = "state"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of the table; `period_ns` is None where a message comes only when something happens."""

    name: str
    message: type[m.Message]
    kind: Kind
    period_ns: int | None
    words: str
    journal: bool = True


CAR_STATE: Final = Topic(
    "car/state", m.CarState, Kind.STATE, CONTROL_TICK_NS, "what the car's ECUs report"
)
CAR_COMMAND: Final = Topic(
    "car/command", m.Command, Kind.STATE, CONTROL_TICK_NS, "the checked command at the actuators"
)
SENSOR_FRAMES: Final = Topic(
    "sensors/frames", m.SensorFrames, Kind.STATE, PILOT_TICK_NS, "what the sensors delivered"
)
DRIVER_CONTROLS: Final = Topic(
    "driver/controls", m.DriverControls, Kind.STATE, None, "pedals and wheel from outside"
)
DRIVER_REQUEST: Final = Topic(
    "driver/request", m.DriverRequest, Kind.EVENT, None, "buttons and stalks"
)
PILOT_LOCALIZATION: Final = Topic(
    "pilot/localization",
    m.Localization,
    Kind.STATE,
    PILOT_TICK_NS,
    "where the pilot believes it is",
)
PILOT_TRACKS: Final = Topic(
    "pilot/tracks", m.Tracks, Kind.STATE, PILOT_TICK_NS, "road users the pilot believes in"
)
PILOT_PLAN: Final = Topic("pilot/plan", m.Plan, Kind.STATE, PILOT_TICK_NS, "the chosen motion")
PILOT_STATE: Final = Topic(
    "pilot/state", m.PilotState, Kind.STATE, PILOT_TICK_NS, "engagement and why"
)
PILOT_COMMAND: Final = Topic(
    "pilot/command", m.Command, Kind.STATE, CONTROL_TICK_NS, "what the pilot asks for"
)
GUARD_DECISION: Final = Topic(
    "guard/decision", m.GuardDecision, Kind.STATE, CONTROL_TICK_NS, "the guard's last word"
)
AEB_STATE: Final = Topic(
    "aeb/state", m.AebState, Kind.STATE, PILOT_TICK_NS, "what emergency braking sees and does"
)
WORLD_EGO: Final = Topic(
    "world/ego", m.EgoTruth, Kind.STATE, CONTROL_TICK_NS, "the own car's true motion, for judging"
)
WORLD_TRUTH: Final = Topic(
    "world/truth", m.WorldTruth, Kind.STATE, PILOT_TICK_NS, "true states of actors, for judging"
)
WORLD_CONTACT: Final = Topic(
    "world/contact", m.Contact, Kind.EVENT, None, "the own car was touched"
)
JUDGE_INTERVENTION: Final = Topic(
    "judge/intervention", m.Intervention, Kind.EVENT, None, "interventions from ground truth"
)
JUDGE_FINDING: Final = Topic(
    "judge/finding", m.JudgeFinding, Kind.EVENT, None, "rules broken and needless brakings"
)
JUDGE_CONTACT: Final = Topic(
    "judge/contact", m.ContactVerdict, Kind.EVENT, None, "who is to blame for a contact"
)
ALERT: Final = Topic("alert", m.Alert, Kind.EVENT, None, "something to tell the driver")
LIVE_STEP: Final = Topic(
    "live/step",
    m.LiveStep,
    Kind.EVENT,
    None,
    "which messages a process of the live car took at a tick",
)
CAN_FRAMES: Final = Topic(
    "can/frames",
    m.CanFrames,
    Kind.EVENT,
    CONTROL_TICK_NS,
    "frames on the car's CAN buses, under `volant up --bus`",
)
CAR_TROUBLE: Final = Topic(
    "car/trouble",
    m.Trouble,
    Kind.EVENT,
    None,
    "trouble codes of the car's port as they come and go",
)
CAR_CODES: Final = Topic(
    "car/codes", m.TroubleCodes, Kind.STATE, None, "trouble codes of all control units"
)
FLASH_STATE: Final = Topic(
    "flash/state",
    m.FlashUse,
    Kind.STATE,
    None,
    "what is written to flash, and how long it lasts",
    journal=False,
)
CAR_POWER: Final = Topic(
    "car/power",
    m.CarPower,
    Kind.STATE,
    None,
    "the power state of the live car and its 12 V side",
)
BODY_STATE: Final = Topic(
    "body/state", body.BodyState, Kind.STATE, None, "what body, climate and charging report"
)
BODY_REQUEST: Final = Topic(
    "body/request", body.BodyRequest, Kind.EVENT, None, "what is asked of the body"
)
ENERGY_STATE: Final = Topic(
    "energy/state", m.EnergyState, Kind.STATE, None, "what is expected of the charge"
)
APP_CARDS: Final = Topic(
    "apps/cards",
    m.AppCards,
    Kind.STATE,
    None,
    "what apps show on the driver's page; holds keys, so it is never written down",
    journal=False,
)
UPDATE_STATE: Final = Topic(
    "update/state", updates.UpdateState, Kind.STATE, None, "what updates have in hand"
)
UPDATE_REQUEST: Final = Topic(
    "update/request", updates.UpdateRequest, Kind.EVENT, None, "what a person wishes of an update"
)

TOPICS: Final[tuple[Topic, ...]] = (
    CAR_STATE,
    CAR_COMMAND,
    SENSOR_FRAMES,
    DRIVER_CONTROLS,
    DRIVER_REQUEST,
    PILOT_LOCALIZATION,
    PILOT_TRACKS,
    PILOT_PLAN,
    PILOT_STATE,
    PILOT_COMMAND,
    GUARD_DECISION,
    AEB_STATE,
    WORLD_EGO,
    WORLD_TRUTH,
    WORLD_CONTACT,
    JUDGE_INTERVENTION,
    JUDGE_FINDING,
    JUDGE_CONTACT,
    ALERT,
    LIVE_STEP,
    CAN_FRAMES,
    CAR_TROUBLE,
    CAR_CODES,
    FLASH_STATE,
    CAR_POWER,
    BODY_STATE,
    BODY_REQUEST,
    ENERGY_STATE,
    APP_CARDS,
    UPDATE_STATE,
    UPDATE_REQUEST,
)
BY_NAME: Final[dict[str, Topic]] = {topic.name: topic for topic in TOPICS}
