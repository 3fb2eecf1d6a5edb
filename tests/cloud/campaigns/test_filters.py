"""The language of filters."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.cloud.campaigns import parse_filter
from volant.cloud.campaigns.filters import matches_pattern, version_key
from volant.core.errors import InputError

CAR = {
    "model": ("ev1",),
    "version": ("2.10.0",),
    "group": ("eu", "test"),
    "vin": ("VOLANT00000000001",),
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("  ", True),
        ('model == "ev1"', True),
        ("model == ev1", True),
        ("model != ev1", False),
        ("colour != red", True),
        ("colour == red", False),
        ("version < 2.9", False),
        ("version >= 2.10 and version < 3", True),
        ("group in (us, eu)", True),
        ("group in ('us')", False),
        ("not group == test", False),
        ("has vin and not has colour", True),
        ("vin like 'VOLANT*1'", True),
        ("vin like '*2'", False),
        ("model == ev2 or model == ev1 and group == eu", True),
        ("(model == ev2 or model == ev1) and group == us", False),
        ("group == eu and group == test", True),
        ("model == 'and'", False),
    ],
)
def test_a_filter_says_which_cars(text: str, holds: bool) -> None:
    assert parse_filter(text)(CAR) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model", "character 6: found the end, expected one of"),
        ("model = ev1", "character 7: unexpected '='"),
        ("model == 'ev1", "character 10: unexpected"),
        ("model == ev1 group", "character 14: found 'group', expected the end"),
        ("(model == ev1", "expected '\\)'"),
        ("group in eu", "expected '\\('"),
        ("group in (eu us)", "expected ',' or"),
        ("and", "expected a word"),
        ("1 == 1", "expected a word"),
        ("model == or", "expected a value"),
        ("model; drop", "unexpected ';'"),
        ("(" * 40, "inside each other"),
        ("not " * 40, "inside each other"),
        ("x" * 5000, "at most 4096"),
    ],
)
def test_what_is_no_filter_is_told_where(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_filter(text)


@given(st.text(alphabet="ab()\"' <>=!,*inotadrlkehs.\u00e9\n", max_size=60))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    try:
        found = parse_filter(text)
    except InputError:
        return
    assert found(CAR) in {True, False}


def test_versions_are_ordered_as_people_do() -> None:
    texts = ["1.9", "1.10", "2.0a1", "2.0rc1", "2.0", "2.0.1", "2.10", "10"]
    assert sorted(texts, key=version_key) == texts


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_patterns_are_those_of_a_plain_search(pattern: str, text: str) -> None:
    def slow(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return slow(pattern[1:], text) or bool(text and slow(pattern, text[1:]))
        return bool(text) and text[0] == pattern[0] and slow(pattern[1:], text[1:])

    assert matches_pattern(text, pattern) == slow(pattern, text)


@given(st.recursive(st.sampled_from(["model == ev1", "has x", "version < 2"]),
    lambda some: st.one_of(
        st.tuples(some, st.sampled_from([" and ", " or "]), some).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        some.map(lambda one: f"not {one}")), max_leaves=8))  # fmt: skip
def test_brackets_mean_what_python_means(text: str) -> None:
    names: dict[str, Any] = {"A": True, "B": False, "C": False}
    python = text.replace("model == ev1", "A").replace("has x", "B").replace("version < 2", "C")
    assert parse_filter(text)(CAR) is bool(eval(python, {}, names))
