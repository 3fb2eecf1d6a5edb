"""A fleet as people have it: a desk over a real database, a release, cars, and somebody of each role with a token."""

import json
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from tests.cloud.campaigns.fleet import NOW_S, plan_of
from tests.cloud.ddi.device import said
from volant.cloud.api import people_app
from volant.cloud.artifacts import FolderArtifacts
from volant.cloud.campaigns import Plan
from volant.cloud.ddi import Place, Request
from volant.cloud.desk import Desk
from volant.cloud.people import Person, Role
from volant.cloud.service import Fleet
from volant.cloud.store import SqlStore
from volant.cloud.views import ActBody, CampaignView, FileBody, ReleaseBody

NAMES = {"vera": Role.VIEWER, "olga": Role.OPERATOR, "adam": Role.APPROVER, "root": Role.ADMIN}


@cache
def opened() -> tuple[bytes, dict[str, str]]:
    """A database in which everybody has a token, and the tokens; made once for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.db"
        store = SqlStore(file)
        desk = Desk(Fleet(store), FolderArtifacts(Path(folder) / "artifacts"), lambda: NOW_S)
        house = Desk.local("house")
        tokens = {name: desk.invite(house, name, role).token for name, role in NAMES.items()}
        store.close()
        return file.read_bytes(), tokens


@dataclass
class Office:
    folder: Path
    now_s: float = NOW_S
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        data, self.tokens = opened()
        (self.folder / "fleet.db").write_bytes(data)
        store = SqlStore(self.folder / "fleet.db")
        artifacts = FolderArtifacts(self.folder / "artifacts")
        self.desk = Desk(Fleet(store), artifacts, lambda: self.now_s, self.folder)
        self.local = Desk.local("house")

    def close(self) -> None:
        self.desk.fleet.store.close()

    def who(self, name: str) -> Person:
        return self.desk.who(self.tokens[name])

    def publish(self, name: str = "2.0", data: bytes = b"system" * 100) -> None:
        file = self.folder / "os.swu"
        file.write_bytes(data)
        taken = self.desk.take_file(self.local, "os.swu", file)
        body = ReleaseBody(files=(FileBody(name=taken.name, sha256=taken.sha256),))
        self.desk.publish(self.local, name, body)

    def draft(self, **changes: Any) -> Plan:
        plan = plan_of(**changes)
        self.desk.draft(self.who("olga"), plan)
        return plan

    def act(self, name: str, verb: str, **body: Any) -> CampaignView:
        return self.desk.act(self.who(name), "spring", verb, ActBody(**body))

    def begin(self, *cars: str, **changes: Any) -> CampaignView:
        """A campaign that runs, for cars that are let in."""
        self.publish()
        for car in cars:
            self.desk.admit(self.local, car)
        plan = self.draft(**changes)
        self.act("olga", "submit")
        self.act("adam", "approve", digest=plan.digest)
        return self.act("olga", "start")

    def car(self, car: str, method: str = "GET", path: str = "", body: bytes = b"") -> bytes:
        """What a car is answered."""
        place = Place("http://127.0.0.1:1", "DEFAULT", car)
        request = Request(method, path, body=body)
        found = self.desk.fleet.request(car, request, place, sleep_s=300.0, now_s=self.now_s)
        return found.answer.body

    def fail(self, car: str, reason: str) -> None:
        """A car asks, and says that it could not."""
        links = json.loads(self.car(car))["_links"]
        path = links["deploymentBase"]["href"].partition(f"/v1/{car}/")[2].partition("?")[0]
        body = said("closed", "failure", details=[reason])
        self.car(car, "POST", f"{path}/feedback", json.dumps(body).encode())

    def app(self, static: Path | None = None) -> Litestar:
        return people_app(self.desk, static)

    def client(self, static: Path | None = None) -> TestClient[Litestar]:
        return TestClient(self.app(static), raise_server_exceptions=False)

    def bearer(self, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[name]}"}
