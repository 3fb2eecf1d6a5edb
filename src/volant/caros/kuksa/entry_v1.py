"""Entries of kuksa.val.v1: values, targets and metadata, to and from the store's."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from volant.caros.kuksa import kuksa_v1_pb2 as v1
from volant.caros.kuksa.codec import data_type, entry_type, read_value, write_value
from volant.caros.signals.store import Datapoint
from volant.caros.signals.values import Code, SignalError
from volant.wire.vss import FRACTIONAL, WHOLE, Leaf

_TEXTS: Final = ("description", "comment", "unit")


def point_of(leaf: Leaf, message: v1.Datapoint, stamp_ns: int) -> Datapoint:
    """A datapoint as the store takes it; without value where the message has none.

    Raises:
        SignalError: INVALID_TYPE.
    """
    return Datapoint(read_value(leaf, message, "value"), stamp_ns)


def entry_of(
    entry: v1.DataEntry,
    leaf: Leaf,
    value: Datapoint | None,
    target: Datapoint | None,
    fields: Collection[int],
) -> None:
    """Fill an entry: points where there are any, metadata by the fields that are asked for."""
    entry.path = leaf.path
    for point, message in ((value, "value"), (target, "actuator_target")):
        if point is not None and point.value is not None:
            holder = getattr(entry, message)
            holder.timestamp.FromNanoseconds(point.stamp_ns)
            write_value(leaf, holder, point.value)
    if any(field >= v1.FIELD_METADATA for field in fields):
        _fill_metadata(entry.metadata, leaf, fields)


def _fill_metadata(message: v1.Metadata, leaf: Leaf, fields: Collection[int]) -> None:
    message.SetInParent()
    every = v1.FIELD_METADATA in fields
    if every or v1.FIELD_METADATA_DATA_TYPE in fields:
        message.data_type = data_type(leaf)  # type: ignore[assignment]  # the enumeration's number
    if every or v1.FIELD_METADATA_ENTRY_TYPE in fields:
        message.entry_type = entry_type(leaf)  # type: ignore[assignment]
    if every or v1.FIELD_METADATA_DESCRIPTION in fields:
        message.description = leaf.description
    if (every or v1.FIELD_METADATA_COMMENT in fields) and leaf.comment:
        message.comment = leaf.comment
    if (every or v1.FIELD_METADATA_UNIT in fields) and leaf.unit:
        message.unit = leaf.unit
    if every or v1.FIELD_METADATA_VALUE_RESTRICTION in fields:
        _fill_restriction(message, leaf)
    if every or v1.FIELD_METADATA_ACTUATOR + _KINDS[leaf.kind] in fields:
        getattr(message, leaf.kind).SetInParent()


_KINDS: Final = {"actuator": 0, "sensor": 10, "attribute": 20}
"""Place of FIELD_METADATA_SENSOR and _ATTRIBUTE after FIELD_METADATA_ACTUATOR."""


def _restriction(leaf: Leaf) -> str | None:
    """The member of ValueRestriction for the leaf's type."""
    if leaf.scalar == "string":
        return "string"
    if leaf.scalar in FRACTIONAL:
        return "floating_point"
    if leaf.scalar in WHOLE:
        return "unsigned" if leaf.scalar.startswith("u") else "signed"
    return None


def _fill_restriction(message: v1.Metadata, leaf: Leaf) -> None:
    member = _restriction(leaf)
    if member is None:
        return
    number = float if member == "floating_point" else int
    bounds = {"min": leaf.minimum, "max": leaf.maximum}
    stands = {name: number(bound) for name, bound in bounds.items() if bound is not None}
    if not leaf.allowed and not stands:
        return
    holder = getattr(message.value_restriction, member)
    if member != "string":
        for name, bound in stands.items():
            setattr(holder, name, bound)
    holder.allowed_values.extend(leaf.allowed)


def changes_of(leaf: Leaf, message: v1.Metadata) -> dict[str, Any]:
    """What a client wants to change of a leaf's metadata; only what stands in the message.

    Raises:
        SignalError: INVALID_ARGUMENT, type or kind would change, or the restriction is of another type.
    """
    for name, now in (("data_type", data_type(leaf)), ("entry_type", entry_type(leaf))):
        wanted = getattr(message, name)
        if wanted and wanted != now:
            raise SignalError(Code.INVALID_ARGUMENT, leaf.path, f"its {name} cannot change")
    changes: dict[str, Any] = {
        name: getattr(message, name) for name in _TEXTS if message.HasField(name)
    }
    member = message.value_restriction.WhichOneof("type")
    if member is None:
        return changes
    if member != _restriction(leaf):
        raise SignalError(
            Code.INVALID_ARGUMENT, leaf.path, f"a restriction of {leaf.datatype} is not {member}"
        )
    restriction = getattr(message.value_restriction, member)
    changes["allowed"] = tuple(restriction.allowed_values)
    if member != "string":
        changes["minimum"] = restriction.min if restriction.HasField("min") else None
        changes["maximum"] = restriction.max if restriction.HasField("max") else None
    return changes
