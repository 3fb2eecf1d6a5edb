"""The screens' generated types and fixtures are what the messages say today."""

from __future__ import annotations

import enum

import msgspec
import pytest

from tests.caros.fixtures import files
from volant.caros.cockpit import messages
from volant.caros.cockpit.shapes import declarations, schema_hash
from volant.caros.cockpit.typescript import ROOTS, generate, sample
from volant.core.messages import Message


class Inner(Message, frozen=True, kw_only=True):
    value_m: float | None


class Outer(Message, frozen=True, kw_only=True):
    """A thing."""

    pair: tuple[int, str]
    many: tuple[Inner, ...]
    table: dict[str, object]
    maybe: tuple[float | None, ...]


AGAIN = "run: python -m tests.caros.fixtures"


@pytest.mark.parametrize("name", ["messages.gen.ts", "messages.msgpack", "messages.json"])
def test_generated_files_of_the_screens_are_fresh(name):
    path, content = next(item for item in files().items() if item[0].name == name)
    assert path.read_bytes() == content, AGAIN


def test_the_frame_that_the_screens_are_tested_on_is_todays():
    """Not by its bytes: sines differ in their last bit from one C library to the next."""
    path, content = next(item for item in files().items() if item[0].name == "frame.msgpack")
    kept, made = (
        msgspec.msgpack.decode(packed, type=messages.CockpitFrame)
        for packed in (path.read_bytes(), content)
    )
    assert kept.schema == messages.SCHEMA_HASH, AGAIN
    assert kept.tracks == made.tracks or kept.tracks[0].x_m == pytest.approx(made.tracks[0].x_m)
    assert msgspec.structs.replace(
        kept, ego=None, tracks=(), plan=None, road=b"", car=None
    ) == msgspec.structs.replace(made, ego=None, tracks=(), plan=None, road=b"", car=None), AGAIN


@pytest.mark.parametrize("kind", ROOTS, ids=lambda kind: kind.__name__)
def test_every_sample_passes_its_own_bounds(kind):
    packed = msgspec.msgpack.encode(sample(kind))
    assert msgspec.msgpack.decode(packed, type=kind) == sample(kind)


def test_types_say_what_msgspec_means():
    text = generate([Outer])
    assert "/** A thing. */\nexport interface Outer {" in text
    assert "pair: readonly [number, string];" in text
    assert "many: readonly Inner[];" in text
    assert "table: Readonly<Record<string, unknown>>;" in text
    assert "maybe: readonly (number | null)[];" in text
    assert "value_m: number | null;" in text


def test_a_type_without_a_meaning_on_a_screen_is_refused():
    class Bad(Message, frozen=True, kw_only=True):
        numbers: frozenset[int]

    with pytest.raises(ValueError, match="no TypeScript"):
        generate([Bad])
    with pytest.raises(ValueError, match="no sample"):
        sample(Bad)


class Wider(Inner, frozen=True, kw_only=True):
    """The same and more."""


class Renamed(Message, frozen=True, kw_only=True):
    width_m: float | None


def test_the_schema_hash_follows_the_fields_and_not_the_words():
    def hashed(kind: type[Message], name: str) -> str:
        """The hash as if the message had this name."""
        known, _ = declarations([kind])
        assert len(known) == 1
        return schema_hash([type(name, (kind,), {"__module__": kind.__module__})])

    assert hashed(Inner, "Same") == hashed(Wider, "Same")
    assert hashed(Inner, "Same") != hashed(Renamed, "Same")
    assert schema_hash([messages.CockpitFrame, messages.CockpitRoad, messages.CockpitRoute]) == (
        messages.SCHEMA_HASH
    )


def test_an_added_enum_value_changes_the_hash():
    class Few(enum.Enum):
        ONE = "one"

    class More(enum.Enum):
        ONE = "one"
        TWO = "two"

    few = msgspec.defstruct("Holder", [("kind", Few)])
    more = msgspec.defstruct("Holder", [("kind", More)])
    More.__name__ = Few.__name__
    assert schema_hash([few]) != schema_hash([more])
