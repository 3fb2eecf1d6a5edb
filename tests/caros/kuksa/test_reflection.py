"""Server reflection: what a tool learns is KUKSA's own interface, and whatever it asks is answered."""

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from hypothesis import given
from hypothesis import strategies as st

from tests.caros.kuksa.broker import in_broker
from tests.peers import peer
from volant.caros.kuksa import reflection
from volant.caros.kuksa.reflection import NAMES, Reflection, described
from volant.caros.kuksa.service_v1 import ServiceV1
from volant.caros.kuksa.service_v2 import ServiceV2

REQUEST, RESPONSE = (reflection._MESSAGES[name] for name in ("Request", "Response"))
SERVICES = ("kuksa.val.v1.VAL", "kuksa.val.v2.VAL")
MADE = Reflection()


def ask(**asked):
    return RESPONSE.FromString(MADE.answer(REQUEST(host="here", **asked).SerializeToString()))


def learnt() -> descriptor_pool.DescriptorPool:
    """A pool of what a tool is told of both services."""
    pool = descriptor_pool.DescriptorPool()
    told = set()
    for name in SERVICES:
        files = ask(file_containing_symbol=name).file_descriptor_response.file_descriptor_proto
        for data in files:
            if data not in told:
                told.add(data)
                pool.Add(descriptor_pb2.FileDescriptorProto.FromString(data))
    return pool


def test_the_services_are_named() -> None:
    answer = ask(list_services="")
    assert (answer.valid_host, answer.original_request.host) == ("here", "here")
    named = [one.name for one in answer.list_services_response.service]
    assert named == [*SERVICES, *NAMES]


@pytest.mark.parametrize(("service", "version"), [(ServiceV1, "v1"), (ServiceV2, "v2")])
def test_every_method_that_is_served_is_told(service, version) -> None:
    found = learnt().FindServiceByName(f"kuksa.val.{version}.VAL")
    served = service(None, "0").handlers()
    ways = {name.rpartition("/")[2]: way for name, way in served._method_handlers.items()}
    assert {method.name for method in found.methods} == set(ways)
    for method in found.methods:
        way = ways[method.name]
        streams = (way.request_streaming, way.response_streaming)
        assert (method.client_streaming, method.server_streaming) == streams


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_it_is_what_kuksa_has(version) -> None:
    theirs = peer(f"kuksa.val.{version}.val_pb2").DESCRIPTOR.services_by_name["VAL"]
    ours = learnt().FindServiceByName(theirs.full_name)
    for method in theirs.methods:
        told = ours.methods_by_name[method.name]
        for one, other in (
            (told.input_type, method.input_type),
            (told.output_type, method.output_type),
        ):
            assert one.full_name == other.full_name
            assert {(f.name, f.number, f.type) for f in one.fields} == {
                (f.name, f.number, f.type) for f in other.fields
            }


def test_what_is_not_there_is_told() -> None:
    name = "kuksa/val/v2/val.proto"
    assert ask(file_by_filename=name).file_descriptor_response.file_descriptor_proto
    for symbol in ("kuksa.val.v2.Datapoint", "kuksa.val.v2.VAL.GetValue", "kuksa.val.v2.DataType"):
        assert described().symbols[symbol] == name
    not_found = grpc.StatusCode.NOT_FOUND.value[0]
    assert ask(file_by_filename="nothing").error_response.error_code == not_found
    assert ask(file_containing_symbol="volant.kuksa.v2").error_response.error_code == not_found
    unknown = ask(all_extension_numbers_of_type="x").error_response
    assert unknown.error_code == grpc.StatusCode.UNIMPLEMENTED.value[0]
    assert ask().error_response.error_message


@given(st.binary(max_size=200))
def test_whatever_comes_is_answered(data) -> None:
    answer = RESPONSE.FromString(MADE.answer(data))
    assert len(answer.error_response.error_message) < 500
    assert any(answer.HasField(name) for name in (
        "file_descriptor_response", "list_services_response", "error_response",
    ))  # fmt: skip


@in_broker()
async def test_it_is_served_under_both_names(stands):
    for name in NAMES:
        way = stands.client.channel.stream_stream(f"/{name}/ServerReflectionInfo")()
        for _ in range(2):
            await way.write(REQUEST(list_services="").SerializeToString())
            assert RESPONSE.FromString(await way.read()).HasField("list_services_response")
        await way.done_writing()
        assert await way.read() is grpc.aio.EOF
