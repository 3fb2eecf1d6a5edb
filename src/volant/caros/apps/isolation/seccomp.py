"""The filter of system calls, as a program for the kernel. Pure.

An app gets no new sockets (what it may talk through is handed to it), starts no other program, makes no
namespaces and mounts, touches no keys, and reaches no process but its own. What the kernel learnt after this
list was written does not exist for it. The program is classic BPF over `struct seccomp_data` (seccomp(2)).
"""

from __future__ import annotations

import errno
import platform
import struct
from typing import Final

_LD, _JEQ, _JGT, _JSET, _RET, _AND = 0x20, 0x15, 0x25, 0x45, 0x06, 0x54
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER, _ARCH = 0, 4
_INSTRUCTION: Final = struct.Struct("=HBBI")
ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NEWEST: Final = 462
"""mseal of Linux 6.10: calls beyond are answered with ENOSYS."""
_X32: Final = 0x40000000

# Names with their numbers on x86-64 and arm64 (arch/*/syscall tables of Linux; -1: not there).
DENIED: Final[dict[str, tuple[int, int]]] = {
    # sockets: two are handed down, more are asked for
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "accept4": (288, 242),
    "bind": (49, 200), "listen": (50, 201),
    # other programs
    "execve": (59, 221), "execveat": (322, 281),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "ioprio_set": (251, 30), "migrate_pages": (256, 238), "move_pages": (279, 239),
    # namespaces, mounts, roots
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "statmount": (457, 457), "listmount": (458, 458),
    # keys and memory that others see
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "shmget": (29, 194),
    "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    # the kernel itself
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "syslog": (103, 116), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "swapon": (167, 224), "swapoff": (168, 225), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262),
    "iopl": (172, -1), "ioperm": (173, -1), "modify_ldt": (154, -1), "personality": (135, 92),
}  # fmt: skip
CLONE: Final = (56, 220)
CLONE3: Final = (435, 435)
NAMESPACES: Final = 0x7E020000 | 0x80
"""CLONE_NEW* of all kinds."""
SOCKETPAIR: Final = (53, 199)
DATAGRAM: Final = 2
TYPE_BITS: Final = 0xF
"""A pair of datagram sockets could still send to others by path."""
IOCTL: Final = (16, 29)
TYPING: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX put words into another's terminal."""
OTHERS: Final[dict[str, tuple[int, int, int]]] = {
    "setpriority": (141, 140, 1), "sched_setaffinity": (203, 122, 0), "prlimit64": (302, 261, 0),
}  # fmt: skip
"""Calls that name a process in an argument: only 0, oneself, is allowed."""


def program(machine: str = "") -> bytes:
    """The filter for a machine (`x86_64`, `aarch64`; default: this one).

    Raises:
        KeyError: no filter is known for it.
    """
    machine = machine or platform.machine()
    column = list(ARCHITECTURES).index(machine) if machine in ARCHITECTURES else -1
    rows: list[tuple[int, int, int, int]] = [
        _load(_ARCH),
        (_JEQ, 1, 0, ARCHITECTURES[machine]),
        (_RET, 0, 0, _KILL),
        _load(_NUMBER),
    ]
    if machine == "x86_64":
        rows += [(_JGT, 0, 1, _X32 - 1), _refuse(errno.ENOSYS)]
    rows += [(_JGT, 0, 1, NEWEST), _refuse(errno.ENOSYS)]
    rows += [(_JEQ, 0, 1, CLONE3[column]), _refuse(errno.ENOSYS)]  # glibc then asks clone
    for numbers in DENIED.values():
        if numbers[column] >= 0:
            rows += [(_JEQ, 0, 1, numbers[column]), _refuse(errno.EPERM)]
    rows += _when(CLONE[column], [_load(_low(0)), (_JSET, 0, 1, NAMESPACES)])
    pair = [_load(_low(1)), (_AND, 0, 0, TYPE_BITS), (_JEQ, 0, 1, DATAGRAM)]
    rows += _when(SOCKETPAIR[column], pair)
    for word in TYPING:
        rows += _when(IOCTL[column], [_load(_low(1)), (_JEQ, 0, 1, word)])
    for x86, arm, argument in OTHERS.values():
        rows += _when((x86, arm)[column], [_load(_low(argument)), (_JEQ, 1, 0, 0)])
    rows.append((_RET, 0, 0, _ALLOW))
    return b"".join(_INSTRUCTION.pack(*row) for row in rows)


def _load(offset: int) -> tuple[int, int, int, int]:
    return (_LD, 0, 0, offset)


def _low(argument: int) -> int:
    """Where the lower half of an argument stands (little endian)."""
    return 16 + 8 * argument


def _refuse(code: int) -> tuple[int, int, int, int]:
    return (_RET, 0, 0, 0x00050000 | code)


def _when(number: int, test: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Refuse a call when a test ends in its next row; the call's number is loaded again behind it."""
    inner = [*test, _refuse(errno.EPERM), _load(_NUMBER)]
    return [(_JEQ, 0, len(inner), number), *inner]
