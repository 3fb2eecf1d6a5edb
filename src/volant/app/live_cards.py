"""The live cars of this user on this machine, told apart by their numbers: the process of `volant up`."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from volant.app.exits import Exit
from volant.app.folders import runtime_folder
from volant.app.say import answer, answer_json, table

_PREFIX: Final = "car-"


class LiveCard(msgspec.Struct, frozen=True, kw_only=True):
    """What one live car says of itself."""

    number: int
    """Its process; `--car` takes it."""
    car: str
    road: str
    seed: int
    began: str
    """When it was started, ISO 8601, UTC."""
    cockpit_port: int
    kuksa_port: int
    viss_port: int
    doip_port: int
    signals: str
    """Socket of `volant signals`."""
    power: str
    """Socket of `volant power`; empty: there could be none."""
    state: str
    """Folder of what outlives it; its apps lie there."""


@contextlib.contextmanager
def card_here(card: LiveCard) -> Iterator[None]:
    """A card for this process's car, readable by its user alone; it goes with it."""
    path = runtime_folder() / f"{_PREFIX}{card.number}.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(card))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def live_cards() -> tuple[LiveCard, ...]:
    """Of all cars that are up, the last started first; what killed ones left behind is taken away."""
    found = []
    for path in runtime_folder().glob(f"{_PREFIX}*.json"):
        try:
            card = msgspec.json.decode(path.read_bytes(), type=LiveCard)
        except (OSError, msgspec.MsgspecError):
            continue
        if _answers(Path(card.signals)):
            found.append(card)
        else:
            path.unlink(missing_ok=True)
    return tuple(sorted(found, key=lambda one: (one.began, one.number), reverse=True))


def now_words() -> str:
    """The present moment as cards have it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(1.0)
        return link.connect_ex(str(path)) == 0


def live_command(*, as_json: bool) -> Exit:
    """Run `volant live`."""
    cards = live_cards()
    if as_json:
        answer_json(cards)
        return Exit.DONE
    if not cards:
        answer("no live car is up on this machine; `volant up` starts one")
        return Exit.DONE
    rows = [
        (
            *(str(one.number), one.car, one.road, str(one.seed), one.began),
            *(str(port) for port in (one.cockpit_port, one.kuksa_port, one.viss_port)),
            *(str(one.doip_port), one.state),
        )
        for one in cards
    ]
    heads = ("number", "car", "road", "seed", "since", "cockpit", "KUKSA", "VISS", "DoIP", "state")
    table("Live cars", heads, rows)
    return Exit.DONE
