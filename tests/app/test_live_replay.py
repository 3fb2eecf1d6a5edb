"""Which messages of a live journal belong to which step, also where a process died between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.drive_messages import HEADER
from volant.app import live_replay
from volant.caros.livebus import number_of
from volant.core import topics
from volant.core.messages import DriverControls, LiveStep
from volant.core.topics import TOPICS
from volant.wire.journal_writer import JournalWriter

CODE = TOPICS.index(topics.DRIVER_CONTROLS)
Told = float | LiveStep
"""How far the accelerator is pressed, or which step said it."""


def told(incarnation: int, count: int, *sequences: int) -> LiveStep:
    """The word of a step which published messages of these sequence numbers."""
    return LiveStep(
        stamp_ns=10,
        component="hand",
        incarnation=incarnation,
        count=count,
        consumed=(),
        produced=tuple((CODE, number_of(3, incarnation, one)) for one in sequences),
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((0.1, told(0, 0, 0), 0.2, told(0, 1, 1)), {(0, 0): 0.1, (0, 1): 0.2}),
        (  # killed after its message, before its word
            (0.1, told(0, 0, 0), 0.2, 0.3, told(1, 0, 0)),
            {(0, 0): 0.1, (0, 1): 0.2, (1, 0): 0.3},
        ),
        (  # a word that found no room
            (0.1, told(0, 0, 0), 0.2, 0.3, told(0, 2, 2)),
            {(0, 0): 0.1, (0, 1): 0.2, (0, 2): 0.3},
        ),
        (  # a word and a message of another step found no room: nobody knows which it was
            (0.1, told(0, 0, 0), 0.2, 0.3, told(0, 3, 3)),
            {(0, 0): 0.1, (0, 3): 0.3},
        ),
        ((0.1, 0.2, told(0, 1, 1)), {(0, 1): 0.2}),  # nothing before it tells a number
        ((told(0, 0, 0), 0.2, told(0, 1, 1)), {(0, 1): 0.2}),
    ],
)
def test_a_message_whose_step_was_never_told_follows_the_last_that_was(
    tmp_path: Path, lines: tuple[Told, ...], expected: dict[tuple[int, int], float]
) -> None:
    writer = JournalWriter(tmp_path / "live.mcap", HEADER)
    for line in lines:
        if isinstance(line, LiveStep):
            writer.write(topics.LIVE_STEP, 10, line)
        else:
            writer.write(topics.DRIVER_CONTROLS, 10, DriverControls(accelerator=line))
    writer.close()
    found = live_replay._read(tmp_path / "live.mcap").messages
    assert {
        (number >> 32 & 0xFFFF, number & 0xFFFFFFFF): message.accelerator
        for (_, number), message in found.items()
        if isinstance(message, DriverControls)
    } == expected
