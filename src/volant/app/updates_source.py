"""Where a car's updates come from: repositories over HTTP, in a folder, or on a stick.

All give the same files to the same checks. A folder of `volant repo` also hears manifests and signs time; a stick
does neither.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import h11
import msgspec

from volant.app.update_http import CHUNK_BYTES, HEADER_MOST_BYTES, Fed, connect, feed, urls_of
from volant.core.errors import InputError, LinkError, RefusedError
from volant.trust.uptane import Fetch, RepositoryMap
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.secure_time import MOST_BYTES as TIME_MOST_BYTES

ANSWER_MOST_BYTES: Final = 1 << 20
ANSWER_MOST_S: Final = 20.0
"""An answer to what we say; a trickle ends here."""
METADATA: Final = "/metadata"


class UpdateSource(Protocol):
    """Where updates come from."""

    @property
    def words(self) -> str:
        """For people."""

    def feed(self, fed: Fed) -> None:
        """Fetch what is wanted until nothing is; what is wrong with it the check says."""

    def signed_time(self, nonces: tuple[str, ...]) -> bytes | None:
        """A signed time; None: nobody signs one here.

        Raises:
            LinkError: nobody answers.
        """

    def tell(self, manifest: bytes) -> bool:
        """Hand the car's manifest to the director; false: nobody hears it here.

        Raises:
            LinkError: nobody answers.
            RefusedError: the director does not believe it.
        """


@dataclass(frozen=True, slots=True)
class Places:
    """Where what lies, below a source."""

    director: str
    image: str

    @classmethod
    def of(cls, repository_map: RepositoryMap) -> Places:
        """As a map says."""
        found = repository_map.repositories
        return cls(found[DIRECTOR][0].strip("/"), found[IMAGE][0].strip("/"))

    @property
    def metadata(self) -> Mapping[str, str]:
        """Folder of metadata by repository."""
        return {DIRECTOR: self.director, IMAGE: self.image + METADATA}

    @property
    def images(self) -> str:
        """Folder of images."""
        return f"{self.image}/targets"

    @property
    def manifest(self) -> str:
        """Where the director hears manifests."""
        return f"{self.director.removesuffix(METADATA)}/manifest"


def source_of(words: str, repository_map: RepositoryMap) -> UpdateSource:
    """A source by its address or folder."""
    places = Places.of(repository_map)
    if words.startswith(("http://", "https://")):
        return HttpSource(words.rstrip("/"), places)
    return FolderSource(Path(words), places)


@dataclass(frozen=True, slots=True)
class HttpSource:
    """Repositories that `volant repo serve`, or any server of files with a director, gives."""

    base: str
    places: Places

    @property
    def words(self) -> str:
        """For people."""
        return self.base

    def feed(self, fed: Fed) -> None:
        """As `UpdateSource`."""
        metadata = {name: f"{self.base}/{place}" for name, place in self.places.metadata.items()}
        feed(fed, urls_of(metadata, f"{self.base}/{self.places.images}"))

    def signed_time(self, nonces: tuple[str, ...]) -> bytes | None:
        """As `UpdateSource`."""
        body = msgspec.json.encode({"nonces": nonces})
        return said_by(*post(f"{self.base}/time", body), TIME_MOST_BYTES)

    def tell(self, manifest: bytes) -> bool:
        """As `UpdateSource`."""
        said_by(*post(f"{self.base}/{self.places.manifest}", manifest), ANSWER_MOST_BYTES)
        return True


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Repositories in a folder on this machine; with their keys it is a director too."""

    path: Path
    places: Places
    mute: bool = False
    """A stick: it hears nothing and signs nothing."""

    @property
    def words(self) -> str:
        """For people."""
        return str(self.path)

    def feed(self, fed: Fed) -> None:
        """As `UpdateSource`."""
        while (fetch := fed.wants) is not None:
            path = self._file(fetch)
            if path is None:
                fed.missing(time.monotonic_ns())
                continue
            _feed_file(fed, fetch, path)

    def signed_time(self, nonces: tuple[str, ...]) -> bytes | None:
        """As `UpdateSource`."""
        if self.mute:
            return None
        return said_by(
            *self._ask("/time", msgspec.json.encode({"nonces": nonces})), TIME_MOST_BYTES
        )

    def tell(self, manifest: bytes) -> bool:
        """As `UpdateSource`."""
        if self.mute:
            return False
        said_by(*self._ask(f"/{self.places.manifest}", manifest), ANSWER_MOST_BYTES)
        return True

    def _file(self, fetch: Fetch) -> Path | None:
        """What lies inside the folder under the name, and nothing that a name or a link leads to outside."""
        image = fetch.role == "image"
        place = self.places.images if image else self.places.metadata[fetch.repository]
        folder = (self.path / place).resolve()
        try:
            path = (folder / fetch.name).resolve()
            return path if path.is_relative_to(folder) and path.is_file() else None
        except (OSError, ValueError):
            return None

    def _ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        """What the director of the folder answers, as `volant repo serve` would over a network."""
        from volant.app.repo_folder import RepoFolder
        from volant.app.repo_serve import repo_app

        try:
            return asyncio.run(_call(repo_app(RepoFolder(self.path)), path, body))
        except (InputError, OSError, RuntimeError) as error:
            raise LinkError(f"{self.path} is no folder of repositories now: {error}") from error


