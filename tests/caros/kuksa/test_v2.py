"""All eleven methods of kuksa.val.v2, as the comments of its val.proto have them."""

import asyncio

import grpc
import pytest

from tests.caros.kuksa.broker import (
    CODES,
    DOOR,
    GEAR,
    IDS,
    LAMP,
    MODE,
    SPEED,
    UNKNOWN,
    VIN,
    WHEELS,
    WINDOW,
    actuate,
    claim_actuators,
    claim_data,
    in_broker,
    path_id,
    publish,
    refused,
    run,
    values,
)  # fmt: skip
from volant.caros.kuksa import kuksa_v2_pb2 as v2
from volant.caros.signals.values import Code, SignalError

INVALID = grpc.StatusCode.INVALID_ARGUMENT
MISSING = grpc.StatusCode.NOT_FOUND
CALM_S = 0.3
"""How long nothing may come before a test believes that nothing will."""


async def nothing_comes(stream) -> None:
    reading = asyncio.ensure_future(stream.read())
    done, _ = await asyncio.wait({reading}, timeout=CALM_S)
    assert not done, reading.result()
    reading.cancel()


# --- values ---------------------------------------------------------------------------------------


@in_broker()
async def test_a_signal_without_value_is_told_as_none_with_a_time(stands):
    for signal in (path_id(SPEED), v2.SignalID(id=IDS[SPEED])):
        answer = await stands.client.ask("GetValue", v2.GetValueRequest(signal_id=signal))
        assert answer.data_point.HasField("timestamp")
        assert not answer.data_point.HasField("value")


EACH_TYPE = [
    (SPEED, {"float": 12.5}),
    (WINDOW, {"uint32": 100}),
    (DOOR, {"bool": True}),
    (DOOR, {"bool": False}),
    (GEAR, {"int32": -1}),
    (GEAR, {"int32": -128}),
    (MODE, {"string": "SPORT"}),
    (VIN, {"string": "ÄÖÜ"}),
    (CODES, {"string_array": v2.StringArray(values=["P0A1F", ""])}),
    (CODES, {"string_array": v2.StringArray()}),
    ("Vehicle.T.Uint64", {"uint64": 2**64 - 1}),
    ("Vehicle.T.Int64", {"int64": -(2**63)}),
    ("Vehicle.T.Double", {"double": 0.1}),
    ("Vehicle.T.Bytes", {"uint32_array": v2.Uint32Array(values=[0, 255])}),
]


@in_broker()
async def test_each_type_comes_back_as_it_was_published(stands):
    for path, value in EACH_TYPE:
        await stands.client.ask("PublishValue", publish(path, **value))
        answer = await stands.client.ask("GetValue", v2.GetValueRequest(signal_id=path_id(path)))
        assert answer.data_point.value == v2.Value(**value), path
        stream = stands.client.hear("Subscribe", v2.SubscribeRequest(signal_paths=[path]))
        assert (await stream.read()).entries[path] == answer.data_point
        stream.cancel()


@in_broker()
async def test_values_come_in_the_order_asked_for(stands):
    await stands.client.ask("PublishValue", publish(SPEED, float=1.0))
    await stands.client.ask("PublishValue", publish(WINDOW, uint32=7))
    request = v2.GetValuesRequest(
        signal_ids=[path_id(WINDOW), path_id(GEAR), v2.SignalID(id=IDS[SPEED]), path_id(WINDOW)]
    )
    answer = await stands.client.ask("GetValues", request)
    found = [point.value.WhichOneof("typed_value") for point in answer.data_points]
    assert found == ["uint32", None, "float", "uint32"]


