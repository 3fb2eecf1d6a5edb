"""A fleet by its folder: the database and the files of releases, there or where `fleet.toml` says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from volant.app.fleet_seal import AuditKey
from volant.app.fleet_settings import load_settings, open_artifacts, open_store
from volant.cloud.desk import Desk
from volant.cloud.service import Fleet
from volant.cloud.views import FileBody, ReleaseBody, ReleaseView
from volant.core.errors import InputError

PART: Final = ".part"
"""End of the name of a file that is being written."""
LEFT_S: Final = 86_400.0
"""Nobody writes so slowly."""


def made_folder(path: Path) -> None:
    """Make a folder where there is none.

    Raises:
        InputError: it cannot be made, or something else is there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise InputError(f"no folder of a fleet can be made: {why}", file=str(path)) from error


class FleetFolder:
    """Made when it is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        made_folder(path)
        self.settings = load_settings(path)
        self.artifacts = open_artifacts(path, self.settings)
        self.store = open_store(path, self.settings)
        self.fleet = Fleet(self.store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def sweep(self, now_s: float) -> int:
        """Drop what was left half written by processes that were killed long ago; how many files."""
        count = 0
        for folder in (self.path, self.path / "artifacts"):
            for one in folder.glob(f"*{PART}"):
                with suppress(OSError):
                    if now_s - one.stat().st_mtime > LEFT_S:
                        one.unlink()
                        count += 1
        return count

    def admit(self, car_id: str, by: str, now_s: float) -> str:
        """Let a car in, as `Desk.admit` does; its token."""
        return self._desk(now_s).admit(Desk.local(by), car_id).token

    def publish(
        self, name: str, version: str, files: Sequence[Path], by: str, now_s: float
    ) -> ReleaseView:
        """Take files for hawkBit's devices in and make a release of them, as `Desk.publish` does."""
        desk, person = self._desk(now_s), Desk.local(by)
        taken = [desk.take_file(person, file.name, file) for file in files]
        bodies = tuple(FileBody(name=one.name, sha256=one.sha256) for one in taken)
        return desk.publish(person, name, ReleaseBody(version=version, files=bodies))

    def _desk(self, now_s: float) -> Desk:
        return Desk(
            self.fleet, self.artifacts, lambda: now_s, self.path, sealer=AuditKey(self.path)
        )
