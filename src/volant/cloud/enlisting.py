"""Putting cars into a campaign that starts: thousands at a time, so that other cars are answered meanwhile.

All cars are looked at in one reading transaction, which sees them as they were when it began. What is written is seen
by nobody before the campaign has begun, and whoever starts it again, after a kill, begins from nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

import numpy as np

from volant.cloud.campaigns import Plan, parse_filter
from volant.cloud.campaigns.waves import NOWHERE, divide
from volant.cloud.store.ports import FleetStore, Work

AT_ONCE: Final = 5000
"""Cars of one transaction: some 20 ms with SQLite. A choice of ours."""


def enlist(store: FleetStore, plan: Plan) -> tuple[int, tuple[int, ...]]:
    """Choose the cars of a campaign, divide them and store that; gives its number and how many cars each wave has.

    Raises:
        InputError: its filter is none.
        RefusedError: somebody else starts it at the same time.
        LinkError: the database is away.
    """
    wanted = parse_filter(plan.cars)
    with store.work() as work:
        number = work.begin_enlisting(plan.campaign_id)
    dropped = AT_ONCE
    while dropped == AT_ONCE:
        with store.work() as work:
            dropped = work.drop_tasks(plan.campaign_id, AT_ONCE)
    with store.read() as seen:
        waves = divide(plan, seen.chosen(wanted))
        cars = _cars(seen, plan, waves)
        while some := list(islice(cars, AT_ONCE)):
            with store.work() as work:
                work.enlist(plan.campaign_id, number, some)
    sizes = np.bincount(waves[waves != NOWHERE], minlength=len(plan.waves))
    return number, tuple(sizes.tolist())


def _cars(
    seen: Work, plan: Plan, waves: np.ndarray[tuple[int], np.dtype[np.int8]]
) -> Iterator[tuple[str, int]]:
    chosen = seen.chosen(parse_filter(plan.cars))
    for car, wave in zip(chosen, waves.tolist(), strict=True):
        if wave != NOWHERE:
            yield car.car_id, wave
