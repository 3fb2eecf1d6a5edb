"""`volant fleet uptane --rotate`: other keys for a role, a ceremony that may take days and survives a death at any point.

The draft of a root lies in `FLEET/uptane/draft/REPOSITORY` until its keepers have signed it, each where their key is. New
keys have `.new` after their names until the root that names them is in force; old ones are put aside as `.old`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from tuf.api.metadata import Root

from volant.app import repo_keys
from volant.app.exits import Exit
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_keys import FOLDER, NEW, FleetKeys
from volant.app.repo_command import ROLES, key_counts
from volant.app.say import answer, answer_json
from volant.cloud.store.ports import Work
from volant.cloud.uptane import rotating
from volant.cloud.uptane.authority import Authority, files_of
from volant.core.errors import InputError, RefusedError
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT, parse
from volant.trust.uptane.trusted import file_of

DRAFTS: Final = "uptane/draft"
PLAN: Final = "plan.json"


@dataclass(frozen=True, slots=True)
class RotateWish:
    """What `--rotate` is asked for."""

    name: str
    """Such as director-timestamp."""
    keys: Sequence[str] = ()
    """ROLE=COUNT:NEEDED; none: as many as before."""
    public: Sequence[Path] = ()
    """Keys of others, who sign elsewhere; only of a root."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft of a root is for."""

    role: str
    version: Annotated[int, Meta(ge=2)]
    keys: tuple[str, ...]
    """Ends of the names of its new keys that are here."""


class RotateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `--rotate`, `--publish` and `--drop` print with `--json`."""

    key: str
    """Such as director-timestamp."""
    root: int
    """Version of the root that names its new keys."""
    in_force: bool
    draft: str = ""
    """The file that is to be signed; empty: none is."""
    lacks: Mapping[str, int] = {}
    """Signatures that it has yet to get, of `old` and of `new` root keys."""


def rotate_command(folder: Path, wish: RotateWish, by: str, *, as_json: bool) -> Exit:
    """Give a role other keys, or go on with what was begun."""
    repository, role = _checked(wish)
    with _held(folder) as place, FleetFolder(folder) as home:
        begun = place.read(repository)
        if begun is None:
            _begin(home, place, repository, role, wish)
        elif begun.role != role or wish.keys or wish.public:
            raise RefusedError(
                f"the keys of {repository}-{begun.role} are being rotated: --publish {repository}"
                f" goes on, --drop {repository} gives it up"
            )
        return _go_on(home, place, repository, by, as_json=as_json)


def publish_command(folder: Path, repository: str, by: str, *, as_json: bool) -> Exit:
    """Let a draft come into force that has all its signatures, or say which it lacks."""
    _check_repository(repository)
    with _held(folder) as place, FleetFolder(folder) as home:
        return _go_on(home, place, repository, by, as_json=as_json)


def drop_command(folder: Path, repository: str, *, as_json: bool) -> Exit:
    """Give up a rotation that is not in force yet."""
    _check_repository(repository)
    with _held(folder) as place, FleetFolder(folder) as home:
        plan = place.known(repository)
        with home.store.read() as work:
            if _is_in_force(work, repository, place.root(repository, plan)):
                raise RefusedError(f"root {plan.version} is in force: --publish {repository}")
        for end in plan.keys:
            place.key(f"{repository}-{plan.role}{end}{NEW}").unlink(missing_ok=True)
        place.forget(repository)
    said = RotateAnswer(key=f"{repository}-{plan.role}", root=plan.version, in_force=False)
    _tell(said, as_json, f"{said.key}: given up, its keys are what they were")
    return Exit.DONE


@dataclass(frozen=True, slots=True)
class _Place:
    """Where keys and drafts lie."""

    fleet: Path

    def key(self, name: str) -> Path:
        return self.fleet / FOLDER / name

    def draft(self, repository: str, name: str) -> Path:
        return self.fleet / DRAFTS / repository / name

    def read(self, repository: str) -> Draft | None:
        """What is under way."""
        path = self.draft(repository, PLAN)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Draft)
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"no draft: {error}", file=str(path)) from error

    def known(self, repository: str) -> Draft:
        found = self.read(repository)
        if found is None:
            raise InputError(f"no keys of the {repository} are being rotated: --rotate")
        return found

    def root(self, repository: str, plan: Draft) -> bytes:
        path = self.file(repository, plan)
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error}", file=str(path)) from error

    def file(self, repository: str, plan: Draft) -> Path:
        return self.draft(repository, f"{plan.version}.{file_of(ROOT)}")

    def forget(self, repository: str) -> None:
        """The plan goes first: without it there is no draft."""
        plan = self.known(repository)
        self.draft(repository, PLAN).unlink()
        self.file(repository, plan).unlink(missing_ok=True)


@contextlib.contextmanager
def _held(fleet: Path) -> Iterator[_Place]:
    """Have the keys for oneself."""
    keys = fleet / FOLDER
    if not keys.is_dir():
        raise InputError("no keys of a fleet: volant fleet uptane", file=str(keys))
    descriptor = os.open(keys, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(f"{keys} is in use by another volant fleet uptane") from error
        yield _Place(fleet)
    finally:
        os.close(descriptor)


def _begin(home: FleetFolder, place: _Place, repository: str, role: str, wish: RotateWish) -> None:
    """New keys, then the draft that names them; the plan last, so that it is all there or nothing."""
    authority = _authority(home)
    with home.store.read() as work:
        now = rotating.newest_root(work, repository).roles[role]
        count, needed = _counts(wish, len(now.keyids), now.threshold)
        new = repo_keys.of_others(tuple(wish.public)) if wish.public else repo_keys.fresh(count)
        version, data = rotating.draft(
            work, authority, repository, role, new.signers, time.time(),
            others=new.others, threshold=needed,
        )  # fmt: skip
    for end, pem in new.files.items():
        repo_keys.write_private(place.key(f"{wish.name}{end}{NEW}"), pem)
    plan = Draft(role=role, version=version, keys=tuple(new.files))
    place.draft(repository, PLAN).parent.mkdir(parents=True, exist_ok=True)
    repo_keys.write_private(place.file(repository, plan), data)
    repo_keys.write_private(place.draft(repository, PLAN), msgspec.json.encode(plan))


def _go_on(home: FleetFolder, place: _Place, repository: str, by: str, *, as_json: bool) -> Exit:
    """From wherever it was left to its end, or to where somebody else has to sign."""
    plan = place.known(repository)
    data, file = place.root(repository, plan), place.file(repository, plan)
    key = f"{repository}-{plan.role}"
    with home.store.work() as work:
        if not _is_in_force(work, repository, data):
            if plan.version != rotating.newest_root(work, repository).version + 1:
                raise RefusedError(
                    f"the {repository} has another root {plan.version} since: --drop {repository}"
                )
            if lacks := rotating.missing(work, repository, data):
                said = RotateAnswer(
                    key=key, root=plan.version, in_force=False, draft=str(file), lacks=lacks
                )
                _tell(said, as_json, _to_sign(said, repository, place.fleet))
                return Exit.DONE
            authority, now_s = _authority(home), time.time()
            rotating.take(work, authority, repository, plan.role, data, now_s, by)
    root = parse(Root, data, repository=repository, role=ROOT).signed
    aside = _tidy(place, key, plan, set(root.roles[plan.role].keyids))
    place.forget(repository)
    said = RotateAnswer(key=key, root=plan.version, in_force=True)
    words = [f"{key}: root {plan.version} is in force, what the old keys sign is believed no more"]
    words += [f"destroy {one}" for one in aside]
    if plan.role != ROOT and key != f"{IMAGE}-targets":
        words.append(f"each other server of this fleet needs the new {key} in its {FOLDER}")
    _tell(said, as_json, *words)
    return Exit.DONE


def _tidy(place: _Place, key: str, plan: Draft, named: set[str]) -> list[Path]:
    """Put old keys aside and new ones in their places; where the old ones lie."""
    aside = [
        path.rename(repo_keys.aside(path))
        for path in repo_keys.files_of(place.fleet / FOLDER, key)
        if repo_keys.read_signer(path).public_key.keyid not in named
    ]
    for end in plan.keys:
        new = place.key(f"{key}{end}{NEW}")
        if new.exists():
            new.rename(place.key(f"{key}{end}"))
    return aside


def _is_in_force(work: Work, repository: str, data: bytes) -> bool:
    """Whether a death came between the root and what follows it."""
    root = parse(Root, data, repository=repository, role=ROOT)
    there = files_of(work, repository).get(f"{root.signed.version}.{file_of(ROOT)}")
    if there is None:
        return False
    return parse(Root, there, repository=repository, role=ROOT).payload == root.payload


def _to_sign(said: RotateAnswer, repository: str, fleet: Path) -> str:
    lacks = ", ".join(f"{count} of the {whose} root keys" for whose, count in said.lacks.items())
    return (
        f"{said.draft} lacks signatures: {lacks}. Where a key is:"
        f" volant repo sign . --file {Path(said.draft).name} --key KEY;"
        f" then here: volant fleet uptane {fleet} --publish {repository}"
    )


def _tell(said: RotateAnswer, as_json: bool, *words: str) -> None:
    if as_json:
        answer_json(said)
        return
    for one in words:
        answer(one)


def _authority(home: FleetFolder) -> Authority:
    found = FleetKeys(home.path)()
    if found is None:
        raise InputError("no keys of a fleet: volant fleet uptane", file=str(home.path / FOLDER))
    return found


def _counts(wish: RotateWish, count: int, needed: int) -> tuple[int, int]:
    """How many keys a role gets, and how many of them must sign."""
    if wish.keys:
        count, needed = key_counts(wish.keys)[wish.name]
    if wish.public:
        if wish.keys and count != len(wish.public):
            raise InputError(f"--keys asks for {count} keys, --public brings {len(wish.public)}")
        count = len(wish.public)
    if needed > count:
        raise InputError(f"{needed} of {count} keys cannot sign: --keys {wish.name}=COUNT:NEEDED")
    return count, needed


def _checked(wish: RotateWish) -> tuple[str, str]:
    if wish.name not in ROLES:
        time_words = "; the key of the time cannot be rotated" if wish.name == "time" else ""
        raise InputError(f"--rotate {wish.name}: expected one of {', '.join(ROLES)}{time_words}")
    for one in wish.keys:
        if one.partition("=")[0] != wish.name:
            raise InputError(f"--keys {one}: expected {wish.name}=COUNT:NEEDED")
    repository, _, role = wish.name.partition("-")
    if wish.public and role != ROOT:
        raise InputError("--public: only a root is signed elsewhere; carry other keys here")
    return repository, role


def _check_repository(repository: str) -> None:
    if repository not in {DIRECTOR, IMAGE}:
        raise InputError(f"found {repository!r}, expected {DIRECTOR} or {IMAGE}")
