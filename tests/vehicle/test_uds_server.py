"""The UDS server: order of checks, sessions, security, silence, long work, downloads."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.vehicle import uds_server
from volant.vehicle.faults import FaultMemory, FaultSpec
from volant.vehicle.uds_config import (
    MS,
    DataId,
    Later,
    Routine,
    SecurityLevel,
    ServerConfig,
    UdsState,
)
from volant.wire.uds import Nrc, Sid

CODE = 0xC10087
EVERY = frozenset({1, 2, 3})


@dataclass
class Memory:
    """A flash that keeps what was written."""

    size: int = 0
    image: bytearray = field(default_factory=bytearray)

    def begin(self, address: int, size: int) -> Nrc | None:
        if address != 0x1000:
            return Nrc.REQUEST_OUT_OF_RANGE
        self.size, self.image = size, bytearray()
        return None

    def write(self, offset: int, block: bytes) -> Nrc | None:
        assert offset == len(self.image)
        self.image += block
        return None

    def finish(self) -> bytes:
        return b"\xaa"


class Bench:
    """A server on a bench, with a clock in the hand."""

    def __init__(self, **more: object) -> None:
        self.faults = FaultMemory((FaultSpec(CODE, "lost", "frames are missing", (0x0100,)),))
        self.flash = Memory()
        self.note = b"\0\0"
        self.work: bytes | None = None
        self.now_ns = 0
        self.state = UdsState()
        self.reset = 0
        self.forbidden: Nrc | None = None
        self.config = ServerConfig(
            dids={
                0x0100: DataId(name="fixed", read=lambda: b"\x12\x34"),
                0x0101: DataId(
                    name="note",
                    read=lambda: self.note,
                    write=self.write_note,
                    write_length=2,
                    write_level=1,
                ),
                0x0102: DataId(name="secret", read=lambda: b"!", read_level=1),
                0x0103: DataId(name="long", read=lambda: bytes(4096)),
                0x0104: DataId(name="inside", read=lambda: b"i", read_sessions=frozenset({3})),
            },
            routines={
                0x0200: Routine(
                    name="work", start=lambda _: Later(lambda _now: self.work), sessions=EVERY
                ),
                0x0201: Routine(name="echo", start=lambda o: o[::-1], option_length=2),
                0x0202: Routine(name="locked", start=lambda _: b"", level=1),
            },
            security={
                1: SecurityLevel(seed=lambda: b"\x01\x02", key=lambda seed: seed[::-1]),
                0x11: SecurityLevel(seed=lambda: b"\x03", key=lambda seed: seed + b"\x04"),
            },
            faults=self.faults,
            flash=self.flash,
            sessions={1: EVERY, 2: frozenset({2, 3}), 3: EVERY},
            controls_communication=True,
            permit=lambda _sid, _what: self.forbidden,
            block_length=6,
            **more,  # type: ignore[arg-type]
        )

    def write_note(self, record: bytes) -> Nrc | None:
        if record == b"\xff\xff":
            return Nrc.REQUEST_OUT_OF_RANGE
        self.note = record
        return None

    def ask(self, request: str, *, functional: bool = False, tester: str = "t:1") -> str:
        """All answers to a request, in hex, separated by commas."""
        done = uds_server.step(
            self.state,
            bytes.fromhex(request),
            self.config,
            self.now_ns,
            functional=functional,
            tester=tester,
        )
        self.state, self.reset = done.state, done.reset
        return ",".join(answer.hex() for answer in done.responses)

    def poll(self) -> str:
        done = uds_server.poll(self.state, self.config, self.now_ns)
        self.state = done.state
        return ",".join(answer.hex() for answer in done.responses)

    def unlock(self) -> None:
        self.ask("1003")
        self.ask("2701")
        assert self.ask("2702 0201") == "6702"


# request, answer in the default session, answer in the extended session
CHECKS = [
    ("10", "7f1013", "7f1013"),
    ("1005", "7f1012", "7f1012"),
    ("1002", "7f107e", "5002003201f4"),
    ("100300", "7f1013", "7f1013"),
    ("1101", "5101", "5101"),
    ("1102", "7f1112", "7f1112"),
    ("3e00", "7e00", "7e00"),
    ("3e01", "7f3e12", "7f3e12"),
    ("3e0000", "7f3e13", "7f3e13"),
    ("22", "7f2213", "7f2213"),
    ("220100 01", "7f2213", "7f2213"),
    ("220100", "6201001234", "6201001234"),
    ("220100 9999 f186", "6201001234f18601", "6201001234f18603"),
    ("229999", "7f2231", "7f2231"),
    ("220102", "7f2233", "7f2233"),
    ("220103", "7f2214", "7f2214"),
    ("220104", "7f2231", "62010469"),
    ("2e0101", "7f2e13", "7f2e13"),
    ("2e0100 00", "7f2e31", "7f2e31"),
    ("2e0101 0000", "7f2e31", "7f2e33"),
    ("2e0101 00", "7f2e31", "7f2e13"),
    ("2701", "7f277f", "67010102"),
    ("2703", "7f277f", "7f2712"),
    ("2702 0201", "7f277f", "7f2724"),
    ("280001", "7f287f", "6800"),
    ("280301", "7f287f", "6803"),
    ("280101 00", "7f287f", "7f2813"),
    ("280007", "7f287f", "7f2831"),
    ("280401", "7f287f", "7f2812"),
    ("31", "7f3113", "7f3113"),
    ("3101 02", "7f3113", "7f3113"),
    ("3104 0201", "7f3112", "7f3112"),
    ("3101 0201", "7f3131", "7f3113"),
    ("3101 0201 aabb", "7f3131", "71010201bbaa"),
    ("3102 0201", "7f3131", "7f3112"),
    ("3101 0202", "7f3131", "7f3133"),
    ("3101 9999", "7f3131", "7f3131"),
    ("34", "7f347f", "7f347f"),
    ("3601", "7f367f", "7f367f"),
    ("37", "7f377f", "7f377f"),
    ("8501", "7f857f", "c501"),
    ("8503", "7f857f", "7f8512"),
    ("1901ff", "5901ff000001", "5901ff000001"),
    ("190210", "5902ffc1008750", "5902ffc1008750"),
    ("190208", "5902ff", "5902ff"),
    ("1902", "7f1913", "7f1913"),
    ("190a", "590affc1008750", "590affc1008750"),
    ("1903", "5903", "5903"),
    ("1904 c10087 ff", "5904c1008750", "5904c1008750"),
    ("1904 c10088 ff", "7f1931", "7f1931"),
    ("1904 c10087 07", "7f1931", "7f1931"),
    ("1906 c10087 ff", "5906c100875001000200", "5906c100875001000200"),
    ("1906 c10087 01", "5906c10087500100", "5906c10087500100"),
    ("1907", "7f1912", "7f1912"),
    ("14ffffff", "54", "54"),
    ("14c10087", "54", "54"),
    ("14123456", "7f1431", "7f1431"),
    ("14ffff", "7f1413", "7f1413"),
    ("14ffffff00", "7f1413", "7f1413"),
    ("00", "7f0011", "7f0011"),
    ("2f0100", "7f2f11", "7f2f11"),
    ("ba", "7fba11", "7fba11"),
    ("7f", "7f7f11", "7f7f11"),
]


@pytest.mark.parametrize(("request_", "default", "extended"), CHECKS, ids=[c[0] for c in CHECKS])
def test_each_check_comes_in_its_order(request_: str, default: str, extended: str) -> None:
    assert Bench().ask(request_) == default
    bench = Bench()
    assert bench.ask("1003") == "5003003201f4"
    assert bench.ask(request_) == extended


@pytest.mark.parametrize("request_", ["ba", "1005", "1002", "2701", "229999", "3101 9999"])
def test_all_units_are_not_told_that_one_cannot(request_: str) -> None:
    assert Bench().ask(request_, functional=True) == ""


@pytest.mark.parametrize(("request_", "answer"), [("1003 00", "7f1013"), ("220102", "7f2233")])
def test_other_refusals_are_told_also_when_all_were_asked(request_: str, answer: str) -> None:
    assert Bench().ask(request_, functional=True) == answer


def test_a_positive_answer_is_left_out_when_asked_and_a_refusal_is_not() -> None:
    bench = Bench()
    assert bench.ask("1083") == ""
    assert bench.ask("22f186") == "62f18603"
    assert bench.ask("1085") == "7f1012"
    assert bench.ask("3e80") == ""
    assert bench.ask("") == ""


def test_a_session_ends_after_s3_and_tester_present_keeps_it() -> None:
    bench = Bench()
    bench.ask("1003")
    for _ in range(3):
        bench.now_ns += 4_999 * MS
        assert bench.ask("3e80") == ""
    assert bench.ask("22f186") == "62f18603"
    bench.now_ns += 5_000 * MS
    assert bench.poll() == ""
    assert bench.ask("22f186") == "62f18601"


def test_one_testers_session_is_not_anothers() -> None:
    bench = Bench()
    bench.ask("1003")
    assert bench.ask("220100", tester="t:2") == "7f2221"
    bench.now_ns += 4_000 * MS
    assert bench.ask("3e80", tester="t:2") == ""
    bench.now_ns += 1_000 * MS
    assert bench.ask("220100", tester="t:2") == "6201001234"


def test_security_opens_what_is_locked_until_the_session_changes() -> None:
    bench = Bench()
    bench.unlock()
    assert bench.ask("220102") == "62010221"
    assert bench.ask("2e0101 abcd") == "6e0101"
    assert bench.ask("2e0101 ffff") == "7f2e31"
    assert bench.ask("220101") == "620101abcd"
    assert bench.ask("2701") == "67010000"  # zeros: it is open
    bench.ask("1003")
    assert bench.ask("220102") == "7f2233"


def test_a_seed_is_good_for_one_key_of_its_level() -> None:
    bench = Bench()
    bench.ask("1003")
    bench.ask("2701")
    assert bench.ask("2712 0304") == "7f2724"
    assert bench.ask("2702 02") == "7f2713"
    assert bench.ask("2702 0101") == "7f2735"
    assert bench.ask("2702 0201") == "7f2724"


def test_guessing_keys_is_slowed_down_also_by_a_reset() -> None:
    bench = Bench()
    bench.ask("1003")
    for answer in ("7f2735", "7f2735", "7f2736"):
        bench.ask("2701")
        assert bench.ask("2702 0000") == answer
    assert bench.ask("2701") == "7f2737"
    bench.ask("1101")
    bench.ask("1003")
    assert bench.ask("2701") == "7f2737"
    bench.now_ns += 10_000 * MS
    bench.ask("1003")
    assert bench.ask("2701") == "67010102"


def test_long_work_is_told_of_and_answered_in_the_end() -> None:
    bench = Bench()
    assert bench.ask("3101 0200") == "7f3178"
    assert bench.ask("220100") == "7f2221"
    assert bench.ask("3e80") == ""
    bench.now_ns += 3_000 * MS
    assert bench.poll() == ""
    bench.now_ns += 1_000 * MS
    assert bench.poll() == "7f3178"
    bench.work = b"\x07"
    assert bench.poll() == "7101020007"
    assert bench.ask("220100") == "6201001234"


def test_work_that_never_ends_is_given_up() -> None:
    bench = Bench()
    bench.ask("3101 0200")
    bench.now_ns += 300_000 * MS
    assert bench.poll() == "7f3110"
    assert bench.poll() == ""


def test_work_that_is_done_at_once_needs_no_waiting() -> None:
    bench = Bench()
    bench.work = b"\x01"
    assert bench.ask("3101 0200") == "7101020001"


def test_a_session_lasts_as_long_as_its_work() -> None:
    bench = Bench()
    bench.ask("1003")
    bench.ask("3101 0200")
    bench.now_ns += 60_000 * MS
    bench.work = b""
    assert bench.poll() == "71010200"
    assert bench.ask("22f186") == "62f18603"


def test_codes_and_frames_are_read_and_cleared() -> None:
    bench = Bench()
    bench.faults.report(CODE, True, 5, {0x0100: b"\xab\xcd"})
    assert bench.ask("190108") == "5901ff000001"
    assert bench.ask("190209") == "5902ffc100872f"
    assert bench.ask("1903") == "5903c1008701c1008702"
    assert bench.ask("1904 c10087 01") == "5904c100872f01010100abcd"
    assert bench.ask("1906 c10087 01") == "5906c100872f0101"
    assert bench.ask("14ffffff") == "54"
    assert bench.ask("1902af") == "5902ff"


def test_codes_are_off_until_the_session_ends() -> None:
    bench = Bench()
    bench.ask("1003")
    assert bench.ask("8502") == "c502"
    assert not bench.faults.recording
    bench.now_ns += 5_000 * MS
    bench.poll()
    assert bench.faults.recording


def test_communication_is_off_until_the_session_ends() -> None:
    bench = Bench()
    bench.ask("1003")
    bench.ask("280301")
    assert not bench.state.sends
    bench.ask("1001")
    assert bench.state.sends


def test_a_reset_is_told_to_the_caller_and_locks_all() -> None:
    bench = Bench()
    bench.unlock()
    assert bench.ask("1101") == "5101"
    assert bench.reset == 1
    assert bench.ask("22f186") == "62f18601"
    bench.ask("1183")
    assert bench.reset == 3


def test_nothing_acts_where_the_caller_forbids_it() -> None:
    bench = Bench()
    bench.unlock()
    bench.forbidden = Nrc.CONDITIONS_NOT_CORRECT
    acts = ("1003", "1101", "280301", "8502", "3101 0200", "14ffffff", "2e0101 1122")
    for request in acts:
        assert bench.ask(request) == f"7f{request[:2]}22"
    assert bench.ask("220100") == "6201001234"
    assert bench.note == b"\0\0"


@pytest.mark.parametrize("prepared", ["1002", "8502", "280301", "280101"])
def test_what_was_prepared_is_undone_when_the_caller_forbids_it(prepared: str) -> None:
    bench = Bench()
    bench.ask("1003")
    bench.ask(prepared)
    assert uds_server.next_due_ns(bench.state) == 0
    assert bench.poll() == ""
    assert bench.state.session != 1
    bench.forbidden = Nrc.CONDITIONS_NOT_CORRECT
    assert bench.poll() == ""
    assert bench.state == UdsState()
    assert bench.faults.recording


def test_keeping_a_session_alive_does_not_keep_what_is_forbidden() -> None:
    bench = Bench()
    bench.ask("1003")
    bench.ask("8502")
    bench.forbidden = Nrc.CONDITIONS_NOT_CORRECT
    bench.ask("3e80")
    assert bench.faults.recording
    assert bench.ask("22f186") == "62f18601"


def test_a_session_that_changes_nothing_outlasts_what_the_caller_forbids() -> None:
    bench = Bench()
    bench.ask("1003")
    bench.forbidden = Nrc.CONDITIONS_NOT_CORRECT
    bench.poll()
    assert bench.ask("22f186") == "62f18603"


def test_a_download_stops_where_the_caller_forbids_it() -> None:
    bench = Bench()
    program(bench)
    bench.ask("3400 22 1000 0004")
    assert bench.ask("3601 00010203") == "7601"
    # One that lets the session be still refuses each block, and the end.
    config = bench.config
    bench.config = replace(
        config, permit=lambda sid, _: None if sid is Sid.SESSION else Nrc.CONDITIONS_NOT_CORRECT
    )
    assert bench.ask("3602 04") == "7f3622"
    assert bench.ask("37") == "7f3722"
    bench.config = config
    bench.forbidden = Nrc.CONDITIONS_NOT_CORRECT
    assert bench.ask("37") == "7f377f"
    assert bench.state.download is None
    assert bench.flash.image == bytes(range(4))


def program(bench: Bench) -> None:
    bench.ask("1003")
    bench.ask("1002")


def test_an_image_is_downloaded_block_by_block() -> None:
    bench = Bench()
    program(bench)
    assert bench.ask("3601 00") == "7f3624"
    assert bench.ask("3400 22 1000 0009") == "74200006"
    assert bench.ask("3400 22 1000 0009") == "7f3422"
    assert bench.ask("3601 00010203") == "7601"
    assert bench.ask("3601 00010203") == "7601"  # its answer was lost
    assert bench.ask("3603 00010203") == "7f3673"
    assert bench.ask("3601 99999999") == "7f3673"
    assert bench.ask("3602 0405060708") == "7f3613"  # longer than said
    assert bench.ask("37") == "7f3724"
    assert bench.ask("3602 04050607") == "7602"
    assert bench.ask("3603 0809") == "7f3671"  # more than announced
    assert bench.ask("3603 08") == "7603"
    assert bench.ask("3700") == "7f3713"
    assert bench.ask("37") == "77aa"
    assert bench.ask("37") == "7f3724"
    assert bench.flash.image == bytes(range(9))


def test_the_block_counter_wraps() -> None:
    bench = Bench()
    program(bench)
    bench.ask("3400 22 1000 0200")
    for number in range(1, 513):
        counter = f"{number & 0xFF:02x}"
        assert bench.ask(f"36{counter} {counter}") == f"76{counter}"
    assert bench.ask("37") == "77aa"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("3400", "7f3413"),
        ("3400 22 1000", "7f3413"),
        ("3400 22 1000 000900", "7f3413"),
        ("3400 00 1000 0009", "7f3431"),
        ("3400 2f 1000 0009", "7f3431"),
        ("3410 22 1000 0009", "7f3431"),
        ("3400 22 1000 0000", "7f3431"),
        ("3400 22 2000 0009", "7f3431"),
    ],
)
def test_a_download_that_cannot_be_is_refused(request_: str, answer: str) -> None:
    bench = Bench()
    program(bench)
    assert bench.ask(request_) == answer


def test_a_session_change_ends_a_download() -> None:
    bench = Bench()
    program(bench)
    bench.ask("3400 22 1000 0009")
    bench.ask("1002")
    assert bench.ask("3601 00") == "7f3624"


def test_a_server_with_little_to_offer_supports_little() -> None:
    assert uds_server.offered(ServerConfig(resets=frozenset())) == {
        Sid.SESSION,
        Sid.READ_DATA,
        Sid.TESTER_PRESENT,
    }


HEADS = st.sampled_from(
    [bytes((sid,)) for sid in uds_server.SERVICES]
    + [bytes.fromhex(head) for head in ("1003", "1002", "2701", "2702", "31010200", "340022")]
    + [b"\x34\x00\x22\x10\x00", b"\x36\x01", b"\x22\x01", b"\x2e\x01\x01", b""]
)
TAILS = st.one_of(st.binary(max_size=6), st.binary(max_size=40))


@settings(max_examples=200)
@given(st.lists(st.tuples(HEADS, TAILS, st.booleans(), st.integers(0, 2_000)), max_size=40))
def test_whatever_is_asked_the_answer_is_valid(
    asked: list[tuple[bytes, bytes, bool, int]],
) -> None:
    bench = Bench()
    for head, tail, functional, waits_ms in asked:
        bench.now_ns += waits_ms * MS
        request = head + tail
        answers = bench.ask(request.hex(), functional=functional)
        for answer in filter(None, answers.split(",")):
            check_answer(request[0], bytes.fromhex(answer))
        if bench.state.pending and waits_ms > 1_000:
            bench.work = b"\x01"
            assert bench.poll() != ""
            bench.work = None


def check_answer(sid: int, answer: bytes) -> None:
    if answer[0] == 0x7F:
        assert len(answer) == 3
        assert answer[1] == sid
        assert answer[2] in set(Nrc)
    else:
        assert answer[0] == sid + 0x40
        assert len(answer) <= 4095
