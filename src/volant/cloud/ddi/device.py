"""What the server holds of one hawkBit device, and what follows from what is said to it.

An action is one try of one campaign: `offer` when the campaign says update, `call_back` when it says so; what the
device says comes out as `Report`, for `campaigns.hear`.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from volant.cloud.campaigns.cars import Report, Said
from volant.cloud.campaigns.filters import Facts
from volant.cloud.ddi.shapes import Confirmation, Execution, Feedback, texts

MESSAGES_MOST: Final = 100
ENDED_MOST: Final = 32
"""Actions that are remembered as over; older ones are unknown."""
ActionId = Annotated[int, Meta(ge=1, le=2**53)]


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    filename: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,254}$")]
    size: Annotated[int, Meta(ge=0)]
    sha1: str
    md5: str
    sha256: str


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One software module of an action."""

    module_id: ActionId
    part: str = "os"
    """`os`, `bApp` or another word that the device knows."""
    name: str
    version: str
    artifacts: tuple[Artifact, ...]
    metadata: dict[str, str] = {}
    encrypted: bool = False


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one campaign at one device."""

    action_id: ActionId
    campaign_id: str
    attempt: int
    chunks: tuple[Chunk, ...]
    forced: bool = True
    maintenance: bool | None = None
    """Whether its maintenance window is open; None: it has none."""
    asking: bool = False
    """A person in the car must agree first."""
    agreed: bool = False
    """Somebody has agreed, and the campaign has yet to give it a place; until then it is `asking`."""
    canceling: bool = False
    kept: bool = False
    """The device would not cancel; it is let go on."""
    called_s: float | None = None
    """When it was called back first, Unix seconds."""
    messages: Annotated[tuple[str, ...], Meta(max_length=MESSAGES_MOST)] = ()
    """What was said, the last first."""

    def noted(self, *messages: str) -> Action:
        """With what was said."""
        return replace(self, messages=(*reversed(messages), *self.messages)[:MESSAGES_MOST])

    def find(self, module_id: int) -> Chunk | None:
        """A software module."""
        return next((one for one in self.chunks if one.module_id == module_id), None)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One device."""

    controller_id: str
    active: Action | None = None
    installed: Action | None = None
    """The last that it installed."""
    ended: Annotated[tuple[ActionId, ...], Meta(max_length=ENDED_MOST)] = ()
    attributes: dict[str, str] = {}
    wants_attributes: bool = True
    """It is asked for its attributes until it has sent some."""
    auto_confirm_s: float | None = None
    """Since when every action passes unasked, Unix seconds."""
    initiator: str = ""
    remark: str = ""
    offline: tuple[str, str] | None = None
    """Name and version that it runs by its own word."""
    groups: tuple[str, ...] | None = None
    """Put by people; None: those that it names itself, in its attribute `group` with commas."""

    @property
    def facts(self) -> Facts:
        """What a filter may ask: attributes, `car`, and `group`."""
        found: dict[str, tuple[str, ...]] = {key: (text,) for key, text in self.attributes.items()}
        found["car"] = (self.controller_id,)
        found["group"] = groups_of(self)
        return found


def groups_of(device: Device) -> tuple[str, ...]:
    """Which groups a device is in; what people say holds above what it says itself."""
    if device.groups is not None:
        return device.groups
    named = device.attributes.get("group", "")
    return tuple(one.strip() for one in named.split(",") if one.strip())


def offer(device: Device, action: Action) -> Device:
    """Give a device its action; given again, nothing changes."""
    if device.active is not None and device.active.action_id == action.action_id:
        return device
    if action.asking and device.auto_confirm_s is not None:
        action = replace(action, asking=False).noted("confirmed by auto-confirmation")
    before = device.active
    ended = _ended(device, before) if before is not None else device.ended
    return replace(device, active=action, ended=ended)


def go_on(device: Device) -> Device:
    """Let a device begin that was asked first."""
    action = device.active
    if action is None or not action.asking:
        return device
    return replace(device, active=replace(action, asking=False, agreed=False))


