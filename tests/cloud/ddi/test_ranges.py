"""Ranges as RFC 9110 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.cloud.ddi import choose

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("wanted", "status", "begin", "end"),
    [
        ("", 200, 0, 10),
        ("bytes=0-3", 206, 0, 4),
        ("bytes=4-", 206, 4, 10),
        ("bytes=-3", 206, 7, 10),
        ("bytes=-30", 206, 0, 10),
        ("bytes=0-99", 206, 0, 10),
        ("Bytes = 2 - 3", 206, 2, 4),
        ("bytes=10-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=5-4", 200, 0, 10),
        ("bytes=-", 200, 0, 10),
        ("bytes=0-1,3-4", 200, 0, 10),
        ("lines=0-1", 200, 0, 10),
        ("bytes=" + "9" * 40 + "-", 200, 0, 10),
    ],
)
def test_a_range_is_what_it_says(wanted: str, status: int, begin: int, end: int) -> None:
    found = choose(10, ETAG, wanted=wanted)
    assert (found.status, found.begin, found.end) == (status, begin, end)


def test_conditions() -> None:
    assert choose(10, ETAG, if_match='"x", "abc"').status == 200
    assert choose(10, ETAG, if_match="*").status == 200
    assert choose(10, ETAG, if_match='"x"').status == 412
    assert choose(10, ETAG, wanted="bytes=1-", if_range=ETAG).status == 206
    assert choose(10, ETAG, wanted="bytes=1-", if_range='"x"').status == 200


@given(st.integers(0, 20), st.integers(0, 25), st.integers(0, 25))
def test_a_range_is_python_s_slice(size: int, first: int, last: int) -> None:
    data = bytes(range(size))
    found = choose(size, ETAG, wanted=f"bytes={first}-{last}")
    if found.status == 206:
        assert data[found.begin : found.end] == data[first : last + 1]
        assert found.end > found.begin
    else:
        assert found.status == (416 if first >= size and last >= first else 200)


def test_an_empty_file_has_no_range() -> None:
    assert choose(0, ETAG, wanted="bytes=0-").status == 416
    assert choose(0, ETAG).status == 200
