"""A car's downloads from servers and on disks that fail it: a reason in words, and the next one comes whole."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from pathlib import Path

import pytest

from tests.hostile_http import FLOODS, NO_ANSWERS, OK, Answer, begin_of, once, part_of, server
from volant.app import updates_fetch
from volant.app.updates_fetch import Wanted, download, hear_time
from volant.app.updates_folder import Joined, UpdatesFolder
from volant.app.updates_source import FolderSource, HttpSource, Places, source_of
from volant.core.errors import InputError, LinkError, RefusedError
from volant.trust.uptane import (
    Attack,
    EcuEntry,
    Fetch,
    Inventory,
    Limits,
    RejectedError,
    RepositoryMap,
    SecureClock,
)

DATA = bytes(range(256)) * 1000
HASHES = {"sha256": hashlib.sha256(DATA).hexdigest()}
WANTED = Wanted(
    Fetch("image", "image", "brake.bin", len(DATA), exact=True), "brake.bin", len(DATA), HASHES
)
MAP = RepositoryMap.of("director/metadata", "image")


def nothing(*_: int) -> None:
    pass


def honest(link: socket.socket, _path: str, headers: dict[str, str]) -> None:
    link.sendall(part_of(DATA, begin_of(headers)))


def fetched(folder: UpdatesFolder, answer: Answer) -> bytes:
    with server(answer) as url:
        found = download(folder, HttpSource(url, Places.of(MAP)), WANTED, Limits(), nothing)
    return found.read(0, len(DATA))


@pytest.fixture
def folder(tmp_path: Path) -> UpdatesFolder:
    return UpdatesFolder(tmp_path, "p7")


def files(folder: UpdatesFolder) -> list[str]:
    return sorted(path.name[64:] for path in folder.downloads.iterdir())


@pytest.mark.parametrize("name", [*list(NO_ANSWERS)[::5], *FLOODS])
def test_a_bad_server_costs_nothing_but_time(folder: UpdatesFolder, name: str) -> None:
    with pytest.raises(RejectedError):
        fetched(folder, (NO_ANSWERS | FLOODS)[name])
    assert sum(path.stat().st_size for path in folder.downloads.iterdir()) <= len(DATA)
    assert fetched(folder, honest) == DATA
    assert files(folder) == [""]


def test_what_came_before_it_broke_off_is_kept(folder: UpdatesFolder) -> None:
    head = OK + b"Content-Length: %d\r\n\r\n" % len(DATA)
    with pytest.raises(RejectedError) as raised:
        fetched(folder, once(head + DATA[:100_000]))
    assert raised.value.attack == Attack.DROP
    begins: list[int] = []

    def answer(link: socket.socket, path: str, headers: dict[str, str]) -> None:
        begins.append(begin_of(headers))
        honest(link, path, headers)

    assert fetched(folder, answer) == DATA
    assert begins == [100_000]


def test_a_draft_that_rotted_is_fetched_anew(folder: UpdatesFolder) -> None:
    folder.downloads.mkdir(parents=True)
    draft = folder.downloads / f"{HASHES['sha256']}.part"
    draft.write_bytes(b"\0" * 100_000)
    assert fetched(folder, honest) == DATA
    assert files(folder) == [""]


def test_a_download_that_rotted_is_fetched_anew(folder: UpdatesFolder) -> None:
    assert fetched(folder, honest) == DATA
    path = folder.downloads / HASHES["sha256"]
    path.write_bytes(DATA[:-1] + b"\0")
    assert fetched(folder, honest) == DATA


def test_a_disk_that_gets_full_says_so(folder: UpdatesFolder) -> None:
    folder.downloads.mkdir(parents=True)
    draft = folder.downloads / f"{HASHES['sha256']}.part"
    draft.symlink_to("/dev/full")
    with pytest.raises(RefusedError, match="no room for the update: the disk is full"):
        fetched(folder, honest)
    draft.unlink()
    assert fetched(folder, honest) == DATA


def test_a_disk_that_gets_full_says_so_of_a_stick_too(
    folder: UpdatesFolder, tmp_path: Path
) -> None:
    targets = tmp_path / "stick" / "image" / "targets"
    targets.mkdir(parents=True)
    (targets / "brake.bin").write_bytes(DATA)
    stick = FolderSource(tmp_path / "stick", Places.of(MAP), mute=True)
    folder.downloads.mkdir(parents=True)
    draft = folder.downloads / f"{HASHES['sha256']}.part"
    draft.symlink_to("/dev/full")
    with pytest.raises(RefusedError, match="the disk is full"):
        download(folder, stick, WANTED, Limits(), nothing)
    draft.unlink()
    assert download(folder, stick, WANTED, Limits(), nothing).read(0, 9) == DATA[:9]


@pytest.mark.parametrize("kind", ["shorter", "longer", "other", "a folder", "a pipe", "endless"])
def test_what_lies_wrong_on_a_stick_is_refused(
    folder: UpdatesFolder, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "stick" / "image" / "targets" / "brake.bin"
    path.parent.mkdir(parents=True)
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes({"shorter": DATA[:-1], "longer": DATA + b"x", "other": DATA[::-1]}[kind])
    stick = FolderSource(tmp_path / "stick", Places.of(MAP), mute=True)
    with pytest.raises(RejectedError):
        download(folder, stick, WANTED, Limits(), nothing)


def test_a_disk_without_room_is_not_begun_on(
    folder: UpdatesFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates_fetch, "ROOM_BYTES", 1 << 60)
    with pytest.raises(RefusedError, match="no room for the update"):
        fetched(folder, honest)
    assert sum(path.stat().st_size for path in folder.downloads.iterdir()) == 0


def test_a_folder_that_cannot_be_written_says_so(folder: UpdatesFolder) -> None:
    folder.downloads.mkdir(parents=True)
    (folder.downloads / f"{HASHES['sha256']}.part").mkdir()
    with pytest.raises(RefusedError, match="cannot be stored"):
        fetched(folder, honest)


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_who_does_not_answer_a_post_is_no_reason_to_wait(name: str) -> None:
    with server(NO_ANSWERS[name]) as url:
        source = HttpSource(url, Places.of(MAP))
        with pytest.raises((LinkError, RefusedError, InputError)):
            source.tell(b"{}")


def test_a_time_that_is_none_leaves_the_clock_where_it_was(folder: UpdatesFolder) -> None:
    folder.path.mkdir(parents=True)
    joined = Joined(source="http://127.0.0.1:1", time_key="00" * 32)
    primary = EcuEntry(ecu_id="gateway", hardware_id="SIM-1", key="00" * 32, primary=True)
    inventory = Inventory(vehicle_id="CAR", ecus=(primary,))
    folder.join(joined, inventory, MAP, {"director": {}, "image": {}}, {})
    clock = SecureClock(attested_s=time.time(), attested_at_ns=time.monotonic_ns())
    folder.store_clock(updates_fetch.boot_id(), clock)
    before = updates_fetch.secure_now_s(folder)
    for answer in (once(part_of(b"{}", 0)), FLOODS["chunks without end"], NO_ANSWERS["rubbish"]):
        with server(answer) as url:
            assert hear_time(folder, source_of(url, MAP)) == b""
    assert before <= updates_fetch.secure_now_s(folder) < before + 60
