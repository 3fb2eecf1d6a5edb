"""An app as a unit of an update: a package that waits beside what runs, is switched to, and stays or goes back.

The app store alone decides what runs. What lies here is only what waits, and which signed image the store's version is.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from volant.app.updates_folder import UpdatesFolder
from volant.caros.apps.package import Package, check_signer, open_package
from volant.caros.apps.store import AppRow, AppStore, write_whole
from volant.core.errors import InputError, RefusedError, TrustError
from volant.ota.ports import Artifact, Order, Tell, UnitNow
from volant.trust.uptane import Installed

PREFIX: Final = "app."
HARDWARE: Final = "APP"
PACKAGE_MOST_BYTES: Final = 64 << 20
CHUNK_BYTES: Final = 256 * 1024
Report = Callable[[str, Installed | None], bytes]
"""Signs what runs in a unit's name."""


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    target: Installed
    digest: str
    """As the store calls the package's content."""
    active: bool = False


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """Which signed images the contents of the store are, by digest; the newest two."""

    images: tuple[tuple[str, Installed], ...] = ()


@dataclass(frozen=True, slots=True)
class AppUnit:
    """A `UnitPort` over the app store."""

    name: str
    folder: UpdatesFolder
    store: AppStore
    sign: Report

    @property
    def app(self) -> str:
        """Its id in the store."""
        return self.name.removeprefix(PREFIX)

    def now(self) -> UnitNow:
        """As `UnitPort`."""
        row, waits = self._row(), self._waits()
        there = row is not None and row.installed
        if waits is not None and row is not None and there and row.digest == waits.digest:
            waits = None  # it was switched to
        return UnitNow(
            runs=self._runs(row),
            version="" if row is None or row.version is None else row.version,
            staged=None if waits is None else waits.target,
            active=waits is not None and waits.active,
            on_trial=row is not None and row.before is not None,
        )

    def stage(self, order: Order, tell: Tell) -> None:
        """As `UnitPort`."""
        if order.image is None:
            raise RefusedError(f"{self.name}: the whole package is needed")
        data = _whole(order.image)
        package = self._package(data)
        digest = package.digest
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._forget_waiting()
            write_whole(self._home / "package", data)
            waits = _Waiting(target=order.target, digest=digest)
            write_whole(self._home / "waiting.json", msgspec.json.encode(waits))
        except OSError as error:
            raise RefusedError(f"{self.name} cannot be stored: {error.strerror}") from error
        tell(len(data), len(data))

    def activate(self) -> None:
        """As `UnitPort`."""
        waits = self._waits()
        if waits is None:
            raise RefusedError(f"{self.name}: no package waits")
        changed = msgspec.structs.replace(waits, active=True)
        write_whole(self._home / "waiting.json", msgspec.json.encode(changed))

    def reset(self) -> None:
        """As `UnitPort`: switch to what was activated; the host of the apps starts it by itself."""
        waits = self._waits()
        if waits is None or not waits.active:
            return
        try:
            data = (self._home / "package").read_bytes()
        except OSError as error:
            raise RefusedError(f"{self.name}: the package is gone: {error.strerror}") from error
        package = self._package(data)
        self._learn(package.digest, waits.target)
        with self._said():
            self.store.install(package, trial=True)
        self._forget_waiting()

    def confirm(self) -> None:
        """As `UnitPort`."""
        if self._row() is not None:
            with self._said():
                self.store.settle(self.app)

    def revert(self) -> None:
        """As `UnitPort`."""
        self._forget_waiting()
        if self._row() is not None:
            with self._said():
                self.store.go_back(self.app)

    def report(self) -> bytes:
        """As `UnitPort`."""
        return self.sign(self.name, self._runs(self._row()))

    @property
    def _home(self) -> Path:
        return self.folder.apps / self.app

    def _row(self) -> AppRow | None:
        with self._said():
            found = {row.id: row for row in self.store.rows()}
        return found.get(self.app)

    def _runs(self, row: AppRow | None) -> Installed | None:
        if row is None or not row.installed:
            return None
        known = dict(self._known().images).get(row.digest)
        if known is not None:
            return known
        # Installed by hand: no repository has signed it, so its content stands for itself.
        name = f"{self.app}-{row.version}"[:128]
        return Installed(ecu_id=self.name, name=name, length=0, hashes={"sha256": row.digest})

    def _package(self, data: bytes) -> Package:
        with self._said():
            package = open_package(data)
            if package.manifest.id != self.app:
                raise InputError(f"is the app {package.manifest.id}, not {self.app}")
            check_signer(package, self.store.trust())
        return package

    def _waits(self) -> _Waiting | None:
        with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return msgspec.json.decode((self._home / "waiting.json").read_bytes(), type=_Waiting)
        return None

    def _known(self) -> _Known:
        with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return msgspec.json.decode((self._home / "known.json").read_bytes(), type=_Known)
        return _Known()

    def _learn(self, digest: str, target: Installed) -> None:
        """Which image a content is; sure before the store has it."""
        others = tuple(one for one in self._known().images if one[0] != digest)
        kept = _Known(images=(*others, (digest, target))[-3:])
        write_whole(self._home / "known.json", msgspec.json.encode(kept))

    def _forget_waiting(self) -> None:
        (self._home / "waiting.json").unlink(missing_ok=True)
        (self._home / "package").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (InputError, TrustError) as error:
            raise RefusedError(f"{self.name}: {error}") from error
        except OSError as error:
            raise RefusedError(f"{self.name}: {error.strerror or error}") from error


def _whole(image: Artifact) -> bytes:
    """All bytes of a package, checked once more: the disk may have failed since."""
    if image.length > PACKAGE_MOST_BYTES:
        raise RefusedError(f"{image.name}: longer than {PACKAGE_MOST_BYTES} bytes")
    found = bytearray()
    while len(found) < image.length:
        chunk = image.read(len(found), min(CHUNK_BYTES, image.length - len(found)))
        if not chunk:
            break
        found += chunk
    if hashlib.sha256(found).hexdigest() != image.sha256:
        raise RefusedError(f"{image.name}: is not what was downloaded any more")
    return bytes(found)
