"""What cars that speak Uptane ask of the fleet's server, request by request; sockets and files are others' work.

The paths are those of `volant repo serve`, so a car takes its updates from either. A manifest is what makes the server
decide; whoever only reads metadata changes nothing but their freshness, since nobody says who they are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace
from tuf.api.metadata import Timestamp

from volant.cloud.ddi import Answer, Artifact
from volant.cloud.ddi.ranges import choose
from volant.cloud.director import RENEW_SHARE, offers_something
from volant.cloud.inventory import CarRecord, Heard, hear
from volant.cloud.service import Fleet
from volant.cloud.store.ports import Work
from volant.cloud.uptane.authority import Authority, files_of
from volant.cloud.uptane.hearing import Hearing, freshen, is_called_back
from volant.cloud.uptane.joining import JoinRequest, join
from volant.cloud.uptane.shelf import digest_of_name, renew
from volant.core.errors import InputError, RefusedError, TrustError
from volant.trust.uptane import attest
from volant.trust.uptane.keeper import LIFETIMES_S
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TARGETS, TIMESTAMP, parse
from volant.trust.uptane.secure_time import NONCES_MOST, Nonce
from volant.trust.uptane.trusted import file_of

PREFIX: Final = "/uptane"
"""Below it all of this is served."""
BODY_MOST_BYTES: Final = 1 << 20
"""Of a manifest or a joining; a longer one need not be read to its end: 413."""
JSON: Final = "application/json"
TOLD_S: Final = 60.0
"""The same words are logged once in so long."""
REFUSALS_S: Final = 10.0
"""Between two times that manifests of one car that are not believed are written down: whoever floods costs no writes."""
REFUSALS_MOST: Final = 10_000
"""Cars of which refusals are kept until they are written."""

_log = logging.getLogger(__name__)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the source of time."""

    nonces: tuple[Nonce, ...]


@dataclass
class _Refused:
    """Manifests of one car that were not believed since the last were written down."""

    count: int = 0
    why: str = ""
    written_s: float = float("-inf")


