"""`volant fleet watch`: a campaign as it goes on, until it has ended or stopped itself."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from volant.app.exits import Exit
from volant.app.fleet_open import AnyDesk, Where, open_desk
from volant.app.fleet_tables import WAVE_HEADS, wave_rows
from volant.app.say import answer, is_terminal, tell
from volant.cloud import views
from volant.cloud.campaigns import Phase
from volant.cloud.people import Person
from volant.core.errors import LinkError

if TYPE_CHECKING:
    from rich.console import RenderableType

ENDED: Final = frozenset({Phase.FINISHED, Phase.STOPPED, Phase.HALTED})
Show = Callable[[views.CampaignView], None]


def watch_command(where: Where, campaign: str, every_s: float, *, as_json: bool) -> Exit:
    """Show a campaign until it has ended; the exit status tells whether it finished."""
    with open_desk(where) as (desk, person), _shown(as_json=as_json) as show:
        before = None
        while True:
            found = _look(desk, person, campaign, started=before is not None)
            if found is not None and found != before:
                show(found)
                before = found
            if found is not None and found.phase in ENDED:
                return Exit.DONE if found.phase is Phase.FINISHED else Exit.DIFFERS
            time.sleep(every_s)


def _look(
    desk: AnyDesk, person: Person, campaign: str, *, started: bool
) -> views.CampaignView | None:
    """The campaign; None: the server is away for now."""
    try:
        return desk.campaign(person, campaign)
    except LinkError as error:
        if not started:
            raise
        tell(f"{error}; looking again")
        return None


@contextlib.contextmanager
def _shown(*, as_json: bool) -> Iterator[Show]:
    """How it is shown: objects, one table that changes on a terminal, or a line for each change."""
    if as_json:
        yield lambda found: answer(msgspec.json.encode(found).decode())
    elif sys.stdout.isatty() and is_terminal():
        from rich.live import Live

        with Live(auto_refresh=False) as live:
            yield lambda found: live.update(drawn(found), refresh=True)
    else:
        yield lambda found: answer(in_a_line(found))


def in_a_line(found: views.CampaignView) -> str:
    """A campaign in one line."""
    wave = f", wave {found.wave}" if found.wave else ""
    return (
        f"{found.campaign} {found.phase}{wave}: {found.good} of {found.cars} good,"
        f" {found.errors} in error, {found.in_flight} at it"
        + (f" ({found.reason})" if found.reason else "")
    )


def drawn(found: views.CampaignView) -> RenderableType:
    """A campaign as a table with its line below."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(title=found.title, title_justify="left", box=box.SIMPLE_HEAD)
    for head in WAVE_HEADS:
        table.add_column(head, overflow="fold")
    for row in wave_rows(found):
        table.add_row(*(Text(cell) for cell in row))
    return Group(table, Text(in_a_line(found)))
