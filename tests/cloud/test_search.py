"""Cars that a filter lets through, page by page, are those that it lets through, whichever way they are searched."""

from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from volant.cloud.campaigns import parse_filter
from volant.cloud.ddi.device import Device
from volant.cloud.store import SqlStore, search_rows

CARS = {
    f"CAR{place:02}": {"model": f"ev{place % 3}", "version": f"{place % 5}.0", "group": group}
    for place, group in enumerate(["eu", "us", "eu,staff", ""] * 5)
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    made = SqlStore(tmp_path_factory.mktemp("search") / "fleet.db")
    with made.work() as work:
        for car, attributes in CARS.items():
            work.put_device(Device(controller_id=car, attributes=attributes))
    yield made
    made.close()


leaves = st.sampled_from(
    ["model == ev1", "version < 3.0", "group == staff", "has group", "car == CAR03",
     "car in (CAR01, CAR17, NONE)", 'car like "CAR1*"', "model == none", "not group == eu"],
)  # fmt: skip
filters = st.recursive(
    leaves,
    lambda part: st.builds(
        lambda left, join, right: f"({left} {join} {right})",
        part, st.sampled_from(["and", "or"]), part,
    ),
    max_leaves=4,
)  # fmt: skip


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.one_of(st.just(""), filters),
    most=st.integers(1, 7),
    scan=st.sampled_from([3, 7, 1000]),
    kinds=st.sampled_from([0, 1, 64]),
)
def test_pages_hold_what_the_filter_lets_through(
    store: SqlStore, text: str, most: int, scan: int, kinds: int
) -> None:
    wanted = parse_filter(text)
    expected = [
        car
        for car, attributes in CARS.items()
        if wanted(Device(controller_id=car, attributes=attributes).facts)
    ]
    found: list[str] = []
    with (
        mock.patch.object(search_rows, "SCAN_MOST", scan),
        mock.patch.object(search_rows, "KINDS_MOST", kinds),
        store.read() as work,
    ):
        rows, after = work.search(wanted, most=most)
        found += [one.car_id for one in rows]
        while after:
            rows, follows = work.search(wanted, after=after, most=most)
            assert len(rows) <= most
            assert not follows or follows > after
            found += [one.car_id for one in rows]
            after = follows
        assert sorted(one.car_id for one in work.each(wanted)) == expected
    assert found == expected


def test_a_filter_that_names_cars_looks_at_these_only() -> None:
    assert search_rows.named(parse_filter("car == A and group == eu")) == ("A",)
    assert search_rows.named(parse_filter("car in (A, B)")) == ("A", "B")
    assert search_rows.named(parse_filter("car == A or group == eu")) is None
    assert search_rows.named(parse_filter("not car == A")) is None
