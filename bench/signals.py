"""The KUKSA broker: a provider's stream through it to a subscriber, beside a bare gRPC echo.

As kuksa-perf measures its Rust broker: batches of 101 signals on a provider stream as fast as they go
(published there: 83 935 signals/s), and 1000 signals/s in pace (p50 0.132 ms). Client and broker are one
process each. The client's batches are encoded beforehand, since the broker is measured; what it hears is
decoded in full.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from bench.rows import Row, at_least, at_most, percentile, skipped
from bench.signals_parts import ECHO, resident_mb, running
from scripts import kill_table
from tests.data_folder import find_data_folder

SIGNALS = 101
"""Of a batch, as in kuksa-perf."""
WINDOW = 8
"""Batches on their way at once."""
BATCHES = 2500
ROUNDS = 3
PACE_HZ, PACED = 100.0, 10
"""1000 signals/s: so many batches a second of so many signals."""
PACED_BATCHES = 600
RUST_PER_S = 84_000.0
LIVE_S = 8.0
V2 = "/kuksa.val.v2.VAL/"


def rows() -> list[Row]:
    folder = find_data_folder()
    if folder is None:
        return [skipped("signals/all", "the shared data is not here")]
    return [*asyncio.run(_measure(str(folder / "vss" / "vss_release_6.0.json"))), _flooded()]


@dataclass
class Signals:
    """What the client knows of the tree."""

    ids: list[int]
    paths: list[str]


async def _measure(vss: str) -> list[Row]:
    import grpc

    found = []
    with running("broker", vss) as (address, pid), running("echo") as (echo_address, _):
        empty_mb = resident_mb(pid)
        async with (
            grpc.aio.insecure_channel(address) as channel,
            grpc.aio.insecure_channel(echo_address) as echo_channel,
        ):
            signals = await _floats(channel)
            batches = [_batch(signals, turn) for turn in range(64)]
            rates, echoes = [], []
            for _ in range(ROUNDS):
                rates.append(await _stream(channel, signals, batches))
                echoes.append(await _echo(echo_channel, batches))
            rate, echo_rate = max(rates), max(echoes)
            note = f"best of {ROUNDS}; p50 {statistics.median(rates):,.0f}; echo {echo_rate:,.0f}/s"
            found.append(
                at_least("signals/provider stream, 101 a batch", rate, RUST_PER_S, "1/s", note)
            )
            found.append(
                Row(
                    "signals/stream beside a bare gRPC echo", rate, "1/s", "", None,
                    "grpc.aio echo of the same bytes", echo_rate, rate / echo_rate,
                )
            )  # fmt: skip
            paced = await _paced(channel, signals)
            echo_ms = percentile(await _paced_echo(echo_channel, signals), 0.5)
            note = (
                f"p95 {percentile(paced, 0.95):.2f}, p99 {percentile(paced, 0.99):.2f} ms; "
                f"bare echo p50 {echo_ms:.2f} ms"
            )
            found.append(
                at_most("signals/1000 a second, p50", percentile(paced, 0.5), 1.0, "ms", note)
            )
            found += await _with_sleeper(address, channel, signals, batches)
            await _fill(channel)
            found.append(
                at_most(
                    "signals/memory of the broker with VSS 6.0", resident_mb(pid), 80.0, "MB",
                    f"resident, all values set, after all of this; {empty_mb:.0f} MB when started",
                )
            )  # fmt: skip
    return found


async def _floats(channel: Any) -> Signals:
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    listed = await channel.unary_unary(V2 + "ListMetadata")(b"")
    leaves = [
        leaf
        for leaf in v2.ListMetadataResponse.FromString(listed).metadata
        if leaf.data_type == v2.DATA_TYPE_FLOAT and not leaf.HasField("min")
    ]
    chosen = leaves[:SIGNALS]
    assert len(chosen) == SIGNALS
    return Signals([leaf.id for leaf in chosen], [leaf.path for leaf in chosen])


def _batch(signals: Signals, turn: int, count: int = SIGNALS) -> bytes:
    """A PublishValuesRequest; the first signal says which it is."""
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    message = v2.OpenProviderStreamRequest()
    points = message.publish_values_request.data_points
    stamp_ns = time.time_ns()
    for place, leaf_id in enumerate(signals.ids[:count]):
        point = points[leaf_id]
        point.timestamp.FromNanoseconds(stamp_ns)
        point.value.float = float(turn if place == 0 else turn * 7 + place)
    return message.SerializeToString()


async def _provider(channel: Any, signals: Signals) -> Any:
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    call = channel.stream_stream(V2 + "OpenProviderStream")()
    claim = v2.OpenProviderStreamRequest()
    for leaf_id in signals.ids:
        claim.provide_signal_request.signals_sample_intervals[leaf_id].interval_ms = 1
    await call.write(claim.SerializeToString())
    answer = v2.OpenProviderStreamResponse.FromString(await call.read())
    assert answer.HasField("provide_signal_response"), answer
    return call


async def _subscriber(channel: Any, paths: list[str], buffer_size: int) -> Any:
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    request = v2.SubscribeRequest(signal_paths=paths, buffer_size=buffer_size)
    call = channel.unary_stream(V2 + "Subscribe")(request.SerializeToString())
    await call.read()  # what stands
    return call


async def _end(provider: Any) -> None:
    """End a provider's stream and wait until the broker has let its claims go."""
    await provider.done_writing()
    while await provider.read() is not _eof():
        pass


