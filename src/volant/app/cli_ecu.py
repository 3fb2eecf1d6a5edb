"""The commands `volant ecu ...`: what control units there are, and asking them over DoIP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import PLAIN, JsonOption, StateOption

ecu_app = typer.Typer(**PLAIN, help="List, scan and read control units by UDS over DoIP.")

HostOption = Annotated[str, typer.Option(help="Where the DoIP entity is.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Its TCP port.")]
SourceOption = Annotated[
    str, typer.Option(help="Our own logical address, in hex; 0E00 to 0E07 are let in.")
]
UnitArgument = Annotated[str, typer.Argument(help="Unit by name or logical address in hex.")]
HOST, PORT, SOURCE = "127.0.0.1", 13400, "0E00"


@ecu_app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the control units of the car with addresses, identifiers and trouble codes.

    \b
    Examples:
      volant ecu list
      volant ecu list --json
    """
    from volant.app.ecu_command import list_command

    raise typer.Exit(list_command(as_json=as_json))


@ecu_app.command()
def scan(
    host: HostOption = HOST,
    port: PortOption = PORT,
    source: SourceOption = SOURCE,
    first: Annotated[str, typer.Option(help="First logical address to try, in hex.")] = "1000",
    last: Annotated[str, typer.Option(help="Last logical address to try, in hex.")] = "103F",
    as_json: JsonOption = False,
) -> None:
    """Find the units behind a DoIP entity, their services and how many trouble codes they have.

    \b
    Examples:
      volant ecu scan
      volant ecu scan --host 192.168.1.10 --last 1FFF --json
    """
    from volant.app.ecu_command import Door, scan_command

    door = Door(host, port, source)
    raise typer.Exit(scan_command(door, first, last, as_json=as_json))


@ecu_app.command()
def read(
    unit: UnitArgument,
    did: Annotated[
        list[str] | None,
        typer.Option("--did", help="Data identifier in hex; may be repeated. Default: all known."),
    ] = None,
    host: HostOption = HOST,
    port: PortOption = PORT,
    source: SourceOption = SOURCE,
    as_json: JsonOption = False,
) -> None:
    """Read a unit: who it is, live values, trouble codes with their freeze frames.

    \b
    Examples:
      volant ecu read drive
      volant ecu read 1004 --did F190 --did 0101 --json
    """
    from volant.app.ecu_command import Door, read_command

    raise typer.Exit(read_command(Door(host, port, source), unit, did or [], as_json=as_json))


@ecu_app.command()
def clear(
    unit: Annotated[str, typer.Argument(help="Unit by name or logical address, or `all`.")],
    host: HostOption = HOST,
    port: PortOption = PORT,
    source: SourceOption = SOURCE,
    as_json: JsonOption = False,
) -> None:
    """Clear the trouble codes of a unit, or of all.

    \b
    Examples:
      volant ecu clear brake
      volant ecu clear all --json
    """
    from volant.app.ecu_command import Door, clear_command

    raise typer.Exit(clear_command(Door(host, port, source), unit, as_json=as_json))


@ecu_app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP and UDP port; 0 takes a free one.")
    ] = PORT,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault", help="Begin with a failure, such as drive:brake_lost; nothing is kept then."
        ),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written with port and pid when units answer.")
    ] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve all units of a standing car over DoIP, with the codes of its drives; Ctrl-C ends it.

    \b
    Examples:
      volant ecu serve
      volant ecu serve --port 0 --ready-file ready.json --fault drive:brake_lost
    """
    from volant.app.ecu_serve import serve_command

    raise typer.Exit(serve_command(host, port, fault or [], ready_file, state, as_json=as_json))
