"""Campaigns and their cars in the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from volant.cloud.campaigns.health import CarHealth
from volant.cloud.campaigns.state import ERRORS, ORDER, UNABLE, Campaign, CarState, Task
from volant.cloud.store.ports import FailureRow
from volant.cloud.store.rows import Rows, read, write
from volant.core.errors import RefusedError

STATES: Final = tuple(CarState)
BAD: Final = ERRORS | UNABLE
EXAMPLES: Final = 5
COLUMNS: Final = (
    "tasks.campaign_id, tasks.car_id, tasks.wave, tasks.state, tasks.attempt, tasks.due_s,"
    " tasks.waits_until_s, tasks.reason, tasks.health"
)
BEGUN: Final = "join campaigns on campaigns.id = tasks.campaign_id and campaigns.begun"
"""Cars are put into a campaign before it begins, many at a time; until then nobody sees them."""
INSERT: Final = (
    "insert into tasks (campaign_id, car_id, wave, state, bad, attempt, due_s, waits_until_s, reason, health)"
    " values (:campaign, :car, :wave, :state, :bad, :attempt, :due, :waits, :reason, :health)"
)

FRESH: Final = (
    "insert into tasks (campaign_id, car_id, wave, state, bad, attempt, reason) select :campaign,"
)
ENLIST: Final = {
    "sqlite": f"{FRESH} json_extract(value, '$[0]'), json_extract(value, '$[1]'), 0, false, 0, ''"
    " from json_each(:rows)",
    "postgresql": f"{FRESH} value ->> 0, cast(value ->> 1 as smallint), 0, false, 0, ''"
    " from json_array_elements(cast(:rows as json))",
}
"""Many new cars in one statement, which also leaves Python to others meanwhile. State 0 is `waiting`."""


class CampaignRows(Rows):
    """The part of a transaction that is about campaigns."""

    def campaign(self, campaign_id: str) -> Campaign | None:
        """A campaign."""
        return self._one(Campaign, "select body from campaigns where id = :id", id=campaign_id)

    def campaigns(self) -> list[Campaign]:
        """All campaigns, in the order in which they were made."""
        return list(self._all(Campaign, "select body from campaigns order by place"))

    def put_campaign(self, campaign: Campaign) -> None:
        """Store a campaign."""
        self._run(
            "insert into campaigns (id, begun, body) values (:id, :begun, :body)"
            " on conflict (id) do update set begun = excluded.begun, body = excluded.body",
            id=campaign.plan.campaign_id,
            begun=bool(campaign.tallies),
            body=write(campaign, Campaign),
        )

    def task(self, campaign_id: str, car_id: str) -> Task | None:
        """A car's part in a campaign."""
        found = self._first(
            f"select {COLUMNS} from tasks {BEGUN}"
            " where tasks.car_id = :car and tasks.campaign_id = :campaign",
            campaign=campaign_id,
            car=car_id,
        )
        return None if found is None else _task(*found)

    def tasks_of(self, car_id: str) -> list[Task]:
        """A car's parts in all campaigns, in the order in which these were made."""
        sql = f"select {COLUMNS} from tasks {BEGUN} where tasks.car_id = :car order by place"
        return [_task(*row) for row in self._run(sql, car=car_id)]

    def tasks_in(self, campaign_id: str) -> Iterator[Task]:
        """All cars of a campaign, by wave and state."""
        sql = (
            f"select {COLUMNS} from tasks {BEGUN} where tasks.campaign_id = :campaign"
            " order by tasks.wave, tasks.state, tasks.car_id"
        )
        for row in self._stream(sql, campaign=campaign_id):
            yield _task(*row)

    def put_task(self, task: Task) -> None:
        """Store a car's part in a campaign."""
        self._run(
            f"{INSERT} on conflict (car_id, campaign_id) do update set wave = excluded.wave,"
            " state = excluded.state, bad = excluded.bad, attempt = excluded.attempt, due_s = excluded.due_s,"
            " waits_until_s = excluded.waits_until_s, reason = excluded.reason, health = excluded.health",
            **_row(task),
        )

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Store many new ones."""
        rows = [_row(task) for task in tasks]
        if rows:
            self._run_many(INSERT, rows)

    def begin_enlisting(self, campaign_id: str) -> int:
        """Begin to put cars into a campaign that has not begun."""
        self._run(
            "insert into enlisting (campaign_id, number) values (:id, 0)"
            " on conflict (campaign_id) do nothing",
            id=campaign_id,
        )
        found = self._first(
            "update enlisting set number = number + 1 where campaign_id = :id returning number",
            id=campaign_id,
        )
        return int(found[0])

    def drop_tasks(self, campaign_id: str, most: int) -> int:
        """Take out some of the cars of a campaign that has not begun; how many there were."""
        found = self._run(
            "delete from tasks where campaign_id = :id and car_id in (select car_id from tasks"
            " where campaign_id = :id and not exists"
            " (select 1 from campaigns where campaigns.id = :id and begun) limit :most)",
            id=campaign_id,
            most=most,
        )
        return int(found.rowcount)

    def enlist(self, campaign_id: str, number: int, cars: Sequence[tuple[str, int]]) -> None:
        """Put cars with their waves into a campaign."""
        self._check_enlisting(campaign_id, number)
        sql = ENLIST[self._connection.dialect.name]
        self._run(sql, campaign=campaign_id, rows=msgspec.json.encode(cars).decode())

    def end_enlisting(self, campaign_id: str, number: int) -> None:
        """All are in it."""
        self._check_enlisting(campaign_id, number)

    def _check_enlisting(self, campaign_id: str, number: int) -> None:
        found = self._first(
            "select number from enlisting where campaign_id = :id and not exists"
            " (select 1 from campaigns where campaigns.id = :id and begun)",
            id=campaign_id,
        )
        if found is None or found[0] != number:
            raise RefusedError(f"somebody else starts {campaign_id} at the same time")

    def due(self, now_s: float, most: int) -> list[Task]:
        """Those whose time is over, the longest first."""
        sql = f"select {COLUMNS} from tasks where due_s <= :now order by due_s limit :most"
        return [_task(*row) for row in self._run(sql, now=now_s, most=most)]

    def tasks_page(
        self,
        campaign_id: str,
        *,
        state: CarState | None = None,
        wave: int | None = None,
        after: str = "",
        most: int = 100,
    ) -> list[Task]:
        """A page of a campaign's cars by id, of those after one."""
        campaign = self.campaign(campaign_id)
        if campaign is None or not campaign.tallies:
            return []
        # Each wave and state lies in the index by car: the first of each, of which the first are taken.
        waves = range(len(campaign.tallies)) if wave is None else (wave,)
        states = STATES if state is None else (state,)
        found: list[Task] = []
        for one_wave in waves:
            for one_state in states:
                found += self._tasks_run(campaign_id, one_wave, one_state, after, most)
        found.sort(key=lambda one: one.car_id)
        return found[:most]

    def _tasks_run(
        self, campaign_id: str, wave: int, state: CarState, after: str, most: int
    ) -> list[Task]:
        rows = self._run(
            f"select {COLUMNS} from tasks where campaign_id = :campaign and wave = :wave"
            " and state = :state and car_id > :after order by car_id limit :most",
            campaign=campaign_id,
            wave=wave,
            state=ORDER[state],
            after=after,
            most=most,
        )
        return [_task(*row) for row in rows]

    def failures(self, campaign_id: str, most: int = 100) -> list[FailureRow]:
        """Cars in error, not able, or that wait, grouped by state and reason, the most first."""
        groups = self._run(
            "select state, reason, count(*) as cars from tasks"
            " where campaign_id = :campaign and bad group by state, reason"
            " order by cars desc, state, reason limit :most",
            campaign=campaign_id,
            most=most,
        ).all()
        return [
            FailureRow(
                state=STATES[state],
                reason=reason,
                cars=cars,
                examples=self._examples(campaign_id, state, reason),
            )
            for state, reason, cars in groups
        ]

    def _examples(self, campaign_id: str, state: int, reason: str) -> tuple[str, ...]:
        rows = self._run(
            "select car_id from tasks where campaign_id = :campaign and bad"
            " and state = :state and reason = :reason order by car_id limit :most",
            campaign=campaign_id,
            state=state,
            reason=reason,
            most=EXAMPLES,
        )
        return tuple(car_id for (car_id,) in rows)


def _row(task: Task) -> dict[str, Any]:
    return {
        "campaign": task.campaign_id,
        "car": task.car_id,
        "wave": task.wave,
        "state": ORDER[task.state],
        "bad": task.state in BAD or task.waits_until_s is not None,
        "attempt": task.attempt,
        "due": task.due_s,
        "waits": task.waits_until_s,
        # PostgreSQL keeps no such character in a text, and cars say what they like.
        "reason": task.reason.replace("\0", "\ufffd"),
        "health": None if task.health == CarHealth() else write(task.health, CarHealth),
    }


def _task(
    campaign_id: str,
    car_id: str,
    wave: int,
    state: int,
    attempt: int,
    due_s: float | None,
    waits_until_s: float | None,
    reason: str,
    health: bytes | None,
) -> Task:
    return Task(
        campaign_id=campaign_id,
        car_id=car_id,
        wave=wave,
        state=STATES[state],
        attempt=attempt,
        due_s=due_s,
        waits_until_s=waits_until_s,
        reason=reason,
        health=CarHealth() if health is None else read(health, CarHealth),
    )
