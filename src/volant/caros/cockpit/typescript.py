"""Writes the screens' TypeScript types from the messages, so that no screen guesses a field.

`python -m volant.caros.cockpit.typescript FILE` writes web/kit/messages.gen.ts; a test fails when the
committed file is not what this gives.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from msgspec import inspect

from volant.caros.cockpit import messages as cockpit
from volant.caros.cockpit import seam
from volant.caros.cockpit.shapes import declarations
from volant.core.topics import TOPICS

ROOTS: Final[tuple[type[Any], ...]] = (
    *(topic.message for topic in TOPICS),
    cockpit.CockpitFrame,
    cockpit.CockpitRoad,
    seam.CockpitControl,
    seam.CockpitPainted,
    cockpit.CockpitRoute,
    seam.CockpitSeat,
    seam.CockpitHands,
    seam.CockpitPress,
    seam.CockpitWish,
)
"""Every message of the bus, so that later screens have them, and what the cluster exchanges."""


def generate(roots: Iterable[type[Any]] = ROOTS) -> str:
    """The whole file.

    Raises:
        ValueError: a message holds a type that this generator does not know.
    """
    known, fields = declarations(roots)
    table = "\n".join(
        f"  {name}: {json.dumps(list(names))}," for name, names in sorted(fields.items())
    )
    return (
        "// Made by `python -m volant.caros.cockpit.typescript`; do not edit.\n\n"
        f"export const SCHEMA_HASH = {json.dumps(cockpit.SCHEMA_HASH)};\n\n"
        + "\n\n".join(known[name] for name in sorted(known))
        + "\n\n/** Names of the fields of every message, for checks at run time. */\n"
        f"export const FIELDS: Record<string, readonly string[]> = {{\n{table}\n}};\n"
    )


def sample(kind: type[Any]) -> Any:
    """A message with every field filled, the same each time; what the screens' decoder is tested on.

    Raises:
        ValueError: a message holds a type that this generator does not know.
    """
    return _sample(inspect.type_info(kind), "")


def _sample(kind: inspect.Type, name: str) -> Any:
    if isinstance(kind, inspect.Metadata):
        return _sample(kind.type, name)
    if isinstance(kind, inspect.StructType):
        return kind.cls(**{field.name: _sample(field.type, field.name) for field in kind.fields})
    if isinstance(kind, inspect.EnumType):
        return next(iter(kind.cls))
    if isinstance(kind, inspect.UnionType):
        return _sample(next(p for p in kind.types if not isinstance(p, inspect.NoneType)), name)
    if isinstance(kind, inspect.VarTupleType):
        return (_sample(kind.item_type, name),) * 2
    if isinstance(kind, inspect.TupleType):
        return tuple(_sample(part, name) for part in kind.item_types)
    plain: dict[type[inspect.Type], Any] = {
        inspect.BoolType: True,
        inspect.IntType: 1_234_567_890_123 if name.endswith("_ns") else 7,
        inspect.FloatType: 0.625,
        inspect.StrType: f"{name} ä",
        inspect.BytesType: b"\x01\x00\xff\x7f\x00\x80",
    }
    if type(kind) in plain:
        return plain[type(kind)]
    raise ValueError(f"no sample for {kind!r}")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(generate(), encoding="utf-8")