def _eof() -> Any:
    import grpc

    return grpc.aio.EOF


async def _stream(channel: Any, signals: Signals, batches: list[bytes]) -> float:
    """Signals a second from the provider's write to the subscriber's decoded message; none lost."""
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    provider = await _provider(channel, signals)
    subscriber = await _subscriber(channel, signals.paths, 1000)
    room = asyncio.Semaphore(WINDOW)

    async def send() -> None:
        for turn in range(BATCHES):
            await room.acquire()
            await provider.write(batches[turn % len(batches)])

    began_s = time.perf_counter()
    sender = asyncio.create_task(send())
    first = signals.paths[0]
    for turn in range(BATCHES):
        message = v2.SubscribeResponse.FromString(await subscriber.read())
        assert len(message.entries) == SIGNALS, "a message lacks signals"
        assert message.entries[first].value.float == turn % len(batches), "a batch is lost"
        room.release()
    took_s = time.perf_counter() - began_s
    await sender
    subscriber.cancel()
    await _end(provider)
    return BATCHES * SIGNALS / took_s


async def _echo(channel: Any, batches: list[bytes]) -> float:
    """The same bytes there and back, decoded as a subscriber does."""
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    call = channel.stream_stream(ECHO)()
    room = asyncio.Semaphore(WINDOW)

    async def send() -> None:
        for turn in range(BATCHES):
            await room.acquire()
            await call.write(batches[turn % len(batches)])

    began_s = time.perf_counter()
    sender = asyncio.create_task(send())
    for _ in range(BATCHES):
        v2.OpenProviderStreamRequest.FromString(await call.read())
        room.release()
    took_s = time.perf_counter() - began_s
    await sender
    await call.done_writing()
    return BATCHES * SIGNALS / took_s


async def _paced(channel: Any, signals: Signals) -> list[float]:
    """Milliseconds from before the provider's write to the subscriber's decoded message."""
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    some = Signals(signals.ids[:PACED], signals.paths[:PACED])
    provider = await _provider(channel, some)
    subscriber = await _subscriber(channel, some.paths, 0)
    sent_s: deque[float] = deque()
    batches = [_batch(some, turn, PACED) for turn in range(64)]

    async def send() -> None:
        next_s = time.perf_counter()
        for turn in range(PACED_BATCHES):
            next_s += 1.0 / PACE_HZ
            await asyncio.sleep(max(0.0, next_s - time.perf_counter()))
            sent_s.append(time.perf_counter())
            await provider.write(batches[turn % len(batches)])

    sender = asyncio.create_task(send())
    delays_ms = []
    first, heard = some.paths[0], 0
    while heard < PACED_BATCHES:
        message = v2.SubscribeResponse.FromString(await subscriber.read())
        now_s = time.perf_counter()
        # A message may hold the latest of several batches when the machine was busy.
        while heard < PACED_BATCHES and sent_s:
            delays_ms.append((now_s - sent_s.popleft()) * 1e3)
            heard += 1
            if (heard - 1) % len(batches) == message.entries[first].value.float:
                break
    await sender
    subscriber.cancel()
    await _end(provider)
    return delays_ms


