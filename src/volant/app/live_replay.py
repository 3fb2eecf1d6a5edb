"""Replays a live journal: every step is given again what it was given then, and must say the same.

The order in which processes met is not a function of the code, so it is not driven anew: it stands in
the journal. A component that died begins anew where it did. What the recorder did not see, because it
was dead itself, cannot be followed; it is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from volant.app import components
from volant.app.compose import (
    Trip,
    frame_settings,
    judge_settings,
    pilot_settings,
)
from volant.app.live_station import in_order
from volant.app.live_wiring import vehicle_part, world_part
from volant.app.replay import AskedToEnd, ReplayAnswer, trip_of
from volant.core.clock import seconds
from volant.core.component import Component, Inputs
from volant.core.messages import LiveStep, Message
from volant.core.topics import LIVE_STEP, TOPICS
from volant.wire.journal import journal_info, read_journal

_CODES: Final = {topic.name: code for code, topic in enumerate(TOPICS)}
Key = tuple[int, int]
"""Topic and number of a message."""
_NOT_SAID: Final = (-1, -1)
"""Key of a message that was not said then."""


@dataclass(slots=True)
class _Recorded:
    """A live journal in memory."""

    messages: dict[Key, Message] = field(default_factory=dict)
    steps: list[LiveStep] = field(default_factory=list)
    last_ns: int = 0


@dataclass(slots=True)
class _Part:
    """A component that is being replayed."""

    component: Component
    state: Any
    latest: dict[str, Any]
    incarnation: int
    count: int = 0


def replay_live(file: Path, asked_to_end: AskedToEnd = lambda: None) -> ReplayAnswer:
    """Replay every step of a live journal and compare what it said.

    Raises:
        InputError: the journal cannot be read, or a file that its header names is gone or changed.
    """
    trip = trip_of(file)
    recorded = _read(file)
    makers = _makers(trip)
    parts: dict[str, _Part] = {}
    compared, replayed, unknown = 0, 0, 0
    difference: str | None = None
    for step in recorded.steps:
        if asked_to_end() is not None or difference is not None:
            break
        if step.component not in makers:
            continue  # what came from outside
        part = _part_for(step, parts, makers)
        if part is None or any(key not in recorded.messages for key in step.consumed):
            parts.pop(step.component, None)
            unknown += 1
            continue
        replayed += 1
        for key, found in _said(part, step, recorded.messages):
            if key is not _NOT_SAID and key not in recorded.messages and found is not None:
                continue  # the recorder had no room for it
            compared += 1
            if key is _NOT_SAID or recorded.messages.get(key) != found:
                topic = "another message" if key is _NOT_SAID else TOPICS[key[0]].name
                difference = f"{topic} at {seconds(step.stamp_ns):.2f} s by {step.component}"
                break
    return ReplayAnswer(
        agrees=difference is None and asked_to_end() is None,
        messages=compared,
        duration_s=seconds(recorded.last_ns),
        journal=str(file),
        first_difference=difference,
        complete=journal_info(file).sound,
        steps=replayed,
        steps_unknown=unknown,
    )


def _read(file: Path) -> _Recorded:
    """All of a journal: a step's messages stand before it, in the order in which it names them."""
    recorded, unclaimed = _Recorded(), dict[int, list[Message]]()
    last: dict[int, int] = {}
    for record in read_journal(file):
        recorded.last_ns = max(recorded.last_ns, record.stamp_ns)
        if record.topic != LIVE_STEP.name:
            unclaimed.setdefault(_CODES[record.topic], []).append(record.message)
            continue
        step = record.message
        assert isinstance(step, LiveStep)
        recorded.steps.append(step)
        for code in {code for code, _ in step.produced}:
            numbers = [number for one, number in step.produced if one == code]
            held = unclaimed.pop(code, [])
            if len(held) >= len(numbers):
                older = held[: len(held) - len(numbers)]
                lost = _numbers_of_lost(last.get(code), numbers[0], len(older))
                told = zip(
                    (*lost, *numbers), [*older[: len(lost)], *held[len(older) :]], strict=True
                )
                for number, message in told:
                    recorded.messages[code, number] = message
            last[code] = numbers[-1]
    return recorded


def _numbers_of_lost(last: int | None, next_number: int, count: int) -> range:
    """Numbers of messages whose step was never told: its process died between the two.

    They follow the last that were told where nothing else can have come between.
    """
    if last is None or last >> 48 != next_number >> 48:
        return range(0)
    same_life = last >> 32 == next_number >> 32
    if same_life and next_number - last - 1 != count:
        return range(0)
    return range(last + 1, last + 1 + count)


def _makers(trip: Trip) -> dict[str, Callable[[], Component]]:
    """How each component is made; frames for screens are not compared with anything."""
    pilot, judge, frames = pilot_settings(trip), judge_settings(trip), frame_settings(trip)
    return {
        "world": lambda: world_part(trip),
        "vehicle": lambda: vehicle_part(trip),
        "pilot": lambda: components.pilot(pilot),
        "judge": lambda: components.judge(judge),
        "cockpit": lambda: components.cockpit(frames, lambda _: None),
    }


def _part_for(
    step: LiveStep, parts: dict[str, _Part], makers: dict[str, Callable[[], Component]]
) -> _Part | None:
    """The component as it was before a step; None where its past is not known."""
    if step.count == 0:
        component = makers[step.component]()
        latest = dict.fromkeys(topic.name for topic in component.inputs)
        parts[step.component] = _Part(component, component.start(), latest, step.incarnation)
    part = parts.get(step.component)
    if part is None or (part.incarnation, part.count) != (step.incarnation, step.count):
        return None
    return part


def _said(
    part: _Part, step: LiveStep, messages: dict[Key, Message]
) -> Iterator[tuple[Key, Message | None]]:
    """Give a component what it was given; yields what it says, by the keys under which it said it.

    None stands for a message that it said then and does not say now.
    """
    new: dict[str, tuple[Any, ...]] = {topic.name: () for topic in part.component.inputs}
    for key in step.consumed:
        name = TOPICS[key[0]].name
        new[name] = (*new[name], messages[key])
        part.latest[name] = messages[key]
    inputs = Inputs(part.latest, new)
    part.state, outputs = part.component.step(part.state, inputs, step.stamp_ns)
    part.count += 1
    said = in_order(outputs)
    for place, (topic, message) in enumerate(said):
        encoded = msgspec.msgpack.encode(message)
        decoded = msgspec.msgpack.decode(encoded, type=topic.message)
        key = step.produced[place] if place < len(step.produced) else _NOT_SAID
        yield (key if key[0] == _CODES[topic.name] else _NOT_SAID), decoded
    for key in step.produced[len(said) :]:
        yield key, None
