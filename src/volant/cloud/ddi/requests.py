"""One request of a hawkBit device: the device before, the device after, and the answer. No sockets, no clock, no store.

A shell checks who asks, hands the request in, stores what comes out in one transaction with the campaign's step, and
only then answers. The path is the part behind `/{tenant}/controller/v1/{controllerId}`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from volant.cloud.campaigns.cars import Report
from volant.cloud.ddi import device as devices
from volant.cloud.ddi.device import Action, Artifact, Chunk, Device
from volant.cloud.ddi.ranges import Slice, choose
from volant.cloud.ddi.shapes import (
    read_auto_confirm,
    read_config,
    read_confirmation,
    read_feedback,
    read_installed,
)
from volant.cloud.ddi.writing import (
    Place,
    write_artifacts,
    write_base,
    write_cancel,
    write_confirmation_base,
    write_deployment,
    write_md5,
)
from volant.core.errors import InputError

OK: Final = 200
NOT_MODIFIED: Final = 304
HAL: Final = "application/hal+json;charset=UTF-8"
NUMBER_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class Request:
    """What came."""

    method: str
    path: str
    """Split at its slashes by us; without a query."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in small letters."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    kind: str = HAL
    headers: Mapping[str, str] = field(default_factory=dict)
    file: tuple[Artifact, Slice] | None = None
    """Bytes of a file, which the shell sends in place of a body."""


@dataclass(frozen=True, slots=True)
class Handled:
    """A device after a request."""

    device: Device
    answer: Answer
    report: Report | None = None
    """For the campaign of the action that was active."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request with all that it is answered from."""

    device: Device
    request: Request
    place: Place
    sleep_s: float
    now_s: float


def handle(
    device: Device, request: Request, place: Place, *, sleep_s: float, now_s: float
) -> Handled:
    """Answer one request.

    Args:
        device: as it was.
        request: as it came.
        place: of the device's resources.
        sleep_s: until it is to poll again.
        now_s: Unix seconds.
    """
    call = Call(device, request, place, sleep_s, now_s)
    parts = [one for one in request.path.split("/") if one]
    try:
        return _route(call, parts)
    except InputError as error:
        return Handled(device, _words(400, str(error)))


def _route(call: Call, parts: list[str]) -> Handled:
    match call.request.method, parts:
        case "GET", []:
            return _poll(call)
        case "GET", ["deploymentBase", number]:
            return _active(call, number, _deployment)
        case "POST", ["deploymentBase", number, "feedback"]:
            return _active(call, number, _deployment_feedback)
        case "GET", ["cancelAction", number]:
            return _active(call, number, _cancel)
        case "POST", ["cancelAction", number, "feedback"]:
            return _active(call, number, _cancel_feedback)
        case "GET", ["confirmationBase"]:
            return _give(call, write_confirmation_base(call.device, call.place))
        case "POST", ["confirmationBase", "activateAutoConfirm" | "deactivateAutoConfirm" as verb]:
            return _auto_confirm(call, on=verb == "activateAutoConfirm")
        case "GET", ["confirmationBase", number]:
            return _active(call, number, _question)
        case "POST", ["confirmationBase", number, "feedback"]:
            return _active(call, number, _question_feedback)
        case "PUT", ["configData"]:
            return _config(call)
        case "PUT", ["installedBase"]:
            return _report_installed(call)
        case "GET", ["installedBase", number]:
            return _installed(call, number)
        case "GET" | "HEAD", ["softwaremodules", number, "artifacts", *rest]:
            return _artifacts(call, number, rest)
    known = {"deploymentBase", "cancelAction", "confirmationBase", "configData", "installedBase"}
    status = 405 if not parts or parts[0] in known else 404
    return Handled(call.device, _words(status, f"no {call.request.method} {call.request.path}"))


def _poll(call: Call) -> Handled:
    body = write_base(call.device, call.place, call.sleep_s)
    etag = etag_of(body)
    if call.request.headers.get("if-none-match") == etag:
        return Handled(call.device, Answer(304, headers={"etag": etag}))
    return Handled(call.device, Answer(OK, body, headers={"etag": etag}))


def etag_of(body: bytes) -> str:
    """A mark of an answer to a poll, with its quotation marks."""
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _active(call: Call, number: str, then: Callable[[Call, Action], Handled]) -> Handled:
    """Let what is about the active action pass; what is about one that is over is gone (410)."""
    action_id = _number(number)
    action = call.device.active
    if action is not None and action.action_id == action_id:
        return then(call, action)
    gone = action_id in call.device.ended and call.request.method == "POST"
    return Handled(call.device, _words(410 if gone else 404, f"action {number} is not active"))


def _deployment(call: Call, action: Action) -> Handled:
    if action.asking or action.canceling:
        return _not_now(call, action)
    return _give(call, write_deployment(action, call.place, history=_history(call)))