async def _paced_echo(channel: Any, signals: Signals) -> list[float]:
    """Milliseconds there and back of the same bytes in the same pace."""
    call = channel.stream_stream(ECHO)()
    data = _batch(signals, 1, PACED)
    delays_ms = []
    for _ in range(PACED_BATCHES // 2):
        await asyncio.sleep(1.0 / PACE_HZ)
        began_s = time.perf_counter()
        await call.write(data)
        await call.read()
        delays_ms.append((time.perf_counter() - began_s) * 1e3)
    await call.done_writing()
    return delays_ms


async def _with_sleeper(
    address: str, channel: Any, signals: Signals, batches: list[bytes]
) -> list[Row]:
    """The stream once more while another subscriber, on its own connection, reads nothing at all."""
    import grpc

    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    request = v2.SubscribeRequest(signal_paths=signals.paths, buffer_size=1000)
    alone = beside = 0.0
    for _ in range(ROUNDS):
        alone = max(alone, await _stream(channel, signals, batches))
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(address, options) as other:
            sleeper = other.unary_stream(V2 + "Subscribe")(request.SerializeToString())
            await sleeper.read()
            await _stream(channel, signals, batches)  # fills what lies between it and the broker
            beside = max(beside, await _stream(channel, signals, batches))
            sleeper.cancel()
    share = beside / alone
    note = f"{alone:,.0f}/s alone, {beside:,.0f}/s beside one that stopped reading"
    return [at_least("signals/share left beside a stopped reader", share, 0.8, "", note)]


def _flooded() -> Row:
    """Lateness of the driving loop while a client asks all it can of the live car's broker."""
    alone, _ = _live(floods=False)
    beside, starts = _live(floods=True)
    note = f"{alone:.2f} ms without; the process signals was started {starts} times"
    return at_most("signals/lateness of the driving loop in a flood, p99", beside, 1.0, "ms", note)


def _live(*, floods: bool) -> tuple[float, int]:
    """p99 lateness of the process `vehicle` in ms, and how often `signals` was started."""
    words = ["--cars", "20", "--no-journal", "--doip-port", "0", "--kuksa-port", "0"]
    with kill_table.live_car(words) as car:
        with contextlib.ExitStack() as stack:
            if floods:
                stack.enter_context(running("flood", str(car.status()["kuksa_port"])))
            car.wait(LIVE_S)
        ended = {one["name"]: one for one in car.end()["processes"]}
    return ended["vehicle"]["late_p99_ms"], ended["signals"]["starts"]


async def _fill(channel: Any) -> None:
    """Set every signal of the tree once and hear of all of them."""
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    listed = await channel.unary_unary(V2 + "ListMetadata")(b"")
    leaves = v2.ListMetadataResponse.FromString(listed).metadata
    subscriber = await _subscriber(channel, [leaf.path for leaf in leaves], 0)
    publish = channel.unary_unary(V2 + "PublishValue")
    for leaf in leaves:
        request = v2.PublishValueRequest()
        request.signal_id.id = leaf.id
        if _set(leaf, request.data_point.value):
            await publish(request.SerializeToString())
    subscriber.cancel()


def _set(leaf: Any, value: Any) -> bool:
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    name = v2.DataType.Name(leaf.data_type).removeprefix("DATA_TYPE_").lower()
    if name == "string" and not leaf.HasField("allowed_values"):
        value.string = "abc"
        return True
    if name == "boolean":
        value.bool = True
        return True
    if name in ("float", "double") and leaf.HasField("min"):
        setattr(value, name, getattr(leaf.min, name))
        return True
    return False
