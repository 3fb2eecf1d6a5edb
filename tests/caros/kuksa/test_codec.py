"""Bytes made and read by hand are those of protobuf, for every type and for what is no message."""

import contextlib

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.kuksa import kuksa_v2_pb2 as v2
from volant.caros.kuksa.codec import (
    EntryWriter,
    datapoint_bytes,
    field_of,
    reader,
    stamp_bytes,
    value_writer,
    varint,
    write_value,
)  # fmt: skip
from volant.caros.kuksa.provider import is_publication
from volant.caros.signals.store import Datapoint
from volant.caros.signals.values import Code, SignalError, check
from volant.wire.vss import DATATYPES, WHOLE, Leaf

SCALARS = {
    **{name: st.integers(low, high) for name, (low, high) in WHOLE.items()},
    "boolean": st.booleans(),
    "string": st.text(max_size=300),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
}
STAMPS = st.integers(0, 2**62)


def leaf_of(datatype: str) -> Leaf:
    return Leaf("Vehicle.Some.Signal", "sensor", datatype, id=4711)


def values_of(datatype: str):
    if datatype.endswith("[]"):
        return st.lists(SCALARS[datatype.removesuffix("[]")], max_size=20).map(tuple)
    return SCALARS[datatype]


def message_of(leaf: Leaf, value, stamp_ns: int | None) -> v2.Datapoint:
    point = v2.Datapoint()
    if stamp_ns is not None:
        point.timestamp.FromNanoseconds(stamp_ns)
    write_value(leaf, point.value, value)
    return point


CASES = st.sampled_from(DATATYPES).flatmap(
    lambda datatype: st.tuples(st.just(leaf_of(datatype)), values_of(datatype))
)


@given(CASES, STAMPS)
def test_a_datapoint_has_the_bytes_of_protobuf(case, stamp_ns):
    leaf, value = case
    data = datapoint_bytes(value_writer(leaf), Datapoint(value, stamp_ns))
    assert v2.Datapoint.FromString(data) == message_of(leaf, value, stamp_ns)


@given(CASES, st.none() | STAMPS)
def test_a_datapoint_is_read_as_protobuf_reads_it(case, stamp_ns):
    leaf, value = case
    data = message_of(leaf, value, stamp_ns).SerializeToString()
    assert reader(leaf)(data) == value
    assert check(leaf, reader(leaf)(data)) == value


@given(CASES, STAMPS)
def test_entries_stand_under_path_and_number(case, stamp_ns):
    leaf, value = case
    writer, point = EntryWriter(leaf), Datapoint(value, stamp_ns)
    whole = message_of(leaf, value, stamp_ns)
    for _ in range(2):  # made, and remembered
        by_path = v2.SubscribeResponse.FromString(writer.path_entry(point))
        assert dict(by_path.entries) == {leaf.path: whole}
        by_id = v2.SubscribeByIdResponse.FromString(writer.id_entry(point))
        assert dict(by_id.entries) == {leaf.id: whole}
    after = Datapoint(None, stamp_ns)
    assert (
        not v2.SubscribeResponse.FromString(writer.path_entry(after))
        .entries[leaf.path]
        .HasField("value")
    )


def slowly(leaf: Leaf, data: bytes):
    """What protobuf makes of it: a value, None, or why not."""
    try:
        point = v2.Datapoint.FromString(data)
    except DecodeError:
        return "no message"
    found = point.value.WhichOneof("typed_value")
    if found is None:
        return None
    if found != field_of(leaf):
        return "another type"
    value = getattr(point.value, found)
    return tuple(value.values) if leaf.is_list else value


@given(
    st.sampled_from(DATATYPES).map(leaf_of),
    st.binary(max_size=12)
    | st.binary(max_size=6).map(lambda rest: b"\x12" + bytes([len(rest)]) + rest)
    | CASES.flatmap(
        lambda case: st.tuples(
            st.just(message_of(*case, 7).SerializeToString()), st.binary(max_size=3)
        )
    ).map(b"".join),
)
def test_any_bytes_are_read_as_protobuf_reads_them(leaf, data):
    expected = slowly(leaf, data)
    if expected == "another type":
        with pytest.raises(SignalError) as error:
            reader(leaf)(data)
        assert error.value.code is Code.INVALID_TYPE
    elif expected == "no message":
        # A broken timestamp before a good value is not looked at: the broker stamps values itself.
        with contextlib.suppress(SignalError):
            reader(leaf)(data)
    else:
        found = reader(leaf)(data)
        assert found == expected or found != found


@given(st.integers(0, 2**64 - 1))
def test_whole_numbers_are_written_as_protobuf_does(number):
    assert b"\x80\x01" + varint(number) == v2.Value(uint64=number).SerializeToString()


@given(STAMPS)
def test_times_are_written_as_protobuf_does(stamp_ns):
    point = v2.Datapoint()
    point.timestamp.FromNanoseconds(stamp_ns)
    assert stamp_bytes(stamp_ns) == point.SerializeToString()


@given(st.integers(0, 400), st.binary(max_size=3))
def test_only_a_publication_alone_is_read_the_quick_way(count, rest):
    request = v2.OpenProviderStreamRequest()
    request.publish_values_request.SetInParent()
    for number in range(count):
        request.publish_values_request.data_points[number].value.bool = True
    data = request.SerializeToString()
    assert is_publication(data)
    if rest:
        assert not is_publication(data + rest)


@pytest.mark.parametrize("data", [b"", b"\x12", b"\x12\x80", b"\x12" + b"\xff" * 9, b"\x0a\x00"])
def test_what_is_no_publication(data):
    assert not is_publication(data)
