"""The commands `volant charge ...`: charging and preconditioning of the live car."""

from __future__ import annotations

from typing import Annotated

import typer

from volant.app.cli_parts import PLAIN, JsonOption
from volant.app.cli_signals import SocketOption

charge_app = typer.Typer(**PLAIN, help="Charge the live car: plug, limit, times, warmth.")

TIMES = "07:30 (the next), +90m, or ISO 8601."


@charge_app.command()
def status(socket: SocketOption = None, as_json: JsonOption = False) -> None:
    """Show charge, station, timer and warmth. A car that sleeps is woken, as by all these commands.

    \b
    Examples:
      volant charge status
      volant charge status --json
    """
    from volant.app.charge_command import status_command

    raise typer.Exit(status_command(socket, as_json=as_json))


@charge_app.command()
def plug(
    kind: Annotated[str, typer.Option(help="What the station gives: ac or dc.")] = "ac",
    power: Annotated[
        float | None,
        typer.Option(min=0.0, max=1000.0, help="kW at most; default: 11 of ac, 50 of dc."),
    ] = None,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open the flap and plug a station in, as a person does; a car that stands is put in P first.

    \b
    Examples:
      volant charge plug
      volant charge plug --kind dc --power 120
    """
    from volant.app.charge_command import plug_command

    raise typer.Exit(plug_command(kind, power, socket, as_json=as_json))


@charge_app.command()
def unplug(socket: SocketOption = None, as_json: JsonOption = False) -> None:
    """End charging, unlock and draw the plug, and close the flap.

    \b
    Examples:
      volant charge unplug
    """
    from volant.app.charge_command import unplug_command

    raise typer.Exit(unplug_command(socket, as_json=as_json))


@charge_app.command()
def limit(
    percent: Annotated[float, typer.Argument(min=20.0, max=100.0, help="Charge to end at, in %.")],
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the charge at which charging ends.

    \b
    Examples:
      volant charge limit 90
    """
    from volant.app.charge_command import limit_command

    raise typer.Exit(limit_command(percent, socket, as_json=as_json))


@charge_app.command()
def start(socket: SocketOption = None, as_json: JsonOption = False) -> None:
    """Charge now, whatever a timer says; the timer is off then.

    \b
    Examples:
      volant charge start
    """
    from volant.app.charge_command import start_command

    raise typer.Exit(start_command(socket, as_json=as_json))


@charge_app.command()
def stop(socket: SocketOption = None, as_json: JsonOption = False) -> None:
    """End charging; the cable stays.

    \b
    Examples:
      volant charge stop
    """
    from volant.app.charge_command import stop_command

    raise typer.Exit(stop_command(socket, as_json=as_json))


@charge_app.command()
def schedule(
    at: Annotated[str | None, typer.Option(help="Begin then: " + TIMES)] = None,
    ready_by: Annotated[str | None, typer.Option(help="Reach the limit by then: " + TIMES)] = None,
    off: Annotated[bool, typer.Option("--off", help="No timer: charge when plugged in.")] = False,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose when to charge, once; a charging that is complete switches its timer off.

    \b
    Examples:
      volant charge schedule --at 23:00
      volant charge schedule --ready-by 07:30
      volant charge schedule --off
    """
    from volant.app.charge_command import schedule_command

    raise typer.Exit(schedule_command(at, ready_by, socket, off=off, as_json=as_json))


@charge_app.command()
def prepare(
    by: Annotated[str | None, typer.Option(help="Departure: " + TIMES)] = None,
    battery: Annotated[
        str, typer.Option(help="Warm the battery too: no, drive, or charge (for a DC station).")
    ] = "drive",
    no_cabin: Annotated[bool, typer.Option("--no-cabin", help="Leave the cabin alone.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Prepare nothing.")] = False,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Warm or cool the cabin and warm the battery before a departure, from the station if plugged in.

    \b
    Examples:
      volant charge prepare --by 07:30
      volant charge prepare --by +40m --battery charge --no-cabin
      volant charge prepare --off
    """
    from volant.app.charge_command import prepare_command

    raise typer.Exit(
        prepare_command(by, battery, socket, cabin=not no_cabin, off=off, as_json=as_json)
    )
