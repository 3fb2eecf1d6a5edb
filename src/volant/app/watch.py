"""`volant replay --watch`: a journal in the cluster, with pause, step, speed and seek.

Shows what was recorded and drives nothing. The screen's wishes come back through the cockpit's link.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from volant.app.compose import frame_settings
from volant.app.exits import Exit
from volant.app.replay import trip_of
from volant.app.say import tell
from volant.app.stop import StopSignals
from volant.caros.cockpit import (
    NOT_BUILT,
    CockpitControl,
    CockpitReplay,
    ControlKind,
    frame,
    screens_are_built,
    spawn_cockpit,
)
from volant.caros.cockpit.stopview import StopState
from volant.core import topics
from volant.core.clock import NS_PER_S, PILOT_TICK_NS, SCREEN_TICK_NS, nanoseconds, seconds
from volant.core.errors import InputError
from volant.core.messages import Alert, Message
from volant.core.topics import Topic
from volant.wire.journal import read_journal

SLOWEST, FASTEST = 0.1, 20.0
LIGHTS_NS: Final = 2 * PILOT_TICK_NS
"""Traffic lights of the last two frames of sensors are looked at; older ones the frame remembers."""
FRAME_S: Final = SCREEN_TICK_NS / NS_PER_S


class Tape:
    """The messages of a journal that a screen shows, packed, by topic and time."""

    def __init__(self, file: Path) -> None:
        self._stamps: dict[str, list[int]] = {topic.name: [] for topic in frame.INPUTS}
        self._packed: dict[str, list[bytes]] = {topic.name: [] for topic in frame.INPUTS}
        begin_ns, end_ns = None, 0
        for record in read_journal(file):
            end_ns = max(end_ns, record.stamp_ns)
            if record.topic in self._stamps:
                begin_ns = min(record.stamp_ns, end_ns if begin_ns is None else begin_ns)
                self._stamps[record.topic].append(record.stamp_ns)
                self._packed[record.topic].append(msgspec.msgpack.encode(record.message))
        if not any(self._stamps.values()):
            raise InputError("holds nothing that a screen can show", file=str(file))
        self.begin_ns = begin_ns or 0
        """Of the first that can be shown: a clip of an event begins in the middle of a drive."""
        self.length_ns = end_ns - self.begin_ns

    def latest(self, topic: Topic, stamp_ns: int) -> Any:
        """The newest message of a topic at a time, or None."""
        place = bisect.bisect_right(self._stamps[topic.name], stamp_ns) - 1
        return self._unpack(topic, place) if place >= 0 else None

    def between(self, topic: Topic, after_ns: int, until_ns: int) -> tuple[Any, ...]:
        """Messages of a topic after one time and not after another, oldest first."""
        stamps = self._stamps[topic.name]
        first, end = bisect.bisect_right(stamps, after_ns), bisect.bisect_right(stamps, until_ns)
        return tuple(self._unpack(topic, place) for place in range(first, end))

    def _unpack(self, topic: Topic, place: int) -> Message:
        packed = self._packed[topic.name][place]
        message: Message = msgspec.msgpack.decode(packed, type=topic.message)
        return message


@dataclass(frozen=True, slots=True)
class Position:
    """Where the viewer is in the journal."""

    stamp_ns: int = 0
    """After the journal's beginning."""
    speed: float = 1.0
    paused: bool = False
    jumped: bool = False
    """The last move was no play: what belongs to a moment, such as alerts, begins anew."""


def move(position: Position, span_s: float, length_ns: int) -> Position:
    """Play on for a span of real time; at the end it pauses."""
    if position.paused:
        return replace(position, jumped=False)
    stamp_ns = position.stamp_ns + nanoseconds(span_s * position.speed)
    return replace(
        position,
        stamp_ns=min(stamp_ns, length_ns),
        paused=stamp_ns >= length_ns,
        jumped=False,
    )


