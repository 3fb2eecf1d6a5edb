"""A broker in the test's own loop with a small tree, and a client made of our stubs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from volant.caros.kuksa import kuksa_v2_pb2 as v2
from volant.caros.kuksa.gate import Gate
from volant.caros.kuksa.server import KuksaServer, serve
from volant.caros.signals.store import SignalStore
from volant.wire.vss import Catalogue, Leaf

SPEED = "Vehicle.Speed"
WINDOW = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"
DOOR = "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"
GEAR = "Vehicle.Powertrain.Transmission.CurrentGear"
MODE = "Vehicle.Powertrain.Transmission.PerformanceMode"
WHEELS = "Vehicle.Chassis.Axle.Row1.WheelCount"
CODES = "Vehicle.Diagnostics.Codes"
LAMP = "Vehicle.Body.Lights.Beam.Low.IsOn"
VIN = "Vehicle.VehicleIdentification.VIN"
TEXT = "Vehicle.T.Text"
UNKNOWN = "Vehicle.Nothing.Here"


def catalogue() -> Catalogue:
    return Catalogue(
        [
            Leaf(SPEED, "sensor", "float", "km/h", description="Vehicle speed."),
            Leaf(WINDOW, "actuator", "uint8", "percent", 0, 100),
            Leaf(DOOR, "actuator", "boolean"),
            Leaf(GEAR, "sensor", "int8"),
            Leaf(MODE, "actuator", "string", allowed=("NORMAL", "SPORT", "ECONOMY")),
            Leaf(WHEELS, "attribute", "uint8", change="static"),
            Leaf(CODES, "sensor", "string[]"),
            Leaf(LAMP, "actuator", "boolean", change="onchange"),
            Leaf(VIN, "attribute", "string", change="static"),
            Leaf(TEXT, "actuator", "string"),
            Leaf("Vehicle.T.Uint64", "sensor", "uint64"),
            Leaf("Vehicle.T.Int64", "sensor", "int64"),
            Leaf("Vehicle.T.Double", "sensor", "double", minimum=-1.5, maximum=1.5),
            Leaf("Vehicle.T.Bytes", "sensor", "uint8[]"),
        ]
    )


def ids() -> dict[str, int]:
    return {leaf.path: leaf.id for leaf in catalogue()}


IDS = ids()


@dataclass
class Client:
    """Calls of both versions by name; a token goes with each."""

    channel: grpc.aio.Channel
    token: str | None = None

    @property
    def metadata(self) -> list[tuple[str, str]] | None:
        return None if self.token is None else [("authorization", self.token)]

    def _way(self, version: Any, name: str, kind: str) -> Any:
        descriptor = f"/kuksa.val.{'v2' if version is v2 else 'v1'}.VAL/{name}"
        request = "ActuateRequest" if name == "ActuateStream" else f"{name}Request"
        response = "ActuateResponse" if name == "ActuateStream" else f"{name}Response"
        return getattr(self.channel, kind)(
            descriptor,
            request_serializer=getattr(version, request).SerializeToString,
            response_deserializer=getattr(version, response).FromString,
        )

    async def ask(self, name: str, request: Any = None, version: Any = v2) -> Any:
        """One request, one answer."""
        message = getattr(version, f"{name}Request")() if request is None else request
        return await self._way(version, name, "unary_unary")(
            message, metadata=self.metadata, timeout=20
        )

    def hear(self, name: str, request: Any, version: Any = v2) -> Any:
        """One request, a stream of answers."""
        return self._way(version, name, "unary_stream")(request, metadata=self.metadata)

    def talk(self, name: str = "OpenProviderStream", version: Any = v2) -> Any:
        """Both ways."""
        return self._way(version, name, "stream_stream")(metadata=self.metadata)

    def say(self, name: str) -> Any:
        """A stream of requests, one answer."""
        return self._way(v2, name, "stream_unary")(metadata=self.metadata)


@dataclass
class Broker:
    server: KuksaServer
    store: SignalStore
    client: Client

    @contextlib.asynccontextmanager
    async def another(self, token: str | None = None) -> AsyncIterator[Client]:
        """A client on a connection of its own."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        address = f"127.0.0.1:{self.server.port}"
        async with grpc.aio.insecure_channel(address, options) as channel:
            yield Client(channel, token)


@contextlib.asynccontextmanager
async def broker(gate: Gate | None = None, **store: Any) -> AsyncIterator[Broker]:
    signals = SignalStore(catalogue(), **store)
    server = await serve(signals, "127.0.0.1:0", gate=gate)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield Broker(server, signals, Client(channel))
    finally:
        await server.stop(0.0)


def run(test: Callable[..., Coroutine[Any, Any, None]], **settings: Any) -> None:
    """Run a test that takes a Broker."""

    async def whole() -> None:
        async with asyncio.timeout(60), broker(**settings) as stands:
            await test(stands)

    asyncio.run(whole())


def in_broker(**settings: Any) -> Callable[..., Callable[[], None]]:
    """Make an async test of a broker a test of pytest's."""

    def wrap(test: Callable[[Broker], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        def call() -> None:
            run(test, **settings)

        call.__name__, call.__doc__ = test.__name__, test.__doc__
        return call

    return wrap


@contextlib.contextmanager
def refused(code: grpc.StatusCode, words: str = "") -> Any:
    """The call inside must end with this status."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        yield
    assert error.value.code() is code, error.value.details()
    assert words in (error.value.details() or "")


def path_id(path: str) -> v2.SignalID:
    return v2.SignalID(path=path)


def actuate(path: str, **value: Any) -> v2.ActuateRequest:
    return v2.ActuateRequest(signal_id=path_id(path), value=v2.Value(**value))


def publish(path: str, **value: Any) -> v2.PublishValueRequest:
    return v2.PublishValueRequest(
        signal_id=path_id(path), data_point=v2.Datapoint(value=v2.Value(**value))
    )


async def claim_data(stream: Any, *paths: str, interval_ms: int = 10) -> None:
    request = v2.OpenProviderStreamRequest()
    for path in paths:
        intervals = request.provide_signal_request.signals_sample_intervals
        intervals[IDS[path]].interval_ms = interval_ms
    await stream.write(request)
    assert (await stream.read()).WhichOneof("action") == "provide_signal_response"


async def claim_actuators(stream: Any, *paths: str) -> None:
    request = v2.OpenProviderStreamRequest()
    request.provide_actuation_request.SetInParent()
    for path in paths:
        request.provide_actuation_request.actuator_identifiers.add().path = path
    await stream.write(request)
    assert (await stream.read()).WhichOneof("action") == "provide_actuation_response"


def values(points: dict[str | int, v2.Value], request_id: int = 1) -> v2.OpenProviderStreamRequest:
    """A PublishValuesRequest by path or number."""
    request = v2.OpenProviderStreamRequest()
    request.publish_values_request.request_id = request_id
    for key, value in points.items():
        leaf_id = IDS[key] if isinstance(key, str) else key
        request.publish_values_request.data_points[leaf_id].value.CopyFrom(value)
    return request
