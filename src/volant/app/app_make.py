"""`volant app new`, `pack`, `sign`, `trust` and `install`: from a folder to an app in the car."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from volant.app.exits import Exit
from volant.app.folders import state_folder
from volant.app.say import answer, answer_json, table, tell
from volant.app.signal_files import unknown_signal, whole_catalogue
from volant.caros.apps.manifest import MANIFEST, Manifest, id_fault, manifest_from
from volant.caros.apps.package import (
    FILE_MOST_BYTES,
    FILES_MOST,
    PACKAGE_MOST_BYTES,
    SUFFIX,
    Package,
    open_package,
    pack,
    path_fault,
    sign,
)
from volant.caros.apps.store import AppStore
from volant.core.errors import InputError
from volant.core.settings import nearest, package_folders
from volant.trust import PublicKey, SigningKey

TEMPLATE: Final = "template"
OWN_KEY: Final = "app-signing.pem"
OWN_NAME: Final = "own key"
LEFT_OUT: Final = ("__pycache__",)


class NewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An app that was made from the template."""

    id: str
    folder: str


class PackedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A package."""

    file: str
    id: str
    version: str
    digest: str
    files: int
    bytes: int
    key: str | None
    """Short name of its signer's key; null: it is not signed."""
    warnings: tuple[str, ...]
    """Rights that cover no signal of this car, with the nearest ones."""


class InstalledAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An app that was installed."""

    id: str
    version: str
    signer: str
    rights: tuple[str, ...]
    hosts: tuple[str, ...]
    min_isolation: str
    warnings: tuple[str, ...]
    """Rights that cover no signal of this car, with the nearest ones."""


class KeyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the list."""

    key: str
    short: str
    name: str
    revoked: bool


def app_store(state: Path | None = None) -> AppStore:
    """The apps of a folder of state; None: the user's own."""
    return AppStore((state or state_folder()) / "apps")


def new_command(app: str, folder: Path | None, *, as_json: bool = False) -> Exit:
    """Run `volant app new`."""
    if fault := id_fault(app):
        raise InputError(fault)
    files = read_folder(_shipped(TEMPLATE))
    words = files[MANIFEST].decode().replace("org.example.template", app)
    name = app.rpartition(".")[2]
    words = words.replace('name = "Template"', f'name = "{name.capitalize()}"')
    manifest_from(words.encode(), f"{MANIFEST} for {app!r}")
    files[MANIFEST] = words.encode()
    target = Path(name) if folder is None else folder
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError("is there already, expected a new or empty folder", file=str(target))
    for path, data in files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(data)
    if as_json:
        answer_json(NewAnswer(id=app, folder=str(target)))
        return Exit.DONE
    answer(f"{target}/{MANIFEST} says what it may do, {target}/main.py is the app")
    answer(f"next: volant app pack {target}")
    return Exit.DONE


def pack_command(folder: Path, out: Path | None, *, as_json: bool) -> Exit:
    """Run `volant app pack`."""
    data = pack(read_folder(folder))
    package = open_package(data)
    target = out or Path(f"{package.manifest.id}-{package.manifest.version}{SUFFIX}")
    _write(target, data)
    _tell(target, package, data, as_json=as_json)
    return Exit.DONE


def sign_command(path: Path, key: Path | None, state: Path | None, *, as_json: bool) -> Exit:
    """Run `volant app sign`."""
    signer = own_key(state) if key is None else SigningKey.from_pem(_read(key, 8192))
    data = sign(_read(path, PACKAGE_MOST_BYTES), signer)
    _write(path, data)
    _tell(path, open_package(data), data, as_json=as_json)
    return Exit.DONE


def trust_command(
    key: str | None, name: str, revoke: str | None, state: Path | None, *, as_json: bool
) -> Exit:
    """Run `volant app trust`."""
    store = app_store(state)
    if key is not None:
        public = PublicKey.from_hex(key)
        store.change_trust(lambda trust: trust.with_key(public, name or public.key_id))
    if revoke is not None:
        store.change_trust(lambda trust: trust.without(revoke))
    rows = tuple(
        KeyAnswer(key=one.key, short=one.public.key_id, name=one.name, revoked=one.revoked)
        for one in store.trust().keys
    )
    if as_json:
        answer_json(rows)
    else:
        words = [(one.short, one.name, "revoked" if one.revoked else "", one.key) for one in rows]
        table("Trusted keys", ("key", "whose", "", "in full"), words)
    return Exit.DONE


