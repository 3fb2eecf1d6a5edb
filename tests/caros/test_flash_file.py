"""Flash in a file: the rules of every device, and a unit that is programmed with kills in between."""

import os
import signal
from pathlib import Path

import pytest

from tests.trust.flash.kinds import RAW, KeepsTheRules
from tests.vehicle.boot.crashes import KINDS, Kind
from volant.caros.flash_file import FileFlash
from volant.core.errors import InputError
from volant.trust.flash import Geometry


class TestFileFlash(KeepsTheRules):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "flash"

    def device(self, geometry: Geometry) -> FileFlash:
        return FileFlash.create(self.path, geometry)

    def test_it_is_there_after_a_restart(self) -> None:
        with self.device(RAW) as flash:
            flash.write(0, b"x" * 64)
        assert [path.name for path in self.path.parent.iterdir()] == ["flash"]
        with FileFlash(self.path, RAW) as flash:
            assert flash.read(0, 64) == b"x" * 64

    def test_a_file_that_lacks_or_does_not_fit_is_told(self) -> None:
        with pytest.raises(InputError, match="No such file"):
            FileFlash(self.path, RAW)
        self.path.write_bytes(b"short")
        with pytest.raises(InputError, match="5 bytes, the device has 4096"):
            FileFlash(self.path, RAW)


class Dying(FileFlash):
    """Kills its process at the n-th call that changes the file."""

    left = 0

    def _put(self, offset: int, data: bytes) -> None:
        super()._put(offset, data[: len(data) // 2])
        self._count()
        super()._put(offset, data)

    def flush(self) -> None:
        self._count()
        super().flush()

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_process_killed_at_any_write_or_flush_leaves_a_unit_that_gets_on(
    tmp_path: Path, kind: Kind
) -> None:
    path = tmp_path / "flash"
    kills = 0
    while True:
        path.write_bytes(kind.delivered)
        child = os.fork()
        if child == 0:
            with Dying(path, kind.geometry) as flash:
                flash.left = kills + 1
                kind.program(flash)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        with FileFlash(path, kind.geometry) as flash:
            assert not kind.is_harmed(flash)
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        kills += 1
    assert kills > 20
