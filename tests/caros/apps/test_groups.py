"""Control groups: what is written where, for both versions; and a real one where this machine grants it."""

import os
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterator
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


@pytest.fixture
def real_2() -> Iterator[Path]:
    """A group of a real hierarchy of version 2, and a controller that it may hand down."""
    root = next((one for one in (groups.ROOT / "unified", groups.ROOT) if _is_2(one)), None)
    if root is None or os.geteuid() != 0:
        pytest.skip("no control groups of version 2 that we may write")
    control = root / "cgroup.subtree_control"
    if "hugetlb" not in (root / "cgroup.controllers").read_text().split():
        pytest.skip("hugetlb is not to be handed down here")
    before = control.read_text().split()
    folder = root / f"volant-{os.getpid()}-tests"
    try:
        control.write_text("+hugetlb")
        folder.mkdir()
    except OSError as error:
        pytest.skip(str(error))
    yield folder
    for path in (*folder.iterdir(), folder):
        if path.is_dir():
            groups.Group((path,)).remove()
    if "hugetlb" not in before:
        control.write_text("-hugetlb")


def _is_2(folder: Path) -> bool:
    return (folder / "cgroup.controllers").exists()


def forked(work: Callable[[], None]) -> int:
    """The status of a child that does this."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_real_group_of_version_2_hands_down_although_we_are_in_it(real_2: Path) -> None:
    """A kernel refuses that with EBUSY as long as we are; so we move."""

    def work() -> None:
        groups.Group((real_2,)).join()
        with pytest.raises(OSError, match="busy"):
            (real_2 / "cgroup.subtree_control").write_text("+hugetlb")
        groups.hand_down(real_2, ["hugetlb"])
        assert (real_2 / "cgroup.subtree_control").read_text().split() == ["hugetlb"]
        assert (real_2 / "cgroup.procs").read_text() == ""
        assert groups._own()[""] == real_2, "new groups lie beside the child that we moved into"
        app = real_2 / "volant-1-app"
        app.mkdir()
        assert "hugetlb" in (app / "cgroup.controllers").read_text()
        groups.Group((app,)).join()
        (real_2 / f"volant-{groups._top()}-car" / "cgroup.procs").write_text("0")
        app.rmdir()

    assert forked(work) == 0


def test_others_in_our_group_of_version_2_are_not_moved(real_2: Path) -> None:
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    (real_2 / "cgroup.procs").write_text(str(other.pid))

    def work() -> None:
        groups.Group((real_2,)).join()
        top = os.getpid()
        groups._top = lambda: top  # the child alone is a car
        with pytest.raises(RefusedError, match="others"):
            groups.hand_down(real_2, ["hugetlb"])
        assert str(other.pid) in (real_2 / "cgroup.procs").read_text().split()

    try:
        assert forked(work) == 0
    finally:
        other.kill()
        other.wait()
