"""The apps on the disk: what is installed, on whose word, and where its files lie.

All that decides is one small file, `apps.json`, put in its place in one move. A version's files are written
and synced in a folder of their own before; whatever else lies around after a death was never installed and is
swept away. Whoever changes something holds a lock, so two commands at once do not mix.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.caros.apps.manifest import (
    MANIFEST,
    AppId,
    Manifest,
    Version,
    manifest_from,
    version_order,
)
from volant.caros.apps.package import Package, check_signer
from volant.core.errors import InputError, RefusedError, TrustError
from volant.trust.trusted import TrustList

APPS_MOST: Final = 32
STATE: Final = "apps.json"
TRUST: Final = "trusted-keys.json"
STATE_MOST_BYTES: Final = 256 * 1024
Step = Callable[[str], None]
"""Called between the steps of a change; tests die in it."""


class AppBefore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was there before a version on trial."""

    version: Version | None
    """None: nothing."""
    highest: Version | None
    """None: it was never here."""
    digest: str = ""
    folder: str = ""


class AppRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One app that is or was here."""

    id: AppId
    version: Version | None
    """None: it was removed; the row stays, so that an older version cannot come in its place."""
    highest: Version
    """That was ever installed."""
    signer: str
    """Public key in hex; a later version needs the same."""
    signer_name: str = ""
    digest: str = ""
    folder: str = ""
    """Of the version's files, below the app's own folder."""
    enabled: bool = True
    """It starts with the car."""
    asks: int = 0
    """How often a person has asked to start it; one more lets it out of quarantine."""
    user: Annotated[int, Meta(ge=0, lt=1000)] = 0
    """Number of the app here, which its own user on the machine goes by."""
    before: AppBefore | None = None
    """The version is on trial, and this one's files are kept; None: it stays."""

    @property
    def installed(self) -> bool:
        """Its files are here."""
        return self.version is not None


