"""What `volant repo` offers several units and cars, what it says of it, and what it hears back."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from tests.app.test_repo_command import Client, ask
from volant.app import repo_offer
from volant.app.cli import app
from volant.app.repo_folder import RepoFolder
from volant.core.errors import InputError, RefusedError, VolantError
from volant.trust.delta import apply_delta
from volant.trust.uptane import (
    Attack,
    Checker,
    EcuReport,
    Fetch,
    Installed,
    Limits,
    Plan,
    RejectedError,
    answer_from,
    check_full,
    delta_fetch,
    image_fetch,
    note_of,
    provision_full,
    sign_manifest,
    sign_report,
)
from volant.trust.uptane.metadata import TARGETS
from volant.vehicle.boot import Image, Tables, make_image
from volant.vehicle.boot.device import TRUST
from volant.vehicle.ecus import CarFacts

OLD = random.Random(1).randbytes(20_000)
NEW = OLD[:9_000] + b"softer" + OLD[9_000:]


class Car:
    """A car of a folder, with the factory's state; `get` is its network."""

    def __init__(self, repo: RepoFolder, get: Callable[[Fetch], bytes | None]) -> None:
        self.repo, self.get = repo, get
        self.inventory = repo.inventory()
        files = (repo.keeper("director").trusted_files(), repo.keeper("image").trusted_files())
        self.state = provision_full(*files, (repo.home / "map.json").read_bytes())
        self.installed: dict[str, Installed] = {}
        self.counter = 0

    def check(self) -> Plan:
        checker = Checker.of_car(self.inventory, self.installed.values())
        state = self.state
        steps = check_full(checker, state.director, state.image, time.time(), Limits())
        return answer_from(steps, self.get)

    def install(self) -> None:
        self.installed |= {one.ecu_id: one.as_installed() for one in self.check().assignments}

    def manifest(self, attack: Attack | None = None) -> bytes:
        self.counter += 1
        reports = {}
        for unit in self.inventory.ecus:
            report = EcuReport(
                ecu_id=unit.ecu_id,
                installed=self.installed.get(unit.ecu_id),
                time_s=1.0,
                counter=self.counter,
                attack=attack if unit.ecu_id == "brake" else None,
                attack_detail="too slow" if attack else "",
            )
            key = self.repo.key(self.repo.ecu_key(unit.ecu_id))
            assert key is not None
            reports[unit.ecu_id] = sign_report(report, key)
        primary = self.repo.key(self.repo.ecu_key("gateway"))
        assert primary is not None
        return sign_manifest(self.inventory.vehicle_id, "gateway", reports, primary)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    ask("init", str(path), "--vehicle", "CAR-A", "--car", "p7", "--app", "trip")
    (tmp_path / "brake-1.bin").write_bytes(OLD)
    (tmp_path / "brake-2.bin").write_bytes(NEW)
    (tmp_path / "drive-2.bin").write_bytes(b"drive two")
    return path


def served(client: Client, home: str = "") -> Callable[[Fetch], bytes | None]:
    def get(fetch: Fetch) -> bytes | None:
        kind = "targets" if fetch.role == "image" else "metadata"
        above = home if fetch.repository == "director" else ""
        reply = client.get(f"{above}/{fetch.repository}/{kind}/{fetch.name}")
        return reply.content if reply.status_code == 200 else None

    return get


def from_stick(out: Path) -> Callable[[Fetch], bytes | None]:
    def get(fetch: Fetch) -> bytes | None:
        kind = "targets" if fetch.role == "image" else "metadata"
        path = out / fetch.repository / kind / fetch.name
        return path.read_bytes() if path.is_file() else None

    return get


def refused(*words: str) -> VolantError:
    done = CliRunner().invoke(app, ["repo", *words])
    assert isinstance(done.exception, VolantError), done.output
    return done.exception


def offer(folder: Path, *words: str) -> Any:
    files = [word.replace("=", f"={folder.parent}/") for word in words if "=" in word]
    return ask("add", str(folder), *files, *(word for word in words if "=" not in word))


def test_the_units_of_a_volant_car_and_its_apps(folder: Path) -> None:
    inventory = RepoFolder(folder).inventory()
    assert inventory.primary.ecu_id == "gateway"
    kinds = {one.ecu_id: (one.hardware_id, one.partial) for one in inventory.ecus}
    assert kinds["brake"] == ("SIM-1", True)
    assert kinds["pilot"] == ("SIM-1", True)
    assert kinds["app.trip"] == ("APP", False)


