"""CAN: frames encoded, protected, sent, checked and decoded on one core, and the drive over buses."""

from __future__ import annotations

import time
from pathlib import Path

from bench.rows import Row, at_least, best_cpu_s
from volant.vehicle.network import Frame, Media, load_mapping
from volant.wire import e2e

FRAMES = 20_000
MAPPING = Path(__file__).resolve().parents[1] / "cars" / "network" / "mapping.toml"
SPAN_S = 60.0


def rows() -> list[Row]:
    return [_frames(), *_drive()]


def _frames() -> Row:
    """All signals of a protected message of the chassis, one after the other, none lost."""
    message = load_mapping(MAPPING).heard["BRK_Motion"]
    reader = message.reader([name for name in message.signals if name != "BRK_Motion_Valid"])
    protection = message.protection
    assert protection is not None
    names = ("BRK_Motion_Accel", "BRK_Motion_LateralAccel", "BRK_Motion_YawRate")

    def work() -> None:
        media = Media()
        sender = media("chassis", "BRAKE", frozenset())
        receiver = media("chassis", "PILOT", frozenset({message.can_id}))
        state, counter, good = e2e.CheckState(), 0, 0
        for place in range(FRAMES):
            value = (place % 100) * 0.01
            data = message.encode(dict.fromkeys(names, value))
            sender.send(Frame(message.can_id, e2e.protect(protection, data, counter)))
            counter = e2e.next_counter(protection, counter)
            for frame in receiver.receive():
                state, status = e2e.check(protection, state, frame.data)
                good += status in e2e.GOOD and reader.read(frame.data) is not None
        assert good == FRAMES - 1, "the first one is only compared with"

    rate = FRAMES / best_cpu_s(work)
    note = "encode, protect, send, check, decode; 8 bytes, none lost"
    return at_least("can/frames on one core", rate, 10_000.0, "1/s", note)


def _drive() -> list[Row]:
    """CPU time of the default trip's first part over buses, and directly."""
    from volant.app.compose import plan_trip
    from volant.app.drive import drive_trip
    from volant.app.exits import Exit
    from volant.app.trip import TripWish

    found = {}
    for bus in ("inline", None):
        trip = plan_trip(
            TripWish(
                car="g3-520",
                road="volant-world",
                seed=1,
                sensors="typical",
                cars=None,
                bus=bus,
            )
        )
        now_ns = [0]

        def note(stamp_ns: int, now_ns: list[int] = now_ns) -> None:
            now_ns[0] = stamp_ns

        def is_over(now_ns: list[int] = now_ns) -> tuple[Exit, str] | None:
            return (Exit.DONE, "measured") if now_ns[0] >= SPAN_S * 1e9 else None

        began_s = time.process_time()
        driven = drive_trip(trip, asked_to_end=is_over, watch=lambda _bus, note=note: note)
        found[bus] = driven.duration_s / (time.process_time() - began_s)
    words = f"first {SPAN_S:.0f} s of the default trip"
    return [
        at_least("can/drive --bus, headless", found["inline"], 5.0, "x real time", words),
        Row("can/the same without buses", found[None], "x real time", note=words),
    ]
