"""What every kind of flash device keeps; each kind's tests inherit it."""

import pytest

from volant.trust.flash import Flash, Geometry

RAW = Geometry(4 * 1024, 1024, 64)
MANAGED = Geometry(4 * 1024, 1024, 512, overwrites=True)


class KeepsTheRules:
    """Override `device`: an erased one of a geometry."""

    def device(self, geometry: Geometry) -> Flash:
        raise NotImplementedError

    @pytest.fixture
    def flash(self) -> Flash:
        return self.device(RAW)

    def test_a_new_device_is_erased(self, flash: Flash) -> None:
        assert flash.read(0, 4096) == b"\xff" * 4096
        assert flash.geometry == RAW

    def test_raw_flash_is_erased_before_it_is_written(self, flash: Flash) -> None:
        flash.write(64, b"x" * 64)
        with pytest.raises(ValueError, match="not erased"):
            flash.write(64, b"x" * 64)
        flash.erase(0, 1024)
        assert flash.read(60, 8) == b"\xff" * 8
        flash.write(64, b"y" * 64)
        flash.flush()
        assert flash.read(63, 66) == b"\xff" + b"y" * 64 + b"\xff"

    def test_managed_flash_is_written_over(self) -> None:
        flash = self.device(MANAGED)
        flash.write(512, b"x" * 512)
        flash.write(512, b"y" * 512)
        assert flash.read(512, 512) == b"y" * 512

    @pytest.mark.parametrize(
        ("offset", "length", "words"),
        [
            (1, 64, "in units of 64"),
            (0, 65, "in units of 64"),
            (4096, 64, "outside"),
            (-64, 64, "outside"),
        ],
    )
    def test_it_says_what_it_cannot_do(
        self, flash: Flash, offset: int, length: int, words: str
    ) -> None:
        with pytest.raises(ValueError, match=words):
            flash.write(offset, bytes(length))
        with pytest.raises(ValueError, match=r"in units of 1024|outside"):
            flash.erase(offset, length)
