"""The bodies of hawkBit's Direct Device Integration API, version 1, as devices send them: bytes to objects.

Shapes and meanings are those of hawkBit's own API (eclipse-hawkbit/hawkbit, hawkbit-ddi-api and DdiRootController).
Old clients are let through: `id` and `time` that nobody needs, an empty `progress`, texts where lists belong, numbers
as texts. What decides, `execution` and `finished`, must be there and be known.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from volant.core.errors import InputError

BODY_MOST_BYTES: Final = 256 * 1024
DETAILS_MOST: Final = 64
"""Messages of one feedback that are kept."""
DETAIL_MOST: Final = 512
"""Characters of one that are kept; hawkBit's own limit (recalled)."""
ATTRIBUTES_MOST: Final = 100
ATTRIBUTE_MOST: Final = 128
T = TypeVar("T")


class Execution(StrEnum):
    """How far a device is."""

    CLOSED = "closed"
    PROCEEDING = "proceeding"
    CANCELED = "canceled"
    SCHEDULED = "scheduled"
    REJECTED = "rejected"
    RESUMED = "resumed"
    DOWNLOADED = "downloaded"
    DOWNLOAD = "download"


class Finished(StrEnum):
    """How it ended; `none` with `closed` counts as success."""

    SUCCESS = "success"
    FAILURE = "failure"
    NONE = "none"


class UpdateMode(StrEnum):
    """What becomes of attributes that are there."""

    MERGE = "merge"
    REPLACE = "replace"
    REMOVE = "remove"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many; old clients send it empty or with words of their own."""

    cnt: Any = None
    of: Any = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended."""

    finished: Finished = Finished.NONE
    progress: Progress | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says."""

    execution: Execution
    result: Result = Result()
    code: Any = None
    details: Any = None


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """Feedback on a deployment or on a cancellation."""

    status: Status

    @property
    def failed(self) -> bool:
        """It ended badly."""
        return self.status.result.finished is Finished.FAILURE

    @property
    def messages(self) -> tuple[str, ...]:
        """What it says, for people, bounded."""
        code = (
            () if self.status.code is None else (f"status code {self.status.code}"[:DETAIL_MOST],)
        )
        return (*texts(self.status.details), *code)

    @property
    def done(self) -> float | None:
        """Share that is done, 0 to 1; None: not told."""
        progress = self.status.result.progress
        if progress is None:
            return None
        try:
            count, whole = float(progress.cnt), float(progress.of)
        except (TypeError, ValueError):
            return None
        return min(1.0, max(0.0, count / whole)) if whole > 0.0 else None


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """What a person in the car says to an action."""

    confirmation: Annotated[str, Meta(pattern="^(confirmed|denied)$")]
    code: Any = None
    details: Any = None


class AutoConfirm(msgspec.Struct, frozen=True, kw_only=True):
    """Who lets every later action pass, and why."""

    initiator: Annotated[str, Meta(max_length=64)] | None = None
    remark: Annotated[str, Meta(max_length=512)] | None = None


class InstalledVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a device runs without our doing: from a USB stick, from the factory, by a fall-back."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    version: Annotated[str, Meta(min_length=1, max_length=64)]


class _Config(msgspec.Struct, frozen=True, kw_only=True):
    mode: UpdateMode | None = None
    data: dict[str, Any] = {}


class ConfigData(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says of itself."""

    mode: UpdateMode
    data: dict[str, str]

    def applied(self, before: dict[str, str]) -> dict[str, str]:
        """The attributes after it.

        Raises:
            InputError: they would be too many.
        """
        if self.mode is UpdateMode.REMOVE:
            found = {key: text for key, text in before.items() if key not in self.data}
        elif self.mode is UpdateMode.REPLACE:
            found = dict(self.data)
        else:
            found = {**before, **self.data}
        if len(found) > ATTRIBUTES_MOST:
            raise InputError(f"{len(found)} attributes, at most {ATTRIBUTES_MOST}")
        return found


def read_feedback(data: bytes) -> Feedback:
    """Feedback on a deployment or cancellation.

    Raises:
        InputError: it is none.
    """
    return _read(data, Feedback)


def read_confirmation(data: bytes) -> Confirmation:
    """Feedback on a question.

    Raises:
        InputError: it is none.
    """
    return _read(data, Confirmation)


def read_auto_confirm(data: bytes) -> AutoConfirm:
    """Who wants it; hawkBit allows an empty body.

    Raises:
        InputError: it is something else.
    """
    return _read(data or b"{}", AutoConfirm)


def read_installed(data: bytes) -> InstalledVersion:
    """What a device runs by its own word.

    Raises:
        InputError: it is something else.
    """
    return _read(data, InstalledVersion)


def read_config(data: bytes) -> ConfigData:
    """Attributes; without a mode they are merged, as hawkBit does. Values that are no texts become texts.

    Raises:
        InputError: it is something else, or a key or value is too long.
    """
    found = _read(data, _Config)
    texts_by_key = {}
    for key, value in found.data.items():
        text = _text(value)
        if not 0 < len(key) <= ATTRIBUTE_MOST or len(text) > ATTRIBUTE_MOST:
            raise InputError(
                f"attribute {key[:40]!r}: key and value have at most {ATTRIBUTE_MOST} characters"
            )
        texts_by_key[key] = text
    return ConfigData(mode=found.mode or UpdateMode.MERGE, data=texts_by_key)


def texts(details: object) -> tuple[str, ...]:
    """Details as messages: a list, one text, or something else that is shown as it is."""
    if details is None:
        return ()
    some = details if isinstance(details, list | tuple) else [details]
    return tuple(_text(one)[:DETAIL_MOST] for one in some[:DETAILS_MOST])


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _read(data: bytes, kind: type[T]) -> T:
    if len(data) > BODY_MOST_BYTES:
        raise InputError(f"a body of {len(data)} bytes, at most {BODY_MOST_BYTES}")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"no {kind.__name__.strip('_').lower()}: {error}") from error
