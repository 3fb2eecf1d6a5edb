"""Files of releases by their SHA-256: in a folder, or in a store that speaks S3 and that several servers share.

A file is there whole or not at all, and never changes: its name is its content. Who opens the store hands it in.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from volant.core.errors import InputError, LinkError

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

BLOCK_BYTES: Final = 64 * 1024
S3_BLOCK_BYTES: Final = 1 << 20
"""Asked for at once, so that a slow car holds no connection to the store and no more memory; a choice of ours."""
ANSWER_S: Final = 10
"""How long the store may be silent; a choice of ours."""
PARTLY: Final = ".part"
PARTLY_S: Final = 86_400.0
"""No copy to a folder is written to so late; a choice of ours."""
TRIES: Final = 3


class Artifacts(Protocol):
    """Where files lie."""

    def size(self, sha256: str) -> int | None:
        """Bytes of a file; None: it is not there.

        Raises:
            LinkError: the store is away.
        """

    def put(self, sha256: str, file: Path) -> None:
        """Take a copy of a file that has this hash.

        Raises:
            InputError: it cannot be read.
            LinkError: the store is away or full; nothing is left of it.
        """

    def blocks(self, sha256: str, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes of a file, from `begin` to before `end`; None: to its end. Waits for disk or network.

        Raises:
            LinkError: it is not there, or the store is away.
        """

    def path(self, sha256: str) -> Path | None:
        """Where a file lies on this machine's disk; None: elsewhere."""


class FolderArtifacts:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def size(self, sha256: str) -> int | None:
        """Bytes of a file; None: it is not there."""
        path = self.path(sha256)
        return path.stat().st_size if path is not None else None

    def put(self, sha256: str, file: Path) -> None:
        """Take a copy of a file; it survives a power cut."""
        try:
            source = file.open("rb")
        except OSError as error:
            raise InputError(f"cannot be read: {error}", file=str(file)) from error
        with source, _disk(self.folder):
            self._sweep()
            handle, partly = tempfile.mkstemp(dir=self.folder, suffix=PARTLY)
            try:
                with os.fdopen(handle, "wb") as copy:
                    shutil.copyfileobj(source, copy, BLOCK_BYTES)
                    copy.flush()
                    os.fsync(copy.fileno())
                Path(partly).replace(self.folder / sha256)
            finally:
                Path(partly).unlink(missing_ok=True)
            _sync_folder(self.folder)

    def _sweep(self) -> None:
        """Remove what a process left that was killed in the middle of a copy."""
        for one in self.folder.glob(f"*{PARTLY}"):
            if time.time() - one.stat().st_mtime > PARTLY_S:
                one.unlink(missing_ok=True)

    def blocks(self, sha256: str, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes of a file."""
        with _disk(self.folder), (self.folder / sha256).open("rb") as file:
            file.seek(begin)
            left = self.size(sha256) or 0 if end is None else end
            left -= begin
            while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
                left -= len(block)
                yield block

    def path(self, sha256: str) -> Path | None:
        """Where a file lies."""
        found = self.folder / sha256
        return found if found.is_file() else None


class S3Artifacts:
    """Files in a bucket; keys come from the environment, as other programs read them (`AWS_ACCESS_KEY_ID` and so on)."""

    def __init__(self, url: str, *, endpoint: str = "", region: str = "") -> None:
        """Name it.

        Args:
            url: `s3://BUCKET/PREFIX`.
            endpoint: URL of a store that is not Amazon's.
            region: of the bucket.

        Raises:
            InputError: no such address, or the package obstore lacks.
        """
        self.url = url
        self._store = _s3_store(url, endpoint, region)

    def size(self, sha256: str) -> int | None:
        """Bytes of a file; None: it is not there."""
        import obstore

        with self._told():
            try:
                return int(obstore.head(self._store, sha256)["size"])
            except FileNotFoundError:
                return None

    def put(self, sha256: str, file: Path) -> None:
        """Take a copy of a file; large ones go in parts, which are put together at the end."""
        import obstore

        try:
            source = file.open("rb")
        except OSError as error:
            raise InputError(f"cannot be read: {error}", file=str(file)) from error
        with source, self._told():
            obstore.put(self._store, sha256, source)

    def blocks(self, sha256: str, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes of a file."""
        import obstore

        size = self.size(sha256) if end is None else end
        if size is None:
            raise LinkError(f"{self.url}: no file {sha256}")
        for at in range(begin, size, S3_BLOCK_BYTES):
            upto = min(at + S3_BLOCK_BYTES, size)
            with self._told():
                block = bytes(obstore.get_range(self._store, sha256, start=at, end=upto))
            yield block

    def path(self, sha256: str) -> Path | None:  # noqa: ARG002 - of the port
        """Not on this machine."""
        return None

    @contextmanager
    def _told(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            first = str(error).strip().partition("\n")[0]
            raise LinkError(f"{self.url}: {first[:300]}") from error


def _s3_store(url: str, endpoint: str, region: str) -> S3Store:
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise InputError("no place for files, such as s3://BUCKET/PREFIX", where=url)
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise InputError("files in S3 need the extra: pip install 'volant[s3]'") from error
    config: S3Config = {}
    if endpoint:
        config["endpoint"] = endpoint
    if region:
        config["region"] = region
    try:
        return S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={"allow_http": endpoint.startswith("http:"), "timeout": f"{ANSWER_S}s"},
            retry_config={"max_retries": TRIES},
            config=config,
        )
    except BaseError as error:
        raise InputError(f"no place for files: {error}", where=url) from error


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LinkError(f"{folder}: {error.strerror or error}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