def call_back(device: Device, now_s: float) -> Device:
    """Ask a device to cancel, at a time in Unix seconds; one that may not even begin is gone at once."""
    action = device.active
    if action is None:
        return device
    if action.asking:
        return forget(device)
    called_s = now_s if action.called_s is None else action.called_s
    canceling = not action.kept
    return replace(device, active=replace(action, canceling=canceling, called_s=called_s))


def forget(device: Device) -> Device:
    """End a device's action without a word of its own."""
    action = device.active
    return device if action is None else replace(device, active=None, ended=_ended(device, action))


def hear_deployment(device: Device, feedback: Feedback) -> tuple[Device, Report]:
    """What a device says of its active action."""
    action = _active(device).noted(_summary(feedback), *feedback.messages)
    said = _said_of_deployment(feedback)
    report = _report(action, said, feedback.messages)
    if said is Said.BUSY:
        return replace(device, active=action), report
    installed = action if said is Said.INSTALLED else device.installed
    ended = _ended(device, action)
    return replace(device, active=None, installed=installed, ended=ended), report


def hear_cancel(device: Device, feedback: Feedback) -> tuple[Device, Report | None]:
    """What a device says to being called back. None: nothing has come of it yet."""
    action = _active(device).noted(f"cancel: {_summary(feedback)}", *feedback.messages)
    execution = feedback.status.execution
    if execution is Execution.CLOSED and not feedback.failed:
        said = _report(action, Said.CANCELED, feedback.messages)
        report = replace(said, called_back=True)
        return replace(device, active=None, ended=_ended(device, action)), report
    if execution is Execution.CLOSED:
        report = _report(action, Said.FAILED, ("the cancellation failed", *feedback.messages))
        return replace(device, active=None, ended=_ended(device, action)), report
    if execution is Execution.REJECTED:
        kept = replace(action, canceling=False, kept=True)
        return replace(device, active=kept), _report(action, Said.BUSY, feedback.messages)
    return replace(device, active=action), None


def hear_confirmation(device: Device, answer: Confirmation) -> tuple[Device, Report]:
    """What a person in the car says; a no may become a yes later, as at hawkBit.

    After a yes the device goes on asking until the campaign has let it `go_on`.
    """
    action = _active(device)
    messages = texts(answer.details)
    if answer.confirmation == "confirmed":
        agreed = replace(action, agreed=True).noted("confirmed", *messages)
        return replace(device, active=agreed), _report(action, Said.AGREED, messages)
    denied = replace(action, agreed=False).noted("denied", *messages)
    told = replace(device, active=denied)
    return told, _report(action, Said.REFUSED, messages or ("denied in the car",))


def set_auto_confirm(
    device: Device, now_s: float | None, *, initiator: str = "", remark: str = ""
) -> tuple[Device, Report | None]:
    """Let every action pass from now on, the one that waits too; None: ask again."""
    found = replace(device, auto_confirm_s=now_s, initiator=initiator, remark=remark)
    action = device.active
    if now_s is None or action is None or not action.asking:
        return found, None
    agreed = replace(action, agreed=True).noted("confirmed by auto-confirmation")
    return replace(found, active=agreed), _report(action, Said.AGREED, ())


def _said_of_deployment(feedback: Feedback) -> Said:
    """As hawkBit reads it: `rejected` is a warning, and only `closed` and `canceled` end an action."""
    execution = feedback.status.execution
    if execution is Execution.CLOSED:
        return Said.FAILED if feedback.failed else Said.INSTALLED
    return Said.CANCELED if execution is Execution.CANCELED else Said.BUSY


def _report(action: Action, said: Said, messages: tuple[str, ...]) -> Report:
    return Report(attempt=action.attempt, said=said, reason="; ".join(messages)[:512])


def _summary(feedback: Feedback) -> str:
    done = feedback.done
    share = "" if done is None else f", {done:.0%}"
    status = feedback.status
    return f"{status.execution}, {status.result.finished}{share}"


def _active(device: Device) -> Action:
    if device.active is None:
        raise ValueError(f"device {device.controller_id} has no action")
    return device.active


def _ended(device: Device, action: Action) -> tuple[int, ...]:
    return (action.action_id, *device.ended)[:ENDED_MOST]
