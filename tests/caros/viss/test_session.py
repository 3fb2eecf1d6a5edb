"""What a client of VISS version 2 says and hears; the scenarios of databroker's suite among them."""

import json

import pytest

from tests.caros.kuksa.broker import (
    CODES,
    DOOR,
    GEAR,
    IDS,
    LAMP,
    MODE,
    SPEED,
    TEXT,
    UNKNOWN,
    VIN,
    WINDOW,
)  # fmt: skip
from tests.caros.kuksa.credentials import KEY, public_pem, token
from tests.caros.viss.stand import ALL, BEGIN_NS, Stand
from volant.caros.signals.store import Datapoint
from volant.caros.signals.tokens import TokenChecker
from volant.caros.signals.values import Code, SignalError
from volant.caros.viss.session import MOST_ANSWERS, MOST_CURVED, MOST_SUBSCRIPTIONS
from volant.wire.vss import Leaf

S = 1_000_000_000
INVALID_PATH = {
    "number": 404,
    "reason": "invalid_path",
    "message": "The specified data path does not exist.",
}
READ_ONLY = {
    "number": 401,
    "reason": "read_only",
    "message": "The desired signal cannot be set since it is a read only signal.",
}


@pytest.fixture
def stand() -> Stand:
    return Stand()


def reason(answer) -> str:
    assert set(answer["error"]) == {"number", "reason", "message"}
    assert "data" not in answer
    assert answer["ts"].endswith("Z")
    return answer["error"]["reason"]


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [SPEED, SPEED.replace(".", "/")])
def test_a_value_is_read_as_text(stand, path) -> None:
    stand.tell(SPEED, 12.1)
    answer = stand.ask("get", path=path)
    assert answer["action"] == "get"
    assert answer["requestId"] == "1"
    point = {"value": "12.1", "ts": "2023-11-14T22:13:20.000000Z"}
    assert answer["data"] == {"path": SPEED, "dp": point}


@pytest.mark.parametrize("path", [UNKNOWN, "Some.Unknown.Datapoint", "a b", "Vehicle..Speed"])
def test_an_unknown_path_is_told(stand, path) -> None:
    assert stand.ask("get", path=path)["error"] == INVALID_PATH
    assert stand.ask("subscribe", path=path)["error"] == INVALID_PATH


@pytest.mark.parametrize("path", ["Vehicle.*", "*", None, 7, "", "V" * 2000, ["Vehicle"]])
def test_a_path_has_no_wildcards_and_is_a_string(stand, path) -> None:
    assert reason(stand.ask("get", path=path)) == "bad_request"


def test_a_signal_without_a_value_is_unavailable_data(stand) -> None:
    assert reason(stand.ask("get", path=SPEED)) == "unavailable_data"


def test_a_branch_and_paths_give_several(stand) -> None:
    stand.tell(SPEED, 1)
    stand.tell(DOOR, True)
    stand.tell(CODES, ["P0001"])
    answer = stand.ask("get", path="Vehicle")
    assert {one["path"]: one["dp"]["value"] for one in answer["data"]} == {
        SPEED: "1",
        DOOR: "true",
        CODES: ["P0001"],
    }
    asked = {"type": "paths", "parameter": ["Cabin/Door/*/*/IsOpen", "Speed", "Speed"]}
    answer = stand.ask("get", path="Vehicle", filter=asked)
    assert [one["path"] for one in answer["data"]] == [DOOR, SPEED]
    asked = {"type": "paths", "value": "Cabin.Door.*.DriverSide"}  # ends at a branch
    assert len(stand.ask("get", path="Vehicle", filter=asked)["data"]) == 1
    asked = {"type": "paths", "parameter": ["*"]}  # ends in a wildcard: this level alone
    assert [one["path"] for one in stand.ask("get", path="Vehicle", filter=asked)["data"]] == [
        SPEED
    ]


