"""The command `volant range`: a cycle to an empty battery, or a route."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import (
    DEFAULT_CAR,
    DEFAULT_ROAD,
    CarOption,
    FromOption,
    JsonOption,
    RoadOption,
    StateOption,
    ViaOption,
)


def range_(
    car: CarOption = DEFAULT_CAR,
    cycle: Annotated[
        str | None, typer.Option(help="Cycle: nedc (default), wltc, udds or hwfet.")
    ] = None,
    route: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE", help="Instead: the way to a place, or a route in a .csv or .gpx file."
        ),
    ] = None,
    road: RoadOption = DEFAULT_ROAD,
    start: FromOption = None,
    via: ViaOption = None,
    charge: Annotated[
        float | None, typer.Option(min=0.0, max=100.0, help="Percent at the begin; default: 80.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=-40.0, max=60.0, help="Outside, Celsius; default: 20.")
    ] = None,
    reserve: Annotated[
        float | None,
        typer.Option(min=0.0, max=90.0, help="Percent to keep everywhere; default: 10."),
    ] = None,
    learned: Annotated[
        bool, typer.Option("--learned", help="With what the live car has learned.")
    ] = False,
    state: StateOption = None,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw charge and more into this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Drive a cycle in the plant until the battery is empty, or look along a route.

    \b
    Examples:
      volant range --car g3-520 --cycle nedc
      volant range --car p7 --cycle wltc --plot range.png
      volant range --route harbour --charge 12
      volant range --route alps.gpx --temperature -5 --plot alps.png
    """
    from volant.app.range_command import range_command, route_range_command

    if route is None:
        given = {
            "--from": start, "--via": via, "--charge": charge, "--temperature": temperature,
            "--reserve": reserve, "--learned": learned or None, "--state": state,
            "--road": road if road != DEFAULT_ROAD else None,
        }  # fmt: skip
        for name, value in given.items():
            if value is not None:
                raise typer.BadParameter("goes with --route", param_hint=name)
        raise typer.Exit(range_command(car, cycle or "nedc", plot, as_json=as_json))
    from volant.app.route_command import CHARGE_PCT, RESERVE_PCT, TEMPERATURE_C, RouteWish

    if cycle is not None:
        raise typer.BadParameter(
            "is driven to empty, --route is not: found both", param_hint="--cycle"
        )
    wish = RouteWish(
        car=car,
        road=road,
        where=route,
        start=start,
        via=tuple(via or ()),
        charge_pct=CHARGE_PCT if charge is None else charge,
        temperature_c=TEMPERATURE_C if temperature is None else temperature,
        reserve_pct=RESERVE_PCT if reserve is None else reserve,
        learned=learned,
        state=state,
    )
    raise typer.Exit(route_range_command(wish, plot, as_json=as_json))
