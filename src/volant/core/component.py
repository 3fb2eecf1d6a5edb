"""A component: a step with a declared period, inputs and outputs, the same under every executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from volant.core.messages import Message
from volant.core.topics import Topic

Outputs = tuple[tuple[Topic, Message], ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a step may read: the latest message of each input, and what came since the last step."""

    latest: Mapping[str, Any]
    """By topic name; None where nothing has come yet."""
    new: Mapping[str, tuple[Any, ...]]
    """By topic name; unread messages, oldest first."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the car. `step(state, inputs, stamp_ns) -> (state, outputs)`."""

    name: str
    period_ns: int
    inputs: tuple[Topic, ...]
    outputs: tuple[Topic, ...]
    start: Callable[[], Any]
    """Makes the first state."""
    step: Callable[[Any, Inputs, int], tuple[Any, Outputs]]
