"""Control groups: what is written where, for both versions; and a real one where this machine grants it."""

import os
import signal
from pathlib import Path

import pytest

from volant.caros.apps.isolation import groups
from volant.core.errors import RefusedError

MIB = 1 << 20


def version_2(folder: Path, controllers: str = "cpu memory pids") -> Path:
    folder.mkdir(parents=True)
    (folder / "cgroup.procs").touch()
    (folder / "cgroup.controllers").write_text(controllers)
    (folder / "cgroup.subtree_control").write_text("")
    return folder


def test_version_2_gets_bounds_for_all_processes_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = version_2(tmp_path / "own")
    monkeypatch.setattr(groups, "_own", lambda: {"": own})
    group = groups.make_group("app", 64 * MIB, 4, 25)
    (folder,) = group.folders
    assert folder.parent == own
    assert (own / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert (folder / "memory.max").read_text() == str(64 * MIB)
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == str(4 + groups.EXTRA_PROCESSES)
    assert (folder / "cpu.max").read_text() == "25000 100000"
    group.limit_cpu(10)
    assert (folder / "cpu.max").read_text() == "10000 100000"


@pytest.mark.parametrize("controllers", ["", "cpu io", "memory cpu"])
def test_a_group_without_memory_or_pids_is_none(
    controllers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = version_2(tmp_path / "own", controllers)
    monkeypatch.setattr(groups, "_own", lambda: {"": own})
    with pytest.raises(RefusedError, match="not mounted, or not handed to us"):
        groups.make_group("app", 64 * MIB, 4, 25)


def test_a_folder_that_we_may_not_write_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "_own", lambda: {"memory": tmp_path / "gone", "pids": tmp_path})
    with pytest.raises(RefusedError, match="cannot be made"):
        groups.make_group("app", 64 * MIB, 4, 25)


def test_a_real_group_ends_all_that_is_in_it() -> None:
    try:
        group = groups.make_group("test", 64 * MIB, 8, 100)
    except RefusedError as error:
        pytest.skip(str(error))
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            group.join()
            if os.fork() == 0:
                os.setsid()
            os.write(told, b"x")
            signal.pause()
        finally:
            os._exit(1)
    assert os.read(ready, 2)
    os.close(told)
    while len(group.pids) < 2:
        pass
    group.remove()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert not any(folder.exists() for folder in group.folders)
    os.close(ready)


def test_groups_of_hosts_that_are_gone_are_swept_away() -> None:
    try:
        group = groups.make_group("left", 64 * MIB, 8, 100)
    except RefusedError as error:
        pytest.skip(str(error))
    groups.sweep()
    assert all(folder.exists() for folder in group.folders), "ours stays"
    group.remove()
    gone = [folder.with_name("volant-4194305-left") for folder in group.folders]
    for folder in gone:
        folder.mkdir()
    groups.sweep()
    assert not any(folder.exists() for folder in gone)