def test_several_units_at_once_with_words_for_people(folder: Path) -> None:
    car = Car(RepoFolder(folder), served(Client(folder)))
    words = ("--title", "Softer stops", "--change", "Stops softer.", "--unusable", "The car")
    found = offer(folder, "brake=brake-2.bin", "drive=drive-2.bin", *words, "--takes", "90")
    assert found["offered"] == {"brake": "brake-2.bin", "drive": "drive-2.bin"}
    assert {one.ecu_id for one in car.check().assignments} == {"brake", "drive"}
    note = note_of(car.state.director.targets[TARGETS].signed)
    assert note is not None
    assert (note.title, note.changes, note.takes_s) == ("Softer stops", ("Stops softer.",), 90)
    offer(folder, "brake=brake-1.bin")
    car.check()
    assert note_of(car.state.director.targets[TARGETS].signed) is None, "it spoke of another offer"


def test_more_than_a_control_unit_can_keep_is_not_offered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = Car(RepoFolder(folder), served(Client(folder)))
    offer(folder, "brake=brake-1.bin")
    with monkeypatch.context() as patch:
        patch.setattr(repo_offer, "FRAME_BYTES", TRUST.metadata_bytes - 1000)
        told = refused("add", str(folder), f"drive={folder.parent / 'drive-2.bin'}")
    assert isinstance(told, InputError)
    assert f"of which a unit keeps {TRUST.metadata_bytes}: offer fewer" in str(told)
    assert {one.ecu_id for one in car.check().assignments} == {"brake"}


def test_a_delta_is_made_from_what_the_car_was_heard_to_run(folder: Path) -> None:
    client = Client(folder)
    car = Car(RepoFolder(folder), served(client))
    offer(folder, "brake=brake-1.bin")
    car.install()
    assert client.post("/director/manifest", car.manifest()).status_code == 200
    offer(folder, "brake=brake-2.bin")
    (one,) = car.check().assignments
    (delta,) = one.deltas
    assert delta.base == car.installed["brake"].hashes
    assert delta.length < one.length / 10
    data = car.get(delta_fetch(delta))
    assert data is not None
    assert apply_delta(OLD, data) == NEW
    assert car.get(image_fetch(one)) == NEW


def test_a_unit_may_call_its_program_otherwise_and_lie_about_it(folder: Path) -> None:
    client = Client(folder)
    car = Car(RepoFolder(folder), served(client))
    offer(folder, "brake=brake-1.bin", "drive=drive-2.bin")
    car.install()
    brake, drive = car.installed["brake"], car.installed["drive"]
    car.installed["brake"] = msgspec.structs.replace(brake, name="made in the factory")
    car.installed["drive"] = msgspec.structs.replace(drive, hashes={"sha256": "../*"})
    assert client.post("/director/manifest", car.manifest()).status_code == 200
    offer(folder, "brake=brake-2.bin", "drive=drive-2.bin")
    plan = {one.ecu_id: one for one in car.check().assignments}
    assert len(plan["brake"].deltas) == 1
    assert plan["drive"].deltas == ()


def test_no_delta_where_it_is_no_shorter_or_not_wanted(folder: Path) -> None:
    (folder.parent / "noise.bin").write_bytes(random.Random(2).randbytes(20_000))
    car = Car(RepoFolder(folder), served(Client(folder)))
    noise, old = str(folder.parent / "noise.bin"), str(folder.parent / "brake-1.bin")
    offer(folder, "brake=brake-2.bin", "--base", noise)
    assert car.check().assignments[0].deltas == ()
    offer(folder, "brake=brake-2.bin", "--base", old, "--segment", "0")
    assert car.check().assignments[0].deltas == ()
    offer(folder, "brake=brake-2.bin", "--base", old, "--base", old)
    assert len(car.check().assignments[0].deltas) == 1


def test_withdrawn_offers_and_images(folder: Path) -> None:
    car = Car(RepoFolder(folder), served(Client(folder)))
    offer(folder, "brake=brake-2.bin", "drive=drive-2.bin", "--title", "Two")
    ask("withdraw", str(folder), "--ecu", "drive")
    assert [one.ecu_id for one in car.check().assignments] == ["brake"]
    found = ask("withdraw", str(folder), "--image", "brake-2.bin")
    assert found["offered"] == {}
    assert car.check().is_empty
    assert note_of(car.state.director.targets[TARGETS].signed) is None
    assert isinstance(refused("withdraw", str(folder), "--ecu", "wing"), InputError)
    assert isinstance(refused("withdraw", str(folder), "--image", "brake-2.bin"), InputError)
    offer(folder, "brake=brake-1.bin", "drive=drive-2.bin")
    assert ask("withdraw", str(folder))["offered"] == {}


