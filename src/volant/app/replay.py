"""`volant replay`: drives a journal again and compares every message that it publishes.

What came from outside is taken from the journal and put on the same ticks; everything else must come
out of the code again. Values are compared as a reader of the journal has them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from volant.app.compose import Trip, compose, plan_trip
from volant.app.exits import Exit
from volant.app.inbox import Inbox
from volant.app.inline import InlineExecutor
from volant.app.programs import factory
from volant.app.record import Replayable, file_sha256
from volant.app.say import answer, answer_json, tell
from volant.app.stop import StopSignals
from volant.app.trip import TripWish
from volant.core import topics
from volant.core.bus import InlineBus
from volant.core.clock import seconds
from volant.core.errors import InputError
from volant.core.messages import Message
from volant.core.topics import Topic
from volant.vehicle.boot import read_image
from volant.wire.journal import Record, compare, journal_info, read_header, read_journal

OUTSIDE = (topics.DRIVER_REQUEST.name, topics.DRIVER_CONTROLS.name, topics.BODY_REQUEST.name)

AskedToEnd = Callable[[], tuple[Exit, str] | None]


class ReplayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant replay --json` prints."""

    agrees: bool
    messages: int
    """Compared."""
    duration_s: float
    journal: str
    first_difference: str | None
    """Topic, time and field; null where all agree."""
    complete: bool
    """False: the journal lacks its end, or parts of it could not be read; what there is was compared."""
    steps: int = 0
    """Of a live journal: replayed, each given what it was given then."""
    steps_unknown: int = 0
    """Of a live journal: whose beginning or inputs are not in it, as when the recorder was dead."""


def trip_of(file: Path) -> Trip:
    """The trip that a journal's header tells.

    Raises:
        InputError: the header is not one of `volant drive`, or a file it names is gone or changed.
    """
    header = read_header(file)
    try:
        held = msgspec.convert(header.settings, Replayable)
        wish = msgspec.convert(held.trip, TripWish)
    except msgspec.ValidationError as error:
        raise InputError(f"is not a journal of volant drive: {error}", file=str(file)) from error
    programs = {name: read_image(data) if data else None for name, data in held.programs.items()}
    trip = plan_trip(wish, lambda car: {**factory(car), **programs})
    for name, path, sha256 in (
        ("car", trip.car_file, held.car_sha256),
        ("road", trip.road_file, held.road_sha256),
    ):
        if file_sha256(path) != sha256:
            raise InputError(f"the {name} {path} has changed since", file=str(file))
    return trip


def is_live(file: Path) -> bool:
    """Whether a journal was recorded by `volant up`.

    Raises:
        InputError: it cannot be read.
    """
    return read_header(file).settings.get("live") is True


def replay_journal(file: Path, asked_to_end: AskedToEnd = lambda: None) -> ReplayAnswer:
    """Drive a journal again and compare, up to the journal's end.

    Raises:
        InputError: as `trip_of`, and where the journal cannot be read.
    """
    trip = trip_of(file)
    inbox, count, last_ns = Inbox(), 0, -1
    for record in read_journal(file):
        count, last_ns = count + 1, record.stamp_ns
        if record.topic in OUTSIDE:
            inbox.put(topics.BY_NAME[record.topic], record.message, record.stamp_ns)
    compared = [0]
    again = itertools.islice(_drive_again(trip, inbox, last_ns, asked_to_end, compared), count)
    difference = compare(itertools.islice(read_journal(file), count), again)
    asked = asked_to_end() is not None
    return ReplayAnswer(
        agrees=difference is None and not asked,
        messages=compared[0] if difference is None else difference.index,
        duration_s=seconds(max(last_ns, 0)),
        journal=str(file),
        first_difference=None if difference is None or asked else str(difference),
        complete=journal_info(file).sound,
    )


def _drive_again(
    trip: Trip, inbox: Inbox, last_ns: int, asked_to_end: AskedToEnd, compared: list[int]
) -> Iterator[Record]:
    """What the drive publishes when it is driven again, as a reader of its journal would have it."""
    published: list[Record] = []

    def write(topic: Topic, stamp_ns: int, message: Message) -> None:
        published.append(Record(topic.name, stamp_ns, _through_codec(message)))

    executor = InlineExecutor(compose(trip, write=write), InlineBus(), inbox)
    while executor.stamp_ns <= last_ns and asked_to_end() is None:
        executor.tick()
        for record in published:
            compared[0] += 1
            yield record
        published.clear()


def replay_command(file: Path, *, as_json: bool) -> Exit:
    """Run `volant replay`."""
    with StopSignals() as signals:
        if not as_json:
            tell(f"reading {file} ...")
        if read_header(file).settings.get("clip") is True:
            raise InputError("is a clip of an event: watch it with --watch", file=str(file))
        if is_live(file):
            from volant.app.live_replay import replay_live

            found = replay_live(file, lambda: signals.asked)
        else:
            found = replay_journal(file, lambda: signals.asked)
        if found.messages == 0 and signals.asked is None and found.first_difference is None:
            raise InputError("holds no message that could be compared", file=str(file))
        if as_json:
            answer_json(found)
        elif found.agrees:
            answer(f"agrees: {found.messages} messages, {found.duration_s:.1f} s")
        elif found.first_difference is not None:
            answer(f"differs: {found.first_difference}")
        if not found.complete and not as_json:
            tell("the journal is a part, cut or damaged: only what could be read was compared")
        if signals.asked is not None:
            tell(f"{signals.asked[1]}, {found.messages} messages agreed so far")
            return signals.asked[0]
    return Exit.DONE if found.agrees else Exit.DIFFERS


def _through_codec(message: Message) -> Message:
    payload = msgspec.msgpack.encode(message)
    decoded: Message = msgspec.msgpack.decode(payload, type=type(message))
    return decoded
