"""The commands `volant delta ...`: make, apply and look into deltas between images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import PLAIN, JsonOption

delta_app = typer.Typer(**PLAIN, help="Make, apply and look into deltas between images.")

OldArgument = Annotated[Path, typer.Argument(help="The image that is installed.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="File to write.")]


@delta_app.command()
def make(
    old: OldArgument,
    new: Annotated[Path, typer.Argument(help="The image that it shall become.")],
    out: OutOption,
    segment_kib: Annotated[
        int,
        typer.Option(
            "--segment", min=4, max=4096, help="KiB that are held, and sent again after a cut."
        ),
    ] = 2048,
    as_json: JsonOption = False,
) -> None:
    """Make the delta that turns one image into another.

    \b
    Examples:
      volant delta make v1.img v2.img -o v1-v2.delta
      volant delta make v1.bin v2.bin -o ecu.delta --segment 64     a small unit holds 64 KiB
    """
    from volant.app.delta_command import make_command

    raise typer.Exit(make_command(old, new, out, segment_kib << 10, as_json=as_json))


@delta_app.command()
def apply(
    old: OldArgument,
    delta: Annotated[Path, typer.Argument(help="The delta.")],
    out: OutOption,
    as_json: JsonOption = False,
) -> None:
    """Make the new image; after an interruption it goes on where it was.

    \b
    Examples:
      volant delta apply v1.img v1-v2.delta -o v2.img
    """
    from volant.app.delta_command import apply_command

    raise typer.Exit(apply_command(old, delta, out, as_json=as_json))


@delta_app.command()
def info(
    delta: Annotated[Path, typer.Argument(help="The delta.")], as_json: JsonOption = False
) -> None:
    """Say what a delta is made of, segment by segment.

    \b
    Examples:
      volant delta info v1-v2.delta
      volant delta info v1-v2.delta --json
    """
    from volant.app.delta_command import info_command

    raise typer.Exit(info_command(delta, as_json=as_json))
