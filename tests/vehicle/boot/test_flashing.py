"""Programming by UDS: the whole way, and each wrong step of ota.md section 5 with its answer."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.trust.flash import MemoryFlash
from volant.vehicle import ecus, uds_server
from volant.vehicle.boot import Bootloader, Identity, Image, Tables, make_image
from volant.vehicle.boot.device import GEOMETRY, bootloader, first_image
from volant.vehicle.boot.flashing import FLASH_START
from volant.vehicle.uds_config import MS, UdsState

BRAKE = next(spec for spec in ecus.ECUS if spec.name == "brake")
WHO = Identity("brake", "SIM-1")
SEED = bytes(range(1, 17))
KEY = ecus.key_for(ecus.secret_of("brake"), 0x11, SEED)


def image(release: int = 3, rows: int = 100, **needs: int) -> bytes:
    tables = Tables(calibration={f"row_{n}": float(release + n) for n in range(rows)}, needs=needs)
    told = Image(
        unit="brake", hardware="SIM-1", version=f"{release}.0", release=release, tables=tables
    )
    return make_image(told)


IMAGE = image()


class Bench:
    """A brake unit on a bench: requests in, answers out, power to be cut."""

    def __init__(self, flash: MemoryFlash | None = None) -> None:
        self.flash = flash
        if self.flash is None:
            self.flash = MemoryFlash(GEOMETRY)
            bootloader(self.flash, WHO).provision(first_image(WHO, "1.0", Tables()))
        self.values = {"speed_mps": 0.0, "supply_v": 12.9}
        self.releases: dict[str, int] = {}
        self.now_ns = 0
        self.power_on()

    def power_on(self) -> None:
        """Begin with what is in the flash and nothing else."""
        assert self.flash is not None
        self.boot: Bootloader = bootloader(self.flash, WHO)
        self.boot.boot()
        self.state = UdsState()
        self.config = replace(
            ecus.server_config(
                BRAKE,
                ecus.CarFacts(),
                live=lambda name: self.values.get(name, float("nan")),
                seed=lambda: SEED,
                boot=self.boot,
                releases=lambda: self.releases,
            ),
            block_length=258,
        )

    def start(self, request: str) -> str:
        """The first answer."""
        done = uds_server.step(self.state, bytes.fromhex(request), self.config, self.now_ns)
        self.state = done.state
        if done.reset and self.config.on_reset is not None:
            self.config.on_reset(done.reset)
        return done.responses[0].hex() if done.responses else ""

    def ask(self, request: str) -> str:
        """The answer when work is done."""
        answer = self.start(request)
        while answer.startswith("7f") and answer.endswith("78"):
            done = uds_server.poll(self.state, self.config, self.now_ns)
            self.state = done.state
            answer = done.responses[0].hex() if done.responses else answer
        return answer

    def unlock(self) -> None:
        assert self.ask("1003")[:4] == "5003"
        assert self.ask("1002")[:4] == "5002"
        assert self.ask("2711") == "6711" + SEED.hex()
        assert self.ask("2712" + KEY.hex()) == "6712"
        assert self.ask("2ef15a" + b"workshop".hex()) == "6ef15a"

    def open(self) -> None:
        self.unlock()
        assert self.ask("3101ff00") == "7101ff0000"

    def request_download(self, offset: int, size: int) -> str:
        return self.ask(f"340044{FLASH_START + offset:08x}{size:08x}")

    def send(self, data: bytes, offset: int = 0) -> None:
        assert self.request_download(offset, len(data) - offset) == "74200102"
        for number, at in enumerate(range(offset, len(data), 256), 1):
            block = data[at : at + 256].hex()
            assert self.ask(f"36{number & 255:02x}{block}") == f"76{number & 255:02x}"
        assert self.ask("37") == "77"

    @property
    def version(self) -> str:
        return bytes.fromhex(self.ask("22f189")[6:]).decode()

    @property
    def progress(self) -> tuple[int, int]:
        told = bytes.fromhex(self.ask("220120")[6:])
        return int.from_bytes(told[:4], "big"), int.from_bytes(told[4:8], "big")


def test_the_whole_way() -> None:
    bench = Bench()
    bench.open()
    bench.send(IMAGE)
    assert bench.ask("31010202") == "7101020200"
    assert bench.ask("3101ff01") == "7101ff0100"
    assert bench.version == "1.0"
    assert bench.ask("1101") == "5101"
    assert bench.version == "3.0"
    assert bench.ask("220121") == "62012100000003"
    assert bytes.fromhex(bench.ask("22f15a")[6:]) == b"workshop"
    bench.unlock()
    assert bench.ask("31010203") == "7101020300"
    for _ in range(4):
        bench.power_on()
        assert bench.version == "3.0"


def test_a_program_that_nobody_confirms_is_gone_after_two_boots() -> None:
    bench = Bench()
    bench.open()
    bench.send(IMAGE)
    bench.ask("31010202")
    bench.ask("3101ff01")
    seen = []
    for _ in range(3):
        bench.power_on()
        seen.append(bench.version)
    assert seen == ["3.0", "3.0", "1.0"]


def test_a_program_on_trial_can_be_given_up_and_none_may_be_put_beside_it() -> None:
    bench = Bench()
    bench.open()
    bench.send(IMAGE)
    bench.ask("31010202")
    bench.ask("3101ff01")
    bench.ask("1101")
    bench.unlock()
    assert bench.ask("3101ff00") == "7f3122"
    assert bench.ask("31010204") == "7101020400"
    bench.ask("1101")
    assert bench.version == "1.0"
    bench.unlock()
    assert bench.ask("31010204") == "7f3122"


WRONG: list[tuple[str, Callable[[Bench], str], str]] = [
    ("wrong_counter", lambda b: b.ask("3602" + "00" * 64), "7f3673"),
    ("early_exit", lambda b: b.ask("37"), "7f3724"),
    ("too_much", lambda b: b.ask("3601" + "00" * 65), "7f3671"),
    ("block_too_long", lambda b: b.ask("3601" + "00" * 257), "7f3613"),
    ("no_block", lambda b: b.ask("36"), "7f3613"),
    ("twice_begun", lambda b: b.request_download(0, 64), "7f3422"),
    ("check_too_early", lambda b: b.ask("31010202"), "7101020201"),
    ("activate_too_early", lambda b: b.ask("3101ff01"), "7101ff0101"),
]


@pytest.mark.parametrize(("act", "answer"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_wrong_steps_of_a_transfer(act: Callable[[Bench], str], answer: str) -> None:
    bench = Bench()
    bench.open()
    assert bench.request_download(0, 64) == "74200102"
    assert act(bench) == answer
    # None of them has spoilt the transfer.
    assert bench.ask("3601" + "00" * 64) == "7601"
    assert bench.ask("37") == "77"


def test_a_block_that_comes_again_is_taken_once() -> None:
    bench = Bench()
    bench.open()
    assert bench.request_download(0, len(IMAGE)) == "74200102"
    for number, at in enumerate(range(0, len(IMAGE), 256), 1):
        for _ in range(3):
            assert bench.ask(f"36{number:02x}" + IMAGE[at : at + 256].hex()) == f"76{number:02x}"
    assert bench.ask("37") == "77"
    assert bench.ask("31010202") == "7101020200"


def test_the_counter_goes_round() -> None:
    long = image(3, 1200)
    bench = Bench()
    bench.config = replace(bench.config, block_length=66)
    bench.open()
    assert bench.request_download(0, len(long)) == "74200042"
    assert len(long) > 64 * 260
    for number, at in enumerate(range(0, len(long), 64), 1):
        counter = f"{number & 255:02x}"
        assert bench.ask("36" + counter + long[at : at + 64].hex()) == "76" + counter
    assert bench.ask("37") == "77"
    assert bench.ask("31010202") == "7101020200"


@pytest.mark.parametrize(
    ("offset", "size"), [(-1, 64), (0, 1 << 20), (32 * 1024, 1), (-FLASH_START, 64)]
)
def test_out_of_range(offset: int, size: int) -> None:
    bench = Bench()
    bench.open()
    assert bench.request_download(offset, size) == "7f3431"
    assert (
        bench.ask(f"342044{FLASH_START:08x}00000040") == "7f3431"
    )  # packed in a way that nobody knows
    assert bench.ask("3601" + "00" * 64) == "7f3624"  # transfer without download
    assert bench.ask("37") == "7f3724"


def test_steps_out_of_order() -> None:
    bench = Bench()
    assert bench.ask("3101ff00") == "7f3131"  # not in the default session
    assert bench.ask("1002") == "7f107e"  # not from the default session
    assert bench.ask(f"340044{FLASH_START:08x}00000040") == "7f347f"
    bench.ask("1003")
    bench.ask("1002")
    for request in ("3101ff00", f"340044{FLASH_START:08x}00000040", "2ef15a00"):
        assert bench.ask(request) == f"7f{request[:2]}33"  # locked
    bench.ask("2711")
    bench.ask("2712" + KEY.hex())
    assert bench.ask("3101ff00") == "7f3124"  # nobody has signed in
    bench.ask("2ef15a" + "00" * 8)
    assert bench.ask("2ef15a" + "00" * 65) == "7f2e31"
    assert bench.request_download(0, 64) == "7f3470"  # not erased
    assert bench.ask("31010203") == "7101020300"  # what runs is confirmed already


def test_three_wrong_keys_lock_for_ten_seconds_also_over_a_reset() -> None:
    bench = Bench()
    bench.ask("1003")
    bench.ask("1002")
    answers = []
    for _ in range(3):
        bench.ask("2711")
        answers.append(bench.ask("2712" + "00" * 16))
    assert answers == ["7f2735", "7f2735", "7f2736"]
    assert bench.ask("2711") == "7f2737"
    bench.ask("1101")
    bench.ask("1003")
    bench.ask("1002")
    assert bench.ask("2711") == "7f2737"
    bench.now_ns += 10_000 * MS
    bench.ask("1003")
    bench.ask("1002")
    assert bench.ask("2711")[:4] == "6711"


@pytest.mark.parametrize(
    ("supply_v", "nrc"), [(11.0, "93"), (16.0, "92"), (float("nan"), "22"), (12.0, "")]
)
def test_no_flash_without_a_sound_supply(supply_v: float, nrc: str) -> None:
    bench = Bench()
    bench.open()
    bench.values["supply_v"] = supply_v
    assert bench.ask("3101ff00") == (f"7f31{nrc}" if nrc else "7101ff0000")
    assert bench.request_download(0, 64) == (f"7f34{nrc}" if nrc else "74200102")
    bench.values["supply_v"] = 12.9
    if nrc:
        bench.request_download(0, 64)
    bench.values["supply_v"] = supply_v
    assert bench.ask("3601" + "00" * 64) == (f"7f36{nrc}" if nrc else "7601")
    bench.values["supply_v"] = 12.9
    assert bench.ask("3601" + "00" * 64) == "7601"  # it goes on when the supply is back


def test_a_session_that_falls_silent_ends_the_transfer_which_goes_on_later() -> None:
    bench = Bench()
    bench.open()
    bench.request_download(0, len(IMAGE))
    for number, at in enumerate(range(0, 1280, 256), 1):
        bench.ask(f"36{number:02x}" + IMAGE[at : at + 256].hex())
    bench.now_ns += 5_000 * MS
    assert bench.ask("3606" + "00" * 256) == "7f367f"
    assert bench.progress == (1024, len(IMAGE))
    bench.unlock()
    assert bench.request_download(512, len(IMAGE) - 512) == "7f3470"  # not where it was
    bench.send(IMAGE, 1024)
    assert bench.ask("31010202") == "7101020200"


def test_tester_present_keeps_the_session() -> None:
    bench = Bench()
    bench.open()
    bench.request_download(0, 64)
    for _ in range(5):
        bench.now_ns += 2_000 * MS
        assert bench.ask("3e80") == ""
    assert bench.ask("3601" + "00" * 64) == "7601"


def test_reset_in_the_midst_of_an_erase_leaves_the_bootloader_and_programming_begins_anew() -> None:
    bench = Bench()
    bench.unlock()
    assert bench.start("3101ff00") == "7f3178"
    done = uds_server.poll(bench.state, bench.config, bench.now_ns)
    assert not done.responses
    bench.power_on()
    assert bench.version == "1.0"
    bench.unlock()
    assert bench.request_download(0, 64) == "7f3470"
    assert bench.ask("3101ff00") == "7101ff0000"
    bench.send(IMAGE)
    assert bench.ask("31010202") == "7101020200"


def test_a_unit_whose_programs_are_both_broken_is_a_bootloader_that_can_be_programmed() -> None:
    bench = Bench()
    assert bench.flash is not None
    content = bytearray(bench.flash.content)
    content[8 * 1024 + 70] ^= 1
    bench = Bench(MemoryFlash(GEOMETRY, bytes(content)))
    assert bench.boot.running is None
    assert bench.version == "boot"
    assert bench.ask("220121") == "620121ffffffff"
    assert bench.ask("220100") == "620100ffff"  # it measures nothing
    bench.ask("1003")
    assert bench.ask("31010301") == "7101030101"  # the self test tells it
    bench.open()
    bench.send(IMAGE)
    assert bench.ask("31010202") == "7101020200"
    assert bench.ask("3101ff01") == "7101ff0100"
    bench.ask("1101")
    assert bench.version == "3.0"


def test_dependencies_are_those_of_what_will_run() -> None:
    bench = Bench()
    bench.open()
    bench.send(image(3, drive=7))
    bench.ask("31010202")
    bench.releases["drive"] = 6
    assert bench.ask("3101ff01") == "7101ff0107"
    bench.releases["drive"] = 7
    assert bench.ask("3101ff01") == "7101ff0100"


class Worn(MemoryFlash):
    """A device that takes nothing any more."""

    worn = False

    def write(self, offset: int, data: bytes) -> None:
        if self.worn:
            raise OSError("worn out")
        super().write(offset, data)


def test_a_device_that_fails_is_told_of() -> None:
    flash = Worn(GEOMETRY)
    bootloader(flash, WHO).provision(first_image(WHO, "1.0", Tables()))
    bench = Bench(flash)
    bench.open()
    bench.request_download(0, 128)
    flash.worn = True
    assert bench.ask("3601" + "00" * 64) == "7f3672"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "1001", "1002", "1003", "2711", "2712" + KEY.hex(), "2ef15a00", "3101ff00",
                f"340044{FLASH_START:08x}00000040", "3601" + "00" * 64, "3602" + "11" * 64, "37",
                "31010202", "3101ff01", "31010203", "31010204", "1101", "3e80", "POWER", "WAIT",
            ]
        ),
        max_size=40,
    )
)  # fmt: skip
def test_whatever_a_tester_does_an_image_that_is_none_never_runs(requests: list[str]) -> None:
    bench = Bench()
    for request in requests:
        if request == "POWER":
            bench.power_on()
        elif request == "WAIT":
            bench.now_ns += 6_000 * MS
        else:
            bench.ask(request)
    bench.power_on()
    assert bench.version == "1.0"
