"""gRPC's server reflection: tools such as grpcurl ask a server what it serves, and need no proto files.

It tells the interface, which is public, and nothing of the car, so no token is asked for. Our own stubs
carry a package name of their own, to live beside KUKSA's in one process; here they are told under KUKSA's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.message import DecodeError
from grpc.aio import EOF

from volant.caros.kuksa import kuksa_v1_pb2 as v1
from volant.caros.kuksa import kuksa_v2_pb2 as v2

NAMES: Final = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
"""Both have the same messages."""
STREAM_IN: Final = frozenset({"ActuateStream", "OpenProviderStream", "StreamedUpdate"})
STREAM_OUT: Final = frozenset(
    {"Subscribe", "SubscribeById", "OpenProviderStream", "StreamedUpdate"}
)
METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "v1": ("Get", "Set", "StreamedUpdate", "Subscribe", "GetServerInfo"),
    "v2": (
        *("GetValue", "GetValues", "Subscribe", "SubscribeById", "Actuate", "ActuateStream"),
        *("BatchActuate", "ListMetadata", "PublishValue", "OpenProviderStream", "GetServerInfo"),
    ),
}
_FIELDS: Final = {
    "Request": (
        ("host", 1, "string"), ("file_by_filename", 3, "string"),
        ("file_containing_symbol", 4, "string"), ("all_extension_numbers_of_type", 6, "string"),
        ("list_services", 7, "string"),
    ),
    "Files": (("file_descriptor_proto", 1, "bytes*"),),
    "Service": (("name", 1, "string"),),
    "Services": (("service", 1, "Service*"),),
    "Problem": (("error_code", 1, "int32"), ("error_message", 2, "string")),
    "Response": (
        ("valid_host", 1, "string"), ("original_request", 2, "Request"),
        ("file_descriptor_response", 4, "Files"), ("list_services_response", 6, "Services"),
        ("error_response", 7, "Problem"),
    ),
}  # fmt: skip
"""The messages of reflection as far as they are answered (grpc/reflection/v1/reflection.proto)."""


def _messages() -> dict[str, Any]:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="reflection", package="reflection")
    file.syntax = "proto3"
    for name, parts in _FIELDS.items():
        message = file.message_type.add(name=name)
        for key, number, kind in parts:
            single = kind.removesuffix("*")
            made = message.field.add(name=key, number=number)
            made.label = field.LABEL_REPEATED if kind != single else field.LABEL_OPTIONAL
            if single in _FIELDS:
                made.type, made.type_name = field.TYPE_MESSAGE, f".reflection.{single}"
            else:
                made.type = field.Type.Value(f"TYPE_{single.upper()}")
        if name == "Request":
            message.oneof_decl.add(name="asked")
            for made in message.field[1:]:
                made.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"reflection.{name}"))
        for name in _FIELDS
    }


_MESSAGES: Final = _messages()


@dataclass(frozen=True, slots=True)
class Described:
    """Files that describe what is served, and where each name stands."""

    files: Mapping[str, bytes]
    """By file name."""
    needs: Mapping[str, tuple[str, ...]]
    """Names of the files that a file imports."""
    symbols: Mapping[str, str]
    """Full name of a service, method, message or enumeration -> file name."""
    services: tuple[str, ...]

    def with_needs(self, name: str) -> list[bytes]:
        """A file, and before it what it imports."""
        return [*(self.files[need] for need in self.needs[name]), self.files[name]]


def described() -> Described:
    """Both versions of KUKSA's interface under their own names."""
    stamp = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(stamp)
    found = [stamp]
    for version, module in (("v1", v1), ("v2", v2)):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        old, new = file.package, f"kuksa.val.{version}"
        file.name, file.package = f"kuksa/val/{version}/val.proto", new
        for message in file.message_type:
            _rename(message, f".{old}.", f".{new}.")
        _add_service(file, METHODS[version])
        found.append(file)
    symbols = {name: file.name for file in found for name in _names(file)}
    services = [f"{file.package}.{one.name}" for file in found for one in file.service]
    return Described(
        files={file.name: file.SerializeToString() for file in found},
        needs={file.name: tuple(file.dependency) for file in found},
        symbols=symbols,
        services=(*services, *NAMES),
    )


def _rename(message: descriptor_pb2.DescriptorProto, old: str, new: str) -> None:
    for field in message.field:
        if field.type_name.startswith(old):
            field.type_name = new + field.type_name.removeprefix(old)
    for inner in message.nested_type:
        _rename(inner, old, new)


def _add_service(file: descriptor_pb2.FileDescriptorProto, methods: Iterable[str]) -> None:
    service = file.service.add(name="VAL")
    for name in methods:
        stem = "Actuate" if name == "ActuateStream" else name
        service.method.add(
            name=name,
            input_type=f".{file.package}.{stem}Request",
            output_type=f".{file.package}.{stem}Response",
            client_streaming=name in STREAM_IN,
            server_streaming=name in STREAM_OUT,
        )


def _names(file: descriptor_pb2.FileDescriptorProto) -> Iterable[str]:
    for message in file.message_type:
        yield f"{file.package}.{message.name}"
        yield from (f"{file.package}.{message.name}.{one.name}" for one in message.nested_type)
    yield from (f"{file.package}.{one.name}" for one in file.enum_type)
    for service in file.service:
        yield f"{file.package}.{service.name}"
        yield from (f"{file.package}.{service.name}.{one.name}" for one in service.method)


class Reflection:
    """Answers what tools ask."""

    def __init__(self) -> None:
        self._described = described()

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """For a server, under both names."""
        method = grpc.stream_stream_rpc_method_handler(self._serve)
        return tuple(
            grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method})
            for name in NAMES
        )

    async def _serve(self, _: Any, context: Any) -> None:
        while (data := await context.read()) is not EOF:
            await context.write(self.answer(data))

    def answer(self, data: bytes) -> bytes:
        """One request's answer; an error of gRPC's numbers where there is none."""
        response = _MESSAGES["Response"]()
        try:
            request = _MESSAGES["Request"].FromString(data)
        except DecodeError:
            _fail(response, grpc.StatusCode.INVALID_ARGUMENT, "it is no request of reflection")
            return bytes(response.SerializeToString())
        response.valid_host = request.host
        response.original_request.CopyFrom(request)
        asked, known = request.WhichOneof("asked"), self._described
        if asked == "list_services":
            for name in known.services:
                response.list_services_response.service.add(name=name)
        elif asked in ("file_by_filename", "file_containing_symbol"):
            wanted = getattr(request, asked)
            file = wanted if asked == "file_by_filename" else known.symbols.get(wanted, "")
            if file in known.files:
                parts = response.file_descriptor_response.file_descriptor_proto
                parts.extend(known.with_needs(file))
            else:
                _fail(response, grpc.StatusCode.NOT_FOUND, f"{wanted[:100]!r} is not known")
        else:
            _fail(response, grpc.StatusCode.UNIMPLEMENTED, "there are no extensions here")
        return bytes(response.SerializeToString())


def _fail(response: Any, code: grpc.StatusCode, words: str) -> None:
    response.error_response.error_code = code.value[0]
    response.error_response.error_message = words


__all__ = ["NAMES", "Described", "Reflection", "described"]