def install_command(what: str, state: Path | None, *, as_json: bool) -> Exit:
    """Run `volant app install`."""
    path = Path(what)
    if path.is_dir():
        data = pack(read_folder(path), own_key(state))
    elif path.is_file():
        data = _read(path, PACKAGE_MOST_BYTES)
    elif "/" not in what and not path.suffix:
        data = pack(read_folder(_shipped(what)), own_key(state))
    else:
        raise InputError("no such package", file=what)
    package = open_package(data)
    row = app_store(state).install(package)
    manifest = package.manifest
    warnings = _warned(manifest)
    if as_json:
        answer_json(
            InstalledAnswer(
                id=row.id,
                version=manifest.version,
                signer=row.signer_name,
                rights=manifest.signals,
                hosts=manifest.budget.hosts,
                min_isolation=manifest.min_isolation,
                warnings=warnings,
            )
        )
        return Exit.DONE
    answer(f"{row.id} {manifest.version} is installed, signed by {row.signer_name!r}")
    for right in rights_in_words(manifest):
        answer(f"  it may {right}")
    return Exit.DONE


def rights_in_words(manifest: Manifest) -> list[str]:
    """What an app may do, for people."""
    words = {"read": "read", "actuate": "move", "provide": "say or move as provider"}
    found = [
        f"{words[scope.partition(':')[0]]} {scope.partition(':')[2]}" for scope in manifest.signals
    ]
    found += [f"call {host}" for host in manifest.budget.hosts]
    if manifest.while_moving == "card":
        found.append("show a card while the car moves")
    return found or ["read, move and call nothing"]


def _warned(manifest: Manifest) -> tuple[str, ...]:
    """Warn of rights that cover no signal of this car; gives the warnings."""
    found: list[str] = []
    try:
        catalogue = whole_catalogue()[0]
    except InputError as error:  # an import that is broken is no fault of the app
        tell(f"rights are not compared with the car's signals: {error}")
        return ()
    for right in manifest.signals:
        path = right.rpartition(":")[2]
        if not catalogue.expand(path):
            found.append(f"{right!r}: {unknown_signal(catalogue, path)}")
            tell(f"warning: {found[-1]}")
    return tuple(found)


def own_key(state: Path | None) -> SigningKey:
    """The user's key for apps; made, and trusted here, when there is none."""
    path = (state or state_folder()) / "keys" / OWN_KEY
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = SigningKey(os.urandom(32))
        draft = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made.to_pem())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # of two at once the first one's stays
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        tell(f"made your key {path}: who reads it signs as you")
    key = SigningKey.from_pem(_read(path, 8192))
    app_store(state).change_trust(lambda trust: trust.with_key(key.public, OWN_NAME))
    return key


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of an app's folder by path; hidden ones and bytecode stay out.

    Raises:
        InputError: it is none, or holds what may not stand in a package: a link, too much, a wrong name.
    """
    if not (folder / MANIFEST).is_file():
        raise InputError(f"has no {MANIFEST}", file=str(folder))
    files: dict[str, bytes] = {}
    total = 0
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") or part in LEFT_OUT for part in relative.parts):
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise InputError("is a link or no plain file", file=str(path))
        if path.is_dir() or path.suffix == SUFFIX:
            continue
        if fault := path_fault(relative.as_posix()):
            raise InputError(fault, file=str(path))
        files[relative.as_posix()] = _read(path, FILE_MOST_BYTES)
        total += len(files[relative.as_posix()])
        if len(files) > FILES_MOST or total > PACKAGE_MOST_BYTES:
            raise InputError(
                f"more than {FILES_MOST} files or {PACKAGE_MOST_BYTES} bytes", file=str(folder)
            )
    manifest_from(files[MANIFEST], str(folder / MANIFEST))
    return files


def _shipped(name: str) -> Path:
    folders = [folder for folder in package_folders("apps") if folder.is_dir()]
    for folder in folders:
        if (folder / name / MANIFEST).is_file():
            return folder / name
    known = sorted({one.parent.name for folder in folders for one in folder.glob(f"*/{MANIFEST}")})
    close = nearest(name, known) or known
    raise InputError(f"no app {name!r} comes with Volant; nearest: {', '.join(close) or 'none'}")


def _read(path: Path, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from error
    if len(data) > most_bytes:
        raise InputError(f"more than {most_bytes} bytes", file=str(path))
    return data


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=str(path)) from error


def _tell(path: Path, package: Package, data: bytes, *, as_json: bool) -> None:
    manifest, signer = package.manifest, package.signer
    warnings = _warned(manifest)
    if as_json:
        answer_json(
            PackedAnswer(
                file=str(path),
                id=manifest.id,
                version=manifest.version,
                digest=package.digest,
                files=len(package.files),
                bytes=len(data),
                key=None if signer is None else signer.key_id,
                warnings=warnings,
            )
        )
        return
    signed = "not signed" if signer is None else f"signed with key {signer.key_id}"
    answer(f"{path}: {manifest.id} {manifest.version}, {len(package.files)} files, {signed}")
    if signer is None:
        answer(f"next: volant app sign {path}")
