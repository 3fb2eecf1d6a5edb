"""`volant ecu flash` and `volant ecu image`, against the DoIP entity."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.caros.diagnostics.car import BRAKE, FACTS, LIVE, entity
from tests.house.source_tree import REPO
from volant.app.ecu_command import Door
from volant.app.ecu_flash import Changes, flash_command, info_command, make_command, resize_command
from volant.app.exits import Exit
from volant.app.programs import fits, tables_of
from volant.app.unit_flash import open_units
from volant.caros.diagnostics import Unit
from volant.core.errors import InputError, RefusedError
from volant.trust.flash import MemoryFlash
from volant.vehicle import load_spec
from volant.vehicle.boot import Bootloader, Identity
from volant.vehicle.boot.device import GEOMETRY, bootloader, first_image
from volant.vehicle.ecus import ECUS, server_config

CAR = load_spec(REPO / "cars" / "g3-520.toml")
WHO = Identity("brake", "SIM-1")
SPEC = next(spec for spec in ECUS if spec.name == "brake")


class Bench:
    """The brake unit behind a DoIP entity."""

    def __init__(self) -> None:
        self.flash = MemoryFlash(GEOMETRY)
        bootloader(self.flash, WHO, fits).provision(
            first_image(WHO, "factory", tables_of("brake", CAR))
        )
        self.boot = self.booted()
        config = server_config(
            SPEC,
            FACTS,
            live=lambda name: LIVE.get(name, float("nan")),
            seed=lambda: bytes(range(1, 17)),
            boot=self.boot,
        )
        self.served = entity({BRAKE: Unit(config)})

    def booted(self) -> Bootloader:
        boot = bootloader(self.flash, WHO, fits)
        boot.boot()
        return boot

    @property
    def door(self) -> Door:
        return Door("127.0.0.1", self.served.port, "0E00")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    with made.served:
        yield made


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Softer brakes."""
    path = tmp_path / "soft.img"
    changes = Changes(("brake_rate_nps=5000", "max_decel_mps2=4"))
    assert make_command("brake", path, changes, 2, "soft", "g3-520", as_json=True) is Exit.DONE
    capsys.readouterr()
    return path


