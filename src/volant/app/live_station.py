"""What every process of the live car stands on: its clock, its bus, its heartbeat and its loop.

A component's step runs at the ticks of one clock that all processes share. The world runs every tick, in
order; the others run at the present one, and a tick that came and went is gone. Each step is told to the
recorder: which messages it was given, and which it published.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from volant.app.drive import YOUNG_VALUES
from volant.caros.livebus import LiveBus, Seat
from volant.caros.supervise import ProcessRow
from volant.caros.supervise.pulse import Pulse, send_pulse
from volant.core import topics
from volant.core.bus import Bus
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S, nanoseconds
from volant.core.component import Component, Inputs
from volant.core.messages import LiveStep, Message
from volant.core.topics import TOPICS, Topic

BEAT_NS: Final = nanoseconds(0.05)
GIVE_UP_NS: Final = NS_PER_S
"""A world that is later than this lets the time go: the car would be driven through it blindly."""
LATE_TICKS: Final = 1024
"""So many last ticks are looked at for the lateness that is shown: ten seconds."""
GO: Final = struct.Struct("<q")
"""The word with which the supervisor starts the clock: its origin on the monotonic clock, in ns."""
AWAIT_ROOM_NS: Final = nanoseconds(0.002)
"""What is awaited is given up so long before the next tick."""
AWAITED: Final = (topics.CAR_STATE, topics.CAN_FRAMES)
_NUMBER: Final = {topic.name: number for number, topic in enumerate(TOPICS)}


class OutsideBus(Bus, Protocol):
    """A bus on which also things are said that no component said."""

    def drain(self) -> None:
        """Take in what others have said."""

    def sent(self, topic: Topic) -> int:
        """How many messages of a topic were published here."""


class Lateness:
    """How long after their time the last ticks began."""

    def __init__(self) -> None:
        self.most_ns = 0
        self._last: list[int] = []
        self._at = 0

    def add(self, late_ns: int) -> None:
        """One more tick."""
        self.most_ns = max(self.most_ns, late_ns)
        if len(self._last) < LATE_TICKS:
            self._last.append(late_ns)
        else:
            self._last[self._at] = late_ns
            self._at = (self._at + 1) % LATE_TICKS

    @property
    def p99_ms(self) -> float:
        """99th percentile of the last ticks, in milliseconds."""
        if not self._last:
            return 0.0
        return sorted(self._last)[math.ceil(0.99 * len(self._last)) - 1] / 1e6


class Stepper:
    """One component on the live bus, with its subscriptions and its state."""

    def __init__(self, component: Component, bus: LiveBus, incarnation: int) -> None:
        self.component = component
        self.state: Any = None
        self._bus, self._incarnation, self._count = bus, incarnation, 0
        self._latest: dict[str, Any] = {topic.name: None for topic in component.inputs}
        self._new: dict[str, tuple[Any, ...]] = {topic.name: () for topic in component.inputs}
        self._inputs = Inputs(self._latest, self._new)
        self._held = tuple((topic.name, bus.subscribe(topic)) for topic in component.inputs)

    def start(self) -> None:
        """Make the first state."""
        self.state = self.component.start()

    def step(self, stamp_ns: int) -> None:
        """Give the component what is new, publish what it says, and tell the recorder."""
        consumed: list[tuple[int, int]] = []
        for name, subscription in self._held:
            if subscription.unread:
                messages, numbers = subscription.take_numbered()
                self._new[name], self._latest[name] = messages, messages[-1]
                code = _NUMBER[name]
                consumed += [(code, number) for number in numbers]
            elif self._new[name]:
                self._new[name] = ()
        self.state, outputs = self.component.step(self.state, self._inputs, stamp_ns)
        ordered = in_order(outputs)
        told = LiveStep(
            stamp_ns=stamp_ns,
            component=self.component.name,
            incarnation=self._incarnation,
            count=self._count,
            consumed=tuple(consumed),
            produced=(),
        )
        publish_told(self._bus, ordered, told)
        self._count += 1


def in_order(outputs: Sequence[tuple[Topic, Message]]) -> list[tuple[Topic, Message]]:
    """What others wait for goes last, so that all of the tick is there when they wake."""
    return sorted(outputs, key=lambda one: one[0] in AWAITED)


def publish_told(bus: OutsideBus, outputs: Sequence[tuple[Topic, Message]], told: LiveStep) -> None:
    """Publish messages, and after them which they were, so that a journal can tell their numbers."""
    produced: list[tuple[int, int]] = []
    for topic, message in outputs:
        bus.publish(topic, message)
        produced.append((_NUMBER[topic.name], bus.sent(topic)))
    bus.publish(topics.LIVE_STEP, msgspec.structs.replace(told, produced=tuple(produced)))


def publish_outside(
    bus: OutsideBus, who: str, stamp_ns: int, outputs: Sequence[tuple[Topic, Message]]
) -> None:
    """Publish what no component said: a driver's hands, the supervisor's word."""
    if outputs:
        told = LiveStep(
            stamp_ns=stamp_ns, component=who, incarnation=0, count=0, consumed=(), produced=()
        )
        publish_told(bus, outputs, told)


class Station:
    """A process's place in the live car; made in the process itself."""

    def __init__(
        self,
        row: ProcessRow,
        incarnation: int,
        pair: socket.socket,
        seat: Seat,
        origin_ns: int | None,
    ) -> None:
        self.row, self.incarnation = row, incarnation
        self.bus = LiveBus(seat, incarnation)
        self.ending = False
        """TERM has come."""
        self.note = ""
        """What the next heartbeat says in words."""
        self.busy, self.more_s = "", 0.0
        """What it has in hand, and how much time it asks for when the power state is to change."""
        self.late = Lateness()
        self._pair, self._origin_ns = pair, origin_ns
        self._ticks, self._beat_ns = 0, 0
        signal.signal(signal.SIGTERM, self._end)

    def _end(self, *_: object) -> None:
        self.ending = True

    @property
    def now_ns(self) -> int:
        """The car's time."""
        return time.monotonic_ns() - (self._origin_ns or 0)

    def go(self, *, keep: bool = False) -> bool:
        """Say that this process is ready, and wait until the clock runs; False: it shall end instead.

        What waits on the bus for a process that died is old by then, and thrown away unless `keep`.
        """
        _calm()
        send_pulse(self._pair, Pulse(note=self.note))
        while self._origin_ns is None and not self.ending:
            if select.select([self._pair], [], [], 0.1)[0]:
                (self._origin_ns,) = GO.unpack(self._pair.recv(GO.size))
            send_pulse(self._pair, Pulse(note=self.note))
        if self.row.priority:
            with contextlib.suppress(OSError):  # runs as all others do where it is not granted
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(self.row.priority))
        if self.incarnation and not keep:
            self.bus.discard()
        return not self.ending

    def beat(self, *, at_once: bool = False) -> None:
        """Let the supervisor know that all is well, now and then."""
        now_ns = time.monotonic_ns()
        if now_ns - self._beat_ns < BEAT_NS and not at_once:
            return
        self._beat_ns = now_ns
        send_pulse(
            self._pair,
            Pulse(
                ticks=self._ticks,
                late_p99_ms=self.late.p99_ms,
                late_most_ms=self.late.most_ns / 1e6,
                dropped=self.bus.dropped,
                lost=self.bus.lost,
                note=self.note,
                busy=self.busy,
                more_s=self.more_s,
            ),
        )

    def run(
        self,
        steppers: Sequence[Stepper],
        *,
        every_tick: bool = False,
        tick_ns: int = CONTROL_TICK_NS,
        phase_ns: int = 0,
        awaited: Topic | None = None,
        before: Callable[[int], None] | None = None,
    ) -> None:
        """Run components until TERM comes.

        Args:
            steppers: in the order of a tick.
            every_tick: make up for ticks that were missed, in order, instead of letting them go.
            tick_ns: from one tick to the next.
            phase_ns: how long after the tick to begin.
            awaited: wait for a message of this topic too, for at most most of a tick, at each of its
                periods.
            before: called with each tick's stamp before the components.
        """
        watch = None if awaited is None else self.bus.subscribe(awaited, 1)
        period_ns = awaited.period_ns or tick_ns if awaited is not None else tick_ns
        due = dict.fromkeys(steppers, 0)
        stamp_ns = 0 if every_tick else -(-self.now_ns // tick_ns) * tick_ns
        while not self.ending:
            late_ns = self._sleep_until(stamp_ns + phase_ns)
            if watch is not None and stamp_ns % period_ns == 0:
                self._await(watch, stamp_ns, stamp_ns + tick_ns - AWAIT_ROOM_NS)
            self.late.add(max(0, late_ns))
            self.bus.drain()
            if not every_tick:
                # After the drain, so that nothing taken in is younger than the tick.
                stamp_ns = max(stamp_ns, self.now_ns // tick_ns * tick_ns)
            elif late_ns > GIVE_UP_NS:
                stamp_ns += late_ns // tick_ns * tick_ns
            if before is not None:
                before(stamp_ns)
            for stepper in steppers:
                if due[stepper] <= stamp_ns:
                    span_ns = stepper.component.period_ns
                    due[stepper] = max(due[stepper] + span_ns, stamp_ns - span_ns)
                    stepper.step(stamp_ns)
            self._ticks += 1
            stamp_ns += tick_ns
            self.beat()

    def _sleep_until(self, due_ns: int) -> int:
        """Sleep until a time of the car; gives how late it is then."""
        while not self.ending:
            early_ns = due_ns - self.now_ns
            if early_ns <= 0:
                return -early_ns
            time.sleep(early_ns / NS_PER_S)
        return 0

    def _await(self, watch: Any, stamp_ns: int, last_ns: int) -> None:
        """Until what is awaited of this tick is there, at most till shortly before the next."""
        while not self.ending:
            self.bus.drain()
            if watch.latest is not None and watch.latest.stamp_ns >= stamp_ns:
                return
            left_ns = last_ns - self.now_ns
            if left_ns <= 0:
                return
            self.bus.wait(left_ns / NS_PER_S)


def _calm() -> None:
    """What was made at boot lives as long as the process: the collector need not walk it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_VALUES)
