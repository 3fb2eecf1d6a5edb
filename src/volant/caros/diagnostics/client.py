"""A small tester: UDS over DoIP by host and port, blocking, one request at a time.

It is what `volant ecu` uses. It waits through `response pending`, answers alive checks, and turns refusals into
errors that name the code.
"""

from __future__ import annotations

import socket
import time
from types import TracebackType
from typing import Final, Self

from volant.core.errors import InputError, LinkError, RefusedError
from volant.wire import doip, uds
from volant.wire.doip import Activation, DiagnosticNack, Message, Payload, Refusal
from volant.wire.uds import NEGATIVE, POSITIVE, Nrc

RECEIVE: Final = 1 << 16
PENDING_S: Final = 5.5
"""P2* and something for the way."""
WORK_MAX_S: Final = 310.0
"""Nobody is waited for longer, however often he says `pending`."""


class NegativeResponseError(RefusedError):
    """A control unit refused; `nrc` says why."""

    def __init__(self, sid: int, nrc: int) -> None:
        self.sid, self.nrc = sid, nrc
        word = Nrc(nrc).name.lower() if nrc in set(Nrc) else "unknown code"
        super().__init__(f"service {sid:02X} was refused with {nrc:02X} ({word})")


class UnknownUnitError(LinkError):
    """No control unit has the address."""


class DoipTester:
    """One tester connected to one DoIP entity.

    Raises:
        LinkError: nobody answers, or the entity refuses the routing activation.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = doip.PORT,
        *,
        source: int = 0x0E00,
        timeout_s: float = 2.0,
    ) -> None:
        self.source = source
        self._timeout_s = timeout_s
        self._where = f"{host}:{port}"
        self._reader = doip.StreamReader(doip.MAX_PAYLOAD)
        self._ready: list[Message] = []
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except OSError as error:
            raise LinkError(f"nobody answers DoIP at {self._where}: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._activate()
        except LinkError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def ask(self, target: int, request: bytes) -> bytes:
        """The positive response of a unit.

        Raises:
            NegativeResponseError: the unit refused.
            UnknownUnitError: there is no such unit.
            LinkError: the connection broke or nothing came in time.
        """
        self._send(doip.diagnostic(self.source, target, request))
        sid = request[0]
        due_s = time.monotonic() + self._timeout_s
        end_s = due_s + WORK_MAX_S
        while True:
            response = self._diagnostic(target, due_s)
            if len(response) == 3 and response[0] == NEGATIVE and response[1] == sid:
                if response[2] != Nrc.RESPONSE_PENDING:
                    raise NegativeResponseError(sid, response[2])
                due_s = min(time.monotonic() + PENDING_S, end_s)
            elif response[:1] == bytes(((sid + POSITIVE) & 0xFF,)):
                return response

    def read_data(self, target: int, did: int) -> bytes:
        """The record of one data identifier."""
        response = self.ask(target, bytes((uds.Sid.READ_DATA,)) + did.to_bytes(2, "big"))
        if response[1:3] != did.to_bytes(2, "big"):
            raise InputError(f"found {response[:3].hex(' ')}, expected data of {did:04X}")
        return response[3:]

    def download(self, target: int, address: int, image: bytes, block_max: int = 1 << 16) -> None:
        """Send an image by 0x34, 0x36 and 0x37; session and security are the caller's affair."""
        response = self.ask(target, uds.download_request(address, len(image)))
        size = min(uds.read_block_length(response) - 2, block_max)
        for number, at in enumerate(range(0, len(image), size), 1):
            head = bytes((uds.Sid.TRANSFER, number & 0xFF))
            self.ask(target, head + image[at : at + size])
        self.ask(target, bytes((uds.Sid.TRANSFER_EXIT,)))

    def _activate(self) -> None:
        self._send(doip.activation_request(self.source))
        answer = self._next(time.monotonic() + self._timeout_s, Payload.ACTIVATION_RESPONSE)
        if (code := answer.payload[4]) != Activation.DONE:
            word = Activation(code).name.lower() if code in set(Activation) else "unknown code"
            raise LinkError(f"{self._where} refused routing activation: {code:02X} ({word})")

    def _diagnostic(self, target: int, due_s: float) -> bytes:
        while True:
            found = self._next(due_s, Payload.DIAGNOSTIC, Payload.DIAGNOSTIC_NACK)
            if int.from_bytes(found.payload[:2], "big") != target:
                continue
            if found.kind is Payload.DIAGNOSTIC:
                return found.payload[4:]
            code = found.payload[4]
            if code == DiagnosticNack.UNKNOWN_TARGET:
                raise UnknownUnitError(f"{self._where} has no control unit {target:04X}")
            word = DiagnosticNack(code).name.lower() if code in set(DiagnosticNack) else "unknown"
            raise LinkError(f"{self._where} did not pass the message on: {code:02X} ({word})")

    def _next(self, due_s: float, *kinds: Payload) -> Message:
        """The next message of these kinds; others are answered or dropped."""
        while True:
            while not self._ready:
                self._receive(due_s)
            found = self._ready.pop(0)
            if found.kind in kinds:
                return found
            if found.kind is Payload.ALIVE_REQUEST:
                alive = self.source.to_bytes(2, "big")
                self._send(doip.message(Payload.ALIVE_RESPONSE, alive))
            elif found.kind is Payload.NACK:
                raise LinkError(f"{self._where} refused a message: {found.payload.hex()}")

    def _receive(self, due_s: float) -> None:
        self._socket.settimeout(max(0.001, due_s - time.monotonic()))
        try:
            data = self._socket.recv(RECEIVE)
        except OSError as error:
            raise LinkError(f"nothing came from {self._where}: {error}") from error
        if not data:
            raise LinkError(f"{self._where} has closed the connection")
        for found in self._reader.feed(data):
            if isinstance(found, Refusal):
                raise LinkError(f"{self._where} sent what is not DoIP: {found.code.name.lower()}")
            self._ready.append(found)

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise LinkError(f"{self._where} takes nothing: {error}") from error
