"""Viewers: JSON channels in Foxglove's public schemas."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader

from tests.wire.drive_messages import HEADER, car, drive, ego
from volant.core import messages as m
from volant.core import topics
from volant.wire import foxglove
from volant.wire.foxglove import LaneLine, View
from volant.wire.journal import JournalWriter

# Field names of the public schemas (foxglove-sdk, schemas/jsonschema, MIT), of what we write.
PUBLIC = {
    "foxglove.FrameTransform": {
        "timestamp", "parent_frame_id", "child_frame_id", "translation", "rotation",
    },
    "foxglove.SceneUpdate": {"deletions", "entities"},
    "foxglove.PosesInFrame": {"timestamp", "frame_id", "poses"},
    "foxglove.Log": {"timestamp", "level", "message", "name", "file", "line"},
}  # fmt: skip
ENTITY = {
    "timestamp", "frame_id", "id", "lifetime", "frame_locked", "metadata", "arrows", "cubes",
    "spheres", "cylinders", "lines", "triangles", "texts", "models",
}  # fmt: skip
LINE = {"type", "pose", "thickness", "scale_invariant", "points", "color", "colors", "indices"}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, Any]]]:
    """Every viewer message by topic, as the mcap package's reader gives it."""
    writer = JournalWriter(tmp_path_factory.mktemp("view") / "drive.mcap", HEADER)
    writer.add_lanes(
        [
            LaneLine(x_m=(0.0, 100.123456), y_m=(1.75, 1.75)),
            LaneLine(x_m=(0.0, 100.0), y_m=(-1.75, -1.75), mark=m.MarkKind.BROKEN),
            LaneLine(x_m=(0.0, 1.0), y_m=(0.0, 0.0), mark=m.MarkKind.NONE),
        ]
    )
    for topic, stamp_ns, message in drive(1.0):
        writer.write(topic, stamp_ns, message)
    found: dict[str, list[tuple[int, Any]]] = {}
    with Path(writer.close().path).open("rb") as file:
        for _, channel, message in make_reader(file).iter_messages():
            if channel.message_encoding == "json":
                entry = (message.log_time, json.loads(message.data))
                found.setdefault(channel.topic, []).append(entry)
    return found


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """The part of JSON Schema that our channels use."""
    if value is None:
        return True
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    kind = schema["type"]
    if kind == "number":
        return isinstance(value, int | float)
    if not isinstance(value, kinds[kind]):
        return False
    if kind == "array":
        return all(fits(one, schema["items"]) for one in value)
    if kind == "object":
        return set(schema["required"]) <= set(value) <= set(schema["properties"]) and all(
            fits(one, schema["properties"][name]) for name, one in value.items()
        )
    return True


def test_what_is_written_fits_its_schema(shown: dict[str, list[tuple[int, Any]]]) -> None:
    for channel in foxglove.CHANNELS:
        schema = json.loads(foxglove.schema_text(channel))
        assert "$ref" not in json.dumps(schema)
        assert schema["title"] == channel.schema
        assert shown[channel.topic], channel.topic
        for _, message in shown[channel.topic]:
            assert fits(message, schema), channel.topic


def test_a_schema_check_that_finds_wrong_messages(
    shown: dict[str, list[tuple[int, Any]]],
) -> None:
    schema = json.loads(foxglove.schema_text(foxglove.LOG))
    good = shown["view/log"][0][1]
    assert fits(good, schema)
    assert not fits({**good, "level": "two"}, schema)
    assert not fits({**good, "extra": 1}, schema)
    assert not fits({key: good[key] for key in list(good)[1:]}, schema)


def test_only_fields_of_the_public_schemas_are_used() -> None:
    for channel in foxglove.CHANNELS:
        if channel.schema in PUBLIC:
            assert set(channel.struct.__struct_fields__) <= PUBLIC[channel.schema]
    assert set(foxglove.Entity.__struct_fields__) <= ENTITY
    assert set(foxglove.Line.__struct_fields__) <= LINE
    assert set(foxglove.Cube.__struct_fields__) == {"pose", "size", "color"}


def test_states_come_ten_times_a_second(shown: dict[str, list[tuple[int, Any]]]) -> None:
    for topic in ("view/tf", "view/scene", "view/signals"):
        assert [stamp for stamp, _ in shown[topic]] == [step * 10**8 for step in range(10)]
    assert [stamp for stamp, _ in shown["view/plan"]] == [step * 10**8 for step in range(1, 10)]


