"""kuksa.val.v1 by our own stubs: what kuksa-client does not ask."""

import grpc

from tests.caros.kuksa.broker import (
    CODES,
    DOOR,
    GEAR,
    IDS,
    MODE,
    SPEED,
    UNKNOWN,
    WINDOW,
    claim_actuators,
    in_broker,
    refused,
    run,
)  # fmt: skip
from volant.caros.kuksa import kuksa_v1_pb2 as v1
from volant.caros.signals.values import Code, SignalError

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def update(path: str, *fields: int, target: dict | None = None, **value) -> v1.EntryUpdate:
    entry = v1.DataEntry(path=path)
    if value:
        entry.value.CopyFrom(v1.Datapoint(**value))
    if target:
        entry.actuator_target.CopyFrom(v1.Datapoint(**target))
    return v1.EntryUpdate(entry=entry, fields=fields)


def value(path: str, **content) -> v1.EntryUpdate:
    return update(path, v1.FIELD_VALUE, **content)


def target(path: str, **content) -> v1.EntryUpdate:
    return update(path, v1.FIELD_ACTUATOR_TARGET, target=content)


async def set_all(stands, *updates) -> dict[str, int]:
    answer = await stands.client.ask("Set", v1.SetRequest(updates=updates), v1)
    assert not answer.HasField("error")
    return {error.path: error.error.code for error in answer.errors}


async def get(stands, *entries: v1.EntryRequest):
    return await stands.client.ask("Get", v1.GetRequest(entries=entries), v1)


@in_broker()
async def test_set_tells_each_wrong_entry_and_takes_the_rest(stands):
    errors = await set_all(
        stands,
        value(SPEED, float=3.0), value(WINDOW, uint32=101), value(UNKNOWN, bool=True),
        value(GEAR, float=1.0), value(MODE, string="FLYING"), target(DOOR, bool=True),
        target(CODES, string="x"), target("Vehicle.T.Double", double=1.0),
    )  # fmt: skip
    assert errors == {
        WINDOW: 400, UNKNOWN: 404, GEAR: 400, MODE: 400, CODES: 400, "Vehicle.T.Double": 400,
    }  # fmt: skip
    found = await get(stands, v1.EntryRequest(path="**", view=v1.VIEW_ALL))
    values = {e.path: e.value.float for e in found.entries if e.HasField("value")}
    assert values == {SPEED: 3.0}
    assert [e.path for e in found.entries if e.HasField("actuator_target")] == [DOOR]


@in_broker()
async def test_views_and_fields_choose_what_is_told(stands):
    await set_all(stands, value(WINDOW, uint32=1), target(WINDOW, uint32=2))

    async def told(view, *fields):
        (entry,) = (
            await get(stands, v1.EntryRequest(path=WINDOW, view=view, fields=fields))
        ).entries
        return {field.name for field, _ in entry.ListFields()} - {"path"}

    assert await told(v1.VIEW_UNSPECIFIED) == {"value"}
    assert await told(v1.VIEW_CURRENT_VALUE) == {"value"}
    assert await told(v1.VIEW_TARGET_VALUE) == {"actuator_target"}
    assert await told(v1.VIEW_METADATA) == {"metadata"}
    assert await told(v1.VIEW_ALL) == {"value", "actuator_target", "metadata"}
    assert await told(v1.VIEW_FIELDS, v1.FIELD_ACTUATOR_TARGET) == {"actuator_target"}
    assert await told(v1.VIEW_UNSPECIFIED, v1.FIELD_METADATA_UNIT) == {"metadata"}
    with refused(INVALID):
        await get(stands, v1.EntryRequest(path=WINDOW, view=99))


@in_broker()
async def test_one_field_of_metadata_comes_alone(stands):
    request = v1.EntryRequest(
        path=WINDOW, view=v1.VIEW_FIELDS, fields=[v1.FIELD_METADATA_VALUE_RESTRICTION]
    )
    (entry,) = (await get(stands, request)).entries
    assert (entry.metadata.value_restriction.unsigned.max, entry.metadata.unit) == (100, "")
    request = v1.EntryRequest(path=WINDOW, view=v1.VIEW_FIELDS, fields=[v1.FIELD_METADATA_ACTUATOR])
    (entry,) = (await get(stands, request)).entries
    assert entry.metadata.WhichOneof("entry_specific") == "actuator"


@in_broker()
async def test_wrong_reads_are_told_by_path_and_as_a_whole(stands):
    with refused(INVALID):
        await get(stands)
    found = await get(
        stands,
        v1.EntryRequest(path=SPEED),
        v1.EntryRequest(path=UNKNOWN),
        v1.EntryRequest(path="Veh*"),
    )
    assert [entry.path for entry in found.entries] == [SPEED]
    assert [(error.path, error.error.code) for error in found.errors] == [
        (UNKNOWN, 404),
        ("Veh*", 400),
    ]
    assert found.error.code == 404


