"""What a car keeps of its updates: `STATE/updates/CAR/`, each file put in its place in one move.

`joined.json` is written last of what `volant ota join` brings: a car without it takes no updates.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote, unquote

import msgspec
from msgspec import Meta

from volant.caros.apps.store import write_whole
from volant.core.errors import InputError, RefusedError
from volant.core.updates import UpdateResult
from volant.ota.life import Life, decode_life, encode_life
from volant.trust.keys import PublicKey, SigningKey
from volant.trust.uptane import (
    Attack,
    Inventory,
    RepositoryMap,
    SecureClock,
    TrustedRepository,
)
from volant.trust.uptane.match import DIRECTOR, IMAGE

FOLDER: Final = "updates"
"""In the folder of the state, with a folder for each car."""
HISTORY_MOST: Final = 200
LINE_MOST_BYTES: Final = 16 * 1024
FILE_MOST_BYTES: Final = 8 << 20
WORDS_MOST: Final = 200
FORMAT: Final = 1


class Joined(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a car takes its updates from."""

    format: Literal[1] = 1
    source: Annotated[str, Meta(min_length=1, max_length=4096)]
    """Address or folder."""
    time_key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """Ed25519 public key in hex of who signs the time."""


class _KeptClock(msgspec.Struct, frozen=True, kw_only=True):
    boot: str
    """Of the machine: its forward counter is of this boot."""
    clock: SecureClock


class _KeptAttack(msgspec.Struct, frozen=True, kw_only=True):
    attack: Attack
    detail: str


