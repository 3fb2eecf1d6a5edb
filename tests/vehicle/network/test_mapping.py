"""A mapping that contradicts its DBC files is refused at the start, with file, line and place."""

import shutil
from pathlib import Path

import pytest

from tests.house.source_tree import REPO
from volant.core.errors import InputError
from volant.vehicle.network import load_mapping
from volant.vehicle.network.mapping import code_of

FOLDER = REPO / "cars" / "network"

# What is replaced, by what, and what must be told.
WRONG = [
    ('file = "body.dbc"', 'file = "none.dbc"', "none.dbc: cannot be read"),
    ('BODY = "U0140"', 'BODY = "X0140"', "units.BODY: 'X0140' is no trouble code"),
    ('off = "U0075"', 'off = "U4075"', "buses.body.off: 'U4075'"),
    ('BRAKE = "U0129"\n', "", "its sender BRAKE has no code"),
    ('BRK_Speed = { bus = "chassis"', 'BRK_Speed = { bus = "wheels"', "heard.BRK_Speed: no bus 'wheels'"),
    ('BRK_Speed = { bus = "chassis"', 'BRK_Speed = { bus = "powertrain"', "no message 'BRK_Speed' in"),
    ('sample = "BRK_Motion_Sample"', 'sample = "BRK_Motion_Nothing"', "has no signal 'BRK_Motion_Nothing'"),
    ('signal = "BRK_Speed_Speed"', 'signal = "BRK_Speed_Pace"', "message BRK_Speed has no signal 'BRK_Speed_Pace'"),
    ('speed_mps = { message = "BRK_Speed"', 'speed_mps = { message = "GTW_Time"', "'GTW_Time' is not listed"),
    ('speed_mps = { message = "BRK_Speed", signal = "BRK_Speed_Speed" }', "speed_mps = { value = 0.0 }", "a constant cannot stand here"),
    ("yaw_rate_rps = {", "yaw_rate_dps = {", "no value 'yaw_rate_dps'"),
    ("park = 0, reverse = 1, neutral = 2, drive = 3 }", "park = 0, reverse = 1, drive = 3 }", "words ["),
    ("off = 0, left = 1, right = 2, hazard = 3", "off = 0, left = 1, right = 1, hazard = 3", "two words"),
    ("off = 0, left = 1, right = 2, hazard = 3", "off = 0, left = 1, right = 2, hazard = 9", "'hazard' is 9"),
    ("offset = 273.15", "offset = 273.15, factor = 0.0", "factor 0.0"),
    ("timeout_ms = 50,", "timeout_ms = 0,", "timeout_ms"),
    ("required = true", "required = maybe", "not TOML"),
    ('signal = "PIL_Lat_Curvature"', 'signal = "PIL_Lat_Sample"', "carries 0 to 15, expected -0.15 to 0.15"),
    ('hold = { message = "PIL_Long", signal = "PIL_Long_Hold" }\ncurv', 'hold = { message = "PIL_Long", signal = "PIL_Long_Gear" }\ncurv', "already carries gear"),
    ('timeout_ms = 50, required = true, sample = "BRK_Speed_Sample"', "timeout_ms = 50", "BRK_Speed wants `required = true`"),
    ('timeout_ms = 100, required = true, sample = "DRV_Gear_Sample"', "timeout_ms = 100, required = false", "DRV_Gear wants `required = true`"),
    ("timeout_ms = 50, required", "timeout_ms = 1, required", "timeout_ms 1 is shorter than its cycle of 10"),
    ("timeout_ms = 50, required", "end_to_end = true, timeout_ms = 50, required", "wants a table, or false"),
    ("timeout_ms = 50, required", "end_to_end = false, timeout_ms = 50, required", "but the DBC protects it"),
    ("timeout_ms = 50, required", 'end_to_end = { profile = 1, crc = "BRK_Speed_Crc", counter = "BRK_Speed_Counter" }, timeout_ms = 50, required', "profile 1 wants its data_id"),
    ("timeout_ms = 50, required", 'end_to_end = { profile = 2, crc = "BRK_Speed_Crc", counter = "BRK_Speed_Counter", data_id = 1 }, timeout_ms = 50, required', "profile 2 wants its data_ids"),
    ("timeout_ms = 50, required", 'end_to_end = { profile = 1, crc = "BRK_Speed_Crc", counter = "BRK_Speed_Counter", data_id = 274 }, timeout_ms = 50, required', "heard.BRK_Motion: its data id is that of BRK_Speed"),
    ("[sent]", '[sent]\nCPT_Presses = { bus = "body" }', "sent.CPT_Presses: it is COCKPIT's, whose messages are heard"),
    ('indicator = { message = "PIL_Signals", signal = "PIL_Signals_Indicator"', 'indicator = { message = "PIL_Lat", signal = "PIL_Lat_Sample"', "sent.PIL_Signals: no value of [command] is in it"),
]  # fmt: skip


