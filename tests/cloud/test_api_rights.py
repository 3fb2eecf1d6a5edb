"""No request of any role does what its role may not: every route tried by every role, and many requests by chance."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from tests.cloud.campaigns.fleet import plan_of
from tests.cloud.office import NAMES, Office
from volant.cloud.people import RIGHTS, Right

PLAN = msgspec.to_builtins(plan_of())
SHA256 = "0" * 64
ROUTES: list[tuple[str, str, Any, Right]] = [
    ("GET", "/me", None, Right.READ),
    ("GET", "/fleet", None, Right.READ),
    ("GET", "/campaigns", None, Right.READ),
    ("GET", "/campaigns/spring", None, Right.READ),
    ("GET", "/campaigns/spring/cars", None, Right.READ),
    ("GET", "/campaigns/spring/failures", None, Right.READ),
    ("GET", "/campaigns/spring/report", None, Right.READ),
    ("GET", "/cars", None, Right.READ),
    ("GET", "/cars/CAR1", None, Right.READ),
    ("GET", "/releases", None, Right.READ),
    ("GET", "/releases/2.0/fit", None, Right.READ),
    ("GET", "/deltas", None, Right.READ),
    ("GET", "/people", None, Right.READ),
    ("GET", "/audit", None, Right.READ),
    ("GET", "/audit/check", None, Right.READ),
    ("POST", "/campaigns", {**PLAN, "campaign_id": "summer"}, Right.RUN),
    ("PUT", "/campaigns/spring/plan", PLAN, Right.RUN),
    ("POST", "/campaigns/spring/submit", {}, Right.RUN),
    ("POST", "/campaigns/spring/approve", {"digest": plan_of().digest}, Right.APPROVE),
    ("POST", "/campaigns/spring/start", {}, Right.RUN),
    ("POST", "/campaigns/spring/pause", {}, Right.HOLD),
    ("POST", "/campaigns/spring/resume", {}, Right.RUN),
    ("POST", "/campaigns/spring/retry", {}, Right.RUN),
    ("POST", "/campaigns/spring/stop", {}, Right.HOLD),
    ("POST", "/cars", {"car": "CAR9"}, Right.ADMIT),
    ("PUT", "/cars/CAR1/groups", {"groups": ["eu"]}, Right.ADMIT),
    ("DELETE", "/cars/CAR1", None, Right.ADMIT),
    ("GET", "/releases/3.0/ready", None, Right.RUN),
    ("GET", f"/files/{SHA256}", None, Right.RUN),
    ("PUT", "/releases/new/files/os.swu", b"x", Right.RUN),
    ("PUT", "/releases/3.0", {"files": [{"name": "a", "sha256": SHA256}]}, Right.RUN),
    ("POST", "/people", {"name": "eve", "role": "admin"}, Right.PEOPLE),
    ("DELETE", "/people/adam", None, Right.PEOPLE),
]
ACTS = {
    Right.RUN: {"draft", "change", "submit", "start", "resume", "retry", "publish"},
    Right.APPROVE: {"approve"},
    Right.HOLD: {"pause", "stop"},
    Right.ADMIT: {"token", "groups", "dismiss"},
    Right.PEOPLE: {"invite", "uninvite"},
}
"""What stands in the audit log of somebody with a right."""


def call(office: Office, client: TestClient[Litestar], name: str, route: Any) -> Any:
    method, path, body, _ = route
    headers = {**office.bearer(name), "content-type": "application/json"}
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    return client.request(method, f"/api/v1{path}", content=data, headers=headers)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.publish()
    made.desk.admit(made.local, "CAR1")
    made.draft()
    yield made
    made.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_route_lets_in_those_whose_role_it_is_and_nobody_else(
    office: Office, name: str
) -> None:
    with office.client() as client:
        routes = client.get("/api/schema").json()["paths"]
        told = {(method.upper(), path) for path, item in routes.items() for method in item}
        assert len({(one[0], one[1]) for one in ROUTES}) >= len(told)
        for route in ROUTES:
            before = office.desk.overview(office.local)
            found = call(office, client, name, route)
            if route[3] in RIGHTS[NAMES[name]]:
                assert found.status_code not in {401, 403}, route
            else:
                assert found.status_code == 403, route
                assert "may not" in found.json()["error"]
                assert office.desk.overview(office.local) == before
    assert not list((office.folder / "artifacts").glob("*.part"))


def test_the_table_above_has_every_route(office: Office) -> None:
    with office.client() as client:
        routes = client.get("/api/schema").json()["paths"]
    for path, item in routes.items():
        for method in item:
            mine = [one[1] for one in ROUTES if one[0] == method.upper()]
            parts = path.removeprefix("/api/v1").split("/")
            assert any(fits(parts, one.split("/")) for one in mine), f"{method} {path}"


def fits(parts: list[str], tried: list[str]) -> bool:
    return len(parts) == len(tried) and all(
        part == one or part.startswith("{") for part, one in zip(parts, tried, strict=True)
    )


words = st.sampled_from(
    ["spring", "summer", "CAR1", "CAR2", "2.0", "me", "plan", "olga", "eve", "submit", "approve",
     "start", "stop", "pause", "resume", "retry", "groups", "fit", "cars", "people", "..", "%2e%2e",
     "", "x" * 130, "a b"],
)  # fmt: skip
paths = st.one_of(
    st.sampled_from([one[1] for one in ROUTES]),
    st.builds(
        lambda first, rest: "/" + "/".join([first, *rest]),
        st.sampled_from(["campaigns", "cars", "releases", "people", "audit", "fleet"]),
        st.lists(words, max_size=3),
    ),
)
bodies = st.one_of(
    st.none(),
    st.sampled_from([one[2] for one in ROUTES]),
    st.dictionaries(
        st.sampled_from(["revision", "digest", "reason", "cars", "car", "name", "role", "groups"]),
        st.one_of(st.none(), st.integers(-2, 3), words, st.lists(words, max_size=2)),
        max_size=3,
    ),
    st.binary(max_size=20),
)
requests = st.tuples(
    st.sampled_from(sorted(NAMES)),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
    paths,
    bodies,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked=st.lists(requests, min_size=1, max_size=12))
def test_no_requests_of_any_role_do_what_it_may_not(asked: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        office.publish()
        office.desk.admit(office.local, "CAR1")
        office.draft()
        with office.client() as client:
            for name, method, path, body in asked:
                found = call(office, client, name, (method, path, body, None))
                assert found.status_code < 500, (name, method, path, body, found.text)
        lines = office.desk.audit(office.local, limit=1000)
        office.desk.check_audit(office.local)
        office.close()
    authors = {"olga"}
    for line in reversed(lines):
        if line.by not in NAMES:
            continue
        allowed = set().union(*(ACTS.get(one, set()) for one in RIGHTS[NAMES[line.by]]))
        assert line.act in allowed, line
        if line.act in {"draft", "change", "submit"}:
            authors.add(line.by)
        assert line.act != "approve" or line.by not in authors, line