def _deployment_feedback(call: Call, action: Action) -> Handled:
    if action.asking:
        return _not_now(call, action)
    device, report = devices.hear_deployment(call.device, read_feedback(call.request.body))
    return Handled(device, Answer(OK), report)


def _cancel(call: Call, action: Action) -> Handled:
    return _give(call, write_cancel(action)) if action.canceling else _not_now(call, action)


def _cancel_feedback(call: Call, action: Action) -> Handled:
    if not action.canceling:
        return _not_now(call, action)
    device, report = devices.hear_cancel(call.device, read_feedback(call.request.body))
    return Handled(device, Answer(OK), report)


def _question(call: Call, action: Action) -> Handled:
    if not action.asking:
        return _not_now(call, action)
    history = _history(call)
    return _give(call, write_deployment(action, call.place, key="confirmation", history=history))


def _question_feedback(call: Call, action: Action) -> Handled:
    if not action.asking:
        return _not_now(call, action)
    device, report = devices.hear_confirmation(call.device, read_confirmation(call.request.body))
    return Handled(device, Answer(OK), report)


def _auto_confirm(call: Call, *, on: bool) -> Handled:
    found = read_auto_confirm(call.request.body if on else b"")
    device, report = devices.set_auto_confirm(
        call.device,
        call.now_s if on else None,
        initiator=found.initiator or "",
        remark=found.remark or "",
    )
    return Handled(device, Answer(OK), report)


def _config(call: Call) -> Handled:
    attributes = read_config(call.request.body).applied(call.device.attributes)
    return Handled(replace(call.device, attributes=attributes, wants_attributes=False), Answer(OK))


def _report_installed(call: Call) -> Handled:
    found = read_installed(call.request.body)
    offline = (found.name, found.version)
    status = OK if offline == call.device.offline else 201
    return Handled(replace(call.device, offline=offline), Answer(status))


def _installed(call: Call, number: str) -> Handled:
    action = call.device.installed
    if action is None or action.action_id != _number(number):
        return Handled(call.device, _words(404, f"action {number} is not installed"))
    history = _history(call)
    return _give(call, write_deployment(action, call.place, history=history, installed=True))


def _artifacts(call: Call, number: str, rest: list[str]) -> Handled:
    """Files of actions that the device has or had, and of no others."""
    actions = [one for one in (call.device.active, call.device.installed) if one is not None]
    module_id = _number(number)
    chunk = next((found for one in actions if (found := one.find(module_id)) is not None), None)
    if chunk is None or len(rest) > 1:
        return Handled(call.device, _words(404, f"no software module {number} for this device"))
    if not rest:
        return _give(call, write_artifacts(chunk, call.place))
    return Handled(call.device, _file(call, chunk, rest[0]))


def _file(call: Call, chunk: Chunk, name: str) -> Answer:
    by_name = {one.filename: one for one in chunk.artifacts}
    if name in by_name:
        return _bytes(call, by_name[name])
    md5_of = by_name.get(name.removesuffix(".MD5SUM"))
    if md5_of is None:
        return _words(404, f"no file {name} in software module {chunk.module_id}")
    attached = {"content-disposition": f"attachment;filename={name}"}
    return Answer(OK, write_md5(md5_of), "text/plain", attached)


def _bytes(call: Call, artifact: Artifact) -> Answer:
    etag = f'"{artifact.sha256}"'
    headers = call.request.headers
    part = choose(
        artifact.size,
        etag,
        wanted=headers.get("range", ""),
        if_match=headers.get("if-match", ""),
        if_range=headers.get("if-range", ""),
        if_none_match=headers.get("if-none-match", ""),
    )
    found = {"etag": etag, "accept-ranges": "bytes"}
    if part.status == NOT_MODIFIED:
        return Answer(NOT_MODIFIED, headers=found)
    found["content-disposition"] = f"attachment;filename={artifact.filename}"
    found["content-length"] = str(part.end - part.begin)
    if part.content_range is not None:
        found["content-range"] = part.content_range
    file = (artifact, part) if part.status in {OK, 206} else None
    return Answer(part.status, b"", "application/octet-stream", found, file)


def _not_now(call: Call, action: Action) -> Handled:
    state = "waits for a person" if action.asking else "is being cancelled"
    if not action.asking and not action.canceling:
        state = "goes on"
    return Handled(call.device, _words(404, f"action {action.action_id} {state}"))


def _give(call: Call, body: bytes) -> Handled:
    return Handled(call.device, Answer(OK, body))


def _words(status: int, words: str) -> Answer:
    return Answer(status, words.encode(errors="replace"), "text/plain;charset=UTF-8")


def _history(call: Call) -> int:
    text = call.request.query.get("actionHistory", "0")
    negative, digits = text.startswith("-"), text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > NUMBER_DIGITS:
        raise InputError(f"actionHistory is a number, found {text[:40]!r}")
    return -int(digits) if negative else int(digits)


def _number(text: str) -> int:
    """A number of a path; what is none is none of ours."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS else 0
