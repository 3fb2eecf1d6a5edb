"""Makes the KUKSA stubs in src/volant/caros/kuksa from the descriptors of the peer kuksa-client.

Run it when the interface grows: `python scripts/kuksa_proto.py` (needs `make peers`, which brings
grpcio-tools). Names, numbers and types are those of kuksa.val.v1 and v2 (Apache-2.0, see NOTICE in
that folder); only the package name is ours, so that client and broker can live in one process.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "src" / "volant" / "caros" / "kuksa"
HEADER = """\
// The interface kuksa.val.{version} of Eclipse KUKSA (Apache-2.0), under a package name of ours.
// Made by scripts/kuksa_proto.py from the descriptors of kuksa-client; do not edit.
syntax = "proto3";

package volant.kuksa.{version};

import "google/protobuf/timestamp.proto";
"""
SCALARS = {
    1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string",
    12: "bytes", 13: "uint32", 17: "sint32", 18: "sint64",
}  # fmt: skip
REPEATED = 3


def type_name(field: Any, version: str) -> str:
    if field.type in SCALARS:
        return SCALARS[field.type]
    return str(field.type_name).removeprefix(f".kuksa.val.{version}.").removeprefix(".")


def field_line(field: Any, message: Any, version: str) -> str:
    entries = {nested.name: nested for nested in message.nested_type}
    kind = type_name(field, version)
    entry = entries.get(kind.rpartition(".")[2])
    if entry is not None:
        key, value = (type_name(part, version) for part in entry.field)
        kind = f"map<{key}, {value}>"
    elif field.label == REPEATED:
        kind = f"repeated {kind}"
    elif field.proto3_optional:
        kind = f"optional {kind}"
    return f"{kind} {field.name} = {field.number};"


def message_text(message: Any, version: str) -> str:
    lines = [f"message {message.name} {{"]
    groups: dict[int, list[str]] = {}
    for field in message.field:
        line = field_line(field, message, version)
        if field.HasField("oneof_index") and not field.proto3_optional:
            groups.setdefault(field.oneof_index, []).append(f"    {line}")
        else:
            lines.append(f"  {line}")
    for index, members in groups.items():
        lines += [f"  oneof {message.oneof_decl[index].name} {{", *members, "  }"]
    return "\n".join([*lines, "}\n"])


def proto_text(version: str) -> str:
    descriptors = importlib.import_module("google.protobuf.descriptor_pb2")
    parts = [HEADER.format(version=version)]
    for name in ("types", "val"):
        module = importlib.import_module(f"kuksa.val.{version}.{name}_pb2")
        file = descriptors.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for enum in file.enum_type:
            values = [f"  {value.name} = {value.number};" for value in enum.value]
            parts.append("\n".join([f"enum {enum.name} {{", *values, "}\n"]))
        parts += [message_text(message, version) for message in file.message_type]
    return "\n".join(parts)


def main() -> None:
    for name in ("v1", "v2", "fast"):
        path = FOLDER / f"kuksa_{name}.proto"
        if name != "fast":  # that one is written by hand
            path.write_text(proto_text(name))
        subprocess.run(
            [
                sys.executable, "-m", "grpc_tools.protoc", f"-I{FOLDER}", f"--python_out={FOLDER}",
                f"--pyi_out={FOLDER}", path.name,
            ],
            cwd=FOLDER,
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
