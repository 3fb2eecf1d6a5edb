"""`volant drive`: boots the car, drives the trip, shows it, records it, and ends with a summary.

The loop goes on when a screen, the terminal or the disk fails; what was lost is said at the end.
"""

from __future__ import annotations

import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from volant.app.answer import DriveAnswer
from volant.app.compose import (
    Network,
    Send,
    Trip,
    Write,
    compose,
    plan_trip,
    start_curvature_per_m,
)
from volant.app.desk import Desk, Steering
from volant.app.ending import Ending, EndWatch, confirmed
from volant.app.exits import Exit
from volant.app.folders import state_folder
from volant.app.inbox import Inbox
from volant.app.inline import AsFastAsItCan, InlineExecutor, Pace, Pacer
from volant.app.progress import Progress
from volant.app.record import Recording, open_recording
from volant.app.say import answer_json, table, tell
from volant.app.start import Starter
from volant.app.state import open_codes
from volant.app.stop import StopSignals
from volant.app.trip import DEFAULT_M, TripWish
from volant.app.unit_flash import boot_from
from volant.app.updates_folder import UpdatesFolder
from volant.caros.cockpit import (
    NOT_BUILT,
    CockpitLink,
    FromServer,
    screens_are_built,
    spawn_cockpit,
)
from volant.core.bus import Bus, InlineBus
from volant.core.clock import seconds
from volant.core.component import Component
from volant.core.errors import LinkError, RefusedError
from volant.core.messages import Intervention, TroubleCode
from volant.sim.judge import DriveSummary, summary

if TYPE_CHECKING:
    from volant.app.bus_codes import BusCodes
    from volant.vehicle import CarSpec
    from volant.vehicle.boot.calibration import Programs

SHOWN: Final = 12
"""Interventions told in the table; `--json` has all."""
YOUNG_VALUES: Final = 20_000
"""So many new values before the collector looks through them: some seconds of driving; Python's own
700 come together within a tick and cost 4 % of the drive."""
LINGER_S: Final = 1.0
"""The last frame stays this long before the cockpit is told that the drive is over."""


@dataclass(frozen=True, slots=True)
class DriveWish:
    """What the command line asks for."""

    trip: TripWish
    pace: float = 1.0
    headless: bool = False
    as_json: bool = False
    journal: Path | None = None
    port: int = 0
    open_browser: bool = False
    state: Path | None = None
    """Folder of what the car remembers, its units' programs among it; None: the user's own. A drive over a bus
    keeps its codes there."""


@dataclass(frozen=True, slots=True)
class Driven:
    """A drive that is over."""

    ending: Ending
    summary: DriveSummary
    duration_s: float
    wall_s: float
    """Real time of the loop alone."""

    @property
    def arrived(self) -> bool:
        """It ended at its destination, by the pilot and by ground truth."""
        return self.ending.arrived and self.summary.arrived


def drive_trip(
    trip: Trip,
    *,
    bus: Bus | None = None,
    pace: Pace | None = None,
    write: Write | None = None,
    send: Send | None = None,
    asked_to_end: Callable[[], tuple[Exit, str] | None] = lambda: None,
    watch: Callable[[Bus], Callable[[int], None]] | None = None,
    hear: Callable[[], Sequence[FromServer]] | None = None,
    around: Callable[[Component], Component] = lambda part: part,
    network: Network | None = None,
) -> Driven:
    """Drive a composed trip to its end; asks for outside wishes between two ticks only.

    Args:
        trip: what to drive.
        bus: where the components meet; a plain one by default.
        pace: holds virtual time back; as fast as it can by default.
        write: takes every journalled message.
        send: takes every encoded frame of the cockpit.
        asked_to_end: exit status and reason, once somebody outside wants the end.
        hear: gives what screens said since it was last asked; one of them may drive.
        watch: opens readers on the bus and gives what is called after each tick.
        around: wraps each component, as a stopwatch does.
        network: joins the car's units on a trip over a bus; buses within the process by default.
    """
    bus = bus or InlineBus()
    inbox = Inbox()
    starter = Starter(bus, inbox, first_wheel_rad(trip))
    parts = tuple(around(part) for part in compose(trip, write=write, send=send, network=network))
    executor = InlineExecutor(parts, bus, inbox, pace=pace)
    desk = None if hear is None else Desk(bus, inbox, hear, steering_of(trip))
    end = EndWatch(bus, trip.limit_s, lambda: desk is not None and desk.attended)
    look = watch(bus) if watch is not None else None
    began_s = time.monotonic()
    with _calm_memory():
        while True:
            stamp_ns = executor.tick()
            if desk is not None:
                desk.look(stamp_ns)
            if desk is None or not desk.taken:
                starter.look(stamp_ns)
            asked = asked_to_end()
            ending = Ending(*asked) if asked is not None else end.look(stamp_ns)
            if look is not None:
                look(stamp_ns)
            if ending is not None:
                break
    wall_s = time.monotonic() - began_s
    truth = summary(executor.state_of("judge"))
    if asked is None:
        ending = confirmed(ending, truth, trip.via_count)
    return Driven(ending, truth, seconds(stamp_ns), wall_s)