def changed(folder: Path, before: str, after: str) -> Path:
    shutil.copytree(FOLDER, folder / "network")
    path = folder / "network" / "mapping.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    return path


@pytest.mark.parametrize(("before", "after", "words"), WRONG, ids=range(len(WRONG)))
def test_a_contradiction_is_refused_and_named(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    path = changed(tmp_path, before, after)
    with pytest.raises(InputError) as told:
        load_mapping(path)
    assert words in str(told.value)
    assert str(tmp_path) in str(told.value)


# In chassis.dbc, whose attributes stand at its end.
WRONG_DBC = [
    ('"E2EProfile" BO_ 273 1', '"E2EProfile" BO_ 273 0', "heard.BRK_Speed: neither the DBC"),
    ('"E2EProfile" BO_ 256 1', '"E2EProfile" BO_ 256 0', "sent.PIL_Long: neither the DBC"),
    ('"GenMsgCycleTime" BO_ 257 10;', '"GenMsgCycleTime" BO_ 257 9000;', "its cycle in the DBC is 9000 ms, expected up to 80"),
    ('BA_ "GenMsgCycleTime" BO_ 257 10;', "", "sent.PIL_Lat: its cycle in the DBC is 0 ms"),
    ('"GenMsgCycleTime" BO_ 273 10;', '"GenMsgCycleTime" BO_ 273 60000;', "shorter than its cycle of 60000"),
]  # fmt: skip


def with_chassis(folder: Path, text: str) -> Path:
    shutil.copytree(FOLDER, folder / "network")
    (folder / "network" / "chassis.dbc").write_text(text)
    return folder / "network" / "mapping.toml"


@pytest.mark.parametrize(("before", "after", "words"), WRONG_DBC, ids=range(len(WRONG_DBC)))
def test_a_data_base_that_lost_what_the_drive_hangs_on_is_refused(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    text = (FOLDER / "chassis.dbc").read_text()
    assert before in text
    with pytest.raises(InputError) as told:
        load_mapping(with_chassis(tmp_path, text.replace(before, after)))
    assert words in str(told.value)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.7, 0.8])
def test_a_data_base_cut_short_is_refused(tmp_path: Path, part: float) -> None:
    """Its attributes are gone, and with them cycles and protection."""
    lines = (FOLDER / "chassis.dbc").read_text().splitlines(keepends=True)
    cut = "".join(lines[: round(len(lines) * part)])
    with pytest.raises(InputError):
        load_mapping(with_chassis(tmp_path, cut))


def test_a_message_may_be_known_to_have_no_protection(tmp_path: Path) -> None:
    text = (FOLDER / "chassis.dbc").read_text()
    path = with_chassis(tmp_path, text.replace('"E2EProfile" BO_ 273 1', '"E2EProfile" BO_ 273 0'))
    mapping = path.read_text()
    path.write_text(mapping.replace("timeout_ms = 50,", "timeout_ms = 50, end_to_end = false,", 1))
    assert load_mapping(path).heard["BRK_Speed"].protection is None


def test_a_car_may_lack_what_is_not_vital(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        'range_m = { message = "DRV_Range", signal = "DRV_Range_Range" }',
        "range_m = { value = 0.0 }",
    )
    assert next(one for one in load_mapping(path).state if one.name == "range_m").constant == 0.0


def test_protection_may_stand_in_the_mapping(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        'STR_Angle = { bus = "chassis"',
        'STR_Angle = { end_to_end = { profile = 1, crc = "STR_Angle_Crc", '
        'counter = "STR_Angle_Counter", data_id = 7 }, bus = "chassis"',
    )
    protection = load_mapping(path).heard["STR_Angle"].protection
    assert protection is not None
    assert protection.data_id == 7


@pytest.mark.parametrize(
    ("words", "code"), [("P0A1B", 0x0A1B), ("U0129", 0xC129), ("B1FFF", 0x9FFF)]
)
def test_codes_are_those_of_the_standard(words: str, code: int) -> None:
    assert code_of(words) == code