def test_every_path_must_address_something(stand) -> None:
    stand.tell(SPEED, 1)
    asked = {"type": "paths", "parameter": ["Speed", "Nothing"]}
    assert stand.ask("get", path="Vehicle", filter=asked)["error"] == INVALID_PATH


# --- setting --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "raw", "value"),
    [
        (WINDOW, "60", 60),
        (MODE, "SPORT", "SPORT"),
        (DOOR, "true", True),
        (DOOR, "False", False),
        (DOOR, True, True),
    ],
)
def test_an_actuator_is_moved(stand, path, raw, value) -> None:
    stand.move(path)
    answer = stand.ask("set", path=path, value=raw)
    assert set(answer) == {"action", "requestId", "ts"}
    assert stand.moved == [{IDS[path]: value}]


def test_sensors_and_attributes_are_read_only(stand) -> None:
    assert stand.ask("set", path=SPEED, value="80")["error"] == READ_ONLY
    assert stand.ask("set", path=VIN, value="X")["error"] == READ_ONLY
    assert stand.ask("set", path=UNKNOWN, value="1")["error"] == INVALID_PATH


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        (WINDOW, 60),  # a number that is no string
        (WINDOW, "060"),
        (WINDOW, "1.0"),
        (WINDOW, "101"),
        (WINDOW, "9" * 5000),
        (WINDOW, None),
        (WINDOW, ["1"]),
        (MODE, "FLY"),
        (MODE, {"a": 1}),
        (DOOR, "open"),
        ("Vehicle.Cabin", "1"),
    ],
)
def test_bad_data_moves_nothing(stand, path, raw) -> None:
    stand.move(WINDOW, MODE, DOOR)
    assert reason(stand.ask("set", path=path, value=raw)) == "bad_request"
    assert not stand.moved


def test_nobody_who_moves_it_and_a_refusal_are_told_in_words(stand) -> None:
    assert "nobody provides" in stand.ask("set", path=DOOR, value="true")["error"]["message"]
    stand.move(DOOR)
    stand.store.arbiter = lambda who, wanted: SignalError(Code.REFUSED, DOOR, f"too fast, {who}")
    error = stand.ask("set", path=DOOR, value="true")["error"]
    assert error["number"] == 503
    assert error["message"].startswith(f"{DOOR}: too fast, viss test. The server is ")
    assert not stand.moved


# --- subscribing ----------------------------------------------------------------------------------


def subscribe(stand, path=SPEED, **more) -> str:
    answer = stand.ask("subscribe", path=path, **more)
    assert "error" not in answer, answer
    assert set(answer) == {"action", "requestId", "subscriptionId", "ts"}
    return answer["subscriptionId"]


def test_what_stands_is_told_at_once_and_then_what_changes(stand) -> None:
    stand.tell(SPEED, 5)
    name = subscribe(stand)
    first = stand.heard()
    assert set(first) == {"action", "subscriptionId", "data", "ts"}
    assert (first["action"], first["subscriptionId"]) == ("subscription", name)
    assert first["data"]["dp"]["value"] == "5"
    assert stand.heard() is None
    woken = stand.woken
    for speed in (6, 7):
        stand.tell(SPEED, speed)
    assert stand.woken == woken + 1
    assert stand.values() == ["6", "7"]


def test_unsubscribed_means_silent(stand) -> None:
    stand.tell(SPEED, 5)
    name = subscribe(stand)
    answer = stand.ask("unsubscribe", subscriptionId=name)
    assert answer["subscriptionId"] == name
    assert "error" not in answer
    stand.tell(SPEED, 6)
    assert stand.heard() is None
    for wrong in (name, "none", None, 1):
        answer = stand.ask("unsubscribe", subscriptionId=wrong)
        assert reason(answer) == "invalid_subscriptionId"


def test_a_branch_is_told_as_an_array(stand) -> None:
    subscribe(stand, "Vehicle.Cabin")
    assert stand.heard() is None
    stand.tell(DOOR, True)
    assert [one["path"] for one in stand.heard()["data"]] == [DOOR]


