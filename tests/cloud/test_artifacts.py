"""Files of releases in a folder and in S3, which moto's server stands for in a process of its own."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cloud.postgres import free_port
from volant.cloud.artifacts import Artifacts, FolderArtifacts, S3Artifacts
from volant.core.errors import InputError, LinkError

DATA = bytes(range(256)) * 9000
"""2.3 MB: more than one block of either."""
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        ends = time.monotonic() + 60.0
        while True:
            try:
                assert httpx.put(f"{url}/volant").status_code == 200
                break
            except httpx.TransportError:
                assert time.monotonic() < ends
                assert running.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        running.kill()
        running.wait()


@pytest.fixture(params=["folder", "s3"])
def artifacts(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Artifacts:
    if request.param == "folder":
        return FolderArtifacts(tmp_path / "files")
    keys(monkeypatch)
    url = f"s3://volant/{tmp_path.name}"
    return S3Artifacts(url, endpoint=request.getfixturevalue("endpoint"), region="us-east-1")


def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "os.swu"
    found.write_bytes(DATA)
    return found


def test_a_file_comes_back_whole_and_in_part(artifacts: Artifacts, file: Path) -> None:
    assert artifacts.size(NAME) is None
    artifacts.put(NAME, file)
    artifacts.put(NAME, file)
    assert artifacts.size(NAME) == len(DATA)
    assert b"".join(artifacts.blocks(NAME)) == DATA
    assert b"".join(artifacts.blocks(NAME, 1_000_001, 1_200_000)) == DATA[1_000_001:1_200_000]
    assert b"".join(artifacts.blocks(NAME, len(DATA) - 5)) == DATA[-5:]
    assert list(artifacts.blocks(NAME, 5, 5)) == []
    assert max(map(len, artifacts.blocks(NAME))) <= 1 << 20


def test_where_a_file_lies(artifacts: Artifacts, file: Path) -> None:
    artifacts.put(NAME, file)
    path = artifacts.path(NAME)
    assert (path is None) == isinstance(artifacts, S3Artifacts)
    assert path is None or path.read_bytes() == DATA
    assert artifacts.path("0" * 64) is None


def test_what_is_not_there(artifacts: Artifacts, tmp_path: Path) -> None:
    with pytest.raises(LinkError):
        list(artifacts.blocks("0" * 64))
    with pytest.raises(InputError, match="cannot be read"):
        artifacts.put(NAME, tmp_path / "nothing")


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, file: Path) -> None:
    """The kernel's own limit of a file's size stands for the disk."""
    found = FolderArtifacts(tmp_path / "files")
    code = (
        "import resource, signal, sys; from pathlib import Path;"
        " from volant.cloud.artifacts import FolderArtifacts;"
        " from volant.core.errors import LinkError;"
        " signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f" resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}));"
        " store = FolderArtifacts(Path(sys.argv[1]))\n"
        "try:\n  store.put(sys.argv[3], Path(sys.argv[2]))\n"
        "except LinkError as error:\n  print(error)\n"
    )
    command = [sys.executable, "-c", code, str(found.folder), str(file), NAME]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "too large" in done.stdout
    assert found.size(NAME) is None
    assert list(found.folder.iterdir()) == []


def test_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    keys(monkeypatch)
    monkeypatch.setattr("volant.cloud.artifacts.TRIES", 0)
    found = S3Artifacts("s3://volant/x", endpoint=f"http://127.0.0.1:{free_port()}")
    for act in (lambda: found.size(NAME), lambda: found.put(NAME, file)):
        with pytest.raises(LinkError, match="s3://volant/x"):
            act()


@pytest.mark.parametrize("url", ["", "s3://", "http://x/y", "s3:bucket"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(InputError, match="no place for files"):
        S3Artifacts(url)