@in_broker()
async def test_wrong_reads_are_refused(stands):
    for signal, code in [
        (v2.SignalID(), INVALID),
        (path_id("a" * 1001), INVALID),
        (path_id(""), MISSING),
        (path_id(UNKNOWN), MISSING),
        (path_id("Vehicle.Cabin"), MISSING),
        (path_id("Vehicle.*"), MISSING),
        (v2.SignalID(id=9999), MISSING),
        (v2.SignalID(id=-1), MISSING),
    ]:
        with refused(code):
            await stands.client.ask("GetValue", v2.GetValueRequest(signal_id=signal))
        with refused(code):
            both = v2.GetValuesRequest(signal_ids=[path_id(SPEED), signal])
            await stands.client.ask("GetValues", both)
    for name in ("GetValue", "GetValues"):
        with refused(INVALID):
            await stands.client.ask(name)


@in_broker()
async def test_a_point_without_value_takes_the_value_away(stands):
    await stands.client.ask("PublishValue", publish(SPEED, float=1.0))
    await stands.client.ask("PublishValue", publish(SPEED))
    answer = await stands.client.ask("GetValue", v2.GetValueRequest(signal_id=path_id(SPEED)))
    assert not answer.data_point.HasField("value")


WRONG_VALUES = {
    "of another type": (publish(SPEED, string="fast"), INVALID),
    "double for float": (publish(SPEED, double=1.0), INVALID),
    "signed for unsigned": (publish(WINDOW, int32=1), INVALID),
    "a list for one": (publish(WINDOW, uint32_array=v2.Uint32Array(values=[1])), INVALID),
    "one for a list": (publish(CODES, string="P0A1F"), INVALID),
    "above max": (publish(WINDOW, uint32=101), INVALID),
    "above the type": (publish(WHEELS, uint32=256), INVALID),
    "below the type": (publish(GEAR, int32=-129), INVALID),
    "above a double's max": (publish("Vehicle.T.Double", double=1.6), INVALID),
    "not a number": (publish(SPEED, float=float("nan")), INVALID),
    "endless": (publish(SPEED, float=float("inf")), INVALID),
    "not allowed": (publish(MODE, string="FLYING"), INVALID),
    "an element above the type": (
        publish("Vehicle.T.Bytes", uint32_array=v2.Uint32Array(values=[1, 256])),
        INVALID,
    ),
    "no point": (v2.PublishValueRequest(signal_id=path_id(SPEED)), INVALID),
    "no signal": (v2.PublishValueRequest(data_point=v2.Datapoint()), INVALID),
    "an unknown signal": (publish(UNKNOWN, float=1.0), MISSING),
    "a branch": (publish("Vehicle.Cabin", float=1.0), MISSING),
}


@in_broker()
async def test_a_wrong_value_is_refused_and_nothing_is_stored(stands):
    for name, (request, code) in WRONG_VALUES.items():
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stands.client.ask("PublishValue", request)
        assert error.value.code() is code, name
        assert error.value.details(), name
    assert not stands.store._values


# --- metadata -------------------------------------------------------------------------------------


@in_broker()
async def test_metadata_tells_type_unit_bounds_and_allowed_values(stands):
    async def listed(root):
        request = v2.ListMetadataRequest(root=root, filter="")
        return (await stands.client.ask("ListMetadata", request)).metadata

    (window,) = await listed(WINDOW)
    assert (window.path, window.id, window.unit) == (WINDOW, IDS[WINDOW], "percent")
    assert (window.data_type, window.entry_type) == (v2.DATA_TYPE_UINT8, v2.ENTRY_TYPE_ACTUATOR)
    assert (window.min.uint32, window.max.uint32) == (0, 100)
    (mode,) = await listed(MODE)
    assert list(mode.allowed_values.string_array.values) == ["NORMAL", "SPORT", "ECONOMY"]
    (codes,) = await listed(CODES)
    assert codes.data_type == v2.DATA_TYPE_STRING_ARRAY
    everything = {one.path for one in await listed("")}
    assert everything == set(IDS)
    cabin = {WINDOW, DOOR}
    for root in ("Vehicle.Cabin", "Vehicle.Cabin.**", "Vehicle.*.Door.**"):
        assert {one.path for one in await listed(root)} == cabin, root