def test_a_timebased_subscription_does_not_look_at_changes(stand) -> None:
    stand.tell(SPEED, 5)
    subscribe(stand, filter={"type": "timebased", "parameter": {"period": "100"}})
    assert stand.values() == ["5"]
    stand.tell(SPEED, 6)
    assert stand.session.due_ns() == BEGIN_NS + S // 10
    assert stand.heard() is None
    stand.now_ns += S // 10
    assert stand.values() == ["6"]
    stand.now_ns += 5 * S  # slept: one notification, not fifty
    assert stand.values() == ["6"]
    stand.now_ns -= 100 * S  # nor does a clock that is set back silence it
    assert stand.values() == ["6"]
    assert stand.session.due_ns() == stand.now_ns + S // 10


def test_a_change_is_signed_and_since_the_last_told(stand) -> None:
    stand.tell(SPEED, 100)
    subscribe(stand, filter={"type": "change", "value": {"logic-op": "gt", "diff": "10"}})
    for speed in (105, 111, 120, 122, 50, 130):
        stand.tell(SPEED, speed)
    assert stand.values() == ["100", "111", "122"]
    subscribe(stand, LAMP, filter={"type": "change", "value": {"logic-op": "ne", "diff": "0"}})
    for lit in (True, True, False):
        stand.tell(LAMP, lit)
    assert stand.values() == ["true", "false"]


@pytest.mark.parametrize(("compare", "told"), [("gt", 2), ("lt", 2), ("ne", 4)])
def test_each_rise_and_fall_of_a_flag_is_one(stand, compare, told) -> None:
    stand.tell(LAMP, False)
    subscribe(stand, LAMP, filter={"type": "change", "value": {"logic-op": compare, "diff": "0"}})
    assert stand.values() == ["false"]
    for lit in (True, False, True, False):
        stand.tell(LAMP, lit)
    assert len(stand.values()) == told


def test_a_curve_is_told_when_its_buffer_is_full(stand) -> None:
    log = {"type": "curvelog", "parameter": {"maxerr": "0.5", "bufsize": "5"}}
    stand.tell(SPEED, 0)
    subscribe(stand, filter=log)
    for speed in (1, 2, 3):
        stand.now_ns += S
        stand.tell(SPEED, speed)
    assert stand.heard() is None
    for speed in (4, 4, 4, 4, 9):
        stand.now_ns += S
        stand.tell(SPEED, speed)
    series = [stand.heard()["data"]["dp"] for _ in range(2)]
    assert [[point["value"] for point in dp] for dp in series] == [["0", "4"], ["4", "9"]]
    assert stand.heard() is None
    asked = {"path": "Vehicle", "filter": [{"type": "paths", "parameter": ["Speed"]}, log]}
    assert "subscriptionId" in stand.ask("subscribe", **asked)


