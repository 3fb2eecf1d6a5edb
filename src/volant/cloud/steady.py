"""The fleet's time: what the machine's clock says, unless it was moved.

A server's clock that jumps must lose no car, prove none well and open no wave. So a jump is not believed at once: time
goes on at the pace of a clock that nobody moves, until what is due was moved along (`mind_the_gap`). Time in which no
server of the fleet listened is treated alike: cars could not report in it. And where servers disagree, the one that
comes goes by the time of those that run, in all that it says and signs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from msgspec.structs import replace

from volant.cloud.campaigns import Campaign, Phase
from volant.cloud.store.ports import Work

JUMP_S: Final = 60.0
"""More than that is no drift and no slow tick; a choice of ours."""
GAP_S: Final = 120.0
"""So long nobody may have listened before what is due is moved along; a choice of ours."""
ALONE: Final = 3
"""Looks without another server's tick after which there is none; servers tick as often as each other. Choice of ours."""
FOREVER_S: Final = 1e15
BEAT: Final = "beat"
BEAT_BY: Final = "beat by"


@dataclass
class Steady:
    """A clock that does not jump."""

    wall_s: Callable[[], float]
    """What the machine says, Unix seconds."""
    run_s: Callable[[], float]
    """Seconds that nobody moves, from any beginning."""
    _offset_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._offset_s = self.wall_s() - self.run_s()

    def now_s(self) -> float:
        """Unix seconds, without jumps."""
        wall_s, steady_s = self.wall_s(), self.run_s() + self._offset_s
        return steady_s if abs(wall_s - steady_s) > JUMP_S else wall_s

    def jump_s(self) -> float:
        """By how much the machine's clock was moved; 0.0: it was not."""
        moved_s = self.wall_s() - self.run_s() - self._offset_s
        return moved_s if abs(moved_s) > JUMP_S else 0.0

    def believe(self) -> None:
        """Go by the machine's clock from now on."""
        self._offset_s = self.wall_s() - self.run_s()

    def follow(self, fleet_s: float) -> None:
        """Go by another's time, Unix seconds, where the machine's clock says something else."""
        if abs(self.now_s() - fleet_s) > JUMP_S:
            self._offset_s = fleet_s - self.run_s()


class Beat(Enum):
    """Whose time holds."""

    OURS = "ours"
    THEIRS = "theirs"
    """Another server ticks, and its clock says something else: one of both is wrong, and the one that ticks goes on."""
    UNSURE = "unsure"
    """It is not known yet whether another server ticks."""


@dataclass
class Beats:
    """What one server knows of when any server of the fleet ticked last."""

    server: int
    """Number of this one, drawn by chance."""
    _last: tuple[int, int] | None = None
    """The last beat that was found or made, and whose it was."""
    _still: int = 0
    """Looks in a row in which no other server had ticked."""

    def check(self, work: Work, now_s: float) -> tuple[float, Beat]:
        """How much time has gone by in which nobody listened, and whose time holds.

        A gap is believed only after `ALONE` looks in which nobody else ticked: else a server that starts with a wrong
        clock would take time out of the hands of those that run.
        """
        found = work.last_number(BEAT), work.last_number(BEAT_BY)
        beat_s = found[0]
        first, another = self._last is None, found != self._last and found[1] != self.server
        self._last = found
        self._still = 0 if another else self._still + 1
        if not beat_s:
            self._still = ALONE  # nobody ever ticked
        gap_s = now_s - beat_s if beat_s else 0.0
        if abs(gap_s) <= GAP_S:
            gap_s = 0.0
        if gap_s and self._still < ALONE:
            return gap_s, Beat.THEIRS if another and not first else Beat.UNSURE
        self._last = int(now_s), self.server
        work.put_number(BEAT, int(now_s))
        work.put_number(BEAT_BY, self.server)
        return gap_s, Beat.OURS


def mind_the_gap(work: Work, gap_s: float, now_s: float) -> int:
    """Move along what is due, so that the gap does not count for it. How many cars it was."""
    moved = 0
    for campaign in work.campaigns():
        if campaign.phase in {Phase.RUNNING, Phase.PAUSED, Phase.HALTED}:
            later = _later(campaign, gap_s)
            if later != campaign:
                work.put_campaign(later)
    for task in work.due(FOREVER_S, 1_000_000):
        if task.due_s is not None:
            waits_s = task.waits_until_s
            moved_on = replace(
                task,
                due_s=max(0.0, task.due_s + gap_s),
                waits_until_s=None if waits_s is None else max(0.0, waits_s + gap_s),
            )
            work.put_task(moved_on)
            moved += 1
    work.log(at_s=now_s, by="server", act="clock", data={"gap_s": round(gap_s, 1), "cars": moved})
    return moved


def _later(campaign: Campaign, gap_s: float) -> Campaign:
    tallies = tuple(
        one
        if one.good_since_s is None
        else replace(one, good_since_s=max(0.0, one.good_since_s + gap_s))
        for one in campaign.tallies
    )
    return replace(campaign, tallies=tallies)
