"""The bodies of hawkBit's Direct Device Integration API, version 1, as a server sends them: objects to bytes (HAL JSON)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from volant.cloud.ddi.device import Action, Artifact, Chunk, Device

CLOCK_MOST_S: Final = 24 * 3600 - 1
"""`HH:MM:SS` of a day."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device's resources are, as it sees it."""

    base: str
    """Such as `https://fleet.example`, without a slash at its end."""
    tenant: str
    controller_id: str

    @property
    def root(self) -> str:
        """The device's own resource."""
        return f"{self.base}/{self.tenant}/controller/v1/{self.controller_id}"


def sleep_text(sleep_s: float) -> str:
    """How long to wait for the next poll, as `HH:MM:SS`."""
    whole = min(max(int(sleep_s), 1), CLOCK_MOST_S)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def write_base(device: Device, place: Place, sleep_s: float) -> bytes:
    """What a poll answers: how long to sleep, and where there is something to do."""
    links: dict[str, Any] = {}
    action = device.active
    if action is not None:
        if action.asking:
            links["confirmationBase"] = _link(place, f"confirmationBase/{_versioned(action)}")
        elif action.canceling:
            links["cancelAction"] = _link(place, f"cancelAction/{action.action_id}")
        else:
            links["deploymentBase"] = _link(place, f"deploymentBase/{_versioned(action)}")
    if device.installed is not None:
        links["installedBase"] = _link(place, f"installedBase/{device.installed.action_id}")
    if device.wants_attributes:
        links["configData"] = _link(place, "configData")
    body: dict[str, Any] = {"config": {"polling": {"sleep": sleep_text(sleep_s)}}}
    return msgspec.json.encode({**body, "_links": links} if links else body)


def write_rest(
    place: Place, sleep_s: float, *, installed: int = 0, wants_attributes: bool = False
) -> bytes:
    """What `write_base` answers a device for which there is nothing, of what little is remembered of it."""
    links: dict[str, Any] = {}
    if installed:
        links["installedBase"] = _link(place, f"installedBase/{installed}")
    if wants_attributes:
        links["configData"] = _link(place, "configData")
    body: dict[str, Any] = {"config": {"polling": {"sleep": sleep_text(sleep_s)}}}
    return msgspec.json.encode({**body, "_links": links} if links else body)


def write_deployment(
    action: Action,
    place: Place,
    *,
    key: str = "deployment",
    history: int = 0,
    installed: bool = False,
) -> bytes:
    """An action with its chunks.

    Args:
        action: which.
        place: of the device.
        key: `deployment`, or `confirmation` as a question to a person.
        history: how many messages of what was said to send along; below 0: all that there are.
        installed: it is over, and runs.
    """
    handling = "forced" if action.forced else "attempt"
    found: dict[str, Any] = {
        "download": handling,
        "update": "skip" if action.maintenance is False else handling,
        "chunks": [_chunk(one, place) for one in action.chunks],
    }
    if action.maintenance is not None:
        found["maintenanceWindow"] = "available" if action.maintenance else "unavailable"
    body: dict[str, Any] = {"id": str(action.action_id), key: found}
    if history and action.messages:
        messages = action.messages if history < 0 else action.messages[:history]
        body["actionHistory"] = {
            "status": _status(action, installed=installed),
            "messages": messages,
        }
    return msgspec.json.encode(body)


def _status(action: Action, *, installed: bool) -> str:
    """How an action stands, in hawkBit's words."""
    if installed:
        return "FINISHED"
    if action.canceling:
        return "CANCELING"
    return "WAIT_CONFIRMATION" if action.asking else "RUNNING"


def write_cancel(action: Action) -> bytes:
    """Which action to stop."""
    number = str(action.action_id)
    return msgspec.json.encode({"id": number, "cancelAction": {"stopId": number}})


def write_confirmation_base(device: Device, place: Place) -> bytes:
    """Whether actions pass unasked, and the one that waits."""
    state: dict[str, Any] = {"active": device.auto_confirm_s is not None}
    if device.auto_confirm_s is not None:
        state["activatedAt"] = int(device.auto_confirm_s * 1000)
        state.update({"initiator": device.initiator} if device.initiator else {})
        state.update({"remark": device.remark} if device.remark else {})
    verb = "deactivateAutoConfirm" if state["active"] else "activateAutoConfirm"
    links = {verb: _link(place, f"confirmationBase/{verb}")}
    action = device.active
    if action is not None and action.asking:
        links["confirmationBase"] = _link(place, f"confirmationBase/{_versioned(action)}")
    return msgspec.json.encode({"autoConfirm": state, "_links": links})


def write_artifacts(chunk: Chunk, place: Place) -> bytes:
    """The files of a software module."""
    return msgspec.json.encode([_artifact(one, chunk, place) for one in chunk.artifacts])


def write_md5(artifact: Artifact) -> bytes:
    """As `md5sum` writes it."""
    return f"{artifact.md5}  {artifact.filename}".encode()


def _chunk(chunk: Chunk, place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {
        "part": chunk.part,
        "version": chunk.version,
        "name": chunk.name,
        "artifacts": [_artifact(one, chunk, place) for one in chunk.artifacts],
    }
    if chunk.encrypted:
        found["encrypted"] = True
    if chunk.metadata:
        found["metadata"] = [{"key": key, "value": text} for key, text in chunk.metadata.items()]
    return found


def _artifact(one: Artifact, chunk: Chunk, place: Place) -> dict[str, Any]:
    path = f"softwaremodules/{chunk.module_id}/artifacts/{one.filename}"
    file, md5 = _link(place, path), _link(place, f"{path}.MD5SUM")
    links = {"download": file, "md5sum": md5}
    if place.base.startswith("http:"):
        # hawkBit has names of their own for links without TLS; clients look for either.
        links.update({"download-http": file, "md5sum-http": md5})
    hashes = {"sha1": one.sha1, "md5": one.md5, "sha256": one.sha256}
    return {"filename": one.filename, "hashes": hashes, "size": one.size, "_links": links}


def _link(place: Place, path: str) -> dict[str, str]:
    return {"href": f"{place.root}/{path}"}


def _versioned(action: Action) -> str:
    """Its number with a mark that changes when what is to be read behind it does."""
    state = (action.forced, action.maintenance, action.asking, action.kept)
    digest = hashlib.sha256(msgspec.msgpack.encode((action.chunks, state))).digest()
    return f"{action.action_id}?c={int.from_bytes(digest[:4], 'big')}"
