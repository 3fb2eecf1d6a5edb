"""What `FOLDER/fleet.toml` says: where a fleet's database and files are, if not in the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.cloud.artifacts import Artifacts, FolderArtifacts, S3Artifacts
from volant.cloud.limits import Limits
from volant.cloud.store import SqlStore
from volant.core.settings import load_toml

NAME: Final = "fleet.toml"


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The database."""

    url: Annotated[str, Meta(max_length=1024)] = ""
    """`postgresql://USER@HOST/NAME`; empty: `fleet.db` in the folder (SQLite)."""


class ArtifactsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files of releases."""

    url: Annotated[str, Meta(max_length=1024)] = ""
    """`s3://BUCKET/PREFIX`; empty: `artifacts` in the folder."""
    endpoint: Annotated[str, Meta(max_length=1024)] = ""
    """Of a store that is not Amazon's, such as `http://127.0.0.1:9000`."""
    region: Annotated[str, Meta(max_length=64)] = ""
    """Such as `eu-central-1`; empty: what the environment says."""


class FleetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it; what is not there is as it was."""

    database: DatabaseSettings = DatabaseSettings()
    artifacts: ArtifactsSettings = ArtifactsSettings()
    limits: Limits = Limits()
    cars_url: Annotated[str, Meta(max_length=256)] = ""
    """Such as `https://cars.example`, where cars see the server elsewhere than it sees itself."""


def load_settings(folder: Path) -> FleetSettings:
    """Settings of a fleet; without a file those of a folder alone.

    Raises:
        InputError: the file says something else.
    """
    path = folder / NAME
    return load_toml(path, FleetSettings) if path.exists() else FleetSettings()


def open_store(folder: Path, settings: FleetSettings) -> SqlStore:
    """The database.

    Raises:
        InputError: it is none of ours.
        LinkError: it is away.
    """
    return SqlStore(settings.database.url or folder / "fleet.db")


def open_artifacts(folder: Path, settings: FleetSettings) -> Artifacts:
    """The files.

    Raises:
        InputError: the address is none.
    """
    found = settings.artifacts
    if not found.url:
        return FolderArtifacts(folder / "artifacts")
    return S3Artifacts(found.url, endpoint=found.endpoint, region=found.region)
