"""Frames of a real drive, made as fast as the machine can: the default trip with its traffic."""

from __future__ import annotations

from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.exits import Exit
from volant.app.trip import TripWish

FRAMES_PER_S = 30


def frames_of_drive(until_s: float) -> list[bytes]:
    """The encoded frames of the first seconds of `volant drive`, 30 a second."""
    frames: list[bytes] = []
    wish = TripWish(
        car="g3-520",
        road="volant-world",
        seed=1,
        sensors="typical",
        cars=None,
        distance_m=4000.0,
    )

    def enough() -> tuple[Exit, str] | None:
        full = len(frames) >= until_s * FRAMES_PER_S
        return (Exit.INTERRUPTED, "the test has enough") if full else None

    drive_trip(plan_trip(wish), send=frames.append, asked_to_end=enough)
    return frames
