"""A real server whose database goes away for a while, and whose disk is full; see docs/reference/fleet-tests.md."""

import resource
from pathlib import Path

import httpx
import pytest

from tests.cloud import postgres as databases
from tests.cloud.live import LiveFleet, until
from volant.cloud.campaigns import CarState
from volant.cloud.people import Role

CARS = [f"car-{place}" for place in range(3)]
GONE = {"status": {"execution": "closed", "result": {"finished": "success"}}}


def begin(fleet: LiveFleet, folder: Path) -> dict[str, str]:
    """A campaign that runs; the token of somebody who looks on."""
    (folder / "os.img").write_bytes(b"system")
    fleet.admit(*CARS)
    fleet.publish("os-2.0", folder / "os.img")
    fleet.begin("os-2.0")
    return {
        "viewer": fleet.invite("eve", Role.VIEWER),
        "operator": fleet.invite("ann", Role.OPERATOR),
    }


def told(fleet: LiveFleet, car: str) -> str:
    """Where a car says how its update went."""
    with fleet.client(car) as client:
        href: str = client.get("").json()["_links"]["deploymentBase"]["href"]
    return f"{href.partition('?')[0]}/feedback"


def say(fleet: LiveFleet, car: str, href: str) -> httpx.Response:
    with fleet.client(car) as client:
        return client.post(href, json=GONE)


@pytest.mark.slow
def test_a_database_that_goes_away_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    databases.need()
    with databases.server() as database:
        fleet = LiveFleet(tmp_path / "fleet")
        fleet.folder.mkdir()
        settings = f'[database]\nurl = "{database.make_database()}"\n'
        (fleet.folder / "fleet.toml").write_text(settings)
        tokens = begin(fleet, tmp_path)
        with fleet.serving() as server:
            first, second = told(fleet, CARS[0]), told(fleet, CARS[1])
            assert say(fleet, CARS[0], first).status_code == 200
            database.stop()
            away = say(fleet, CARS[1], second)
            assert away.status_code == 503
            assert int(away.headers["retry-after"]) > 0
            with fleet.person(tokens["viewer"]) as viewer:
                assert viewer.get("/campaigns").status_code == 503
                assert server.poll() is None
                database.boot()
                assert until(lambda: viewer.get("/campaigns").status_code == 200)
            assert until(lambda: say(fleet, CARS[1], second).status_code == 200)
            third = until(lambda: told(fleet, CARS[2]))
            assert say(fleet, CARS[2], third).status_code == 200
        assert {fleet.task(car).state for car in CARS} == {CarState.WELL}
        assert fleet.campaign().told == len(CARS)


def test_a_disk_that_is_full_stores_nothing_and_tells_nobody(tmp_path: Path) -> None:
    fleet = LiveFleet(tmp_path / "fleet")
    tokens = begin(fleet, tmp_path)
    with fleet.serving() as server:
        href = told(fleet, CARS[0])
        _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, hard))
        full = say(fleet, CARS[0], href)
        assert full.status_code == 503, full.text
        with fleet.client(CARS[1]) as client:
            assert client.get("").status_code == 503
        with fleet.person(tokens["operator"]) as operator:
            stopped = operator.post("/campaigns/spring/stop", json={"reason": "full"})
            assert stopped.status_code == 503
            sent = operator.put("/releases/os-3.0/files/os.img", content=bytes(1 << 20))
            assert sent.status_code >= 400
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
            assert until(lambda: say(fleet, CARS[0], href).status_code == 200)
            assert operator.get("/campaigns/spring").json()["phase"] == "running"
        assert "deploymentBase" in told(fleet, CARS[1])
    assert fleet.task(CARS[0]).state is CarState.WELL
    assert fleet.task(CARS[2]).state is CarState.WAITING
    assert not [one for one in (fleet.folder / "artifacts").iterdir() if one.suffix == ".part"]


@pytest.mark.parametrize("what", ["cut short", "another file"])
def test_a_database_that_is_none_is_told_in_words(tmp_path: Path, what: str) -> None:
    fleet = LiveFleet(tmp_path / "fleet")
    fleet.admit(*CARS)
    file = fleet.folder / "fleet.db"
    for one in fleet.folder.glob("fleet.db-*"):
        one.unlink()
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 3] if what == "cut short" else b"no database\n" * 500)
    with pytest.raises(AssertionError, match=r"fleet\.db"), fleet.serving():
        pass
