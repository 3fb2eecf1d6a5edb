"""What devices hold, as against what a campaign counts: who has a deployment that it may begin, by its own action."""

from __future__ import annotations

from tests.cloud.shop import Shop
from volant.cloud.campaigns import CarState
from volant.cloud.ddi.device import Action

COUNTED_AS_ERROR = frozenset({CarState.LOST, CarState.AGAIN})


def at_it(shop: Shop, campaign: str) -> dict[str, Action]:
    """Cars whose device has something of a campaign that it may begin, and would be let begin."""
    with shop.fleet.store.read() as work:
        found = {one.controller_id: one.active for one in work.devices() if one.active is not None}
    return {
        car: one
        for car, one in found.items()
        if one.campaign_id == campaign and not (one.asking or one.canceling or one.kept)
    }


def check_holding(shop: Shop, campaign: str) -> None:
    """No more devices may begin than the campaign has places; those that are counted as errors come on top."""
    with shop.fleet.store.read() as work:
        known = work.campaign(campaign)
        tasks = {one.car_id: one for one in work.tasks_in(campaign)}
    assert known is not None
    holding = at_it(shop, campaign)
    placed = [car for car in holding if tasks[car].state not in COUNTED_AS_ERROR]
    assert len(placed) <= known.plan.concurrency, (placed, known.in_flight)
    for car in placed:
        assert tasks[car].state in {CarState.TOLD, CarState.BUSY}, (car, tasks[car].state)
        assert tasks[car].attempt == holding[car].attempt
    assert len(holding) + known.count(CarState.WATCHED) <= known.most_errors
