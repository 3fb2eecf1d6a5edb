"""The filter of system calls, run by an interpreter of classic BPF of our own (Linux, net/core/filter.c)."""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.apps.isolation.seccomp import (
    ARCHITECTURES,
    CLONE,
    CLONE3,
    DENIED,
    IOCTL,
    NEWEST,
    OTHERS,
    SOCKETPAIR,
    program,
)

ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
MACHINES = list(ARCHITECTURES)
SPECIAL = (CLONE, CLONE3, IOCTL, SOCKETPAIR, *((a, b) for a, b, _ in OTHERS.values()))
Arguments = tuple[int, ...]


def judged(machine: str, number: int, arguments: Arguments = (0,) * 6, arch: int = 0) -> int:
    """What the filter says of a call."""
    data = struct.pack("<IIQ6Q", number, arch or ARCHITECTURES[machine], 0, *arguments)
    code = list(struct.iter_unpack("=HBBI", program(machine)))
    at, word = 0, 0
    for _ in range(len(code)):
        operation, yes, no, constant = code[at]
        at += 1
        match operation:
            case 0x20:
                (word,) = struct.unpack_from("<I", data, constant)
            case 0x54:
                word &= constant
            case 0x15:
                at += yes if word == constant else no
            case 0x25:
                at += yes if word > constant else no
            case 0x45:
                at += yes if word & constant else no
            case 0x06:
                return int(constant)
            case _:
                raise AssertionError(f"operation {operation:#x}")
    raise AssertionError("the filter does not end")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", sorted(DENIED))
def test_what_is_denied_is_refused(machine: str, name: str) -> None:
    number = DENIED[name][MACHINES.index(machine)]
    if number >= 0:
        assert judged(machine, number) == REFUSE | errno.EPERM


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, NEWEST))
def test_all_else_that_is_known_passes(machine: str, number: int) -> None:
    column = MACHINES.index(machine)
    special = {row[column] for row in (*DENIED.values(), *SPECIAL)}
    if number not in special:
        assert judged(machine, number) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(NEWEST + 1, (1 << 32) - 1))
def test_what_came_later_does_not_exist(machine: str, number: int) -> None:
    assert judged(machine, number) == REFUSE | errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@given(arch=st.integers(1, (1 << 32) - 1), number=st.integers(0, 500))
def test_another_machine_s_calls_end_the_process(machine: str, arch: int, number: int) -> None:
    if arch != ARCHITECTURES[machine]:
        assert judged(machine, number, arch=arch) == KILL


@pytest.mark.parametrize("machine", MACHINES)
@given(flags=st.integers(0, (1 << 64) - 1))
def test_a_fork_passes_and_a_namespace_does_not(machine: str, flags: int) -> None:
    number = CLONE[MACHINES.index(machine)]
    new = flags & 0x7E020080
    assert judged(machine, number, (flags, 0, 0, 0, 0, 0)) == (
        REFUSE | errno.EPERM if new else ALLOW
    )


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("kind", "passes"), [(1, True), (2, False), (5, True), (0x80802, False)])
def test_pairs_of_sockets_that_could_send_elsewhere_are_refused(
    machine: str, kind: int, passes: bool
) -> None:
    number = SOCKETPAIR[MACHINES.index(machine)]
    assert (judged(machine, number, (1, kind, 0, 0, 0, 0)) == ALLOW) == passes


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", sorted(OTHERS))
@given(process=st.integers(0, (1 << 31) - 1))
def test_other_processes_are_left_alone(machine: str, name: str, process: int) -> None:
    x86, arm, place = OTHERS[name]
    arguments = [0] * 6
    arguments[place] = process
    found = judged(machine, (x86, arm)[MACHINES.index(machine)], tuple(arguments))
    assert (found == ALLOW) == (process == 0)


@pytest.mark.parametrize("machine", MACHINES)
def test_nobody_types_into_another_s_terminal(machine: str) -> None:
    number = IOCTL[MACHINES.index(machine)]
    assert judged(machine, number, (0, 0x5412, 0, 0, 0, 0)) == REFUSE | errno.EPERM
    assert judged(machine, number, (0, 0x541C, 0, 0, 0, 0)) == REFUSE | errno.EPERM
    assert judged(machine, number, (0, 0x5401, 0, 0, 0, 0)) == ALLOW


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(KeyError):
        program("z80")


def test_the_filter_fits_the_kernel() -> None:
    assert all(len(program(machine)) // 8 <= 4096 for machine in MACHINES)
