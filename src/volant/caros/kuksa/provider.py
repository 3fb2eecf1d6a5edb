"""Provider streams of kuksa.val.v2: claims, values in batches, actuations handed down, filters.

A provider owns what it claimed until its call ends: cancelled, broken, refused or ended by itself. A
client that only moves actuators may end its half of the stream, as kuksa-client does, and keeps its claim.
A provider that does not read what it is told is let go before its queue is full, so that an actuation
that was granted to several providers is never half handed out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

from grpc.aio import EOF

from volant.caros.kuksa import kuksa_fast_pb2 as fast
from volant.caros.kuksa import kuksa_v2_pb2 as v2
from volant.caros.kuksa.codec import encoded, read_value, write_value
from volant.caros.kuksa.gate import Caller, Context, check_count, parse, refuse
from volant.caros.kuksa.tree import Tree
from volant.caros.signals.store import Datapoint
from volant.caros.signals.values import Code, SignalError, Value, check

MOST_QUEUED: Final = 256
"""Messages to a provider that it has not read yet."""
MOST_QUEUED_BYTES: Final = 1 << 20
MOST_OPEN: Final = 512
"""Provider streams at once."""
ANSWER_S: Final = 1.0
"""How long a provider may take to tell a value that it is asked for (KUKSA's broker: 1 s)."""
_PUBLISH_TAG: Final = 0x12
"""First byte of an OpenProviderStreamRequest that publishes values."""
_ERROR_CODES: Final = {
    Code.NOT_FOUND: v2.ERROR_CODE_NOT_FOUND,
    Code.ACCESS_DENIED: v2.ERROR_CODE_PERMISSION_DENIED,
    Code.UNAUTHENTICATED: v2.ERROR_CODE_PERMISSION_DENIED,
}
"""All else is ERROR_CODE_INVALID_ARGUMENT."""


def is_publication(data: bytes) -> bool:
    """Whether a message is a PublishValuesRequest and nothing else, as all providers send it."""
    if not data or data[0] != _PUBLISH_TAG:
        return False
    length = 0
    for place in range(1, min(len(data), 6)):
        length |= (data[place] & 0x7F) << 7 * (place - 1)
        if data[place] < 0x80:
            return length == len(data) - place - 1
    return False


class Provider:
    """One OpenProviderStream call."""

    def __init__(self, tree: Tree, caller: Caller, name: str) -> None:
        self._tree, self._caller, self.name = tree, caller, name
        self._claimed: set[int] = set()
        self.intervals_ms: dict[int, int] = {}
        """Signals whose data this one says -> the least time between two of its values."""
        self._moves = False
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._queued = asyncio.Event()
        self._half_ended = False
        """It says no more, and moves nothing: what is queued is still told."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets the SignalError that ends the call from within."""
        self._asked: dict[int, asyncio.Future[Mapping[int, Datapoint]]] = {}
        self._requests = 0
        self._mute = False

    async def run(self, context: Context) -> None:
        """Serve the call until it ends."""
        reader = asyncio.ensure_future(self._read(context))
        writer = asyncio.ensure_future(self._write(context))
        timer = self._time_expiry()
        try:
            ends = {reader, writer, self._failed}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and reader.exception() is None:
                self._half_ended = not self._moves
                self._queued.set()
                await asyncio.wait({writer, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            for part in (self._failed, reader, writer):
                error = part.exception() if part.done() and not part.cancelled() else None
                if isinstance(error, SignalError):
                    await refuse(context, error)
                if error is not None:
                    raise error
        finally:
            for part in (reader, writer, self._failed):
                part.cancel()
            if timer is not None:
                timer.cancel()
            self._tree.store.release(self.name)
            for future in self._asked.values():
                future.cancel()

    def _time_expiry(self) -> asyncio.TimerHandle | None:
        """A provider that only moves says nothing, so its rights end by the clock."""
        expires_s = self._caller.rights.expires_s
        if expires_s is None:
            return None
        left_s = expires_s - self._tree.gate.now_ns() / 1e9
        error = SignalError(Code.UNAUTHENTICATED, "", "the token has expired")
        loop = asyncio.get_running_loop()
        return loop.call_later(max(0.0, left_s), self._fail, error)

    def _fail(self, error: SignalError) -> None:
        """Let its claims go now, and end the call."""
        self._tree.store.release(self.name)
        if not self._failed.done():
            self._failed.set_exception(error)

    async def _read(self, context: Context) -> None:
        while (data := await context.read()) is not EOF:
            self._tree.gate.check_expiry(self._caller)
            if is_publication(data):
                self._publish(data)
            else:
                self._take(parse(v2.OpenProviderStreamRequest, data))

    async def _write(self, context: Context) -> None:
        while True:
            await self._queued.wait()
            self._queued.clear()
            while self._queue:
                message = self._queue.popleft()
                self._queued_bytes -= len(message)
                await context.write(message)
            if self._half_ended:
                return

    def _tell(self, message: v2.OpenProviderStreamResponse) -> None:
        """Queue a message; a provider that leaves too many unread is let go."""
        data = encoded(message)
        self._queue.append(data)
        self._queued_bytes += len(data)
        self._queued.set()
        if len(self._queue) >= MOST_QUEUED or self._queued_bytes >= MOST_QUEUED_BYTES:
            self._fail(SignalError(Code.TOO_MANY, "", "what the provider was told is not read"))

    # --- what a provider says ---------------------------------------------------------------------

    def _publish(self, data: bytes) -> None:
        request = parse(fast.ProviderMessage, data).publish_values_request
        stamp_ns = self._tree.gate.now_ns()
        readers = self._tree.readers
        points: dict[int, Datapoint] = {}
        errors: dict[int, SignalError] = {}
        for leaf_id, raw in request.data_points.items():
            try:
                points[leaf_id] = Datapoint(readers[leaf_id](raw), stamp_ns)
            except SignalError as error:
                errors[leaf_id] = error
        if not points.keys() <= self._claimed:
            self._refuse_unclaimed(points.keys() - self._claimed)
        errors |= self._tree.store.publish(self._caller.rights, points, self.name)
        if errors and len(self._queue) < MOST_QUEUED // 2:
            message = v2.OpenProviderStreamResponse()
            response = message.publish_values_response
            response.request_id = request.request_id
            for leaf_id, wrong in errors.items():
                response.status[leaf_id].code = error_code(wrong)
                response.status[leaf_id].message = str(wrong)
            self._tell(message)

    def _refuse_unclaimed(self, ids: Iterable[int]) -> None:
        """As KUKSA: ABORTED before any claim, ALREADY_EXISTS for what another may own; both end it."""
        leaf_id = min(ids)
        path = self._tree.store.leaf(leaf_id).path
        owner = self._tree.store.owner_of(leaf_id, "data")
        if owner is None:
            raise SignalError(
                Code.NOT_CLAIMED, path, "not claimed on this stream; send ProvideSignalRequest"
            )
        raise SignalError(Code.ALREADY_EXISTS, path, "its data is provided by another")

    def _take(self, request: v2.OpenProviderStreamRequest) -> None:
        action = request.WhichOneof("action")
        if action == "provide_actuation_request":
            self._provide_actuation(request.provide_actuation_request)
        elif action == "provide_signal_request":
            self._provide_signals(request.provide_signal_request)
        elif action == "publish_values_request":
            # Several fields in one message: the last counts, as protobuf has read it.
            plain = v2.OpenProviderStreamRequest()
            plain.publish_values_request.CopyFrom(request.publish_values_request)
            self._publish(encoded(plain))
        elif action == "get_provider_value_response":
            self._take_answer(request.get_provider_value_response)
        elif action == "provider_error_indication":
            self._take_back()
        # Else a batch_actuate_stream_response or update_filter_response: KUKSA's broker only logs them.

    def _provide_actuation(self, request: v2.ProvideActuationRequest) -> None:
        check_count(len(request.actuator_identifiers))
        ids = [self._tree.find(signal) for signal in request.actuator_identifiers]
        store = self._tree.store
        for leaf_id in ids:
            if store.owner_of(leaf_id, "actuation") == self.name:
                raise SignalError(
                    Code.ALREADY_EXISTS, store.leaf(leaf_id).path, "claimed on this stream already"
                )
        store.claim(self.name, ids, "actuation", self._caller.rights, self._actuate)
        self._moves = True
        self._tell(v2.OpenProviderStreamResponse(provide_actuation_response={}))

    def _provide_signals(self, request: v2.ProvideSignalRequest) -> None:
        intervals_ms = {
            leaf_id: interval.interval_ms
            for leaf_id, interval in request.signals_sample_intervals.items()
        }
        check_count(len(intervals_ms))
        self._tree.store.claim(
            self.name, intervals_ms, "data", self._caller.rights, intervals_ms=intervals_ms
        )
        self._claimed |= intervals_ms.keys()
        self.intervals_ms |= intervals_ms
        self._tell(v2.OpenProviderStreamResponse(provide_signal_response={}))
        self._tree.filters.provider_came(self, intervals_ms)

    def _take_back(self) -> None:
        """The provider has failed: what it said is no longer known."""
        if not self._claimed:
            raise SignalError(Code.NOT_CLAIMED, "", "nothing is claimed on this stream")
        gone = Datapoint(None, self._tree.gate.now_ns())
        self._tree.store.publish(self._caller.rights, dict.fromkeys(self._claimed, gone), self.name)

    # --- what a provider is told ------------------------------------------------------------------

    def _actuate(self, batch: Mapping[int, Value]) -> None:
        message = v2.OpenProviderStreamResponse()
        requests = message.batch_actuate_stream_request.actuate_requests
        for leaf_id, value in batch.items():
            request = requests.add()
            request.signal_id.id = leaf_id
            write_value(self._tree.store.leaf(leaf_id), request.value, value)
        self._tell(message)

    def update_filters(self, intervals_ms: Mapping[int, int | None]) -> None:
        """Tell how often its signals are wanted; None: nobody listens."""
        message = v2.OpenProviderStreamResponse()
        self._requests += 1
        message.update_filter_request.request_id = self._requests
        for leaf_id, interval_ms in intervals_ms.items():
            wanted = message.update_filter_request.filters_update[leaf_id]
            if interval_ms is not None:
                wanted.min_sample_interval.interval_ms = interval_ms
        if len(self._queue) < MOST_QUEUED // 2:
            self._tell(message)

    async def ask(self, ids: list[int]) -> Mapping[int, Datapoint]:
        """Values of its signals at this moment; nothing where it does not answer.

        One that once let the time pass is not waited for again until it has answered.
        """
        if len(self._queue) >= MOST_QUEUED // 2:
            return {}
        message = v2.OpenProviderStreamResponse()
        self._requests += 1
        number = message.get_provider_value_request.request_id = self._requests
        message.get_provider_value_request.signal_ids.extend(ids)
        future: asyncio.Future[Mapping[int, Datapoint]]
        future = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        self._tell(message)
        try:
            await asyncio.wait({future}, timeout=0.0 if self._mute else ANSWER_S)
        finally:
            del self._asked[number]
        if not future.done():
            self._mute = True
            return {}
        return {} if future.cancelled() else future.result()

    def _take_answer(self, response: v2.GetProviderValueResponse) -> None:
        self._mute = False
        # Some providers leave the number out: then it answers the oldest question.
        number = response.request_id
        future = self._asked.get(number) or next(iter(self._asked.values()), None)
        if future is None or future.done():
            return
        stamp_ns = self._tree.gate.now_ns()
        points = {}
        for leaf_id in response.entries.keys() & self._claimed:
            leaf = self._tree.store.leaf(leaf_id)
            try:
                value = read_value(leaf, response.entries[leaf_id].value, "typed_value")
                points[leaf_id] = Datapoint(None if value is None else check(leaf, value), stamp_ns)
            except SignalError:
                continue  # what it may not publish it may not answer either: the stored value stands
        future.set_result(points)


def error_code(error: SignalError) -> v2.ErrorCode:
    """The code of one signal's error in a PublishValuesResponse."""
    return _ERROR_CODES.get(error.code, v2.ERROR_CODE_INVALID_ARGUMENT)
