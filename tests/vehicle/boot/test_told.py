"""What a unit tells of its programs is read with care: it may be in foreign hands."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.errors import InputError
from volant.vehicle.boot.told import OneTold, ProgramsTold

HASHES = {"sha256": bytes(32)}
RUNS = OneTold("1.0", "brake.img", 5, 1, HASHES)


def told(one: OneTold | None, waits: OneTold | None = None) -> ProgramsTold:
    return ProgramsTold(one, waits, False, False, False, True)


@pytest.mark.parametrize("one", [None, RUNS])
def test_what_is_told_is_read_back(one: OneTold | None) -> None:
    assert ProgramsTold.from_bytes(told(one, one).to_bytes()) == told(one, one)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "\x1b[2Jevil"},
        {"name": "n\x1b[31m"},
        {"name": "n\n"},
        {"name": ""},
        {"name": "n" * 256},
        {"hashes": {}},
        {"hashes": {"": b""}},
        {"hashes": {"sha256": b""}},
        {"hashes": {"md5": bytes(16)}},
        {"length": -1},
        {"counter": 2**63},
    ],
)
def test_wild_words_are_no_programs(changes: dict[str, object]) -> None:
    wild = msgspec.structs.replace(RUNS, **changes)
    for one in (told(wild), told(RUNS, wild)):
        with pytest.raises(InputError, match="what a unit tells"):
            ProgramsTold.from_bytes(one.to_bytes())


@given(st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    try:
        ProgramsTold.from_bytes(data)
    except InputError:
        return
