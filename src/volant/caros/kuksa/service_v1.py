"""kuksa.val.v1: Get, Set, Subscribe, StreamedUpdate and GetServerInfo over the signal store.

The old interface, kept because the stock command line speaks it: paths may be branches or patterns, each
entry has its own error, and an actuator has a stored target beside its value. With the store's `bridge` a
target also moves the car (KUKSA's broker does not do that). Metadata can be changed by who may `create`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import grpc
from grpc.aio import EOF

from volant.caros.kuksa import kuksa_v1_pb2 as v1
from volant.caros.kuksa.codec import encoded
from volant.caros.kuksa.entry_v1 import changes_of, entry_of, point_of
from volant.caros.kuksa.gate import Caller, Context, check_count, guarded, parse
from volant.caros.kuksa.listening import Listener, Wish
from volant.caros.kuksa.service_v2 import NAME
from volant.caros.kuksa.tree import Tree
from volant.caros.signals.store import Datapoint, StoreSubscription, What
from volant.caros.signals.values import Code, SignalError
from volant.wire.vss import Leaf

SERVICE: Final = "kuksa.val.v1.VAL"
MOST_PATTERNS: Final = 300
"""Branches, patterns and unknown paths in one request; each is held against the whole tree."""
BUFFER: Final = 10
"""Messages that wait for a subscriber of v1, which cannot say it (KUKSA's broker: 10)."""
ERRORS: Final = {
    Code.NOT_FOUND: (404, "not_found"),
    Code.ACCESS_DENIED: (403, "forbidden"),
    Code.UNAUTHENTICATED: (401, "unauthorized"),
    Code.INVALID_TYPE: (400, "type mismatch"),
    Code.OUT_OF_BOUNDS: (400, "value out of bounds"),
    Code.NOT_ALLOWED: (400, "value out of bounds"),
    Code.UNAVAILABLE: (503, "unavailable"),
    Code.ALREADY_EXISTS: (409, "conflict"),
    Code.NOT_CLAIMED: (409, "conflict"),
    Code.TOO_MANY: (429, "too_many_requests"),
    Code.REFUSED: (409, "refused"),
}
"""HTTP-like, as v1 wants it; all else is 400 bad_request."""
_VIEWS: Final = {
    v1.VIEW_CURRENT_VALUE: (v1.FIELD_VALUE,),
    v1.VIEW_TARGET_VALUE: (v1.FIELD_ACTUATOR_TARGET,),
    v1.VIEW_METADATA: (v1.FIELD_METADATA,),
    v1.VIEW_FIELDS: (),
    v1.VIEW_ALL: (v1.FIELD_VALUE, v1.FIELD_ACTUATOR_TARGET, v1.FIELD_METADATA),
}


class ServiceV1:
    """The methods of kuksa.val.v1.VAL; requests and answers are bytes."""

    def __init__(self, tree: Tree, version: str) -> None:
        self._tree, self._version = tree, version

    def handlers(self) -> grpc.GenericRpcHandler:
        """All methods, for a server."""
        unary = grpc.unary_unary_rpc_method_handler
        methods = {
            "Get": unary(guarded(self.get)),
            "Set": unary(guarded(self.set)),
            "StreamedUpdate": grpc.stream_stream_rpc_method_handler(guarded(self.streamed_update)),
            "Subscribe": grpc.unary_stream_rpc_method_handler(guarded(self.subscribe)),
            "GetServerInfo": unary(guarded(self.get_server_info)),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def get_server_info(self, data: bytes, context: Context) -> bytes:
        """Who serves."""
        self._tree.gate.caller(context)
        parse(v1.GetServerInfoRequest, data)
        return encoded(v1.GetServerInfoResponse(name=NAME, version=self._version))

    # --- reading ----------------------------------------------------------------------------------

    async def get(self, data: bytes, context: Context) -> bytes:
        """Values, targets and metadata by path, branch or pattern."""
        caller = self._tree.gate.caller(context)
        requests = parse(v1.GetRequest, data).entries
        self._check_asked(requests)
        found: dict[Leaf, set[int]] = {}
        response = v1.GetResponse()
        for request in requests:
            fields = _fields(request)
            try:
                leaves = self._tree.store.metadata(request.path)
                if fields & {v1.FIELD_VALUE, v1.FIELD_ACTUATOR_TARGET}:
                    _check_readable(caller, request.path, leaves)
            except SignalError as error:
                _add_error(response.errors, request.path, error)
                continue
            for leaf in leaves:
                found.setdefault(leaf, set()).update(fields)
        if not any(error.error.code == ERRORS[Code.ACCESS_DENIED][0] for error in response.errors):
            for leaf, fields in found.items():
                self._fill(response.entries.add(), leaf, fields, caller)
        if response.errors:
            response.error.CopyFrom(response.errors[0].error)
        return encoded(response)

    def _check_asked(self, requests: Any) -> None:
        """Bound the work of one request; one that asks for nothing is refused."""
        if not requests:
            raise SignalError(Code.INVALID_ARGUMENT, "", "no datapoints requested")
        check_count(len(requests))
        known = self._tree.store.catalogue
        patterns = sum(request.path not in known for request in requests)
        if patterns > MOST_PATTERNS:
            raise SignalError(
                Code.INVALID_ARGUMENT,
                "",
                f"{patterns} patterns in one request, at most {MOST_PATTERNS}",
            )

    def _fill(self, entry: v1.DataEntry, leaf: Leaf, fields: set[int], caller: Caller) -> None:
        store, rights = self._tree.store, caller.rights
        value = store.get(leaf.id, rights) if v1.FIELD_VALUE in fields else None
        target = store.target(leaf.id, rights) if v1.FIELD_ACTUATOR_TARGET in fields else None
        entry_of(entry, leaf, value, target, fields)

    # --- writing ----------------------------------------------------------------------------------

    async def set(self, data: bytes, context: Context) -> bytes:
        """Set values, targets or metadata; each entry has its own error."""
        caller = self._tree.gate.caller(context)
        errors = self._set(caller, parse(v1.SetRequest, data).updates)
        response = v1.SetResponse()
        for path, error in errors:
            _add_error(response.errors, path, error)
        return encoded(response)

    async def streamed_update(self, _: Any, context: Context) -> None:
        """As Set, again and again; each request has its answer."""
        caller = self._tree.gate.caller(context)
        while (data := await context.read()) is not EOF:
            self._tree.gate.check_expiry(caller)
            response = v1.StreamedUpdateResponse()
            for path, error in self._set(caller, parse(v1.StreamedUpdateRequest, data).updates):
                _add_error(response.errors, path, error)
            await context.write(encoded(response))

    def _set(self, caller: Caller, updates: Any) -> list[tuple[str, SignalError]]:
        check_count(len(updates))
        errors: list[tuple[str, SignalError]] = []
        values: dict[int, Datapoint] = {}
        targets: dict[int, Datapoint] = {}
        for update in updates:
            if not update.HasField("entry"):
                raise SignalError(Code.INVALID_ARGUMENT, "", "path is required")
            try:
                self._sort(caller, update, values, targets)
            except SignalError as error:
                errors.append((update.entry.path, error))
        store = self._tree.store
        failed = [
            *store.publish(caller.rights, values).items(),
            *store.set_target(caller.rights, caller.name, targets).items(),
        ]
        return errors + [(store.leaf(leaf_id).path, error) for leaf_id, error in failed]

    def _sort(
        self,
        caller: Caller,
        update: v1.EntryUpdate,
        values: dict[int, Datapoint],
        targets: dict[int, Datapoint],
    ) -> None:
        """Put an update's points where they belong; metadata is changed at once."""
        entry, fields = update.entry, set(update.fields)
        leaf = self._tree.find_path(entry.path)
        stamp_ns = self._tree.gate.now_ns()
        if any(field >= v1.FIELD_METADATA for field in fields):
            changes = changes_of(leaf, entry.metadata)
            self._tree.store.set_metadata(caller.rights, leaf.path, **changes)
        if v1.FIELD_ACTUATOR_TARGET in fields:
            targets[leaf.id] = point_of(leaf, entry.actuator_target, stamp_ns)
        if v1.FIELD_VALUE in fields:
            values[leaf.id] = point_of(leaf, entry.value, stamp_ns)

    # --- subscriptions ----------------------------------------------------------------------------

    async def subscribe(self, data: bytes, context: Context) -> None:
        """Hear of values, targets and metadata."""
        caller = self._tree.gate.caller(context)
        requests = parse(v1.SubscribeRequest, data).entries
        self._check_asked(requests)
        wished = self._wished(requests)

        async def write(subscription: StoreSubscription, message: dict[int, Any]) -> None:
            await context.write(self._notice(subscription.what, message))

        listener = Listener(self._tree.store, self._tree.gate, self._tree.room, caller)
        wish = Wish(buffer_size=BUFFER)
        try:
            for what, ids in wished.items():
                listener.subscribe(list(ids), wish, what)
            await listener.run(write, wish)
        finally:
            listener.close()

    def _wished(self, requests: Any) -> dict[What, dict[int, None]]:
        wished: dict[What, dict[int, None]] = {}
        for request in requests:
            fields = _fields(request)
            ids = [leaf.id for leaf in self._tree.store.metadata(request.path)]
            if v1.FIELD_VALUE in fields:
                wished.setdefault("value", {}).update(dict.fromkeys(ids))
            if v1.FIELD_ACTUATOR_TARGET in fields:
                wished.setdefault("target", {}).update(dict.fromkeys(ids))
            if any(field >= v1.FIELD_METADATA for field in fields):
                wished.setdefault("metadata", {}).update(dict.fromkeys(ids))
        return wished

    def _notice(self, what: What, message: dict[int, Any]) -> bytes:
        response = v1.SubscribeResponse()
        store = self._tree.store
        for leaf_id, found in message.items():
            update = response.updates.add()
            leaf = store.leaf(leaf_id)
            if what == "value":
                entry_of(update.entry, leaf, found, None, ())
                update.fields.append(v1.FIELD_VALUE)
            elif what == "target":
                entry_of(update.entry, leaf, None, found, ())
                update.fields.append(v1.FIELD_ACTUATOR_TARGET)
            else:
                entry_of(update.entry, found, None, None, (v1.FIELD_METADATA,))
                update.fields.append(v1.FIELD_METADATA)
        return encoded(response)


def _fields(request: Any) -> set[int]:
    """The fields that a request names, and those of its view; nothing said means the value."""
    fields = set(request.fields)
    if request.view == v1.VIEW_UNSPECIFIED:
        return fields or {v1.FIELD_VALUE}
    view = _VIEWS.get(request.view)
    if view is None:
        raise SignalError(Code.INVALID_ARGUMENT, request.path[:200], f"no view {request.view}")
    return fields.union(view)


def _check_readable(caller: Caller, asked: str, leaves: Iterable[Leaf]) -> None:
    may_read = caller.rights.may_read
    if not all(may_read(leaf.path) for leaf in leaves):
        raise SignalError(Code.ACCESS_DENIED, asked, "permission denied for some entries")


def _add_error(errors: Any, path: str, error: SignalError) -> None:
    found = errors.add()
    found.path = path
    found.error.code, found.error.reason = ERRORS.get(error.code, (400, "bad_request"))
    found.error.message = error.reason