def stick(path: Path) -> FolderSource:
    """A bundle of `volant repo bundle` on a stick; all of them are laid out alike, whatever the car's map says.

    Raises:
        InputError: there is none.
    """
    places = Places("director/metadata", "image")
    if not (path / places.director).is_dir() or not (path / places.image).is_dir():
        raise InputError("holds no bundle of updates", file=str(path))
    return FolderSource(path, places, mute=True)


def _feed_file(fed: Fed, fetch: Fetch, path: Path) -> None:
    """What cannot be read breaks off; what cannot be stored goes to the caller as it is."""
    while fed.wants is fetch:
        try:
            with path.open("rb") as file:
                file.seek(fed.offset)
                chunk = file.read(CHUNK_BYTES)
        except OSError as error:
            fed.broken(time.monotonic_ns(), error.strerror or str(error))
            return
        if not chunk:
            fed.end(time.monotonic_ns())
            return
        fed.feed(chunk, time.monotonic_ns())


def said_by(status: int, body: bytes, most_bytes: int = ANSWER_MOST_BYTES) -> bytes:
    """What a director answers.

    Raises:
        RefusedError: it says no.
        LinkError: it cannot, or says too much.
    """
    if status == 200 and len(body) <= most_bytes:
        return body
    words = body[:200].decode(errors="replace")
    if status in (400, 403):
        raise RefusedError(f"the director says no: {words}")
    raise LinkError(f"the director answers {status}: {words}")


async def _call(served: Any, path: str, body: bytes) -> tuple[int, bytes]:
    """One POST to an ASGI app in this process."""
    status, answer = 500, bytearray()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Any) -> None:
        nonlocal status
        if event["type"] == "http.response.start":
            status = event["status"]
        else:
            answer.extend(event.get("body", b""))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"folder")],
        "client": None,
        "server": None,
    }
    await served(scope, receive, send)
    return status, bytes(answer)


def post(url: str, body: bytes) -> tuple[int, bytes]:
    """Status and answer of a POST, whole within bounds.

    Raises:
        LinkError: none came.
    """
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = [
        *(("Host", parts.netloc), ("User-Agent", "volant"), ("Connection", "close")),
        *(("Content-Type", "application/json"), ("Content-Length", str(len(body)))),
    ]
    end_s = time.monotonic() + ANSWER_MOST_S
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_MOST_BYTES)
    status, answer = 0, bytearray()
    try:
        with connect(parts, lambda: time.monotonic() < end_s) as link:
            request = h11.Request(method="POST", target=target, headers=headers)
            for event in (request, h11.Data(data=body), h11.EndOfMessage()):
                link.sendall(talk.send(event) or b"")
            while True:
                found = talk.next_event()
                if isinstance(found, h11.Response):
                    status = found.status_code
                elif isinstance(found, h11.Data):
                    answer += found.data
                elif isinstance(found, h11.EndOfMessage):
                    return status, bytes(answer)
                elif found is h11.NEED_DATA:
                    _more(link, talk)
                if time.monotonic() > end_s or len(answer) > ANSWER_MOST_BYTES:
                    raise LinkError(f"{url}: no whole answer within bounds")
    except (OSError, h11.ProtocolError) as error:
        raise LinkError(f"{url}: {error}") from error


def _more(link: Any, talk: h11.Connection) -> None:
    try:
        talk.receive_data(link.recv(CHUNK_BYTES))
    except TimeoutError:
        return  # the bound of the whole answer is looked at by the caller
