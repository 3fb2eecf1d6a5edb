"""A first start and a renewal are whole or not at all, wherever they are cut; joined units are never renewed."""

from pathlib import Path

import msgspec
import pytest

from tests.app.cut_disk import CutDisk, CutError, Files
from tests.app.test_unit_flash import CAR, file_of, image, program
from tests.vehicle.boot.director import Director
from volant.app import unit_flash
from volant.app.programs import tables_of
from volant.app.unit_flash import FOLDER, open_units, resize_unit
from volant.trust.flash import MemoryFlash
from volant.vehicle import CarSpec
from volant.vehicle.boot import Bootloader, Identity, Tables
from volant.vehicle.boot.calibration import HARDWARE, VERSION
from volant.vehicle.boot.device import GEOMETRY, bootloader, first_image
from volant.vehicle.ecus import ECUS

OLD, NEW = CAR.brakes.max_decel_mps2.value, 7.5


def of_facts(decel_mps2: float) -> CarSpec:
    figure = msgspec.structs.replace(CAR.brakes.max_decel_mps2, value=decel_mps2)
    brakes = msgspec.structs.replace(CAR.brakes, max_decel_mps2=figure)
    return msgspec.structs.replace(CAR, brakes=brakes)


def decel(boot: Bootloader) -> object:
    return None if boot.running is None else boot.running.image.tables.calibration["max_decel_mps2"]


def started(state: Path, facts: CarSpec = CAR) -> object:
    """By what the brakes run after a start with these facts."""
    with open_units(state, facts) as boots:
        return decel(boots["brake"])


def files_in(state: Path) -> Files:
    folder = state / FOLDER / CAR.name
    return {path.name: path.read_bytes() for path in folder.glob("*.flash")}


def put(state: Path, files: Files) -> Path:
    folder = state / FOLDER / CAR.name
    folder.mkdir(parents=True)
    for name, content in files.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return state


@pytest.fixture(autouse=True)
def _only_the_brakes(monkeypatch: pytest.MonkeyPatch) -> None:
    brakes = tuple(spec for spec in ECUS if spec.name == "brake")
    monkeypatch.setattr(unit_flash, "ECUS", brakes)


@pytest.mark.parametrize("made", [False, True], ids=["first start", "changed facts"])
def test_a_unit_is_old_or_new_after_each_cut(tmp_path: Path, made: bool) -> None:
    before: Files = {}
    if made:
        assert started(tmp_path / "made") == OLD
        before = files_in(tmp_path / "made")
    sound = {OLD, NEW} if made else {NEW}
    cuts = states = 0
    while True:
        state = put(tmp_path / f"cut {cuts}", before)
        with pytest.MonkeyPatch.context() as patch:
            disk = CutDisk(patch)
            disk.cut_after(cuts + 1)
            try:
                assert started(state, of_facts(NEW)) == NEW
            except CutError:
                pass
            else:
                break
        cuts += 1
        for left in disk.states(state / FOLDER / CAR.name, before):
            after = put(tmp_path / f"left {states}", left)
            states += 1
            if "brake.flash" in left:
                content = left["brake.flash"]
                if content is not None:
                    boot = bootloader(MemoryFlash(GEOMETRY, content), Identity("brake", HARDWARE))
                    boot.boot()
                    assert decel(boot) in sound
            assert started(after, of_facts(NEW)) == NEW
    assert cuts >= 4
    assert states > cuts


def test_a_resized_unit_is_small_or_large_after_each_cut(tmp_path: Path) -> None:
    assert started(tmp_path / "made") == OLD
    before, cuts = files_in(tmp_path / "made"), 0
    while True:
        state = put(tmp_path / f"cut {cuts}", before)
        with pytest.MonkeyPatch.context() as patch:
            disk = CutDisk(patch)
            disk.cut_after(cuts + 1)
            try:
                resize_unit(state, CAR, "brake", 64 * 1024)
            except CutError:
                pass
            else:
                break
        cuts += 1
        for number, left in enumerate(disk.states(state / FOLDER / CAR.name, before)):
            assert started(put(tmp_path / f"left {cuts} {number}", left)) == OLD
    assert cuts >= 4


def test_a_joined_unit_keeps_its_program_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_units(tmp_path, CAR) as boots:
        trust = boots["brake"].trust
        assert trust is not None
        trust.join(Director().joining())
    before = file_of(tmp_path, "brake").read_bytes()
    capsys.readouterr()
    assert started(tmp_path) == OLD
    assert capsys.readouterr().err == ""
    assert started(tmp_path, of_facts(NEW)) == OLD
    assert "keep their programs though the facts of" in capsys.readouterr().err
    assert file_of(tmp_path, "brake").read_bytes() == before


@pytest.mark.parametrize("activated", [False, True])
def test_a_program_that_waits_is_not_lost_by_changed_facts(tmp_path: Path, activated: bool) -> None:
    with open_units(tmp_path, CAR) as boots:
        boot = boots["brake"]
        if activated:
            program(boot, image("brake", max_decel_mps2=4.0), confirm=False)
        else:
            data = image("brake", max_decel_mps2=4.0)
            assert boot.begin_erase()
            while not boot.erase_step():
                pass
            assert boot.begin(0, len(data))
            boot.write(data[:5000])
        at = boot.resumes_at
    with open_units(tmp_path, of_facts(NEW)) as boots:
        assert boots["brake"].resumes_at == at
        assert decel(boots["brake"]) == (4.0 if activated else OLD)


def test_a_unit_that_an_earlier_release_made_is_made_anew(tmp_path: Path) -> None:
    """What the factory put in has fewer values than the unit needs by now."""
    whole = tables_of("brake", CAR).calibration
    tables = Tables(calibration={name: whole[name] for name in list(whole)[:-1]})
    device = MemoryFlash(GEOMETRY)
    who = Identity("brake", HARDWARE)
    bootloader(device, who).provision(first_image(who, VERSION, tables))
    assert started(put(tmp_path, {"brake.flash": device.content})) == OLD
