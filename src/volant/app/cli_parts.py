"""What commands are made of: plain help, no tricks, and the options that several have."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
import typer.core

if TYPE_CHECKING:
    from volant.ota.health import HealthTuning

PLAIN: Final[dict[str, Any]] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "no_args_is_help": True,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
StateOption = Annotated[
    Path | None,
    typer.Option(help="Folder of what the car remembers; default: volant in the user's state."),
]
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
BusOption = Annotated[
    str | None,
    typer.Option(
        metavar="[KIND]",
        help="Join the car's units by CAN: inline (default), virtual, socketcan:can0, ...",
    ),
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


class BusCommand(typer.core.TyperCommand):
    """`--bus` may stand alone: typer knows no option with an optional value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare `--bus` its usual kind."""
        given: list[str] = []
        for place, word in enumerate(args):
            given.append(word)
            alone = place + 1 == len(args) or args[place + 1].startswith("-")
            if word == "--bus" and alone:
                given.append("inline")
        return super().parse_args(ctx, given)


def trial_of(words: str) -> HealthTuning:
    """What `--trial SETTLE,DRIVE` says.

    Raises:
        SettingsError: it is no pair of seconds.
    """
    from volant.core.errors import SettingsError
    from volant.ota.health import HealthTuning

    settle, _, drive = words.partition(",")
    try:
        settle_s, drive_s = float(settle), float(drive)
    except ValueError:
        settle_s = drive_s = math.nan
    if not (0.0 <= settle_s <= 3600.0 and 0.0 <= drive_s <= 86_400.0):
        raise SettingsError(f"--trial {words}: expected two numbers of seconds, such as 20,300")
    return HealthTuning(settle_s=settle_s, drive_s=drive_s)
