"""Programming one unit over ISO-TP on a classic CAN bus of 500 kbit/s whose time is simulated: in full, and by a delta."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from bench.delta_pair import pair_folder
from bench.rows import Row, at_most, skipped
from volant.ota import Order

FULL_MOST_S = 200.0
DELTA_MOST_S = 10.0
SLOT_BYTES = 8 << 20


def rows() -> list[Row]:
    try:
        folder = pair_folder()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        return [skipped("flash_can/unit", f"no pair: {error}")]
    from tests.ota.unit_bench import artifact, order
    from volant.trust.delta.make import make_delta
    from volant.vehicle.boot import Image, Tables, make_image

    def image(side: str, release: int) -> bytes:
        told = Image(unit="brake", hardware="SIM-1", version=side, release=release, tables=Tables())
        return make_image(told, code=(folder / f"{side}.unit").read_bytes())

    old, new = image("old", 1), image("new", 2)
    delta = make_delta(old, new)
    whole = order(new, 2)
    full_s, full_frames = _time_s(old, whole)
    delta_s, delta_frames = _time_s(old, replace(whole, image=None, delta=artifact(delta, "d")))
    words = "libcrypto as code, erase not counted, 135 bits a frame"
    return [
        at_most(
            "flash_can/full",
            full_s,
            FULL_MOST_S,
            "s simulated",
            f"{len(new):,} bytes in {full_frames:,} frames; {words}",
        ),
        at_most(
            "flash_can/delta",
            delta_s,
            DELTA_MOST_S,
            "s simulated",
            f"{len(delta):,} bytes in {delta_frames:,} frames, applied as they come",
        ),
    ]


def _time_s(old: bytes, wanted: Order) -> tuple[float, int]:
    """How long the bus takes to stage an order, and in how many frames."""
    from tests.ota.can_line import CanLine
    from tests.ota.unit_bench import UnitBench
    from volant.ota.uds_unit import UdsUnit
    from volant.trust.flash import MemoryFlash
    from volant.vehicle.boot.device import Device
    from volant.vehicle.ecus import key_for, secret_of
    from volant.wire.isotp import MAX_MESSAGE

    bench = UnitBench(MemoryFlash(Device.of(SLOT_BYTES).geometry), block=MAX_MESSAGE - 2)
    bench.boot.provision(old)
    bench.power_on()
    line = CanLine(bench.serve)
    port = UdsUnit(
        "brake",
        line.ask,
        lambda level, seed: key_for(secret_of("brake"), level, seed),
        line.wait,
    )
    port.stage(wanted, lambda _done, _size: None)
    if port.now().staged is None:
        raise RuntimeError("nothing was staged")
    return line.now_ns / 1e9, line.frames