@in_broker()
async def test_wrong_roots_of_metadata_are_told_apart(stands):
    for root, code in {
        UNKNOWN: MISSING, "Vehicle.Cab": MISSING, "Vehicle.Cab*": INVALID, "..": INVALID,
        "Vehicle." + "a" * 1000: INVALID, "Vehicle Speed": INVALID,
    }.items():  # fmt: skip
        with refused(code):
            await stands.client.ask("ListMetadata", v2.ListMetadataRequest(root=root))


@in_broker()
async def test_metadata_tells_the_interval_of_who_provides_it(stands):
    async def interval_ms():
        request = v2.ListMetadataRequest(root=SPEED, filter="is not looked at")
        (one,) = (await stands.client.ask("ListMetadata", request)).metadata
        return one.min_sample_interval.interval_ms

    assert await interval_ms() == 0
    stream = stands.client.talk()
    await claim_data(stream, SPEED, interval_ms=40)
    assert await interval_ms() == 40
    await claim_data(stream, SPEED, interval_ms=10)  # it may think better of it
    assert await interval_ms() == 10
    stream.cancel()
    while await interval_ms():
        await asyncio.sleep(0.01)


@in_broker()
async def test_the_server_tells_who_it_is(stands):
    answer = await stands.client.ask("GetServerInfo")
    assert answer.name == "volant"
    assert answer.version


# --- subscriptions --------------------------------------------------------------------------------


@in_broker()
async def test_subscribe_answers_at_once_also_without_a_value(stands):
    await stands.client.ask("PublishValue", publish(SPEED, float=3.0))
    request = v2.SubscribeRequest(signal_paths=[SPEED, WINDOW])
    stream = stands.client.hear("Subscribe", request)
    first = await stream.read()
    assert set(first.entries) == {SPEED, WINDOW}
    assert first.entries[SPEED].value.float == 3.0
    assert not first.entries[WINDOW].HasField("value")
    await stands.client.ask("PublishValue", publish(WINDOW, uint32=5))
    second = await stream.read()
    assert {path: point.value.uint32 for path, point in second.entries.items()} == {WINDOW: 5}


@in_broker()
async def test_subscribe_by_id_tells_ids(stands):
    request = v2.SubscribeByIdRequest(signal_ids=[IDS[SPEED], IDS[SPEED]])
    stream = stands.client.hear("SubscribeById", request)
    assert set((await stream.read()).entries) == {IDS[SPEED]}
    await stands.client.ask("PublishValue", publish(SPEED, float=3.0))
    assert (await stream.read()).entries[IDS[SPEED]].value.float == 3.0


@in_broker()
async def test_a_signal_of_onchange_is_told_when_it_changes_only(stands):
    stream = stands.client.hear("Subscribe", v2.SubscribeRequest(signal_paths=[LAMP]))
    await stream.read()
    for on in (True, True, False):
        await stands.client.ask("PublishValue", publish(LAMP, bool=on))
        if on:
            await asyncio.sleep(0)
    heard = [(await stream.read()).entries[LAMP].value.bool for _ in range(2)]
    assert heard == [True, False]


@in_broker()
async def test_wrong_subscriptions_are_refused(stands):
    for request, code in [
        (v2.SubscribeRequest(), INVALID),
        (v2.SubscribeRequest(signal_paths=[SPEED], buffer_size=1001), INVALID),
        (v2.SubscribeRequest(signal_paths=["a" * 1001]), INVALID),
        (v2.SubscribeRequest(signal_paths=[SPEED, UNKNOWN]), MISSING),
        (v2.SubscribeRequest(signal_paths=["Vehicle.Cabin"]), MISSING),
        (v2.SubscribeRequest(signal_paths=["**"]), MISSING),
        (v2.SubscribeRequest(signal_paths=[SPEED] * 10_001), INVALID),
    ]:
        with refused(code):
            await stands.client.hear("Subscribe", request).read()
    for by_id, code in [([], INVALID), ([IDS[SPEED], 9999], MISSING), ([-1], MISSING)]:
        with refused(code):
            request = v2.SubscribeByIdRequest(signal_ids=by_id)
            await stands.client.hear("SubscribeById", request).read()
    assert not stands.store._hearers._open


