"""The live table of `volant fleet simulate`: one on a terminal that is drawn anew, a line now and then elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from volant.app.say import is_terminal, tell
from volant.cloud.campaigns import Campaign, CarState
from volant.cloud.campaigns.state import ERRORS

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

PLAIN_EVERY_S: Final = 5.0
SHOWN: Final = (
    CarState.WAITING, CarState.TOLD, CarState.BUSY, CarState.WATCHED, CarState.WELL, CarState.AGAIN,
    CarState.FAILED, CarState.LOST, CarState.UNWELL, CarState.CANCELED, CarState.REFUSED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is shown."""

    since_s: float
    polls: int
    """Since the beginning."""
    manifests: int
    requests: int
    called: int
    """Visits of cars that the server had called; the others came by themselves."""
    by_themselves: int
    lines: int
    """That are open."""
    lies: int
    """Lies and replays that were refused."""
    broken: int
    busy: int
    """Answers that sent a car away for a while."""
    p50_s: float
    p99_s: float
    behind: int
    """Cars that wait for a connection."""
    cpu_s: float
    """Of the server."""
    campaign: Campaign


class Show:
    """Shows pictures on standard error; the rates are those since the one before."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live: Live | None = None
        self._before: Picture | None = None
        self._told_s = 0.0

    def __enter__(self) -> Self:
        if not self._quiet and is_terminal():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def show(self, picture: Picture) -> None:
        """Show one."""
        if self._live is not None:
            self._live.update(draw(picture, self._before), refresh=True)
            self._before = picture
        elif not self._quiet and time.monotonic() - self._told_s >= PLAIN_EVERY_S:
            self._told_s = time.monotonic()
            tell(line(picture, self._before))
            self._before = picture


def line(now: Picture, before: Picture | None) -> str:
    """A picture in one line."""
    cars = now.campaign
    states = ", ".join(f"{cars.count(one)} {one}" for one in SHOWN if cars.count(one))
    return f"{now.since_s:5.0f} s  {_rates(now, before)}  {_visits(now)}  {cars.phase}: {states}"


def draw(now: Picture, before: Picture | None) -> Table:
    """A picture as a table: a row for each wave, with its errors of those that stop it; in brackets: not open yet."""
    from rich import box
    from rich.table import Table

    cars = now.campaign
    found = Table(
        title=f"{cars.plan.campaign_id}: {cars.phase}  {now.since_s:.0f} s",
        caption=f"{_rates(now, before)}\n{_visits(now)}\n{cars.reason}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    shown = [one for one in SHOWN if cars.count(one)]
    found.add_column("wave", no_wrap=True)
    for heading in ("cars", "errors", *shown):
        found.add_column(str(heading), justify="right", no_wrap=True)
    for place, (wave, tally) in enumerate(zip(cars.plan.waves, cars.tallies, strict=False)):
        errors = tally.count(*ERRORS)
        found.add_row(
            wave.name if place <= cars.wave else f"({wave.name})",
            str(tally.size),
            f"{max(0, errors - tally.forgiven)} of {wave.errors_limit(tally.size)}",
            *(str(tally.count(one)) if tally.count(one) else "" for one in shown),
        )
    return found


def _rates(now: Picture, before: Picture | None) -> str:
    span_s = now.since_s - (before.since_s if before else 0.0) or 1.0
    polls = (now.polls - (before.polls if before else 0)) / span_s
    manifests = (now.manifests - (before.manifests if before else 0)) / span_s
    cpu = (now.cpu_s - (before.cpu_s if before else 0.0)) / span_s
    words = [f"{polls:.0f} polls/s"]
    words += [f"{manifests:.0f} manifests/s"] if now.manifests else []
    words += [
        f"p50 {1e3 * now.p50_s:.1f} ms, p99 {1e3 * now.p99_s:.1f} ms",
        f"server {cpu:.0%} of a core",
    ]
    words += [f"{now.behind} cars wait"] if now.behind else []
    words += [f"{now.broken} without answer"] if now.broken else []
    words += [f"{now.busy} sent away"] if now.busy else []
    return ", ".join(words)


def _visits(now: Picture) -> str:
    """How cars came to be there, since the beginning."""
    words = [f"came: {now.called} called (on {now.lines} lines), {now.by_themselves} by themselves"]
    words += [f"{now.lies} lies and replays refused"] if now.lies else []
    return ", ".join(words)
