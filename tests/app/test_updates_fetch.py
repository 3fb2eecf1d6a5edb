"""What a car does with every way in which a download can go wrong: a defined end, words, and on where it was."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from volant.app import updates_fetch
from volant.app.cli import app as commands
from volant.app.update_http import Fed
from volant.app.updates_fetch import Wanted, boot_id, check, download, hear_time, lying, sweep
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_source import FolderSource, Places, source_of, stick
from volant.core.errors import InputError, LinkError, RefusedError
from volant.trust.uptane import Attack, Fetch, Limits, RejectedError, SecureClock

CAR = "g3-520"
DATA = bytes(range(256)) * 1200
LIMITS = Limits()


def run(*words: str) -> None:
    done = CliRunner().invoke(commands, [*words, "--json"])
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joined")
    repo, state = folder / "repo", folder / "state"
    run("repo", "init", str(repo), "--vehicle", "V1", "--car", CAR)
    run("ota", "join", str(repo), "--state", str(state))
    (folder / "brake.img").write_bytes(DATA)
    run("repo", "add", str(repo), f"brake={folder / 'brake.img'}", "--title", "News")
    return folder


@pytest.fixture
def joined(made: Path, tmp_path: Path) -> tuple[UpdatesFolder, Path]:
    for name in ("repo", "state"):
        shutil.copytree(made / name, tmp_path / name)
    return UpdatesFolder(tmp_path / "state", CAR), tmp_path / "repo"


def wanted(folder: UpdatesFolder, repo: Path) -> Wanted:
    found = check(folder, source_of(str(repo), folder.repository_map()), (), LIMITS)
    (one,) = found.assignments
    assert found.note is not None
    assert found.note.title == "News"
    return Wanted.image(one)


class Broken:
    """A source that gives each image through `bend`, in one piece."""

    words = "broken"

    def __init__(self, bend: Callable[[bytes], bytes], *, missing: bool = False) -> None:
        self.bend, self.missing, self.offsets = bend, missing, list[int]()

    def feed(self, fed: Fed) -> None:
        while (_fetch := fed.wants) is not None:
            now_ns = time.monotonic_ns()
            self.offsets.append(fed.offset)
            if self.missing:
                fed.missing(now_ns)
                continue
            data = self.bend(DATA)[fed.offset :]
            if data:
                fed.feed(data, now_ns)
            if fed.wants is not None:
                fed.end(now_ns)

    def signed_time(self, _nonces: tuple[str, ...]) -> bytes | None:
        raise LinkError("nobody is there")

    def tell(self, _manifest: bytes) -> bool:
        raise LinkError("nobody is there")


def test_what_is_offered_is_checked_downloaded_and_lies_in_the_car(
    joined: tuple[UpdatesFolder, Path],
) -> None:
    folder, repo = joined
    one, told = wanted(folder, repo), list[tuple[int, int]]()
    source = source_of(str(repo), folder.repository_map())
    found = download(folder, source, one, LIMITS, lambda done, of: told.append((done, of)))
    assert found.read(0, len(DATA) + 1) == DATA
    assert told[-1] == (len(DATA), len(DATA))
    assert lying(folder, one) is not None
    assert check(folder, source, (), LIMITS).assignments  # nothing was installed yet
    sweep(folder)
    assert lying(folder, one) is None


def test_a_download_goes_on_at_its_last_byte(joined: tuple[UpdatesFolder, Path]) -> None:
    folder, repo = joined
    one = wanted(folder, repo)
    cut = Broken(lambda data: data[:100_000])
    with pytest.raises(RejectedError) as error:
        download(folder, cut, one, LIMITS, lambda *_: None)
    assert error.value.attack is Attack.DROP
    whole = Broken(lambda data: data)
    found = download(folder, whole, one, LIMITS, lambda *_: None)
    assert whole.offsets == [100_000]
    assert found.read(0, len(DATA)) == DATA


def test_a_draft_that_went_bad_on_the_disk_is_fetched_anew(
    joined: tuple[UpdatesFolder, Path],
) -> None:
    folder, repo = joined
    one = wanted(folder, repo)
    folder.downloads.mkdir()
    (folder.downloads / f"{one.hashes['sha256']}.part").write_bytes(b"\x00" * 5000)
    source = Broken(lambda data: data)
    found = download(folder, source, one, LIMITS, lambda *_: None)
    assert source.offsets == [5000, 0]
    assert found.read(0, len(DATA)) == DATA


@pytest.mark.parametrize(
    ("bend", "attack"),
    [
        (lambda data: data + b"more", Attack.ENDLESS),
        (lambda data: data[:-1] + b"?", Attack.ARBITRARY),
        (lambda _: b"", Attack.DROP),
    ],
)
def test_what_is_not_what_was_signed_never_lies_in_the_car(
    joined: tuple[UpdatesFolder, Path], bend: Callable[[bytes], bytes], attack: Attack
) -> None:
    folder, repo = joined
    one = wanted(folder, repo)
    with pytest.raises(RejectedError) as error:
        download(folder, Broken(bend), one, LIMITS, lambda *_: None)
    assert error.value.attack is attack
    assert lying(folder, one) is None
    assert download(folder, Broken(lambda data: data), one, LIMITS, lambda *_: None)


def test_an_image_that_is_gone_is_told(joined: tuple[UpdatesFolder, Path]) -> None:
    folder, repo = joined
    one = wanted(folder, repo)
    with pytest.raises(RejectedError) as error:
        download(folder, Broken(lambda data: data, missing=True), one, LIMITS, lambda *_: None)
    assert error.value.attack is Attack.DROP


def test_a_full_disk_is_told_before_and_while_it_is_written(
    joined: tuple[UpdatesFolder, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, repo = joined
    one, source = wanted(folder, repo), Broken(lambda data: data)
    usage = shutil.disk_usage(folder.path)
    with monkeypatch.context() as patched:
        patched.setattr(updates_fetch.shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
        with pytest.raises(RefusedError, match="no room for the update: 0 MiB are needed"):
            download(folder, source, one, LIMITS, lambda *_: None)
    with monkeypatch.context() as patched:

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr(updates_fetch.os, "fsync", full)
        with pytest.raises(RefusedError, match="the disk is full"):
            download(folder, source, one, LIMITS, lambda *_: None)
    assert download(folder, source, one, LIMITS, lambda *_: None).read(0, 4) == DATA[:4]


def test_a_file_of_a_folder_is_never_one_outside_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x" * 10)
    images = tmp_path / "repo" / "image" / "targets"
    images.mkdir(parents=True)
    (images / "link").symlink_to(tmp_path / "secret")
    source = FolderSource(tmp_path / "repo", Places("director/metadata", "image"))
    for name in ("../../../secret", "link", str(tmp_path / "secret"), "a\0b"):
        assert source._file(Fetch("image", "image", name, 10, exact=True)) is None


def test_time_goes_on_without_a_source_and_with_one_that_lies(
    joined: tuple[UpdatesFolder, Path],
) -> None:
    folder, repo = joined
    began = folder.clock(boot_id(), time.monotonic_ns())
    assert hear_time(folder, Broken(lambda data: data)) == b""
    assert folder.clock(boot_id(), time.monotonic_ns()) == began
    # A clock of 1970 in the car: what was attested holds, and goes on.
    after = folder.clock("another boot", 5)
    assert after.attested_s == began.attested_s
    assert after.now_s(5 + 10**9) == began.attested_s + 1.0
    source = source_of(str(repo), folder.repository_map())
    ahead = SecureClock(attested_s=began.attested_s + 10_000.0, attested_at_ns=0)
    folder.store_clock(boot_id(), ahead)
    assert hear_time(folder, source) == b""
    assert folder.clock(boot_id(), time.monotonic_ns()).attested_s == ahead.attested_s
    folder.store_clock(boot_id(), SecureClock(attested_s=1.0))
    assert hear_time(folder, source)
    assert folder.clock(boot_id(), time.monotonic_ns()).attested_s > 1e9


def test_metadata_that_expired_are_not_believed_and_the_next_are(
    joined: tuple[UpdatesFolder, Path],
) -> None:
    folder, repo = joined
    source = source_of(str(repo), folder.repository_map())
    now = folder.clock(boot_id(), time.monotonic_ns())
    folder.store_clock(boot_id(), SecureClock(attested_s=now.attested_s + 30 * 86_400.0))
    with pytest.raises(RejectedError) as error:
        check(folder, source, (), LIMITS)
    assert error.value.attack is Attack.FREEZE
    folder.store_clock(boot_id(), now)
    assert check(folder, source, (), LIMITS).assignments


def test_a_stick_is_a_bundle_that_hears_nothing(
    joined: tuple[UpdatesFolder, Path], tmp_path: Path
) -> None:
    folder, repo = joined
    with pytest.raises(InputError, match="holds no bundle"):
        stick(tmp_path)
    run("repo", "bundle", str(repo), str(tmp_path / "stick"))
    source = stick(tmp_path / "stick")
    assert source.signed_time(("0" * 32,)) is None
    assert not source.tell(b"")
    (one,) = check(folder, source, (), LIMITS).assignments
    assert download(folder, source, Wanted.image(one), LIMITS, lambda *_: None)
