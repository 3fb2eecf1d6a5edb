"""A fleet's server on a real SQLite file, with devices that speak hawkBit's DDI to it, all in one process."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cloud.campaigns.fleet import NOW_S, plan_of
from tests.cloud.ddi.device import FILE, said
from volant.cloud.campaigns import Campaign, approve, draft, submit
from volant.cloud.ddi import Answer, Chunk, Place, Request
from volant.cloud.service import Fleet
from volant.cloud.store import SqlStore
from volant.cloud.store.ports import StoredRelease

CHUNKS = (Chunk(module_id=1, name="linux", version="2.0", artifacts=(FILE,)),)
RELEASE = StoredRelease(name="2.0", version="2.0", chunks=CHUNKS)


@dataclass
class Shop:
    folder: Path
    now_s: float = NOW_S
    fleet: Fleet = field(init=False)

    def __post_init__(self) -> None:
        self.boot()
        with self.fleet.store.work() as work:
            work.put_release(RELEASE)

    def boot(self) -> None:
        """As after a kill: nothing in memory, all from the file."""
        self.close()
        self.fleet = Fleet(SqlStore(self.folder / "fleet.db"))

    def close(self) -> None:
        if hasattr(self, "fleet"):
            self.fleet.store.close()

    def call(self, car: str, method: str = "GET", path: str = "", body: Any = None) -> Answer:
        return self.call_raw(car, method, path, b"" if body is None else json.dumps(body).encode())

    def call_raw(self, car: str, method: str, path: str, data: bytes) -> Answer:
        place = Place("http://127.0.0.1:1", "DEFAULT", car)
        request = Request(method, path, body=data)
        found = self.fleet.request(car, request, place, sleep_s=300.0, now_s=self.now_s)
        return found.answer

    def poll(self, car: str) -> dict[str, str]:
        """Path by relation of what there is for a car."""
        links = json.loads(self.call(car).body).get("_links", {})
        mark = f"/controller/v1/{car}/"
        return {rel: link["href"].partition(mark)[2] for rel, link in links.items()}

    def describe(self, *cars: str, **attributes: str) -> None:
        for car in cars:
            assert self.call(car, "PUT", "configData", {"data": attributes}).status == 200

    def report(self, car: str, execution: str, finished: str = "none") -> int:
        path = self.poll(car)["deploymentBase"].partition("?")[0]
        return self.call(car, "POST", f"{path}/feedback", said(execution, finished)).status

    def campaign(self) -> Campaign:
        with self.fleet.store.work() as work:
            found = work.campaign("spring")
        assert found is not None
        return found

    def begin(self, **changes: Any) -> Campaign:
        plan = plan_of(**changes)
        self.fleet.add(draft(plan, "ann"), "ann", self.now_s)
        act = self.fleet.act
        act("spring", "submit", "ann", self.now_s, lambda one: submit(one, "ann", 0))
        act("spring", "approve", "bob", self.now_s, lambda one: approve(one, plan.digest, "bob", 1))
        return self.fleet.start("spring", "ann", 2, self.now_s)