def test_curves_hold_only_so_many_values(stand) -> None:
    log = {"type": "curvelog", "parameter": {"maxerr": "0", "bufsize": "250"}}
    for _ in range(MOST_CURVED // 250):
        subscribe(stand, filter=log)
    assert reason(stand.ask("subscribe", path=SPEED, filter=log)) == "too_many_requests"
    stand.ask("unsubscribe", subscriptionId="1")
    subscribe(stand, filter=log)


def test_a_provider_that_goes_is_told_once(stand) -> None:
    stand.store.claim("feeder", [IDS[SPEED]], "data", ALL)
    subscribe(stand, filter={"type": "change", "value": {"logic-op": "ne", "diff": "0"}})
    subscribe(stand, GEAR)
    stand.store.publish(ALL, {IDS[SPEED]: Datapoint(7.0, stand.now_ns)}, "feeder")
    woken = stand.woken
    stand.store.release("feeder")
    assert stand.woken > woken
    assert stand.heard()["data"]["dp"]["value"] == "7"
    gone = stand.heard()
    assert (gone["action"], gone["subscriptionId"]) == ("subscription", "1")
    assert (gone["error"]["number"], gone["error"]["reason"]) == (503, "service_unavailable")
    assert stand.heard() is None
    stand.tell(SPEED, 8)  # another says it: the subscription goes on
    assert stand.values() == ["8"]
    stand.store.claim("feeder", [IDS[SPEED]], "data", ALL)
    stand.store.release("feeder")
    stand.tell(SPEED, 9)
    assert stand.values() == ["9"]


def test_a_range_is_told_when_it_is_entered_and_left(stand) -> None:
    stand.tell(SPEED, 40)
    bounds = [{"logic-op": "gt", "boundary": "49"}, {"logic-op": "lt", "boundary": "51"}]
    subscribe(stand, filter={"type": "range", "value": bounds})
    for speed in (45, 50, 50.5, 60, 61, 50):
        stand.tell(SPEED, speed)
    assert stand.values() == ["50", "60", "50"]
    either = [
        {"boundary-op": "lt", "boundary": "50", "combination-op": "OR"},
        {"boundary-op": "gt", "boundary": "55"},
    ]
    stand.tell(SPEED, 40)
    assert stand.values() == ["40"]
    subscribe(stand, filter={"type": "range", "parameter": either})
    assert stand.values() == ["40"]


def test_the_first_path_triggers_for_all(stand) -> None:
    stand.tell(SPEED, 1)
    stand.tell(GEAR, 2)
    change = {"type": "change", "parameter": {"logic-op": "ne", "diff": "0"}}
    both = {"type": "paths", "parameter": ["Speed", "Powertrain.Transmission.CurrentGear"]}
    subscribe(stand, "Vehicle", filter=[both, change])
    assert len(stand.heard()["data"]) == 2
    stand.tell(GEAR, 3)
    assert stand.heard() is None
    stand.tell(SPEED, 2)
    assert [one["dp"]["value"] for one in stand.heard()["data"]] == ["2", "3"]
    wild = {"type": "paths", "parameter": ["*"]}
    assert reason(stand.ask("subscribe", path="Vehicle", filter=[wild, change])) == "filter_invalid"
    assert reason(stand.ask("subscribe", path="Vehicle", filter=change)) == "filter_invalid"


@pytest.mark.parametrize(
    ("path", "asked", "why"),
    [
        (SPEED, {"type": "timebased", "parameter": {"period": "0"}}, "invalid_duration"),
        (SPEED, {"type": "timebased", "parameter": {"period": 100}}, "invalid_duration"),
        (SPEED, {"type": "timebased"}, "invalid_duration"),
        (
            SPEED,
            {"type": "change", "parameter": {"logic-op": "over", "diff": "1"}},
            "filter_invalid",
        ),
        (SPEED, {"type": "change", "parameter": {"logic-op": "gt", "diff": "x"}}, "filter_invalid"),
        (SPEED, {"type": "change", "parameter": {"logic-op": "gt"}}, "filter_invalid"),
        (MODE, {"type": "change", "parameter": {"logic-op": "gt", "diff": "1"}}, "filter_invalid"),
        (CODES, {"type": "change", "parameter": {"logic-op": "ne", "diff": "0"}}, "filter_invalid"),
        (
            CODES,
            {"type": "range", "parameter": {"logic-op": "eq", "boundary": "1"}},
            "filter_invalid",
        ),
        (SPEED, {"type": "range", "parameter": []}, "filter_invalid"),
        (
            DOOR,
            {"type": "range", "parameter": {"logic-op": "eq", "boundary": "1"}},
            "filter_invalid",
        ),
        (SPEED, {"type": "curvelog", "parameter": {}}, "filter_invalid"),
        (
            SPEED,
            {"type": "curvelog", "parameter": {"maxerr": "-1", "bufsize": "9"}},
            "filter_invalid",
        ),
        (
            SPEED,
            {"type": "curvelog", "parameter": {"maxerr": "1e999", "bufsize": "9"}},
            "filter_invalid",
        ),
        (
            SPEED,
            {"type": "curvelog", "parameter": {"maxerr": "1", "bufsize": "251"}},
            "filter_invalid",
        ),
        (
            MODE,
            {"type": "curvelog", "parameter": {"maxerr": "1", "bufsize": "9"}},
            "filter_invalid",
        ),
        (LAMP, {"type": "change", "parameter": {"logic-op": "gt", "diff": "x"}}, "filter_invalid"),
        (SPEED, {"type": "history", "parameter": "PT1H"}, "filter_invalid"),
        (SPEED, {"type": "static-metadata"}, "filter_invalid"),
        (SPEED, {"type": ["paths"]}, "filter_invalid"),
        (SPEED, [{"type": "paths", "parameter": "a"}] * 2, "filter_invalid"),
        (SPEED, "{", "filter_invalid"),
        (SPEED, 5, "filter_invalid"),
        (SPEED, {"type": "paths", "parameter": ["a"] * 21}, "filter_invalid"),
        (SPEED, {"type": "paths", "parameter": "a b"}, "bad_request"),
    ],
)
def test_filters_that_are_none(stand, path, asked, why) -> None:
    assert reason(stand.ask("subscribe", path=path, filter=asked)) == why
    assert stand.session.due_ns() is None


def test_a_slow_client_loses_the_oldest(stand) -> None:
    subscribe(stand)
    for speed in range(200):
        stand.tell(SPEED, speed)
    values = stand.values()
    assert len(values) == 64
    assert values[-1] == "199"


def test_subscriptions_are_bounded_and_end_with_the_client(stand) -> None:
    for _ in range(MOST_SUBSCRIPTIONS):
        subscribe(stand)
    assert reason(stand.ask("subscribe", path=SPEED)) == "too_many_requests"
    stand.session.close()
    stand.tell(SPEED, 1)
    assert stand.heard() is None


def test_subscriptions_take_turns(stand) -> None:
    stand.tell(SPEED, 1)
    names = [subscribe(stand) for _ in range(3)]
    for speed in (2, 3):
        stand.tell(SPEED, speed)
    assert [stand.heard()["subscriptionId"] for _ in range(6)] == names * 2


# --- history and metadata -------------------------------------------------------------------------


def test_history_goes_back_from_now_without_what_stands(stand) -> None:
    past = {"type": "history", "parameter": "PT10S"}
    assert reason(stand.ask("get", path=SPEED, filter=past)) == "unavailable_data"
    for speed in range(1, 21):
        stand.tell(SPEED, speed)
        stand.service.history.note()
        stand.service.history.note()
        stand.now_ns += S
    data = stand.ask("get", path=SPEED, filter=past)["data"]
    assert [point["value"] for point in data["dp"]] == [str(speed) for speed in range(11, 20)]
    several = [past, {"type": "paths", "parameter": "Speed"}]
    assert stand.ask("get", path="Vehicle", filter=several)["data"][0]["path"] == SPEED
    for wrong in ("INVALID", "P", "PT", "P1Y", "P999D", "PT1H30", None, 5, "P" + "1" * 50 + "D"):
        asked = {"type": "history", "parameter": wrong}
        assert reason(stand.ask("get", path=SPEED, filter=asked)) == "invalid_duration"


def test_history_of_what_is_gone_came_later_or_is_long(stand) -> None:
    past = {"type": "history", "parameter": "PT10S"}

    def noted(path: str) -> list[str]:
        answer = stand.ask("get", path=path, filter=past)
        if "error" in answer:
            assert reason(answer) == "unavailable_data"
            return []
        dp = answer["data"]["dp"]
        return [point["value"] for point in (dp if isinstance(dp, list) else [dp])]

    added = stand.store.add_leaf(ALL, Leaf("Vehicle.T.Late", "sensor", "uint8"))
    for number in (1, 2, None):
        stand.tell(SPEED, number)
        stand.store.publish(ALL, {added.id: Datapoint(number, stand.now_ns)})
        stand.service.history.note()
        stand.now_ns += S
    # The value was taken away, so what was last is past as well.
    assert noted(SPEED) == noted("Vehicle.T.Late") == ["1", "2"]
    stand.tell(SPEED, 2)  # and stands again, from now on: what stood before is past
    assert noted(SPEED) == ["1", "2"]
    for text in ("a" * 200, "b", "c" * 200, "d"):
        stand.tell(TEXT, text)
        stand.service.history.note()
    assert noted(TEXT) == ["b"]
    nothing = {"type": "history", "parameter": "PT0S"}
    assert reason(stand.ask("get", path=SPEED, filter=nothing)) == "unavailable_data"
    assert reason(stand.ask("get", path="Vehicle.*", filter=past)) == "bad_request"


def test_static_metadata_is_a_tree(stand) -> None:
    answer = stand.ask("get", path=SPEED, filter={"type": "static-metadata"})
    words = {"type": "sensor", "datatype": "float", "unit": "km/h", "description": "Vehicle speed."}
    assert answer["metadata"] == {"Speed": words}
    asked = {"type": "static-metadata", "parameter": ["datatype"]}
    tree = stand.ask("get", path="Vehicle.Cabin", filter=asked)["metadata"]["Cabin"]
    assert set(tree) == {"children"}
    side = tree["children"]["Door"]["children"]["Row1"]["children"]["DriverSide"]["children"]
    assert side["IsOpen"] == {"datatype": "boolean"}
    both = [{"type": "static-metadata"}, {"type": "paths", "parameter": "Powertrain.*.CurrentGear"}]
    tree = stand.ask("get", path="Vehicle", filter=both)["metadata"]["Vehicle"]
    assert tree["type"] == "branch"
    assert set(tree["children"]) == {"Powertrain"}


def test_dynamic_metadata_tells_availability_and_capabilities(stand) -> None:
    stand.tell(SPEED, 1)
    asked = {"type": "dynamic-metadata", "parameter": ["availability"]}
    data = stand.ask("get", path="Vehicle", filter=asked)["data"]
    told = {one["path"]: one["dp"]["value"] for one in data}
    assert (told[SPEED], told[GEAR]) == ("available", "unavailable")
    assert stand.ask("get", path=SPEED, filter=asked)["data"]["dp"]["ts"]
    both = {"type": "dynamic-metadata", "parameter": ["availability", "samplerate"]}
    tree = stand.ask("get", path="Vehicle", filter=both)["metadata"]["Vehicle"]["children"]
    assert tree["Speed"] == {"availability": "available"}
    asked = {"type": "dynamic-metadata", "parameter": "opt-cap"}
    assert "hist" in stand.ask("get", path="Vehicle", filter=asked)["metadata"]["flt"]
    asked = {"type": "dynamic-metadata", "parameter": ["server_capabilities"]}
    found = stand.ask("get", path="Vehicle", filter=asked)["metadata"]
    assert {"timebased", "change", "dynamic_metadata"} <= set(found["filter"])
    assert set(found) == {"filter", "access_ctrl", "transport_protocol"}
    assert reason(stand.ask("get", path=SPEED, filter=asked)) == "filter_invalid"
    asked["parameter"].append("availability")
    assert reason(stand.ask("get", path="Vehicle", filter=asked)) == "filter_invalid"


def test_the_sample_rate_is_what_the_provider_told(stand) -> None:
    asked = {"type": "dynamic-metadata", "parameter": "samplerate"}
    assert reason(stand.ask("get", path=SPEED, filter=asked)) == "unavailable_data"
    stand.store.claim("feeder", [IDS[SPEED]], "data", ALL, intervals_ms={IDS[SPEED]: 50})
    assert stand.ask("get", path=SPEED, filter=asked)["data"]["dp"]["value"] == "20"
    data = stand.ask("get", path="Vehicle", filter=asked)["data"]
    assert [one["path"] for one in data] == [SPEED]
    stand.store.release("feeder")
    assert reason(stand.ask("get", path=SPEED, filter=asked)) == "unavailable_data"


# --- rights ---------------------------------------------------------------------------------------


@pytest.fixture
def guarded() -> Stand:
    import time

    return Stand(TokenChecker(public_pem()), time.time_ns())


def test_without_a_token_only_metadata_is_told(guarded) -> None:
    guarded.tell(SPEED, 1)
    assert reason(guarded.ask("get", path=SPEED)) == "token_missing"
    assert reason(guarded.ask("get", path=SPEED, authorization="")) == "token_missing"
    for wrong in ("x", 5, ["a"], token("read", key=_other_key())):
        assert reason(guarded.ask("get", path=SPEED, authorization=wrong)) == "token_invalid"
    assert "metadata" in guarded.ask("get", path=SPEED, filter={"type": "static-metadata"})
    asked = {"type": "dynamic-metadata", "parameter": "validate"}
    found = guarded.ask("get", path=SPEED, filter=asked)["data"]
    assert found["dp"]["value"] == "read-write"
    asked = {"type": "dynamic-metadata", "parameter": "availability"}
    assert reason(guarded.ask("get", path=SPEED, filter=asked)) == "token_missing"


def _other_key():
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=KEY.key_size)


