"""The commands `volant ecu ...`: what control units there are, and asking them over DoIP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import DEFAULT_CAR, PLAIN, CarOption, JsonOption, StateOption

ecu_app = typer.Typer(**PLAIN, help="List, scan, read and program control units by UDS over DoIP.")

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
def flash(
    unit: UnitArgument,
    file: Annotated[Path, typer.Argument(help="Image, as `volant ecu image make` writes it.")],
    host: HostOption = HOST,
    port: PortOption = PORT,
    source: SourceOption = SOURCE,
    trial: Annotated[
        bool,
        typer.Option("--trial", help="Leave it unconfirmed: after two boots the old one is back."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Program a unit, and go on where a transfer was cut.

    \b
    Examples:
      volant ecu flash brake soft.img
      volant ecu flash brake soft.img --trial --json
    """
    from volant.app.ecu_command import Door
    from volant.app.ecu_flash import flash_command

    raise typer.Exit(
        flash_command(Door(host, port, source), unit, file, confirm=not trial, as_json=as_json)
    )


@ecu_app.command()
def resize(
    unit: Annotated[str, typer.Argument(help="Unit by name.")],
    slot_kib: Annotated[
        int, typer.Option("--slot", min=32, max=8192, help="KiB of each of its two slots.")
    ],
    car: CarOption = DEFAULT_CAR,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a unit's flash larger or smaller slots, at a desk; all that it holds stays.

    \b
    Examples:
      volant ecu resize gateway --slot 8192
      volant ecu resize gateway --slot 32 --json
    """
    from volant.app.ecu_flash import resize_command

    raise typer.Exit(resize_command(unit, slot_kib << 10, car, state, as_json=as_json))


image_app = typer.Typer(**PLAIN, help="Look at images of units' programs, and make them.")
ecu_app.add_typer(image_app, name="image")


@image_app.command()
def info(
    file: Annotated[Path, typer.Argument(help="An image.")], as_json: JsonOption = False
) -> None:
    """Tell what an image holds; refuse one that is broken.

    \b
    Examples:
      volant ecu image info soft.img
      volant ecu image info soft.img --json
    """
    from volant.app.ecu_flash import info_command

    raise typer.Exit(info_command(file, as_json=as_json))


@image_app.command()
def make(
    unit: Annotated[str, typer.Argument(help="Unit by name.")],
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="A calibration, such as brake_rate_nps=9000; may be repeated."),
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option("--switch", help="A behaviour, such as regenerates=no; may be repeated."),
    ] = None,
    needs: Annotated[
        list[str] | None,
        typer.Option("--needs", help="Least release of another unit, such as drive=3."),
    ] = None,
    code: Annotated[
        Path | None, typer.Option(help="Bytes that stand beside the tables, up to 8 MiB.")
    ] = None,
    release: Annotated[int, typer.Option(min=1, help="Counts up; a lower one is not taken.")] = 1,
    version: Annotated[str, typer.Option(help="For people; default: the release.")] = "",
    car: CarOption = DEFAULT_CAR,
    as_json: JsonOption = False,
) -> None:
    """Make an image: what a unit of a car leaves the factory with, and what you change of it.

    \b
    Examples:
      volant ecu image make brake soft.img --set brake_rate_nps=9000 --release 2
      volant ecu image make pilot calm.img --set plan.accel_mps2=0.8 --release 2
      volant ecu image make gateway large.img --code firmware.bin --release 2
    """
    from volant.app.ecu_flash import Changes, make_command

    changes = Changes(tuple(change or ()), tuple(switch or ()), tuple(needs or ()), code)
    raise typer.Exit(make_command(unit, file, changes, release, version, car, as_json=as_json))


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
    car: CarOption = DEFAULT_CAR,
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

    raise typer.Exit(
        serve_command(host, port, fault or [], ready_file, state, car, as_json=as_json)
    )
