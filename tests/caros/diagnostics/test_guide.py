"""The example of docs/guides/diagnostics.md does what the page says."""

import re

import pytest

from tests.house.source_tree import REPO


def test_the_guides_own_server_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (REPO / "docs" / "guides" / "diagnostics.md").read_text(encoding="utf-8")
    example = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    exec(compile(example, "diagnostics.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["b'MYCAR000000000001'", "59 02 ff 91 01 13 2f"]
    assert all(line in page for line in lines)
