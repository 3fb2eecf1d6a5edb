import io

import pytest
from mcap.writer import CompressionType, Writer

from volant.wire import mcap_writer
from volant.wire.mcap_writer import McapWriter

Told = tuple[int, int, bytes, int]

MESSAGES: tuple[Told, ...] = tuple(
    (1 + number % 2, 1_000_000 * (number // 3), bytes([number % 251]) * (number % 40), number)
    for number in range(300)
)


def by_the_package(messages: tuple[Told, ...], flush_at: int, **limits: int) -> bytes:
    sink = io.BytesIO()
    writer = Writer(sink, compression=CompressionType.ZSTD, **limits)
    writer.start(profile="volant", library="volant 1")
    writer.add_metadata("begin", {"json": "{}", "more": "ä"})
    schema = writer.register_schema("Thing", "jsonschema", b"{}")
    writer.register_channel("a/b", "msgpack", schema)
    writer.register_channel("view", "json", 0)
    for channel, stamp_ns, data, sequence in messages:
        if sequence == flush_at:
            writer.flush()
        writer.add_message(channel, stamp_ns, data, stamp_ns, sequence)
    writer.flush()
    writer.add_metadata("end", {"json": "{}"})
    writer.finish()
    return sink.getvalue()


def by_ours(messages: tuple[Told, ...], flush_at: int) -> bytes:
    sink = io.BytesIO()
    writer = McapWriter(sink, "volant", "volant 1")
    writer.add_metadata("begin", {"json": "{}", "more": "ä"})
    schema = writer.register_schema("Thing", "jsonschema", b"{}")
    writer.register_channel("a/b", "msgpack", schema)
    writer.register_channel("view", "json", 0)
    for channel, stamp_ns, data, sequence in messages:
        if sequence == flush_at:
            writer.flush()
        writer.add_message(channel, stamp_ns, data, sequence)
    writer.flush()
    writer.add_metadata("end", {"json": "{}"})
    writer.finish()
    return sink.getvalue()


@pytest.mark.parametrize("flush_at", [-1, 1, 100])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_a_file_is_byte_for_byte_that_of_the_mcap_package(count: int, flush_at: int) -> None:
    messages = MESSAGES[:count]
    assert by_ours(messages, flush_at) == by_the_package(messages, flush_at)


def test_a_chunk_that_has_grown_large_is_closed_where_the_package_closes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mcap_writer, "CHUNK_BYTES", 700)
    found = by_ours(MESSAGES, -1)
    assert found == by_the_package(MESSAGES, -1, chunk_size=700)
    assert found != by_the_package(MESSAGES, -1)


def test_stamps_that_go_back_are_told_by_their_least_and_greatest() -> None:
    messages = tuple((1, stamp_ns, b"x", number) for number, stamp_ns in enumerate((50, 20, 90, 5)))
    for flush_at in (-1, 2):
        assert by_ours(messages, flush_at) == by_the_package(messages, flush_at)
