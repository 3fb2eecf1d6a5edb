"""Commands of the live car: `volant up`, `volant live` and `volant power`. Nothing heavy is imported until one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import (
    DEFAULT_CAR,
    DEFAULT_ROAD,
    BusOption,
    CarOption,
    CarsOption,
    DistanceOption,
    FromOption,
    JsonOption,
    NoJournalOption,
    PortOption,
    RoadOption,
    SensorsOption,
    StateOption,
    ToOption,
    ViaOption,
    trial_of,
)


def up(
    car: CarOption = DEFAULT_CAR,
    road: RoadOption = DEFAULT_ROAD,
    seed: Annotated[
        int, typer.Option(min=0, max=2**53 - 1, help="Seed of the world's traffic.")
    ] = 1,
    sensors: SensorsOption = "typical",
    cars: CarsOption = None,
    start: FromOption = None,
    to: ToOption = None,
    via: ViaOption = None,
    distance: DistanceOption = None,
    bus: BusOption = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="Folder for clips of events, or a file for the whole drive; default: the state's."
        ),
    ] = None,
    no_journal: NoJournalOption = False,
    port: PortOption = 8740,
    doip_port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Port of diagnostics (DoIP); the next free one is taken. 0: any."
        ),
    ] = 13400,
    kuksa_port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            help="Port of the signals (KUKSA); the next free one is taken. 0: any.",
        ),
    ] = 55555,
    kuksa_token_key: Annotated[
        Path | None,
        typer.Option(
            help="RSA public key, PEM: clients of KUKSA and VISS need tokens. Default: open."
        ),
    ] = None,
    kuksa_tls: Annotated[
        Path | None, typer.Option(help="Folder with cert.pem and key.pem; default: no TLS.")
    ] = None,
    no_target_bridge: Annotated[
        bool,
        typer.Option("--no-target-bridge", help="Targets of kuksa.val.v1 do not move the car."),
    ] = False,
    viss_port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            help="Port of the signals (VISS, WebSocket and HTTP); the next free one is taken. 0: any.",
        ),
    ] = 8090,
    viss_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Origin of pages that may use VISS, as http://127.0.0.1:8000; may repeat."
        ),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written, as JSON, once everything answers.")
    ] = None,
    status_file: Annotated[
        Path | None, typer.Option(help="Written twice a second: how each process is, as JSON.")
    ] = None,
    for_s: Annotated[
        float | None, typer.Option("--for", min=0.0, help="Seconds to stay up; default: for ever.")
    ] = None,
    processes: Annotated[
        Path | None, typer.Option(help="Process table, a TOML file; default: the car's own.")
    ] = None,
    parked: Annotated[
        bool, typer.Option("--parked", help="Stay parked until `volant power drive`.")
    ] = False,
    sleep_after: Annotated[
        float,
        typer.Option(min=0.0, max=604_800.0, help="Seconds parked with nothing to do, then sleep."),
    ] = 600.0,
    supply: Annotated[
        float,
        typer.Option(min=0.0, max=100.0, help="Charge of the 12 V battery at the start, percent."),
    ] = 80.0,
    trial: Annotated[
        str,
        typer.Option(
            metavar="SETTLE,DRIVE",
            help="Seconds that an update's programs must run, and be driven, before they stay.",
        ),
    ] = "20,300",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Boot the live car: real time, in processes of which any may die.

    \b
    Examples:
      volant up
      volant up --from hospital --to harbour --ready-file ready.json
      volant up --for 60 --journal whole.mcap --json
      volant up --bus                  the car and its guard joined by CAN buses
      volant up --parked --sleep-after 60       asleep after a minute; `volant power drive` wakes it
    """
    from volant.app.live_kuksa import KuksaWish
    from volant.app.live_viss import VissWish
    from volant.app.trip import TripWish
    from volant.app.up import UpWish, up_command

    trip = TripWish(
        car=car,
        road=road,
        seed=seed,
        sensors=sensors,
        cars=cars,
        distance_m=distance,
        start=start,
        to=to,
        via=tuple(via or ()),
        bus=bus,
    )
    wish = UpWish(
        trip=trip,
        journal=journal,
        record=not no_journal,
        port=port,
        doip_port=doip_port,
        kuksa=KuksaWish(kuksa_port, kuksa_token_key, kuksa_tls, not no_target_bridge),
        viss=VissWish(viss_port, tuple(viss_origin or ())),
        ready_file=ready_file,
        status_file=status_file,
        for_s=for_s,
        processes=processes,
        parked=parked,
        sleep_after_s=sleep_after,
        supply_pct=supply,
        state=state,
        update_trial=trial_of(trial),
        as_json=as_json,
    )
    raise typer.Exit(up_command(wish))


def power(
    word: Annotated[
        str, typer.Argument(metavar="[show|wake|sleep|drive|off]", help="What the car shall do.")
    ] = "show",
    car: Annotated[
        Path | None,
        typer.Option(
            help="Its number (`volant live`), ready or status file, or socket; "
            "default: the one that runs."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """See the power state of the live car, or ask it to wake, sleep, drive or switch off.

    It says no, and why, to what would leave a moving car alone; exit status 2.

    \b
    Examples:
      volant power
      volant power sleep
      volant power drive --car ready.json
      volant power show --json
    """
    from volant.app.power_command import power_command

    raise typer.Exit(power_command(word, car, as_json=as_json))


def live(as_json: JsonOption = False) -> None:
    """List the live cars of this user on this machine, with the numbers that `--car` takes.

    \b
    Examples:
      volant live
      volant live --json
    """
    from volant.app.live_cards import live_command

    raise typer.Exit(live_command(as_json=as_json))
