"""The scanner and fuzzer gallia, unmodified, from its command line against the DoIP entity.

It shall find what is declared and nothing else, and never a timeout or an answer that it cannot read.
"""

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.caros.diagnostics.car import DRIVE, entity, units
from tests.marks import soaked
from tests.peers import peer
from volant.caros.diagnostics import DoipEntity, DoipTester, NegativeResponseError, Unit
from volant.vehicle.boot.flashing import DELTA, PROGRAMS, PROGRESS, RELEASE, TRUSTED
from volant.vehicle.ecus import CIRCUMSTANCES, ECUS, KNOWN_DIDS, NOTE, SELF_TEST
from volant.wire.uds import Nrc, Sid

peer("gallia")
GALLIA = Path(sys.executable).with_name("gallia")
DEFAULT = {"10", "11", "14", "19", "22", "2e", "31", "3e"}
EXTENDED = DEFAULT | {"27", "28", "85"}
PROGRAMMING = EXTENDED | {"34", "36", "37"}
ADDRESSES = [spec.address for spec in ECUS]
DRIVE_FIRST = sorted(ADDRESSES, key=lambda address: address != DRIVE)
FUZZED = [
    (address, service, number)
    for address in DRIVE_FIRST
    for service, number in (("0x2e", NOTE), ("0x2e", 0xF190), ("0x31", SELF_TEST))
]
PDUS = -(-10_000 // len(FUZZED))
"""Of each run, so that the soak of all units comes to 10 000 through gallia."""


@pytest.fixture
def served() -> Iterator[DoipEntity]:
    with entity() as one:
        yield one


def gallia(folder: Path, *words: str) -> str:
    """What gallia says; it must end well."""
    command = [str(GALLIA), *words, "--no-volatile-info", "--artifacts-base", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    return done.stderr + done.stdout


def target(served: DoipEntity, address: int = DRIVE) -> list[str]:
    place = f"doip://127.0.0.1:{served.port}?src_addr=0x0e00&activation_type=0"
    return ["--no-dumpcap", "--no-properties", "--target", f"{place}&target_addr={address:#x}"]


def found_services(said: str) -> dict[str, set[str]]:
    """Services by session; nothing may have been left unanswered or unread."""
    assert "timeout" not in said
    assert "needs to be investigated" not in said
    return {
        part[:2]: set(re.findall(r"\[0x([0-9a-f]{2})\]", part))
        for part in said.split("findings in session 0x")[1:]
    }


@pytest.mark.parametrize("address", soaked(ADDRESSES, first=2))
def test_only_declared_services_are_found(served: DoipEntity, address: int, tmp_path: Path) -> None:
    words = ["scan", "uds", "services", *target(served, address), "--sessions", "1", "3"]
    assert found_services(gallia(tmp_path, *words)) == {"01": DEFAULT, "03": EXTENDED}


@pytest.mark.parametrize("address", soaked(DRIVE_FIRST))
def test_only_declared_services_are_found_while_programming(address: int, tmp_path: Path) -> None:
    """gallia enters no session by way of another, so it finds the unit where it shall scan."""
    config = replace(units()[address].config, s3_ns=60 * 10**9)
    with entity({address: Unit(config)}) as served:
        with DoipTester(port=served.port) as tester:
            tester.ask(address, b"\x10\x03")
            tester.ask(address, b"\x10\x02")
        said = gallia(tmp_path, "scan", "uds", "services", *target(served, address))
    assert found_services(said) == {"02": PROGRAMMING}


@pytest.mark.parametrize("address", soaked(DRIVE_FIRST))
def test_only_declared_sessions_are_found(served: DoipEntity, address: int, tmp_path: Path) -> None:
    words = ["scan", "uds", "sessions", *target(served, address), "--depth", "2", "--sleep", "0"]
    assert set(re.findall(r"\* Session (0x\w+)", gallia(tmp_path, *words))) == {
        "0x01",
        "0x02",
        "0x03",
    }


def own_dids(address: int) -> set[int]:
    (spec,) = (one for one in ECUS if one.address == address)
    programming = {PROGRESS, RELEASE, PROGRAMS, TRUSTED, DELTA}
    return {NOTE, *programming, *(value.did for value in (*CIRCUMSTANCES, *spec.values))}


@pytest.mark.parametrize(
    ("address", "first", "last"),
    soaked(
        [
            (address, first, last)
            for address in DRIVE_FIRST
            for first, last in ((0xF180, 0xF1A0), (0x0100, 0x0A00))
        ],
        first=2,
    ),
)
def test_only_declared_identifiers_are_found(
    served: DoipEntity, address: int, first: int, last: int, tmp_path: Path
) -> None:
    words = ["scan", "uds", "identifiers", *target(served, address), "--sessions", "1"]
    said = gallia(tmp_path, *words, "--start", hex(first), "--end", hex(last))
    found = {int(did, 16) for did in re.findall(r"(0x\w{4}): ReadData", said)}
    assert found == (set(KNOWN_DIDS) if first == 0xF180 else own_dids(address))
    assert "Abnormal replies: 0" in said
    assert "Timeouts: 0" in said


@pytest.mark.parametrize("address", soaked(DRIVE_FIRST))
def test_only_declared_resets_are_found(served: DoipEntity, address: int, tmp_path: Path) -> None:
    said = gallia(tmp_path, "scan", "uds", "reset", *target(served, address), "--sessions", "1")
    assert "ok: [1, 3]" in said
    assert "timeout: []" in said
    assert "with error: []" in said


@pytest.mark.parametrize(("address", "service", "number"), soaked(FUZZED, first=3))
def test_its_fuzzer_gets_an_answer_to_all(
    served: DoipEntity, address: int, service: str, number: int, tmp_path: Path
) -> None:
    place = target(served, address)
    words = ["fuzz", "uds", "pdu", *place, "--sessions", "3", "--dids", hex(number)]
    said = gallia(tmp_path, *words, "--service", service, "--iterations", str(PDUS))
    assert "Timeouts: 0" in said
    assert "Illegal replies: 0" in said


def test_discovery_finds_the_car_and_all_its_units(served: DoipEntity, tmp_path: Path) -> None:
    place = f"doip://127.0.0.1:{served.port}?activation_type=0&src_addr=0x0e00"
    limits = ["--start", "0x0ff0", "--stop", "0x1020"]
    said = gallia(tmp_path, "discover", "doip", "--target", place, *limits)
    assert "Identification please" in said
    assert "This DoIP entity is a" in said
    found = set(re.findall(r"(0x\w+) responded: TesterPresent", said))
    assert found == {hex(address) for address in ADDRESSES}


@pytest.mark.parametrize("address", soaked(DRIVE_FIRST))
def test_ten_thousand_random_requests_are_each_answered_well(
    served: DoipEntity, address: int
) -> None:
    """Our own fuzzer, for all services: random bytes, most of them behind the number of a service."""
    chance = random.Random(4)
    known = [int(sid) for sid in Sid]
    supported: set[int] = set()
    with DoipTester(port=served.port, timeout_s=20.0) as tester:
        for _ in range(10_000):
            sid = chance.choice(known) if chance.random() < 0.8 else chance.randrange(256)
            body = chance.randbytes(chance.choice((0, 1, 1, 2, 3, 4, 5, 8, 40)))
            if body:  # without the suppress bit, so that an answer comes
                body = bytes((body[0] & 0x7F,)) + body[1:]
            nrc = refusal_of(tester, address, bytes((sid,)) + body)
            assert nrc is None or nrc in set(Nrc)
            if nrc != Nrc.SERVICE_NOT_SUPPORTED:
                supported.add(sid)
        assert tester.read_data(address, 0xF186)
    assert supported == set(known)


def refusal_of(tester: DoipTester, address: int, request: bytes) -> int | None:
    try:
        tester.ask(address, request)
    except NegativeResponseError as refusal:
        return refusal.nrc
    return None
