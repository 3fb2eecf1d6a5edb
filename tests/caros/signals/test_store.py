"""The store: KUKSA's semantics, owners, targets, slow subscribers, and nothing half-done."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.caros.signals import hearing, weights
from volant.caros.signals.rights import Rights, parse_scope
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.signals.values import Code, SignalError
from volant.wire.vss import Catalogue, Leaf, Value

ALL = Rights.all()
LEAVES = (
    Leaf("Vehicle.Speed", "sensor", "float"),
    Leaf("Vehicle.Window", "actuator", "uint8", maximum=100),
    Leaf("Vehicle.Door", "actuator", "boolean", change="onchange"),
    Leaf("Vehicle.Mode", "actuator", "string", allowed=("A", "B")),
)
SPEED, WINDOW, DOOR, MODE = 1, 2, 3, 4


def store(**more: Any) -> SignalStore:
    return SignalStore(Catalogue(LEAVES), **more)


def code(call: Any, *args: Any, **more: Any) -> Code:
    with pytest.raises(SignalError) as told:
        call(*args, **more)
    return told.value.code


def point(value: Value | None, stamp_ns: int = 7) -> Datapoint:
    return Datapoint(value, stamp_ns)


def test_a_published_value_is_read_with_its_stamp() -> None:
    one = store()
    assert one.get("Vehicle.Speed", ALL) is None
    assert one.publish(ALL, {SPEED: point(3)}) == {}
    assert one.get(SPEED, ALL) == point(3.0)
    assert one.publish(ALL, {SPEED: point(None)}) == {}
    assert one.get(SPEED, ALL) == point(None)


def test_defaults_stand_from_the_beginning() -> None:
    leaf = Leaf("Vehicle.Doors", "attribute", "uint8", default=4, change="static")
    assert SignalStore(Catalogue([leaf]), stamp_ns=9).get("Vehicle.Doors", ALL) == point(4, 9)


def test_each_published_value_stands_or_falls_for_itself() -> None:
    one = store()
    errors = one.publish(
        ALL, {SPEED: point(1.0), WINDOW: point(200), 99: point(1), MODE: point("C")}
    )
    assert {key: error.code for key, error in errors.items()} == {
        WINDOW: Code.OUT_OF_BOUNDS, 99: Code.NOT_FOUND, MODE: Code.NOT_ALLOWED,
    }  # fmt: skip
    assert one.get(SPEED, ALL) == point(1.0)
    assert one.get(WINDOW, ALL) is None


def test_rights_are_asked_for_everything() -> None:
    one, reader = store(), parse_scope("read:Vehicle.Speed")
    assert one.publish(reader, {SPEED: point(1.0)})[SPEED].code is Code.ACCESS_DENIED
    assert one.actuate(reader, "x", {WINDOW: 1}).errors[WINDOW].code is Code.ACCESS_DENIED
    assert code(one.get, WINDOW, reader) is Code.ACCESS_DENIED
    assert code(one.target, WINDOW, reader) is Code.ACCESS_DENIED
    assert code(one.subscribe, [SPEED, WINDOW], reader) is Code.ACCESS_DENIED
    assert code(one.claim, "x", [SPEED], "data", reader) is Code.ACCESS_DENIED
    assert code(one.add_leaf, reader, Leaf("Vehicle.New", "sensor", "uint8")) is Code.ACCESS_DENIED
    assert code(one.set_metadata, reader, "Vehicle.Speed", unit="m") is Code.ACCESS_DENIED
    assert one.set_target(reader, "x", {WINDOW: point(1)})[WINDOW].code is Code.ACCESS_DENIED


def test_what_stands_comes_at_once_and_then_each_change() -> None:
    one = store()
    one.publish(ALL, {SPEED: point(1.0)})
    woken: list[int] = []
    heard = one.subscribe([SPEED, DOOR], ALL, 10, wake=lambda: woken.append(1))
    assert woken == [1]
    assert heard.take() == [{SPEED: point(1.0), DOOR: None}]
    one.publish(ALL, {SPEED: point(2.0), WINDOW: point(5), DOOR: point(True)})
    one.publish(ALL, {SPEED: point(2.0, 8), DOOR: point(True, 8)})
    assert len(woken) == 2, "once for all that waits"
    assert heard.take() == [{SPEED: point(2.0), DOOR: point(True)}, {SPEED: point(2.0, 8)}]
    one.unsubscribe(heard)
    one.unsubscribe(heard)
    one.publish(ALL, {SPEED: point(3.0)})
    assert heard.take() == []


def test_a_slow_subscriber_loses_the_oldest_and_the_others_nothing() -> None:
    one = store()
    slow, fast = one.subscribe([SPEED], ALL, 3), one.subscribe([SPEED], ALL, 1000)
    latest = one.subscribe([SPEED, WINDOW], ALL, 0)
    for step in range(10):
        one.publish(ALL, {SPEED: point(float(step))})
    one.publish(ALL, {WINDOW: point(5)})
    assert [message[SPEED].value for message in slow.take()] == [7.0, 8.0, 9.0]
    assert slow.dropped == 8
    assert len(fast.take()) == 11
    assert latest.take() == [{SPEED: point(9.0), WINDOW: point(5)}], "the latest of each"


def test_subscriptions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    one = store()
    for size in (-1, 1001):
        assert code(one.subscribe, [SPEED], ALL, size) is Code.INVALID_ARGUMENT
    assert code(one.subscribe, [], ALL) is Code.INVALID_ARGUMENT
    assert code(one.subscribe, [99], ALL) is Code.NOT_FOUND
    monkeypatch.setattr(hearing, "MOST_SUBSCRIPTIONS", 5)
    held = [one.subscribe([SPEED], ALL) for _ in range(5)]
    assert code(one.subscribe, [SPEED], ALL) is Code.TOO_MANY
    one.unsubscribe(held[0])
    one.subscribe([SPEED], ALL)
    monkeypatch.setattr(hearing, "MOST_SUBSCRIBED", 6)
    one.unsubscribe(held[1])
    assert code(one.subscribe, [SPEED, WINDOW, DOOR], ALL) is Code.TOO_MANY


def test_a_claimed_signal_has_one_voice() -> None:
    one = store()
    one.claim("car", [SPEED, DOOR], "data", ALL)
    one.claim("car", [SPEED], "data", ALL)
    assert code(one.claim, "app", [WINDOW, SPEED], "data", ALL) is Code.ALREADY_EXISTS
    assert one.owner_of(WINDOW, "data") is None, "a claim is all or nothing"
    assert one.publish(ALL, {SPEED: point(1.0)})[SPEED].code is Code.ALREADY_EXISTS
    assert one.publish(ALL, {WINDOW: point(1)}, "app")[WINDOW].code is Code.NOT_CLAIMED
    assert one.publish(ALL, {SPEED: point(1.0)}, "car") == {}
    one.release("car")
    assert one.publish(ALL, {SPEED: point(2.0)}) == {}


def test_an_actuation_goes_to_who_claimed_it() -> None:
    one, got = store(), []
    assert one.actuate(ALL, "x", {WINDOW: 5}).errors[WINDOW].code is Code.UNAVAILABLE
    one.claim("car", [WINDOW, DOOR], "actuation", ALL, got.append)
    assert one.actuate(ALL, "x", {WINDOW: 5, DOOR: True}).granted
    assert got == [{WINDOW: 5, DOOR: True}]
    assert one.get(WINDOW, ALL) is None, "an actuation is not a value"
    assert code(one.claim, "app", [DOOR], "actuation", ALL, got.append) is Code.ALREADY_EXISTS
    assert code(one.claim, "app", [SPEED], "actuation", ALL, got.append) is Code.INVALID_ARGUMENT
    one.release("car")
    assert one.actuate(ALL, "x", {WINDOW: 5}).errors[WINDOW].code is Code.UNAVAILABLE
    with pytest.raises(ValueError, match="on_actuate"):
        one.claim("car", [WINDOW], "actuation", ALL)


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        ({WINDOW: 5, DOOR: 1}, Code.INVALID_TYPE),
        ({WINDOW: 5, SPEED: 1.0}, Code.INVALID_ARGUMENT),
        ({WINDOW: 5, 99: 1}, Code.NOT_FOUND),
        ({WINDOW: 5, MODE: "A"}, Code.UNAVAILABLE),
        ({WINDOW: 500, DOOR: True}, Code.OUT_OF_BOUNDS),
    ],
)
def test_a_batch_with_one_fault_moves_nothing(wanted: Mapping[int, object], wrong: Code) -> None:
    one, got = store(), []
    one.claim("car", [WINDOW, DOOR], "actuation", ALL, got.append)
    outcome = one.actuate(ALL, "x", wanted)
    assert not outcome.granted
    assert [error.code for error in outcome.errors.values()] == [wrong]
    assert got == []
    assert code(outcome.raise_first) is wrong


def test_the_arbiter_refuses_a_whole_batch() -> None:
    asked = []

    def arbiter(who: str, wanted: Mapping[str, Value]) -> SignalError | None:
        asked.append((who, dict(wanted)))
        return (
            SignalError(Code.REFUSED, "Vehicle.Door", "not now")
            if "Vehicle.Door" in wanted
            else None
        )

    one, got = store(arbiter=arbiter), []
    one.claim("car", [WINDOW, DOOR], "actuation", ALL, got.append)
    refused = one.actuate(ALL, "app", {WINDOW: 5, DOOR: True})
    assert refused.errors[DOOR].reason == "not now"
    assert got == []
    assert one.actuate(ALL, "app", {WINDOW: 5}).granted
    assert asked == [
        ("app", {"Vehicle.Window": 5, "Vehicle.Door": True}), ("app", {"Vehicle.Window": 5}),
    ]  # fmt: skip


def test_a_target_is_stored_and_with_the_bridge_moves_the_car() -> None:
    one, got = store(), []
    heard = one.subscribe([WINDOW], ALL, 5, "target")
    assert heard.take() == [{WINDOW: None}]
    one.claim("car", [WINDOW], "actuation", ALL, got.append)
    errors = one.set_target(ALL, "x", {WINDOW: point(5), MODE: point("A"), SPEED: point(1.0)})
    assert {key: error.code for key, error in errors.items()} == {SPEED: Code.INVALID_ARGUMENT}
    assert got == [{WINDOW: 5}]
    assert one.target(WINDOW, ALL) == point(5)
    assert one.target(MODE, ALL) == point("A"), "nobody moves it: stored, as in v1"
    assert heard.take() == [{WINDOW: point(5)}]
    one.bridge = False
    one.set_target(ALL, "x", {WINDOW: point(6)})
    assert got == [{WINDOW: 5}]
    assert one.target(WINDOW, ALL) == point(6)
    one.set_target(ALL, "x", {WINDOW: point(None)})
    assert one.target(WINDOW, ALL) == point(None)


def test_a_target_that_the_arbiter_refuses_is_not_stored() -> None:
    one = store(arbiter=lambda _who, _wanted: SignalError(Code.REFUSED, "Vehicle.Window", "no"))
    one.claim("car", [WINDOW], "actuation", ALL, lambda _batch: None)
    assert one.set_target(ALL, "x", {WINDOW: point(5)})[WINDOW].code is Code.REFUSED
    assert one.target(WINDOW, ALL) is None


def test_metadata_is_found_changed_and_heard_of() -> None:
    one = store()
    assert [leaf.id for leaf in one.metadata("Vehicle")] == [1, 2, 3, 4]
    assert code(one.metadata, "Vehicle.Unknown") is Code.NOT_FOUND
    assert code(one.metadata, "a b") is Code.INVALID_ARGUMENT
    heard = one.subscribe([WINDOW], Rights.none(), 5, "metadata")
    assert heard.take()[0][WINDOW].maximum == 100
    one.set_metadata(ALL, "Vehicle.Window", maximum=50, description="half")
    assert heard.take()[0][WINDOW].maximum == 50
    assert one.publish(ALL, {WINDOW: point(60)})[WINDOW].code is Code.OUT_OF_BOUNDS
    assert code(one.set_metadata, ALL, "Vehicle.Window", path="x") is Code.INVALID_ARGUMENT
    assert code(one.set_metadata, ALL, "Vehicle.Window", minimum=70) is Code.INVALID_ARGUMENT


def test_bounds_of_what_somebody_tells_or_moves_are_its_own() -> None:
    one = store()
    one.claim("car", [SPEED], "data", ALL)
    one.claim("car", [WINDOW], "actuation", ALL, lambda _batch: None)
    for path in ("Vehicle.Speed", "Vehicle.Window"):
        for change in ({"maximum": 1}, {"minimum": 0.5}, {"unit": "m"}, {"allowed": (1,)}):
            assert code(one.set_metadata, ALL, path, **change) is Code.ALREADY_EXISTS
        assert one.set_metadata(ALL, path, description="half").description == "half"
    assert SPEED not in one.publish(ALL, {SPEED: point(20.0)}, "car")


def test_a_leaf_can_be_added_once() -> None:
    one = store()
    new = one.add_leaf(ALL, Leaf("Vehicle.New", "actuator", "uint8", change="onchange"))
    assert one.add_leaf(ALL, Leaf("Vehicle.New", "actuator", "uint8")) is new
    assert code(one.add_leaf, ALL, Leaf("Vehicle.New", "sensor", "uint8")) is Code.ALREADY_EXISTS
    assert code(one.add_leaf, ALL, Leaf("Vehicle.*", "sensor", "uint8")) is Code.INVALID_ARGUMENT
    heard = one.subscribe([new.id], ALL, 5)
    for _ in range(2):
        assert one.publish(ALL, {new.id: point(1)}) == {}
    assert len(heard.take()) == 2
    assert one.version == 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.dictionaries(st.integers(0, 6), st.integers(-1, 200) | st.booleans())),
        st.tuples(st.just("open"), st.sets(st.integers(1, 4), min_size=1), st.integers(0, 3)),
        st.tuples(st.just("close"), st.integers(0, 5)),
        st.tuples(st.just("take"), st.integers(0, 5)),
    ),
    max_size=40,
)  # fmt: skip


@given(STEPS)
@settings(max_examples=100)
def test_whatever_comes_a_subscriber_ends_with_what_stands(steps: list[tuple[Any, ...]]) -> None:
    """Its own last words of each signal are the store's, and it never holds more than its buffer."""
    one = store()
    opened: list[tuple[Any, dict[int, Datapoint | None]]] = []
    for kind, *args in steps:
        if kind == "publish":
            one.publish(ALL, {key: point(value) for key, value in args[0].items()})
        elif kind == "open":
            opened.append((one.subscribe(args[0], ALL, args[1]), {}))
        elif kind == "close" and len(opened) > args[0]:
            one.unsubscribe(opened.pop(args[0])[0])
        elif kind == "take" and len(opened) > args[0]:
            heard, known = opened[args[0]]
            for message in heard.take():
                known |= message
        for heard, _ in opened:
            assert heard.waiting <= max(1, len(heard.ids), 3)
    for heard, known in opened:
        lossless = not heard.dropped
        for message in heard.take():
            known |= message
        assert set(known) <= heard.ids
        if lossless:
            for key in heard.ids:
                stands = one.get(key, ALL)
                assert (known[key] and known[key].value) == (stands and stands.value)


