"""What commands are made of: plain help, no tricks, and the options that several have."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

PLAIN: Final[dict[str, Any]] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "no_args_is_help": True,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
CarOption = Annotated[str, typer.Option(help="Car by name or TOML file; `volant cars` lists them.")]
RoadOption = Annotated[
    str, typer.Option(help="Road by name or OpenDRIVE file; `volant roads` lists them.")
]
SensorsOption = Annotated[str, typer.Option(help="Sensors: perfect, typical or degraded.")]
CarsOption = Annotated[
    int | None,
    typer.Option(min=0, max=500, help="Other cars near ours; default: 60 on a motorway, else 20."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", help="Place to begin at; `volant places` lists them.")
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", help="Place to arrive at: a name, road:section:lane@s, or x,y."),
]
ViaOption = Annotated[
    list[str] | None, typer.Option("--via", help="Place to pass on the way; may be repeated.")
]
NoJournalOption = Annotated[bool, typer.Option("--no-journal", help="Record nothing.")]
PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the cockpit; the next free one is taken.")
]
DistanceOption = Annotated[
    float | None,
    typer.Option(
        min=50.0,
        max=200_000.0,
        help="Metres to drive along the main road instead; less where roads end.",
    ),
]
DEFAULT_CAR = "g3-520"
DEFAULT_ROAD = "volant-world"
