"""`volant fleet uptane`: the keys and repositories by which cars that speak Uptane believe a fleet.

The keys lie in `FLEET/uptane/keys`, readable by their owner alone. Those of the roots, and of the images, may be carried
elsewhere: a server needs only what it signs with every day.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from volant.app import repo_keys
from volant.app.exits import Exit
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_keys import FOLDER, TIME, FleetKeys
from volant.app.repo_command import ROLES, key_counts
from volant.app.say import answer, answer_json, table
from volant.cloud.desk import Desk
from volant.cloud.store.ports import Work
from volant.cloud.uptane.authority import ONLINE, PLACES, Authority, pin
from volant.core.errors import InputError, RefusedError
from volant.trust.uptane.match import DIRECTOR, IMAGE

EVERY_DAY: Final = {f"{name}-{role}" for name, roles in ONLINE.items() for role in roles}


class UptaneAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant fleet uptane --json` prints."""

    keys: Mapping[str, int]
    """How many are here that the newest root names, by role."""
    roots: Mapping[str, int]
    """Version of the newest root, by repository."""
    lacks: Sequence[str]
    """What a server needs and has not here, in words."""
    pin: str
    """What cars are told of this fleet with their code."""


def uptane_command(folder: Path, keys: Sequence[str], by: str, *, as_json: bool) -> Exit:
    """Make the keys and both repositories where there are none, and say what is here."""
    Desk.local(by)
    with FleetFolder(folder) as home:
        with home.store.read() as work:
            there = work.director_files(PLACES[IMAGE]) is not None
        if there and keys:
            raise RefusedError("this fleet has its repositories; their keys are what they are")
        if not there:
            make_repositories(home, keys, by)
        found = FleetKeys(folder)()
        if found is None or found.time is None:
            raise InputError(f"the key of the time is not in {folder / FOLDER}")
        with home.store.read() as work:
            told = UptaneAnswer(
                keys=_counts(work, found),
                roots={name: found.keeper(work, name).root.version for name in PLACES},
                lacks=found.lacking(work),
                pin=pin(work, found.time),
            )
    if as_json:
        answer_json(told)
        return Exit.DONE
    rows = [
        (name, str(count), "every day" if name in (*EVERY_DAY, TIME) else "may be kept elsewhere")
        for name, count in told.keys.items()
    ]
    table(f"Keys in {folder / FOLDER}", ("key", "here", "needed"), rows)
    answer(f"cars know this fleet by {told.pin}")
    for one in told.lacks:
        answer(f"a server cannot sign with what is here: {one}")
    return Exit.DONE


def make_repositories(home: FleetFolder, keys: Sequence[str], by: str) -> None:
    """Make keys and both repositories.

    First the keys, then what they sign: after a death in between the keys that are there are taken.

    Raises:
        RefusedError: there are repositories.
    """
    wanted = key_counts(keys)
    path = home.path / FOLDER
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    for name in (*ROLES, TIME):
        count = wanted[name][0] if name in wanted else 1
        if not repo_keys.files_of(path, name):
            for end, data in repo_keys.fresh(count).files.items():
                repo_keys.write_private(path / f"{name}{end}", data)
    authority = FleetKeys(home.path)()
    assert authority is not None, "its keys were made a moment ago"
    now_s = time.time()
    thresholds = {name: needed for name, (_, needed) in wanted.items()}
    with home.store.work() as work:
        authority.create(work, thresholds, now_s)
        work.log(at_s=now_s, by=by, act="uptane")


def _counts(work: Work, authority: Authority) -> dict[str, int]:
    found = dict.fromkeys((*ROLES, TIME), 0)
    for name in (DIRECTOR, IMAGE):
        for role, some in authority.keeper(work, name).signers.items():
            found[f"{name}-{role}"] = len(some)
    found[TIME] = 1 if authority.time is not None else 0
    return found