@dataclass(frozen=True, slots=True)
class UpdatesFolder:
    """The folder of one car; nothing is made before something is written."""

    state: Path
    car: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.state / FOLDER / self.car

    @property
    def downloads(self) -> Path:
        """Images and deltas on their way, and those that are whole."""
        return self.path / "downloads"

    @property
    def apps(self) -> Path:
        """Packages of apps that wait to be switched to."""
        return self.path / "apps"

    @property
    def record(self) -> Path:
        """The update machine's record."""
        return self.path / "record"

    # --- the lock against driving ----------------------------------------------------------------

    def lock_words(self) -> str:
        """Why nobody may drive now; empty: the car may be driven. What cannot be read is a reason."""
        path = self.path / "locked"
        try:
            with path.open("rb") as file:
                data = file.read(WORDS_MOST)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            return f"it is not known whether an update is half done: {error.strerror}"
        return data.decode(errors="replace") or "an update is being installed"

    def lock(self, why: str) -> None:
        """Nobody may drive from now on, whoever dies.

        Raises:
            OSError: the disk refuses.
        """
        if self.lock_words() != why[:WORDS_MOST]:
            write_whole(self.path / "locked", why.encode()[:WORDS_MOST])

    def unlock(self) -> None:
        """The car may be driven."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (self.path / "locked").unlink()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else changes it meanwhile.

        Raises:
            RefusedError: somebody else does.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                words = f"the updates of {self.car} are in the hands of a live car"
                raise RefusedError(words) from None
            yield

    # --- who the car believes --------------------------------------------------------------------

    def joined(self) -> Joined | None:
        """Whom it takes its updates from; None: nobody.

        Raises:
            InputError: the file is broken.
        """
        path = self.path / "joined.json"
        data = _read(path)
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=Joined)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"says of no repository: {error}", file=str(path)) from error

    def join(
        self,
        joined: Joined,
        inventory: Inventory,
        repository_map: RepositoryMap,
        metadata: Mapping[str, Mapping[str, bytes]],
        keys: Mapping[str, SigningKey],
    ) -> None:
        """Put in what the car begins with; the word that it is joined comes last."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.path / "joined.json").unlink(missing_ok=True)
        for name, files in metadata.items():
            for old in self._metadata(name).glob("*") if self._metadata(name).is_dir() else ():
                old.unlink()
            self.store_metadata(name, files)
        for unit, key in keys.items():
            self._store_key(unit, key)
        write_whole(self.path / "inventory.json", inventory.to_bytes())
        write_whole(self.path / "map.json", repository_map.to_bytes())
        write_whole(self.path / "joined.json", msgspec.json.encode(joined))

    def repoint(self, source: str) -> None:
        """Take updates of the same repositories from elsewhere."""
        joined = self.joined()
        if joined is None:
            raise ValueError("nothing is joined")
        changed = msgspec.structs.replace(joined, source=source)
        write_whole(self.path / "joined.json", msgspec.json.encode(changed))

    def keep_token(self, token: str) -> None:
        """Keep what lets the car in at its fleet; empty: it has none, and needs none."""
        if token:
            _write_secret(self.path / "token", token.encode())
        else:
            (self.path / "token").unlink(missing_ok=True)

    def token(self) -> str:
        """What lets the car in at its fleet; empty: there is none."""
        return (_read(self.path / "token") or b"").decode(errors="replace")

    def inventory(self) -> Inventory:
        """Of this car.

        Raises:
            InputError: there is none.
        """
        return Inventory.from_bytes(self._must("inventory.json"))

    def repository_map(self) -> RepositoryMap:
        """Where the repositories lie below their source.

        Raises:
            InputError: there is none.
        """
        return RepositoryMap.from_bytes(self._must("map.json"))

    def key(self, unit: str) -> SigningKey:
        """The key of the primary or of an app, which have no flash of their own.

        Raises:
            InputError: there is none.
        """
        return SigningKey.from_pem(self._must(f"keys/{quote(unit, safe='')}.pem"))

    def repository(self, name: str) -> TrustedRepository:
        """What the car believes of a repository.

        Raises:
            InputError: nothing was provisioned.
            RejectedError: the root is none.
        """
        folder = self._metadata(name)
        files = {}
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            data = None if path.name.endswith(".part") else _read(path)
            if data is not None:
                files[unquote(path.name)] = data
        return TrustedRepository.load(name, files)

    def store_metadata(self, name: str, files: Mapping[str, bytes | None]) -> None:
        """Write what is believed now; in the order given, None: is deleted."""
        folder = self._metadata(name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for key, data in files.items():
            path = folder / quote(key, safe="")
            if data is None:
                path.unlink(missing_ok=True)
            else:
                write_whole(path, data)

    # --- time and history ------------------------------------------------------------------------

    def clock(self, boot: str, now_ns: int) -> SecureClock:
        """Secure time: on from what was attested, whatever the machine's clock says."""
        data = _read(self.path / "clock.json")
        if data is None:
            return SecureClock()
        try:
            kept = msgspec.json.decode(data, type=_KeptClock)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return SecureClock()
        return kept.clock if kept.boot == boot else kept.clock.after_boot(now_ns)

    def knows_hour(self, boot: str) -> bool:
        """Whether somebody signed the time since the machine was switched on."""
        data = _read(self.path / "clock.json")
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            return data is not None and msgspec.json.decode(data, type=_KeptClock).boot == boot
        return False

    def store_clock(self, boot: str, clock: SecureClock) -> None:
        """Keep what was attested."""
        kept = _KeptClock(boot=boot, clock=clock)
        write_whole(self.path / "clock.json", msgspec.json.encode(kept))

    def history(self) -> tuple[UpdateResult, ...]:
        """How updates ended, newest last; lines that are broken are passed over."""
        found = []
        for line in (_read(self.path / "history.jsonl") or b"").splitlines()[-HISTORY_MOST:]:
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                found.append(msgspec.json.decode(line[:LINE_MOST_BYTES], type=UpdateResult))
        return tuple(found)

    def add_history(self, result: UpdateResult) -> None:
        """One more; the same result is not told twice, so a cut after it costs nothing."""
        known = self.history()
        if known and known[-1] == result:
            return
        kept = (*known, result)[-HISTORY_MOST:]
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in kept)
        write_whole(self.path / "history.jsonl", lines)

    # --- attacks ---------------------------------------------------------------------------------

    def attack(self) -> tuple[Attack, str] | None:
        """What was noticed and the director has not heard yet, with details; None: nothing."""
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            data = _read(self.path / "attack.json")
            kept = None if data is None else msgspec.json.decode(data, type=_KeptAttack)
            return None if kept is None else (kept.attack, kept.detail)
        return None

    def keep_attack(self, attack: Attack, detail: str) -> None:
        """Keep it until the director has heard of it; a newer one takes its place."""
        kept = _KeptAttack(attack=attack, detail=detail)
        write_whole(self.path / "attack.json", msgspec.json.encode(kept))

    def forget_attack(self) -> None:
        """The director has heard of it."""
        (self.path / "attack.json").unlink(missing_ok=True)

    # --- how the car is --------------------------------------------------------------------------

    def life(self) -> Life:
        """What the car has counted; what cannot be read counts as nothing."""
        with contextlib.suppress(InputError):
            data = _read(self.path / "life.json")
            return Life() if data is None else decode_life(data)
        return Life()

    def keep_life(self, life: Life) -> None:
        """Keep it."""
        write_whole(self.path / "life.json", encode_life(life))

    # --- small counters --------------------------------------------------------------------------

    def next_counter(self) -> int:
        """The next number of a report that is signed here; sure on the disk before it is used."""
        data = _read(self.path / "counter")
        number = 1 + (int(data) if data is not None and data.isdigit() else 0)
        write_whole(self.path / "counter", str(number).encode())
        return number

    def _metadata(self, name: str) -> Path:
        return self.path / {DIRECTOR: "director", IMAGE: "image"}[name]

    def _must(self, name: str) -> bytes:
        data = _read(self.path / name)
        if data is None:
            raise InputError("is not there: volant ota join", file=str(self.path / name))
        return data

    def _store_key(self, unit: str, key: SigningKey) -> None:
        folder = self.path / "keys"
        folder.mkdir(mode=0o700, exist_ok=True)
        _write_secret(folder / f"{quote(unit, safe='')}.pem", key.to_pem())


def _write_secret(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def time_key(joined: Joined) -> PublicKey:
    """Who signs the time."""
    return PublicKey.from_hex(joined.time_key)


def _read(path: Path) -> bytes | None:
    """A file's content; None: it is not there."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(path)) from error
    if len(data) > FILE_MOST_BYTES:
        raise InputError(f"more than {FILE_MOST_BYTES} bytes", file=str(path))
    return data
