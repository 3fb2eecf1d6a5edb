"""The commands `volant app ...`: make, pack, sign, install and run apps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import PLAIN, JsonOption, StateOption

apps_app = typer.Typer(**PLAIN, help="Make, pack, sign, install and run apps in the car.")

AppArgument = Annotated[str, typer.Argument(help="Id of an installed app.")]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="Private key (PEM); default: your own, made when needed."),
]


@apps_app.command()
def new(
    app: Annotated[str, typer.Argument(help="Id, a reversed name such as org.example.lights.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where to; default: a new folder named as the app.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new app from the template.

    \b
    Examples:
      volant app new org.example.lights
      volant app new org.example.lights --folder work/lights
    """
    from volant.app.app_make import new_command

    raise typer.Exit(new_command(app, folder, as_json=as_json))


@apps_app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="Folder with app.toml.")],
    out: Annotated[
        Path | None, typer.Option(help="Package; default: ID-VERSION.vapp here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check an app and pack it into one file, not signed yet.

    \b
    Examples:
      volant app pack lights
      volant app pack lights --out lights.vapp --json
    """
    from volant.app.app_make import pack_command

    raise typer.Exit(pack_command(folder, out, as_json=as_json))


@apps_app.command()
def sign(
    package: Annotated[Path, typer.Argument(help="Package to sign, in place.")],
    key: KeyOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign a package; the first time a key of your own is made, and trusted on this machine.

    \b
    Examples:
      volant app sign org.example.lights-0.1.0.vapp
      volant app sign lights.vapp --key team.pem
    """
    from volant.app.app_make import sign_command

    raise typer.Exit(sign_command(package, key, state, as_json=as_json))


@apps_app.command()
def trust(
    key: Annotated[
        str | None, typer.Argument(help="Public key, 64 hex digits; without one the list is shown.")
    ] = None,
    name: Annotated[str, typer.Option(help="Whose it is.")] = "",
    revoke: Annotated[
        str | None, typer.Option(help="Short name of a key that is trusted no more, for good.")
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whose packages are taken, or show it.

    \b
    Examples:
      volant app trust
      volant app trust 3b6a...29 --name "The maker"
      volant app trust --revoke 24aa2a5589edcb57
    """
    from volant.app.app_make import trust_command

    raise typer.Exit(trust_command(key, name, revoke, state, as_json=as_json))


@apps_app.command()
def install(
    package: Annotated[
        str,
        typer.Argument(
            help="Signed package; or an app that comes with Volant, or a folder: signed by you."
        ),
    ],
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Install a signed package, or update to it; it starts with the car.

    \b
    Examples:
      volant app install trip-computer
      volant app install org.example.lights-0.1.0.vapp
    """
    from volant.app.app_make import install_command

    raise typer.Exit(install_command(package, state, as_json=as_json))


@apps_app.command("list")
def list_(state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the installed apps, how each is, and how well this machine can wall them in.

    \b
    Examples:
      volant app list
      volant app list --json
    """
    from volant.app.app_run import list_command

    raise typer.Exit(list_command(state, as_json=as_json))


@apps_app.command()
def start(
    app: AppArgument,
    here: Annotated[
        bool, typer.Option("--here", help="Run it in this terminal, without a car, until Ctrl-C.")
    ] = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an app run: at once where a car is up, else with the next.

    \b
    Examples:
      volant app start org.example.lights
      volant app start org.example.lights --here
    """
    from volant.app.app_run import start_command

    raise typer.Exit(start_command(app, state, here=here, as_json=as_json))


@apps_app.command()
def stop(app: AppArgument, state: StateOption = None, as_json: JsonOption = False) -> None:
    """End an app, and do not start it with the car.

    \b
    Examples:
      volant app stop org.example.lights
    """
    from volant.app.app_run import stop_command

    raise typer.Exit(stop_command(app, state, as_json=as_json))


@apps_app.command()
def remove(
    app: AppArgument,
    kept_too: Annotated[
        bool, typer.Option("--kept-too", help="Also what it keeps, and its log.")
    ] = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an app away.

    \b
    Examples:
      volant app remove org.example.lights
      volant app remove org.example.lights --kept-too
    """
    from volant.app.app_run import remove_command

    raise typer.Exit(remove_command(app, state, kept_too=kept_too, as_json=as_json))


@apps_app.command()
def log(
    app: AppArgument,
    lines: Annotated[int, typer.Option(min=1, max=10_000, help="So many last lines.")] = 40,
    kept: Annotated[
        str | None, typer.Option(help="Print something that it keeps instead; a `*` lists it all.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --kept: a file to copy it to, byte for byte.")
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what an app has printed, or what it keeps.

      \b
      Examples:
        volant app log org.volant.trip-computer
        volant app log org.volant.trip-computer --kept trips.txt
    volant app log org.volant.drive-recorder --kept 20261130-150612-impact.csv --out impact.csv
    """
    from volant.app.app_run import log_command

    raise typer.Exit(log_command(app, lines, kept, out, state, as_json=as_json))
