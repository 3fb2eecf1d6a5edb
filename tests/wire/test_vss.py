"""Catalogues of signals: patterns as KUKSA documents them, official releases, our own files, bad files."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data_folder import data_folder
from tests.house.source_tree import REPO
from volant.core.errors import InputError
from volant.wire.vss import Catalogue, Leaf, is_pattern, pattern_of, read_catalogue, read_catalogues

OURS = [
    REPO / "cars" / "signals" / f"{name}.toml"
    for name in ("vss", "pilot", "car", "charging", "outlook")
]
SUNROOF = "Vehicle.Cabin.Sunroof."
ROOF = [f"{SUNROOF}{end}" for end in ("Position", "Shade.Position", "Shade.Switch", "Switch")]
TREE = Catalogue(Leaf(path, "sensor", "uint8") for path in (*ROOF, "Vehicle.Speed"))


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", [*ROOF, "Vehicle.Speed"]),
        ("Vehicle", [*ROOF, "Vehicle.Speed"]),
        ("Vehicle.Speed", ["Vehicle.Speed"]),
        ("Vehicle.Cabin.Sunroof", ROOF),
        (SUNROOF + "**", ROOF),
        (SUNROOF + "*", [ROOF[0], ROOF[3]]),
        (SUNROOF + "*.Position", [ROOF[1]]),
        ("**.Sunroof.*.Position", [ROOF[1]]),
        ("*.*.*.*.Position", [ROOF[1]]),
        (SUNROOF + "**.Position", [ROOF[0], ROOF[1]]),
        ("**.Sunroof.**", ROOF),
        ("**.Sunroof", []),
        ("*.Sunroof", []),
        ("Sunroof", []),
        ("**.*.Shade.Position", [ROOF[1]]),
    ],
)
def test_patterns_cover_what_kuksa_documents(pattern: str, found: list[str]) -> None:
    """databroker, doc/wildcard_matching.md; the last row is its stated exception, which we support."""
    assert [leaf.path for leaf in TREE.expand(pattern)] == found


@pytest.mark.parametrize(
    "pattern",
    [
        "a b",
        "Vehicle..Speed",
        ".",
        "Vehicle.",
        "Veh*cle",
        "a:b",
        "x" * 1001,
        "**." * 6 + "x",
        "\x00",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    assert not is_pattern(pattern)
    with pytest.raises(ValueError, match="no pattern"):
        TREE.expand(pattern)


@given(st.text(alphabet="ab.*", max_size=30), st.text(alphabet="ab.", max_size=60))
@settings(max_examples=200)
def test_any_text_is_a_pattern_or_refused(pattern: str, path: str) -> None:
    if is_pattern(pattern):
        pattern_of(pattern).fullmatch(path)


def test_a_deep_pattern_on_a_deep_path_ends() -> None:
    path = ".".join(["a"] * 31)
    assert pattern_of("**.a.**.a.**.a.**.b").fullmatch(path) is None


def test_the_official_release_is_read_whole() -> None:
    release = read_catalogue(data_folder() / "vss" / "vss_release_6.0.json")
    assert len(release) == 1263
    assert sum(leaf.kind == "actuator" for leaf in release) == 643
    assert release.is_branch("Vehicle.Cabin.Door.Row1")
    assert [leaf.id for leaf in release] == list(range(1, 1264))


NARROWER = {("Vehicle.Powertrain.TractionBattery.Charging.ChargeLimit", "minimum"): (20, 0)}
"""Bounds of ours that are inside the release's: both, so that neither changes unseen."""


def test_our_signals_are_those_of_the_release() -> None:
    """Name, kind, type, unit, bounds and allowed values of each, by the official file."""
    release = read_catalogue(data_folder() / "vss" / "vss_release_6.0.json")
    for leaf in read_catalogue(OURS[0]):
        theirs = release.get(leaf.path)
        assert theirs is not None, leaf.path
        for name in ("kind", "datatype", "unit", "minimum", "maximum", "allowed"):
            found = getattr(leaf, name), getattr(theirs, name)
            if (leaf.path, name) in NARROWER:
                assert found == NARROWER[leaf.path, name]
            else:
                assert found[0] == found[1], (leaf.path, name)