def test_the_cars_frame_lies_where_the_car_is(shown: dict[str, list[tuple[int, Any]]]) -> None:
    stamp_ns, found = shown["view/tf"][3]
    truth = ego(stamp_ns)
    assert found["timestamp"] == {"sec": 0, "nsec": 300_000_000}
    assert (found["parent_frame_id"], found["child_frame_id"]) == ("world", "ego")
    assert found["translation"] == {"x": truth.x_m, "y": truth.y_m, "z": truth.z_m}
    assert found["rotation"] == {"x": 0, "y": 0, "z": math.sin(0.25), "w": math.cos(0.25)}


def test_the_scene_shows_own_car_tracks_and_truth(
    shown: dict[str, list[tuple[int, Any]]],
) -> None:
    entities = {one["id"]: one for one in shown["view/scene"][5][1]["entities"]}
    assert set(entities) == {"ego", "track 11", "truth"}
    own = entities["ego"]["cubes"][0]
    assert entities["ego"]["frame_id"] == "ego"
    assert own["pose"]["position"]["x"] == pytest.approx(0.5 * 4.5 - 0.9)
    assert own["size"] == {"x": 4.5, "y": 1.8, "z": 1.6}
    track = entities["track 11"]["cubes"][0]
    assert track["pose"]["position"] == {"x": 60.0, "y": 0.0, "z": 2.5 + 0.75}
    assert track["size"] == {"x": 4.4, "y": 1.8, "z": 1.5}
    lorry = entities["truth"]["cubes"][0]
    assert lorry["color"]["a"] < 0.5 < track["color"]["a"]
    for one in entities.values():
        assert one["lifetime"] == {"sec": 0, "nsec": 300_000_000}


def test_the_road_stays_and_is_drawn_once(shown: dict[str, list[tuple[int, Any]]]) -> None:
    ((stamp_ns, update),) = shown["view/road"]
    (road,) = update["entities"]
    assert (stamp_ns, road["lifetime"]) == (0, {"sec": 0, "nsec": 0})
    solid, broken = road["lines"]
    assert solid["points"] == [{"x": 0, "y": 1.75, "z": 0}, {"x": 100.12, "y": 1.75, "z": 0}]
    assert solid["type"] == 0
    assert broken["thickness"] < solid["thickness"]


def test_the_plan_is_a_row_of_poses(shown: dict[str, list[tuple[int, Any]]]) -> None:
    _, path = shown["view/plan"][0]
    assert len(path["poses"]) == 41
    assert path["poses"][10]["position"] == {"x": pytest.approx(1.0), "y": 0, "z": 2.5}


def test_signals_are_one_flat_frame(shown: dict[str, list[tuple[int, Any]]]) -> None:
    stamp_ns, first = shown["view/signals"][0]
    assert first["speed_mps"] == car(stamp_ns).speed_mps
    assert first["command_accel_mps2"] is None
    _, later = shown["view/signals"][9]
    assert later["guard_source"] == "comfort"
    assert later["guard_limited"] is False
    assert later["engagement"] == "engaged"
    assert (later["limit_mps"], later["constraint"]) == (27.0, "lead")
    assert not any(isinstance(value, dict | list) for value in later.values())


def test_events_are_logged_at_once_and_states_of_the_pilot_when_they_change(
    shown: dict[str, list[tuple[int, Any]]],
) -> None:
    found = [(stamp, one["level"], one["message"]) for stamp, one in shown["view/log"]]
    assert found == [
        (0, 2, "ready: driving"),
        (550_000_000, 2, "engaged: driving"),
        (730_000_000, 3, "Jam ahead"),
    ]


def test_interventions_and_contacts_are_errors() -> None:
    view = View()
    contact = m.Contact(
        stamp_ns=1,
        actor_id=3,
        object_class=m.ObjectClass.CAR,
        closing_mps=2.345,
        struck_from_behind=True,
    )
    ((channel, log),) = view.take(topics.WORLD_CONTACT, 1, contact)
    assert (channel, log.level, log.message) == (foxglove.LOG, 4, "contact at 2.3 m/s")
    judged = m.Intervention(stamp_ns=1, kind=m.InterventionKind.STUCK, words="stood for 30 s")
    ((_, log),) = view.take(topics.JUDGE_INTERVENTION, 1, judged)
    assert (log.level, log.name, log.message) == (4, "stuck", "stood for 30 s")


def test_without_a_true_world_the_signals_still_come() -> None:
    made = View().take(topics.CAR_STATE, 0, car(0))
    assert [channel for channel, _ in made] == [foxglove.SCENE, foxglove.SIGNALS]
    assert made[0][1] == foxglove.SceneUpdate(())


def test_what_is_no_number_becomes_null() -> None:
    import msgspec

    signals = foxglove.Signals(speed_mps=math.nan)
    assert json.loads(msgspec.json.encode(signals))["speed_mps"] is None
