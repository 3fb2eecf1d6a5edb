"""An app's requests: answered by its rights, bounded in number and size, whatever it sends."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.apps.session import ANSWERS_MOST, BURST, RATE_PER_S, AppSession, number_of
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.wire.vss import Catalogue, Leaf

SPEED, LIGHT, DOOR = "Vehicle.Speed", "Vehicle.Cabin.Light", "Vehicle.Cabin.Door"
SCOPE = f"read:{SPEED} actuate:{LIGHT}"


class Car:
    """A tree of three signals whose actuators somebody moves, and one app's session."""

    def __init__(self, scope: str = SCOPE) -> None:
        catalogue = Catalogue(
            [
                Leaf(SPEED, "sensor", "float"),
                Leaf(LIGHT, "actuator", "uint8"),
                Leaf(DOOR, "actuator", "boolean"),
            ]
        )
        self.store = SignalStore(catalogue)
        self.ids = {leaf.path: leaf.id for leaf in catalogue}
        self.moved: list[Mapping[int, Any]] = []
        self.woken = 0
        self.session = AppSession(self.store, "org.example.app", Rights(scope), self._wake)
        assert self.sent() == [{"hello": 1}]

    def _wake(self) -> None:
        self.woken += 1

    def provide(self, *paths: str) -> None:
        ids = [self.ids[path] for path in paths]
        self.store.claim("car", ids, "actuation", Rights.all(), self.moved.append)

    def say(self, path: str, value: Any, stamp_ns: int = 1) -> None:
        points = {self.ids[path]: Datapoint(value, stamp_ns)}
        assert not self.store.publish(Rights.all(), points)

    def ask(self, op: str, **words: Any) -> dict[str, Any]:
        self.session.hear(msgspec.msgpack.encode({"op": op, "id": 7, **words}), stamp_ns=5)
        answer = self.sent()[0]
        assert answer["id"] == 7
        return answer

    def sent(self) -> list[dict[str, Any]]:
        found = []
        while (packet := self.session.next_packet()) is not None:
            found.append(msgspec.msgpack.decode(packet))
        return found


def code(answer: dict[str, Any]) -> list[str]:
    return [why for why, _ in answer["errors"].values()]


def test_a_value_that_may_be_read_is_told_with_its_time() -> None:
    car = Car()
    assert car.ask("get", paths=[SPEED])["values"] == {SPEED: [None, 0]}
    car.say(SPEED, 50.0, 123)
    assert car.ask("get", paths=[SPEED])["values"] == {SPEED: [50.0, 123]}


@pytest.mark.parametrize("paths", [[DOOR], ["Vehicle"], ["**"], [SPEED, DOOR]])
def test_what_is_not_granted_is_not_read(paths: list[str]) -> None:
    car = Car()
    for op in ("get", "subscribe"):
        answer = car.ask(op, paths=paths)
        assert code(answer) == ["access_denied"]
        assert "values" not in answer


def test_actuation_needs_its_right_and_somebody_who_moves() -> None:
    car = Car()
    assert code(car.ask("set", values={LIGHT: 10})) == ["unavailable"]
    car.provide(LIGHT, DOOR)
    assert "errors" not in car.ask("set", values={LIGHT: 10})
    assert car.moved == [{car.ids[LIGHT]: 10}]
    assert code(car.ask("set", values={LIGHT: 10, DOOR: True})) == ["access_denied"]
    assert code(car.ask("set", values={LIGHT: 999})) == ["out_of_bounds"]
    assert code(car.ask("set", values={"Vehicle.Wings": 1})) == ["not_found"]
    assert len(car.moved) == 1


def test_changes_come_merged_and_the_latest_counts() -> None:
    car = Car()
    car.say(SPEED, 1.0)
    assert "errors" not in car.ask("subscribe", paths=[SPEED])
    car.sent()
    for value in (2.0, 3.0, 4.0):
        car.say(SPEED, value)
    assert car.sent() == [{"values": {SPEED: [4.0, 1]}}]
    assert car.woken


