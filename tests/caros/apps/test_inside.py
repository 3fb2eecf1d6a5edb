"""What runs inside a sandbox stands on the standard library alone, and its codec is that of the car."""

import ast
import contextlib
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.apps.inside import volant_app
from volant.caros.apps.isolation.sandbox import INSIDE

ALLOWED = {"ctypes", "os", "resource", "sys", "select", "struct", "time", "socket", "_socket"}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("path", sorted(INSIDE.glob("*.py")), ids=lambda path: path.name)
def test_it_imports_what_is_there(path: object) -> None:
    tree = ast.parse((INSIDE / getattr(path, "name")).read_text())  # noqa: B009
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    assert names - ALLOWED - {"__future__", "typing", "volant_app"} == set()
    assert names & ALLOWED <= set(sys.stdlib_module_names)


@given(value=VALUES)
def test_the_car_reads_what_an_app_writes(value: object) -> None:
    assert msgspec.msgpack.decode(volant_app.pack(value)) == value


@given(value=VALUES)
def test_an_app_reads_what_the_car_writes(value: object) -> None:
    assert volant_app.unpack(msgspec.msgpack.encode(value)) == value


@given(data=st.binary(max_size=80))
def test_rubbish_is_a_value_or_an_error(data: bytes) -> None:
    with contextlib.suppress(ValueError, TypeError):
        volant_app.unpack(data)


def test_long_lists_of_nothing_and_deep_nests_are_bounded() -> None:
    for data in (b"\xdd\xff\xff\xff\xff", b"\x91" * 5000, b"\xc6\x7f\xff\xff\xff", b"\xc1"):
        with pytest.raises(ValueError, match="no MessagePack"):
            volant_app.unpack(data)


def test_what_is_no_value_is_not_sent() -> None:
    with pytest.raises(TypeError):
        volant_app.pack(object())
