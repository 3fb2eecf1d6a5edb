"""A real PostgreSQL in a folder of its own on a free port, for tests and benches; it ends with whoever started it."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.data_folder import on_ci

LACKS = "no PostgreSQL: apt install postgresql"
USERS = ("postgres", "nobody")
"""It refuses to run as root."""


def find_programs() -> Path | None:
    """The folder of initdb and postgres, of the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _account() -> pwd.struct_passwd | None:
    """Somebody else than root, if we are root."""
    if os.geteuid() != 0:
        return None
    for name in USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no user that PostgreSQL could run as")


@dataclass
class Postgres:
    """A server that runs, and may be killed and started again."""

    programs: Path
    folder: Path
    port: int
    account: pwd.struct_passwd | None
    running: subprocess.Popen[bytes] | None = None
    _names: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://fleet@127.0.0.1:{self.port}/{database}"

    def make_database(self) -> str:
        """A database of its own; its URL."""
        import psycopg

        name = f"fleet{next(self._names)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return self.url(name)

    def boot(self) -> None:
        """Start it, and wait until it answers."""
        import psycopg

        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self.running = self._popen(
            "postgres", "-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder),
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=64MB",
        )  # fmt: skip
        ends = time.monotonic() + 60.0
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > ends or self.running.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """At once, with all connections."""
        if self.running is not None:
            self.running.send_signal(signal.SIGQUIT)
            self.running.wait(30)
            self.running = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All its processes stand still (SIGSTOP): it takes connections, and answers nothing."""
        assert self.running is not None
        stopped: list[int] = []
        try:
            for pid in (self.running.pid, *_children(self.running.pid)):
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def make(self) -> None:
        made = self._popen(
            "initdb", "-D", str(self.folder / "data"), "-U", "fleet", "--auth=trust", "--no-sync",
            "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip
        if made.wait(120):
            raise RuntimeError((self.folder / "log").read_text())

    def _popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        who = self.account
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(self.programs / program), *arguments],
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                user=who.pw_uid if who else None, group=who.pw_gid if who else None,
                extra_groups=[] if who else None,
            )  # fmt: skip


def _children(parent: int) -> list[int]:
    found = []
    for one in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # PID (NAME) STATE PARENT: a name may hold anything but the last bracket.
            if int(one.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(one.parent.name))
    return found


@contextmanager
def server() -> Iterator[Postgres]:
    """Start one."""
    programs = find_programs()
    if programs is None:
        raise FileNotFoundError(LACKS)
    account = _account()
    # Not below pytest's folders: these are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="volant-pg-"))
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        found = Postgres(programs, folder, free_port(), account)
        found.make()
        found.boot()
        try:
            yield found
        finally:
            found.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def need() -> None:
    """Skip on a user's machine, fail in CI, when there is none."""
    if find_programs() is not None:
        return
    if on_ci():
        pytest.fail(LACKS, pytrace=False)
    pytest.skip(LACKS)