def control(position: Position, wish: CockpitControl, length_ns: int) -> Position:
    """Do what a viewer asks for."""
    match wish.kind:
        case ControlKind.PAUSE:
            return replace(position, paused=True)
        case ControlKind.PLAY:
            ended = position.stamp_ns >= length_ns
            stamp_ns = 0 if ended else position.stamp_ns
            return replace(position, paused=False, stamp_ns=stamp_ns, jumped=ended)
        case ControlKind.STEP:
            steps = round(wish.value) if wish.value is not None else 1
            stamp_ns = position.stamp_ns + steps * SCREEN_TICK_NS
        case ControlKind.SPEED:
            speed = min(max(wish.value or 1.0, SLOWEST), FASTEST)
            return replace(position, speed=speed)
        case ControlKind.SEEK:
            stamp_ns = nanoseconds(wish.value or 0.0)
            return replace(position, stamp_ns=min(max(stamp_ns, 0), length_ns), jumped=True)
    stamp_ns = min(max(stamp_ns, 0), length_ns)
    return replace(position, stamp_ns=stamp_ns, paused=True, jumped=stamp_ns < position.stamp_ns)


class Viewer:
    """Builds the frame of each position."""

    def __init__(self, tape: Tape, settings: frame.FrameSettings, name: str) -> None:
        self._tape, self._settings, self._name = tape, settings, name
        self._state = frame.start()
        self._shown_ns = -1

    def show(self, position: Position) -> bytes:
        """The encoded frame of a position."""
        tape, stamp_ns = self._tape, self._tape.begin_ns + position.stamp_ns
        alerts: tuple[Alert, ...] = ()
        if position.jumped:
            self._state = replace(self._state, alerts=(), stop=StopState())
        else:
            alerts = tape.between(topics.ALERT, self._shown_ns, stamp_ns)
        self._shown_ns = stamp_ns
        latest = frame.Latest(
            car=tape.latest(topics.CAR_STATE, stamp_ns),
            localization=tape.latest(topics.PILOT_LOCALIZATION, stamp_ns),
            tracks=tape.latest(topics.PILOT_TRACKS, stamp_ns),
            plan=tape.latest(topics.PILOT_PLAN, stamp_ns),
            pilot=tape.latest(topics.PILOT_STATE, stamp_ns),
            guard=tape.latest(topics.GUARD_DECISION, stamp_ns),
            aeb=tape.latest(topics.AEB_STATE, stamp_ns),
            lights=frame.newest_lights(
                tape.between(topics.SENSOR_FRAMES, stamp_ns - LIGHTS_NS, stamp_ns)
            ),
            alerts=alerts,
            codes=tape.latest(topics.CAR_CODES, stamp_ns),
            body=tape.latest(topics.BODY_STATE, stamp_ns),
        )
        shown = CockpitReplay(
            name=self._name,
            paused=position.paused,
            speed=position.speed,
            position_s=seconds(position.stamp_ns),
            length_s=seconds(tape.length_ns),
        )
        self._state, built = frame.build(self._state, latest, stamp_ns, self._settings, shown)
        return frame.encode(built)


def watch_command(
    file: Path,
    speed: float,
    port: int,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Exit:
    """Show a journal in the cluster until Ctrl-C."""
    with StopSignals() as signals:
        tell(f"reading {file} ...")
        trip = trip_of(file)
        tape = Tape(file)
        link = spawn_cockpit(port, replay=True)
        viewer = Viewer(tape, frame_settings(trip), file.name)
        tell(f"cockpit: {link.address}")
        if not screens_are_built():
            tell(f"cockpit: {NOT_BUILT}")
        tell(f"{file.name}: {seconds(tape.length_ns):.0f} s; Ctrl-C ends")
        position, before_s = Position(speed=speed), clock()
        try:
            while signals.asked is None and link.alive:
                for wish in link.poll():
                    if isinstance(wish, CockpitControl):
                        position = control(position, wish, tape.length_ns)
                link.send(viewer.show(position))
                sleep(FRAME_S)
                now_s = clock()
                position = move(position, min(now_s - before_s, 1.0), tape.length_ns)
                before_s = now_s
        finally:
            link.close()
        if signals.asked is not None and signals.asked[0] is not Exit.INTERRUPTED:
            return signals.asked[0]
    return Exit.DONE
