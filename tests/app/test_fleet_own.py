"""The fleet that simulated cars have of their own, and one elsewhere as its management API shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from volant.app.fleet_cars import Making, car_id, make_car
from volant.app.fleet_far import FarFleet, campaign_of, door_of
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_own import OwnFleet, plan_for
from volant.app.fleet_steps import AnyCar
from volant.cloud import audit
from volant.cloud.campaigns import Phase
from volant.cloud.ddi import Device
from volant.cloud.desk import Desk
from volant.cloud.people import digest_of
from volant.core.errors import InputError, RefusedError


def some(seed: int, cars: int) -> list[AnyCar]:
    return [make_car(Making(seed), place, cars) for place in range(cars)]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnFleet]:
    with closing(OwnFleet(tmp_path / "fleet")) as found:
        yield found


def test_cars_are_let_in_many_at_once_and_once_more(own: OwnFleet) -> None:
    own.admit(1, some(1, 30))
    tokens = own.admit(1, some(1, 50))
    assert len(set(tokens)) == 50
    with FleetFolder(own.folder) as home, home.store.read() as work:
        assert work.count_cars() == 50
        assert work.token(car_id(1, 7)) == digest_of(tokens[7])
        assert work.device(car_id(1, 49)) == Device(controller_id=car_id(1, 49))
        assert len(list(work.everyone())) == 50
        assert audit.check(work.lines()) == work.head()


def test_what_a_car_said_of_itself_stays_when_it_is_let_in_again(own: OwnFleet) -> None:
    own.admit(1, some(1, 3))
    told = Device(controller_id=car_id(1, 1), attributes={"model": "p7"})
    with FleetFolder(own.folder) as home:
        with home.store.work() as work:
            work.put_device(told)
        own.admit(1, some(1, 3))
        with home.store.read() as work:
            assert work.device(car_id(1, 1)) == told
            assert work.count_cars() == 3


def test_a_campaign_with_two_people(own: OwnFleet) -> None:
    own.admit(1, some(1, 40))
    plan = plan_for("sim-1", 40)
    own.run(plan)
    campaign = own.campaign("sim-1")
    assert (campaign.phase, [one.size for one in campaign.tallies]) == (Phase.RUNNING, [2, 4, 34])
    assert own.check("sim-1", [])[0] == []
    own.stop("sim-1")
    assert own.campaign("sim-1").phase is Phase.STOPPED
    assert own.check("sim-1", [])[1].halted_s == pytest.approx(time.time(), abs=60.0)
    with pytest.raises(RefusedError):
        own.run(plan)
    with pytest.raises(InputError):
        own.campaign("sim-2")


def test_a_fleet_elsewhere_shows_the_same(own: OwnFleet) -> None:
    own.admit(1, some(1, 40))
    own.run(plan_for("sim-1", 40))
    with FleetFolder(own.folder) as home:
        desk = Desk(home.fleet, home.artifacts, time.time)
        far, person = FarFleet(desk, Desk.local("ann")), Desk.local("ann")
        mine = own.campaign("sim-1")
        seen = campaign_of(desk.campaign(person, "sim-1"))
        assert (seen.tallies, seen.wave, seen.phase) == (mine.tallies, mine.wave, mine.phase)
        assert seen.most_errors == mine.most_errors
        tokens = far.admit(2, some(2, 2))
        with home.store.read() as work:
            assert work.token(car_id(2, 1)) == digest_of(tokens[1])
        far.stop("sim-1")
        findings, ledger = far.check("sim-1", [])
        assert findings == []
        assert ledger.halted_s is not None


def test_where_the_cars_door_is() -> None:
    assert door_of("http://fleet.example:8771", "") == ("fleet.example", 8770)
    assert door_of("https://fleet.example", "http://10.0.0.1:80") == ("10.0.0.1", 80)
    assert door_of("http://[::1]:8771", "") == ("::1", 8770)
    for bad in ("https://fleet.example", "ftp://fleet.example", "http://:1", "http://a:99999"):
        with pytest.raises(InputError):
            door_of("http://fleet.example", bad)
