"""What a director heard its car say last (`heard.json`): what each unit runs, which attack it noticed, its counter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.caros.apps.store import write_whole
from volant.core.errors import InputError
from volant.trust.uptane import Attack, EcuReport, Installed

FILE: Final = "heard.json"
MOST_BYTES: Final = 8 << 20


class HeardUnit(msgspec.Struct, frozen=True, kw_only=True):
    """The last report of one control unit."""

    counter: Annotated[int, Meta(ge=0)]
    installed: Installed | None = None
    attack: Attack | None = None
    attack_detail: str = ""
    time_s: float = 0.0
    """Secure time that it knew."""

    @classmethod
    def of(cls, report: EcuReport) -> HeardUnit:
        """What is kept of a report."""
        return cls(
            counter=report.counter,
            installed=report.installed,
            attack=report.attack,
            attack_detail=report.attack_detail,
            time_s=report.time_s,
        )


class HeardCar(msgspec.Struct, frozen=True, kw_only=True):
    """The last manifest of one car."""

    at_s: float = 0.0
    """When it came; 0: none did."""
    units: dict[str, HeardUnit] = {}

    @property
    def counters(self) -> dict[str, int]:
        """Last counter of each unit."""
        return {ecu_id: one.counter for ecu_id, one in self.units.items()}

    @property
    def installed(self) -> tuple[Installed, ...]:
        """What runs."""
        return tuple(one.installed for one in self.units.values() if one.installed)


def read_heard(home: Path) -> HeardCar:
    """What was heard.

    Raises:
        InputError: the file is something else.
    """
    path = home / FILE
    if not path.is_file():
        return HeardCar()
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"more than {MOST_BYTES} bytes", file=str(path))
    try:
        return msgspec.json.decode(path.read_bytes(), type=HeardCar)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"no reports: {error}", file=str(path)) from error


def write_heard(home: Path, heard: HeardCar) -> None:
    """Keep it."""
    write_whole(home / FILE, msgspec.json.encode(heard))
