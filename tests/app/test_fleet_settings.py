"""Where a fleet's database and files are: in its folder, or where `fleet.toml` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_settings import load_settings
from volant.cloud.artifacts import FolderArtifacts, S3Artifacts
from volant.core.errors import InputError, LinkError


def test_without_a_file_all_lies_in_the_folder(tmp_path: Path) -> None:
    with FleetFolder(tmp_path / "fleet") as home:
        assert isinstance(home.artifacts, FolderArtifacts)
        assert (tmp_path / "fleet" / "fleet.db").is_file()
        assert (tmp_path / "fleet" / "artifacts").is_dir()


def test_files_in_s3(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(
        '[artifacts]\nurl = "s3://bucket/fleet"\nendpoint = "http://127.0.0.1:9"\nregion = "eu-1"\n'
    )
    with FleetFolder(tmp_path) as home:
        assert isinstance(home.artifacts, S3Artifacts)
        assert not (tmp_path / "artifacts").exists()


def test_a_database_elsewhere_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(
        '[database]\nurl = "postgresql://a:secret@127.0.0.1:9/x"\n'
    )
    with pytest.raises(LinkError, match=r"127\.0\.0\.1") as raised:
        FleetFolder(tmp_path)
    assert "secret" not in str(raised.value)
    assert not (tmp_path / "fleet.db").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[database]\nurl = 5", r"fleet\.toml:2: Expected `str`"),
        ("[databases]", "unknown field `databases`"),
        ("nonsense", r"fleet\.toml: not TOML"),
    ],
)
def test_a_file_that_says_something_else(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "fleet.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    "text", ['[database]\nurl = "mongodb://x"', '[artifacts]\nurl = "ftp://x/y"']
)
def test_an_address_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "fleet.toml").write_text(text)
    with pytest.raises(InputError):
        FleetFolder(tmp_path)
