"""A fleet by its folder: the database and the files of releases, there or where `fleet.toml` says."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from volant.app.fleet_settings import load_settings, open_artifacts, open_store
from volant.cloud.artifacts import BLOCK_BYTES
from volant.cloud.campaigns.plan import Name
from volant.cloud.ddi import Artifact, Chunk, Device
from volant.cloud.people import digest_of
from volant.cloud.service import Fleet
from volant.cloud.store.ports import StoredRelease
from volant.core.errors import InputError, RefusedError

TOKEN_BYTES: Final = 32


class FleetFolder:
    """Made when it is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.settings = load_settings(path)
        self.artifacts = open_artifacts(path, self.settings)
        self.store = open_store(path, self.settings)
        self.fleet = Fleet(self.store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def admit(self, car_id: str, by: str, now_s: float) -> str:
        """Let a car in by a new token, which is told once and kept as its hash; an older one is no longer good.

        Raises:
            InputError: the car's id is none.
        """
        try:
            msgspec.convert(car_id, Name)
        except msgspec.ValidationError as error:
            raise InputError(f"no id of a car: {error}") from error
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self.store.work() as work:
            work.put_token(car_id, digest_of(token))
            if work.device(car_id) is None:
                work.put_device(Device(controller_id=car_id))
            work.tell_news()
            work.log(at_s=now_s, by=by, act="token", about=car_id)
        return token

    def publish(
        self, name: str, version: str, files: Sequence[Path], by: str, now_s: float
    ) -> Chunk:
        """Take files in as one release.

        Raises:
            InputError: a file cannot be read, or its name is none.
            RefusedError: there is a release of that name.
        """
        artifacts = tuple(self._take(file) for file in files)
        with self.store.work() as work:
            if work.release(name) is not None:
                raise RefusedError(f"there is a release {name}; a release is not changed")
            module_id = work.number("module")
            chunk = Chunk(module_id=module_id, name=name, version=version, artifacts=artifacts)
            work.put_release(
                StoredRelease(name=name, version=version, made_s=now_s, by=by, chunks=(chunk,))
            )
            data = {"files": {one.filename: one.sha256 for one in artifacts}}
            work.log(at_s=now_s, by=by, act="publish", about=name, data=data)
        return chunk

    def _take(self, file: Path) -> Artifact:
        hashes = [hashlib.new(kind, usedforsecurity=False) for kind in ("sha1", "md5", "sha256")]
        try:
            size = 0
            with file.open("rb") as source:
                while block := source.read(BLOCK_BYTES):
                    size += len(block)
                    for one in hashes:
                        one.update(block)
        except OSError as error:
            raise InputError(f"cannot be read: {error}", file=str(file)) from error
        sha1, md5, sha256 = (one.hexdigest() for one in hashes)
        self.artifacts.put(sha256, file)
        try:
            found = Artifact(filename=file.name, size=size, sha1=sha1, md5=md5, sha256=sha256)
            return msgspec.convert(msgspec.to_builtins(found), Artifact)
        except msgspec.ValidationError as error:
            raise InputError(f"no name of an artifact: {error}", file=str(file)) from error
