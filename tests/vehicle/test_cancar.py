"""The port over buses on somebody else's car: own DBC, own units, own scalings, no bus of ours."""

import math
from pathlib import Path

import cantools
import pytest

from tests.vehicle.network.bus_car import Codes
from volant.core.messages import Command, Gear, Indicator
from volant.core.ports import Car
from volant.vehicle import CanCar
from volant.vehicle.cancar import codes_of
from volant.vehicle.network import Frame, Media, load_mapping

DBC = """VERSION ""
NS_ :
BS_:
BU_: ESP EPS GEAR PEDAL ADAS
BO_ 289 ESP_21: 8 ESP
 SG_ v_kmh : 7|16@0+ (0.01,0) [0|655.35] "km/h" ADAS
 SG_ ax_g : 23|12@0- (0.001,0) [-2.048|2.047] "g" ADAS
 SG_ yaw_dps : 39|16@0- (0.01,0) [-327.68|327.67] "deg/s" ADAS
BO_ 290 EPS_01: 4 EPS
 SG_ wheel_deg : 0|14@1- (0.1,0) [-819.2|819.1] "deg" ADAS
 SG_ hand_Nm : 16|11@1- (0.02,0) [-20.48|20.46] "Nm" ADAS
BO_ 291 Gear_1: 2 GEAR
 SG_ lever : 0|4@1+ (1,0) [0|15] "-" ADAS
BO_ 292 Pedal: 2 PEDAL
 SG_ gas_pct : 0|8@1+ (0.4,0) [0|100] "%" ADAS
 SG_ brake_pct : 8|8@1+ (0.4,0) [0|100] "%" ADAS
BO_ 400 ACC: 8 ADAS
 SG_ CS : 0|8@1+ (1,0) [0|255] "-" ESP
 SG_ CT : 8|4@1+ (1,0) [0|15] "-" ESP
 SG_ ax_cmps2 : 23|12@0- (1,0) [-2048|2047] "cm/s2" ESP
 SG_ lever_wish : 32|4@1+ (1,0) [0|15] "-" ESP
 SG_ stand : 36|1@1+ (1,0) [0|1] "-" ESP
BO_ 401 LKA: 8 ADAS
 SG_ kappa : 0|16@1- (0.00001,0) [-0.32768|0.32767] "1/m" EPS
 SG_ lamps : 16|2@1+ (1,0) [0|3] "-" EPS
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 400 20;
BA_ "GenMsgCycleTime" BO_ 401 20;
"""
MAPPING = """[buses]
car = { file = "car.dbc" }
[units]
ESP = "U0121"
EPS = "U0131"
GEAR = "U0101"
PEDAL = "U0100"
[heard]
ESP_21 = { bus = "car", timeout_ms = 60, required = true, end_to_end = false }
EPS_01 = { bus = "car", timeout_ms = 60, required = true, end_to_end = false }
Gear_1 = { bus = "car", timeout_ms = 500, required = true, end_to_end = false }
Pedal = { bus = "car", timeout_ms = 60, required = true, end_to_end = false }
[sent]
ACC = { bus = "car", end_to_end = { profile = 1, crc = "CS", counter = "CT", data_id = 33 } }
LKA = { bus = "car", end_to_end = false }
[state]
speed_mps = { message = "ESP_21", signal = "v_kmh", factor = 0.2777777777777778 }
accel_mps2 = { message = "ESP_21", signal = "ax_g", factor = 9.80665 }
yaw_rate_rps = { message = "ESP_21", signal = "yaw_dps", factor = 0.017453292519943295 }
steer_rad = { message = "EPS_01", signal = "wheel_deg", factor = 0.0011635528346628864 }
driver_wheel_angle_rad = { message = "EPS_01", signal = "wheel_deg", factor = 0.017453292519943295 }
driver_wheel_torque_nm = { message = "EPS_01", signal = "hand_Nm" }
gear = { message = "Gear_1", signal = "lever", words = { park = 8, reverse = 7, neutral = 6, drive = 5 } }
driver_accelerator = { message = "Pedal", signal = "gas_pct", factor = 0.01 }
driver_brake = { message = "Pedal", signal = "brake_pct", factor = 0.01 }
lateral_accel_mps2 = { value = 0.0 }
indicator = { value = "off" }
hold = { value = false }
brake_lights = { value = false }
charge_pct = { value = 50.0 }
range_m = { value = 0.0 }
battery_power_w = { value = 0.0 }
battery_voltage_v = { value = 0.0 }
battery_temperature_k = { value = 293.15 }
odometer_m = { value = 0.0 }
driver_hands_on = { value = true }
driver_eyes_on = { value = true }
driver_belted = { value = true }
driver_door_closed = { value = true }
[command]
accel_mps2 = { message = "ACC", signal = "ax_cmps2", factor = 0.01 }
gear = { message = "ACC", signal = "lever_wish", words = { park = 8, reverse = 7, neutral = 6, drive = 5 } }
hold = { message = "ACC", signal = "stand" }
curvature_per_m = { message = "LKA", signal = "kappa" }
indicator = { message = "LKA", signal = "lamps", words = { off = 0, left = 1, right = 2, hazard = 3 } }
"""


