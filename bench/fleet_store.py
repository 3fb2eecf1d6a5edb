"""A fleet of a million cars in the database: a campaign begins, and what the console asks for, with both databases."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from bench.rows import Row, at_most, percentile, skipped
from volant.cloud.artifacts import FolderArtifacts
from volant.cloud.campaigns import CarState, Plan, Wave, approve, draft, submit
from volant.cloud.ddi.device import Device
from volant.cloud.desk import Desk
from volant.cloud.service import Fleet
from volant.cloud.store import SqlStore
from volant.cloud.store.ports import StoredRelease

CARS = 1_000_000
KINDS = 200
AT_ONCE = 20_000
BEGIN_MOST_S = 10.0
ANSWER_MOST_MS = 200.0
MEMORY_MOST_MB = 100.0
NOW_S = 1_800_000_000.0
REASONS = 12
LINES = 200_000
"""Of the audit log."""
BAD_SHARE = 5
"""One car in so many is in error."""
PLAN = Plan(
    campaign_id="spring",
    title="Spring",
    release="2.0",
    waves=(
        Wave(name="canaries", count=5, errors_stop=1),
        Wave(name="tenth", share=0.1, errors_share=0.02),
        Wave(name="all", errors_share=0.02),
    ),
    concurrency=200,
)


def rows() -> list[Row]:
    with TemporaryDirectory() as name:
        found = _measure("SQLite", Path(name) / "fleet.db", Path(name))
    try:
        from tests.cloud.postgres import server

        with server() as database, TemporaryDirectory() as name:
            return [*found, *_measure("PostgreSQL", database.make_database(), Path(name))]
    except (FileNotFoundError, ImportError) as error:
        return [*found, skipped("fleet/1M cars, PostgreSQL", str(error))]


def _measure(kind: str, place: Path | str, folder: Path) -> list[Row]:
    with closing(SqlStore(place)) as store:
        fill(store, CARS)
        fleet = Fleet(store)
        found = begin(kind, fleet)
        spoil(store)
        log(store)

        def desk_of(opened: SqlStore) -> Desk:
            return Desk(Fleet(opened), FolderArtifacts(folder / "artifacts"), lambda: NOW_S)

        @contextmanager
        def cold() -> Iterator[Desk]:
            with closing(SqlStore(place)) as opened:
                yield desk_of(opened)

        return [*found, *answers(kind, desk_of(store), cold)]


def log(store: SqlStore) -> None:
    """A long audit log."""
    for begin in range(0, LINES, AT_ONCE):
        with store.work() as work:
            for number in range(begin, begin + AT_ONCE):
                work.log(at_s=NOW_S, by="car", act="tell", about=f"VOLANT{number:011}")


def fill(store: SqlStore, cars: int) -> None:
    """So many devices of so many kinds; much faster than by what the server does."""
    with store.work() as work:
        work.put_release(StoredRelease(name="2.0", version="2.0"))
        kinds = [_kind(number) for number in range(KINDS)]
        for one in kinds:
            work.put_device(one)
        known = dict(work._run("select car_id, kind from cars").all())
        ids = [known[one.controller_id] for one in kinds]
        everyone = iter(range(cars - KINDS))
        while some := list(islice(everyone, AT_ONCE)):
            named = [(f"VOLANT{number:011}", number * 7919 % KINDS) for number in some]
            _copy(work, "cars", ("car_id", "kind"), ((car, ids[kind]) for car, kind in named))
            bodies = ((car, _body(car, kinds[kind])) for car, kind in named)
            _copy(work, "devices", ("car_id", "body"), bodies)
            _copy(
                work, "seen", ("car_id", "at_s"), ((car, NOW_S - 5e4 * kind) for car, kind in named)
            )
        work._run("update kinds set cars = (select count(*) from cars where kind = kinds.id)")


def _kind(number: int) -> Device:
    attributes = {
        "model": f"ev{number % 4}",
        "region": ("eu", "us", "cn", "jp", "kr")[number // 4 % 5],
        "version": f"1.{number // 20}",
    }
    return Device(controller_id=f"T{number:03}", attributes=attributes, wants_attributes=False)


def _body(car: str, kind: Device) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(kind, controller_id=car))


def _copy(
    work: Any, table: str, columns: tuple[str, str], values: Iterator[tuple[Any, Any]]
) -> None:
    connection = work._connection
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"insert into {table} ({names}) values (?, ?)", list(values))
        return
    with connection.connection.cursor().copy(f"copy {table} ({names}) from stdin") as copy:
        for one in values:
            copy.write_row(one)


def begin(kind: str, fleet: Fleet) -> list[Row]:
    """Choose, divide and store all cars."""
    fleet.add(draft(PLAN, "ann"), "ann", NOW_S)
    fleet.act("spring", "submit", "ann", NOW_S, lambda one: submit(one, "ann", 0))
    fleet.act("spring", "approve", "bob", NOW_S, lambda one: approve(one, PLAN.digest, "bob", 1))
    before_mb = _most_mb()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    found = fleet.start("spring", "ann", 2, NOW_S)
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    sizes = ", ".join(str(one.size) for one in found.tallies)
    note = f"{cpu_s:.1f} s of own CPU; waves of {sizes}"
    return [
        at_most(f"fleet/begin a campaign of 1M cars, {kind}", took_s, BEGIN_MOST_S, "s", note),
        at_most(f"fleet/memory for it, {kind}", _most_mb() - before_mb, MEMORY_MOST_MB, "MB"),
    ]


def _most_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def spoil(store: SqlStore) -> None:
    """A fifth of the cars in error, for one of some reasons; more than a campaign would let happen."""
    place = list(CarState).index(CarState.FAILED)
    number = "cast(substr(car_id, 7) as bigint)"
    with store.work() as work:
        work._run(
            f"update tasks set state = {place}, bad = true, reason = 'flash error ' || ({number} % {REASONS})"
            f" where car_id like 'VOLANT%' and {number} % {BAD_SHARE} = 0"
        )
        if work._connection.dialect.name == "postgresql":
            # As its autovacuum does within a minute.
            work._run("analyze")


def routes(desk: Desk) -> dict[str, Callable[[], object]]:
    """What stands behind each address that the console reads, as it reads it; by address and what is asked of it."""
    ann = desk.local("ann")
    middle = f"VOLANT{CARS // 2:011}"
    failed = CarState.FAILED
    return {
        "/me": lambda: desk.me(ann),
        "/fleet": lambda: desk.overview(ann),
        "/campaigns": lambda: desk.campaigns(ann),
        "/campaigns/{campaign}": lambda: desk.campaign(ann, "spring"),
        "/campaigns/{campaign}/failures": lambda: desk.failures(ann, "spring"),
        "/campaigns/{campaign}/report": lambda: desk.report(ann, "spring"),
        "/campaigns/{campaign}/cars": lambda: desk.tasks(ann, "spring"),
        "/campaigns/{campaign}/cars in error": lambda: desk.tasks(
            ann, "spring", state=failed, after=middle
        ),
        "/campaigns/{campaign}/cars in a state of none": lambda: desk.tasks(
            ann, "spring", state=CarState.LOST
        ),
        "/campaigns/{campaign}/cars of a wave": lambda: desk.tasks(
            ann, "spring", wave="all", after=middle
        ),
        "/cars": lambda: desk.cars(ann),
        "/cars after another": lambda: desk.cars(ann, after=middle),
        "/cars by filter": lambda: desk.cars(ann, wanted="model == ev1 and version < 1.2"),
        "/cars by filter, none": lambda: desk.cars(ann, wanted="model == none"),
        "/cars by name": lambda: desk.cars(ann, wanted=f"car == {middle}"),
        "/cars by like": lambda: desk.cars(ann, wanted='car like "*7777777"'),
        "/cars/{car}": lambda: desk.car(ann, middle),
        "/releases": lambda: desk.releases(ann),
        "/deltas": lambda: desk.deltas(ann),
        "/people": lambda: desk.people(ann),
        "/audit": lambda: desk.audit(ann),
        "/audit before": lambda: desk.audit(ann, before=LINES // 2),
        "/releases/{release}/fit": lambda: desk.fit(ann, "2.0", "model == ev1"),
        "/audit/check": lambda: desk.check_audit(ann),
    }


LOOKS_AT_ALL: Final = frozenset({"/releases/{release}/fit", "/audit/check"})
"""Reads every car or every line, when a person asks for it; the console shows that it waits."""


def answers(
    kind: str, desk: Desk, cold_desk: Callable[[], AbstractContextManager[Desk]]
) -> list[Row]:
    """Every address that the console reads: of a server that has just started, and of one that has answered before."""
    cold = {}
    for name in routes(desk):
        with cold_desk() as just_started:
            cold[name] = _ms(routes(just_started)[name])
    warm = {name: _median_ms(act) for name, act in routes(desk).items()}
    found = []
    for words, took in (("first", cold), ("usual", warm)):
        asked = {name: ms for name, ms in took.items() if name not in LOOKS_AT_ALL}
        worst = sorted(asked, key=lambda one: -asked[one])
        note = ", ".join(f"{name} {asked[name]:.0f}" for name in worst[:8])
        name = f"fleet/slowest {words} answer at 1M cars, {kind}"
        found.append(at_most(name, asked[worst[0]], ANSWER_MOST_MS, "ms", note))
    slow = {name: warm[name] for name in sorted(LOOKS_AT_ALL)}
    note = ", ".join(f"{name} {ms:.0f}" for name, ms in slow.items())
    found.append(
        Row(f"fleet/answers that look at all, {kind}", max(slow.values()), "ms", note=note)
    )
    return found


def _ms(act: Callable[[], object]) -> float:
    """With what goes over the wire made of it."""
    began_s = time.perf_counter()
    msgspec.json.encode(act())
    return 1e3 * (time.perf_counter() - began_s)


def _median_ms(act: Callable[[], object]) -> float:
    return percentile([_ms(act) for _ in range(5)], 0.5)
