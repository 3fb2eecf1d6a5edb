"""The commands `volant fleet people`, `token` and `audit`: who may act, and what was done."""

from __future__ import annotations

from typing import Annotated

import typer

from volant.app.cli_fleet_parts import ByOption, FleetArgument, TokenFileOption, where_of
from volant.app.cli_parts import JsonOption


def people(
    fleet: FleetArgument, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """Show everybody with a token.

    \b
    Example:
      volant fleet people fleet
    """
    from volant.app.fleet_command import people_command

    raise typer.Exit(people_command(where_of(fleet, "", token_file), as_json=as_json))


def token(
    fleet: FleetArgument,
    name: Annotated[str, typer.Argument(help="Whose.")],
    role: Annotated[str, typer.Option(help="viewer, operator, approver or admin.")] = "viewer",
    days: Annotated[
        float | None, typer.Option(min=0.001, max=36_500.0, help="Over after so many days.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take it back.")] = False,
    by: ByOption = "",
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give somebody a token and print it, once; or take it back.

    \b
    Examples:
      volant fleet token fleet ann --role operator --days 90
      volant fleet token fleet ann --revoke
    """
    from volant.app.fleet_command import token_command

    where = where_of(fleet, by, token_file)
    raise typer.Exit(token_command(where, name, role, days, revoke=revoke, as_json=as_json))


def audit(
    fleet: FleetArgument,
    lines: Annotated[
        int, typer.Option(min=0, max=1000, help="Show so many of its last lines instead.")
    ] = 0,
    holds: Annotated[
        str,
        typer.Option(
            help="Check also that it holds what was kept elsewhere: a report (JSON), or LINES:HASH."
        ),
    ] = "",
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that no line of the audit log was changed, is missing or was cut off.

    Without --holds a cut end shows only where campaigns, releases or people have no line.

    \b
    Examples:
      volant fleet audit fleet
      volant fleet audit fleet --holds spring.json
      volant fleet audit fleet --lines 20
    """
    from volant.app.fleet_command import audit_command

    where = where_of(fleet, "", token_file)
    raise typer.Exit(audit_command(where, lines, holds, as_json=as_json))