def test_a_token_gives_what_its_scope_says(guarded) -> None:
    guarded.tell(SPEED, 1)
    guarded.tell(VIN, "V")
    guarded.move(WINDOW)
    reads = token(f"read:{SPEED}")
    for text in (reads, f"Bearer {reads}", f"{reads}\n"):
        assert guarded.ask("get", path=SPEED, authorization=text)["data"]["dp"]["value"] == "1"
    for action, path in (("get", VIN), ("get", "Vehicle"), ("subscribe", VIN), ("set", WINDOW)):
        answer = guarded.ask(action, path=path, authorization=reads, value="1")
        assert answer["error"]["number"] == 406
        assert reason(answer) == "insufficient_priviledges"
    moves = token(f"actuate:{WINDOW}")
    assert "error" not in guarded.ask("set", path=WINDOW, value="1", authorization=moves)
    assert guarded.moved == [{IDS[WINDOW]: 1}]


def test_a_subscription_ends_with_its_token(guarded) -> None:
    guarded.tell(SPEED, 1)
    short = token(f"read:{SPEED}", valid_s=60.0)
    subscribe(guarded, authorization=short)
    assert guarded.values() == ["1"]
    due_ns = guarded.session.due_ns()
    assert due_ns is not None
    guarded.now_ns = due_ns + 1000
    last = guarded.heard()
    assert last["action"] == "subscription"
    assert reason(last) == "token_expired"
    assert guarded.session.due_ns() is None
    assert reason(guarded.ask("get", path=SPEED, authorization=short)) == "token_expired"


# --- bad requests ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "5", "null", '"get"', "{}", '{"action":"get"}', '{"requestId":"1"}',
        '{"action":"authorize","requestId":"1"}', '{"action":["get"],"requestId":"1"}',
        '{"action":"get","requestId":{}}', '{"action":"get","requestId":true}', "[" * 50_000,
        '{"action":"get","requestId":"' + "1" * 201 + '"}', "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_request_is_answered_all_the_same(stand, text) -> None:
    assert reason(stand.say(text)) == "bad_request"


def test_a_number_is_taken_as_request_id_and_given_back(stand) -> None:
    assert stand.say(json.dumps({"action": "get", "path": "x", "requestId": 7}))["requestId"] == 7


def test_answers_that_are_not_taken_make_it_crowded(stand) -> None:
    stand.store.publish(ALL, {IDS[SPEED]: Datapoint(1.0, 0)})
    for _ in range(MOST_ANSWERS):
        assert not stand.session.crowded
        stand.session.hear('{"action":"get","path":"Vehicle.Speed","requestId":"1"}')
    assert stand.session.crowded
    stand.heard()
    assert not stand.session.crowded