@in_broker()
async def test_wrong_sets_are_refused_as_a_whole(stands):
    with refused(INVALID, "path is required"):
        await set_all(stands, v1.EntryUpdate(fields=[v1.FIELD_VALUE]))
    assert await set_all(stands, value("x" * 1001, bool=True)) == {"x" * 1001: 400}


@in_broker()
async def test_subscriptions_tell_value_target_and_metadata_as_asked(stands):
    request = v1.SubscribeRequest(
        entries=[
            v1.SubscribeEntry(path="Vehicle.Cabin", fields=[v1.FIELD_VALUE]),
            v1.SubscribeEntry(path=WINDOW, view=v1.VIEW_TARGET_VALUE),
            v1.SubscribeEntry(path=SPEED, view=v1.VIEW_METADATA),
        ]
    )
    stream = stands.client.hear("Subscribe", request, v1)
    first = {
        (u.entry.path, tuple(u.fields)) for _ in range(3) for u in (await stream.read()).updates
    }
    assert first == {
        (WINDOW, (v1.FIELD_VALUE,)), (DOOR, (v1.FIELD_VALUE,)),
        (WINDOW, (v1.FIELD_ACTUATOR_TARGET,)), (SPEED, (v1.FIELD_METADATA,)),
    }  # fmt: skip
    await set_all(stands, value(WINDOW, uint32=1))
    (heard,) = (await stream.read()).updates
    assert heard.entry.value.uint32 == 1
    await set_all(stands, target(WINDOW, uint32=2))
    (heard,) = (await stream.read()).updates
    assert heard.entry.actuator_target.uint32 == 2
    change = v1.EntryUpdate(entry=v1.DataEntry(path=SPEED), fields=[v1.FIELD_METADATA_UNIT])
    change.entry.metadata.unit = "m/s"
    assert not await set_all(stands, change)
    (heard,) = (await stream.read()).updates
    assert heard.entry.metadata.unit == "m/s"


@in_broker()
async def test_wrong_subscriptions_are_refused(stands):
    for paths, code in {
        (): INVALID,
        (UNKNOWN,): grpc.StatusCode.NOT_FOUND,
        ("V*",): INVALID,
    }.items():
        request = v1.SubscribeRequest(entries=[v1.SubscribeEntry(path=path) for path in paths])
        with refused(code):
            await stands.client.hear("Subscribe", request, v1).read()


@in_broker()
async def test_a_stream_of_updates_answers_each(stands):
    stream = stands.client.talk("StreamedUpdate", v1)
    await stream.write(v1.StreamedUpdateRequest(updates=[value(SPEED, float=1.0)]))
    assert not (await stream.read()).errors
    await stream.write(v1.StreamedUpdateRequest(updates=[value(WINDOW, uint32=101)]))
    assert [error.path for error in (await stream.read()).errors] == [WINDOW]
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF


def test_an_interlock_refuses_a_target_with_its_reason():
    def arbiter(who, wanted):
        return SignalError(Code.REFUSED, DOOR, "the car is moving") if DOOR in wanted else None

    async def test(stands):
        stream = stands.client.talk()
        await claim_actuators(stream, DOOR, WINDOW)
        request = v1.SetRequest(updates=[target(DOOR, bool=True), target(WINDOW, uint32=3)])
        answer = await stands.client.ask("Set", request, v1)
        (error,) = answer.errors
        assert (error.path, error.error.reason) == (DOOR, "refused")
        assert error.error.message == "the car is moving"
        heard = (await stream.read()).batch_actuate_stream_request.actuate_requests
        assert [one.signal_id.id for one in heard] == [IDS[WINDOW]]
        found = await get(stands, v1.EntryRequest(path=DOOR, view=v1.VIEW_TARGET_VALUE))
        assert not found.entries[0].HasField("actuator_target")

    run(test, arbiter=arbiter)


@in_broker()
async def test_restrictions_can_be_changed_within_the_type(stands):
    change = v1.EntryUpdate(entry=v1.DataEntry(path=WINDOW), fields=[v1.FIELD_METADATA])
    change.entry.metadata.value_restriction.unsigned.max = 50
    assert not await set_all(stands, change)
    assert await set_all(stands, value(WINDOW, uint32=51)) == {WINDOW: 400}
    change.entry.metadata.value_restriction.string.allowed_values.append("x")
    assert await set_all(stands, change) == {WINDOW: 400}
    change.entry.metadata.value_restriction.unsigned.max = 5
    change.entry.metadata.value_restriction.unsigned.min = 6
    assert await set_all(stands, change) == {WINDOW: 400}
