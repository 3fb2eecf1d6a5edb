"""What a simulated car says to the fleet's server and hears from it: requests and answers as values, of both protocols.

hawkBit's device API is written as its clients write it (hawkbit-ddi-api), by nothing of the server's own code: two
readings of one text. What cars that speak Uptane say stands in `fleet_uptane_car`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

OK: Final = 200
GOOD: Final = range(200, 300)
GONE: Final = 410
BUSY: Final = frozenset({429, 503})
FAULTS_FROM: Final = 500
"""From here on it is the server that is at fault, and may yet have done what was asked."""
BROKEN: Final = 0
"""Status of an answer that never came."""


class Kind(StrEnum):
    """What a request is for."""

    POLL = "poll"
    CONFIG = "config"
    DEPLOYMENT = "deployment"
    FILE = "file"
    WORD = "word"
    """Feedback on a deployment or on a cancellation."""
    CANCEL = "cancel"
    QUESTION = "question"
    JOIN = "join"
    TIME = "time"
    MANIFEST = "manifest"
    METADATA = "metadata"
    IMAGE = "image"


UPTANE: Final = frozenset({Kind.JOIN, Kind.TIME, Kind.MANIFEST, Kind.METADATA, Kind.IMAGE})
"""What is asked without a token: what counts there is signed."""
ARRIVALS: Final = frozenset({Kind.POLL, Kind.MANIFEST})
"""With what a car comes and asks whether there is something for it."""


class Said(StrEnum):
    """What a word claims."""

    BUSY = "busy"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"
    REFUSED = "refused"


ENDS: Final = frozenset({Said.SUCCESS, Said.FAILURE, Said.CANCELED})


@dataclass(frozen=True, slots=True)
class Want:
    """A request that the car makes."""

    kind: Kind
    method: str
    path: str
    """Of the server, with its query."""
    body: bytes = b""
    action: int = 0
    said: Said = Said.BUSY
    lie: bool = False
    """A server that takes it has been fooled."""
    hangs_up: bool = False
    """The car does not wait for the answer."""
    sha256: str = ""
    """Of a file."""
    unsure: bool = False
    """Made before, and no answer came: the server may have taken it."""
    offset: int = 0
    """From which byte of an image on."""
    sink: Callable[[bytes], object] | None = field(default=None, compare=False)
    """Takes an image as it comes."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The car does nothing for so long."""

    span_s: float


Job = Want | Wait


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    """`BROKEN`: nothing did."""
    body: bytes = b""
    retry_s: float | None = None
    """`Retry-After`."""
    sha256: str = ""
    """Of the body of a file."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a car said of an action, and how the server took it."""

    action: int
    said: Said
    status: int
    lie: bool = False
    unsure: bool = False

    @property
    def taken(self) -> bool:
        """The server thanked for it."""
        return self.status in GOOD


class _Href(msgspec.Struct):
    href: str


class _Links(msgspec.Struct):
    deployment: _Href | None = msgspec.field(default=None, name="deploymentBase")
    cancel: _Href | None = msgspec.field(default=None, name="cancelAction")
    question: _Href | None = msgspec.field(default=None, name="confirmationBase")
    config: _Href | None = msgspec.field(default=None, name="configData")


class _Polling(msgspec.Struct):
    sleep: str = ""


class _Config(msgspec.Struct):
    polling: _Polling = msgspec.field(default_factory=_Polling)


class Base(msgspec.Struct):
    """The answer to a poll."""

    config: _Config = msgspec.field(default_factory=_Config)
    links: _Links = msgspec.field(default_factory=_Links, name="_links")

    @property
    def sleep_s(self) -> float:
        """Until the next poll.

        Raises:
            ValueError: it says no time.
        """
        return _seconds(self.config.polling.sleep)


class _Artifact(msgspec.Struct):
    filename: str
    hashes: dict[str, str]
    links: dict[str, _Href] = msgspec.field(name="_links")


class _Chunk(msgspec.Struct):
    artifacts: list[_Artifact]


class _Deployment(msgspec.Struct):
    chunks: list[_Chunk]


class _Action(msgspec.Struct):
    id: str
    deployment: _Deployment | None = None


_BASE: Final = msgspec.json.Decoder(Base)
_ACTION: Final = msgspec.json.Decoder(_Action)


def read_base(body: bytes) -> Base | None:
    """The answer to a poll; None: it is none."""
    try:
        found = _BASE.decode(body)
        _ = found.sleep_s
    except (msgspec.MsgspecError, ValueError):
        return None
    return found


def read_action(body: bytes) -> tuple[int, tuple[Want, ...]] | None:
    """Number and files of a deployment; None: it is none."""
    try:
        found = _ACTION.decode(body)
        action = int(found.id)
    except (msgspec.MsgspecError, ValueError):
        return None
    chunks = [] if found.deployment is None else found.deployment.chunks
    files = tuple(
        Want(Kind.FILE, "GET", path_of(one.links["download"].href), action=action,
            sha256=one.hashes.get("sha256", ""))
        for chunk in chunks for one in chunk.artifacts if "download" in one.links
    )  # fmt: skip
    return action, files


def letting_go(href: str) -> tuple[Job, ...]:
    """Look at what is called back, and let go of it."""
    path, action = path_of(href), number_of(href)
    word = _body("closed", "success", "let go of it")
    said = Want(Kind.WORD, "POST", f"{_bare(path)}/feedback", word, action, Said.CANCELED)
    return (Want(Kind.CANCEL, "GET", path, action=action), said)


def agreeing(href: str) -> tuple[Job, ...]:
    """Look at what a person in the car is asked, and agree to it."""
    path, action = path_of(href), number_of(href)
    body = msgspec.json.encode({"confirmation": "confirmed"})
    said = Want(Kind.WORD, "POST", f"{_bare(path)}/feedback", body, action)
    return (Want(Kind.QUESTION, "GET", path, action=action), said)


def closed(root: str, action: int, said: Said, why: str, *, lie: bool = False) -> Want:
    """How an action ended.

    Args:
        root: path of the car's resource.
        action: which.
        said: success or failure.
        why: for people; empty: nothing.
        lie: no server may take it.
    """
    finished = "success" if said is Said.SUCCESS else "failure"
    path = f"{root}/deploymentBase/{action}/feedback"
    return Want(Kind.WORD, "POST", path, _body("closed", finished, why), action, said, lie)


def going_on(root: str, action: int, why: str, done: tuple[int, int] | None = None) -> Want:
    """That an action goes on, and perhaps how many of how many steps are done."""
    path = f"{root}/deploymentBase/{action}/feedback"
    return Want(Kind.WORD, "POST", path, _body("proceeding", "none", why, done), action)


def _body(execution: str, finished: str, why: str, done: tuple[int, int] | None = None) -> bytes:
    result: dict[str, Any] = {"finished": finished}
    if done:
        result["progress"] = {"cnt": done[0], "of": done[1]}
    status = {"execution": execution, "result": result, "details": [why] if why else []}
    return msgspec.json.encode({"status": status})


def path_of(href: str) -> str:
    """What of an address goes into a request."""
    parts = urlsplit(href)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def number_of(href: str) -> int:
    """Of an action, from its address; 0: there is none."""
    text = _bare(href).rpartition("/")[2]
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else 0


def _bare(path: str) -> str:
    return path.partition("?")[0]


def _seconds(clock: str) -> float:
    hours, minutes, seconds = (int(one) for one in clock.split(":"))
    return max(1.0, hours * 3600.0 + minutes * 60.0 + seconds)
