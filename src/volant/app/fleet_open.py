"""Which fleet a command is about: a folder, in which whoever may write may act, or a server that knows us by a token."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_keys import FleetKeys
from volant.app.fleet_remote import SOMEBODY, RemoteDesk
from volant.app.fleet_seal import AuditKey
from volant.cloud.desk import Desk
from volant.cloud.people import Person
from volant.core.errors import InputError, TrustError

TOKEN_VARIABLE: Final = "VOLANT_FLEET_TOKEN"  # noqa: S105 - the name of a variable
AnyDesk: TypeAlias = Desk | RemoteDesk


@dataclass(frozen=True, slots=True)
class Where:
    """What a person typed to say which fleet, and who they are."""

    fleet: str
    """A folder, or an URL of the people's door."""
    by: str = ""
    """Who acts on a folder; empty: the system's user."""
    token_file: Path | None = None


@contextlib.contextmanager
def open_desk(where: Where, *, make: bool = False) -> Iterator[tuple[AnyDesk, Person]]:
    """The desk of a fleet, and who stands before it.

    Args:
        where: what was typed.
        make: make the folder if it is not there.

    Raises:
        InputError: there is no fleet in the folder, or the URL is none.
        TrustError: a server wants a token, and there is none.
    """
    if re.match(r"https?://", where.fleet):
        if where.by:
            raise InputError("--by is for a folder; at a server you are whose token it is")
        yield RemoteDesk(where.fleet, _token(where.token_file)), SOMEBODY
        return
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", where.fleet):
        raise InputError(
            f"{where.fleet!r} is neither a folder nor an address such as https://fleet.example:8771"
        )
    folder = Path(where.fleet)
    if not make and not any((folder / name).exists() for name in ("fleet.db", "fleet.toml")):
        raise InputError(
            "no fleet in this folder; `volant fleet admit` or `publish` makes one", file=str(folder)
        )
    person = Desk.local(where.by or user())
    with FleetFolder(folder) as home:
        keys = FleetKeys(home.path)
        seal = AuditKey(home.path)
        yield Desk(home.fleet, home.artifacts, time.time, home.path, keys, seal), person


def _token(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise InputError(f"no token in it: {why}", file=str(file)) from error
    found = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not found:
        raise TrustError(f"the server wants a token: in {TOKEN_VARIABLE}, or --token-file FILE")
    return found


def user_named(by: str) -> str:
    """Who acts: as they say, or else the system's user.

    Raises:
        InputError: it is no name for a person.
    """
    return Desk.local(by or user()).name


def user() -> str:
    """Who the system says that we are.

    Raises:
        InputError: it does not say.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise InputError("the system does not say who you are: --by NAME") from error
