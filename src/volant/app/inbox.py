"""Where everything from outside enters: stamped, put on a tick, and seen by the recorder.

A tap, a phone or a test puts a message in from any thread; the executor takes what is due at the start
of a control tick and publishes it before any component runs. So a replay that puts the same messages in
at the same ticks gives the same drive.
"""

from __future__ import annotations

import heapq
import threading

import msgspec

from volant.core.body import BodyRequest
from volant.core.messages import DriverRequest, Message
from volant.core.topics import Topic
from volant.core.updates import UpdateRequest


class Inbox:
    """Messages from outside on their way to a tick, in order of time and then of arrival."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Topic, Message]] = []
        self._arrived = 0
        self._lock = threading.Lock()

    def put(self, topic: Topic, message: Message, at_ns: int = 0) -> None:
        """Hand a message in; it is published at the first tick that is not before `at_ns`.

        Raises:
            ValueError: the message is not of the topic's type.
        """
        if type(message) is not topic.message:
            raise ValueError(f"topic {topic.name} carries {topic.message.__name__}")
        with self._lock:
            heapq.heappush(self._waiting, (at_ns, self._arrived, topic, message))
            self._arrived += 1

    def take(self, stamp_ns: int) -> tuple[tuple[Topic, Message], ...]:
        """What is due at a tick, stamped with it."""
        if not self._waiting or self._waiting[0][0] > stamp_ns:
            return ()
        due: list[tuple[Topic, Message]] = []
        with self._lock:
            while self._waiting and self._waiting[0][0] <= stamp_ns:
                _, _, topic, message = heapq.heappop(self._waiting)
                due.append((topic, _stamped(message, stamp_ns)))
        return tuple(due)


def _stamped(message: Message, stamp_ns: int) -> Message:
    if isinstance(message, DriverRequest | BodyRequest | UpdateRequest):
        return msgspec.structs.replace(message, stamp_ns=stamp_ns)
    return message
