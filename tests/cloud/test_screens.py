"""The console's types are what the management API says today."""

from tests.cloud.screens import TYPES, generate


def test_the_types_of_the_console_are_fresh():
    assert TYPES.read_text(encoding="utf-8") == generate(), "run: python -m tests.cloud.screens"
