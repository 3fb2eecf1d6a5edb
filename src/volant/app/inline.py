"""The inline executor: every component in one process, in a fixed order, on virtual time.

A tick publishes what the inbox holds, then runs each component that is due. What a component may read
is only what came over the bus, so the same components run in processes of their own under the live
executor. Nothing here asks a clock; the pacer, which is the one place that sleeps, is handed in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from volant.app.inbox import Inbox
from volant.core.bus import Bus, Subscription
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.component import Component, Inputs

_Unread = tuple[Any, ...]
_NOTHING: _Unread = ()


class Pace(Protocol):
    """Holds virtual time back, or does not."""

    def wait(self, stamp_ns: int) -> None:
        """Return when the tick at this time may run."""


class AsFastAsItCan:
    """No pace: ticks follow each other at once."""

    def wait(self, stamp_ns: int) -> None:
        """Return at once."""


class Pacer:
    """Lets `pace` seconds of virtual time pass in one real second; the one place that sleeps.

    A machine that cannot keep up is not hurried afterwards: time lost beyond `patience_s` is given up,
    so that the drive stays watchable. The clock is monotonic: a jump of the wall clock changes nothing.
    """

    def __init__(
        self,
        pace: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience_s: float = 0.25,
    ) -> None:
        if pace <= 0.0:
            raise ValueError(f"pace {pace} is not above zero")
        self.lost_s = 0.0
        """Real time by which the drive fell behind its pace."""
        self._pace, self._clock, self._sleep, self._patience_s = pace, clock, sleep, patience_s
        self._began_s: float | None = None

    def wait(self, stamp_ns: int) -> None:
        """Sleep until the tick is due."""
        span_s = stamp_ns / NS_PER_S / self._pace
        if self._began_s is None:
            self._began_s = self._clock() - span_s
        early_s = self._began_s + span_s - self._clock()
        if early_s > 0.0:
            self._sleep(early_s)
        elif early_s < -self._patience_s:
            self._began_s -= early_s
            self.lost_s -= early_s


class _Runner:
    """One component with its subscriptions and its state."""

    __slots__ = ("component", "due_ns", "inputs", "latest", "new", "state", "subscriptions")

    def __init__(self, component: Component, bus: Bus) -> None:
        self.component = component
        self.due_ns = 0
        self.latest: dict[str, Any] = {topic.name: None for topic in component.inputs}
        self.new: dict[str, _Unread] = {topic.name: _NOTHING for topic in component.inputs}
        self.inputs = Inputs(self.latest, self.new)
        self.subscriptions: tuple[tuple[str, Subscription], ...] = tuple(
            (topic.name, bus.subscribe(topic)) for topic in component.inputs
        )
        self.state: Any = component.start()

    def step(self, stamp_ns: int) -> tuple[Any, ...]:
        new, latest = self.new, self.latest
        for name, subscription in self.subscriptions:
            if subscription.unread:
                new[name] = unread = subscription.take()
                latest[name] = unread[-1]
            elif new[name]:
                new[name] = _NOTHING
        self.state, outputs = self.component.step(self.state, self.inputs, stamp_ns)
        return outputs


class InlineExecutor:
    """Runs components tick by tick; `order` of the sequence is the order within a tick."""

    def __init__(
        self,
        components: Sequence[Component],
        bus: Bus,
        inbox: Inbox | None = None,
        *,
        pace: Pace | None = None,
        tick_ns: int = CONTROL_TICK_NS,
    ) -> None:
        self.inbox = inbox or Inbox()
        self.stamp_ns = 0
        """Time of the next tick."""
        self._bus, self._pace, self._tick_ns = bus, pace or AsFastAsItCan(), tick_ns
        self._runners = tuple(_Runner(component, bus) for component in components)

    def tick(self) -> int:
        """Run one tick and return its time."""
        stamp_ns = self.stamp_ns
        self._pace.wait(stamp_ns)
        publish = self._bus.publish
        for topic, message in self.inbox.take(stamp_ns):
            publish(topic, message)
        for runner in self._runners:
            if runner.due_ns <= stamp_ns:
                runner.due_ns += runner.component.period_ns
                for topic, message in runner.step(stamp_ns):
                    publish(topic, message)
        self.stamp_ns = stamp_ns + self._tick_ns
        return stamp_ns

    def run(self, ended: Callable[[int], bool]) -> None:
        """Run ticks until `ended(time of the last tick)`; it is asked between ticks only."""
        while not ended(self.tick()):
            pass

    def state_of(self, name: str) -> Any:
        """The present state of a component, for reading after the last tick.

        Raises:
            ValueError: no component has this name.
        """
        for runner in self._runners:
            if runner.component.name == name:
                return runner.state
        raise ValueError(f"no component named {name!r}")
