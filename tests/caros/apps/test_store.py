"""The apps on the disk: installed as a whole or not at all, never older, never from somebody else."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.caros.apps.packages import KEY, MAIN, OTHER_KEY, package
from volant.caros.apps.package import Package, open_package
from volant.caros.apps.store import STATE, TRUST, AppStore
from volant.core.errors import InputError, RefusedError, TrustError

APP = "org.example.app"


def store_in(folder: Path, step: Callable[[str], None] = lambda _: None) -> AppStore:
    store = AppStore(folder, step)
    store.change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
    return store


def test_what_is_installed_is_there(tmp_path: Path) -> None:
    store = store_in(tmp_path / "apps")
    row = store.install(package())
    assert (store.files(row) / "main.py").read_bytes() == MAIN
    assert store.manifest(row).version == "1.0.0"
    assert (row.signer_name, row.enabled) == ("tests", True)
    assert [one.id for one in AppStore(tmp_path / "apps").rows()] == [APP]


def test_a_later_version_takes_the_place_of_an_earlier(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first = store.install(package("1.0.0"))
    store.enable(APP, on=False)
    second = store.install(package("1.0.1"))
    assert not store.files(first).exists()
    assert (second.version, second.user, second.enabled) == ("1.0.1", first.user, False)


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    assert store.install(package()) == store.install(package())


def test_files_that_are_gone_are_laid_down_again(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    row = store.install(package())
    shutil.rmtree(store.files(row))
    store.install(package())
    assert store.manifest(row).id == APP


@pytest.mark.parametrize("removed", [False, True])
def test_an_older_version_is_refused_even_after_a_removal(tmp_path: Path, removed: bool) -> None:
    store = store_in(tmp_path)
    store.install(package("2.0.0"))
    if removed:
        store.remove(APP, kept_too=True)
    with pytest.raises(TrustError, match=r"1\.9\.9 is older than 2\.0\.0"):
        store.install(package("1.9.9"))
    assert store.install(package("2.0.0")).version == "2.0.0"


def test_other_content_under_the_same_version_is_refused(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.install(package())
    with pytest.raises(TrustError, match="other content"):
        store.install(package(main=b"print('other')"))


def test_an_update_needs_the_key_of_the_first(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.change_trust(lambda trust: trust.with_key(OTHER_KEY.public, "other"))
    store.install(package("1.0.0"))
    with pytest.raises(TrustError, match="signed by another key"):
        store.install(package("1.0.1", key=OTHER_KEY))


def test_who_is_not_trusted_installs_nothing(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    with pytest.raises(TrustError):
        store.install(package(key=OTHER_KEY))
    assert store.rows() == ()
    assert not (tmp_path / APP).exists()


def test_what_an_app_keeps_outlives_its_removal_unless_asked(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.install(package())
    store.kept(APP).mkdir()
    (store.kept(APP) / "diary").write_text("x")
    store.remove(APP)
    assert (store.kept(APP) / "diary").exists()
    with pytest.raises(InputError, match="no app"):
        store.remove(APP)
    store.install(package())
    store.remove(APP, kept_too=True)
    assert not store.kept(APP).exists()


def test_each_app_has_a_number_of_its_own(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    rows = [store.install(package(app=f"org.example.app{n}")) for n in range(4)]
    assert len({row.user for row in rows}) == 4


def test_there_is_room_for_so_many_apps(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    for number in range(32):
        store.install(package(app=f"org.example.app{number}"))
    with pytest.raises(RefusedError, match="no room"):
        store.install(package(app="org.example.more"))


@pytest.mark.parametrize("data", [b"{", b"\xff", b'{"apps": [{"id": "x"}]}', b"[" * 100_000])
def test_a_broken_list_is_told(tmp_path: Path, data: bytes) -> None:
    store = store_in(tmp_path)
    (tmp_path / STATE).write_bytes(data)
    with pytest.raises(InputError, match="broken"):
        store.rows()
    (tmp_path / TRUST).write_bytes(b"{")
    with pytest.raises(InputError):
        store.trust()


def _steps(folder: Path, update: Package) -> list[str]:
    """The steps of an update, by doing it once."""
    seen: list[str] = []
    store_in(folder).install(package("1.0.0"))
    AppStore(folder, seen.append).install(update)
    return seen


def test_kill_9_at_any_step_leaves_the_old_or_the_new_version(tmp_path: Path) -> None:
    files = {"data/a.txt": b"a", "data/deep/b.txt": b"b"}
    from tests.caros.apps.packages import package_bytes

    update = open_package(package_bytes("1.0.1", b"print(2)", KEY, files))
    steps = _steps(tmp_path / "whole", update)
    assert len(steps) >= 9
    for number, name in enumerate(steps):
        folder = tmp_path / f"killed-{number}"
        store_in(folder).install(package("1.0.0"))
        pid = os.fork()
        if pid == 0:
            left = [number]

            def die(_: str, left: list[int] = left) -> None:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

            try:
                AppStore(folder, die).install(update)
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL, name
        store = AppStore(folder)
        row = store.row(APP)
        whole = {"1.0.0": MAIN, "1.0.1": b"print(2)"}
        assert (store.files(row) / "main.py").read_bytes() == whole[row.version or ""]
        assert store.manifest(row).version == row.version
        after = store.install(update)  # and the next one finds nothing in its way
        assert (store.files(after) / "data/deep/b.txt").read_bytes() == b"b"
        left_over = {path.name for path in (folder / APP).iterdir()}
        assert left_over == {after.folder}, name