@in_broker()
async def test_an_interval_puts_together_what_comes_between(stands):
    request = v2.SubscribeRequest(signal_paths=[SPEED, WINDOW], buffer_size=5)
    request.filter.min_sample_interval.interval_ms = 300
    stream = stands.client.hear("Subscribe", request)
    await stream.read()
    for speed in (1.0, 2.0, 3.0):
        await stands.client.ask("PublishValue", publish(SPEED, float=speed))
    await stands.client.ask("PublishValue", publish(WINDOW, uint32=9))
    heard = await stream.read()
    assert heard.entries[SPEED].value.float == 3.0
    assert heard.entries[WINDOW].value.uint32 == 9


@in_broker()
async def test_a_duration_ends_the_stream_well(stands):
    request = v2.SubscribeRequest(signal_paths=[SPEED])
    request.filter.duration_ms = 50
    stream = stands.client.hear("Subscribe", request)
    await stream.read()
    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() is grpc.StatusCode.OK


@in_broker()
async def test_a_subscriber_that_goes_is_forgotten(stands):
    stream = stands.client.hear("Subscribe", v2.SubscribeRequest(signal_paths=[SPEED]))
    await stream.read()
    assert len(stands.store._hearers) == 1
    stream.cancel()
    while len(stands.store._hearers):
        await asyncio.sleep(0.01)


# --- moving the car -------------------------------------------------------------------------------


@in_broker()
async def test_an_actuation_reaches_its_provider_and_is_not_stored(stands):
    stream = stands.client.talk()
    await claim_actuators(stream, WINDOW, DOOR)
    await stands.client.ask("Actuate", actuate(WINDOW, uint32=40))
    heard = (await stream.read()).batch_actuate_stream_request.actuate_requests
    assert [(one.signal_id.id, one.value.uint32) for one in heard] == [(IDS[WINDOW], 40)]
    answer = await stands.client.ask("GetValue", v2.GetValueRequest(signal_id=path_id(WINDOW)))
    assert not answer.data_point.HasField("value")


@in_broker()
async def test_a_batch_goes_out_whole_to_each_provider(stands):
    async with stands.another() as other:
        one, two = stands.client.talk(), other.talk()
        await claim_actuators(one, WINDOW, DOOR)
        await claim_actuators(two, MODE)
        request = v2.BatchActuateRequest(
            actuate_requests=[
                actuate(WINDOW, uint32=1), actuate(MODE, string="SPORT"), actuate(DOOR, bool=True),
            ]
        )  # fmt: skip
        await stands.client.ask("BatchActuate", request)
        heard = (await one.read()).batch_actuate_stream_request.actuate_requests
        assert {each.signal_id.id for each in heard} == {IDS[WINDOW], IDS[DOOR]}
        heard = (await two.read()).batch_actuate_stream_request.actuate_requests
        assert [each.value.string for each in heard] == ["SPORT"]


WRONG_ACTUATIONS = {
    "a sensor": (actuate(SPEED, float=1.0), INVALID),
    "an attribute": (actuate(VIN, string="x"), INVALID),
    "an unknown one": (actuate(UNKNOWN, bool=True), MISSING),
    "of another type": (actuate(WINDOW, int32=1), INVALID),
    "out of bounds": (actuate(WINDOW, uint32=101), INVALID),
    "not allowed": (actuate(MODE, string="FLYING"), INVALID),
    "without value": (actuate(WINDOW), INVALID),
    "without signal": (v2.ActuateRequest(value=v2.Value(bool=True)), INVALID),
    "with an empty signal": (
        v2.ActuateRequest(signal_id=v2.SignalID(), value=v2.Value(bool=True)),
        INVALID,
    ),
    "nobody provides": (actuate(LAMP, bool=True), grpc.StatusCode.UNAVAILABLE),
}