# --- long texts -----------------------------------------------------------------------------------

TEXT, LIST = 1, 2
LONG_LEAVES = (
    Leaf("Vehicle.Text", "actuator", "string"),
    Leaf("Vehicle.List", "sensor", "string[]"),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["publish", "target", "pop", "take"]),
        st.sampled_from([TEXT, LIST]),
        st.sampled_from([0, 1, 200, 3000]),
    ),
    max_size=60,
)


def test_what_is_small_weighs_nothing() -> None:
    for value in (None, True, 1, 1.5, "", "a" * 127, ("a", "b"), (1,) * 20):
        assert weights.weight(value) == 0
    for value in ("a" * 128, ("a" * 2000,), (1.5,) * 4096):
        assert weights.weight(value) > 128


@settings(max_examples=60)
@given(STEPS, st.integers(0, 6))
def test_long_texts_are_weighed_where_they_stand_and_wait(steps: Any, buffer: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "MOST_WEIGHT", 8000)
        patch.setattr(hearing, "MOST_WEIGHT", 4000)
        made = SignalStore(Catalogue(LONG_LEAVES))
        subscription = made.subscribe([TEXT, LIST], ALL, buffer)
        for number, (what, leaf_id, length) in enumerate(steps):
            text = f"{number % 10}" * length
            one = point(text if leaf_id == TEXT else (text,) if length else None)
            if what == "publish":
                errors = made.publish(ALL, {leaf_id: one})
                assert all(error.code is Code.TOO_MANY for error in errors.values())
            elif what == "target" and leaf_id == TEXT:
                errors = made.set_target(ALL, "me", {TEXT: one})
                assert all(error.code is Code.TOO_MANY for error in errors.values())
            elif what == "pop":
                subscription.pop()
            else:
                subscription.take()
            stands = [*made._values.values(), *made._targets.values()]
            held = sum(weights.weight(each.value) for each in stands)
            assert held == made._weights.held <= 8000
            if buffer:
                waits = sum(hearing._weigh(message) for message in subscription._queue)
                assert subscription._weight == waits
                assert waits <= 4000 or subscription.waiting == 1


