"""What our server really sends, against hawkBit's own models (hawkbit-ddi-api, as noted in ota.md 3); curl for the files.

Each model refuses what it does not name, so that a word too much or of another kind is found.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import md5, sha256
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import pytest

from tests.cloud.live import LiveFleet, until
from volant.cloud.campaigns import CarState

SYSTEM = bytes(range(251)) * 8000
T = TypeVar("T")


class Model(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """One of hawkBit's."""


class Link(Model):
    href: Annotated[str, msgspec.Meta(pattern=r"^http://127\.0\.0\.1:\d+/DEFAULT/controller/v1/")]


class Polling(Model):
    sleep: Annotated[str, msgspec.Meta(pattern=r"^\d\d:\d\d:\d\d$")]


class Config(Model):
    polling: Polling


class Base(Model):
    config: Config
    links: dict[
        Literal[
            "deploymentBase", "cancelAction", "confirmationBase", "installedBase", "configData"
        ],
        Link,
    ] = msgspec.field(name="_links", default_factory=dict)


class Hashes(Model):
    sha1: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]
    md5: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Artifact(Model):
    filename: str
    hashes: Hashes
    size: int
    links: dict[Literal["download", "md5sum", "download-http", "md5sum-http"], Link] = (
        msgspec.field(name="_links")
    )


class Metadata(Model):
    key: str
    value: str


class Chunk(Model):
    part: str
    version: str
    name: str
    artifacts: list[Artifact]
    encrypted: bool | None = None
    metadata: list[Metadata] | None = None


class Deployment(Model):
    download: Literal["skip", "attempt", "forced"]
    update: Literal["skip", "attempt", "forced"]
    chunks: list[Chunk]
    maintenance_window: Literal["available", "unavailable"] | None = None


class History(Model):
    status: str
    messages: list[str]


class DeploymentBase(Model):
    id: str
    deployment: Deployment
    action_history: History | None = None


class Confirmation(Model):
    id: str
    confirmation: Deployment
    action_history: History | None = None


class Stop(Model):
    stop_id: str


class Cancel(Model):
    id: str
    cancel_action: Stop


class AutoConfirm(Model):
    active: bool
    initiator: str | None = None
    remark: str | None = None
    activated_at: int | None = None


class ConfirmationBase(Model):
    auto_confirm: AutoConfirm
    links: dict[
        Literal["activateAutoConfirm", "deactivateAutoConfirm", "confirmationBase"], Link
    ] = msgspec.field(name="_links")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveFleet]:
    folder = tmp_path_factory.mktemp("wire")
    found = LiveFleet(folder / "fleet")
    (folder / "os.img").write_bytes(SYSTEM)
    found.publish("os-2.0", folder / "os.img")
    with found.serving():
        yield found


class Car:
    """A car with a campaign of its own, in which one more is waited for."""

    def __init__(self, fleet: LiveFleet, **plan: Any) -> None:
        self.fleet, self.name = fleet, f"wire-{len(fleet.tokens)}"
        away = f"{self.name}-away"
        fleet.admit(self.name, away)
        cars = f'car == "{self.name}" or car == "{away}"'
        fleet.begin("os-2.0", self.name, cars=cars, **plan)
        self.http = fleet.client(self.name)

    def read(self, href: str, kind: type[T]) -> T:
        found = self.http.get(href)
        assert found.status_code == 200, found.text
        assert found.headers["content-type"].startswith("application/hal+json")
        return msgspec.json.decode(found.content, type=kind)

    def base(self) -> Base:
        return self.read("", Base)

    def say(self, href: str, body: Any) -> int:
        path = f"{href.partition('?')[0]}/feedback"
        return self.http.post(path, json=body).status_code

    def state(self) -> CarState:
        return self.fleet.task(self.name, self.name).state

    def status(self, execution: str, finished: str = "none") -> dict[str, Any]:
        return {"status": {"execution": execution, "result": {"finished": finished}}}


Cars = Callable[..., Car]


@pytest.fixture
def car_of(server: LiveFleet) -> Iterator[Cars]:
    with ExitStack() as until_then:

        def make(**plan: Any) -> Car:
            car = Car(server, **plan)
            until_then.enter_context(car.http)
            return car

        yield make