def test_the_overlay_adds_to_the_release_without_contradiction() -> None:
    release = read_catalogue(data_folder() / "vss" / "vss_release_6.0.json")
    ours = read_catalogues(OURS)
    whole = ours.merged(release)
    assert len(whole) == 1263 + sum(len(read_catalogue(one)) for one in OURS[1:])
    assert all(leaf.path.startswith("Vehicle.ADAS.Pilot.") for leaf in read_catalogue(OURS[1]))
    assert [leaf.path for leaf in whole][: len(ours)] == [leaf.path for leaf in ours]


SPEED = '"Vehicle.Speed" = { kind = "sensor", type = "float"'


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (SPEED + ", min = 5.0, max = 1.0 }", "min 5.0 is above max 1.0"),
        (SPEED + ", allowed = [1.0, 1.0] }", "stands twice"),
        (SPEED + ', allowed = ["x"] }', "is no float"),
        (SPEED + ", unit = 3 }", "unit is no text"),
        (SPEED + ", colour = 1 }", "unknown key 'colour'"),
        (SPEED + ', change = "now" }', "'now' is none of"),
        ('"Vehicle.Speed" = { kind = "sensors", type = "float" }', "'sensors' is none of"),
        ('"Vehicle.Speed" = { kind = "sensor", type = "real" }', "is no type of VSS"),
        ('"Vehicle.Speed" = { kind = "sensor", type = "uint8", max = 300 }', "max 300 is no uint8"),
        ('"Vehicle.Speed" = { kind = "sensor", type = "string", min = 1 }', "string has no min"),
        ('"Vehicle.Speed" = { kind = "sensor", type = "uint8", default = -1 }', "default -1"),
        (
            '"Vehicle.Speed" = { kind = "sensor", type = "uint8", max = 5, default = 6 }',
            "default 6 is not allowed",
        ),
        ('"Vehicle.*" = { kind = "sensor", type = "uint8" }', "is no path"),
        ('"Vehicle.Speed" = 1', "expected a table"),
        ('"Vehicle" = { kind = "sensor", type = "uint8" }', "is a signal and a branch"),
    ],
)
def test_a_contradiction_is_told_with_file_line_and_path(
    tmp_path: Path, line: str, words: str
) -> None:
    file = tmp_path / "x.toml"
    file.write_text(f'[signals]\n"Vehicle.Width" = {{ kind = "sensor", type = "uint8" }}\n{line}\n')
    with pytest.raises(InputError, match=words) as told:
        read_catalogue(file)
    assert told.value.file == str(file)
    assert told.value.line in (2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "[]", "3", "{", '{"Vehicle": 3}', '{"Vehicle": {"type": "branch", "children": []}}',
        '{"Vehicle": {"type": "sensor"}}', '{"V": {"type": "sensor", "datatype": 3}}',
        '{"V": {"type": "sensor", "datatype": "uint8", "min": "low"}}',
        '{"V": {"type": "sensor", "datatype": "uint8", "allowed": {}}}',
        '{"V": {"type": "sensor", "datatype": "uint8", "default": {}}}',
        '{"V:": {"type": "sensor", "datatype": "uint8"}}', "[" * 100_000, '{"a":' * 5000,
    ],
)  # fmt: skip
def test_a_broken_release_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(InputError):
        read_catalogue(file)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "children", "datatype", "min", "max", "allowed", "a", "default"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=150)
def test_any_json_is_a_catalogue_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    file = tmp_path_factory.mktemp("vss") / "x.json"
    file.write_text(json.dumps({"Vehicle": value}))
    with contextlib.suppress(InputError):
        read_catalogue(file)


def test_a_catalogue_grows_and_changes_without_losing_numbers() -> None:
    tree = Catalogue(TREE)
    added = tree.add(Leaf("Vehicle.New", "actuator", "boolean"))
    assert tree.by_id(added.id) is tree.get("Vehicle.New")
    changed = tree.replace(Leaf("Vehicle.New", "actuator", "boolean", description="newer"))
    assert changed.id == added.id
    for wrong in (
        Leaf("Vehicle.New", "sensor", "boolean"),
        Leaf("Vehicle.Unknown", "sensor", "boolean"),
    ):
        with pytest.raises(InputError):
            tree.replace(wrong)
    with pytest.raises(InputError, match="signal and a branch"):
        tree.add(Leaf("Vehicle.New.Below", "sensor", "boolean"))
