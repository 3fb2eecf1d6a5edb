"""The commands `volant ota ...`: a car's updates, from the joining at a desk to their history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import (
    DEFAULT_CAR,
    PLAIN,
    CarOption,
    JsonOption,
    StateOption,
    trial_of,
)

ota_app = typer.Typer(**PLAIN, help="Check for updates of the live car, install them, go back.")

LiveOption = Annotated[
    Path | None,
    typer.Option("--car", help="Live car by number or file; default: the only one that is up."),
]


@ota_app.command()
def join(
    place: Annotated[
        str,
        typer.Argument(
            help="Folder of `volant repo`, which holds the keys, or address of a fleet."
        ),
    ],
    url: Annotated[
        str | None, typer.Option(help="Take updates from this address; default: from the folder.")
    ] = None,
    vehicle: Annotated[
        str | None,
        typer.Option(
            help="Vehicle id; default: the folder's first car, for a fleet the car's VIN."
        ),
    ] = None,
    code: Annotated[
        str | None, typer.Option(help="For a fleet: what `volant fleet admit --uptane` printed.")
    ] = None,
    app: Annotated[
        list[str] | None,
        typer.Option(help="For a fleet: an app that its updates bring; again for more."),
    ] = None,
    car: CarOption = DEFAULT_CAR,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a car believe two repositories, or a fleet: once, at a desk, while it is down.

    \b
    Examples:
      volant ota join repo
      volant ota join repo --url http://127.0.0.1:8760 --car p7
      volant ota join http://127.0.0.1:8770/uptane --code CODE
    """
    from volant.app.ota_join import JoinWish, join_command

    wish = JoinWish(car, url, vehicle, code, tuple(app or ()))
    raise typer.Exit(join_command(place, wish, state, as_json=as_json))


@ota_app.command()
def check(car: LiveOption = None, as_json: JsonOption = False) -> None:
    """Ask the repositories and download what is new; exit status 5 where that does not work, or is not to be believed.

    \b
    Examples:
      volant ota check
      volant ota check --json
    """
    from volant.app.ota_command import check_command

    raise typer.Exit(check_command(car, as_json=as_json))


@ota_app.command()
def status(car: LiveOption = None, as_json: JsonOption = False) -> None:
    """Show what the car has in hand, and how the last update ended.

    \b
    Examples:
      volant ota status
      volant ota status --car 4711 --json
    """
    from volant.app.ota_command import status_command

    raise typer.Exit(status_command(car, as_json=as_json))


@ota_app.command()
def install(
    car: LiveOption = None,
    now: Annotated[bool, typer.Option("--now", help="As soon as the car may (default).")] = False,
    tonight: Annotated[bool, typer.Option("--tonight", help="From 02:00 to 05:00.")] = False,
    later: Annotated[bool, typer.Option("--later", help="Ask again after a day.")] = False,
    usb: Annotated[
        Path | None, typer.Option(help="Take it from this folder of a stick, with the same checks.")
    ] = None,
    offer: Annotated[
        str, typer.Option(help="Only this offer, by the beginning of its name.", metavar="NAME")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Agree to what is offered, and follow it until the new programs are on trial or it has ended.

    Exit status 5 where the old programs run. Ctrl-C ends the looking, not the update.

    \b
    Examples:
      volant ota install --now
      volant ota install --tonight
      volant ota install --offer 3f2a91c4
      volant ota install --usb /media/stick/volant
    """
    from volant.app.ota_command import InstallWish, install_command
    from volant.core.errors import SettingsError
    from volant.core.updates import UpdateWish

    if now + tonight + later > 1:
        raise SettingsError("take one of --now, --tonight and --later")
    wish = UpdateWish.TONIGHT if tonight else UpdateWish.LATER if later else UpdateWish.NOW
    raise typer.Exit(install_command(car, InstallWish(wish, usb, offer), as_json=as_json))


@ota_app.command()
def rollback(car: LiveOption = None, as_json: JsonOption = False) -> None:
    """Bring back what ran before, while the new programs are on trial.

    \b
    Example:
      volant ota rollback
    """
    from volant.app.ota_command import rollback_command

    raise typer.Exit(rollback_command(car, as_json=as_json))


@ota_app.command()
def history(
    car: Annotated[
        str | None, typer.Option(help="Car by name; default: the one that is up, or the only one.")
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how updates ended, newest last; also of a car that is down.

    \b
    Examples:
      volant ota history
      volant ota history --car g3-520 --json
    """
    from volant.app.ota_command import history_command

    raise typer.Exit(history_command(car, state, as_json=as_json))


@ota_app.command()
def park(
    states: Annotated[list[Path], typer.Argument(help="Folder of a car's state, for each car.")],
    car: CarOption = DEFAULT_CAR,
    agree: Annotated[
        bool, typer.Option("--agree", help="Agree to each update at once, as its owner would.")
    ] = False,
    poll_s: Annotated[
        float, typer.Option(min=1.0, max=86_400.0, help="Seconds between two checks.")
    ] = 300.0,
    trial: Annotated[
        str,
        typer.Option(help="As of `volant up`; these cars do not drive.", metavar="SETTLE,DRIVE"),
    ] = "20,0",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line at each change.")
    ] = False,
) -> None:
    """Let joined cars stand parked without a road, and take their updates: control units, flash and all.

    \b
    Examples:
      volant ota park car1 car2 car3 --agree
      volant ota park car1 --poll-s 10 --json
    """
    from volant.app.park_command import GarageWish, park_command

    wish = GarageWish(tuple(states), car, trial_of(trial), poll_s, agree)
    raise typer.Exit(park_command(wish, as_json=as_json))


@ota_app.command()
def demo(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Play in this new folder, and keep it; default: one that is thrown away."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a whole life: version 1 drives, version 2 is installed and drives differently, a bad version 3 goes back.

    Exit status 0 only if all of it happened. Takes some minutes.

    \b
    Examples:
      volant ota demo
      volant ota demo --folder demo --json
    """
    from volant.app.ota_demo import demo_command

    raise typer.Exit(demo_command(folder, as_json=as_json))