@in_broker()
async def test_a_wrong_actuation_is_refused_and_stops_the_whole_batch(stands):
    stream = stands.client.talk()
    await claim_actuators(stream, WINDOW, MODE, DOOR)
    for request, code in WRONG_ACTUATIONS.values():
        with refused(code):
            await stands.client.ask("Actuate", request)
        with refused(code):
            batch = v2.BatchActuateRequest(actuate_requests=[actuate(DOOR, bool=True), request])
            await stands.client.ask("BatchActuate", batch)
    await nothing_comes(stream)


@in_broker()
async def test_a_stream_of_actuations(stands):
    provider = stands.client.talk()
    await claim_actuators(provider, WINDOW)
    stream = stands.client.say("ActuateStream")
    for position in range(5):
        await stream.write(actuate(WINDOW, uint32=position))
    await stream.done_writing()
    assert await stream == v2.ActuateResponse()
    heard = [await provider.read() for _ in range(5)]
    found = [one.batch_actuate_stream_request.actuate_requests[0].value.uint32 for one in heard]
    assert found == [0, 1, 2, 3, 4]
    broken = stands.client.say("ActuateStream")
    await broken.write(actuate(WINDOW, uint32=101))
    with refused(INVALID):
        await broken


def test_an_interlock_refuses_with_its_reason():
    def arbiter(who, wanted):
        assert who.startswith("ipv4:127.0.0.1")
        return SignalError(Code.REFUSED, DOOR, "the car is moving") if DOOR in wanted else None

    async def test(stands):
        stream = stands.client.talk()
        await claim_actuators(stream, DOOR, WINDOW)
        with refused(grpc.StatusCode.FAILED_PRECONDITION, "the car is moving"):
            await stands.client.ask("Actuate", actuate(DOOR, bool=True))
        await stands.client.ask("Actuate", actuate(WINDOW, uint32=1))

    run(test, arbiter=arbiter)


# --- providers ------------------------------------------------------------------------------------


@in_broker()
async def test_a_second_claim_is_refused_and_ends_that_stream(stands):
    first = stands.client.talk()
    await claim_actuators(first, WINDOW)
    second = stands.client.talk()
    request = v2.OpenProviderStreamRequest()
    for path in (DOOR, WINDOW):
        request.provide_actuation_request.actuator_identifiers.add().path = path
    await second.write(request)
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        await second.read()
    third = stands.client.talk()
    await claim_actuators(third, DOOR)  # nothing of the refused claim is left


@in_broker()
async def test_claims_that_are_wrong_end_the_stream(stands):
    for paths, code in {(UNKNOWN,): MISSING, (WINDOW, SPEED): INVALID}.items():
        stream = stands.client.talk()
        request = v2.OpenProviderStreamRequest()
        for path in paths:
            request.provide_actuation_request.actuator_identifiers.add().path = path
        await stream.write(request)
        with refused(code):
            await stream.read()
    stream = stands.client.talk()
    request = v2.OpenProviderStreamRequest()
    request.provide_signal_request.signals_sample_intervals[9999].interval_ms = 5
    await stream.write(request)
    with refused(MISSING):
        await stream.read()


@in_broker()
async def test_data_that_another_provides_cannot_be_claimed(stands):
    first = stands.client.talk()
    await claim_data(first, SPEED)
    second = stands.client.talk()
    request = v2.OpenProviderStreamRequest()
    for path in (GEAR, SPEED):
        request.provide_signal_request.signals_sample_intervals[IDS[path]].interval_ms = 5
    await second.write(request)
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        await second.read()
    third = stands.client.talk()
    await claim_data(third, GEAR)  # nothing of the refused claim is left


@in_broker()
async def test_a_provider_publishes_in_batches(stands):
    listening = stands.client.hear(
        "Subscribe", v2.SubscribeRequest(signal_paths=[SPEED, GEAR, CODES])
    )
    await listening.read()
    stream = stands.client.talk()
    await claim_data(stream, SPEED, GEAR, CODES)
    await stream.write(
        values({
            SPEED: v2.Value(float=8.0), GEAR: v2.Value(int32=-1),
            CODES: v2.Value(string_array=v2.StringArray(values=["a"])),
        })
    )  # fmt: skip
    heard = (await listening.read()).entries
    assert heard[SPEED].value.float == 8.0
    assert heard[GEAR].value.int32 == -1
    assert list(heard[CODES].value.string_array.values) == ["a"]


