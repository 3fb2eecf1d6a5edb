"""`volant range`: drives a cycle in the plant from a full to an empty battery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from volant.app.exits import Exit
from volant.app.folders import data_folder
from volant.app.pictures import draw_picture
from volant.app.say import answer_json, is_terminal, table, tell
from volant.app.stop import StopSignals
from volant.core.settings import find_data
from volant.vehicle import RangeResult, drive_to_empty, load_cycle, load_spec, plot_range

if TYPE_CHECKING:
    from volant.app.route_command import RouteWish

SHARE_WORDS: Final = (
    ("air", "air_wh_per_km"),
    ("rolling", "rolling_wh_per_km"),
    ("friction brakes", "brakes_wh_per_km"),
    ("motor, inverter, gears", "drive_wh_per_km"),
    ("battery's own loss", "battery_wh_per_km"),
    ("auxiliaries", "auxiliaries_wh_per_km"),
)


class _Asked(Exception):  # noqa: N818 - no error: a wish from outside, caught below
    """Somebody asked to end."""


def range_command(car: str, cycle: str, plot: Path | None, *, as_json: bool) -> Exit:
    """Run `volant range`."""
    spec = load_spec(find_data("cars", car, data_folder()))
    driven = load_cycle(cycle)
    with StopSignals() as signals, _bar(f"{spec.title}, {driven.title}") as shown:

        def progress(share: float) -> None:
            shown(share)
            if signals.asked is not None:
                raise _Asked

        try:
            result = drive_to_empty(spec, driven, progress=progress)
        except _Asked:
            assert signals.asked is not None
            tell(f"volant: {signals.asked[1]}")
            return signals.asked[0]
    if plot is not None:
        draw_picture(plot, lambda draft: plot_range(result, draft))
    if as_json:
        answer_json(result)
    else:
        _show(result, plot)
    return Exit.DONE


def route_range_command(wish: RouteWish, plot: Path | None, *, as_json: bool) -> Exit:
    """Run `volant range --route`."""
    from volant.app.route_command import exit_of, plot_route, route_answer, show_route

    with _bar(f"the way to {wish.where}") as shown:
        answer = route_answer(wish, shown)
    if not as_json:
        return show_route(answer, plot)
    if plot is not None:
        draw_picture(plot, lambda draft: plot_route(answer, draft))
    answer_json(answer)
    return exit_of(answer)


@contextmanager
def _bar(words: str) -> Iterator[Callable[[float], None]]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not is_terminal():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(words, total=1.0)
        yield lambda share: progress.update(task, completed=share)


def _show(result: RangeResult, plot: Path | None) -> None:
    published = "-" if result.published_km is None else f"{result.published_km:.0f} km"
    off = "" if result.deviation_pct is None else f" ({result.deviation_pct:+.1f} %)"
    rows = [
        ("range", f"{result.range_km:.1f} km"),
        ("published", published + off),
        ("a real car's figure lies within", f"{result.band_pct:.0f} %"),
        ("consumption", f"{result.consumption_wh_per_km:.1f} Wh/km"),
        ("usable energy", f"{result.usable_kwh:.1f} kWh"),
        ("mass on the cycle", f"{result.test_mass_kg:.0f} kg"),
        ("cycles driven", f"{result.cycles:.2f} in {result.duration_s / 3600:.2f} h"),
        ("calibrated", "yes, with its family" if result.calibrated else "no"),
    ]
    if plot is not None:
        rows.append(("picture", str(plot)))
    table(f"{result.title}, {result.cycle.upper()}", ("", ""), rows)
    shares = [(words, f"{getattr(result.shares, name):.1f}") for words, name in SHARE_WORDS]
    table("Where the energy went", ("", "Wh/km"), shares)