def first_wheel_rad(trip: Trip) -> float:
    """Angle of the steering wheel along the bend in which a drive begins."""
    spec = trip.spec
    return spec.steering_ratio * math.atan(start_curvature_per_m(trip) * spec.wheelbase_m)


def steering_of(trip: Trip) -> Steering:
    """What a steering wheel on a screen must know of the car."""
    spec = trip.spec
    return Steering(spec.steering_ratio, spec.wheelbase_m, spec.max_curvature_per_m)


@contextlib.contextmanager
def _calm_memory() -> Iterator[None]:
    """What was made at boot lives for the whole drive: the collector need not walk it again.

    The loop makes many small values and hardly a cycle, so young ones are looked through seldom.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_VALUES, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def drive_command(wish: DriveWish) -> Exit:
    """Run `volant drive`."""
    with StopSignals() as signals, contextlib.ExitStack() as opened:
        trip = plan_trip(wish.trip, _programs(wish.state or state_folder()))
        network, codes = _open_network(wish, opened)
        _tell_trip(trip)
        link = None if wish.headless else _open_cockpit(wish)
        recording = open_recording(wish.journal, trip)
        pace: Pace = AsFastAsItCan() if wish.headless else Pacer(wish.pace)
        progress: list[Progress] = []

        def watch(bus: Bus) -> Callable[[int], None]:
            quiet = wish.as_json and wish.headless
            progress.append(Progress(bus, quiet=quiet, pace=None if wish.headless else wish.pace))
            return progress[0].look

        try:
            driven = drive_trip(
                trip,
                pace=pace,
                write=None if recording is None else recording.write,
                send=None if link is None else _Screen(link).send,
                hear=None if link is None else link.poll,
                asked_to_end=lambda: signals.asked,
                watch=watch,
                network=network,
            )
        except BaseException:
            if recording is not None:
                recording.close({})
            if link is not None:
                link.close()
            raise
        for shown in progress:
            shown.close()
        if recording is not None:
            recording.close(msgspec.to_builtins(make_answer(trip, driven, None)))
        found = () if codes is None else codes.found()
        _show(make_answer(trip, driven, recording, found), as_json=wish.as_json)
        if link is not None:
            if driven.arrived:
                time.sleep(LINGER_S)
            link.close()
    return driven.ending.status


def _programs(state: Path) -> Callable[[CarSpec], Programs]:
    """Boots the units of a car that may be driven: while an update is half done they do not fit together."""
    boot = boot_from(state)

    def booted(car: CarSpec) -> Programs:
        words = UpdatesFolder(state, car.name).lock_words()
        if words:
            raise RefusedError(words)
        return boot(car)

    return booted


def _open_network(
    wish: DriveWish, opened: contextlib.ExitStack
) -> tuple[Network | None, BusCodes | None]:
    """The car's buses and the memory of their codes, open until the drive is over."""
    if wish.trip.bus is None:
        return None, None
    from volant.app.bus_codes import BusCodes, more_codes
    from volant.app.canbus import load_network, open_ports

    mapping = load_network()
    ports = opened.enter_context(open_ports(wish.trip.bus, tuple(mapping.table.buses)))
    kept = opened.enter_context(open_codes(wish.state, more_codes(mapping)))
    kept.begin_drive()
    codes = BusCodes(mapping, kept)
    tell(f"over buses: {wish.trip.bus}, {len(mapping.databases)} buses")
    return Network(mapping, ports, codes.report), codes


class _Screen:
    """Hands frames to the cockpit and says once when it has ended."""

    def __init__(self, link: CockpitLink) -> None:
        self._link, self._told = link, False

    def send(self, encoded: bytes) -> None:
        """Hand one frame over; never waits."""
        self._link.send(encoded)
        if not self._link.alive and not self._told:
            self._told = True
            tell("the cockpit's server has ended; the drive goes on")


