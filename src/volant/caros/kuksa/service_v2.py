"""kuksa.val.v2: all eleven methods over the signal store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc
from grpc.aio import EOF

from volant.caros.kuksa import kuksa_v2_pb2 as v2
from volant.caros.kuksa.codec import (
    data_type,
    datapoint_bytes,
    encoded,
    entry_type,
    field_of,
    read_value,
    value_writer,
    varint,
)  # fmt: skip
from volant.caros.kuksa.gate import (
    Caller,
    Context,
    Handler,
    check_count,
    guarded,
    parse,
)  # fmt: skip
from volant.caros.kuksa.listening import Listener, Wish
from volant.caros.kuksa.provider import MOST_OPEN, Provider
from volant.caros.kuksa.tree import Tree
from volant.caros.signals.store import Datapoint, StoreSubscription
from volant.caros.signals.values import Code, SignalError
from volant.wire.vss import FRACTIONAL, Leaf

SERVICE: Final = "kuksa.val.v2.VAL"
NAME: Final = "volant"
_LISTS_KEPT: Final = 16
"""Answers to ListMetadata that are kept as bytes, each up to the whole tree."""


class ServiceV2:
    """The methods of kuksa.val.v2.VAL; requests and answers are bytes."""

    def __init__(self, tree: Tree, version: str) -> None:
        self._tree, self._version = tree, version
        self._providers: dict[str, Provider] = {}
        self._opened = 0
        self._encoded: tuple[Mapping[int, Datapoint | None], bytes] = {}, b""
        """The message by path that was encoded last."""
        self._lists: OrderedDict[str, bytes] = OrderedDict()
        self._listed_version = -1
        self._leaf_bytes: dict[int, bytes] = {}

    def handlers(self) -> grpc.GenericRpcHandler:
        """All methods, for a server."""
        unary = grpc.unary_unary_rpc_method_handler
        stream = grpc.unary_stream_rpc_method_handler
        methods = {
            "GetValue": unary(guarded(self.get_value)),
            "GetValues": unary(guarded(self.get_values)),
            "Subscribe": stream(guarded(self.subscribe)),
            "SubscribeById": stream(guarded(self.subscribe_by_id)),
            "Actuate": unary(guarded(self.actuate)),
            "ActuateStream": grpc.stream_unary_rpc_method_handler(_streamed(self.actuate_stream)),
            "BatchActuate": unary(guarded(self.batch_actuate)),
            "ListMetadata": unary(guarded(self.list_metadata)),
            "PublishValue": unary(guarded(self.publish_value)),
            "OpenProviderStream": grpc.stream_stream_rpc_method_handler(
                _streamed(self.open_provider_stream)
            ),
            "GetServerInfo": unary(guarded(self.get_server_info)),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    # --- values -----------------------------------------------------------------------------------

    async def get_value(self, data: bytes, context: Context) -> bytes:
        """The latest value of a signal."""
        caller = self._tree.gate.caller(context)
        leaf_id = self._tree.find(parse(v2.GetValueRequest, data).signal_id)
        point = (await self._values(caller, [leaf_id]))[leaf_id]
        body = self._point_bytes(leaf_id, point)
        return b"\x0a" + varint(len(body)) + body

    async def get_values(self, data: bytes, context: Context) -> bytes:
        """The latest values of signals, in the order asked for."""
        caller = self._tree.gate.caller(context)
        signals = parse(v2.GetValuesRequest, data).signal_ids
        check_count(len(signals))
        if not signals:
            raise SignalError(Code.INVALID_ARGUMENT, "", "no signal is asked for")
        ids = [self._tree.find(signal) for signal in signals]
        points = await self._values(caller, ids)
        bodies = [self._point_bytes(leaf_id, points[leaf_id]) for leaf_id in ids]
        return b"".join([b"\x0a" + varint(len(body)) + body for body in bodies])

    async def _values(self, caller: Caller, ids: list[int]) -> dict[int, Datapoint]:
        """Values as the store has them, or as their provider tells them when it is asked."""
        store, filters = self._tree.store, self._tree.filters
        found = {key: store.get(key, caller.rights) or self._tree.unset for key in ids}
        by_provider: dict[Any, list[int]] = {}
        for leaf_id in found:
            provider = filters.provider_of(leaf_id)
            if provider is not None:
                by_provider.setdefault(provider, []).append(leaf_id)
        for provider, asked in by_provider.items():
            found |= await provider.ask(asked)
        return found

    def _point_bytes(self, leaf_id: int, point: Datapoint) -> bytes:
        return datapoint_bytes(value_writer(self._tree.store.leaf(leaf_id)), point)

    async def publish_value(self, data: bytes, context: Context) -> bytes:
        """Say what the value of a signal is; for signals that seldom change."""
        caller = self._tree.gate.caller(context)
        request = parse(v2.PublishValueRequest, data)
        if not request.HasField("data_point"):
            raise SignalError(Code.INVALID_ARGUMENT, "", "no data point is given")
        leaf_id = self._tree.find(request.signal_id)
        leaf = self._tree.store.leaf(leaf_id)
        value = read_value(leaf, request.data_point.value, "typed_value")
        point = Datapoint(value, self._tree.gate.now_ns())
        for error in self._tree.store.publish(caller.rights, {leaf_id: point}).values():
            raise error
        return b""

    # --- subscriptions ----------------------------------------------------------------------------

    async def subscribe(self, data: bytes, context: Context) -> None:
        """Hear of signals by path."""
        caller = self._tree.gate.caller(context)
        request = parse(v2.SubscribeRequest, data)
        check_count(len(request.signal_paths))
        ids = [self._tree.find_path(path).id for path in request.signal_paths]
        await self._listen(caller, ids, request, context, self._entries_by_path)

    async def subscribe_by_id(self, data: bytes, context: Context) -> None:
        """Hear of signals by number."""
        caller = self._tree.gate.caller(context)
        request = parse(v2.SubscribeByIdRequest, data)
        check_count(len(request.signal_ids))
        ids = [self._tree.store.leaf(leaf_id).id for leaf_id in request.signal_ids]
        await self._listen(caller, ids, request, context, self._entries_by_id)

    def _entries_by_path(self, message: Mapping[int, Datapoint | None]) -> bytes:
        if message is not self._encoded[0]:  # else another subscriber has just been told the same
            writers, unset = self._tree.writers, self._tree.unset
            parts = [writers[key].path_entry(one or unset) for key, one in message.items()]
            self._encoded = message, b"".join(parts)
        return self._encoded[1]

    def _entries_by_id(self, message: Mapping[int, Datapoint | None]) -> bytes:
        writers, unset = self._tree.writers, self._tree.unset
        return b"".join([writers[key].id_entry(one or unset) for key, one in message.items()])

    async def _listen(
        self,
        caller: Caller,
        ids: list[int],
        request: Any,
        context: Context,
        entries: Callable[[Mapping[int, Datapoint | None]], bytes],
    ) -> None:
        tree = self._tree
        asks = request.filter.HasField("min_sample_interval")
        interval_ms = request.filter.min_sample_interval.interval_ms if asks else None
        wish = Wish(request.buffer_size, (interval_ms or 0) / 1e3, request.filter.duration_ms / 1e3)

        async def write(_: StoreSubscription, message: dict[int, Any]) -> None:
            await context.write(entries(message))

        ids = list(dict.fromkeys(ids))
        listener = Listener(tree.store, tree.gate, tree.room, caller)
        try:
            listener.subscribe(ids, wish)
            wisher = tree.filters.opened(ids, interval_ms)
            try:
                await listener.run(write, wish)
            finally:
                tree.filters.closed(wisher, ids)
        finally:
            listener.close()

    # --- moving the car ---------------------------------------------------------------------------

    async def actuate(self, data: bytes, context: Context) -> bytes:
        """Ask the car to move one actuator."""
        self._actuate(self._tree.gate.caller(context), [parse(v2.ActuateRequest, data)])
        return b""

    async def actuate_stream(self, context: Context) -> bytes:
        """Ask again and again; the first refusal ends it."""
        caller = self._tree.gate.caller(context)
        while (data := await context.read()) is not EOF:
            self._tree.gate.check_expiry(caller)
            self._actuate(caller, [parse(v2.ActuateRequest, data)])
        return b""

    async def batch_actuate(self, data: bytes, context: Context) -> bytes:
        """Ask for several actuators at once, all or nothing."""
        caller = self._tree.gate.caller(context)
        requests = parse(v2.BatchActuateRequest, data).actuate_requests
        check_count(len(requests))
        self._actuate(caller, requests)
        return b""

    def _actuate(self, caller: Caller, requests: Any) -> None:
        wanted: dict[int, object] = {}
        for request in requests:
            leaf_id = self._tree.find(request.signal_id)
            leaf = self._tree.store.leaf(leaf_id)
            value = read_value(leaf, request.value, "typed_value")
            if value is None:
                raise SignalError(Code.INVALID_ARGUMENT, leaf.path, "no value is given")
            wanted[leaf_id] = value
        self._tree.store.actuate(caller.rights, caller.name, wanted).raise_first()

    async def open_provider_stream(self, context: Context) -> None:
        """Be a provider; see `provider`."""
        caller = self._tree.gate.caller(context)
        if len(self._providers) >= MOST_OPEN:
            raise SignalError(Code.TOO_MANY, "", f"more than {MOST_OPEN} provider streams")
        self._opened += 1
        provider = Provider(self._tree, caller, f"kuksa provider {self._opened}")
        self._providers[provider.name] = provider
        try:
            await provider.run(context)
        finally:
            del self._providers[provider.name]
            self._tree.filters.provider_went(provider)

    # --- the tree ---------------------------------------------------------------------------------

    async def list_metadata(self, data: bytes, context: Context) -> bytes:
        """What the tree knows of a signal, a branch or a pattern; all may ask."""
        self._tree.gate.caller(context)
        root = parse(v2.ListMetadataRequest, data).root
        store = self._tree.store
        if self._listed_version != store.version:
            self._lists.clear()
            self._leaf_bytes.clear()
            self._listed_version = store.version
        found = self._lists.get(root)
        if found is None:
            found = b"".join([self._metadata_bytes(leaf) for leaf in store.metadata(root)])
            self._lists[root] = found
            if len(self._lists) > _LISTS_KEPT:
                self._lists.popitem(last=False)
        return found

    def _metadata_bytes(self, leaf: Leaf) -> bytes:
        found = self._leaf_bytes.get(leaf.id)
        if found is None:
            body = encoded(metadata(leaf, self._tree.store.interval_ms(leaf.id)))
            found = self._leaf_bytes[leaf.id] = b"\x0a" + varint(len(body)) + body
        return found

    async def get_server_info(self, data: bytes, context: Context) -> bytes:
        """Who serves."""
        self._tree.gate.caller(context)
        parse(v2.GetServerInfoRequest, data)
        return encoded(v2.GetServerInfoResponse(name=NAME, version=self._version))


def metadata(leaf: Leaf, interval_ms: int = 0) -> v2.Metadata:
    """What v2 tells of a leaf, and the least time between two values of it; 0: not known."""
    message = v2.Metadata(
        path=leaf.path,
        id=leaf.id,
        data_type=data_type(leaf),  # type: ignore[arg-type]  # the enumeration's number
        entry_type=entry_type(leaf),  # type: ignore[arg-type]
        description=leaf.description,
        comment=leaf.comment,
        unit=leaf.unit,
    )
    single = field_of(leaf).removesuffix("_array")
    if leaf.allowed:
        values = getattr(message.allowed_values, f"{single}_array").values
        values.extend(leaf.allowed)
    for field, bound in (("min", leaf.minimum), ("max", leaf.maximum)):
        if bound is not None:
            number = float(bound) if leaf.scalar in FRACTIONAL else int(bound)
            setattr(getattr(message, field), single, number)
    if interval_ms:
        message.min_sample_interval.interval_ms = interval_ms
    return message


def _streamed(handler: Callable[[Context], Any]) -> Handler:
    """A handler that reads its requests by `context.read`."""

    async def handle(_: Any, context: Context) -> Any:
        return await handler(context)

    return guarded(handle)
