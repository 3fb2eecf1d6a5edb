"""How the live car and its guard are joined: directly by messages, or by CAN buses between them.

One table of processes and one set of components serve both; what `--bus` changes stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec

from volant.app import components, over_bus
from volant.app.components import Machine
from volant.app.compose import Trip, aeb_settings, guard_settings, make_machine
from volant.app.live_world import WatchedCar
from volant.app.over_bus import JoinedMachine
from volant.app.programs import booted
from volant.app.unit_flash import Watch
from volant.caros.codes import More
from volant.caros.supervise import ProcessRow, ProcessTable
from volant.core import topics
from volant.core.component import Component
from volant.core.errors import InputError
from volant.vehicle.boot import Bootloader
from volant.vehicle.network import Media
from volant.vehicle.network.join import Join
from volant.vehicle.network.simulated import SimulatedUnits

WITHIN: Final = "virtual"
"""An interface of python-can that does not leave its process."""


def world_part(trip: Trip, boots: Mapping[str, Bootloader] | None = None) -> Component:
    """The plant with its actuators, traffic and sensors.

    It runs what its units have booted by now; without their bootloaders, as in a replay, what the trip says.
    """
    watch = None
    if boots is not None:
        seen = {name: boot.again() for name, boot in boots.items()}
        trip, watch = replace(trip, programs=booted(seen)), Watch(seen)
    if trip.wish.bus is None:
        return components.world(lambda: _watched(make_machine(trip), watch))
    return over_bus.world(lambda: _joined_machine(trip, watch))


def vehicle_part(trip: Trip) -> Component:
    """Emergency braking, the guard and the port of the car."""
    settings, braking = guard_settings(trip.spec), aeb_settings(trip.spec)
    if trip.wish.bus is None:
        return components.vehicle(settings, braking)
    from volant.app.canbus import load_network

    return over_bus.vehicle(settings, braking, load_network())


def _watched(machine: Machine, watch: Watch | None) -> Machine:
    """A car whose actuators notice silence, of a commander and of a driver's hands."""
    return Machine(WatchedCar(machine.car, watch), machine.surroundings)


def _joined_machine(trip: Trip, watch: Watch | None) -> JoinedMachine:
    """A car whose units notice silence on their buses."""
    from volant.app.canbus import load_network

    mapping, media = load_network(), Media()
    join = Join(media, mapping.databases)
    machine = make_machine(
        trip, units=lambda s, first, dead: SimulatedUnits(mapping, media, s, first, dead)
    )
    return JoinedMachine(_watched(machine, watch), join)


def bus_codes_of(trip: Trip) -> More:
    """Codes that only a car over buses can have."""
    if trip.wish.bus is None:
        return {}
    from volant.app.bus_codes import more_codes
    from volant.app.canbus import load_network

    return more_codes(load_network())


def check_bus(words: str | None) -> None:
    """Refuse a bus that the live car cannot have, before anything is started.

    Raises:
        InputError: it is no bus, one that stays within a process, or the car's network is wrong.
        LinkError: it cannot be opened here.
    """
    if words is None:
        return
    from volant.app.canbus import INLINE, load_network, open_ports, parse_bus

    buses = tuple(load_network().table.buses)
    wish = parse_bus(words, buses)
    if wish.interface == WITHIN:
        raise InputError(
            f"the bus {WITHIN!r} does not leave a process, take 'inline' for a live car"
        )
    if wish.interface != INLINE:
        with open_ports(words, buses) as ports:  # here, where a refusal is one line and an end
            for one in buses:
                ports(one, "the live car", None)


def wired(table: ProcessTable, bus: str | None) -> ProcessTable:
    """A table of processes with what `bus` changes in it."""
    if bus is None:
        return table
    rows = tuple(_CHANGES.get(row.name, _same)(row) for row in table.process)
    if bus != "inline":
        rows = (*rows, BRIDGE)
    return ProcessTable(process=rows)


def _same(row: ProcessRow) -> ProcessRow:
    return row


def _changed(
    row: ProcessRow, reads: dict[str, tuple[str, ...]], writes: dict[str, tuple[str, ...]]
) -> ProcessRow:
    """A row with each of some topics in place of others; of none where it is only added."""

    def turned(names: tuple[str, ...], changes: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        gone = {name for names_gone in changes.values() for name in names_gone}
        return (*(name for name in names if name not in gone), *changes)

    return msgspec.structs.replace(
        row, reads=turned(row.reads, reads), writes=turned(row.writes, writes)
    )


_CAN, _STATE, _BODY, _COMMAND, _TROUBLE = (
    topics.CAN_FRAMES.name,
    topics.CAR_STATE.name,
    topics.BODY_STATE.name,
    topics.CAR_COMMAND.name,
    topics.CAR_TROUBLE.name,
)
_CHANGES: Final = {
    "world": lambda row: _changed(row, {_CAN: (_COMMAND,)}, {_CAN: (_STATE, _BODY)}),
    "vehicle": lambda row: _changed(
        row, {_CAN: (_STATE,)}, {_CAN: (), _STATE: (), _BODY: (), _TROUBLE: ()}
    ),
    "diagnostics": lambda row: _changed(row, {_TROUBLE: ()}, {}),
}
BRIDGE: Final = ProcessRow(
    name="can",
    program="volant.app.live_can:bridge",
    reads=(_CAN,),
    writes=(_CAN, topics.LIVE_STEP.name),
    backoff_s=0.1,
    priority=25,
)
"""Carries frames between the live car and buses outside; only where `--bus` names such."""