def test_a_provider_s_signals_are_its_own_until_it_goes() -> None:
    car = Car(f"provide:{SPEED} provide:{LIGHT} actuate:{LIGHT}")
    assert code(car.ask("publish", values={SPEED: 1.0})) == ["not_claimed"]
    assert "errors" not in car.ask("provide", paths=[SPEED], what="data")
    assert "errors" not in car.ask("provide", paths=[LIGHT], what="actuation")
    assert "errors" not in car.ask("publish", values={SPEED: 1.0})
    point = car.store.get(SPEED, Rights.all())
    assert point is not None
    assert (point.value, point.stamp_ns) == (1.0, 5)
    car.session.hear(msgspec.msgpack.encode({"op": "set", "id": 8, "values": {LIGHT: 3}}), 5)
    assert {"actuate": {LIGHT: 3}} in car.sent()
    car.session.close()
    assert car.store.owner_of(car.ids[SPEED], "data") is None
    car.session.close()


def test_who_does_not_read_is_not_heard_further() -> None:
    car = Car()
    for _ in range(ANSWERS_MOST):
        assert car.session.listens
        car.session.hear(msgspec.msgpack.encode({"op": "get", "id": 1, "paths": [SPEED]}), 1)
    assert not car.session.listens
    assert len(car.sent()) == ANSWERS_MOST
    assert car.session.listens


def test_a_flood_is_slowed_down_to_its_rate() -> None:
    car = Car()
    taken = now_ns = 0
    while now_ns < 10_000_000_000:
        wait_s = car.session.wait_s(now_ns)
        if wait_s > 0.0:
            now_ns += round(wait_s * 1e9) + 1
            continue
        car.session.hear(msgspec.msgpack.encode({"op": "get", "id": 1, "paths": [SPEED]}), 1)
        car.sent()
        taken += 1
    assert taken <= BURST + 10 * RATE_PER_S + 1


@given(packets=st.lists(st.binary(max_size=60), max_size=30))
def test_rubbish_costs_only_its_sender(packets: list[bytes]) -> None:
    car = Car()
    for packet in packets:
        car.session.hear(packet, 1)
        assert all("id" in answer for answer in car.sent())
    assert car.session.lost == (car.session.bad > 16)


@pytest.mark.parametrize(
    "words",
    [
        {"op": "get", "paths": [SPEED] * 600},
        {"op": "get", "paths": ["x" * 2000]},
        {"op": "get", "paths": []},
        {"op": "get", "paths": ["Vehicle..Speed"]},
        {"op": "subscribe", "paths": [""]},
        {"op": "set", "values": {}},
        {"op": "provide", "paths": [SPEED], "what": "everything"},
        {"op": "fly", "paths": [SPEED]},
    ],
)
def test_a_wrong_request_is_refused_with_a_reason(words: dict[str, Any]) -> None:
    car = Car()
    car.session.hear(msgspec.msgpack.encode({"id": 7, **words}), 1)
    (answer,) = car.sent()
    assert code(answer)[0] in ("invalid_argument", "not_found")


@given(
    st.binary(max_size=60)
    | st.builds(msgspec.msgpack.encode, st.dictionaries(st.just("id"), st.integers(-1, 1 << 60)))
)
def test_an_answer_finds_who_asked_what_is_not_understood(packet: bytes) -> None:
    assert 0 <= number_of(packet) < 1 << 53


def test_the_number_of_a_request_that_is_not_understood_is_kept() -> None:
    assert number_of(msgspec.msgpack.encode({"id": 7, "op": "no such thing"})) == 7
    assert number_of(b"\xc1") == 0
    assert number_of(msgspec.msgpack.encode(["id", 7])) == 0


def test_so_many_subscriptions_and_no_more() -> None:
    car = Car()
    answers = [car.ask("subscribe", paths=[SPEED]) for _ in range(17)]
    assert [("errors" in one) for one in answers] == [False] * 16 + [True]
