"""Keys and roles of `volant repo`: thresholds, ceremonies, delegations; and a death at every step of a change of keys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app.test_repo_command import Client, ask
from tests.app.test_repo_offers import Car, offer, refused, served
from volant.app.repo_command import init_command
from volant.app.repo_folder import RepoFolder
from volant.app.repo_rotate import NewRole, rotate_command
from volant.core.errors import InputError, RefusedError
from volant.trust.uptane import RejectedError, TrustedRepository

CALLS = ("open", "write", "fsync", "replace", "unlink", "mkdir", "chmod")


class DeathError(BaseException):
    """The process ends here."""


@contextmanager
def dies_at(patch: pytest.MonkeyPatch, number: int) -> Iterator[list[str]]:
    """Ends the work within at the n-th call that changes files; yields the calls made."""
    made: list[str] = []

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*words: Any, **more: Any) -> Any:
            made.append(name)
            if len(made) == number:
                raise DeathError
            return call(*words, **more)

        return run

    with patch.context() as here:
        for name in CALLS:
            here.setattr(os, name, counted(name, getattr(os, name)))
        yield made


def make(tmp_path: Path, *words: str) -> Path:
    path = tmp_path / "repo"
    units = ("--ecu", "gateway=gw-a", "--ecu", "brake=brk-a", "--ecu", "drive=drv-a")
    ask("init", str(path), "--vehicle", "CAR-A", *units, *words)
    for name in ("brake-1.bin", "brake-2.bin", "drive-1.bin"):
        (tmp_path / name).write_bytes(name.encode() * 20)
    offer(path, "brake=brake-1.bin")
    return path


EVERY = pytest.mark.soak
SOME = 17
"""Steps from one death to the next where not every one is tried; no multiple of the calls that write one file."""


@pytest.mark.parametrize(
    ("repository", "role", "stride"),
    [
        ("director", "targets", SOME),
        pytest.param("director", "targets", 1, marks=EVERY),
        pytest.param("director", "root", 1, marks=EVERY),
        pytest.param("image", "timestamp", 1, marks=EVERY),
    ],
)
def test_a_death_at_any_step_of_a_change_of_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: str, role: str, stride: int
) -> None:
    """Wherever it dies: the next command goes on, and a car from before follows. Nobody puts a key back."""
    made = make(tmp_path)
    ask("car", "add", str(made), "--vehicle", "CAR-B", "--ecu", "gateway=gw-a")
    wish = NewRole(repository=repository, role=role)
    ends = set()
    number = 1
    while True:
        work = tmp_path / f"work-{number}"
        shutil.copytree(made, work)
        car = Car(RepoFolder(work), served(Client(work)))
        with dies_at(monkeypatch, number) as calls:
            try:
                rotate_command(work, wish, as_json=True)
                break
            except DeathError:
                pass
        ends.add(ask("sign", str(work))["versions"][repository]["root"])
        assert [one.name for one in car.check().assignments] == ["brake-1.bin"]
        assert not list(work.rglob("*.part"))
        shutil.rmtree(work)
        number += stride
    assert ends == {1, 2}, "the old keys or the new ones, and both were seen"
    assert number > len(calls) > 30


@pytest.mark.parametrize("stride", [SOME, pytest.param(1, marks=EVERY)])
def test_a_death_at_any_step_of_making_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    words: tuple[Any, ...] = ("CAR-A", ["gateway=a"], None, [], [])
    number = 1
    while True:
        path = tmp_path / f"work-{number}"
        with dies_at(monkeypatch, number) as calls:
            try:
                init_command(path, *words, as_json=True)
                break
            except DeathError:
                pass
        if not (path / "keys" / "pending.json").exists() and not (path / "inventory.json").exists():
            init_command(path, *words, as_json=True)
        assert ask("sign", str(path))["versions"]["director"]["root"] == 1
        number += stride
    assert number > len(calls) > 60


def test_one_command_at_a_time(tmp_path: Path) -> None:
    path = make(tmp_path)
    with RepoFolder(path).held():
        assert isinstance(refused("sign", str(path)), RefusedError)
    ask("sign", str(path))
    (path / "keys" / "pending.json").write_text("{}")
    assert isinstance(refused("sign", str(path)), InputError)


def test_two_of_three_keys_must_sign(tmp_path: Path) -> None:
    path = make(tmp_path, "--keys", "image-root=3:2", "--keys", "director-targets=2")
    car = Car(RepoFolder(path), served(Client(path)))
    keys = path / "keys"
    (keys / "image-root.2.pem").rename(tmp_path / "away.pem")
    ask("rotate", str(path), "image", "snapshot")
    assert car.check().assignments
    (keys / "image-root.pem").rename(tmp_path / "away-too.pem")
    error = refused("rotate", str(path), "image", "snapshot")
    assert "a car would refuse it" in str(error)
    shutil.move(tmp_path / "away.pem", keys / "image-root.2.pem")
    ask("rotate", str(path), "image", "targets", "--keys", "3", "--threshold", "2")
    assert car.check().assignments
    (keys / "director-targets.pem").unlink()
    assert isinstance(
        refused("add", str(path), str(tmp_path / "brake-2.bin"), "--ecu", "brake"), RefusedError
    )
    roles = {(one["repository"], one["role"]): one for one in ask("status", str(path))["roles"]}
    assert (roles["image", "root"]["keys"], roles["image", "root"]["needed"]) == (3, 2)
    assert (roles["director", "targets"]["needed"], roles["director", "targets"]["here"]) == (2, 1)


def test_a_ceremony_of_people_who_sign_elsewhere(tmp_path: Path) -> None:
    path = make(tmp_path)
    car = Car(RepoFolder(path), served(Client(path)))
    people = [tmp_path / f"{name}.pem" for name in ("ann", "bob", "cem")]
    for one in people:
        ask("key", str(one))
        assert one.stat().st_mode & 0o777 == 0o600
    assert isinstance(refused("key", str(people[0])), RefusedError)
    public = [word for one in people for word in ("--public", str(one.with_suffix(".pub.pem")))]
    words = ("rotate", str(path), "image", "root", *public, "--threshold", "2")
    assert isinstance(refused(*words), RefusedError), "their signatures lack"
    draft = ask(*words, "--draft")["draft"]
    assert ask("status", str(path))["drafts"] == ["image"]
    for one in people[:2]:
        assert isinstance(refused("publish", str(path), "image"), RefusedError)
        sign(path, draft, one)
    assert ask("publish", str(path), "image")["versions"]["image"]["root"] == 2
    assert car.check().assignments
    assert ask("status", str(path))["drafts"] == []
    assert not (path / "keys" / "image-root.pem").exists()
    assert "--draft" in str(refused("rotate", str(path), "image", "targets"))
    draft = ask("rotate", str(path), "image", "targets", "--draft")["draft"]
    before = RepoFolder(path).key("image-targets")
    for one in people[1:]:
        sign(path, draft, one)
    assert ask("publish", str(path), "image")["versions"]["image"]["root"] == 3
    assert RepoFolder(path).key("image-targets") != before
    offer(path, "drive=drive-1.bin")
    assert {one.ecu_id for one in car.check().assignments} == {"brake", "drive"}
    assert isinstance(refused("publish", str(path), "image"), InputError)


def sign(path: Path, draft: str, key: Path) -> None:
    from typer.testing import CliRunner

    from volant.app.cli import app

    words = ["repo", "sign", str(path), "--file", draft, "--key", str(key)]
    assert CliRunner().invoke(app, words).exit_code == 0


def test_a_supplier_signs_for_its_own_and_two_must_agree(tmp_path: Path) -> None:
    path = make(tmp_path)
    car = Car(RepoFolder(path), served(Client(path)))
    hardware = ("--hardware", "brk-a")
    two = ("--keys", "2", "--threshold", "2")
    ask("delegate", str(path), "brakes-inc", "--path", "brake-*", *hardware, *two)
    offer(path, "brake=brake-2.bin", "--role", "brakes-inc")
    assert [one.name for one in car.check().assignments] == ["brake-2.bin"]
    offer(path, "drive=drive-1.bin", "--role", "brakes-inc")
    with pytest.raises(RejectedError, match="nobody who may signs it"):
        car.check()
    ask("withdraw", str(path), "--ecu", "drive")
    ask("delegate", str(path), "lab", "--path", "brake-*", *hardware, "--terminating")
    roles = ("--role", "brakes-inc", "--role", "lab")
    ask("group", str(path), *roles, "--agree", "2", "--path", "brake-*", *hardware)
    with pytest.raises(RejectedError, match="nobody who may signs it"):
        car.check()
    offer(path, "brake=brake-2.bin", *roles)
    assert [one.name for one in car.check().assignments] == ["brake-2.bin"]
    (path / "keys" / "image-brakes-inc.2.pem").unlink()
    assert isinstance(
        refused("add", str(path), str(tmp_path / "brake-2.bin"), "--ecu", "brake", *roles),
        RefusedError,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("delegate", "{at}", "targets", "--hardware", "a"),
        ("delegate", "{at}", "a.b", "--hardware", "a"),
        ("delegate", "{at}", "../a", "--hardware", "a"),
        ("delegate", "{at}", "a", "--hardware", "a", "--threshold", "2"),
        ("group", "{at}", "--role", "a", "--role", "b", "--agree", "2", "--hardware", "a"),
        ("group", "{at}", "--role", "a", "--role", "a", "--agree", "2", "--hardware", "a"),
        ("rotate", "{at}", "image", "root", "--threshold", "2"),
        ("rotate", "{at}", "image", "root", "--public", "{at}/map.json"),
        ("rotate", "{at}", "image", "root", "--public", "{at}/none.pem"),
        ("rotate", "{at}", "image", "targets", "--public", "{at}/ann.pub.pem"),
        ("publish", "{at}", "image"),
        ("publish", "{at}", "nobody"),
        ("sign", "{at}", "--file", "{at}/none", "--key", "{at}/none"),
        ("status", "{at}/none"),
    ],
)
def test_what_is_wrong_is_one_error_of_the_tree(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = make(tmp_path)
    ask("key", str(path / "ann.pem"))
    refused(*(word.format(at=path) for word in words))
    ask("sign", str(path))


def test_a_second_delegation_of_a_name_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    ask("delegate", str(path), "lab", "--hardware", "brk-a")
    assert isinstance(refused("delegate", str(path), "lab", "--hardware", "brk-a"), RefusedError)


def test_a_root_of_its_own_signs_a_copy(tmp_path: Path) -> None:
    """Old keys are kept beside the new ones, each under a number of its own."""
    path = make(tmp_path)
    for _ in range(3):
        ask("rotate", str(path), "director", "root")
    old = sorted(one.name for one in (path / "keys").glob("director-root*.old"))
    assert old == [f"director-root.pem.{number}.old" for number in (1, 2, 3)]
    first = (path / "director" / "metadata" / "1.root.json").read_bytes()
    trusted = TrustedRepository("director", first)
    for version in (2, 3, 4):
        trusted.update_root((path / "director" / "metadata" / f"{version}.root.json").read_bytes())
