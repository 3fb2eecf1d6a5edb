"""What the commands `volant fleet ...` have in common: which fleet, and who asks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from volant.app.fleet_open import Where

FleetArgument = Annotated[
    str, typer.Argument(help="Folder of the fleet, or its server's address for people (URL).")
]
ByOption = Annotated[
    str, typer.Option(help="Who does it, for the audit log; default: the system's user.")
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(help="File with the token for a server; default: VOLANT_FLEET_TOKEN."),
]


def where_of(fleet: str, by: str, token_file: Path | None) -> Where:
    """What was typed."""
    from volant.app.fleet_open import Where

    return Where(fleet=fleet, by=by, token_file=token_file)
