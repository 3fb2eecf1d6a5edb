"""The command `volant fleet simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import JsonOption

FAULTS = "offline=0.05,slow=0.05,full=0.01,failing=0.02,lying=0.02,replaying=0.02,silent=0.01,unwell=0.01"


def simulate(
    fleet: Annotated[
        str,
        typer.Argument(
            help="Folder of a fleet, or URL of its people's door; default: one that is thrown away."
        ),
    ] = "",
    cars: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many cars.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="What cars are and do is chance by this.")] = 1,
    uptane: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of cars that speak Uptane; default: 0.05, at most 1000 cars; none at a URL.",
        ),
    ] = None,
    woken: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of cars that keep a line open and come when called; default: 0.1, at most 1000.",
        ),
    ] = None,
    poll_s: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            max=86400.0,
            help="How often cars ask, seconds; default: 10, and 1000 polls/s of all cars at most.",
        ),
    ] = None,
    faults: Annotated[
        str, typer.Option(help="Share of cars by fault, FAULT=SHARE with commas; empty: none.")
    ] = FAULTS,
    plan: Annotated[
        Path | None, typer.Option(help="Plan (JSON) of the campaign; default: one in three waves.")
    ] = None,
    campaign: Annotated[
        str,
        typer.Option(
            help="Watch this campaign, which is there and runs; at a URL it must be given."
        ),
    ] = "",
    door: Annotated[
        str, typer.Option(help="URL of the cars' door; default: port 8770 where the people's is.")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="Your token at a URL; default: VOLANT_FLEET_TOKEN.")
    ] = None,
    links: Annotated[
        int, typer.Option(min=1, max=4096, help="Connections at a time, over all cars.")
    ] = 128,
    storm: Annotated[bool, typer.Option("--storm", help="All cars ask at once at first.")] = False,
    for_s: Annotated[
        float | None,
        typer.Option(
            min=1.0, max=86400.0, help="End by then, seconds; default: 600, or 15 polls of a car."
        ),
    ] = None,
    stop_s: Annotated[
        float | None, typer.Option(min=0.0, help="Stop the campaign after so many seconds.")
    ] = None,
    kill_s: Annotated[
        float | None,
        typer.Option(min=0.0, help="Kill the server after so many, and start it again."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Drive a real server with simulated cars, some of them faulty; exit status 5 where server and cars do not agree.

    \b
    Examples:
      volant fleet simulate --cars 1000
      volant fleet simulate --cars 100000
      volant fleet simulate --cars 5000 --faults failing=0.9 --seed 7
      volant fleet simulate --cars 300 --uptane 1 --faults unwell=0.5,replaying=0.1
      volant fleet simulate --cars 1000 --uptane 0.2 --woken 0.5
      volant fleet simulate --cars 2000 --kill-s 20 --stop-s 40 --json
      volant fleet simulate http://127.0.0.1:8771 --cars 500 --campaign spring
    """
    from volant.app.fleet_simulate import Wish, simulate_command

    wish = Wish(
        cars=cars, seed=seed, poll=poll_s, faults=faults, uptane=uptane, woken=woken, fleet=fleet,
        campaign=campaign, door=door, token_file=token_file, plan=plan, links=links, storm=storm,
        lasts=for_s, stop_s=stop_s, kill_s=kill_s,
    )  # fmt: skip
    raise typer.Exit(simulate_command(wish, as_json=as_json))
