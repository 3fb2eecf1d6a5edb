"""What `volant fleet publish --image` takes."""

from pathlib import Path

import pytest

from volant.app.fleet_images import image_of
from volant.core.errors import InputError


def test_words_of_an_image(tmp_path: Path) -> None:
    plain = tmp_path / "a.bin"
    plain.write_bytes(b"x")
    found = image_of(f"BR={plain}")
    assert (found.file, found.hardware, found.units) == (plain, "BR", ())
    found = image_of(f"APP/app.hello={plain}")
    assert (found.hardware, found.units) == ("APP", ("app.hello",))


@pytest.mark.parametrize("word", ["a.bin", "=a.bin", "BR=none.bin", "none.bin"])
def test_what_does_not_say_whom_it_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.bin").write_bytes(b"x")
    with pytest.raises(InputError):
        image_of(word)
