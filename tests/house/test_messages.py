"""Every number that crosses a seam says its unit by its name."""

import inspect
from collections.abc import Iterator

import msgspec
import msgspec.inspect as spec
import pytest

from volant.core import messages

UNITS = {
    "m": "metre",
    "mps": "metre per second",
    "mps2": "metre per second squared",
    "mps3": "metre per second cubed",
    "rad": "radian",
    "rps": "radian per second",
    "per_m": "one per metre",
    "ns": "nanosecond since boot",
    "s": "second",
    "nm": "newton metre",
    "w": "watt",
    "j": "joule",
    "v": "volt",
    "a": "ampere",
    "k": "kelvin",
    "pct": "per cent of a charge, as drivers know it",
    "bytes": "byte",
    "years": "year",
}
# Numbers without a unit, each with what it is instead.
PURE = {
    "LaneStrip.rank": "an order, no quantity",
    "DriverControls.accelerator": "ratio of pedal travel",
    "DriverControls.brake": "ratio of pedal travel",
    "DriverRequest.value": "unit depends on `kind`, said in the docstring",
    "ObjectReturn.class_confidence": "probability",
    "ObjectReturn.existence": "probability",
    "LaneReturn.confidence": "probability",
    "LaneReturn.lanes_left": "count",
    "LaneReturn.lanes_right": "count",
    "LightReturn.confidence": "probability",
    "Track.existence": "probability",
    "Plan.confidence": "probability",
    "Plan.rerouted": "count",
    "FreezeRecord.did": "data identifier",
    "Trouble.code": "trouble code and failure type",
    "CodeFrame.drives_ago": "count",
    "TroubleCode.occurrences": "count",
    "TroubleCodes.number": "count",
    "TroubleCodes.count": "count",
    "LiveStep.incarnation": "count",
    "LiveStep.count": "count",
    "LiveStep.consumed": "topic and number of messages, no quantities",
    "LiveStep.produced": "topic and number of messages, no quantities",
    "FlashUse.owners": "names with bytes",
    "FlashUse.clips": "count",
}


def structs() -> list[type[msgspec.Struct]]:
    return [
        kind
        for _, kind in inspect.getmembers(messages, inspect.isclass)
        if issubclass(kind, msgspec.Struct) and kind.__module__ == messages.__name__
    ]


def is_number(kind: spec.Type) -> bool:
    """Whether a field holds numbers: alone, or null, or many of them."""
    if isinstance(kind, spec.UnionType):
        return any(is_number(one) for one in kind.types)
    if isinstance(kind, spec.VarTupleType | spec.ListType):
        return is_number(kind.item_type)
    if isinstance(kind, spec.TupleType):
        return any(is_number(one) for one in kind.item_types)
    return isinstance(kind, spec.FloatType | spec.IntType)


def parts(kind: spec.Type) -> Iterator[spec.Type]:
    yield kind
    if isinstance(kind, spec.UnionType):
        for one in kind.types:
            yield from parts(one)
    if isinstance(kind, spec.VarTupleType):
        yield from parts(kind.item_type)


def nameless(kind: type[msgspec.Struct]) -> list[str]:
    """Number fields whose name tells no unit and that are neither an id nor listed in PURE."""
    described = spec.type_info(kind)
    assert isinstance(described, spec.StructType)
    return [
        f"{kind.__name__}.{field.name}"
        for field in described.fields
        if is_number(field.type)
        and not field.name.endswith(tuple(f"_{unit}" for unit in (*UNITS, "id")))
        and f"{kind.__name__}.{field.name}" not in PURE
    ]


@pytest.mark.parametrize("kind", structs(), ids=lambda kind: kind.__name__)
def test_a_number_in_a_message_ends_in_its_unit(kind: type[msgspec.Struct]) -> None:
    assert nameless(kind) == []


def test_a_number_without_a_unit_is_found() -> None:
    class Wrong(msgspec.Struct):
        speed: float
        gap_m: float | None
        path: tuple[float, ...]
        places: tuple[tuple[float, float], ...]
        actor_id: int
        moving: bool

    assert nameless(Wrong) == ["Wrong.speed", "Wrong.path", "Wrong.places"]


def test_the_list_of_pure_numbers_names_only_fields_that_exist() -> None:
    fields = {f"{kind.__name__}.{name}" for kind in structs() for name in kind.__struct_fields__}
    assert set(PURE) <= fields


@pytest.mark.parametrize("kind", structs(), ids=lambda kind: kind.__name__)
def test_a_message_is_frozen_keyword_only_and_holds_no_lists(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen
    described = spec.type_info(kind)
    assert isinstance(described, spec.StructType)
    for field in described.fields:
        kinds = list(parts(field.type))
        assert not any(isinstance(one, spec.ListType | spec.DictType) for one in kinds), field.name
    if kind.__struct_fields__:
        with pytest.raises(TypeError):
            kind(0)


@pytest.mark.parametrize("kind", structs(), ids=lambda kind: kind.__name__)
def test_a_message_says_what_it_is(kind: type[msgspec.Struct]) -> None:
    assert kind.__doc__
    assert len(kind.__doc__) > 15
