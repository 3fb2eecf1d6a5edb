"""What the live car's processes share: made once in the supervisor, and there at once in each fork."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from volant.app.chargers import load_posts
from volant.app.compose import Trip, frame_settings, judge_settings, pilot_settings
from volant.app.live_kuksa import KuksaDoor
from volant.app.live_viss import VissDoor
from volant.caros.cockpit import Door
from volant.caros.cockpit.frame import FrameSettings
from volant.caros.energy.route import Post
from volant.caros.supervise import JobRow
from volant.ota.health import HealthTuning
from volant.pilot import PilotSettings
from volant.sim import JudgeSettings
from volant.vehicle.boot import Bootloader
from volant.wire.vss import Catalogue


@dataclass(frozen=True, slots=True)
class Context:
    """A trip with all that its processes are given."""

    trip: Trip
    door: Door
    journal: Path | None
    pilot: PilotSettings
    judge: JudgeSettings
    frames: FrameSettings
    doip: socket.socket
    """Listens for testers; it outlives the process that serves them."""
    codes: Path
    """Folder of the trouble codes."""
    state: Path
    """Folder of what outlives the live car; the counts of flash lie there."""
    signals: socket.socket
    """Listens for `volant signals`; it outlives the process that serves it."""
    catalogue: Catalogue
    posts: tuple[Post, ...]
    """Chargers of the road."""
    kuksa: KuksaDoor
    viss: VissDoor
    units: Mapping[str, Bootloader]
    """Bootloaders of the units; each process looks at them `again`, for another may have programmed one."""
    apps: tuple[socket.socket, socket.socket]
    """Between the host of the apps and whoever serves their signals; these two hold it, and nobody else."""
    testers: tuple[socket.socket, socket.socket]
    """Between the bridge to buses outside and diagnostics, for testers on these buses."""
    jobs: tuple[JobRow, ...] = ()
    """What is done while the car is parked."""
    update_trial: HealthTuning = field(default_factory=HealthTuning)
    """How long new programs are watched."""
    waits_parked: bool = False
    """Nobody presses the button at the start: the car stays parked until it is asked to drive."""


def make_context(
    trip: Trip,
    door: Door,
    journal: Path | None,
    doip: socket.socket,
    codes: Path,
    state: Path,
    signals: socket.socket,
    catalogue: Catalogue,
    kuksa: KuksaDoor,
    viss: VissDoor,
    units: Mapping[str, Bootloader],
) -> Context:
    """Work out all settings now, so that a process that comes back need not.

    Raises:
        InputError: the road cannot be driven.
    """
    posts = load_posts(trip.road_file, trip.graph)
    settings = pilot_settings(trip), judge_settings(trip), frame_settings(trip)
    pairs = (socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2))
    return Context(
        trip,
        door,
        journal,
        *settings,
        doip=doip,
        codes=codes,
        state=state,
        signals=signals,
        catalogue=catalogue,
        posts=posts,
        kuksa=kuksa,
        viss=viss,
        units=units,
        apps=next(pairs),
        testers=next(pairs),
    )
