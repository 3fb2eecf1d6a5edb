"""`volant ecu serve`: all control units of a standing car over DoIP."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from volant import __version__
from volant.app.cli_parts import DEFAULT_CAR
from volant.app.exits import Exit
from volant.app.folders import data_folder, state_folder
from volant.app.say import answer, answer_json, tell
from volant.app.served_units import served_units
from volant.app.state import open_codes
from volant.app.stop import StopSignals
from volant.app.unit_flash import open_units
from volant.caros.diagnostics import DoipEntity, DoipSettings
from volant.core.errors import InputError
from volant.core.settings import find_data
from volant.vehicle import load_spec
from volant.vehicle.ecus import CarFacts, circumstances
from volant.vehicle.faults import FaultMemory, by_name

STANDING: Final = {"speed_mps": 0.0, "supply_v": 12.9, "charge_pct": 80.0, "odometer_m": 0.0}
LOOPBACK: Final = ("127.0.0.1", "localhost")


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Where the units answer; also what stands in the file of `--ready-file`."""

    host: str
    port: int
    udp_port: int | None
    vin: str
    units: int
    pid: int


def serve_command(
    host: str,
    port: int,
    faults: Sequence[str],
    ready_file: Path | None,
    state: Path | None = None,
    car: str = DEFAULT_CAR,
    *,
    as_json: bool,
) -> Exit:
    """Run `volant ecu serve` until a signal comes: with what the last drives left, or with given failures."""
    facts = CarFacts(software=__version__)
    began_s = time.monotonic()

    def live(name: str) -> float:
        if name == "boot_time_s":
            return time.monotonic() - began_s
        return STANDING.get(name, math.nan)

    settings = DoipSettings(vin=facts.vin)
    announce_to = None if host in LOOPBACK else ("255.255.255.255", port)
    with contextlib.ExitStack() as opened:
        signals = opened.enter_context(StopSignals())
        # What is tried out here has not happened to the car, so it is not kept.
        codes = opened.enter_context(open_codes(state, keep=not faults))
        for words in faults:
            _fail(words, codes.memories, circumstances(live))
        spec_of_car = load_spec(find_data("cars", car, data_folder()))
        boots = opened.enter_context(open_units(state or state_folder(), spec_of_car))
        units = served_units(facts, live, codes.memories, boots)
        entity = opened.enter_context(
            DoipEntity(units, settings, host=host, port=port, announce_to=announce_to)
        )
        told = Serving(
            host=host,
            port=entity.port,
            udp_port=entity.udp_port,
            vin=facts.vin,
            units=len(units),
            pid=os.getpid(),
        )
        if entity.udp_port is None:
            tell(f"volant: UDP port {entity.port} is taken; the car cannot be discovered")
        if as_json:
            answer_json(told)
        else:
            answer(f"{told.units} control units at {host}:{told.port}, VIN {told.vin}; Ctrl-C ends")
        if ready_file is not None:
            _write(ready_file, msgspec.json.encode(told))
        while signals.asked is None:
            codes.keep()
            time.sleep(0.1)
        tell(f"volant: {signals.asked[1]}")
    return Exit.DONE


def _fail(words: str, memories: dict[str, FaultMemory], frame: dict[int, bytes]) -> None:
    unit, _, name = words.partition(":")
    memory = memories.get(unit)
    if memory is None:
        raise InputError(f"--fault {words}: no unit {unit!r}; there are: {', '.join(memories)}")
    known = by_name(memory.specs)
    if name not in known:
        raise InputError(f"--fault {words}: {unit} has no {name!r}; it has: {', '.join(known)}")
    memory.report(known[name].code, True, 0, frame)


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_bytes(data + b"\n")
        draft.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=str(path)) from error
