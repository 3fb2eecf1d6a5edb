"""The commands `volant signals ...`: the signal tree, and the live car's values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import PLAIN, JsonOption

signals_app = typer.Typer(**PLAIN, help="The car's signals: list, read, move, import.")

PatternArgument = Annotated[
    str, typer.Argument(help="A path, a branch, or a pattern with * (one level) and ** (any).")
]
PathsArgument = Annotated[list[str], typer.Argument(help="Paths of signals.")]
SocketOption = Annotated[
    Path | None,
    typer.Option(
        "--car",
        "--socket",
        help="A live car: its number (`volant live`), its ready or status file, or its socket; "
        "default: the only one that runs here.",
    ),
]


@signals_app.command("list")
def list_(pattern: PatternArgument = "", as_json: JsonOption = False) -> None:
    """List signals with type, unit, range, and whether the car tells and moves them.

    \b
    Examples:
      volant signals list
      volant signals list Vehicle.Cabin.Door
      volant signals list "Vehicle.**.IsOpen" --json
    """
    from volant.app.signal_command import list_command

    raise typer.Exit(list_command(pattern, as_json=as_json))


@signals_app.command()
def show(
    path: Annotated[str, typer.Argument(help="Path of a signal.")],
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all of one signal, and its value where a car is up.

    \b
    Examples:
      volant signals show Vehicle.Speed
    """
    from volant.app.signal_command import show_command

    raise typer.Exit(show_command(path, socket, as_json=as_json))


@signals_app.command()
def get(paths: PathsArgument, socket: SocketOption = None, as_json: JsonOption = False) -> None:
    """Read values of the live car.

    \b
    Examples:
      volant signals get Vehicle.Speed
      volant signals get Vehicle.Cabin.HVAC --json
    """
    from volant.app.signal_command import get_command

    raise typer.Exit(get_command(paths, socket, as_json=as_json))


@signals_app.command("set")
def set_(
    path: Annotated[str, typer.Argument(help="Path of an actuator.")],
    value: Annotated[str, typer.Argument(help="true, false, a number, a word, or a JSON list.")],
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move something of the live car; what is refused is said with its reason.

    \b
    Examples:
      volant signals set Vehicle.Cabin.Door.Row1.DriverSide.Window.Position 60
      volant signals set Vehicle.Body.Lights.LightSwitch BEAM
    """
    from volant.app.signal_command import set_command

    raise typer.Exit(set_command(path, value, socket, as_json=as_json))


@signals_app.command()
def watch(
    pattern: PatternArgument,
    socket: SocketOption = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="End after so many lines.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print values as they change, until it is stopped.

    \b
    Examples:
      volant signals watch Vehicle.Speed
      volant signals watch Vehicle.ADAS.Pilot --json
    """
    from volant.app.signal_command import watch_command

    raise typer.Exit(watch_command(pattern, socket, count, as_json=as_json))


@signals_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A VSS release as JSON, or a catalogue as TOML.")],
    as_json: JsonOption = False,
) -> None:
    """Add the signals of a VSS release to the tree of the next `volant up`.

    The car tells none of them: clients can provide them.

    \b
    Examples:
      volant signals import vss_release_6.0.json
    """
    from volant.app.signal_command import import_command

    raise typer.Exit(import_command(file, as_json=as_json))
