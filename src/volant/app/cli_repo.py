"""The commands `volant repo ...`: keep and serve the two repositories that a car takes its updates from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import PLAIN, JsonOption

repo_app = typer.Typer(
    **PLAIN, help="Keep and serve the repositories that a car's updates come from."
)

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the repositories.")]


@repo_app.command()
def init(
    folder: FolderArgument,
    ecu: Annotated[
        list[str],
        typer.Option(help="Control unit ID=HARDWARE[,partial]; the first is the primary."),
    ],
    vehicle: Annotated[str, typer.Option(help="Vehicle id, such as its VIN.")],
    as_json: JsonOption = False,
) -> None:
    """Make a director and an image repository, their keys and the inventory of a car.

    \b
    Example:
      volant repo init repo --vehicle VOLANT1 --ecu gateway=gw-a --ecu brake=brk-a
    """
    from volant.app.repo_command import init_command

    raise typer.Exit(init_command(folder, vehicle, ecu, as_json=as_json))


@repo_app.command()
def add(
    folder: FolderArgument,
    file: Annotated[Path, typer.Argument(help="Image.")],
    ecu: Annotated[str, typer.Option(help="Control unit that it is for.")],
    name: Annotated[str | None, typer.Option(help="Name; default: that of the file.")] = None,
    counter: Annotated[
        int | None,
        typer.Option(
            min=0, help="Release counter; default: one more than any image of this hardware has."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put an image into both repositories, signed, and offer it to a control unit.

    \b
    Examples:
      volant repo add repo brake-2.bin --ecu brake
      volant repo add repo brake-1.bin --ecu brake --counter 2     the way back that is allowed
    """
    from volant.app.repo_command import add_command

    raise typer.Exit(add_command(folder, file, ecu, name, counter, as_json=as_json))


@repo_app.command()
def sign(
    folder: FolderArgument,
    file: Annotated[
        Path | None, typer.Option(help="Add one signature to this metadata file instead.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Private key (PEM) for --file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Sign timestamps and snapshots anew, as a repository does every day.

    \b
    Examples:
      volant repo sign repo
      volant repo sign repo --file 2.root.json --key second-keeper.pem
    """
    from volant.app.repo_command import sign_command

    raise typer.Exit(sign_command(folder, file, key, as_json=as_json))


@repo_app.command()
def rotate(
    folder: FolderArgument,
    repository: Annotated[str, typer.Argument(help="director or image.")],
    role: Annotated[str, typer.Argument(help="root, timestamp, snapshot or targets.")],
    token: Annotated[
        str | None, typer.Option(help="Label of a PKCS 11 token that holds the new key.")
    ] = None,
    token_key: Annotated[int, typer.Option(min=0, help="Id of the key in the token.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Give a role a new key, and publish the root that says so.

    \b
    Examples:
      volant repo rotate repo director timestamp
      volant repo rotate repo image root --token keeper --token-key 2
    """
    from volant.app.repo_command import rotate_command

    place = (token, token_key) if token else None
    raise typer.Exit(rotate_command(folder, repository, role, place, as_json=as_json))


@repo_app.command()
def serve(
    folder: FolderArgument,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8760,
) -> None:
    """Serve both repositories over HTTP, hear manifests and sign time.

    \b
    Example:
      volant repo serve repo --port 8760
    """
    from volant.app.repo_serve import serve_command

    raise typer.Exit(serve_command(folder, host, port))


@repo_app.command()
def attacks(as_json: JsonOption = False) -> None:
    """Attack a car in memory in 154 ways and say what came of each.

    \b
    Example:
      volant repo attacks --json
    """
    from volant.app.repo_command import attacks_command

    raise typer.Exit(attacks_command(as_json=as_json))
