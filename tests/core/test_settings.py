"""Where data is found, how TOML becomes a struct, and the driver's choices."""

from pathlib import Path

import msgspec
import pytest

from volant.core.errors import InputError, SettingsError
from volant.core.settings import (
    Choices,
    choices_from,
    find_data,
    known_names,
    load_toml,
    nearest,
    search_folders,
)


class Tyre(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    width_m: float
    grip: float = 1.0


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    tyre: Tyre


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    folder = tmp_path / "user"
    (folder / "cars").mkdir(parents=True)
    (folder / "cars" / "mine.toml").write_text("name = 'mine'\n")
    return folder


def test_a_given_path_wins_over_every_name(user: Path) -> None:
    assert find_data("cars", str(user / "cars" / "mine.toml")) == user / "cars" / "mine.toml"


def test_a_name_is_found_in_the_users_folder(user: Path) -> None:
    assert find_data("cars", "mine", user) == user / "cars" / "mine.toml"
    assert find_data("cars", "mine.toml", user) == user / "cars" / "mine.toml"
    assert "mine" in known_names("cars", user)


def test_the_working_folder_wins_over_the_users_folder(user: Path) -> None:
    here = Path.cwd() / "cars"
    here.mkdir()
    (here / "mine.toml").touch()
    assert find_data("cars", "mine", user) == here / "mine.toml"


def test_the_order_of_search_is_working_folder_then_user_then_package(user: Path) -> None:
    folders = search_folders("maps", user)
    assert folders[:2] == (Path.cwd() / "maps", user / "maps")
    assert len(folders) == 4


def test_an_unknown_name_gives_the_nearest_ones(user: Path) -> None:
    with pytest.raises(InputError, match=r"no car named 'mien'; nearest: .*mine"):
        find_data("cars", "mien", user)


def test_a_path_that_is_not_there_is_not_taken_for_a_name(user: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere/mine\.toml: no such file"):
        find_data("cars", "nowhere/mine.toml", user)


@pytest.mark.parametrize("name", ["mine.xml", "rnd.toml", "./bare", "bare", "sub/road.txt"])
def test_an_existing_file_is_taken_whatever_its_ending(user: Path, name: str) -> None:
    Path("sub").mkdir()
    Path(name).touch()
    assert find_data("maps", name, user) == Path(name)


def test_a_name_wins_over_a_file_without_ending(user: Path) -> None:
    Path("mine").touch()
    assert find_data("cars", "mine", user) == user / "cars" / "mine.toml"


@pytest.mark.parametrize("name", ["sub", "./sub", "sub/", "."])
def test_a_folder_is_not_taken_for_a_file(user: Path, name: str) -> None:
    Path("sub").mkdir()
    with pytest.raises(InputError, match=r"is a folder, expected a file"):
        find_data("cars", name, user)


def test_nearest_puts_the_best_first() -> None:
    assert nearest("g3-52", ["p7", "g3-400", "g3-520"])[0] == "g3-520"
    assert nearest("zzz", ["p7", "g3-400"]) == ()


def test_toml_becomes_a_struct(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("name = 'a'\n[tyre]\nwidth_m = 0.2\n")
    assert load_toml(file, Machine) == Machine("a", Tyre(0.2))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name = 'a'\n[tyre]\nwidth_m = 'wide'\n", 3, "float"),
        ("name = 'a'\n[tyre]\nwidth_m = 0.2\nwdth = 1\n", 4, "wdth"),
        ("name = 'a'\n[tyre]\ngrip = 1.0\n", 2, "width_m"),
        ("name = 'a'\nbroken\n", 2, "not TOML"),
    ],
)
def test_a_broken_toml_is_told_with_file_and_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        load_toml(file, Machine)
    assert (caught.value.file, caught.value.line) == (str(file), line)


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_toml(tmp_path / "none.toml", Machine)
    (tmp_path / "latin.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(InputError, match="cannot be read"):
        load_toml(tmp_path / "latin.toml", Machine)


def test_choices_have_defaults_and_refuse_what_is_out_of_range() -> None:
    assert choices_from({}) == Choices()
    assert choices_from({"set_speed_mps": 30.0}).set_speed_mps == 30.0
    for wrong in ({"set_speed_mps": 50.0}, {"time_gap_s": 0.5}, {"set_sped_mps": 30.0}):
        with pytest.raises(SettingsError, match="driver's choices"):
            choices_from(dict(wrong))