@in_broker()
async def test_wrong_values_of_a_batch_are_told_one_by_one_and_the_rest_counts(stands):
    stream = stands.client.talk()
    await claim_data(stream, SPEED, GEAR, WINDOW)
    points = {
        SPEED: v2.Value(float=8.0), GEAR: v2.Value(float=1.0), WINDOW: v2.Value(uint32=101),
        9999: v2.Value(float=1.0),
    }  # fmt: skip
    await stream.write(values(points, request_id=77))
    answer = (await stream.read()).publish_values_response
    assert answer.request_id == 77
    assert {key: error.code for key, error in answer.status.items()} == {
        IDS[GEAR]: v2.ERROR_CODE_INVALID_ARGUMENT,
        IDS[WINDOW]: v2.ERROR_CODE_INVALID_ARGUMENT,
        9999: v2.ERROR_CODE_NOT_FOUND,
    }
    assert all(error.message for error in answer.status.values())
    speed = await stands.client.ask("GetValue", v2.GetValueRequest(signal_id=path_id(SPEED)))
    # The provider is asked for its value and does not answer, so the stored one comes.
    assert speed.data_point.value.float == 8.0


@in_broker()
async def test_what_is_wrong_with_the_last_values_is_told_after_the_end(stands):
    stream = stands.client.talk()
    await claim_data(stream, WINDOW)
    for _ in range(20):
        await stream.write(values({WINDOW: v2.Value(uint32=101)}))
    await stream.done_writing()
    told = 0
    while await stream.read() is not grpc.aio.EOF:
        told += 1
    assert told == 20


@in_broker()
async def test_publishing_what_nobody_claimed_aborts_the_stream(stands):
    stream = stands.client.talk()
    await stream.write(values({SPEED: v2.Value(float=8.0)}))
    with refused(grpc.StatusCode.ABORTED):
        await stream.read()
    failing = stands.client.talk()
    request = v2.OpenProviderStreamRequest()
    request.provider_error_indication.provider_error = v2.CODE_NETWORK_ERROR
    await failing.write(request)
    with refused(grpc.StatusCode.ABORTED):
        await failing.read()
    assert not stands.store._values


@in_broker()
async def test_publishing_what_another_claimed_is_refused(stands):
    first, second = stands.client.talk(), stands.client.talk()
    await claim_data(first, SPEED)
    await claim_data(second, GEAR)
    await second.write(values({GEAR: v2.Value(int32=1), SPEED: v2.Value(float=1.0)}))
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        await second.read()
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        await stands.client.ask("PublishValue", publish(SPEED, float=1.0))
    assert not stands.store._values


@in_broker()
async def test_a_claim_can_grow_and_ends_with_the_stream(stands):
    stream = stands.client.talk()
    await claim_data(stream, SPEED)
    await claim_data(stream, GEAR)
    await stream.write(values({SPEED: v2.Value(float=1.0), GEAR: v2.Value(int32=1)}))
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF
    another = stands.client.talk()
    await claim_data(another, SPEED, GEAR)


@in_broker()
async def test_who_has_ended_its_half_still_moves_its_actuators(stands):
    stream = stands.client.talk()
    await claim_actuators(stream, WINDOW)
    await stream.done_writing()  # as kuksa-client does after its claim
    await stands.client.ask("Actuate", actuate(WINDOW, uint32=4))
    assert (await stream.read()).HasField("batch_actuate_stream_request")
    stream.cancel()
    while stands.store.owner_of(IDS[WINDOW], "actuation"):
        await asyncio.sleep(0.01)
    with refused(grpc.StatusCode.UNAVAILABLE):
        await stands.client.ask("Actuate", actuate(WINDOW, uint32=4))


