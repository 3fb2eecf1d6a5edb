"""Polls that a server answers for one CPU second of its own: ours with SQLite and PostgreSQL, goosebit, and what one writes first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import fleet_peers
from bench.fleet_load import CONNECTIONS, Load, free_port, load, poll, serving
from bench.rows import Row, at_least, beside, skipped
from volant.app.fleet_folder import FleetFolder
from volant.cloud.ddi import Device

REPO = Path(__file__).resolve().parents[1]
PEERS = REPO / "build" / "fleet-peers"
"""Environment of the peers, which want other versions than we."""
PACKAGES = (
    "goosebit==0.2.12", "fastapi==0.165.0", "uvicorn==0.54.0", "uvloop", "httptools",
    "sqlalchemy[asyncio]==2.1.9", "aiosqlite",
)  # fmt: skip
CARS = 10_000
FOR_S = 2.0
TIMES = 3
"""The best of so many: neighbours on the machine cost CPU time too."""
WARM_S = 30.0
POLLS_LEAST = 20_000
TIMES_GOOSEBIT = 20.0


def rows() -> list[Row]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        ours, cold = _ours(folder / "sqlite")
        note = f"{CARS} quiet cars, {CONNECTIONS} connections, p99 {ours.p99_ms:.0f} ms; {_first(cold)}"
        found = [
            at_least("fleet/polls, SQLite", ours.polls_per_cpu_s, POLLS_LEAST, "1/CPU s", note)
        ]
        found.append(_postgres(folder))
        return [*found, *_peers(folder, ours)]


def _first(cold: Load) -> str:
    return f"first poll of each car {cold.polls_per_cpu_s:.0f}"


def _postgres(folder: Path) -> Row:
    name = "fleet/polls, PostgreSQL"
    try:
        from tests.cloud.postgres import server

        with server() as database:
            url = database.make_database()
            ours, cold = _ours(folder / "postgres", f'[database]\nurl = "{url}"\n')
    except (FileNotFoundError, ImportError) as error:
        return skipped(name, str(error))
    note = f"as with SQLite, the database's own CPU not counted; {_first(cold)}"
    return Row(name, ours.polls_per_cpu_s, "1/CPU s", note=note)


def _ours(folder: Path, settings: str = "") -> tuple[Load, Load]:
    """A server of ours, and its figures once it knows all cars and when it meets them first."""
    from volant.cloud.people import digest_of

    folder.mkdir()
    if settings:
        (folder / "fleet.toml").write_text(settings)
    cars = [f"car-{place:05}" for place in range(CARS)]
    with FleetFolder(folder) as home, home.store.work() as work:
        for car in cars:
            work.put_token(car, digest_of(fleet_peers.TOKEN.format(car)))
            work.put_device(Device(controller_id=car, wants_attributes=False))
        work.tell_news()
    port, people = free_port(), free_port()
    requests = [poll(car, fleet_peers.TOKEN.format(car)) for car in cars]
    command = [sys.executable, "-m", "volant", "fleet", "serve", str(folder)]
    ports = ["--port", str(port), "--people-port", str(people)]
    with serving([*command, *ports], port, PYTHONPATH=str(REPO / "src")) as pid:
        cold = load(port, pid, requests, for_s=WARM_S, polls=CARS)
        return _best(port, pid, requests), cold


def _peers(folder: Path, ours: Load) -> list[Row]:
    names = {
        "goosebit": ("goosebit 0.2.12", TIMES_GOOSEBIT),
        "first": ("FastAPI, SQLAlchemy", TIMES_GOOSEBIT),
    }
    found = []
    for kind, (peer, times) in names.items():
        name = f"fleet/polls beside {peer}"
        try:
            theirs = _peer(kind, folder)
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            found.append(skipped(name, f"not run: {error}"))
            continue
        found.append(
            beside(name, ours.polls_per_cpu_s, peer, theirs.polls_per_cpu_s, times, "1/CPU s")
        )
    return found


def _peer(kind: str, folder: Path) -> Load:
    port = free_port()
    more = [str(folder / "first.db")] if kind == "first" else []
    where = f"sqlite://{folder / 'goosebit.db'}"
    command = [python(), str(REPO / "bench" / "fleet_peers.py"), kind, str(port), *more]
    range_ = range(fleet_peers.CARS)
    requests = [poll(fleet_peers.NAME.format(n), fleet_peers.TOKEN.format(n)) for n in range_]
    with serving(command, port, GOOSEBIT_DB_URI=where) as pid:
        load(port, pid, requests, for_s=FOR_S)
        return _best(port, pid, requests)


def _best(port: int, pid: int, requests: list[bytes]) -> Load:
    found = [load(port, pid, requests, for_s=FOR_S) for _ in range(TIMES)]
    if any(one.refused or not one.polls for one in found):
        raise RuntimeError(f"polls were refused: {found}")
    return max(found, key=lambda one: one.polls_per_cpu_s)


def python() -> str:
    """The peers' interpreter; their environment is made when it is not there.

    Raises:
        CalledProcessError: it cannot be made, as without a network.
    """
    found, stamp = PEERS / "bin" / "python", PEERS / "packages"
    if not stamp.exists() or stamp.read_text() != "\n".join(PACKAGES):
        uv = [sys.executable, "-m", "uv"]
        subprocess.run(
            [*uv, "venv", "-q", "--clear", "--python", sys.executable, PEERS], check=True
        )
        install = ["pip", "install", "-q", "--python", str(found)]
        subprocess.run([*uv, *install, *PACKAGES], check=True)
        stamp.write_text("\n".join(PACKAGES))
    return str(found)