def test_poll_deployment_history_and_installed_base(car_of: Cars) -> None:
    car = car_of()
    links = car.base().links
    assert set(links) == {"deploymentBase", "configData"}
    href = links["deploymentBase"].href
    found = car.read(href, DeploymentBase)
    (artifact,) = found.deployment.chunks[0].artifacts
    assert (artifact.filename, artifact.size) == ("os.img", len(SYSTEM))
    assert artifact.hashes.sha256 == sha256(SYSTEM).hexdigest()
    said = car.status("proceeding") | {"timestamp": 1_700_000_000_000}
    said["status"]["result"]["progress"] = {"cnt": 1, "of": 4}
    assert car.say(href, said) == 200
    history = car.read(f"{href}&actionHistory=-1", DeploymentBase).action_history
    assert history is not None
    assert history.messages
    assert car.say(href, car.status("closed", "success")) == 200
    installed = car.base().links["installedBase"].href
    assert car.read(installed, DeploymentBase).id == found.id
    assert car.say(href, car.status("closed", "success")) == 410


def test_a_campaign_that_stops_is_a_cancel_action(car_of: Cars) -> None:
    car = car_of()
    number = car.read(car.base().links["deploymentBase"].href, DeploymentBase).id
    car.fleet.hold("stop", car.name)
    links = until(lambda: (found := car.base().links).get("cancelAction") and found)
    assert "deploymentBase" not in links
    assert car.read(links["cancelAction"].href, Cancel).cancel_action.stop_id == number
    assert car.say(links["cancelAction"].href, car.status("closed", "success")) == 200
    assert "cancelAction" not in car.base().links
    assert car.state() is CarState.CANCELED


def test_a_car_that_would_not_stop_goes_on(car_of: Cars) -> None:
    car = car_of()
    car.base()
    car.fleet.hold("stop", car.name)
    links = until(lambda: (found := car.base().links).get("cancelAction") and found)
    assert car.say(links["cancelAction"].href, car.status("rejected")) == 200
    href = car.base().links["deploymentBase"].href
    assert car.say(href, car.status("closed", "success")) == 200
    assert car.state() is CarState.WELL


def test_a_person_in_the_car_is_asked(car_of: Cars) -> None:
    car = car_of(confirm=True)
    links = car.base().links
    assert "deploymentBase" not in links
    href = links["confirmationBase"].href
    assert car.read(href, Confirmation).confirmation.chunks
    base = car.read("/confirmationBase", ConfirmationBase)
    assert not base.auto_confirm.active
    assert "confirmationBase" in base.links
    assert car.say(href, {"confirmation": "denied", "code": 1, "details": ["not now"]}) == 200
    assert car.say(href, {"confirmation": "confirmed", "code": 1, "details": []}) == 200
    assert "deploymentBase" in car.base().links


def test_auto_confirmation_is_told_by_whom(car_of: Cars) -> None:
    car = car_of(confirm=True)
    who = {"initiator": "ann", "remark": "always"}
    assert car.http.post("/confirmationBase/activateAutoConfirm", json=who).status_code == 200
    found = car.read("/confirmationBase", ConfirmationBase)
    assert (found.auto_confirm.active, found.auto_confirm.initiator) == (True, "ann")
    assert "deactivateAutoConfirm" in found.links
    assert "deploymentBase" in car.base().links
    assert car.http.post("/confirmationBase/deactivateAutoConfirm").status_code == 200
    assert not car.read("/confirmationBase", ConfirmationBase).auto_confirm.active


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl found: apt-get install curl")
def test_curl_goes_on_where_it_was_cut_off(car_of: Cars, tmp_path: Path) -> None:
    car, target = car_of(), tmp_path / "got"
    found = car.read(car.base().links["deploymentBase"].href, DeploymentBase)
    links = found.deployment.chunks[0].artifacts[0].links

    def curl(*options: str) -> str:
        token = f"Authorization: TargetToken {car.fleet.tokens[car.name]}"
        command = ["curl", "-sS", "--fail", "-H", token, "-w", "%{http_code}", *options]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    target.write_bytes(SYSTEM[:700_001])
    assert curl("-C", "-", "-o", str(target), links["download"].href) == "206"
    assert target.read_bytes() == SYSTEM
    assert curl("-r", "10-19", "-o", str(target), links["download-http"].href) == "206"
    assert target.read_bytes() == SYSTEM[10:20]
    sum_of = md5(SYSTEM, usedforsecurity=False).hexdigest()
    assert curl("-o", str(target), links["md5sum"].href) == "200"
    assert target.read_text().split() == [sum_of, "os.img"]
    head = curl("--head", links["download"].href)
    assert f"content-length: {len(SYSTEM)}" in head.lower()
    etag = next(line for line in head.splitlines() if line.lower().startswith("etag:"))
    mark = etag.partition(": ")[2]
    assert (
        curl("-r", "5-", "-H", f"If-Range: {mark}", "-o", str(target), links["download"].href)
        == "206"
    )
    assert (
        curl("-r", "5-", "-H", 'If-Range: "other"', "-o", str(target), links["download"].href)
        == "200"
    )