class StoreState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All apps, sorted by id."""

    apps: tuple[AppRow, ...] = ()


class AppStore:
    """The folder of the apps; each call reads the state anew."""

    def __init__(self, folder: Path, step: Step = lambda _: None) -> None:
        """Nothing is made before the first change."""
        self.folder, self._step = folder, step

    def rows(self) -> tuple[AppRow, ...]:
        """Apps that are installed.

        Raises:
            InputError: the state cannot be read or is broken.
        """
        return tuple(row for row in self._read().apps if row.installed)

    def row(self, app: str) -> AppRow:
        """One installed app.

        Raises:
            InputError: it is not installed.
        """
        found = {row.id: row for row in self.rows()}
        if app not in found:
            raise InputError(
                f"no app {app!r} is installed; there are: {', '.join(found) or 'none'}"
            )
        return found[app]

    def files(self, row: AppRow) -> Path:
        """Where the files of an installed version lie."""
        return self.folder / row.id / row.folder

    def kept(self, app: str) -> Path:
        """Where what an app keeps lies."""
        return self.folder / app / "kept"

    def log(self, app: str) -> Path:
        """An app's log."""
        return self.folder / app / "log"

    def manifest(self, row: AppRow) -> Manifest:
        """The manifest of an installed version.

        Raises:
            InputError: its files are gone or broken.
        """
        path = self.files(row) / MANIFEST
        try:
            return manifest_from(path.read_bytes(), str(path))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from error

    def trust(self) -> TrustList:
        """Whose packages are taken.

        Raises:
            InputError: the list is broken.
        """
        try:
            return TrustList.from_bytes((self.folder / TRUST).read_bytes())
        except FileNotFoundError:
            return TrustList()

    def change_trust(self, change: Callable[[TrustList], TrustList]) -> TrustList:
        """Change the list of trusted keys, in one move."""
        with self._locked():
            changed = change(self.trust())
            write_whole(self.folder / TRUST, changed.to_bytes())
        return changed

    def install(self, package: Package, *, trial: bool = False) -> AppRow:
        """Put a package in the place of any earlier version; after a death the one or the other is there.

        On trial the earlier version's files are kept until `settle` or `go_back`.

        Raises:
            TrustError: nobody we believe has signed it, another has signed it before, or it is older than
                what was here.
            RefusedError: there is no room.
            InputError: the store is broken.
        """
        with self._locked():
            name = check_signer(package, self.trust())
            state = self._read()
            before = next((row for row in state.apps if row.id == package.manifest.id), None)
            if before is not None:
                _may_follow(before, package)
                if before.installed and before.digest == package.digest and self._whole(before):
                    self._sweep()
                    return before
            row = self._new_row(state, before, package, name)
            if trial:
                row = msgspec.structs.replace(row, before=_before(before))
            self._lay_down(row, package.files)
            self._write(_with(state, row))
            self._step("installed")
            self._sweep()
            return row

    def settle(self, app: str) -> None:
        """A version on trial stays; what was before it goes.

        Raises:
            InputError: the app is not installed.
        """
        with self._locked():
            row = self.row(app)
            if row.before is not None:
                self._write(_with(self._read(), msgspec.structs.replace(row, before=None)))
                self._step("settled")
                self._sweep()

    def go_back(self, app: str) -> None:
        """What was there before a version on trial comes back; nothing where none is on trial.

        Raises:
            InputError: the app is not installed.
        """
        with self._locked():
            row = self.row(app)
            if row.before is None:
                return
            state, old = self._read(), row.before
            if old.highest is None:
                kept = StoreState(apps=tuple(one for one in state.apps if one.id != app))
            else:
                back = msgspec.structs.replace(
                    row,
                    version=old.version,
                    highest=old.highest,
                    digest=old.digest,
                    folder=old.folder,
                    before=None,
                )
                kept = _with(state, back)
            self._write(kept)
            self._step("back")
            self._sweep()

    def remove(self, app: str, *, kept_too: bool = False) -> None:
        """Take an app away; its row stays, and what it keeps unless `kept_too`.

        Raises:
            InputError: it is not installed.
        """
        with self._locked():
            row = self.row(app)
            gone = msgspec.structs.replace(
                row, version=None, folder="", digest="", enabled=False, before=None
            )
            self._write(_with(self._read(), gone))
            self._step("removed")
            self._sweep()
            if kept_too:
                shutil.rmtree(self.folder / app, ignore_errors=True)

    def enable(self, app: str, *, on: bool) -> AppRow:
        """Let an app start with the car, or not.

        Raises:
            InputError: it is not installed.
        """
        with self._locked():
            row = self.row(app)
            row = msgspec.structs.replace(row, enabled=on, asks=row.asks + on)
            self._write(_with(self._read(), row))
            return row

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> StoreState:
        path = self.folder / STATE
        try:
            with path.open("rb") as file:
                data = file.read(STATE_MOST_BYTES + 1)
            return msgspec.json.decode(data, type=StoreState)
        except FileNotFoundError:
            return StoreState()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"the list of apps is broken: {error}", file=str(path)) from error

    def _write(self, state: StoreState) -> None:
        self._step("state")
        write_whole(self.folder / STATE, msgspec.json.format(msgspec.json.encode(state), indent=1))

    def _whole(self, row: AppRow) -> bool:
        return (self.files(row) / MANIFEST).is_file()

    def _new_row(
        self, state: StoreState, before: AppRow | None, package: Package, name: str
    ) -> AppRow:
        manifest, signer = package.manifest, package.signer
        assert signer is not None
        if before is None and len(state.apps) >= APPS_MOST:
            raise RefusedError(f"{APPS_MOST} apps are known here, and there is no room for more")
        taken = {row.user for row in state.apps}
        user = next(n for n in range(APPS_MOST + 1) if n not in taken)
        return AppRow(
            id=manifest.id,
            version=manifest.version,
            highest=manifest.version,
            signer=signer.hex,
            signer_name=name,
            digest=package.digest,
            folder=f"{manifest.version}-{package.digest[:12]}",
            enabled=before.enabled or not before.installed if before is not None else True,
            user=user if before is None else before.user,
        )

    def _lay_down(self, row: AppRow, files: Mapping[str, bytes]) -> None:
        """Write a version's files beside whatever is there, and only then move them in their place."""
        home = self.folder / row.id
        home.mkdir(mode=0o755, exist_ok=True)
        draft, final = home / f".{row.folder}.part", home / row.folder
        for old in (draft, final):
            if old.exists():
                shutil.rmtree(old)
        draft.mkdir(mode=0o755)
        self._step("draft")
        for path, data in files.items():
            self._step(path)
            target = draft / path
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _write_synced(target, data)
        for folder in [draft, *(one for one in draft.rglob("*") if one.is_dir())]:
            folder.chmod(0o755)  # the app's own user reads it, whatever our umask
            _sync(folder)
        self._step("written")
        draft.rename(final)
        _sync(home)
        _sync(self.folder)
        self._step("moved")

    def _sweep(self) -> None:
        """Take away what no row names: older versions, and drafts that a death left."""
        for row in self._read().apps:
            home = self.folder / row.id
            ours = {"kept", "log", row.folder, "" if row.before is None else row.before.folder}
            for path in home.iterdir() if home.is_dir() else ():
                if path.name not in ours:
                    shutil.rmtree(path, ignore_errors=True)


def _before(row: AppRow | None) -> AppBefore:
    """What a version on trial leaves behind; the first of two trials in a row."""
    if row is None:
        return AppBefore(version=None, highest=None)
    if row.before is not None:
        return row.before
    return AppBefore(version=row.version, highest=row.highest, digest=row.digest, folder=row.folder)


def _may_follow(before: AppRow, package: Package) -> None:
    manifest, signer = package.manifest, package.signer
    assert signer is not None
    if before.signer != signer.hex:
        raise TrustError(
            f"{manifest.id} was installed from {before.signer_name!r}; "
            f"this one is signed by another key, {signer.key_id}"
        )
    if version_order(manifest.version) < version_order(before.highest):
        raise TrustError(
            f"{manifest.id} {manifest.version} is older than {before.highest}, which was here"
        )
    same = before.installed and before.version == manifest.version
    if same and before.digest != package.digest:
        raise TrustError(
            f"{manifest.id} {manifest.version} is here with other content; a change needs a new version"
        )


def _with(state: StoreState, row: AppRow) -> StoreState:
    others = tuple(one for one in state.apps if one.id != row.id)
    return StoreState(apps=tuple(sorted((*others, row), key=lambda one: one.id)))


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place in one move, synced before: after a death the old or the new is there."""
    draft = path.with_name(path.name + ".part")
    draft.unlink(missing_ok=True)
    _write_synced(draft, data)
    draft.replace(path)
    _sync(path.parent)


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
