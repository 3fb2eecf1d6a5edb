"""Rights in KUKSA's grammar."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.signals.rights import Rights, parse_scope
from volant.caros.signals.values import Code, SignalError

SPEED, DOOR = "Vehicle.Speed", "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"


@pytest.mark.parametrize(
    ("scope", "path", "may"),
    [
        ("", SPEED, ""),
        ("read", SPEED, "r"),
        ("read:Vehicle", SPEED, "r"),
        ("read:Vehicle.Speed", SPEED, "r"),
        ("read:Vehicle.Speed", "Vehicle.Speedy", ""),
        ("read:Vehicle.Spe", SPEED, ""),
        ("actuate:Vehicle.Cabin", DOOR, "ra"),
        ("provide:Vehicle.*", SPEED, "rdp"),
        ("provide:Vehicle.*", DOOR, ""),
        ("provide:data:Vehicle.Speed", SPEED, "rd"),
        ("provide:actuation:Vehicle.**.IsOpen", DOOR, "rp"),
        ("create:Vehicle.New", "Vehicle.New.Below", "rc"),
        ("read:Vehicle.Speed actuate:Vehicle.Cabin.Door.**", DOOR, "ra"),
        ("read actuate provide create", DOOR, "radpc"),
    ],
)
def test_a_scope_gives_what_it_says(scope: str, path: str, may: str) -> None:
    rights = parse_scope(scope)
    found = {
        "r": rights.may_read(path),
        "a": rights.may_actuate(path),
        "d": rights.may_provide_data(path),
        "p": rights.may_provide_actuation(path),
        "c": rights.may_create(path),
    }
    assert "".join(key for key in "radpc" if found[key]) == may


@pytest.mark.parametrize(
    "scope",
    ["write", "read:", "read:Vehicle:Speed", "provide:both:Vehicle", "read:Vehi cle:", "READ", "read:a..b",
     "provide:data:", 'read:""', "x" * 70_000, " ".join(["read"] * 1001)],
)  # fmt: skip
def test_what_is_no_scope_is_refused(scope: str) -> None:
    with pytest.raises(SignalError) as told:
        parse_scope(scope)
    assert told.value.code is Code.INVALID_ARGUMENT


@given(st.text(alphabet="readctupovi:.* V", max_size=40))
def test_any_text_is_a_scope_or_refused(scope: str) -> None:
    with contextlib.suppress(SignalError):
        parse_scope(scope).may_read(SPEED)


def test_rights_end() -> None:
    rights = parse_scope("read", expires_s=100.0)
    assert not rights.expired(99.9)
    assert rights.expired(100.0)
    assert not Rights.all().expired(1e12)
    assert not Rights.none().may_read(SPEED)
