"""What every group of commands is made of: plain help, no tricks, and the option `--json`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

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
