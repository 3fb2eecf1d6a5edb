"""Flash files of units: made once, booted at each start, and the only way to what a unit does."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.vehicle.reference_car import spec_of
from volant.app.compose import pilot_settings, plan_trip
from volant.app.drive import drive_trip
from volant.app.live_world import WatchedCar
from volant.app.programs import PILOT, booted, factory, fits, pilot_tuning, tables_of
from volant.app.record import header_of, open_recording
from volant.app.replay import replay_journal, trip_of
from volant.app.trip import TripWish
from volant.app.unit_flash import FOLDER, Watch, boot_from, open_units
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError, RefusedError
from volant.pilot.settings import Tuning
from volant.vehicle import CarSpec
from volant.vehicle.boot import Bootloader, Image, Verdict, make_image
from volant.vehicle.boot.calibration import HARDWARE, Programs
from volant.vehicle.boot.device import GEOMETRY, UNTRUSTING_BYTES
from volant.vehicle.boot.image import Value
from volant.vehicle.ecus import ECUS

CAR = spec_of("g3-520")
WISH = TripWish(
    car="g3-520", road="volant-world", seed=1, sensors="perfect", cars=0, distance_m=120.0
)


def image(unit: str, release: int = 2, **changes: Value) -> bytes:
    tables = tables_of(unit, CAR)
    calibration = {
        **tables.calibration,
        **{name.replace("__", "."): v for name, v in changes.items()},
    }
    told = Image(
        unit=unit,
        hardware=HARDWARE,
        version=str(release),
        release=release,
        tables=msgspec.structs.replace(tables, calibration=calibration),
    )
    assert fits(told)
    return make_image(told)


def program(boot: Bootloader, data: bytes, *, confirm: bool = True) -> None:
    assert boot.begin_erase()
    while not boot.erase_step():
        pass
    assert boot.begin(0, len(data))
    boot.write(data)
    assert boot.finish()
    assert boot.check() is Verdict.SOUND
    assert boot.activate({}) is Verdict.SOUND
    if confirm:
        boot.boot()
        boot.confirm()


def file_of(state: Path, unit: str) -> Path:
    return state / FOLDER / CAR.name / f"{unit}.flash"


def spoil(state: Path, unit: str) -> None:
    """Change one byte of what a unit left the factory with."""
    path = file_of(state, unit)
    content = bytearray(path.read_bytes())
    content[8 * 1024 + 100] ^= 1
    path.write_bytes(bytes(content))


def test_the_files_are_made_at_the_first_start_and_change_nothing(tmp_path: Path) -> None:
    with open_units(tmp_path, CAR) as boots:
        assert set(boots) == {spec.name for spec in ECUS}
        assert {name: one for name, one in booted(boots).items() if name in factory(CAR)} == (
            factory(CAR)
        )
    assert pilot_tuning(boot_from(tmp_path)(CAR)) == Tuning()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.flash")}
    assert len(before) == len(ECUS)
    with open_units(tmp_path, CAR):
        pass
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.flash")}


def test_a_drive_alone_makes_no_files(tmp_path: Path) -> None:
    assert boot_from(tmp_path)(CAR)["brake"] == factory(CAR)["brake"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("unit", ["brake", "pilot", "gateway"])
def test_one_changed_byte_and_the_unit_is_dead(tmp_path: Path, unit: str) -> None:
    with open_units(tmp_path, CAR):
        pass
    spoil(tmp_path, unit)
    for _ in range(2):
        with open_units(tmp_path, CAR) as boots:
            assert boots[unit].running is None
    trip = plan_trip(WISH, boot_from(tmp_path))
    if unit == PILOT:
        with pytest.raises(RefusedError, match="pilot has no program"):
            pilot_settings(trip)


def test_a_factorys_program_goes_with_the_facts_and_anothers_stays(tmp_path: Path) -> None:
    def changed(car: CarSpec) -> CarSpec:
        brakes = car.brakes
        figure = msgspec.structs.replace(brakes.max_decel_mps2, value=7.5)
        return msgspec.structs.replace(
            car, brakes=msgspec.structs.replace(brakes, max_decel_mps2=figure)
        )

    def decel(boots: dict[str, Bootloader]) -> object:
        running = boots["brake"].running
        assert running is not None
        return running.image.tables.calibration["max_decel_mps2"]

    with open_units(tmp_path, CAR):
        pass
    with open_units(tmp_path, changed(CAR)) as boots:
        assert decel(boots) == 7.5
        program(boots["brake"], image("brake", max_decel_mps2=4.0))
    with open_units(tmp_path, CAR) as boots:
        assert decel(boots) == 4.0


def test_files_that_another_holds_are_read_and_left_alone(tmp_path: Path) -> None:
    with open_units(tmp_path, CAR) as boots:
        program(boots["brake"], image("brake", max_decel_mps2=4.0), confirm=False)
        before = file_of(tmp_path, "brake").read_bytes()
        seen = boot_from(tmp_path)(CAR)["brake"]
        assert seen is not None
        assert seen.release == 2
        assert file_of(tmp_path, "brake").read_bytes() == before


def test_a_file_of_another_length_is_told_of(tmp_path: Path) -> None:
    with open_units(tmp_path, CAR):
        pass
    file_of(tmp_path, "steer").write_bytes(b"short")
    with pytest.raises(InputError, match="5 bytes"), open_units(tmp_path, CAR):
        pass


def test_another_process_sees_a_new_program_when_it_is_booted_and_not_before(
    tmp_path: Path,
) -> None:
    with open_units(tmp_path, CAR) as boots:
        watch = Watch(boots)
        assert watch.changed() is None
        program(boots["brake"], image("brake", max_decel_mps2=4.0), confirm=False)
        assert watch.changed() is None
        boots["brake"].boot()
        programs = watch.changed()
        assert programs is not None
        assert programs["brake"] is not None
        assert programs["brake"].release == 2
        assert watch.changed() is None
        assert boots["brake"].again().on_trial


def test_the_pilots_tuning_is_what_its_unit_booted() -> None:
    programs = factory(CAR)
    assert pilot_tuning(programs) == Tuning()
    told = programs[PILOT]
    assert told is not None
    for changes in (
        {"plan.accel_mps2": -1.0},
        {"plan.accel_mps2": True},
        {"plan.wings": 1.0},
        {"track.noise": (1.0,)},
        {"track.noise": 1.0},
    ):
        calibration = {**told.tables.calibration, **changes}
        tables = msgspec.structs.replace(told.tables, calibration=calibration)
        assert not fits(replace(told, tables=tables))


def test_a_pilot_that_is_programmed_calmer_drives_calmer_and_a_replay_knows_it(
    tmp_path: Path,
) -> None:
    with open_units(tmp_path, CAR) as boots:
        program(boots[PILOT], image(PILOT, plan__accel_mps2=0.4, plan__accel_high_mps2=0.3))
    usual = drive_trip(plan_trip(WISH))
    trip = plan_trip(WISH, boot_from(tmp_path))
    recording = open_recording(tmp_path / "calm.mcap", trip)
    assert recording is not None
    calm = drive_trip(trip, write=recording.write)
    recording.close({})
    assert usual.arrived
    assert calm.arrived
    assert calm.duration_s > usual.duration_s + 2.0
    assert calm.summary.accel_max_mps2 < 0.7 * usual.summary.accel_max_mps2
    assert header_of(plan_trip(WISH)).settings["programs"] == {}
    path = Path(str(recording.path))
    again = trip_of(path).programs
    assert again is not None
    assert trip.programs is not None
    assert again[PILOT] == trip.programs[PILOT]
    assert replay_journal(path).agrees


def test_the_live_car_takes_a_new_program_when_it_stands(tmp_path: Path) -> None:
    class Parked:
        speed_mps = 0.0
        took: Programs | None = None

        def truth(self, stamp_ns: int) -> "Parked":
            return self

        def advance(self, stamp_ns: int) -> None: ...

        def reprogram(self, programs: Programs) -> None:
            self.took = programs

    with open_units(tmp_path, CAR) as boots:
        machine = Parked()
        car = WatchedCar(machine, Watch(boots))  # type: ignore[arg-type]
        program(boots["brake"], image("brake", max_decel_mps2=4.0))
        machine.speed_mps = 5.0
        car.advance(2 * NS_PER_S)
        assert machine.took is None
        machine.speed_mps = 0.0
        car.advance(3 * NS_PER_S)
        took = machine.took
        assert took is not None
        assert took["brake"] is not None
        assert took["brake"].release == 2


def test_a_car_with_a_dead_brake_unit_never_sets_off(tmp_path: Path) -> None:
    with open_units(tmp_path, CAR):
        pass
    spoil(tmp_path, "brake")
    ticks = iter(range(1500))
    driven = drive_trip(
        plan_trip(WISH, boot_from(tmp_path)),
        asked_to_end=lambda: None if next(ticks, None) is not None else (0, "over"),  # type: ignore[arg-type,return-value]
    )
    assert not driven.arrived
    assert driven.summary.distance_m < 1.0


def test_a_device_from_before_units_had_a_trust_of_their_own_keeps_its_program(
    tmp_path: Path,
) -> None:
    with open_units(tmp_path, CAR) as boots:
        program(boots["brake"], image("brake", brake_rate_nps=5000.0))
    path = tmp_path / FOLDER / CAR.name / "brake.flash"
    path.write_bytes(path.read_bytes()[:UNTRUSTING_BYTES])
    with open_units(tmp_path, CAR) as boots:
        with open_units(tmp_path, CAR) as copies:  # in use: from a copy
            assert copies["brake"].coming == 2
        boot = boots["brake"]
        assert boot.coming == 2
        assert boot.trust is not None
        assert not boot.trust.joined
    assert path.stat().st_size == GEOMETRY.size_bytes
    path.write_bytes(bytes(GEOMETRY.size_bytes + 1))
    with pytest.raises(InputError, match="no unit's flash"), open_units(tmp_path, CAR):
        pass
