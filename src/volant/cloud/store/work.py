"""One transaction on either database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from volant.cloud.audit import EMPTY, Head, append
from volant.cloud.people import Person
from volant.cloud.store.campaign_rows import CampaignRows
from volant.cloud.store.ports import DeltaJob, StoredRelease
from volant.cloud.store.rows import write
from volant.cloud.store.search_rows import SearchRows

NEWS = "news"


class SqlWork(CampaignRows, SearchRows):
    """All that the port of the store asks for."""

    def release(self, name: str) -> StoredRelease | None:
        """A release."""
        return self._one(StoredRelease, "select body from releases where name = :name", name=name)

    def releases(self) -> list[StoredRelease]:
        """All of them, the newest first."""
        return list(self._all(StoredRelease, "select body from releases order by place desc"))

    def put_release(self, release: StoredRelease) -> None:
        """Store a release."""
        self._run(
            "insert into releases (name, body) values (:name, :body)"
            " on conflict (name) do update set body = excluded.body",
            name=release.name,
            body=write(release, StoredRelease),
        )

    def delta_jobs(self) -> list[DeltaJob]:
        """All deltas, those for the most cars first."""
        sql = "select body from deltas order by cars desc, base, target"
        return list(self._all(DeltaJob, sql))

    def put_delta_job(self, job: DeltaJob) -> None:
        """Store one, in place of that with the same base and target."""
        self._run(
            "insert into deltas (base, target, cars, body) values (:base, :target, :cars, :body)"
            " on conflict (base, target) do update set cars = excluded.cars, body = excluded.body",
            base=job.base,
            target=job.target,
            cars=job.cars,
            body=write(job, DeltaJob),
        )

    def person(self, name: str) -> Person | None:
        """Somebody who may act."""
        return self._one(Person, "select body from people where name = :name", name=name)

    def person_of(self, digest: str) -> Person | None:
        """Whose token has this SHA-256, in hex."""
        return self._one(Person, "select body from people where digest = :digest", digest=digest)

    def people(self) -> list[Person]:
        """Everybody, by name."""
        return list(self._all(Person, "select body from people order by name"))

    def put_person(self, person: Person) -> None:
        """Store somebody."""
        self._run(
            "insert into people (name, digest, body) values (:name, :digest, :body)"
            " on conflict (name) do update set digest = excluded.digest, body = excluded.body",
            name=person.name,
            digest=person.digest,
            body=write(person, Person),
        )

    def number(self, kind: str) -> int:
        """The next number of a kind; never given twice."""
        found = self._first(
            "insert into numbers (kind, last) values (:kind, 1)"
            " on conflict (kind) do update set last = numbers.last + 1 returning last",
            kind=kind,
        )
        return int(found[0])

    def last_number(self, kind: str) -> int:
        """The last number of a kind that was given; 0: none."""
        found = self._first("select last from numbers where kind = :kind", kind=kind)
        return 0 if found is None else int(found[0])

    def put_number(self, kind: str, number: int) -> None:
        """Set the last number of a kind."""
        self._run(
            "insert into numbers (kind, last) values (:kind, :number)"
            " on conflict (kind) do update set last = excluded.last",
            kind=kind,
            number=number,
        )

    def tell_news(self) -> None:
        """Let all servers look anew at cars that were quiet."""
        self.number(NEWS)

    def log(
        self, *, at_s: float, by: str, act: str, about: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Append to the audit log."""
        line, head = append(self.head(), at_s=at_s, by=by, act=act, about=about, data=data)
        self._run(
            "insert into audit (number, about, line, digest)"
            " values (:number, :about, :line, :digest)",
            number=head.count,
            about=about,
            line=line,
            digest=head.digest,
        )

    def head(self) -> Head:
        """Where the audit log stands."""
        found = self._first("select number, digest from audit order by number desc limit 1")
        return EMPTY if found is None else Head(count=found[0], digest=found[1])

    def last_line(self) -> int:
        """Number of the audit log's last line; 0: there is none."""
        found = self._first("select number from audit order by number desc limit 1")
        return 0 if found is None else int(found[0])

    def about_since(self, number: int) -> Iterator[str]:
        """What lines of the audit log after one are about, each once."""
        sql = "select distinct about from audit where number > :number"
        for (about,) in self._stream(sql, number=number):
            yield about

    def lines(self) -> Iterator[bytes]:
        """The audit log."""
        for (line,) in self._stream(f"select {self._raw_line} from audit order by number"):
            yield bytes(line or b"")

    def lines_page(self, *, before: int | None = None, most: int = 100) -> list[bytes]:
        """The last lines of the audit log, or those before a number; the newest first."""
        rows = self._run(
            f"select {self._raw_line} from audit where number < :before"
            " order by number desc limit :most",
            before=self.head().count + 1 if before is None else before,
            most=most,
        )
        return [bytes(line or b"") for (line,) in rows]

    @property
    def _raw_line(self) -> str:
        """A line's bytes, even where somebody has put text in its place, as SQLite lets them."""
        sqlite = self._connection.dialect.name == "sqlite"
        return "cast(line as blob)" if sqlite else "line"

    def lines_about(self, about: str, most: int = 1000) -> list[bytes]:
        """Lines of the audit log about one thing, in their order; of more than `most` the last ones."""
        rows = self._run(
            f"select {self._raw_line} from audit where about = :about"
            " order by number desc limit :most",
            about=about,
            most=most,
        ).all()
        return [bytes(line or b"") for (line,) in reversed(rows)]