def test_a_target_without_room_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "MOST_WEIGHT", 1000)
    moved: list[Any] = []
    made = SignalStore(Catalogue(LONG_LEAVES))
    made.claim("mover", [TEXT], "actuation", ALL, moved.append)
    assert made.set_target(ALL, "me", {TEXT: point("a" * 2000)})[TEXT].code is Code.TOO_MANY
    assert made.target(TEXT, ALL) is None
    assert not moved
    assert not made.set_target(ALL, "me", {TEXT: point("a" * 200)})
    assert moved == [{TEXT: "a" * 200}]


def test_who_provides_is_missed_until_somebody_says_something() -> None:
    made = store()
    made.claim("feeder", [SPEED, WINDOW], "data", ALL, intervals_ms={SPEED: 20, DOOR: 5})
    assert [made.interval_ms(one) for one in (SPEED, WINDOW, DOOR)] == [20, 0, 0]
    version, woken = made.version, []
    hears = made.subscribe([SPEED, DOOR], ALL, 5, wake=lambda: woken.append(1))
    hears.take()
    made.release("feeder")
    assert hears.lost == {SPEED}
    assert len(woken) == 2  # what stood, and the loss
    assert made.interval_ms(SPEED) == 0
    assert made.version > version
    made.publish(ALL, {DOOR: point(True)})
    assert hears.lost == {SPEED}
    made.publish(ALL, {SPEED: point(1.0)})
    assert not hears.lost
