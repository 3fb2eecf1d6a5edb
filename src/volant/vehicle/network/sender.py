"""What a unit sends when: a pure step from values to frames, cyclic, on change or both.

A value that is no number cannot be sent: the message stays away, and its receivers find it missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from volant.core.clock import CONTROL_TICK_NS
from volant.vehicle.network.frames import Frame
from volant.wire import e2e
from volant.wire.dbc import Message

SAMPLE_END: Final = "_Sample"
SAMPLES: Final = 16

Values = Callable[[str], Mapping[str, float]]
"""Physical values of a message's signals by its name; those left out rest at their start values."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Messages of one unit on one bus."""

    messages: tuple[Message, ...]
    samples: tuple[str, ...]
    """Of each message the signal that counts what is sent; empty: none."""
    watches: bool
    """Something goes on change, so the values are looked at each tick."""


def make_sender(messages: tuple[Message, ...], samples: Mapping[str, str] | None = None) -> Sender:
    """A sender; `samples` names the counting signal by message, else it is `MESSAGE_Sample`."""
    named = samples or {}
    usual = {
        one.name: one.name + SAMPLE_END for one in messages if one.name + SAMPLE_END in one.signals
    }
    return Sender(
        messages,
        tuple(named.get(one.name) or usual.get(one.name, "") for one in messages),
        any(one.on_change for one in messages),
    )


class SenderState(msgspec.Struct, frozen=True, gc=False):
    """What a unit remembers of its messages, each in its place."""

    counters: tuple[int, ...]
    due_ns: tuple[int, ...]
    last: tuple[Mapping[str, float], ...]
    """What was sent last; only for messages on change."""
    next_ns: int = 0
    """When the next cyclic message is due."""


_NOTHING: Mapping[str, float] = {}


def begin(sender: Sender) -> SenderState:
    """Everything is due at once."""
    count = len(sender.messages)
    return SenderState((0,) * count, (0,) * count, (_NOTHING,) * count)


def step(
    sender: Sender, state: SenderState, values: Values, sample: int, now_ns: int
) -> tuple[SenderState, list[Frame]]:
    """Frames of one tick. Cyclic messages of one period are spread over it by their place.

    `sample` counts how often the values were made anew, so that receivers can tell old ones sent again.
    """
    frames: list[Frame] = []
    if not sender.watches and now_ns < state.next_ns:
        return state, frames
    counters, due, last = state.counters, list(state.due_ns), state.last
    changed_counters: list[int] | None = None
    changed_last: list[Mapping[str, float]] | None = None
    for place, message in enumerate(sender.messages):
        is_due = due[place] <= now_ns and (message.cyclic or due[place] == 0)
        if not is_due and not message.on_change:
            continue
        found = values(message.name)
        if not is_due and found == last[place]:
            continue
        if is_due:
            cycle_ns = message.cycle_ns or CONTROL_TICK_NS
            phase_ns = place * CONTROL_TICK_NS % cycle_ns
            due[place] = (now_ns - phase_ns) // cycle_ns * cycle_ns + cycle_ns + phase_ns
        counter = counters[place] if changed_counters is None else changed_counters[place]
        told = found
        if sender.samples[place]:
            told = {**found, sender.samples[place]: sample % SAMPLES}
        data = _encode(message, told, counter)
        if data is None:
            continue
        frames.append(Frame(message.can_id, data, message.extended))
        if message.protection is not None:
            changed_counters = changed_counters or list(counters)
            changed_counters[place] = e2e.next_counter(message.protection, counter)
        if message.on_change:
            changed_last = changed_last or list(last)
            changed_last[place] = found
    if not frames:
        return state, frames
    return (
        SenderState(
            counters if changed_counters is None else tuple(changed_counters),
            tuple(due),
            last if changed_last is None else tuple(changed_last),
            min(due),
        ),
        frames,
    )


def _encode(message: Message, values: Mapping[str, float], counter: int) -> bytes | None:
    try:
        data = message.encode(values)
    except ValueError:
        return None
    return data if message.protection is None else e2e.protect(message.protection, data, counter)
