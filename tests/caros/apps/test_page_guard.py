"""The script before a page's first word."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.apps.page_guard import HASH, SCRIPT, guarded
from volant.core.errors import InputError

TAG = f"<script>{SCRIPT}</script>".encode()


@given(st.text().filter(lambda text: not text.startswith("\ufeff")))
def test_nothing_of_a_page_but_its_doctype_stands_before_the_guard(text: str) -> None:
    found = guarded(text.encode())
    head, _, rest = found.partition(TAG)
    assert head.lower() in (b"", b"<!doctype html>")
    assert head + rest == text.encode()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_what_a_browser_reads_otherwise_is_not_served(encoding: str) -> None:
    with pytest.raises(InputError):
        guarded("<!doctype html>ä".encode(encoding))


def test_the_policy_names_the_guard_and_no_other_script_of_the_page() -> None:
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", HASH)
    assert b"</" not in SCRIPT.encode()
