"""Inside a sandbox, before the app: puts up the inner walls, then becomes the app in the same interpreter.

Run as `python -I -S -B enter.py PLAN`; the plan is MessagePack in hex, from `caros/apps/isolation/sandbox.py`. A wall that
was ordered and cannot be put up ends the process: nothing is ever run with less. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

TYPE_CHECKING = False  # as in `typing`, whose import costs 10 ms of each start
if TYPE_CHECKING:
    from typing import Any

WALL_FAILED = 97
"""Exit status when a wall could not be put up."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = (
    1,
    4,
    24,
    38,
    47,
)
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_CAP_MOST = 63
# Numbers of the generic table; the same on x86-64 and arm64.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_CAPSET = {"x86_64": 126, "aarch64": 91}
_LL_READ_FILE, _LL_WRITE_FILE, _LL_READ_DIR = 1 << 2, 1 << 1, 1 << 3
_LL_TRUNCATE = 1 << 14
_LL_ALL = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_LL_ALL_5 = (1 << 16) - 1
_LL_NET = 3
_LL_SCOPES = 3
_LL_IN_FOLDER = (
    _LL_READ_FILE | _LL_WRITE_FILE | _LL_READ_DIR | _LL_TRUNCATE
    | (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8) | (1 << 13)
)  # fmt: skip
"""Remove a folder or file, make a folder or file, move between folders; no devices, sockets or links."""


class _Path(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("words", ctypes.c_char_p))


def landlock_abi() -> int:
    """Which landlock the kernel offers; 0: none."""
    return max(0, int(_LIBC.syscall(_LANDLOCK_CREATE, None, 0, 1)))


def _must(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def drop_user(user: int) -> None:
    """Become a user without any capability, for good."""
    for capability in range(_CAP_MOST + 1):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def drop_capabilities() -> None:
    """Hold none: neither effective nor to be had again."""
    _LIBC.prctl(_PR_CAP_AMBIENT, 4, 0, 0, 0)
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _must(
        _LIBC.syscall(_CAPSET[os.uname().machine], head, (ctypes.c_uint32 * 6)()),
        "dropping capabilities",
    )


def fence_files(read: list[str], write: list[str], devices: list[str], *, scope: bool) -> None:
    """Landlock: only these are there; no TCP; with `scope` no signals and abstract sockets to outside."""
    abi = landlock_abi()
    handled = _LL_ALL.get(abi, _LL_ALL_5)
    size = 8 if abi < 4 else 24 if scope else 16
    attributes = (ctypes.c_uint64 * 3)(handled, _LL_NET, _LL_SCOPES if scope else 0)
    ruleset = _must(_LIBC.syscall(_LANDLOCK_CREATE, attributes, size, 0), "landlock")
    granted = [(path, _LL_READ_FILE | _LL_READ_DIR) for path in read]
    granted += [(path, _LL_IN_FOLDER) for path in write]
    granted += [(path, _LL_READ_FILE | _LL_WRITE_FILE) for path in devices]
    for path, rights in granted:
        try:
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        fits = handled
        if not os.path.isdir(path):  # noqa: PTH112 - pathlib costs 8 ms of each start
            fits &= _LL_READ_FILE | _LL_WRITE_FILE | _LL_TRUNCATE
        rule = _Path(rights & fits, parent)
        _must(_LIBC.syscall(_LANDLOCK_ADD, ruleset, 1, ctypes.byref(rule), 0), f"landlock {path}")
        os.close(parent)
    _must(_LIBC.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock")
    os.close(ruleset)


def fence_calls(program: bytes) -> None:
    """Seccomp: from here on a filter judges each system call."""
    held = _Filter(len(program) // 8, program)
    _must(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(held), 0, 0), "seccomp")


def put_up_walls(plan: dict[str, Any]) -> None:
    """All that the plan orders, in the order in which each is still allowed."""
    if plan["user"] is not None:
        drop_user(plan["user"])
    drop_capabilities()
    _LIBC.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)  # a change of user has let go of it
    for name, most in plan["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    _must(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    _must(_LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "not to be looked into")
    if plan["files"] is not None:
        fence_files(**plan["files"])
    if plan["calls"]:
        fence_calls(plan["calls"])


def main() -> None:
    """Wall in, then run the app's entry as `__main__`."""
    sys.path.insert(0, os.path.dirname(__file__))  # noqa: PTH120 - pathlib costs 8 ms of each start
    from volant_app import unpack  # type: ignore[import-not-found]  # it lies beside us, wherever that is

    plan = unpack(bytes.fromhex(sys.argv[1]))
    os.umask(0o077)
    os.chdir(plan["folder"])
    try:
        put_up_walls(plan)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"volant: a wall could not be put up: {error}\n")
        sys.stderr.flush()
        os._exit(WALL_FAILED)
    entry = f"{plan['folder']}/{plan['entry']}"
    sys.path[:1] = [plan["folder"], plan["inside"]]
    sys.argv[:] = [entry]
    with open(entry, "rb") as file:  # noqa: PTH123 - pathlib costs 8 ms of each start
        source = file.read()
    module = type(sys)("__main__")
    module.__file__ = entry
    sys.modules["__main__"] = module
    exec(compile(source, entry, "exec"), module.__dict__)  # noqa: S102 - to run the app is our task


if __name__ == "__main__":
    main()
