"""rauc-hawkbit's DDIClient (PyPI), unmodified, against a real server: a signed update, a failure, a cancellation."""

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.live import LiveFleet
from tests.cloud.peers.swu import Signer
from tests.peers import peer
from volant.cloud.campaigns import CarState, Task

aiohttp = peer("aiohttp")
ddi = peer("rauc_hawkbit.ddi.client")
deployment = peer("rauc_hawkbit.ddi.deployment_base")
cancel = peer("rauc_hawkbit.ddi.cancel_action")

SYSTEM = bytes(range(256)) * 2000
Says, Ends = deployment.DeploymentStatusExecution, deployment.DeploymentStatusResult
Way = Callable[[Any], Awaitable[None]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveFleet]:
    """A release of a signed system, and the server."""
    folder = tmp_path_factory.mktemp("rauc")
    found = LiveFleet(folder / "fleet")
    signer = Signer.new()
    signer.write(folder / "signer.pem")
    (folder / "os.img").write_bytes(SYSTEM)
    (folder / "os.img.p7s").write_bytes(signer.sign(SYSTEM))
    found.publish("os-2.0", folder / "os.img", folder / "os.img.p7s")
    with found.serving():
        yield found


@dataclass(frozen=True)
class Car:
    """One car with a campaign of its own."""

    fleet: LiveFleet
    name: str

    @property
    def task(self) -> Task:
        return self.fleet.task(self.name, self.name)

    def run(self, way: Way, token: str = "") -> None:
        """Let its client go a way."""
        host, good = self.fleet.url.removeprefix("http://"), self.fleet.tokens[self.name]

        async def run() -> None:
            async with aiohttp.ClientSession() as session:
                used = token or good
                await way(ddi.DDIClient(session, host, False, used, "DEFAULT", self.name))

        asyncio.run(run())


@pytest.fixture
def car(server: LiveFleet) -> Car:
    name = f"rauc-{len(server.tokens)}"
    server.admit(name)
    server.begin("os-2.0", name, cars=f'car == "{name}"', tries=1)
    return Car(server, name)


def number_of(links: dict[str, Any], relation: str) -> tuple[str, str]:
    """An action's number and its mark, as rauc-hawkbit takes them from a link."""
    path, _, mark = links["_links"][relation]["href"].partition("?c=")
    return path.rpartition("/")[2], mark


def believes(folder: Path, signer: Path) -> bool:
    """Whether OpenSSL finds the system signed."""
    openssl = shutil.which("openssl")
    assert openssl is not None
    command = [openssl, "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"]
    command += ["-in", "os.img.p7s", "-content", "os.img", "-CAfile", str(signer)]
    found = subprocess.run([*command, "-out", "checked"], cwd=folder, capture_output=True)
    return found.returncode == 0 and (folder / "checked").read_bytes() == SYSTEM


def test_a_signed_update_from_the_first_poll_to_the_last_word(car: Car, tmp_path: Path) -> None:
    async def way(unit: Any) -> None:
        first = await unit()
        assert first["config"]["polling"]["sleep"]
        said = (ddi.ConfigStatusExecution.closed, ddi.ConfigStatusResult.success)
        await unit.configData(*said, model="ev1", serial=7)
        number, mark = number_of(first, "deploymentBase")
        action = unit.deploymentBase[number]
        (chunk,) = (await action(resource=mark))["deployment"]["chunks"]
        for one in chunk["artifacts"]:
            await action.feedback(Says.proceeding, Ends.none, ["downloading"], cnt=1, of=2)
            found = await unit.get_binary(
                one["_links"]["download-http"]["href"], tmp_path / one["filename"]
            )
            assert found == one["hashes"]["md5"]
        assert believes(tmp_path, car.fleet.folder.parent / "signer.pem")
        await action.feedback(Says.closed, Ends.success, ["installed"])
        assert set((await unit())["_links"]) == {"installedBase"}

    car.run(way)
    assert car.task.state is CarState.WELL
    assert car.fleet.attributes(car.name) == {"model": "ev1", "serial": "7"}


def test_files_of_a_software_module_by_their_numbers(car: Car, tmp_path: Path) -> None:
    async def way(unit: Any) -> None:
        number, mark = number_of(await unit(), "deploymentBase")
        (chunk,) = (await unit.deploymentBase[number](resource=mark))["deployment"]["chunks"]
        href = chunk["artifacts"][0]["_links"]["download-http"]["href"]
        module = unit.softwaremodules[href.split("/")[-3]]
        assert [one["filename"] for one in await module.artifacts()] == ["os.img", "os.img.p7s"]
        sum_of = await module.artifacts["os.img"](tmp_path / "got")
        assert sum_of == md5(SYSTEM, usedforsecurity=False).hexdigest()

    car.run(way)


def test_a_failure_is_the_campaign_s(car: Car) -> None:
    async def way(unit: Any) -> None:
        number, _ = number_of(await unit(), "deploymentBase")
        await unit.deploymentBase[number].feedback(Says.closed, Ends.failure, ["bad signature"])
        assert "deploymentBase" not in (await unit()).get("_links", {})
        with pytest.raises(ddi.APIError, match="410"):
            await unit.deploymentBase[number].feedback(Says.closed, Ends.success)

    car.run(way)
    task = car.task
    assert (task.state, task.reason) == (CarState.FAILED, "bad signature")


def test_a_campaign_that_stops_calls_the_car_back(car: Car) -> None:
    async def first(unit: Any) -> None:
        number, _ = number_of(await unit(), "deploymentBase")
        await unit.deploymentBase[number].feedback(Says.proceeding, Ends.none)

    async def then(unit: Any) -> None:
        links = await unit()
        number, _ = number_of(links, "cancelAction")
        action = unit.cancelAction[number]
        assert (await action())["cancelAction"]["stopId"] == number
        await action.feedback(
            cancel.CancelStatusExecution.closed, cancel.CancelStatusResult.success
        )
        assert "cancelAction" not in (await unit()).get("_links", {})

    car.run(first)
    car.fleet.hold("stop", car.name)
    car.run(then)
    assert car.task.state is CarState.CANCELED


def test_another_token_is_refused(car: Car) -> None:
    async def way(unit: Any) -> None:
        with pytest.raises(ddi.APIError, match="401"):
            await unit()

    car.run(way, token="stolen-from-nobody")
    assert car.task.state is CarState.WAITING