def test_a_unit_is_programmed_and_confirmed(
    bench: Bench, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flash_command(bench.door, "brake", file, confirm=True, as_json=True) is Exit.DONE
    answer = told(capsys)
    assert (answer["version"], answer["release"], answer["resumed_at"]) == ("soft", 2, 0)
    assert answer["confirmed"]
    for _ in range(3):
        running = bench.booted().running
        assert running is not None
        assert running.image.tables.calibration["max_decel_mps2"] == 4.0


def test_it_goes_on_where_a_transfer_was_cut(
    bench: Bench, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = file.read_bytes()
    boot = bench.boot
    boot.begin_erase()
    while not boot.erase_step():
        pass
    boot.begin(0, len(data))
    boot.write(data)
    boot.finish()
    flash_command(bench.door, "1002", file, confirm=True, as_json=True)
    assert told(capsys)["resumed_at"] == len(data)


def test_another_images_rest_is_not_gone_on_with(
    bench: Bench, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = file.read_bytes()
    boot = bench.boot
    boot.begin_erase()
    while not boot.erase_step():
        pass
    boot.begin(0, len(data))
    boot.write(bytes(len(data)))
    boot.finish()
    flash_command(bench.door, "brake", file, confirm=True, as_json=False)
    said = capsys.readouterr()
    assert "erasing" in said.err
    assert "brake runs soft, release 2, confirmed" in said.out


def test_on_trial_it_is_gone_after_two_boots(bench: Bench, file: Path) -> None:
    flash_command(bench.door, "brake", file, confirm=False, as_json=True)
    seen = [bench.booted().running for _ in range(2)]
    assert [one.image.release if one else None for one in seen] == [2, 0]


def test_what_the_unit_refuses_is_said(
    bench: Bench, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flash_command(bench.door, "brake", file, confirm=True, as_json=True)
    older, needy = tmp_path / "older.img", tmp_path / "needy.img"
    make_command("brake", older, Changes(), 1, "", "g3-520", as_json=True)
    make_command("brake", needy, Changes(needs=("drive=9",)), 3, "", "g3-520", as_json=True)
    capsys.readouterr()
    with pytest.raises(RefusedError, match="release is lower"):
        flash_command(bench.door, "brake", older, confirm=True, as_json=True)
    with pytest.raises(RefusedError, match="later program of another unit"):
        flash_command(bench.door, "brake", needy, confirm=True, as_json=True)
    with pytest.raises(InputError, match="unit brake, not of drive"):
        flash_command(bench.door, "drive", file, confirm=True, as_json=True)
    running = bench.booted().running
    assert running is not None
    assert running.image.release == 2


def test_info_tells_what_an_image_holds_and_refuses_a_broken_one(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert info_command(file, as_json=True) is Exit.DONE
    answer = told(capsys)
    assert (answer["unit"], answer["version"], answer["release"]) == ("brake", "soft", 2)
    assert answer["calibration"]["brake_rate_nps"] == 5000.0
    assert not answer["signed"]
    info_command(file, as_json=False)
    assert "max_decel_mps2" in capsys.readouterr().out
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(InputError, match="another hash"):
        info_command(file, as_json=True)
    file.write_bytes(bytes((8 << 20) + 1))
    with pytest.raises(InputError, match="longer than"):
        info_command(file, as_json=True)
    with pytest.raises(InputError, match="No such file"):
        info_command(file.with_name("none"), as_json=True)


@pytest.mark.parametrize(
    ("unit", "changes", "words"),
    [
        ("wings", Changes(), "no unit"),
        ("brake", Changes(("wings=1",)), "names: "),
        ("brake", Changes(("max_decel_mps2",)), "name=value"),
        ("brake", Changes(("max_decel_mps2=hard",)), "expected a number"),
        ("brake", Changes(("max_decel_mps2=nan",)), "limits"),
        ("brake", Changes(("max_decel_mps2=99",)), "limits"),
        ("drive", Changes((), ("regenerates=maybe",)), "yes or no"),
        ("drive", Changes((), (), ("brake=soon",)), "a release"),
        ("drive", Changes((), (), ("wings=1",)), "names: "),
        ("pilot", Changes(("track.noise=1,x",)), "expected a number"),
    ],
)
def test_make_refuses_what_no_unit_can_run_by(
    tmp_path: Path, unit: str, changes: Changes, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        make_command(unit, tmp_path / "x.img", changes, 1, "", "g3-520", as_json=True)
    assert not (tmp_path / "x.img").exists()


def test_make_changes_switches_and_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.img"
    changes = Changes((), ("regenerates=no",), ("brake=2",))
    make_command("drive", path, changes, 3, "", "g3-520", as_json=True)
    answer = told(capsys)
    assert answer["behaviour"] == {"regenerates": False}
    assert answer["needs"] == {"brake": 2}
    make_command("pilot", path, Changes(("health.noisy_m=1.1,0.6",)), 2, "", "g3-520", as_json=True)
    assert told(capsys)["calibration"]["health.noisy_m"] == [1.1, 0.6]


def test_code_stands_beside_the_tables_and_a_large_unit_runs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, path, state = tmp_path / "code.bin", tmp_path / "x.img", tmp_path / "state"
    code.write_bytes(bytes(range(256)) * 400)
    make_command("brake", path, Changes(code=code), 2, "large", "g3-520", as_json=True)
    assert told(capsys)["code_bytes"] == 102_400
    info_command(path, as_json=False)
    assert "102400 of code" in capsys.readouterr().out
    assert resize_command("brake", 128 << 10, "g3-520", state, as_json=True) is Exit.DONE
    assert told(capsys) == {"unit": "brake", "slot_bytes": 128 << 10}
    with open_units(state, CAR) as boots:
        boot = boots["brake"]
        assert boot.running is not None
        boot.provision(path.read_bytes())
        boot.boot()
        assert boot.running.image.version == "large"
        with pytest.raises(RefusedError, match="in use"):
            resize_command("brake", 256 << 10, "g3-520", state, as_json=False)
    with pytest.raises(InputError, match="holds more"):
        resize_command("brake", 32 << 10, "g3-520", state, as_json=False)
    with open_units(state, CAR) as boots:
        assert boots["brake"].running is not None
        assert boots["brake"].running.image.code_bytes == 102_400
    with pytest.raises(InputError, match="no unit"):
        resize_command("wings", 32 << 10, "g3-520", state, as_json=False)
