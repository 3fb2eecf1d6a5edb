"""The chain of what was done: no line is changed, taken out, put in or cut off unseen."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.cloud.audit import EMPTY, Head, append, check, read_head, seal_head
from volant.core.errors import InputError, TrustError
from volant.trust.keys import SigningKey

KEY = SigningKey(bytes(32))


def log(count: int) -> tuple[list[bytes], list[Head]]:
    lines, heads = [], [EMPTY]
    for place in range(count):
        line, head = append(
            heads[-1], at_s=1e9 + place, by="ann", act="pause", about=f"campaign-{place}", data={"n": place}
        )  # fmt: skip
        lines.append(line)
        heads.append(head)
    return lines, heads


def test_a_log_is_checked_line_by_line() -> None:
    lines, heads = log(5)
    assert check([]) == EMPTY
    for place in range(6):
        assert check(lines[:place]) == heads[place]
        assert check([one + b"\n" for one in lines], holds=heads[place]) == heads[5]


@settings(max_examples=200)
@given(st.data())
def test_one_changed_byte_is_found(data: st.DataObject) -> None:
    """In the last line only the head that was kept elsewhere finds it."""
    lines, heads = log(4)
    place = data.draw(st.integers(0, 3))
    at = data.draw(st.integers(0, len(lines[place]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != lines[place][at]))
    lines[place] = lines[place][:at] + bytes([byte]) + lines[place][at + 1 :]
    with pytest.raises((InputError, TrustError)):
        check(lines, holds=heads[4])


@pytest.mark.parametrize(
    "order", [[0, 2, 3], [1, 0, 2, 3], [0, 1, 1, 2, 3], [1, 2, 3], [0, 1, 3, 2]]
)
def test_a_line_that_is_missing_doubled_or_moved_is_told(order: list[int]) -> None:
    lines, _ = log(4)
    with pytest.raises(InputError, match=r"audit log:\d: found entry \d, expected \d"):
        check([lines[one] for one in order])


def test_what_a_chain_alone_does_not_show_a_signed_head_does() -> None:
    lines, heads = log(4)
    kept = read_head(seal_head(heads[4], KEY), KEY.public)
    assert check(lines[:3]) == heads[3]
    with pytest.raises(TrustError, match="3 lines, but 4 were signed"):
        check(lines[:3], holds=kept)
    other = []
    head = EMPTY
    for _ in range(5):
        line, head = append(head, at_s=0.0, by="eve", act="nothing")
        other.append(line)
    assert check(other) == head
    with pytest.raises(TrustError, match="line 4 is another"):
        check(other, holds=kept)
    with pytest.raises(TrustError, match="signature"):
        read_head(seal_head(heads[4], SigningKey(b"x" * 32)), KEY.public)


@pytest.mark.parametrize("line", [b"", b"{}", b"\xff", b"[" * 60_000, b"x" * 70_000])
def test_what_is_no_line(line: bytes) -> None:
    with pytest.raises(InputError, match="audit log:1"):
        check([line])


def test_a_line_has_a_bound() -> None:
    with pytest.raises(InputError, match="not to be logged"):
        append(EMPTY, at_s=0.0, by="", act="x")
    with pytest.raises(ValueError, match="at most"):
        append(EMPTY, at_s=0.0, by="ann", act="x", data={"x": "y" * 70_000})
