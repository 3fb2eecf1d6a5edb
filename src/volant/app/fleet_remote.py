"""A fleet behind a server: what `cloud.desk` offers, asked of the management API with a person's token."""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from volant.cloud import views
from volant.cloud.campaigns import CarState, Plan
from volant.cloud.looking import PAGE, ForbiddenError, MissingError
from volant.cloud.people import Person, Role
from volant.core.errors import InputError, LinkError, RefusedError, TrustError, VolantError

TIMEOUT_S: Final = 120.0
"""A start with a million cars takes its seconds; a choice of ours."""
BLOCK_BYTES: Final = 1 << 18
"""Of a file, sent at once."""
ANSWER_MOST_BYTES: Final = 64 << 20
PEOPLE_PORT: Final = 8771
PORTS: Final = {"http": 80, "https": 443}
ERRORS: Final[Mapping[int, type[VolantError]]] = {
    400: InputError, 401: TrustError, 403: ForbiddenError, 404: MissingError, 409: RefusedError,
    413: InputError,
}  # fmt: skip
SOMEBODY: Final = Person(name="somebody", role=Role.VIEWER, digest="")
"""Who asks is the token's; what is handed in as a person is not looked at."""
T = TypeVar("T")


class RemoteDesk:
    """The same verbs and lists as `Desk`, with the same errors; `person` is the one whose token it is."""

    def __init__(self, url: str, token: str) -> None:
        """Nothing is asked yet.

        Raises:
            InputError: it is no address of a fleet's server.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or parts.hostname is None or parts.query or parts.fragment:
            raise InputError(f"{url!r} is no address such as https://fleet.example:8771")
        try:
            self._port = parts.port or PORTS[parts.scheme]
        except ValueError as error:
            raise InputError(f"{url!r}: {error}") from error
        self._host, self._secure = parts.hostname, parts.scheme == "https"
        self._root, self._token = f"{parts.path.rstrip('/')}/api/v1", token

    def me(self, _: Person) -> views.MeView:
        """Who asks."""
        return self._get("/me", views.MeView)

    def overview(self, _: Person) -> views.FleetView:
        """The whole fleet in a few numbers."""
        return self._get("/fleet", views.FleetView)

    def campaigns(self, _: Person) -> list[views.CampaignLine]:
        """All campaigns."""
        return self._get("/campaigns", list[views.CampaignLine])

    def campaign(self, _: Person, campaign: str) -> views.CampaignView:
        """One campaign."""
        return self._get(_path("campaigns", campaign), views.CampaignView)

    def tasks(
        self,
        _: Person,
        campaign: str,
        *,
        state: CarState | None = None,
        wave: str = "",
        after: str = "",
        limit: int = PAGE,
    ) -> views.TasksPage:
        """A page of a campaign's cars."""
        asked: dict[str, Any] = {"wave": wave, "after": after, "limit": limit}
        if state is not None:
            asked["state"] = str(state)
        return self._get(_path("campaigns", campaign, "cars"), views.TasksPage, **asked)

    def failures(self, _: Person, campaign: str) -> list[views.FailureView]:
        """Cars in error or not able, grouped by reason."""
        return self._get(_path("campaigns", campaign, "failures"), list[views.FailureView])

    def report(self, _: Person, campaign: str) -> views.ReportView:
        """A campaign as a record for others."""
        return self._get(_path("campaigns", campaign, "report"), views.ReportView)

    def cars(
        self, _: Person, *, wanted: str = "", after: str = "", limit: int = PAGE
    ) -> views.CarsPage:
        """A page of cars."""
        return self._get("/cars", views.CarsPage, filter=wanted, after=after, limit=limit)

    def car(self, _: Person, car: str) -> views.CarView:
        """One car."""
        return self._get(_path("cars", car), views.CarView)

    def releases(self, _: Person) -> list[views.ReleaseView]:
        """All releases."""
        return self._get("/releases", list[views.ReleaseView])

    def fit(self, _: Person, release: str, wanted: str = "") -> views.FitView:
        """How a release fits the cars of a filter."""
        return self._get(_path("releases", release, "fit"), views.FitView, cars=wanted)

    def deltas(self, _: Person) -> list[views.DeltaView]:
        """Deltas in the making."""
        return self._get("/deltas", list[views.DeltaView])

    def people(self, _: Person) -> list[views.PersonView]:
        """Everybody with a token."""
        return self._get("/people", list[views.PersonView])

    def audit(
        self, _: Person, *, before: int | None = None, limit: int = PAGE
    ) -> list[views.AuditLine]:
        """Lines of the audit log."""
        asked = {"limit": limit} | ({} if before is None else {"before": before})
        return self._get("/audit", list[views.AuditLine], **asked)

    def check_audit(self, _: Person, holds: str = "") -> views.AuditCheckView:
        """Let the server read the whole audit log, and hold it against a head that was kept elsewhere."""
        return self._get("/audit/check", views.AuditCheckView, holds=holds)

    def draft(self, _: Person, plan: Plan) -> views.CampaignView:
        """Write a new campaign."""
        return self._send("POST", "/campaigns", views.CampaignView, plan)

    def change(
        self, _: Person, campaign: str, plan: Plan, revision: int | None = None
    ) -> views.CampaignView:
        """Put another plan in place."""
        asked = {} if revision is None else {"revision": revision}
        path = _with_query(_path("campaigns", campaign, "plan"), asked)
        return self._send("PUT", path, views.CampaignView, plan)

    def act(self, _: Person, campaign: str, verb: str, body: views.ActBody) -> views.CampaignView:
        """Submit, approve, start, pause, resume, stop or retry."""
        return self._send("POST", _path("campaigns", campaign, verb), views.CampaignView, body)

    def admit(self, _: Person, car: str) -> views.TokenView:
        """Let a car in."""
        return self._send("POST", "/cars", views.TokenView, {"car": car})

    def admit_uptane(self, _: Person, car: str) -> views.TokenView:
        """Let a car in that speaks Uptane."""
        return self._send("POST", "/cars", views.TokenView, {"car": car, "uptane": True})

    def dismiss(self, _: Person, car: str) -> None:
        """Let a car out."""
        self._ask("DELETE", _path("cars", car))

    def put_groups(self, _: Person, car: str, groups: Sequence[str]) -> views.CarView:
        """Put a car into groups."""
        path = _path("cars", car, "groups")
        return self._send("PUT", path, views.CarView, {"groups": list(groups)})

    def ready(self, _: Person, release: str) -> views.ReadyView:
        """Whether a release of a name can be made, and images signed."""
        return self._get(_path("releases", release, "ready"), views.ReadyView)

    def take_file(
        self,
        _: Person,
        name: str,
        file: Path,
        *,
        sha256: str = "",
        told: Callable[[int], None] | None = None,
    ) -> views.FileView:
        """Send a file, for a release to come; one that the server has already is not sent again.

        Args:
            _: who does it is the token's.
            name: of the file, as devices see it.
            file: where it is.
            sha256: what it is to be, in hex; empty: whatever it is.
            told: is told how many bytes went each time.
        """
        try:
            with file.open("rb") as source:
                digest = hashlib.file_digest(source, "sha256").hexdigest()
                if sha256 and digest != sha256:
                    raise InputError(f"{name} has SHA-256 {digest}, expected {sha256}")
                length = source.seek(0, os.SEEK_END)
                if self._has(digest):
                    if told is not None:
                        told(length)
                    return views.FileView(name=name, length=length, sha256=digest, hardware="")
                source.seek(0)
                path = _with_query(_path("releases", "new", "files", name), {"sha256": digest})
                data = self._ask(
                    "PUT", path, body=_blocks(source, told), length=length,
                    kind="application/octet-stream",
                )  # fmt: skip
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", file=str(file)) from error
        return _read(data, views.FileView)

    def _has(self, sha256: str) -> bool:
        """Whether the server has a file; one that is older than this question has not."""
        try:
            self._ask("GET", _path("files", sha256))
        except MissingError:
            return False
        return True

    def publish(self, _: Person, release: str, body: views.ReleaseBody) -> views.ReleaseView:
        """Make a release of files that were sent."""
        return self._send("PUT", _path("releases", release), views.ReleaseView, body)

    def invite(
        self, _: Person, name: str, role: Role, expires_s: float | None = None
    ) -> views.TokenView:
        """Give somebody a token."""
        said = {"name": name, "role": str(role), "expires_s": expires_s}
        return self._send("POST", "/people", views.TokenView, said)

    def uninvite(self, _: Person, name: str) -> views.PersonView:
        """Take somebody's token back."""
        return _read(self._ask("DELETE", _path("people", name)), views.PersonView)

    def _get(self, path: str, kind: type[T], **query: Any) -> T:
        return _read(self._ask("GET", _with_query(path, query)), kind)

    def _send(self, method: str, path: str, kind: type[T], body: object) -> T:
        data = msgspec.json.encode(body)
        return _read(self._ask(method, path, body=data, length=len(data)), kind)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        length: int = 0,
        kind: str = "application/json",
    ) -> bytes:
        """One request on a connection of its own.

        Raises:
            LinkError: the server is away, behind, or speaks something else.
            VolantError: what the server found wrong, as `Desk` would raise it.
        """
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        if body is not None:
            headers |= {"content-type": kind, "content-length": str(length)}
        connection = self._connection()
        try:
            connection.request(method, self._root + path, body=body, headers=headers)
            answer = connection.getresponse()
            data = answer.read(ANSWER_MOST_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LinkError(f"the fleet's server at {self._host}:{self._port}: {error}") from error
        finally:
            connection.close()
        if len(data) > ANSWER_MOST_BYTES:
            raise LinkError(f"an answer of more than {ANSWER_MOST_BYTES} bytes")
        if 200 <= answer.status < 300:
            return data
        words = _words(data)
        if words is None:
            raise LinkError(
                f"{self._host}:{self._port} answers {answer.status}, not as a fleet's door for people"
                f" does; that is another port than the cars', {PEOPLE_PORT} by default"
            )
        raise ERRORS.get(answer.status, LinkError)(words)

    def _connection(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=TIMEOUT_S, context=context
        )


def _blocks(source: IO[bytes], told: Callable[[int], None] | None) -> Iterator[bytes]:
    while block := source.read(BLOCK_BYTES):
        yield block
        if told is not None:
            told(len(block))


def _path(*parts: str) -> str:
    return "".join(f"/{quote(one, safe='')}" for one in parts)


def _with_query(path: str, query: Mapping[str, Any]) -> str:
    asked = {key: value for key, value in query.items() if value != ""}
    return f"{path}?{urlencode(asked)}" if asked else path


def _read(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LinkError(f"the server answers something else than expected: {error}") from error


def _words(data: bytes) -> str | None:
    """What the server found wrong; None: it is no server of ours that says so."""
    try:
        return msgspec.json.decode(data, type=views.ErrorView).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
