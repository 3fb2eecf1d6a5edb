"""What `volant fleet simulate` came to, for people and as JSON."""

from __future__ import annotations

import resource
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from volant.app.fleet_agree import FINDINGS_MOST
from volant.app.fleet_drive import Figures
from volant.app.fleet_steps import AnyCar, speaking
from volant.app.fleet_words import BROKEN, Kind
from volant.app.say import answer, answer_json, table
from volant.cloud.campaigns import Campaign, CarState

MIB: Final = 1 << 20


class SimulatedWave(msgspec.Struct, frozen=True, kw_only=True):
    """One wave at the end."""

    name: str
    size: int
    cars: dict[CarState, int]


class SimulatedUptane(msgspec.Struct, frozen=True, kw_only=True):
    """Cars that speak Uptane."""

    cars: int
    joined: int
    manifests: int
    """Answered, lies among them."""
    updated: int
    """Cars that have said, signed by their units, that an update runs."""


class SimulateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant fleet simulate --json` prints."""

    ok: bool
    """Server and cars agree, and no limit was overrun."""
    findings: tuple[str, ...]
    """What does not agree; at most twenty of them."""
    cars: int
    seed: int
    faults: dict[str, int]
    """Cars by fault."""
    uptane: SimulatedUptane
    took_s: float
    polls: int
    polls_per_s: float
    requests: dict[str, int]
    """Answered ones by kind."""
    statuses: dict[str, int]
    """Answers by status; `none`: no answer came."""
    answer_p50_ms: float
    answer_p99_ms: float
    """From sending a poll or a manifest to its answer."""
    delay_p99_ms: float
    """From when a car was to come to its answer, waiting for a connection included."""
    visits_called: int
    """Visits of cars that came because the server had called them."""
    visits_by_themselves: int
    told_called: int
    """Cars that were told something new on such a visit."""
    calls: int
    """Calls that came on open lines."""
    lies_refused: int
    """Lies and replays that the server answered with no, of both protocols."""
    server_cpu_s: float
    polls_per_cpu_s: float
    """All requests by the server's processor time."""
    memory_mib: float
    """Most that the simulated cars had."""
    server_memory_mib: float
    """Most that the server had; 0: it is elsewhere."""
    phase: str
    reason: str
    told: int
    errors: int
    most_errors: int
    """Promised: no more cars than these come to harm."""
    most_in_flight: int
    concurrency: int
    told_late: int
    """Cars that were told something new more than five seconds after a stop."""
    waves: tuple[SimulatedWave, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, beside the campaign."""

    seed: int
    took_s: float
    figures: Figures
    server_cpu_s: float
    server_bytes: int
    most_in_flight: int
    late: int
    calls: int


def outcome(
    cars: Sequence[AnyCar], campaign: Campaign, findings: Sequence[str], found: Measured
) -> SimulateAnswer:
    """All of it."""
    figures, cpu_s = found.figures, found.server_cpu_s
    faults = Counter(str(car.fault) for car in cars if car.fault is not None)
    speaks = speaking(cars).values()
    return SimulateAnswer(
        ok=not findings,
        findings=tuple(findings[:FINDINGS_MOST]),
        cars=len(cars),
        seed=found.seed,
        faults=dict(sorted(faults.items())),
        uptane=SimulatedUptane(
            cars=len(speaks),
            joined=sum(bool(one.token) for one in speaks),
            manifests=figures.kinds[Kind.MANIFEST],
            updated=sum(one.updated for one in speaks),
        ),
        took_s=round(found.took_s, 2),
        polls=figures.kinds[Kind.POLL],
        polls_per_s=round(figures.kinds[Kind.POLL] / found.took_s, 1),
        requests={str(kind): count for kind, count in sorted(figures.kinds.items())},
        statuses=_statuses(figures),
        answer_p50_ms=_ms(figures.answers.quantile_s(0.5)),
        answer_p99_ms=_ms(figures.answers.quantile_s(0.99)),
        delay_p99_ms=_ms(figures.delays.quantile_s(0.99)),
        visits_called=figures.called,
        visits_by_themselves=figures.by_themselves,
        told_called=figures.offered_called,
        calls=found.calls,
        lies_refused=figures.lies,
        server_cpu_s=round(cpu_s, 2),
        polls_per_cpu_s=round(figures.requests / cpu_s) if cpu_s else 0.0,
        memory_mib=round(_memory_bytes() / MIB, 1),
        server_memory_mib=round(found.server_bytes / MIB, 1),
        phase=campaign.phase,
        reason=campaign.reason,
        told=campaign.told,
        errors=campaign.errors,
        most_errors=campaign.most_errors,
        most_in_flight=found.most_in_flight,
        concurrency=campaign.plan.concurrency,
        told_late=found.late,
        waves=tuple(
            SimulatedWave(
                name=wave.name,
                size=tally.size,
                cars={one: tally.count(one) for one in CarState if tally.count(one)},
            )
            for wave, tally in zip(campaign.plan.waves, campaign.tallies, strict=False)
        ),
    )


def say(found: SimulateAnswer, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        answer_json(found)
        return
    answer(
        f"{found.cars} cars, seed {found.seed}: {found.polls} polls in {found.took_s:.0f} s, "
        f"answers within {found.answer_p50_ms:g} ms (half) and {found.answer_p99_ms:g} ms (99 %), "
        f"{found.polls_per_cpu_s:.0f} requests per CPU second of the server"
    )
    speaks = found.uptane
    if speaks.cars:
        answer(
            f"{speaks.cars} cars speak Uptane: {speaks.joined} joined, {speaks.manifests} manifests,"
            f" {speaks.updated} updated by their units' word"
        )
    answer(
        f"{found.visits_called} visits because the server called, {found.visits_by_themselves} by "
        f"themselves; {found.told_called} of {found.told} tries were told to a car that was called"
    )
    answer(f"{found.lies_refused} lies and replays refused")
    answer(
        f"memory: {found.memory_mib:.0f} MiB the cars, {found.server_memory_mib:.0f} MiB the server"
    )
    answer(f"campaign: {found.phase} ({found.reason})")
    answer(
        f"told {found.told} tries, {found.errors} cars in error (promised: at most {found.most_errors}), "
        f"at most {found.most_in_flight} at it at once (allowed: {found.concurrency})"
    )
    rows = [
        (
            one.name,
            str(one.size),
            ", ".join(f"{count} {state}" for state, count in one.cars.items()),
        )
        for one in found.waves
    ]
    table("", ("wave", "cars", "now"), rows)
    for one in found.findings:
        answer(f"DOES NOT AGREE: {one}")
    if found.ok:
        answer("what the server says and what the cars did agree")


def _memory_bytes() -> int:
    """Most that this process ever had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _statuses(figures: Figures) -> dict[str, int]:
    named: Mapping[int, str] = {BROKEN: "none"}
    return {named.get(one, str(one)): count for one, count in sorted(figures.statuses.items())}


def _ms(span_s: float) -> float:
    return round(1e3 * span_s, 2)
