"""Whatever comes, a check ends with an answer or with a reason, and believes nothing that nobody signed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Root

from tests.trust.uptane.lab import check, offered, with_files
from volant.trust.attacks.world import LIMITS
from volant.trust.uptane import Plan, RejectedError, Session, check_full
from volant.trust.uptane.metadata import parse
from volant.trust.uptane.trusted import TrustedRepository

KINDS = ["2.root.json", "timestamp.json", "3.snapshot.json", "3.targets.json"]
WORLD = offered()
SERVED = WORLD.served()
START = {one.name: dict(one.files) for one in (WORLD.primary.director, WORLD.primary.image) if one}
TRUE = {*SERVED.values(), *START["director"].values()}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["signed", "signatures", "_type", "roles", "keys", "meta", "version", "expires", "x"]), inner, max_size=6),
    max_leaves=24,
)  # fmt: skip


def told(files: dict[tuple[str, str], bytes]) -> RejectedError | None:
    """What a car that was just provisioned says to such files."""
    primary = WORLD.primary
    primary.director = TrustedRepository.load("director", START["director"])
    primary.image = TrustedRepository.load("image", START["image"])
    try:
        check(WORLD, files)
    except RejectedError as error:
        held = primary.director.files
        assert all(data in TRUE for data in held.values())
        return error
    return None


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_a_flipped_bit_is_refused_or_changes_nothing(name: str, data: Any) -> None:
    place = ("director", name)
    true = bytearray(SERVED.get(place, SERVED["director", "1.root.json"]))
    true[data.draw(st.integers(0, len(true) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    error = told({place: bytes(true)})
    assert error is not None or name == "timestamp.json"


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.binary(max_size=64) | json_values.map(lambda v: json.dumps(v).encode()),
)
def test_rubbish_is_refused(name: str, data: bytes) -> None:  # fmt: skip
    assert told({("director", name): data}) is not None


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), json_values, st.data())
def test_a_true_file_with_a_part_replaced_is_refused(name: str, value: Any, data: Any) -> None:
    found = json.loads(SERVED.get(("director", name), SERVED["director", "1.root.json"]))
    key = data.draw(st.sampled_from(sorted(found["signed"])))
    if found["signed"][key] != value:
        found["signed"][key] = value
        assert told({("director", name): json.dumps(found).encode()}) is not None


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 20_000,
        b'{"signed":' * 3000,
        b'{"signed":{"_type":"targets","_type":"root"}}',
        b'{"signed":{"version":' + b"9" * 5000 + b"}}",
        b'{"signed":{"_type":"root","x":NaN}}',
    ],
    ids=["deep list", "deep object", "a name twice", "a long number", "no number"],
)
def test_hostile_json_is_no_metadata(data: bytes) -> None:
    with pytest.raises(RejectedError, match="no metadata"):
        parse(Root, data, repository="director", role="root")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["feed", "end", "missing", "broken", "tick"]), st.integers(0, 3)),
        max_size=40,
    )
)
def test_a_session_takes_any_order_of_events(events: list[tuple[str, int]]) -> None:
    primary = WORLD.primary
    assert primary.image is not None
    director = TrustedRepository.load("director", START["director"])
    steps = check_full(primary.checker, director, primary.image, WORLD.now_s, LIMITS)
    found: Session[Plan] = Session(steps, LIMITS, 0)
    now_ns = 0
    for kind, seconds in events:
        now_ns += seconds * 10**9
        if kind == "feed":
            served = with_files(WORLD, {})(found.wants).data if found.wants else b"x"
            found.feed((served or b"x")[found.offset :][:300], now_ns)
        else:
            getattr(found, kind)(now_ns)
        assert found.offset <= LIMITS.root_bytes
    assert (found.wants is None) == (found.rejected is not None or bool(found._result))
