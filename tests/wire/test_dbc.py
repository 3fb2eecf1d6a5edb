"""DBC files: our codec beside cantools, and files that contradict themselves."""

import contextlib
import math
import re
from pathlib import Path

import cantools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.house.source_tree import REPO
from volant.core.errors import InputError
from volant.wire.dbc import Database, load_database

FOLDER = REPO / "cars" / "network"
BUSES = ("chassis", "powertrain", "body", "adas")
OURS = {bus: load_database(FOLDER / f"{bus}.dbc") for bus in BUSES}
PEER = {bus: cantools.database.load_file(FOLDER / f"{bus}.dbc", strict=True) for bus in BUSES}
CASES = [(bus, name) for bus in BUSES for name in OURS[bus].messages]
LOAD_BOUND = 0.6

MOTOROLA = """VERSION ""
NS_ :
BS_:
BU_: A B
BO_ 256 Mixed: 8 A
 SG_ Big : 7|12@0+ (0.5,-10) [-10|2037.5] "m" B
 SG_ Neg : 27|10@0- (0.1,0) [-51.2|51.1] "m" B
 SG_ Little : 40|8@1- (1,0) [-128|127] "m" B
 SG_ Top : 55|16@0+ (1,0) [0|65535] "m" B
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "x.dbc"
    path.write_text(text)
    return path


def test_the_network_has_its_size() -> None:
    sent = [
        message
        for database in OURS.values()
        for message in database.messages.values()
        if not message.routed_from
    ]
    assert 55 <= len(sent) <= 80
    assert 380 <= sum(len(message.signals) for message in sent) <= 480
    assert len({message.can_id for message in sent}) == len(sent)


def test_the_committed_files_are_what_the_script_writes() -> None:
    import importlib.util
    import sys

    sys.path.insert(0, str(REPO / "scripts"))
    try:
        found = importlib.util.spec_from_file_location("network", REPO / "scripts" / "network.py")
        assert found is not None
        assert found.loader is not None
        script = importlib.util.module_from_spec(found)
        sys.modules["network"] = script
        found.loader.exec_module(script)
    finally:
        sys.path.remove(str(REPO / "scripts"))
        sys.modules.pop("network", None)
    messages = script.read_table()
    for bus in BUSES:
        assert script.dbc(bus, messages) == (FOLDER / f"{bus}.dbc").read_text(), (
            "run scripts/network.py"
        )


@pytest.mark.parametrize("bus", BUSES)
def test_every_signal_has_unit_range_and_comment(bus: str) -> None:
    for message in PEER[bus].messages:
        assert message.comment
        for signal in message.signals:
            assert signal.unit, signal.name
            assert signal.comment, signal.name
            assert signal.minimum is not None, signal.name
            assert signal.maximum is not None, signal.name
            assert signal.minimum < signal.maximum, signal.name


@pytest.mark.parametrize("bus", BUSES)
def test_each_bus_is_loaded_below_sixty_percent(bus: str) -> None:
    """Worst case of stuff bits for 11-bit ids (Davis and others 2007, equation 1)."""
    bits_per_s = 0.0
    for message in OURS[bus].messages.values():
        bits = 8 * message.length
        worst = bits + 47 + (34 + bits - 1) // 4
        cycle_s = (message.cycle_ns or 10_000_000) / 1e9
        # What goes on change too may go once a cycle more.
        bits_per_s += worst / cycle_s * (2.0 if message.on_change else 1.0)
    assert bits_per_s / 500_000 < LOAD_BOUND


@pytest.mark.parametrize(("bus", "name"), CASES)
def test_cycles_are_ten_to_two_hundred_milliseconds(bus: str, name: str) -> None:
    assert 10_000_000 <= OURS[bus].message(name).cycle_ns <= 200_000_000


@pytest.mark.parametrize(("bus", "name"), CASES)
@settings(max_examples=15)
@given(data=st.data())
def test_encoding_agrees_with_cantools(bus: str, name: str, data: st.DataObject) -> None:
    message, peer = OURS[bus].message(name), PEER[bus].get_message_by_name(name)
    raws = {
        signal.name: data.draw(st.integers(signal.low_raw, signal.high_raw))
        for signal in message.signals.values()
    }
    values = {n: message.signals[n].scale * r + message.signals[n].offset for n, r in raws.items()}
    made = message.encode(values)
    assert made == peer.encode(raws, scaling=False)
    assert message.reader(raws).read(made) == tuple(values.values())


def mixed(folder: Path) -> Database:
    return load_database(write(folder, MOTOROLA))


@settings(max_examples=40, deadline=None)
@given(
    big=st.floats(-10.0, 2037.5),
    neg=st.floats(-51.0, 51.0),
    little=st.integers(-128, 127),
    top=st.integers(0, 65535),
)
def test_both_byte_orders_agree_with_cantools(
    big: float, neg: float, little: int, top: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.getbasetemp(), MOTOROLA)
    message = load_database(path).message("Mixed")
    made = message.encode({"Big": big, "Neg": neg, "Little": little, "Top": top})
    peer = cantools.database.load_file(path).get_message_by_name("Mixed")
    found = peer.decode(made)
    read = message.reader(["Big", "Neg", "Little", "Top"]).read(made)
    assert read is not None
    assert read == pytest.approx([found[n] for n in ("Big", "Neg", "Little", "Top")])
    assert abs(read[0] - big) <= 0.25 + 1e-9
    assert abs(read[1] - neg) <= 0.05 + 1e-9
    assert read[2:] == (little, top)


def test_values_beyond_the_range_end_at_it_and_no_number_is_refused() -> None:
    message = OURS["chassis"].message("PIL_Long")
    reader = message.reader(["PIL_Long_Accel"])
    assert reader.read(message.encode({"PIL_Long_Accel": 1e300})) == pytest.approx((16.383,))
    assert reader.read(message.encode({"PIL_Long_Accel": -math.inf})) == pytest.approx((-16.384,))
    with pytest.raises(ValueError):
        message.encode({"PIL_Long_Accel": math.nan})
    with pytest.raises(ValueError):
        message.encode({"nothing": 1.0})
    with pytest.raises(ValueError):
        message.reader(["nothing"])


@settings(max_examples=25)
@given(data=st.binary(max_size=70))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for database in OURS.values():
        for message in database.messages.values():
            values = message.reader(message.signals).read(data)
            assert values is None or len(data) == message.length


HEAD = 'VERSION ""\nNS_ :\nBS_:\nBU_: A\n'
WRONG = [
    ("", "not a DBC"),
    ("BO_ 1 \n", "not a DBC"),
    ("\x00\xff\xfe", "not a DBC"),
    (
        HEAD
        + 'BO_ 1 M: 8 A\n SG_ S : 0|8@1+ (1,0) [0|255] "" A\n SG_ T : 4|8@1+ (1,0) [0|255] "" A\n',
        "overlapping",
    ),
    (HEAD + 'BO_ 1 M: 1 A\n SG_ S : 0|16@1+ (1,0) [0|255] "" A\n', "M"),
    (HEAD + "BO_ 1 M: 1 A\nBO_ 1 N: 1 A\n", "id 1 is taken by M"),
    (HEAD + "BO_ 1 M: 1 A\nBO_ 2 M: 1 A\n", "stands before"),
    (HEAD + 'BO_ 1 M: 1 A\n SG_ S : 0|8@1+ (0,0) [0|255] "" A\n', "M.S: scale 0"),
    (HEAD + 'BO_ 1 M: 1 A\n SG_ S : 0|8@1+ (1,0) [9|1] "" A\n', "M.S: least 9"),
    (HEAD + 'BO_ 1 M: 1 A\n SG_ S : 0|8@1+ (1,0) [900|901] "" A\n', "M.S: no raw value"),
    (
        HEAD
        + 'BO_ 1 M: 8 A\n SG_ S : 0|8@1+ (1,0) [0|255] "" A\nBA_DEF_ BO_ "E2EProfile" ENUM "None","Profile1";\n'
        + 'BA_DEF_ BO_ "E2EDataID" INT 0 65535;\nBA_DEF_DEF_ "E2EProfile" "None";\n'
        + 'BA_ "E2EProfile" BO_ 1 1;\nBA_ "E2EDataID" BO_ 1 1;\n',
        "M: protected, but has no signal 'M_Crc'",
    ),
]


@pytest.mark.parametrize(("text", "words"), WRONG, ids=range(len(WRONG)))
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=re.escape(words)) as told:
        load_database(path)
    assert str(path) in str(told.value)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.dbc"
    path.write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(InputError):
        load_database(path)


# In chassis.dbc: what is replaced, by what, and what must be told with its line.
BOUNDS = [
    ("PIL_Lat: 5 PILOT", "PIL_Lat: 9 PILOT", "PIL_Lat: '9', expected bytes of a frame from 0 to 8"),
    ("PIL_Lat: 5 PILOT", "PIL_Lat:\n100000000 PILOT", "PIL_Lat: '100000000', expected bytes"),
    ("PIL_Lat_Sample : 32|4@", "PIL_Lat_Sample : 2147483648|4@", "expected a start bit from 0 to 63"),
    ("PIL_Lat_Sample : 32|4@", "PIL_Lat_Sample m1 : 32 | 99999999@", "expected bits of a signal"),
    ('"E2EProfile" BO_ 257 1', '"E2EProfile" BO_ 257 9', "E2EProfile: '9', expected a choice"),
    ('"E2EProfile" BO_ 257 1', '"E2EProfile" BO_ 257 -1', "E2EProfile: '-1', expected a choice"),
    ('"GenMsgSendType" BO_ 257 0', '"GenMsgSendType" BO_ 257 3', "expected a choice from 0 to 2"),
    ('BA_ "E2EDataID" BO_ 257 257;', "", "PIL_Lat: end-to-end protection without E2EDataID"),
    ('BA_ "E2EDataID" BO_ 257 257;', 'BA_ "E2EDataID" BO_ 257 256;', "data id is that of PIL_Long"),
    ('"GenMsgCycleTime" BO_ 257 10', '"GenMsgCycleTime" BO_ 257 1e99999999', "out of bounds"),
    ('"GenMsgCycleTime" BO_ 257 10', '"GenMsgCycleTime" BO_ 257 "1e99999999"', "out of bounds"),
    (
        'BA_DEF_ BO_ "E2EProfile"',
        "SG_MUL_VAL_ 257 PIL_Lat_Sample PIL_Lat_Crc 1-2, 3-4000000000;\nBA_DEF_ BO_ \"E2EProfile\"",
        "multiplexer values",
    ),
    ("BO_ 257 PIL_Lat: 5", "BO_ 4294967553 PIL_Lat: 5", "expected an id"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "words"), BOUNDS, ids=range(len(BOUNDS)))
def test_what_a_file_claims_is_bounded_before_it_is_believed(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    text = (FOLDER / "chassis.dbc").read_text()
    assert before in text
    with pytest.raises(InputError, match=re.escape(words)) as told:
        load_database(write(tmp_path, text.replace(before, after)))
    assert re.search(r"x\.dbc:\d+: ", str(told.value))


def test_claims_in_a_comment_are_words(tmp_path: Path) -> None:
    comment = 'CM_ "BO_ 1 M: 99999 A  SG_ S : 77777|9@1+ 1e99999999 \\" BO_ 1 M: 1 A";'
    loaded = load_database(write(tmp_path, HEAD + "BO_ 1 M: 1 A\n" + comment))
    assert list(loaded.messages) == ["M"]


def test_a_number_that_ends_the_memory_is_told_within_it(tmp_path: Path) -> None:
    """Statements that never end are read once, not once each."""
    with pytest.raises(InputError):
        load_database(write(tmp_path, HEAD + 'BA_DEF_ BO_ "a" ENUM "b" ' * 20_000))


NUMBERS = ("0", "1", "-1", "7", "9", "63", "64", "65", "255", "2147483648", "99999999", "1e9", "1e99999999", "nan", '"1e99999999"', "4294967296")  # fmt: skip
LINES = {bus: (FOLDER / f"{bus}.dbc").read_text().splitlines() for bus in BUSES}


@pytest.mark.timeout(60)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_our_files_mutated_at_random_load_or_are_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A few lines' worth of a file, so that many can be tried; each with up to three changes."""
    draw = data.draw
    whole = LINES[draw(st.sampled_from(BUSES))]
    first = draw(st.integers(0, len(whole) - 1))
    heads = whole[:8] + [one for one in whole if one.startswith("BA_DEF")]
    lines = [*heads[:8], *whole[8:40], *heads[8:], *whole[first : first + 20]]
    ids = {one.split()[1] for one in lines if one.startswith("BO_ ")}
    lines += [one for one in whole if any(f" BO_ {can_id} " in one for can_id in ids)]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(("number", "number", "drop", "double", "letters", "cut")))
        numbers = list(re.finditer(r"-?\d+", lines[at]))
        if kind == "number" and numbers:
            found = draw(st.sampled_from(numbers))
            told = draw(st.sampled_from(NUMBERS))
            lines[at] = lines[at][: found.start()] + told + lines[at][found.end() :]
        elif kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
        elif kind == "letters":
            place = draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:place] + draw(st.text(max_size=3)) + lines[at][place + 1 :]
        elif kind == "cut":
            lines = [*lines[:at], lines[at][: draw(st.integers(0, len(lines[at])))]]
    path = tmp_path_factory.getbasetemp() / "mutated.dbc"
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    with contextlib.suppress(InputError):
        load_database(path)


def test_a_missing_or_large_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_database(tmp_path / "none.dbc")
    large = tmp_path / "large.dbc"
    with large.open("wb") as file:
        file.truncate(17 << 20)
    with pytest.raises(InputError, match="larger"):
        load_database(large)
    with pytest.raises(InputError, match="no message"):
        OURS["chassis"].message("Nothing")