@in_broker()
async def test_what_a_provider_answers_to_an_actuation_changes_nothing(stands):
    stream = stands.client.talk()
    await claim_actuators(stream, WINDOW)
    await stands.client.ask("Actuate", actuate(WINDOW, uint32=4))
    await stream.read()
    request = v2.OpenProviderStreamRequest()
    answer = request.batch_actuate_stream_response
    answer.signal_id.path = WINDOW
    answer.error.code = v2.ERROR_CODE_INVALID_ARGUMENT
    await stream.write(request)
    await stands.client.ask("Actuate", actuate(WINDOW, uint32=5))
    heard = await stream.read()
    assert heard.batch_actuate_stream_request.actuate_requests[0].value.uint32 == 5


@in_broker()
async def test_a_provider_is_asked_for_its_value(stands):
    stream = stands.client.talk()
    await claim_data(stream, SPEED)
    await stream.write(values({SPEED: v2.Value(float=1.0)}))

    async def answer() -> None:
        asked = (await stream.read()).get_provider_value_request
        request = v2.OpenProviderStreamRequest()
        request.get_provider_value_response.request_id = asked.request_id
        for leaf_id in asked.signal_ids:
            entries = request.get_provider_value_response.entries
            entries[leaf_id].value.float = 2.0
        await stream.write(request)

    answering = asyncio.create_task(answer())
    found = await stands.client.ask("GetValue", v2.GetValueRequest(signal_id=path_id(SPEED)))
    await answering
    assert found.data_point.value.float == 2.0


@in_broker()
async def test_a_wrong_answer_of_a_provider_leaves_the_stored_value(stands):
    stream = stands.client.talk()
    await claim_data(stream, WINDOW)
    await stream.write(values({WINDOW: v2.Value(uint32=7)}))

    async def answer() -> None:
        for wrong in (v2.Value(uint32=101), v2.Value(string="open")):
            asked = (await stream.read()).get_provider_value_request
            request = v2.OpenProviderStreamRequest()
            request.get_provider_value_response.request_id = asked.request_id
            entries = request.get_provider_value_response.entries
            entries[IDS[WINDOW]].value.CopyFrom(wrong)
            await stream.write(request)

    answering = asyncio.create_task(answer())
    for _ in range(2):
        found = await stands.client.ask("GetValue", v2.GetValueRequest(signal_id=path_id(WINDOW)))
        assert found.data_point.value.uint32 == 7
    await answering


@in_broker()
async def test_providers_are_told_how_often_they_are_heard(stands):
    def wanted(message):
        return {
            key: one.min_sample_interval.interval_ms
            if one.HasField("min_sample_interval")
            else None
            for key, one in message.update_filter_request.filters_update.items()
        }

    stream = stands.client.talk()
    await claim_data(stream, SPEED, interval_ms=10)
    request = v2.SubscribeRequest(signal_paths=[SPEED, WINDOW])
    request.filter.min_sample_interval.interval_ms = 50
    slow = stands.client.hear("Subscribe", request)
    await slow.read()
    assert wanted(await stream.read()) == {IDS[SPEED]: 50}
    fast = stands.client.hear("Subscribe", v2.SubscribeRequest(signal_paths=[SPEED]))
    await fast.read()
    assert wanted(await stream.read()) == {IDS[SPEED]: 10}
    fast.cancel()
    assert wanted(await stream.read()) == {IDS[SPEED]: 50}
    slow.cancel()
    assert wanted(await stream.read()) == {IDS[SPEED]: None}


@in_broker()
async def test_a_provider_that_fails_takes_its_values_back(stands):
    stream = stands.client.talk()
    await claim_data(stream, SPEED)
    await stream.write(values({SPEED: v2.Value(float=1.0)}))
    listening = stands.client.hear("Subscribe", v2.SubscribeRequest(signal_paths=[SPEED]))
    while not (await listening.read()).entries[SPEED].HasField("value"):
        pass
    request = v2.OpenProviderStreamRequest()
    request.provider_error_indication.provider_error = v2.CODE_OVERLOAD
    await stream.write(request)
    assert not (await listening.read()).entries[SPEED].HasField("value")
