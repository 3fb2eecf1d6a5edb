"""`volant range --route`: what it answers to people and programs, and how it refuses what is wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.app.straight_road import write_straight
from volant.app import route_command
from volant.app.chargers import load_posts
from volant.app.cli import app
from volant.app.exits import Exit
from volant.caros.energy import learn
from volant.caros.energy.facts import facts_of
from volant.core.errors import InputError
from volant.core.settings import find_data
from volant.road import load_graph
from volant.vehicle import load_spec

HEADING = "distance_m,height_m,limit_kmh,charger_kw,charger\n"
LONG = HEADING + "".join(
    f"{km * 1000},{100 + km % 7},110,{'150,Inn ' + str(km) if km % 120 == 60 else ','}\n"
    for km in range(0, 401, 4)
)


def run(*words: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    done = CliRunner().invoke(app, ["range", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def long(tmp_path: Path) -> str:
    file = tmp_path / "long.csv"
    file.write_text(LONG)
    return str(file)


def test_a_long_route_is_told_with_its_stops(long: str) -> None:
    status, out, _ = run("--route", long)
    assert status == Exit.DONE
    assert "long" in out
    assert "400.0 km" in out
    assert "Charge stops" in out
    assert "Inn " in out


def test_json_and_picture(long: str, tmp_path: Path) -> None:
    picture = tmp_path / "long.png"
    status, out, _ = run("--route", long, "--json", "--plot", str(picture), "--charge", "90")
    assert status == Exit.DONE
    told = json.loads(out)
    assert told["reaches"]
    assert told["charge_pct"] == 90.0
    assert told["stops"]
    assert told["stops"][0]["arrive_pct"] >= told["reserve_pct"] - 0.01
    assert told["total_min"] == pytest.approx(told["drive_min"] + told["stopped_min"])
    assert told["points"][-1]["at_km"] == pytest.approx(400.0)
    assert told["points"][-1]["time_min"] == pytest.approx(told["total_min"], rel=1e-6)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_cold_and_reserve_cost_more(long: str) -> None:
    usual, cold, careful = (
        json.loads(run("--route", long, "--json", *words)[1])
        for words in ((), ("--temperature", "-10"), ("--reserve", "25"))
    )
    assert cold["energy_kwh"] > 1.1 * usual["energy_kwh"]
    assert careful["arrival_pct"] >= 24.9
    assert careful["total_min"] > usual["total_min"]


def test_out_of_reach_is_an_answer_with_its_status(tmp_path: Path) -> None:
    file = tmp_path / "dry.csv"
    file.write_text("distance_m,height_m,limit_kmh\n0,0,120\n700000,0,120\n")
    status, out, _ = run("--route", str(file))
    assert status == Exit.NOT_ARRIVED
    assert "out of reach" in out
    assert "% are missing" in out


def test_a_track_without_heights_is_said_to_be_taken_as_flat(tmp_path: Path) -> None:
    file = tmp_path / "bare.gpx"
    points = "".join(f'<trkpt lat="{0.1 * i:.1f}" lon="0"/>' for i in range(4))
    file.write_text(f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>")
    assert "the file has no heights, the way is taken as flat" in run("--route", str(file))[1]
    assert not json.loads(run("--route", str(file), "--json")[1])["heights_known"]


def test_no_height_is_minus_nothing(tmp_path: Path) -> None:
    file = tmp_path / "way.csv"
    file.write_text("distance_m,height_m,limit_kmh\n0,100,80\n9000,99.9,80\n9100,99.9,80\n")
    assert "0 m up, 0 m down, +0 % at the steepest" in run("--route", str(file))[1]
    file.write_text("distance_m,height_m,limit_kmh\n0,100,80\n9000,100,80\n")
    assert "0 m up, 0 m down, +0 % at the steepest" in run("--route", str(file))[1]


def test_a_place_of_a_road_of_ones_own_with_a_charger(tmp_path: Path) -> None:
    road = write_straight(tmp_path / "own.xodr", 3000.0)
    chargers = tmp_path / "own.chargers.toml"
    chargers.write_text('[[charger]]\nplace = "1:0:-1@1000"\npower_kw = 50.0\n')
    words = ("--road", str(road), "--from", "1:0:-1@20", "--route", "1:0:-1@2500", "--json")
    status, out, _ = run(*words, "--charge", "4")
    told = json.loads(out)
    assert status == Exit.DONE
    assert told["distance_km"] == pytest.approx(2.48, abs=0.01)
    assert [one["name"] for one in told["stops"]] == ["1:0:-1@1000"]
    assert told["stops"][0]["at_km"] == pytest.approx(0.98, abs=0.03)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[charger]]\nplace = "1:0:-1@10"\npower_kw = 0.0\n', "chargers.toml:3"),
        ('[[charger]]\nplace = "1:0:-1@10"\npower_kw = 9.0\n\n[[charger]]\nplace = "x"\npower_kw = 9.0\n',
         "chargers.toml:6"),
        ("[[charger]]\nplace = ", "not TOML"),
        ('[[charger]]\nplace = "1:0:-1@10"\npower_kw = 9.0\nkind = 1\n', "kind"),
    ],
)  # fmt: skip
def test_a_wrong_file_of_chargers_is_refused(tmp_path: Path, text: str, words: str) -> None:
    road = write_straight(tmp_path / "own.xodr", 400.0)
    (tmp_path / "own.chargers.toml").write_text(text)
    with pytest.raises(InputError) as error:
        load_posts(road, load_graph(road))
    assert words in str(error.value)


def test_the_built_in_world_has_chargers() -> None:
    file = find_data("maps", "volant-world")
    names = {one.name for one in load_posts(file, load_graph(file))}
    assert names == {"Market car park", "Harbour", "Station car park"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--route", "nowhere-at-all"), "ends in .csv or .gpx"),
        (("--route", "gone.csv"), "cannot be read"),
        (("--route", "./gone"), "ends in .csv or .gpx"),
        (("--route", "{long}", "--from", "harbour"), "begins where it begins"),
        (("--route", "{long}", "--car", "nothing"), "no car named"),
        (("--route", "{long}", "--plot", "x.bmp"), "a picture ends in"),
        (("--route", "{long}", "--learned", "--state", "{folder}"), "nothing is learned yet"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    long: str, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    typed = [one.format(long=long, folder=tmp_path) for one in words]
    with pytest.raises(InputError) as error:
        run(*typed)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "words",
    [("--charge", "20"), ("--learned",), ("--from", "harbour"), ("--route", "x", "--cycle", "nedc"),
     ("--route", "x", "--charge", "120"), ("--route", "x", "--temperature", "-80")],
)  # fmt: skip
def test_options_that_do_not_go_together(words: tuple[str, ...]) -> None:
    assert run(*words)[0] == Exit.USAGE


def test_what_was_learned_counts(long: str, tmp_path: Path) -> None:
    facts = facts_of(load_spec(find_data("cars", "g3-520")))
    learned = learn.start(facts)
    heavy = type(learned)(
        **{name: getattr(learned, name) for name in learned.__struct_fields__}
        | {"factors": (1.3, *learned.factors[1:]), "driven_m": 50_000.0}
    )
    (tmp_path / route_command.LEARNED_FILE).write_bytes(learn.stored(heavy))
    plain = json.loads(run("--route", long, "--json")[1])
    told = json.loads(run("--route", long, "--json", "--learned", "--state", str(tmp_path))[1])
    assert told["learned_km"] == 50.0
    assert told["energy_kwh"] > plain["energy_kwh"]
    (tmp_path / route_command.LEARNED_FILE).write_bytes(b"{}")
    with pytest.raises(InputError, match=route_command.LEARNED_FILE):
        run("--route", long, "--learned", "--state", str(tmp_path))
