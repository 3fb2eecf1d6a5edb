"""Messages as TypeScript declarations, and a hash that changes with their fields.

Own, because the path over JSON Schema turns tuples into `never[]`. The hash is taken of the declarations
and not of Python's own words for a type, which change from one Python to the next.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from msgspec import inspect

_PLAIN: Final[dict[type[inspect.Type], str]] = {
    inspect.BoolType: "boolean",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.StrType: "string",
    inspect.BytesType: "Uint8Array",
    inspect.NoneType: "null",
}


def declarations(roots: Iterable[type[Any]]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Declarations and field names of messages and of all they hold, by name.

    Raises:
        ValueError: a message holds a type that has no meaning on a screen.
    """
    known: dict[str, str] = {}
    fields: dict[str, tuple[str, ...]] = {}
    for root in roots:
        _render(inspect.type_info(root), known, fields)
    return known, fields


def schema_hash(roots: Iterable[type[Any]]) -> str:
    """A short hash over the names and types of all fields; comments do not count."""
    known, _ = declarations(roots)
    lines = [
        line
        for name in sorted(known)
        for line in known[name].splitlines()
        if not line.startswith("/**")
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _render(kind: inspect.Type, known: dict[str, str], fields: dict[str, tuple[str, ...]]) -> str:
    """The TypeScript name of a type; structs and enums are declared in `known` on the way."""
    if isinstance(kind, inspect.Metadata):
        return _render(kind.type, known, fields)
    if isinstance(kind, inspect.StructType):
        return _declare_struct(kind, known, fields)
    if isinstance(kind, inspect.EnumType):
        return _declare_enum(kind.cls, known)
    if isinstance(kind, inspect.UnionType):
        return " | ".join(_render(part, known, fields) for part in kind.types)
    if isinstance(kind, inspect.VarTupleType):
        inner = _render(kind.item_type, known, fields)
        compound = "|" in inner or inner.startswith("readonly ")
        return f"readonly ({inner})[]" if compound else f"readonly {inner}[]"
    if isinstance(kind, inspect.TupleType):
        inner = ", ".join(_render(part, known, fields) for part in kind.item_types)
        return f"readonly [{inner}]"
    if isinstance(kind, inspect.DictType):
        key, value = (_render(one, known, fields) for one in (kind.key_type, kind.value_type))
        record = f"Readonly<Record<{key}, {value}>>"
        return record if key == "string" else f"Partial<{record}>"  # it may lack some
    if isinstance(kind, inspect.CustomType) and kind.cls is object:
        return "unknown"
    if type(kind) in _PLAIN:
        return _PLAIN[type(kind)]
    raise ValueError(f"no TypeScript for {kind!r}")


def _declare_struct(
    kind: inspect.StructType, known: dict[str, str], fields: dict[str, tuple[str, ...]]
) -> str:
    name = kind.cls.__name__
    if name in known:
        return name
    known[name] = ""  # holds the place, for a struct that holds itself
    lines = [] if kind.tag is None else [f"  {kind.tag_field}: {json.dumps(kind.tag)};"]
    lines += [
        f"  {field.encode_name}: {_render(field.type, known, fields)};" for field in kind.fields
    ]
    fields[name] = tuple(field.encode_name for field in kind.fields)
    known[name] = f"{_words(kind.cls)}export interface {name} {{\n" + "\n".join(lines) + "\n}"
    return name


def _declare_enum(kind: type[enum.Enum], known: dict[str, str]) -> str:
    values = " | ".join(json.dumps(member.value) for member in kind)
    known[kind.__name__] = f"{_words(kind)}export type {kind.__name__} = {values};"
    return kind.__name__


def _words(kind: type[Any]) -> str:
    first = (kind.__doc__ or "").strip().split("\n")[0]
    return f"/** {first} */\n" if first else ""
