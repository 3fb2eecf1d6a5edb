"""`volant fleet simulate` as a person runs it: a real server in a process of its own, cars over real sockets."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from volant.app.cli import app
from volant.app.fleet_cars import Making, make_car
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_own import OwnFleet, own_server
from volant.cloud.campaigns import Plan, Wave
from volant.cloud.desk import Desk
from volant.cloud.people import Role
from volant.core.errors import InputError

QUICK = Plan(
    campaign_id="quick",
    title="Quick",
    release="os-2",
    waves=(
        Wave(name="first", count=4, errors_stop=3, success_share=0.5),
        Wave(name="rest", errors_share=0.5, success_share=0.5),
    ),
    concurrency=40,
    patience_s=60.0,
    watch_s=0.0,
)
FAULTS = "offline=0.1,slow=0.1,full=0.05,failing=0.05,lying=0.1,replaying=0.1"


def simulate(*words: str, **environment: str) -> Any:
    """The answer as JSON; errors as they are raised."""
    line = ["fleet", "simulate", *words, "--json"]
    done = CliRunner().invoke(app, line, standalone_mode=False, env=environment)
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout)


def plan_file(folder: Path, **changes: Any) -> str:
    path = folder / "plan.json"
    path.write_bytes(msgspec.structs.replace(QUICK, **changes).to_bytes())
    return str(path)


@pytest.mark.slow
def test_faulty_cars_and_a_server_that_is_killed(tmp_path: Path) -> None:
    found = simulate(
        *("--cars", "60", "--poll-s", "1", "--faults", FAULTS, "--kill-s", "2", "--for-s", "90"),
        *("--plan", plan_file(tmp_path), "--storm", "--uptane", "0.2", "--woken", "0.2"),
    )
    assert found["findings"] == []
    assert found["ok"]
    assert found["told"] >= 4
    assert found["statuses"]["200"] > 60
    assert found["errors"] <= found["most_errors"]
    assert found["most_in_flight"] <= found["concurrency"]
    assert sum(one["size"] for one in found["waves"]) == 60


@pytest.mark.slow
def test_cars_of_both_protocols_are_called_and_stop_an_update_that_makes_them_unwell(
    tmp_path: Path,
) -> None:
    found = simulate(
        *("--cars", "40", "--poll-s", "2", "--uptane", "0.5", "--woken", "0.5", "--for-s", "90"),
        *("--faults", "unwell=0.6,replaying=0.2,lying=0.2", "--seed", "3"),
        *("--plan", plan_file(tmp_path, watch_s=30.0, waves=(Wave(name="all", errors_stop=2),))),
    )
    assert found["findings"] == []
    assert found["uptane"]["joined"] == found["uptane"]["cars"] > 10
    assert found["uptane"]["updated"] > 0
    assert found["lies_refused"] > 0
    assert found["visits_called"] > 0
    assert found["phase"] == "halted"
    assert any("unwell" in wave["cars"] for wave in found["waves"])


@pytest.mark.slow
def test_cars_come_to_a_server_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    with closing(OwnFleet(folder)) as fleet:
        fleet.admit(5, [make_car(Making(5), place, 10) for place in range(10)])
        fleet.run(msgspec.structs.replace(QUICK, campaign_id="spring"))
    with FleetFolder(folder) as home:
        desk = Desk(home.fleet, home.artifacts, time.time)
        token = desk.invite(desk.local("ann"), "eve", Role.ADMIN).token
    with own_server(folder, 1.0) as server:
        found = simulate(
            f"http://127.0.0.1:{server.people_port}",
            *("--door", f"http://127.0.0.1:{server.address[1]}", "--campaign", "spring"),
            *("--cars", "10", "--seed", "5", "--faults", "slow=0.2", "--for-s", "60"),
            VOLANT_FLEET_TOKEN=token,
        )
    assert found["findings"] == []
    assert found["phase"] == "finished"
    assert found["waves"][1]["cars"] == {"well": 6}


@pytest.mark.parametrize(("words", "says"), [
    (("http://127.0.0.1:1",), "--campaign"),
    (("http://127.0.0.1:1", "--campaign", "a", "--kill-s", "3"), "--kill-s"),
    (("--faults", "burning=1"), "offline"),
])  # fmt: skip
def test_wishes_that_are_none_are_refused(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        simulate(*words)
