"""The command `volant fleet uptane`: keys of a fleet, and others in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_fleet_parts import ByOption
from volant.app.cli_parts import JsonOption


def uptane(
    folder: Annotated[Path, typer.Argument(help="Folder of the fleet; made if need be.")],
    by: ByOption = "",
    keys: Annotated[
        list[str] | None,
        typer.Option(help="ROLE=COUNT:NEEDED, such as director-root=3:2; again for more roles."),
    ] = None,
    rotate: Annotated[
        str, typer.Option(help="Give this role other keys, such as director-timestamp.")
    ] = "",
    public: Annotated[
        list[Path] | None,
        typer.Option(help="New root key (public, PEM) of somebody who signs elsewhere; repeated."),
    ] = None,
    publish: Annotated[
        str, typer.Option(help="director or image: go on with a rotation that others have signed.")
    ] = "",
    drop: Annotated[str, typer.Option(help="director or image: give a rotation up.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make the keys and repositories for cars that speak Uptane; where they are, say which keys are here.

    With --rotate a role gets other keys: cars follow, and old keys are believed no more. Where root keys lie elsewhere,
    it says which file they have to sign.

    \b
    Examples:
      volant fleet uptane fleet
      volant fleet uptane fleet --keys director-root=3:2 --keys image-root=3:2
      volant fleet uptane fleet --rotate director-timestamp
      volant fleet uptane fleet --rotate image-root --public ann.pub.pem --public bob.pub.pem \\
          --keys image-root=2:2
      volant fleet uptane fleet --publish image
    """
    from volant.app import fleet_rotate
    from volant.app.fleet_open import user_named
    from volant.app.fleet_uptane import uptane_command
    from volant.core.errors import InputError

    if sum(map(bool, (rotate, publish, drop))) > 1 or (public and not rotate):
        raise InputError("one of --rotate, --publish and --drop at a time; --public with --rotate")
    who = user_named(by)
    if rotate:
        wish = fleet_rotate.RotateWish(rotate, tuple(keys or ()), tuple(public or ()))
        raise typer.Exit(fleet_rotate.rotate_command(folder, wish, who, as_json=as_json))
    if publish:
        raise typer.Exit(fleet_rotate.publish_command(folder, publish, who, as_json=as_json))
    if drop:
        raise typer.Exit(fleet_rotate.drop_command(folder, drop, as_json=as_json))
    raise typer.Exit(uptane_command(folder, tuple(keys or ()), who, as_json=as_json))
