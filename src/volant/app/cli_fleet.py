"""The commands `volant fleet ...`: the server side of updates for many cars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_fleet_simulate import simulate
from volant.app.cli_parts import PLAIN, JsonOption

fleet_app = typer.Typer(
    **PLAIN, help="Serve updates to many cars, in campaigns that stop themselves."
)

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the fleet; made if need be.")]
ByOption = Annotated[str, typer.Option(help="Who does it, for the audit log.")]


@fleet_app.command()
def serve(
    folder: FolderArgument,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8770,
    poll_s: Annotated[
        float, typer.Option(min=1.0, max=86400.0, help="How often cars ask, seconds.")
    ] = 300.0,
) -> None:
    """Serve campaigns over hawkBit's device API.

    \b
    Example:
      volant fleet serve fleet --port 8770
    """
    from volant.app.fleet_serve import serve_command

    raise typer.Exit(serve_command(folder, host, port, poll_s))


@fleet_app.command()
def admit(
    folder: FolderArgument,
    car: Annotated[str, typer.Argument(help="The car's id, such as its VIN.")],
    by: ByOption,
    as_json: JsonOption = False,
) -> None:
    """Let a car in and print its token, once.

    \b
    Example:
      volant fleet admit fleet VOLANT00000000001 --by ann
    """
    from volant.app.fleet_command import admit_command

    raise typer.Exit(admit_command(folder, car, by, as_json=as_json))


@fleet_app.command()
def publish(
    folder: FolderArgument,
    release: Annotated[str, typer.Argument(help="Name of the release.")],
    files: Annotated[list[Path], typer.Argument(help="Its files.")],
    by: ByOption,
    version: Annotated[str, typer.Option(help="Version that cars are told.")] = "1",
    as_json: JsonOption = False,
) -> None:
    """Take files in as a release.

    \b
    Example:
      volant fleet publish fleet os-2.0 os.swu --version 2.0 --by ann
    """
    from volant.app.fleet_command import publish_command

    raise typer.Exit(publish_command(folder, release, files, version, by, as_json=as_json))


@fleet_app.command()
def campaign(
    folder: FolderArgument,
    verb: Annotated[
        str,
        typer.Argument(help="draft, change, submit, approve, start, pause, resume, stop or show."),
    ],
    name: Annotated[str, typer.Argument(help="The campaign.")],
    by: ByOption = "",
    plan: Annotated[Path | None, typer.Option(help="Plan (JSON) for draft and change.")] = None,
    digest: Annotated[str, typer.Option(help="For approve: digest of the plan, as shown.")] = "",
    reason: Annotated[str, typer.Option(help="For pause and stop.")] = "",
    revision: Annotated[
        int | None, typer.Option(min=0, help="Refuse if somebody has acted since this one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Act on a campaign; a second person approves it before it starts.

    \b
    Examples:
      volant fleet campaign fleet draft spring --plan spring.json --by ann
      volant fleet campaign fleet stop spring --by bob --reason "bad brakes"
    """
    from volant.app.fleet_command import campaign_command

    found = campaign_command(
        folder, verb, name, by=by, plan=plan, digest=digest, reason=reason, revision=revision,
        as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(found)


@fleet_app.command()
def audit(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Check that no line of the audit log was changed or is missing.

    \b
    Example:
      volant fleet audit fleet
    """
    from volant.app.fleet_command import audit_command

    raise typer.Exit(audit_command(folder, as_json=as_json))


fleet_app.command()(simulate)
