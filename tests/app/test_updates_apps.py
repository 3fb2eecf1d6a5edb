"""An app as a unit of an update: beside what runs, switched to, and back; after every death one or the other."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.caros.apps.packages import KEY, OTHER_KEY, package_bytes
from volant.app.updates_apps import AppUnit
from volant.app.updates_folder import UpdatesFolder
from volant.caros.apps.package import open_package
from volant.caros.apps.store import AppStore
from volant.core.errors import RefusedError
from volant.ota.ports import Artifact, Order
from volant.trust.uptane import Installed

APP = "org.example.app"
UNIT = f"app.{APP}"


def unit_in(folder: Path) -> AppUnit:
    store = AppStore(folder / "apps")
    store.change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
    return AppUnit(UNIT, UpdatesFolder(folder, "car"), store, lambda unit, _: unit.encode())


def order(data: bytes, name: str = "app.vpk") -> Order:
    digest = hashlib.sha256(data).hexdigest()
    target = Installed(ecu_id=UNIT, name=name, length=len(data), hashes={"sha256": digest})
    image = Artifact(name, len(data), digest, lambda at, length: data[at : at + length])
    return Order(target=target, image=image)


def take(unit: AppUnit, told: Order) -> None:
    unit.stage(told, lambda *_: None)
    unit.activate()
    unit.reset()


def test_a_new_app_comes_and_stays(tmp_path: Path) -> None:
    unit, told = unit_in(tmp_path), order(package_bytes("1.0.0"))
    assert unit.now().runs is None
    unit.stage(told, lambda *_: None)
    assert (unit.now().staged, unit.now().active, unit.now().runs) == (told.target, False, None)
    unit.activate()
    assert unit.now().active
    unit.reset()
    now = unit.now()
    assert (now.runs, now.version, now.staged, now.on_trial) == (told.target, "1.0.0", None, True)
    unit.confirm()
    assert not unit.now().on_trial
    assert unit.report() == UNIT.encode()


def test_a_new_app_goes_again(tmp_path: Path) -> None:
    unit = unit_in(tmp_path)
    take(unit, order(package_bytes("1.0.0")))
    unit.revert()
    unit.reset()
    assert (unit.now().runs, unit.now().on_trial) == (None, False)
    take(unit, order(package_bytes("1.0.0")))
    assert unit.now().version == "1.0.0"


def test_the_old_version_comes_back_with_its_files(tmp_path: Path) -> None:
    unit, old = unit_in(tmp_path), order(package_bytes("1.0.0"))
    take(unit, old)
    unit.confirm()
    take(unit, order(package_bytes("2.0.0")))
    assert unit.now().version == "2.0.0"
    unit.revert()
    assert (unit.now().runs, unit.now().on_trial) == (old.target, False)
    row = unit.store.row(APP)
    assert unit.store.manifest(row).version == "1.0.0"
    take(unit, order(package_bytes("2.0.0")))  # what went back may come again
    unit.confirm()
    assert unit.now().version == "2.0.0"


def test_what_waits_is_forgotten_when_it_is_reverted(tmp_path: Path) -> None:
    unit = unit_in(tmp_path)
    unit.stage(order(package_bytes("1.0.0")), lambda *_: None)
    unit.activate()
    unit.revert()
    unit.reset()
    assert (unit.now().runs, unit.now().staged) == (None, None)


def test_a_cut_between_the_switch_and_its_note_costs_nothing(tmp_path: Path) -> None:
    unit, told = unit_in(tmp_path), order(package_bytes("1.0.0"))
    unit.stage(told, lambda *_: None)
    unit.activate()
    waiting = (tmp_path / "updates/car/apps" / APP / "waiting.json").read_bytes()
    package = (tmp_path / "updates/car/apps" / APP / "package").read_bytes()
    unit.reset()
    home = tmp_path / "updates/car/apps" / APP
    (home / "waiting.json").write_bytes(waiting)
    (home / "package").write_bytes(package)
    again = unit_in(tmp_path)
    assert (again.now().runs, again.now().staged) == (told.target, None)
    again.reset()
    assert again.now().runs == told.target


def test_an_app_that_a_person_installed_is_nobodys_image(tmp_path: Path) -> None:
    unit = unit_in(tmp_path)
    unit.store.install(open_package(package_bytes("1.0.0")))
    now = unit.now()
    assert now.runs is not None
    assert now.runs.name == f"{APP}-1.0.0"
    assert now.runs.hashes == {"sha256": unit.store.row(APP).digest}


def test_what_the_store_would_not_take_is_refused_before_it_waits(tmp_path: Path) -> None:
    unit = unit_in(tmp_path)
    for data in (
        b"no package",
        package_bytes("1.0.0", key=OTHER_KEY),
        package_bytes("1.0.0", key=None),
        package_bytes("1.0.0", app="org.example.other"),
    ):
        with pytest.raises(RefusedError, match=UNIT):
            unit.stage(order(data), lambda *_: None)
    good = order(package_bytes("1.0.0"))
    assert good.image is not None
    rotten = Artifact("x", good.image.length, good.image.sha256, lambda _at, length: bytes(length))
    with pytest.raises(RefusedError, match="not what was downloaded"):
        unit.stage(Order(target=good.target, image=rotten), lambda *_: None)
    with pytest.raises(RefusedError, match="whole package"):
        unit.stage(Order(target=good.target, image=None), lambda *_: None)
    with pytest.raises(RefusedError, match="no package waits"):
        unit.activate()
    assert unit.now().staged is None
