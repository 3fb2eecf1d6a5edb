"""What recording a drive and checking its commands cost, per control tick of 10 ms."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec

from bench.rows import Row, at_most, best_cpu_s
from tests.safety.builders import SETTINGS, TICK_NS, arc_path, car_state, command, request
from tests.wire.drive_messages import HEADER, drive, plan, tracks, truth
from volant.core import topics
from volant.core.messages import Message, Tracks, WorldTruth
from volant.core.topics import Topic
from volant.safety import guard
from volant.wire.journal import JournalWriter, journal_info

SECONDS = 20
TICKS = SECONDS * 100
CARS = 20
SIGNALS = 1000
"""Scalar values a tick, as many as a car's buses carry."""


def messages() -> list[tuple[Topic, int, Message]]:
    """A drive among twenty cars: eight topics, three of them at the pilot's rate."""
    many: dict[str, object] = {
        topics.WORLD_TRUTH.name: lambda now: WorldTruth(
            stamp_ns=now, objects=truth(now).objects * CARS
        ),
        topics.PILOT_TRACKS.name: lambda now: Tracks(
            stamp_ns=now, tracks=tracks(now).tracks * CARS
        ),
        topics.PILOT_PLAN.name: plan,
    }
    return [
        (topic, now, many[topic.name](now) if topic.name in many else message)  # type: ignore[operator]
        for topic, now, message in drive(SECONDS)
    ]


def rows() -> list[Row]:
    sent = messages()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drive.mcap"

        def record() -> None:
            writer = JournalWriter(path, HEADER)
            for topic, now, message in sent:
                writer.write(topic, now, message)
            writer.close()

        write_us = best_cpu_s(record) / TICKS * 1e6
        read_us = best_cpu_s(lambda: journal_info(path)) / len(sent) * 1e6
        kilobytes = path.stat().st_size / SECONDS / 1e3
    return [
        at_most("journal/write a control tick", write_us, 60.0, "us", f"{CARS} cars"),
        *_signal_rows(),
        Row("journal/read a message", read_us, "us"),
        Row("journal/size of a second", kilobytes, "kB"),
        at_most("guard/check a control tick", guard_us(), 30.0, "us", "a path each 50 ms"),
    ]


def _signal_rows() -> list[Row]:
    """What a core does all day to record many signals at the control rate, in messages of the car's state."""
    each = _scalars(msgspec.to_builtins(car_state(TICK_NS)))
    count = -(-SIGNALS // each)
    sent = [msgspec.structs.replace(car_state(n * TICK_NS), speed_mps=0.01 * n) for n in range(500)]
    with tempfile.TemporaryDirectory() as folder:

        def record() -> None:
            writer = JournalWriter(Path(folder) / "signals.mcap", HEADER)
            for message in sent:
                for _ in range(count):
                    writer.write(topics.CAR_STATE, message.stamp_ns, message)
            writer.close()

        share_pct = 100.0 * best_cpu_s(record) / (len(sent) * TICK_NS / 1e9)
    note = (
        f"of a core; {count} messages of {each} values, 100 times a second, compressed and written"
    )
    return [at_most("journal/record 1 000 signals at 100 Hz", share_pct, 5.0, "%", note)]


def _scalars(value: Any) -> int:
    """Values in a message that are not made of others."""
    if isinstance(value, dict):
        return sum(_scalars(one) for one in value.values())
    return sum(_scalars(one) for one in value) if isinstance(value, list | tuple) else 1


def guard_us() -> float:
    """CPU time of one check while the pilot drives and its stop path comes at 20 Hz."""
    given = []
    for tick in range(1, TICKS):
        now = tick * TICK_NS
        planned = now - now % (5 * TICK_NS)
        given.append(
            guard.GuardInput(
                now,
                car_state(now),
                command(now, 0.001 * (tick % 100), 1e-6 * (tick % 100)),
                stop_path=arc_path(planned, 100.0) if planned else None,
                requests=(request(now),) if tick == 1 else (),
            )
        )

    def check() -> None:
        state = guard.start()
        for one in given:
            state, _ = guard.check(state, one, SETTINGS)

    return best_cpu_s(check) / len(given) * 1e6
