"""One device and its requests, as a shell would hold them."""

import json
from dataclasses import dataclass, field
from typing import Any

from volant.cloud.campaigns import Report, Said
from volant.cloud.ddi import Action, Answer, Artifact, Chunk, Device, Place, Request, go_on, handle

PLACE = Place("http://127.0.0.1:8080", "DEFAULT", "car-1")
ROOT = "http://127.0.0.1:8080/DEFAULT/controller/v1/car-1"
NOW_S = 1.8e9
FILE = Artifact(filename="os.swu", size=1000, sha1="a" * 40, md5="b" * 32, sha256="c" * 64)


def action(action_id: int = 7, **changes: Any) -> Action:
    chunk = Chunk(module_id=3, name="linux", version="2.0", artifacts=(FILE,))
    fields: dict[str, Any] = {"campaign_id": "spring", "attempt": 1, "chunks": (chunk,)}
    return Action(action_id=action_id, **{**fields, **changes})


def said(execution: str, finished: str = "none", **more: Any) -> dict[str, Any]:
    return {"status": {"execution": execution, "result": {"finished": finished}, **more}}


@dataclass
class Client:
    """Its campaign has room: who agrees goes on at once."""

    device: Device = field(default_factory=lambda: Device(controller_id="car-1"))
    reports: list[Report] = field(default_factory=list)

    def call(
        self, method: str, path: str = "", body: Any = b"", headers: dict[str, str] | None = None,
        **query: str,
    ) -> Answer:  # fmt: skip
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(method, path, query, headers or {}, data)
        found = handle(self.device, request, PLACE, sleep_s=300.0, now_s=NOW_S)
        self.device = found.device
        if found.report is not None:
            self.reports.append(found.report)
            if found.report.said is Said.AGREED:
                self.device = go_on(self.device)
        return found.answer

    def get(self, path: str = "", **query: str) -> Any:
        answer = self.call("GET", path, **query)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def post(self, path: str, body: Any) -> int:
        return self.call("POST", path, body).status

    def links(self) -> dict[str, str]:
        """Path below the device's own resource, by relation."""
        found = self.get().get("_links", {})
        return {rel: link["href"].removeprefix(ROOT + "/") for rel, link in found.items()}
