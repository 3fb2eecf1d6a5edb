"""The error tree: what the user reads, and who catches what."""

import pytest

from volant.core import errors
from volant.core.errors import InputError, VolantError


def test_every_error_hangs_on_one_root() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    assert len(kinds) == 6
    assert all(issubclass(kind, VolantError) for kind in kinds)
    assert not issubclass(VolantError, ValueError | RuntimeError)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ({}, "bad"),
        ({"file": "a.toml"}, "a.toml: bad"),
        ({"file": "a.toml", "line": 3}, "a.toml:3: bad"),
        ({"file": "a.toml", "line": 3, "where": "road 7"}, "a.toml:3: road 7: bad"),
        ({"where": "road 7"}, "road 7: bad"),
        ({"line": 3}, "bad"),
    ],
)
def test_an_input_error_says_the_place_first(place: dict[str, object], line: str) -> None:
    assert str(InputError("bad", **place)) == line  # type: ignore[arg-type]


def test_an_input_error_keeps_its_parts() -> None:
    error = InputError("bad", file="a", line=1, where="b")
    assert (error.message, error.file, error.line, error.where) == ("bad", "a", 1, "b")
