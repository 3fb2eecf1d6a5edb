"""What `volant fleet demo` shows meanwhile: the campaign's waves and each car, from the server and from the cars themselves."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec

from volant.app.fleet_watch import drawn, in_a_line
from volant.app.park_command import CarLine
from volant.app.say import is_terminal, tell
from volant.cloud import views
from volant.core.updates import UpdatePhase

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

SHOWN: Final = "pilot"
"""The unit whose program is shown: both releases bring one."""
HEADS: Final = ("car", "wave", "server says", f"{SHOWN} runs", "car says")


class Followed:
    """Lines that cars write into a file; a line that is not whole yet is left for later."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        self._newest = dict[str, CarLine]()

    def newest(self) -> Mapping[str, CarLine]:
        """What each car has said last."""
        self._newest.update((one.car, one) for one in self._lines())
        return self._newest

    def all(self) -> list[CarLine]:
        """All that was said since the last call."""
        return list(self._lines())

    def _lines(self) -> Iterator[CarLine]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._at += len(line)
                    with contextlib.suppress(msgspec.MsgspecError):  # cut by a death
                        yield msgspec.json.decode(line, type=CarLine)
        except FileNotFoundError:
            return


class Board:
    """A table that changes on a terminal; elsewhere a line for each change of the campaign."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._said = quiet, ""
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if not self._quiet and is_terminal():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(file=sys.stderr), auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(
        self,
        campaign: views.CampaignView,
        tasks: Sequence[views.TaskView],
        told: Mapping[str, CarLine],
        cars: Sequence[views.CarLine],
    ) -> None:
        """Show how it is now.

        Args:
            campaign: as the server has it.
            tasks: its cars.
            told: what each car has said itself.
            cars: what runs on them, as the server heard it.
        """
        if self._live is not None:
            self._live.update(table(campaign, tasks, told, cars), refresh=True)
            return
        line = in_a_line(campaign)
        if line != self._said and not self._quiet:
            self._said = line
            tell(f"    {line}")


def table(
    campaign: views.CampaignView,
    tasks: Sequence[views.TaskView],
    told: Mapping[str, CarLine],
    cars: Sequence[views.CarLine],
) -> RenderableType:
    """Waves above, cars below, a line for each."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    found = Table(box=None, pad_edge=False)
    for head in HEADS:
        found.add_column(head, no_wrap=True, overflow="ellipsis")
    for row in rows(tasks, told, cars):
        found.add_row(*(Text(cell) for cell in row))
    return Group(drawn(campaign), Text(), found)


def rows(
    tasks: Sequence[views.TaskView],
    told: Mapping[str, CarLine],
    cars: Sequence[views.CarLine],
) -> list[tuple[str, str, str, str, str]]:
    """A row for each car."""
    runs = {one.car: one.runs.get(SHOWN, "") for one in cars}
    return [
        (one.car, one.wave, str(one.state), runs.get(one.car, ""), _words(told.get(one.car)))
        for one in tasks
    ]


def _words(car: CarLine | None) -> str:
    if car is None:
        return ""
    if car.phase is UpdatePhase.IDLE:
        return "idle" if car.end is None else f"{car.end.value.replace('_', ' ')} {car.why}".strip()
    share = f" {car.done_pct} %" if car.done_pct else ""
    return f"{car.phase.value}{share}"