def test_status_says_what_runs_and_which_attack_was_noticed(folder: Path) -> None:
    client = Client(folder)
    car = Car(RepoFolder(folder), served(client))
    offer(folder, "brake=brake-1.bin", "drive=drive-2.bin", "--title", "One")
    car.install()
    client.post("/director/manifest", car.manifest(Attack.SLOW))
    offer(folder, "drive=drive-2.bin", "brake=brake-2.bin", "--title", "Two")
    found = ask("status", str(folder))
    (one,) = found["cars"]
    assert (one["vehicle"], one["note"]["title"]) == ("CAR-A", "Two")
    units = {unit["ecu_id"]: unit for unit in one["units"]}
    assert units["brake"]["runs"] == "brake-1.bin"
    assert (units["brake"]["offered"], units["brake"]["has_it"]) == ("brake-2.bin", False)
    assert (units["brake"]["attack"], units["brake"]["attack_detail"]) == (Attack.SLOW, "too slow")
    assert units["drive"]["has_it"]
    assert units["steer"]["runs"] is None
    shown = CliRunner().invoke(app, ["repo", "status", str(folder)]).output
    assert "Two" in shown
    assert Attack.SLOW in shown


def test_a_bundle_updates_a_car_without_a_network(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "stick"
    car = Car(RepoFolder(folder), from_stick(out))
    old = str(folder.parent / "brake-1.bin")
    for _ in range(2):
        offer(folder, "brake=brake-2.bin", "--base", old, "--title", "Softer stops")
        ask("rotate", str(folder), "director", "timestamp")
        found = ask("bundle", str(folder), str(out))
    assert (found["title"], found["images"], found["deltas"]) == ("Softer stops", 1, 1)
    (one,) = car.check().assignments
    assert car.get(image_fetch(one)) == NEW
    assert car.get(delta_fetch(one.deltas[0])) is not None
    names = {path.name for path in out.rglob("*") if path.is_file()}
    assert not {name for name in names if "pem" in name or "inventory" in name or "heard" in name}
    assert isinstance(refused("bundle", str(folder), str(folder.parent)), RefusedError)


def test_two_cars_of_a_folder_have_directors_of_their_own(folder: Path, tmp_path: Path) -> None:
    ask("car", "add", str(folder), "--vehicle", "CAR-B", "--car", "p7")
    client = Client(folder)
    first, second = RepoFolder(folder), RepoFolder(folder).of_car("CAR-B")
    cars = Car(first, served(client)), Car(second, served(client, "/cars/CAR-B"))
    offer(folder, "brake=brake-1.bin")
    for car in cars:
        car.install()
        assert set(car.installed) == {"brake"}
    reply = client.post("/cars/CAR-B/director/manifest", cars[1].manifest())
    assert reply.status_code == 200, reply.text
    assert client.post("/director/manifest", cars[1].manifest()).status_code == 403
    offer(folder, "brake=brake-2.bin", "--vehicle", "CAR-B")
    assert cars[0].check().is_empty
    (one,) = cars[1].check().assignments
    assert len(one.deltas) == 1
    offer(folder, "brake=brake-2.bin", "--vehicle", "CAR-B")  # a version that car A has not seen
    cars[0].get = cars[1].get
    held = dict(cars[0].state.director.files)
    with pytest.raises(RejectedError, match="timestamp: the file of another car: CAR-B"):
        cars[0].check()
    assert cars[0].state.director.files == held
    cars[0].get = served(client)
    offer(folder, "brake=brake-2.bin", "--vehicle", "CAR-A")
    assert len(cars[0].check().assignments) == 1, "its own offer is taken, whatever it was shown"
    for repository, role in (("director", "root"), ("director", "targets"), ("image", "targets")):
        ask("rotate", str(folder), repository, role)
    offer(folder, "brake=brake-2.bin")
    assert [len(car.check().assignments) for car in cars] == [1, 1]
    roots = {(one.metadata("director") / "3.root.json").read_bytes() for one in (first, second)}
    assert len(roots) == 1
    assert isinstance(
        refused("car", "add", str(folder), "--vehicle", "CAR-B", "--car", "p7"), RefusedError
    )
    assert isinstance(
        refused("bundle", str(folder), str(tmp_path / "x"), "--vehicle", "C"), InputError
    )


def test_an_image_has_one_counter_in_all_cars(folder: Path) -> None:
    ask("car", "add", str(folder), "--vehicle", "CAR-B", "--car", "p7")
    client = Client(folder)
    car = Car(RepoFolder(folder), served(client))
    offer(folder, "brake=brake-1.bin", "--vehicle", "CAR-A")
    offer(folder, "drive=brake-1.bin", "--vehicle", "CAR-B", "--counter", "7")
    (one,) = car.check().assignments
    assert one.release_counter == 7
    (folder.parent / "brake-1.bin").write_bytes(b"other")
    words = ("add", str(folder), f"drive={folder.parent}/brake-1.bin", "--vehicle", "CAR-B")
    assert "choose a --name" in str(refused(*words))


@pytest.mark.parametrize(
    "words",
    [
        ("{at}/brake-1.bin",),
        ("brake={at}/brake-1.bin", "brake={at}/brake-2.bin"),
        ("brake={at}/brake-1.bin", "drive={at}/brake-2.bin", "--name", "x"),
        ("wing={at}/brake-1.bin",),
        ("brake={at}/brake-1.bin", "--vehicle", "CAR-C"),
        ("brake={at}/brake-1.bin", "--role", "nobody"),
        ("brake={at}/brake-1.bin", "--change", "no title"),
        ("brake={at}/brake-1.bin", "--title", ""),
        ("brake={at}/brake-1.bin", "--title", "two\nlines"),
        ("brake={at}/brake-1.bin", "--title", "x" * 161),
        ("brake={at}/brake-1.bin", "--base", "{at}/none"),
    ],
)
def test_what_cannot_be_offered_changes_nothing(folder: Path, words: tuple[str, ...]) -> None:
    before = json.dumps(ask("status", str(folder)))
    refused("add", str(folder), *(word.format(at=folder.parent) for word in words))
    assert json.dumps(ask("status", str(folder))) == before


@pytest.mark.parametrize(
    ("unit", "hardware", "words"),
    [
        ("drive", "SIM-1", "a program for drive on SIM-1, not for brake"),
        ("brake", "SIM-2", "a program for brake on SIM-2, not for brake on SIM-1"),
    ],
)
def test_a_program_of_another_unit_is_not_offered(
    folder: Path, unit: str, hardware: str, words: str
) -> None:
    image = Image(unit=unit, hardware=hardware, version="1", release=1, tables=Tables())
    file = folder.parent / "calm.img"
    file.write_bytes(make_image(image))
    assert words in str(refused("add", str(folder), f"brake={file}"))
    file.write_bytes(file.read_bytes()[:-1])
    assert "no image" in str(refused("add", str(folder), f"brake={file}"))
    assert not list((folder / "image" / "targets").rglob("*calm.img"))


def test_a_bundle_that_cannot_be_written_is_said(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert "not a folder" in str(refused("bundle", str(folder), str(file)))
    assert "cannot be written" in str(refused("bundle", str(folder), str(file / "below")))


def test_a_port_that_is_taken_is_said(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "Address already in use" in str(refused("serve", str(folder), "--port", port))


def test_a_car_joins_only_what_is_of_its_model(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["ota", "join", str(folder), "--car", "g3-520", "--state", str(tmp_path / "s")]
    )
    assert "CAR-A" in str(done.exception)
    assert "is a p7, not a g3-520: --car p7" in str(done.exception)
    assert not (tmp_path / "s").exists()


def test_a_volant_car_without_an_id_is_the_simulated_one(tmp_path: Path) -> None:
    assert ask("init", str(tmp_path / "repo"), "--car", "p7")["vehicle"] == CarFacts().vin
    said = refused("init", str(tmp_path / "other"), "--ecu", "gateway=gw-a")
    assert "--vehicle" in str(said)


def test_words_that_would_leave_the_folder_are_refused(tmp_path: Path) -> None:
    for words in (
        ("--vehicle", "../A", "--ecu", "a=b"),
        ("--vehicle", "A", "--ecu", "../a=b"),
        ("--vehicle", "A", "--car", "p7", "--app", "a/b"),
        ("--vehicle", "A"),
        ("--vehicle", "A", "--car", "no such car"),
        ("--vehicle", "A", "--car", "p7", "--keys", "image-root=2:3"),
        ("--vehicle", "A", "--car", "p7", "--keys", "root=2"),
        ("--vehicle", "A", "--car", "p7", "--keys", "image-root=99"),
    ):
        refused("init", str(tmp_path / "repo"), *words)
        assert not (tmp_path / "repo" / "inventory.json").exists()
