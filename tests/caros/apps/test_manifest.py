"""`app.toml`: what is sound is read, what is not is told with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.caros.apps.packages import manifest_text
from tests.house.source_tree import REPO
from volant.caros.apps.manifest import Manifest, manifest_from, read_manifest, version_order
from volant.core.errors import InputError


def read(text: str) -> Manifest:
    return manifest_from(text.encode())


def fault(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(text)
    return str(caught.value)


def test_a_manifest_says_what_an_app_may_do() -> None:
    found = read(
        manifest_text(signals='["read:Vehicle.Speed", "actuate:Vehicle.Cabin.HVAC"]', more="")
    )
    assert found.rights.may_read("Vehicle.Speed")
    assert found.rights.may_actuate("Vehicle.Cabin.HVAC.IsRecirculationActive")
    assert not found.rights.may_read("Vehicle.CurrentLocation.Latitude")
    assert not found.rights.may_actuate("Vehicle.Speed")


def test_what_is_not_said_is_the_least() -> None:
    found = read('id = "a.b"\nname = "x"\nversion = "0.0.1"\nentry = "main.py"\n')
    assert found.scope == ""
    assert not found.rights.may_read("Vehicle.Speed")
    assert found.min_isolation == "full"
    assert found.while_moving == "nothing"
    assert found.budget.hosts == ()


@pytest.mark.parametrize(
    ("line", "change", "words"),
    [
        (5, ('["read:Vehicle.Speed"]', '["read:Vehicle.Speed", "fly:Vehicle"]'), "no scope"),
        (5, ('["read:Vehicle.Speed"]', '["read"]'), "no path"),
        (5, ('["read:Vehicle.Speed"]', '["create:Vehicle.New"]'), "adds no signals"),
        (5, ('["read:Vehicle.Speed"]', '["read:Vehicle.Speed read:Vehicle"]'), "not one right"),
        (5, ('["read:Vehicle.Speed"]', '["provide:data"]'), "no path"),
        (3, ('"1.0.0"', '"1.0"'), "version"),
        (3, ('"1.0.0"', '"1.0.00"'), "version"),
        (1, ('"org.example.app"', '"../evil"'), "id"),
        (1, ('"org.example.app"', '"App"'), "id"),
        (4, ('"main.py"', '"main.sh"'), "no Python file"),
        (2, ('"App"', '"A\\u0007pp"'), "name"),
        (8, ("[budget]\n", "[budget]\ncpu_pct = 0\n"), "cpu_pct"),
        (8, ("[budget]\n", '[budget]\nhosts = ["example.org"]\n'), "no name:port"),
        (8, ("[budget]\n", '[budget]\nhosts = ["*.org:443"]\n'), "no name:port"),
        (8, ("[budget]\n", '[budget]\nhosts = ["a.org:65536"]\n'), "no name:port"),
        (8, ("[budget]\n", "[budget]\nwings = 2\n"), "wings"),
        (6, ("\n\n[budget]", '\nmin_isolation = "some"\n[budget]'), "some"),
        (6, ("\n\n[budget]", "\nstates = []\n[budget]"), "states"),
        (6, ("\n\n[budget]", "\nthis is not TOML\n[budget]"), "not TOML"),
    ],
)
def test_a_fault_is_told_with_its_line(line: int, change: tuple[str, str], words: str) -> None:
    text = manifest_text()
    assert change[0] in text
    said = fault(text.replace(*change, 1))
    assert words in said
    assert said.startswith(f"app.toml:{line}: ")


def test_a_right_twice_is_a_mistake() -> None:
    said = fault(manifest_text(signals='[\n"read:Vehicle.Speed",\n"read:Vehicle.Speed"]'))
    assert "twice" in said
    assert said.startswith("app.toml:6: ")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"x" * 70_000, b"a = " + b"[" * 60_000])
def test_what_is_no_text_or_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        manifest_from(data)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(tmp_path / "app.toml")


@pytest.mark.parametrize(
    "path", sorted((REPO / "apps").glob("*/app.toml")), ids=lambda p: p.parent.name
)
def test_what_ships_is_sound(path: Path) -> None:
    found = read_manifest(path.parent)
    assert found.entry or found.page
    assert (path.parent / (found.entry or "app.toml")).is_file()  # a page is built
    assert not any(scope.startswith("provide") for scope in found.signals)
    moved = [one for one in found.signals if one.startswith("actuate")]
    # What a person presses on a page; a program that ships moves nothing.
    comfort = ("actuate:Vehicle.Cabin.", "actuate:Vehicle.Powertrain.TractionBattery.Charging.")
    assert all(one.startswith(comfort) and found.page for one in moved)


@given(text=st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    said = "app.toml"
    try:
        read(manifest_text(more=text))
    except InputError as error:
        said = str(error)
    assert said.startswith("app.toml")


@given(
    one=st.tuples(*[st.integers(0, 999_999)] * 3), other=st.tuples(*[st.integers(0, 999_999)] * 3)
)
def test_versions_are_ordered_by_their_numbers(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    first, second = (".".join(map(str, version)) for version in (one, other))
    assert (version_order(first) < version_order(second)) == (one < other)
    assert read(manifest_text(version=first)).order == one


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('name = "x"', "an entry, a page or both"),
        ('page = "index.html"', "no HTML file in a folder of its own"),
        ('page = "page/index.js"', "no HTML file"),
        ('page = "page/i.html"\n[budget]\nhosts = ["a.example:443"]', "calls nobody"),
    ],
)
def test_a_page_is_an_html_file_of_a_folder_and_calls_nobody(lines: str, words: str) -> None:
    name = "" if lines.startswith("name") else 'name = "x"\n'
    with pytest.raises(InputError, match=words):
        manifest_from(f'id = "a.b"\nversion = "1.0.0"\n{name}{lines}\n'.encode())


def test_an_app_may_have_a_page_and_a_program() -> None:
    found = manifest_from(
        b'id = "a.b"\nname = "x"\nversion = "1.0.0"\nentry = "main.py"\npage = "p/i.html"\n'
        b'[budget]\nhosts = ["a.example:443"]\n'
    )
    assert (found.entry, found.page) == ("main.py", "p/i.html")
