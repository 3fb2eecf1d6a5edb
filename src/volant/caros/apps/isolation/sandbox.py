"""How one app is started behind its walls: the words for bubblewrap and the plan for `inside/enter.py`. Pure.

Whatever the level, an app gets: its own files and Python to read, two sockets (3: signals, 4: its host), its
output to a log, no environment, no user's rights. What it wants to keep it hands to its host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from volant.caros.apps.inside.volant_app import pack
from volant.caros.apps.isolation.levels import Means
from volant.caros.apps.isolation.seccomp import program
from volant.caros.apps.manifest import Budget

MIB: Final = 1 << 20
SIGNALS_FD: Final = 3
HOST_FD: Final = 4
INSIDE: Final = Path(__file__).resolve().parent.parent / "inside"
"""Without bubblewrap it is read where it lies."""
APP_AT: Final = "/app"
INSIDE_AT: Final = "/run/volant"
FIRST_USER: Final = 2_000_000_000
"""User of the app with number 0 where we are root; a range that no system hands out by itself."""
DESCRIPTORS_MOST: Final = 64
PYTHON_MOST_BYTES: Final = 24 * MIB
"""The interpreter's own, on top of what the budget gives; of private memory."""
ENVIRONMENT: Final = {"LANG": "C.UTF-8", "PATH": "/usr/bin", "HOME": "/tmp"}  # noqa: S108 - its own
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PUBLIC: Final = ("/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/certs", "/etc/ca-certificates")
_SYSTEM: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


@dataclass(frozen=True, slots=True)
class Machine:
    """What of this machine a sandbox is made of; looked up once."""

    bwrap: str
    """Path of bubblewrap; empty: there is none."""
    python: str
    """Interpreter that apps run in."""
    prefix: str
    """Its folder, where its library is."""
    links: Mapping[str, str]
    """Of the root's folders those that are links, with where they lead; the others are empty words."""
    root: bool
    """We are root, so each app gets a user of its own."""
    inside: str = str(INSIDE)
    """Folder of what runs inside."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One app that shall start."""

    number: int
    """Of the app here; its user goes by it."""
    folder: Path
    """Its files."""
    entry: str
    budget: Budget
    threads_before: int = 0
    """That its user has already, where the kernel counts them together."""


def words(machine: Machine, means: frozenset[Means], ask: Ask) -> list[str]:
    """The command that starts an app with these means; `means` must be offered here."""
    view = Means.VIEW in means
    inside = INSIDE_AT if view else machine.inside
    plan = pack(_plan(machine, means, ask)).hex()
    python = [machine.python, "-I", "-S", "-B", f"{inside}/enter.py", plan]
    return [*_view(machine, ask), *python] if view else python


def _plan(machine: Machine, means: frozenset[Means], ask: Ask) -> dict[str, Any]:
    view = Means.VIEW in means
    folder, inside = (APP_AT, INSIDE_AT) if view else (str(ask.folder), machine.inside)
    files = None
    if Means.FILES in means:
        read = ["/usr", *machine.links, machine.prefix, folder, inside, *_PUBLIC]
        # The interpreter's folder may hold more than Python; only its library is for the app.
        files = {
            "read": [f"{machine.prefix}/lib" if one == machine.prefix else one for one in read],
            "write": ["/tmp"] if view else [],  # noqa: S108 - the app's own
            "devices": list(_DEVICES),
            "scope": Means.SCOPE in means,
        }
    return {
        "user": FIRST_USER + ask.number if machine.root else None,
        "limits": _limits(means, ask),
        "files": files,
        "calls": program() if Means.CALLS in means else b"",
        "folder": folder,
        "inside": inside,
        "entry": ask.entry,
    }


def _limits(means: frozenset[Means], ask: Ask) -> dict[str, int]:
    """Of each single process (setrlimit(2)); the kernel counts NPROC by user."""
    budget = ask.budget
    return {
        "CORE": 0,
        "NOFILE": DESCRIPTORS_MOST,
        "NPROC": ask.threads_before + budget.processes + 2 * (Means.VIEW in means),
        "DATA": budget.memory_mb * MIB + PYTHON_MOST_BYTES,
        "FSIZE": budget.memory_mb * MIB,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
        "SIGPENDING": 64,
    }


def _view(machine: Machine, ask: Ask) -> list[str]:
    """Bubblewrap's words: a tree of its own, where nothing can be written but a /tmp in memory."""
    bounds = ["--cap-drop", "ALL"]
    if machine.root:
        # Only to become the app's own user; enter.py gives them up with it.
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            bounds += ["--cap-add", capability]
    else:
        bounds += ["--unshare-user", "--disable-userns"]
    # bubblewrap makes what lies above for its own user alone; the app's shall get through.
    tree = []
    for path in (machine.prefix, INSIDE_AT, *_PUBLIC):
        for folder in reversed(Path(path).parents[:-1]):
            tree += ["--perms", "0755", "--dir", str(folder)]
    tree += ["--ro-bind", "/usr", "/usr"]
    for path, target in machine.links.items():
        tree += ["--symlink", target, path] if target else ["--ro-bind", path, path]
    for path in _PUBLIC:
        tree += ["--ro-bind-try", path, path]
    if not machine.prefix.startswith("/usr"):
        tree += ["--ro-bind", machine.prefix, machine.prefix]
    tree += ["--ro-bind", str(ask.folder), APP_AT, "--ro-bind", machine.inside, INSIDE_AT]
    # Only for those who know it: the sticky /tmp of a root's sandbox belongs to root.
    tree += ["--perms", "1777", "--size", str(ask.budget.memory_mb * MIB // 2), "--tmpfs", "/tmp"]  # noqa: S108
    return [
        machine.bwrap,
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup"),
        *("--die-with-parent", "--new-session", "--hostname", "app", *bounds, *tree),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", "/", "--"),
    ]


def system_links(read_link: Mapping[str, str | None]) -> dict[str, str]:
    """`Machine.links` from what lies at each of `system_paths`; None: nothing."""
    return {path: found for path in _SYSTEM if (found := read_link.get(path)) is not None}


def system_paths() -> tuple[str, ...]:
    """Folders of the root that programs need besides /usr."""
    return _SYSTEM