def make_answer(
    trip: Trip,
    driven: Driven,
    recording: Recording | None,
    codes: tuple[TroubleCode, ...] = (),
) -> DriveAnswer:
    """The answer for machines."""
    judged = driven.summary
    return DriveAnswer(
        arrived=driven.arrived,
        reason=driven.ending.reason,
        distance_m=judged.distance_m,
        duration_s=driven.duration_s,
        real_time_factor=driven.duration_s / max(driven.wall_s, 1e-9),
        contacts=judged.contacts,
        min_gap_m=judged.min_gap_m,
        interventions=judged.interventions,
        intervention_list=judged.intervention_list,
        max_lane_offset_m=judged.max_lane_offset_m,
        accel_min_mps2=judged.accel_min_mps2,
        accel_max_mps2=judged.accel_max_mps2,
        jerk_p99_mps3=judged.jerk_p99_mps3,
        contacts_at_fault=judged.contacts_at_fault,
        contact_list=judged.contact_list,
        needless_brakings=judged.needless_brakings,
        rule_breaks=judged.rule_breaks,
        interventions_per_100_km=judged.interventions_per_100_km,
        lane_offset_rms_m=judged.lane_offset_rms_m,
        lateral_accel_p99_mps2=judged.lateral_accel_p99_mps2,
        via=trip.wish.via,
        via_passed=judged.via_passed,
        journal=None if recording is None else recording.path,
        journal_sha256=None if recording is None else recording.sha256,
        journal_lost=0 if recording is None else recording.lost,
        seed=trip.wish.seed,
        car=trip.wish.car,
        road=trip.wish.road,
        sensors=trip.wish.sensors,
        cars=trip.cars,
        bus=trip.wish.bus,
        trouble_codes=codes,
    )


def _tell_trip(trip: Trip) -> None:
    length_m = trip.stretch.destination_m - trip.stretch.start_m
    tell(f"{trip.spec.title} on {trip.wish.road}, {length_m:.0f} m, seed {trip.wish.seed}")
    if trip.ends is not None:
        stops = (trip.ends.begin, *trip.ends.via, trip.ends.goal)
        tell("from " + " to ".join(stop.name for stop in stops))
    if not trip.stretch.whole:
        wanted_m = trip.wish.distance_m or DEFAULT_M
        tell(f"the road ends sooner than the {wanted_m:.0f} m asked for")


def _open_cockpit(wish: DriveWish) -> CockpitLink | None:
    """Start the cockpit; a drive goes on without one."""
    try:
        link = spawn_cockpit(wish.port)
    except LinkError as error:
        tell(f"no cockpit: {error}")
        return None
    if link.port != link.wanted_port:
        tell(f"port {link.wanted_port} is taken, the cockpit is at {link.port}")
    tell(f"cockpit: {link.address}")
    tell(f"drive it yourself: {link.address}drive/")
    if not screens_are_built():
        tell(f"cockpit: {NOT_BUILT}")
    if wish.open_browser:
        import webbrowser

        webbrowser.open(link.address)
    return link


def _show(answer: DriveAnswer, *, as_json: bool) -> None:
    if as_json:
        answer_json(answer)
        return
    rows = [
        ("arrived", "yes" if answer.arrived else f"no: {answer.reason}"),
        ("distance", f"{answer.distance_m:.0f} m in {answer.duration_s:.1f} s"),
        ("speed of the drive", f"{answer.real_time_factor:.1f} x real time"),
        ("contacts", str(answer.contacts)),
        ("least gap ahead", _figure(answer.min_gap_m, "m")),
        ("interventions", str(answer.interventions)),
        *(("", _told(one)) for one in answer.intervention_list[:SHOWN]),
        ("largest offset in the lane", _figure(answer.max_lane_offset_m, "m")),
        ("hardest braking", _figure(answer.accel_min_mps2, "m/s2")),
        ("strongest acceleration", _figure(answer.accel_max_mps2, "m/s2")),
        ("jerk, 99 %", _figure(answer.jerk_p99_mps3, "m/s3")),
        ("journal", answer.journal or "none"),
    ]
    if answer.journal_sha256 is not None:
        rows.append(("journal hash", answer.journal_sha256))
    if answer.journal_lost:
        rows.append(("lost from the journal", f"{answer.journal_lost} messages"))
    table("The drive", ("", ""), rows)
    if answer.trouble_codes:
        from volant.app.bus_codes import show_codes

        show_codes(answer.trouble_codes)


def _figure(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.2f} {unit}"


def _told(one: Intervention) -> str:
    return f"{seconds(one.stamp_ns):.1f} s: {one.kind.value}: {one.words}"
