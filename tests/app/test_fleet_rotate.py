"""`volant fleet uptane --rotate`: a ceremony with keys here and elsewhere, given up, and gone on with after a death."""

import json
from pathlib import Path
from typing import Any

import pytest

from volant.app import fleet_rotate
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_keys import FOLDER, FleetKeys
from volant.app.fleet_rotate import RotateWish, drop_command, publish_command, rotate_command
from volant.app.fleet_serve import lacking
from volant.app.fleet_uptane import uptane_command
from volant.app.repo_command import key_command, sign_command
from volant.core.errors import InputError, RefusedError


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    uptane_command(tmp_path / "fleet", ("director-root=3:2",), "ann", as_json=True)
    return tmp_path / "fleet"


def rotate(fleet: Path, name: str, *keys: str, public: tuple[Path, ...] = ()) -> None:
    rotate_command(fleet, RotateWish(name, keys, public), "ann", as_json=True)


def state(fleet: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    uptane_command(fleet, (), "ann", as_json=True)
    return said(capsys)


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The last answer."""
    out = capsys.readouterr().out
    found: dict[str, Any] = json.loads(out[max(out.rfind("\n{"), 0) :])
    return found


def names(fleet: Path) -> set[str]:
    return {one.name for one in (fleet / FOLDER).iterdir()}


def test_keys_that_are_here_rotate_at_once(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (fleet / FOLDER / "director-timestamp.pem").read_bytes()
    rotate(fleet, "director-timestamp", "director-timestamp=2:2")
    told = said(capsys)
    assert (told["key"], told["root"], told["in_force"]) == ("director-timestamp", 2, True)
    assert (fleet / FOLDER / "director-timestamp.pem.1.old").read_bytes() == before
    assert {one.stat().st_mode & 0o777 for one in (fleet / FOLDER).iterdir()} == {0o600}
    rotate(fleet, "director-timestamp")
    found = state(fleet, capsys)
    assert found["keys"]["director-timestamp"] == 2, "as many as before"
    assert found["roots"] == {"image": 1, "director": 3}
    assert found["lacks"] == []
    rotate(fleet, "director-root")
    assert state(fleet, capsys)["keys"]["director-root"] == 3


def test_root_keys_elsewhere_sign_a_draft_one_after_the_other(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    for one in (fleet / FOLDER).glob("director-root*"):
        one.rename(away / one.name)
    for one in ("ann", "bob"):
        key_command(away / f"{one}.pem", as_json=True)
    public = (away / "ann.pub.pem", away / "bob.pub.pem")
    rotate(fleet, "director-root", "director-root=2:2", public=public)
    told = said(capsys)
    assert (told["in_force"], told["lacks"]) == (False, {"old": 2, "new": 2})
    draft = Path(told["draft"])
    with pytest.raises(RefusedError, match="are being rotated: --publish director goes on"):
        rotate(fleet, "director-snapshot")
    for one in ("director-root", "director-root.3", "ann"):
        sign_command(tmp_path, draft, away / f"{one}.pem", as_json=True)
    capsys.readouterr()
    rotate(fleet, "director-root")
    assert said(capsys)["lacks"] == {"new": 1}
    sign_command(tmp_path, draft, away / "bob.pem", as_json=True)
    publish_command(fleet, "director", "ann", as_json=True)
    assert state(fleet, capsys)["roots"] == {"image": 1, "director": 2}
    with pytest.raises(InputError, match="no keys of the director are being rotated"):
        publish_command(fleet, "director", "ann", as_json=True)

    # A role of the server, whose new key is here: its root is signed elsewhere by the new keepers alone.
    rotate(fleet, "director-targets")
    draft = Path(said(capsys)["draft"])
    assert lacking_of(fleet) == [], "until then the old keys sign"
    for one in ("director-root", "director-root.2"):
        sign_command(tmp_path, draft, away / f"{one}.pem", as_json=True)
    publish_command(fleet, "director", "ann", as_json=True)
    assert "lacks" in state(fleet, capsys)
    for one in ("ann", "bob"):
        sign_command(tmp_path, draft, away / f"{one}.pem", as_json=True)
    publish_command(fleet, "director", "ann", as_json=True)
    assert state(fleet, capsys)["roots"] == {"image": 1, "director": 3}


def test_a_rotation_is_given_up_and_leaves_nothing(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet / FOLDER / "image-root.pem").rename(tmp_path / "image-root.pem")
    before = names(fleet)
    rotate(fleet, "image-snapshot")
    assert "image-snapshot.pem.new" in names(fleet)
    drop_command(fleet, "image", as_json=True)
    assert names(fleet) == before
    with pytest.raises(InputError, match="no keys of the image are being rotated"):
        drop_command(fleet, "image", as_json=True)
    assert state(fleet, capsys)["lacks"] == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", ["write_private", "take", "_tidy", "forget"])
@pytest.mark.parametrize("name", ["director-root", "image-timestamp", "director-targets"])
def test_a_death_at_any_step_leaves_a_fleet_that_works_and_goes_on(
    fleet: Path, step: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {
        "write_private": fleet_rotate.repo_keys, "take": fleet_rotate.rotating,
        "_tidy": fleet_rotate, "forget": fleet_rotate._Place,
    }  # fmt: skip
    deaths = 3 if step == "write_private" else 1
    for number in range(deaths):
        count = 0
        real = getattr(places[step], step)

        def dying(*words: object, real: object = real, number: int = number) -> object:
            nonlocal count
            count += 1
            if count > number:
                raise Killed
            return real(*words)  # type: ignore[operator]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(places[step], step, dying)
            with pytest.raises(Killed):
                rotate(fleet, name)
        assert state(fleet, capsys)["lacks"] == [], "whichever keys are in force are here"
    rotate(fleet, name)
    found = state(fleet, capsys)
    assert found["roots"][name.partition("-")[0]] == 2
    assert found["lacks"] == []
    assert not [one for one in names(fleet) if one.endswith(".new")]
    assert found["keys"][name] == (3 if name == "director-root" else 1)


def test_a_draft_that_somebody_else_was_faster_than_is_refused(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = tmp_path / "image-root.pem"
    (fleet / FOLDER / "image-root.pem").rename(away)
    rotate(fleet, "image-snapshot")
    (fleet / fleet_rotate.DRAFTS / "image").rename(tmp_path / "draft")
    away.rename(fleet / FOLDER / "image-root.pem")
    rotate(fleet, "image-timestamp")
    (fleet / fleet_rotate.DRAFTS / "image").rmdir()
    (tmp_path / "draft").rename(fleet / fleet_rotate.DRAFTS / "image")
    with pytest.raises(RefusedError, match="has another root 2 since: --drop image"):
        publish_command(fleet, "image", "ann", as_json=True)
    drop_command(fleet, "image", as_json=True)
    assert state(fleet, capsys)["lacks"] == []


def test_new_keys_copied_ahead_serve_from_the_moment_that_they_are_in_force(
    fleet: Path, tmp_path: Path
) -> None:
    """Another server has a folder of its own with the same database; here only its keys matter."""
    other = tmp_path / "other" / FOLDER
    other.mkdir(parents=True)
    for one in (fleet / FOLDER).iterdir():
        (other / one.name).write_bytes(one.read_bytes())
    rotate(fleet, "director-timestamp")
    with FleetFolder(fleet) as home, home.store.read() as work:
        stale = FleetKeys(tmp_path / "other")()
        assert stale is not None
        (why,) = stale.lacking(work)
        assert why.startswith("director-timestamp: the keys that version 2 of the director's root")
        new = (fleet / FOLDER / "director-timestamp.pem").read_bytes()
        (other / "director-timestamp.pem.new").write_bytes(new)
        found = FleetKeys(tmp_path / "other")()
        assert found is not None
        assert found.lacking(work) == []


@pytest.mark.parametrize(
    ("name", "keys", "why"),
    [
        ("time", (), "the key of the time cannot be rotated"),
        ("director", (), "expected one of director-root"),
        ("director-root", ("image-root=1:1",), "expected director-root=COUNT:NEEDED"),
        ("director-root", ("director-root=1:2",), "2 of 1 cannot sign"),
    ],
)  # fmt: skip
def test_what_cannot_be_rotated_is_told(
    fleet: Path, name: str, keys: tuple[str, ...], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        rotate(fleet, name, *keys)


def lacking_of(fleet: Path) -> list[str]:
    with FleetFolder(fleet) as home:
        return lacking(home)
