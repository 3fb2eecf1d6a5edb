"""The bus as a Protocol, and the synchronous one inside a process.

Publish order is a function of the code alone: a message is handed to the subscriptions in the order in
which they were made, before `publish` returns. No threads, no clocks, no sockets.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import msgspec

from volant.core.messages import Message
from volant.core.topics import Kind, Topic

M = TypeVar("M", bound=Message)


class Subscription:
    """What one reader has not read yet of one topic."""

    __slots__ = ("_capacity", "dropped", "latest", "topic", "unread")

    def __init__(self, topic: Topic, capacity: int = 64) -> None:
        self.topic = topic
        self.latest: Any = None
        """The newest message ever, or None."""
        self.dropped = 0
        """Events lost because the reader was slow."""
        self._capacity = 1 if topic.kind is Kind.STATE else capacity
        self.unread: tuple[Any, ...] = ()
        """What `take` will give."""

    def put(self, message: Message) -> None:
        """Hand a message in; a full event queue drops its oldest and counts it."""
        self.latest = message
        if not self.unread:
            self.unread = (message,)
        elif len(self.unread) < self._capacity:
            self.unread = (*self.unread, message)
        else:
            self.unread = (*self.unread[1:], message)
            self.dropped += self.topic.kind is Kind.EVENT

    def take(self) -> tuple[Any, ...]:
        """All unread messages, oldest first; at most the latest one of a state topic."""
        unread, self.unread = self.unread, ()
        return unread


class Bus(Protocol):
    """Where components meet."""

    def publish(self, topic: Topic, message: Message) -> None:
        """Hand a message to every subscription of its topic."""

    def subscribe(self, topic: Topic, capacity: int = 64) -> Subscription:
        """Open a reader of a topic."""


class InlineBus:
    """The bus of one process; `checked` passes every message through its codec, as a seam would."""

    def __init__(self, *, checked: bool = False) -> None:
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._checked = checked
        self._decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {}
        self._encoder = msgspec.msgpack.Encoder()

    def subscribe(self, topic: Topic, capacity: int = 64) -> Subscription:
        """Open a reader of a topic."""
        subscription = Subscription(topic, capacity)
        self._subscriptions.setdefault(topic.name, []).append(subscription)
        return subscription

    def publish(self, topic: Topic, message: Message) -> None:
        """Hand a message to every subscription of its topic.

        Raises:
            ValueError: the message is not of the topic's type.
            msgspec.ValidationError: a checked bus was given a value out of bounds.
        """
        if type(message) is not topic.message:
            raise ValueError(
                f"topic {topic.name} carries {topic.message.__name__}, not {type(message).__name__}"
            )
        if self._checked:
            message = self._through_codec(topic, message)
        for subscription in self._subscriptions.get(topic.name, ()):
            subscription.put(message)

    def _through_codec(self, topic: Topic, message: Message) -> Message:
        decoder = self._decoders.get(topic.name)
        if decoder is None:
            decoder = self._decoders[topic.name] = msgspec.msgpack.Decoder(topic.message)
        decoded: Message = decoder.decode(self._encoder.encode(message))
        return decoded
