"""Cars in the database: what both protocols know of each, and its facts, which stand once for all cars alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec
from sqlalchemy import bindparam, text

from volant.cloud.campaigns.filters import Facts, Filter, words_of
from volant.cloud.campaigns.waves import Candidate
from volant.cloud.ddi.device import Device
from volant.cloud.inventory import CarRecord
from volant.cloud.store.ports import CarRow, Let, facts_of
from volant.cloud.store.rows import Rows, read, write

DIGEST_BYTES: Final = 16
KINDS_MOST: Final = 100_000
"""Kinds of cars that are held at once; when more cars are unlike, a filter is asked of each car, which takes longer."""
GROUP: Final = "group"
CAR: Final = "car"
CAR_ROWS: Final = (
    "select cars.car_id, seen.at_s, devices.body, records.body from cars"
    " left join seen on seen.car_id = cars.car_id"
    " left join devices on devices.car_id = cars.car_id"
    " left join records on records.car_id = cars.car_id"
)
LET_IN: Final = text(
    "select tokens.car_id, tokens.digest, devices.body,"
    " exists (select 1 from tasks where tasks.car_id = tokens.car_id) from tokens"
    " left join devices on devices.car_id = tokens.car_id where tokens.car_id in :cars"
).bindparams(bindparam("cars", expanding=True))


class CarRows(Rows):
    """The part of a transaction that is about cars."""

    def device(self, car_id: str) -> Device | None:
        """A device."""
        return self._one(Device, "select body from devices where car_id = :car", car=car_id)

    def devices(self) -> Iterator[Device]:
        """All devices, one after the other."""
        return self._all(Device, "select body from devices order by car_id")

    def put_device(self, device: Device) -> None:
        """Store a device."""
        car_id = device.controller_id
        self._run(
            "insert into devices (car_id, body) values (:car, :body)"
            " on conflict (car_id) do update set body = excluded.body",
            car=car_id,
            body=write(device, Device),
        )
        self._describe(car_id, facts_of(device, self.record(car_id)))

    def record(self, car_id: str) -> CarRecord | None:
        """What a car's manifests told, if it speaks Uptane."""
        return self._one(CarRecord, "select body from records where car_id = :car", car=car_id)

    def put_record(self, record: CarRecord) -> None:
        """Store what its manifests told."""
        self._run(
            "insert into records (car_id, body) values (:car, :body)"
            " on conflict (car_id) do update set body = excluded.body",
            car=record.car_id,
            body=write(record, CarRecord),
        )
        self._describe(record.car_id, facts_of(self.device(record.car_id), record))

    def records(self) -> Iterator[CarRecord]:
        """All of these, one after the other."""
        return self._all(CarRecord, "select body from records order by car_id")

    def everyone(self) -> Iterator[tuple[str, Facts]]:
        """All cars of both protocols by id, with what a filter may ask of them."""
        found = self._stream(
            "select cars.car_id, kinds.facts from cars join kinds on kinds.id = cars.kind"
            " order by cars.car_id"
        )
        for car_id, body in found:
            yield car_id, {**kind_facts(body), CAR: (car_id,)}

    def chosen(self, wanted: Filter) -> Iterator[Candidate]:
        """Cars that a filter lets through, by id."""
        groups = None if CAR in words_of(wanted) else self._groups(wanted)
        if groups is None:
            for car_id, facts in self.everyone():
                if wanted(facts):
                    yield Candidate(car_id, facts.get(GROUP, ()))
            return
        for car_id, kind in self._stream("select car_id, kind from cars order by car_id"):
            if (found := groups.get(kind)) is not None:
                yield Candidate(car_id, found)

    def _groups(self, wanted: Filter) -> dict[int, tuple[str, ...]] | None:
        """Kinds of cars that a filter lets through, with their groups; None: there are too many kinds to hold."""
        if self._first("select count(*) from kinds")[0] > KINDS_MOST:
            return None
        rows = self._run("select id, facts from kinds").all()
        told = ((number, kind_facts(body)) for number, body in rows)
        return {number: facts.get(GROUP, ()) for number, facts in told if wanted(facts)}

    def cars(self, *, after: str = "", most: int = 100) -> list[CarRow]:
        """A page of all cars by id, of those after one."""
        sql = f"{CAR_ROWS} where cars.car_id > :after order by cars.car_id limit :most"
        return [car_row(*row) for row in self._run(sql, after=after, most=most)]

    def car(self, car_id: str) -> CarRow | None:
        """One of these."""
        found = self._first(f"{CAR_ROWS} where cars.car_id = :car", car=car_id)
        return None if found is None else car_row(*found)

    def remove_car(self, car_id: str) -> None:
        """Forget a car: device, record, director's files, token and when it was heard; its tasks stay."""
        kind = self._first("delete from cars where car_id = :car returning kind", car=car_id)
        if kind is not None:
            self._leave_kind(kind[0])
        for table in ("devices", "records", "director_files", "tokens", "seen"):
            self._run(f"delete from {table} where car_id = :car", car=car_id)

    def count_cars(self) -> int:
        """How many cars there are."""
        return int(self._first("select coalesce(sum(cars), 0) from kinds")[0])

    def count_seen(self, *since_s: float) -> tuple[int, ...]:
        """How many were heard since each of these, Unix seconds; looks at all cars once."""
        sums = ", ".join(
            f"coalesce(sum(case when at_s >= :since_{place} then 1 else 0 end), 0)"
            for place in range(len(since_s))
        )
        values = {f"since_{place}": one for place, one in enumerate(since_s)}
        return tuple(map(int, self._first(f"select {sums} from seen", **values)))

    def director_files(self, car_id: str) -> dict[str, bytes] | None:
        """What the director has published for a car, by name; None: nothing yet."""
        sql = "select body from director_files where car_id = :car"
        return self._one(dict[str, bytes], sql, car=car_id)

    def put_director_files(self, car_id: str, files: dict[str, bytes]) -> None:
        """Put other files in their place."""
        self._run(
            "insert into director_files (car_id, body) values (:car, :body)"
            " on conflict (car_id) do update set body = excluded.body",
            car=car_id,
            body=write(files, dict[str, bytes]),
        )

    def token(self, car_id: str) -> str | None:
        """SHA-256 of a car's token, in hex."""
        found = self._first("select digest from tokens where car_id = :car", car=car_id)
        return None if found is None else str(found[0])

    def let_in(self, car_ids: Sequence[str]) -> dict[str, Let]:
        """Many cars at once; those without a token lack."""
        return {
            car_id: Let(
                digest=digest,
                device=None if device is None else read(device, Device),
                has_tasks=bool(tasks),
            )
            for car_id, digest, device, tasks in self._connection.execute(
                LET_IN, {"cars": list(car_ids)}
            )
        }

    def put_token(self, car_id: str, digest: str) -> None:
        """Let a car in by a token."""
        self._run(
            "insert into tokens (car_id, digest) values (:car, :digest)"
            " on conflict (car_id) do update set digest = excluded.digest",
            car=car_id,
            digest=digest,
        )

    def seen(self, times_s: Iterable[tuple[str, float]]) -> None:
        """When cars were heard last, many at once."""
        rows = [{"car": car_id, "at": at_s} for car_id, at_s in times_s]
        if rows:
            self._run_many(
                "insert into seen (car_id, at_s) values (:car, :at)"
                " on conflict (car_id) do update set at_s = excluded.at_s",
                rows,
            )

    def add_devices(self, digests: Mapping[str, str]) -> None:
        """Let many devices in at once by their tokens' SHA-256; of one that is known only the token is another."""
        devices = [Device(controller_id=car_id) for car_id in digests]
        if not devices:
            return
        facts = facts_of(devices[0], None)
        body = msgspec.msgpack.encode({word: facts[word] for word in sorted(facts) if word != CAR})
        kind = self._first(
            "insert into kinds (digest, facts, cars) values (:digest, :facts, 0)"
            " on conflict (digest) do update set cars = kinds.cars returning id",
            digest=hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest(),
            facts=body,
        )[0]
        before = self._first("select count(*) from cars")[0]
        self._run_many(
            "insert into cars (car_id, kind) values (:car, :kind) on conflict (car_id) do nothing",
            [{"car": car_id, "kind": kind} for car_id in digests],
        )
        fresh = self._first("select count(*) from cars")[0] - before
        self._run("update kinds set cars = cars + :fresh where id = :id", fresh=fresh, id=kind)
        self._run("delete from kinds where id = :id and cars = 0", id=kind)
        self._run_many(
            "insert into devices (car_id, body) values (:car, :body) on conflict (car_id) do nothing",
            [{"car": one.controller_id, "body": write(one, Device)} for one in devices],
        )
        self._run_many(
            "insert into tokens (car_id, digest) values (:car, :digest)"
            " on conflict (car_id) do update set digest = excluded.digest",
            [{"car": car_id, "digest": digest} for car_id, digest in digests.items()],
        )

    def _describe(self, car_id: str, facts: Facts) -> None:
        """Put a car with those that have the same facts."""
        body = msgspec.msgpack.encode({word: facts[word] for word in sorted(facts) if word != CAR})
        digest = hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()
        before = self._first(
            "select kinds.id, kinds.digest from cars join kinds on kinds.id = cars.kind"
            " where cars.car_id = :car",
            car=car_id,
        )
        if before is not None and before[1] == digest:
            return
        kind = self._first(
            "insert into kinds (digest, facts, cars) values (:digest, :facts, 1)"
            " on conflict (digest) do update set cars = kinds.cars + 1 returning id",
            digest=digest,
            facts=body,
        )[0]
        self._run(
            "insert into cars (car_id, kind) values (:car, :kind)"
            " on conflict (car_id) do update set kind = excluded.kind",
            car=car_id,
            kind=kind,
        )
        if before is not None:
            self._leave_kind(before[0])

    def _leave_kind(self, kind: int) -> None:
        self._run("update kinds set cars = cars - 1 where id = :id", id=kind)
        self._run("delete from kinds where id = :id and cars = 0", id=kind)


def car_row(
    car_id: str, seen_s: float | None, device: bytes | None, record: bytes | None
) -> CarRow:
    """A row as the port has it."""
    return CarRow(
        car_id=car_id,
        seen_s=seen_s,
        device=None if device is None else read(device, Device),
        record=None if record is None else read(record, CarRecord),
    )


@lru_cache(maxsize=4096)
def kind_facts(body: bytes) -> Facts:
    """Facts that stand once for many cars."""
    return read(body, dict[str, tuple[str, ...]])