@dataclass
class UptaneDoor:
    """Answers cars. One for a server; may be called from several threads at once."""

    fleet: Fleet
    authority: Callable[[], Authority | None]
    """The keys that are here; None: this fleet has no Uptane repositories, and all is 404."""
    clock_s: Callable[[], float]
    """Unix seconds."""
    _refused: dict[str, _Refused] = field(default_factory=dict)
    _told: dict[str, float] = field(default_factory=dict)
    """What was logged last, and when."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request; it may take some milliseconds and waits for the database.

        Args:
            method: GET, HEAD or POST.
            path: below `PREFIX`, decoded, with its leading slash: `/time`, `/cars/VIN/director/manifest`.
            headers: by name in lower case.
            body: whole.

        Raises:
            LinkError: the database is away.
        """
        authority = self.authority()
        if authority is None:
            return _no(404, "this fleet has no Uptane repositories: volant fleet uptane")
        if len(body) > BODY_MOST_BYTES:
            return _no(413, f"a body has at most {BODY_MOST_BYTES} bytes")
        try:
            return self._route(authority, method, path.split("/")[1:], headers, body)
        except TrustError as error:
            return _no(403, str(error))
        except InputError as error:
            return _no(400, str(error))
        except RefusedError as error:
            self._tell(str(error))
            return _no(503, str(error))

    def _tell(self, why: str) -> None:
        """That something cannot be done here, such as signing with keys that were rotated elsewhere."""
        now_s = self.clock_s()
        with self._lock:
            if abs(now_s - self._told.get(why, float("-inf"))) < TOLD_S:
                return
            self._told.clear()
            self._told[why] = now_s
        _log.warning("uptane_refused why=%s", why)

    def _route(
        self,
        authority: Authority,
        method: str,
        parts: list[str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        reads = method in {"GET", "HEAD"}
        match parts:
            case ["time"] if method == "POST":
                return self._time(authority, body)
            case ["join"] if method == "POST":
                return self._join(authority, body)
            case ["cars", car_id, "director", "manifest"] if method == "POST":
                return self._manifest(authority, car_id, body)
            case ["cars", car_id, "director", "metadata", name] if reads:
                return self._director(authority, car_id, name)
            case ["image", "metadata", name] if reads:
                return self._image_metadata(authority, name)
            case ["image", "targets", *names] if reads and names:
                return self._image("/".join(names), headers)
        return _no(404, f"no {method} of /{'/'.join(parts)}")

    # --- what cars say ---------------------------------------------------------------------------

    def _time(self, authority: Authority, body: bytes) -> Answer:
        if authority.time is None:
            return _no(503, "no key of time is here")
        try:
            nonces = msgspec.json.decode(body, type=Question).nonces
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(str(error)) from error
        if not 0 < len(nonces) <= NONCES_MOST:
            raise InputError(f"1 to {NONCES_MOST} nonces")
        return Answer(200, attest(int(self.clock_s()), nonces, authority.time), JSON)

    def _join(self, authority: Authority, body: bytes) -> Answer:
        try:
            asked = msgspec.json.decode(body, type=JoinRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise InputError(f"no joining: {error}") from error
        with self.fleet.store.work() as work:
            # Nobody remembers anything of it: an older token was taken back, with news, when its code was made.
            joined = join(work, authority, asked, self.clock_s())
        return Answer(200, msgspec.json.encode(joined), JSON)

    def _manifest(self, authority: Authority, car_id: str, body: bytes) -> Answer:
        now_s = self.clock_s()
        with self.fleet.store.read() as work:
            before = work.record(car_id)
        if before is None:
            return _no(404, f"no car {car_id} that speaks Uptane")
        # Signatures are checked before anybody is kept waiting for the database.
        heard = hear(before, body, now_s)
        if not heard.believed:
            return self._disbelieved(car_id, heard.car.why)
        with self.fleet.store.work() as work:
            record = work.record(car_id)
            if record is None:
                return _no(404, f"no car {car_id} that speaks Uptane")
            if record != before:
                heard = hear(record, body, now_s)
            if heard.believed:
                Hearing(self.fleet, work, self._with_refusals(heard), now_s).take(authority)
        if not heard.believed:
            return self._disbelieved(car_id, heard.car.why)
        self.fleet.saw(car_id, now_s)
        car = heard.car
        runs = {unit: one.name for unit, one in car.installed.items()}
        return Answer(200, msgspec.json.encode({"runs": runs, "attacks": car.attacks}), JSON)

    def _disbelieved(self, car_id: str, why: str) -> Answer:
        """Count it, tell it, and change nothing else."""
        now_s = self.clock_s()
        with self._lock:
            if car_id not in self._refused and len(self._refused) >= REFUSALS_MOST:
                self._refused.pop(next(iter(self._refused)))
            found = self._refused.setdefault(car_id, _Refused())
            found.count, found.why = found.count + 1, why
            waits = abs(now_s - found.written_s) < REFUSALS_S
            if not waits:
                found.written_s = now_s
        if not waits:
            with self.fleet.store.work() as work:
                record = work.record(car_id)
                if record is not None:
                    work.put_record(self._counted(record))
        return _no(403, why)

    def _with_refusals(self, heard: Heard) -> Heard:
        return Heard(
            self._counted(heard.car), heard.believed, heard.changed, heard.condition, heard.ended
        )

    def _counted(self, car: CarRecord) -> CarRecord:
        """With what was refused since the last time."""
        with self._lock:
            found = self._refused.get(car.car_id)
            if found is None or not found.count:
                return car
            count, found.count = found.count, 0
        return replace(car, refused=car.refused + count, why=found.why)

    # --- what cars read --------------------------------------------------------------------------

    def _director(self, authority: Authority, car_id: str, name: str) -> Answer:
        now_s = self.clock_s()
        with self.fleet.store.read() as work:
            files = work.director_files(car_id) if work.record(car_id) is not None else None
            if files is None:
                return _no(404, f"no director of {car_id}")
            stale = name == file_of(TIMESTAMP) and (
                _fades(files[name], now_s)
                or authority.director_of(work).is_behind(files)
                or (offers_something(files) and is_called_back(work, car_id))
            )
            if not stale and name.endswith(".root.json"):
                files = files_of(work, DIRECTOR) | files
        if stale:
            with self.fleet.store.work() as work:
                files = freshen(work, authority, car_id, now_s)
        return _file(files, name)

    def _image_metadata(self, authority: Authority, name: str) -> Answer:
        now_s = self.clock_s()
        with self.fleet.store.read() as work:
            files = files_of(work, IMAGE)
        if name == file_of(TIMESTAMP) and _fades(files[name], now_s):
            with self.fleet.store.work() as work:
                files = renew(work, authority, now_s)
        return _file(files, name)

    def _image(self, name: str, headers: Mapping[str, str]) -> Answer:
        digest = digest_of_name(name)
        length = None
        if digest is not None:
            with self.fleet.store.read() as work:
                length = _length(work, digest)
        if digest is None or length is None:
            return _no(404, f"no image {name}")
        etag = f'"{digest}"'
        part = choose(
            length,
            etag,
            wanted=headers.get("range", ""),
            if_match=headers.get("if-match", ""),
            if_range=headers.get("if-range", ""),
        )
        told = {"etag": etag, "accept-ranges": "bytes"}
        if part.content_range is not None:
            told["content-range"] = part.content_range
        if part.status not in {200, 206}:
            return Answer(part.status, b"", "application/octet-stream", told)
        told["content-length"] = str(part.end - part.begin)
        file = Artifact(filename="image", size=length, sha1="", md5="", sha256=digest)
        return Answer(part.status, b"", "application/octet-stream", told, (file, part))


def _length(work: Work, digest: str) -> int | None:
    """Of an image or a delta that is published; files of other protocols are not given here."""
    for job in work.delta_jobs():
        if job.state == "made" and job.sha256 == digest:
            return job.length
    return _lengths(_newest_targets(files_of(work, IMAGE))).get(digest)


@lru_cache(maxsize=4)
def _lengths(targets: bytes) -> Mapping[str, int]:
    """Length by SHA-256 of all images in targets of the image repository."""
    listed = msgspec.json.decode(targets)["signed"]["targets"].values()
    return {one["hashes"]["sha256"]: one["length"] for one in listed}


def _newest_targets(files: Mapping[str, bytes]) -> bytes:
    ends = f".{file_of(TARGETS)}"
    names = [name for name in files if name.endswith(ends)]
    return files[max(names, key=lambda name: int(name.partition(".")[0]))]


@lru_cache(maxsize=4096)
def _expires_s(timestamp: bytes) -> float:
    signed = parse(Timestamp, timestamp, repository="", role=TIMESTAMP).signed
    return float(signed.expires.timestamp())


def _fades(timestamp: bytes, now_s: float) -> bool:
    return _expires_s(timestamp) - now_s < RENEW_SHARE * LIFETIMES_S[TIMESTAMP]


def _file(files: Mapping[str, bytes], name: str) -> Answer:
    data = files.get(name)
    if data is None:
        return _no(404, f"no file {name}")
    return Answer(200, data, JSON, {"cache-control": "no-cache"})


def _no(status: int, why: str) -> Answer:
    return Answer(status, msgspec.json.encode({"error": why}), JSON)
