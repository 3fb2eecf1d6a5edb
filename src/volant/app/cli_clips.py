"""The commands `volant clips ...`: what the live car has written down of events and trips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from volant.app.cli_parts import PLAIN, JsonOption

BARE: Final[dict[str, Any]] = {**PLAIN, "no_args_is_help": False}
clips_app = typer.Typer(**BARE)

StateOption = Annotated[
    Path | None, typer.Option(help="Folder that `volant up` wrote to; default: the user's own.")
]
NameArgument = Annotated[str, typer.Argument(help="Clip by name, as `volant clips list` has it.")]


@clips_app.callback(invoke_without_command=True)
def clips(context: typer.Context, state: StateOption = None, as_json: JsonOption = False) -> None:
    """List, keep and delete clips of events of the live car; alone it lists them.

    \b
    Examples:
      volant clips                                       what there is in the user's own folder
      volant clips --state DIR                           what there is in another one
      volant clips keep clip-20261130-114500-aeb         it never makes room for new ones
    """
    if context.invoked_subcommand is None:
        list_(state, as_json=as_json)
    elif state is not None or as_json:
        raise typer.BadParameter(f"options come after {context.invoked_subcommand!r}")


@clips_app.command("list")
def list_(
    state: StateOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read each to its end, and compare its hash.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the clips, the oldest first, and what flash has borne.

    \b
    Examples:
      volant clips list
      volant clips list --check --json
    """
    from volant.app.clips_command import list_command

    raise typer.Exit(list_command(state, check=check, as_json=as_json))


@clips_app.command()
def show(name: NameArgument, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Say what a clip holds, whether it is sound, and how to watch it.

    \b
    Examples:
      volant clips show clip-20261130-114500-aeb
      volant clips show clip-20261130-114500-aeb --json
    """
    from volant.app.clips_command import show_command

    raise typer.Exit(show_command(state, name, as_json=as_json))


@clips_app.command()
def keep(
    name: NameArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Let it make room again.")] = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Spare a clip: it never makes room for new ones.

    \b
    Examples:
      volant clips keep clip-20261130-114500-aeb
      volant clips keep clip-20261130-114500-aeb --undo
    """
    from volant.app.clips_command import keep_command

    raise typer.Exit(keep_command(state, name, kept=not undo, as_json=as_json))


@clips_app.command()
def delete(
    names: Annotated[list[str], typer.Argument(help="Clips by name.")],
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete clips, kept ones too.

    \b
    Example:
      volant clips delete clip-20261130-114500-aeb
    """
    from volant.app.clips_command import delete_command

    raise typer.Exit(delete_command(state, names, as_json=as_json))


@clips_app.command()
def trips(state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the trips of the live car, a few figures each, the oldest first.

    \b
    Example:
      volant clips trips --json
    """
    from volant.app.clips_command import trips_command

    raise typer.Exit(trips_command(state, as_json=as_json))
