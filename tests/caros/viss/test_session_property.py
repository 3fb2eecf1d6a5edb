"""Whatever a client says, it is answered once, and what a session keeps stays bounded."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.caros.kuksa.broker import CODES, DOOR, SPEED, UNKNOWN, WINDOW
from tests.caros.viss.stand import Stand

TEXTS = st.one_of(
    st.text(max_size=12), st.sampled_from(["50", "-1", "1e999", "PT1S", "100", "Speed", "*"])
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(
    [
        *("paths", "timebased", "change", "range", "curvelog", "history"),
        *("static-metadata", "dynamic-metadata", "x"),
    ]
)
OPERATORS = st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte", "x"])
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "period": TEXTS, "logic-op": OPERATORS, "diff": TEXTS, "boundary": TEXTS,
        "combination-op": st.sampled_from(["AND", "OR", "x"]), "maxerr": TEXTS,
        "bufsize": st.sampled_from(["3", "4", "250", "x"]),
    },
)  # fmt: skip
FILTERS = st.fixed_dictionaries(
    {"type": KINDS},
    optional={
        "parameter": st.one_of(PARTS, st.lists(PARTS, max_size=2), TEXTS, st.lists(TEXTS), JSON)
    },
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["get", "set", "subscribe", "unsubscribe", "x"]),
        "path": st.one_of(st.sampled_from([SPEED, WINDOW, DOOR, CODES, UNKNOWN, "Vehicle"]), JSON),
        "requestId": st.one_of(st.just("1"), JSON),
        "subscriptionId": st.one_of(st.just("1"), JSON),
        "filter": st.one_of(FILTERS, st.lists(FILTERS, max_size=2), JSON),
        "value": JSON,
    },
)


@settings(max_examples=300)
@given(st.lists(st.one_of(REQUESTS, JSON), max_size=12), st.lists(st.floats(-1e6, 1e6), max_size=6))
def test_every_request_is_answered_once(requests, speeds) -> None:
    stand = Stand()
    stand.move(WINDOW, DOOR)
    for request in requests:
        answer = stand.say(json.dumps(request))
        assert answer["ts"]
        assert (
            ("error" in answer)
            or ({"data", "metadata", "subscriptionId"} & set(answer))
            or (answer["action"] == "set")
        )
        for speed in speeds:
            stand.tell(SPEED, speed)
        stand.now_ns += 10_000_000
    for _ in range(1000):
        message = stand.heard()
        if message is None:
            break
        assert message["action"] == "subscription"
        assert ("error" in message) != bool(message.get("data"))
    else:
        raise AssertionError("it never ends")