class OwnCar:
    """The maker's side: cantools and nothing of ours."""

    def __init__(self, folder: Path) -> None:
        (folder / "car.dbc").write_text(DBC)
        (folder / "mapping.toml").write_text(MAPPING)
        self.base = cantools.database.load_file(folder / "car.dbc")
        self.media, self.codes = Media(), Codes()
        self.port = self.media("car", "CAR", None)
        self.car = CanCar(load_mapping(folder / "mapping.toml"), self.media, report=self.codes)

    def send(self, name: str, **values: float) -> None:
        message = self.base.get_message_by_name(name)
        self.port.send(Frame(message.frame_id, message.encode(values)))

    def send_all(self, v_kmh: float = 72.0, lever: int = 5) -> None:
        self.send("ESP_21", v_kmh=v_kmh, ax_g=-0.1, yaw_dps=3.0)
        self.send("EPS_01", wheel_deg=45.0, hand_Nm=-1.5)
        self.send("Gear_1", lever=lever)
        self.send("Pedal", gas_pct=20.0, brake_pct=0.0)


@pytest.fixture
def own(tmp_path: Path) -> OwnCar:
    return OwnCar(tmp_path)


def test_its_state_is_read_in_si(own: OwnCar) -> None:
    car: Car = own.car
    assert not car.read(0)[0].valid
    assert own.codes.told == [], "nothing is wrong before a timeout has passed"
    own.send_all()
    state, sensors = car.read(10_000_000)
    assert state.valid
    assert sensors is None
    assert state.speed_mps == pytest.approx(20.0)
    assert state.accel_mps2 == pytest.approx(-0.980665)
    assert state.yaw_rate_rps == pytest.approx(0.05236, abs=1e-5)
    assert state.steer_rad == pytest.approx(0.05236, abs=1e-5)
    assert state.gear is Gear.DRIVE
    assert state.driver.accelerator == pytest.approx(0.2)
    assert state.charge_pct == 50.0


def test_commands_go_out_at_their_cycle_in_its_units(own: OwnCar) -> None:
    own.car.read(0)
    for tick in range(1, 11):
        stamp_ns = tick * 10_000_000
        command = Command(
            stamp_ns=stamp_ns,
            accel_mps2=-2.5,
            curvature_per_m=0.01,
            indicator=Indicator.LEFT,
        )
        own.car.apply(command, stamp_ns)
        own.car.read(stamp_ns)
    frames = own.port.receive()
    found = [(own.base.get_message_by_frame_id(frame.can_id).name, frame) for frame in frames]
    acc = [frame for name, frame in found if name == "ACC"]
    assert 5 <= len(acc) <= 6
    assert len({frame.data[0] for frame in acc}) > 1, "the checksum runs with the counter"
    told = own.base.decode_message(acc[-1].can_id, acc[-1].data)
    assert told["ax_cmps2"] == -250  # type: ignore[index,call-overload]
    assert told["lever_wish"] == 5  # type: ignore[index,call-overload]
    lka = next(frame for name, frame in found if name == "LKA")
    told = own.base.decode_message(lka.can_id, lka.data)
    assert told["kappa"] == pytest.approx(0.01)  # type: ignore[index,call-overload]
    assert told["lamps"] == 1  # type: ignore[index,call-overload]


def test_a_lever_position_that_nobody_named_keeps_the_last_gear(own: OwnCar) -> None:
    own.send_all()
    own.car.read(10_000_000)
    own.send_all(lever=13)
    state, _ = own.car.read(20_000_000)
    assert state.gear is Gear.DRIVE


def test_a_car_that_falls_silent_is_told_once_and_is_not_valid(own: OwnCar) -> None:
    own.send_all()
    own.car.read(10_000_000)
    states = [own.car.read(tick * 10_000_000)[0] for tick in range(2, 20)]
    assert [state.valid for state in states[:6]] == [True] * 6
    assert not states[-1].valid
    assert {code >> 8 for code, _, _ in own.codes.told} == {0xC121, 0xC131, 0xC100}
    assert len(own.codes.told) == 3
    assert states[-1].speed_mps == pytest.approx(20.0)
    assert states[-1].driver.accelerator == 0.0


def test_every_code_that_is_told_is_listed(own: OwnCar, tmp_path: Path) -> None:
    listed = codes_of(load_mapping(tmp_path / "mapping.toml"))
    assert listed[0xC12187] == "esp_missing"
    assert listed[0xC07388] == "car_bus_off"
    for tick in range(20):
        own.car.read(tick * 10_000_000)
    assert own.codes.ever <= set(listed)


def test_nothing_is_sent_eighty_milliseconds_after_the_last_command(own: OwnCar) -> None:
    """Whoever only reads does not drive on; a command that is no number is none."""
    own.car.read(0)
    own.car.apply(Command(stamp_ns=0, accel_mps2=2.0, curvature_per_m=0.0), 0)
    own.port.receive()
    sent: dict[int, int] = {}
    for tick in range(1, 100):
        stamp_ns = tick * 10_000_000
        if tick % 2:
            nan = Command(stamp_ns=stamp_ns, accel_mps2=math.nan, curvature_per_m=0.0)
            own.car.apply(nan, stamp_ns)
        own.car.read(stamp_ns)
        sent[tick] = len(own.port.receive())
    assert sum(sent[tick] for tick in range(1, 9)) > 0
    assert [tick for tick, count in sent.items() if count and tick > 8] == []
    own.car.apply(Command(stamp_ns=0, accel_mps2=2.0, curvature_per_m=0.0), 1_000_000_000)
    assert len(own.port.receive()) == 2
