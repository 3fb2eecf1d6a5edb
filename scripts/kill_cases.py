"""What `kill_at.py` kills: a unit being programmed, the keeping of repositories, an app's update, a client's download."""

from __future__ import annotations

import atexit
import functools
import hashlib
import http.server
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kill_strace import BrokenError, Case, volant

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from volant.app.app_make import app_store
from volant.app.programs import fits, tables_of
from volant.app.repo_folder import JOURNAL, RepoFolder
from volant.app.tuf_client import main as tuf_client
from volant.app.unit_flash import open_units
from volant.app.updates_fetch import Wanted, check, download, hear_time
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_source import source_of
from volant.caros.apps.package import open_package
from volant.caros.flash_file import FileFlash
from volant.core.errors import InputError, VolantError
from volant.core.settings import find_data
from volant.trust.uptane import (
    Checker,
    Limits,
    Plan,
    RejectedError,
    RepositoryMap,
    TrustedRepository,
    answer_from,
    check_full,
)
from volant.trust.uptane.check import fetch_image
from volant.trust.uptane.download import Fetch
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TARGETS, TOP_LEVEL
from volant.vehicle import load_spec
from volant.vehicle.boot import Bootloader, Identity, Image, Verdict, make_image
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.boot.device import GEOMETRY, bootloader, first_image
from volant.vehicle.spec import CarSpec

UNIT: Final = Identity("brake", HARDWARE)
CAR: Final = "p7"
APP: Final = "org.example.lights"
NOW_S: Final = 1_000_000.0
"""Before all that is made expires: a car that has no better time."""


# --- a unit ------------------------------------------------------------------------------------


@functools.cache
def program(release: int) -> bytes:
    """A program of the brakes."""
    tables = tables_of(UNIT.unit, car())
    if release == 0:
        return first_image(UNIT, "1.0", tables)
    image = Image(
        unit=UNIT.unit, hardware=UNIT.hardware, version="2.0", release=release, tables=tables
    )
    return make_image(image)


def unit_made(folder: Path) -> None:
    """A unit as the factory made it."""
    with FileFlash.create(folder / "brake.flash", GEOMETRY) as flash:
        bootloader(flash, UNIT, fits).provision(program(0))


def unit_programmed(folder: Path) -> None:
    """What `volant ecu flash` has the unit do."""
    with FileFlash(folder / "brake.flash", GEOMETRY) as flash:
        boot = bootloader(flash, UNIT, fits)
        boot.boot()
        if boot.running is None or boot.running.image.release == 0:
            _send(boot, program(1))
            boot.boot()
        boot.confirm()


def _send(boot: Bootloader, data: bytes) -> None:
    at, _ = boot.resumes_at
    if not (at and boot.begin(at, len(data) - at)):
        at = 0
        boot.begin_erase()
        while not boot.erase_step():
            pass
        boot.begin(0, len(data))
    for begin in range(at, len(data), 256):
        boot.write(data[begin : begin + 256])
    boot.finish()
    if boot.check() is not Verdict.SOUND or boot.activate({}) is not Verdict.SOUND:
        raise BrokenError("the program does not arrive")


def unit_runs(folder: Path) -> str:
    """What it boots."""
    with FileFlash(folder / "brake.flash", GEOMETRY) as flash:
        boot = bootloader(flash, UNIT, fits)
        boot.boot()
        if boot.running is None:
            raise BrokenError("the unit does not boot")
        return "new" if boot.running.image.release else "old"


# --- repositories ------------------------------------------------------------------------------


def repo_made(folder: Path) -> None:
    """Repositories that offer version 1 to the brakes, and a car that believes them."""
    repo_init(folder)
    (folder / "brake-1.bin").write_bytes(b"one" * 1000)
    (folder / "brake-2.bin").write_bytes(b"two" * 1000)
    volant("repo", "add", str(folder / "repo"), f"brake={folder / 'brake-1.bin'}")
    for name in (DIRECTOR, IMAGE):
        car = folder / "car" / name
        car.mkdir(parents=True)
        for key, data in RepoFolder(folder / "repo").keeper(name).trusted_files().items():
            (car / key).write_bytes(data)


def repo_init(folder: Path) -> None:
    """A folder with both repositories."""
    units = ("--ecu", "gateway=gateway-a", "--ecu", "brake=brake-a")
    volant("repo", "init", str(folder / "repo"), "--vehicle", "CAR", *units)


def repo_does(*words: str) -> Callable[[Path], None]:
    """A command of `volant repo`; {} is the folder of the case."""

    def run(folder: Path) -> None:
        first, *rest = [word.replace("{}", str(folder)) for word in words]
        volant("repo", first, str(folder / "repo"), *rest)

    return run


@dataclass(frozen=True)
class Seen:
    """What a car finds."""

    plan: Plan
    root: dict[str, int]
    timestamp: dict[str, int]


def believed(folder: Path, name: str) -> TrustedRepository:
    """What the car had before."""
    held = (folder / "car" / name).iterdir()
    return TrustedRepository.load(name, {path.name: path.read_bytes() for path in held})


def seen(folder: Path) -> Seen | None:
    """What the car finds in the files as they lie there; None: it refuses, and keeps what it has."""
    repo = RepoFolder(folder / "repo")
    trusted = [believed(folder, name) for name in (DIRECTOR, IMAGE)]
    director, image = trusted

    def source(fetch: Fetch) -> bytes | None:
        place = repo.images if fetch.role == "image" else repo.metadata(fetch.repository)
        path = place / fetch.name
        return path.read_bytes() if path.is_file() else None

    try:
        steps = check_full(Checker.of_car(repo.inventory()), director, image, NOW_S, Limits())
        plan = answer_from(steps, source)
        for one in plan.assignments:
            answer_from(fetch_image(one), source)
    except RejectedError:
        return None
    roots = {one.name: one.root.signed.version for one in trusted}
    stamps = {one.name: one.timestamp.signed.version for one in trusted if one.timestamp}
    return Seen(plan, roots, stamps)


def _judged(folder: Path, is_new: Callable[[Seen], bool]) -> str:
    found = seen(folder)
    if not (folder / "repo" / JOURNAL).exists():
        _check_keys(folder)
    if found is None:
        return "waits"
    return "new" if is_new(found) else "old"


def _check_keys(folder: Path) -> None:
    """What lies in the folder must be able to sign what was published."""
    for name in (DIRECTOR, IMAGE):
        keeper = RepoFolder(folder / "repo").keeper(name)
        for role in TOP_LEVEL:
            here = {one.public_key.keyid for one in keeper.signers.get(role, ())}
            if not here & set(keeper.root.roles[role].keyids):
                raise BrokenError(f"the key of {name} {role} is not the one that its root names")


def offer_seen(folder: Path) -> str:
    """Which image the brakes are offered."""
    return _judged(folder, lambda one: one.plan.assignments[0].name == "brake-2.bin")


def root_seen(repository: str) -> Callable[[Path], str]:
    """Whether there is a newer root."""
    return lambda folder: _judged(folder, lambda one: one.root[repository] > 1)


def stamps_seen(folder: Path) -> str:
    """Whether both timestamps are newer."""
    old = {name: believed(folder, name).timestamp for name in (DIRECTOR, IMAGE)}
    return _judged(
        folder,
        lambda one: all(
            was is not None and one.timestamp[name] > was.signed.version
            for name, was in old.items()
        ),
    )


def init_seen(folder: Path) -> str:
    """Whether there are repositories."""
    try:
        repo = RepoFolder(folder / "repo")
        repo.inventory()
    except InputError:
        return "old"
    if not (folder / "repo" / JOURNAL).exists():
        _check_keys(folder)
        for name in (DIRECTOR, IMAGE):
            repo.keeper(name).targets[TARGETS]
    return "new"


def init_again(folder: Path) -> None:
    """`volant repo init`, which finishes what a death left, or says that all is there already."""
    try:
        repo_init(folder)
    except BrokenError:
        if init_seen(folder) != "new":
            raise
    volant("repo", "sign", str(folder / "repo"))


# --- apps ---------------------------------------------------------------------------------------


def app_made(folder: Path) -> None:
    """An app that is installed, and the package of its next version."""
    state = str(folder / "state")
    volant("app", "new", APP, "--folder", str(folder / "lights"))
    for version in ("0.1.0", "0.2.0"):
        manifest = folder / "lights" / "app.toml"
        text = re.sub(r'version = "[^"]*"', f'version = "{version}"', manifest.read_text())
        manifest.write_text(text)
        package = str(folder / f"{version}.vapp")
        volant("app", "pack", str(folder / "lights"), "--out", package)
        volant("app", "sign", package, "--state", state)
    volant("app", "install", str(folder / "0.1.0.vapp"), "--state", state)


def app_updated(folder: Path) -> None:
    """`volant app install` of the next version."""
    volant("app", "install", str(folder / "0.2.0.vapp"), "--state", str(folder / "state"))


def app_seen(folder: Path) -> str:
    """Which version is installed, all its files byte for byte."""
    store = app_store(folder / "state")
    row = store.row(APP)
    package = open_package((folder / f"{row.version}.vapp").read_bytes())
    for path, data in package.files.items():
        if (store.files(row) / path).read_bytes() != data:
            raise BrokenError(f"{path} of {row.version} is not what was packed")
    return "new" if row.version == "0.2.0" else "old"


# --- a client -----------------------------------------------------------------------------------


@functools.cache
def served() -> tuple[Path, str]:
    """A folder that is served for as long as we run, and its address."""
    folder = Path(tempfile.mkdtemp(prefix="kill-served-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return folder, f"http://127.0.0.1:{server.server_address[1]}"


def client_made(folder: Path) -> None:
    """A client that has the first root, of repositories that are served."""
    place, _ = served()
    if not (place / "repo").exists():
        repo_made(place)
    (folder / "metadata").mkdir()
    (folder / "targets").mkdir()
    root = place / "repo" / "image" / "metadata" / "1.root.json"
    (folder / "metadata" / "root.json").write_bytes(root.read_bytes())


def client_downloads(folder: Path) -> None:
    """`python -m volant.app.tuf_client download`."""
    _, url = served()
    words = ["--metadata-dir", str(folder / "metadata"), "--target-dir", str(folder / "targets")]
    words += ["--metadata-url", f"{url}/repo/image/metadata", "--target-name", "brake-1.bin"]
    if tuf_client([*words, "--target-base-url", f"{url}/repo/image/targets", "download"]):
        raise BrokenError("the client does not get it")


def client_seen(folder: Path) -> str:
    """Whether the image is there, under its name, whole."""
    files = {path.name: path.read_bytes() for path in (folder / "metadata").glob("*.json")}
    TrustedRepository.load("repository", files, plain=True)
    path = folder / "targets" / "brake-1.bin"
    if not path.exists():
        return "old"
    if path.read_bytes() != b"one" * 1000:
        raise BrokenError("what lies there is not the image")
    return "new"


# --- a car -------------------------------------------------------------------------------------


def car_made(folder: Path) -> None:
    """Repositories of a car that offer the brakes a program, and the car as it leaves the factory."""
    volant("repo", "init", str(folder / "repo"), "--vehicle", "CAR", "--car", CAR)
    (folder / "brake.vimg").write_bytes(program(1))
    volant("repo", "add", str(folder / "repo"), f"brake={folder / 'brake.vimg'}")
    with open_units(folder / "state", car()):
        pass


def car_joined(folder: Path) -> None:
    """`volant ota join`."""
    words = (str(folder / "repo"), "--car", CAR, "--state", str(folder / "state"))
    volant("ota", "join", *words)


def join_seen(folder: Path) -> str:
    """Whether the car takes updates; its units run in any case."""
    with open_units(folder / "state", car(), make=False) as boots:
        dead = [name for name, boot in boots.items() if boot.running is None]
    if dead:
        raise BrokenError(f"units do not boot: {', '.join(dead)}")
    updates = updates_of(folder)
    if updates.joined() is None:
        return "old"
    for name in (DIRECTOR, IMAGE):
        updates.repository(name)
    updates.inventory()
    return "new"


def car_with_repo(folder: Path) -> None:
    """A car that joined."""
    car_made(folder)
    car_joined(folder)


def car_checks(folder: Path) -> None:
    """What the live car does for `volant ota check`: it checks in full, and downloads."""
    updates = updates_of(folder)
    joined = updates.joined()
    assert joined is not None
    source = source_of(joined.source, RepositoryMap.of("director/metadata", "image"))
    hear_time(updates, source)
    for one in check(updates, source, (), Limits()).assignments:
        download(updates, source, Wanted.image(one), Limits(), lambda *_: None)


def download_seen(folder: Path) -> str:
    """Whether the program lies in the car, whole and right."""
    updates = updates_of(folder)
    for name in (DIRECTOR, IMAGE):
        updates.repository(name)
    updates.clock("", 0)
    path = updates.downloads / hashlib.sha256(program(1)).hexdigest()
    if not path.exists():
        return "old"
    if path.read_bytes() != program(1):
        raise BrokenError("what lies there is not the program")
    return "new"


def updates_of(folder: Path) -> UpdatesFolder:
    """What the car keeps of its updates."""
    return UpdatesFolder(folder / "state", car().name)


@functools.cache
def car() -> CarSpec:
    """The car of these cases."""
    return load_spec(find_data("cars", CAR))


def sound(look: Callable[[Path], str]) -> Callable[[Path], str]:
    """An error of ours is something that broke."""

    def found(folder: Path) -> str:
        try:
            return look(folder)
        except (VolantError, OSError, KeyError) as error:
            raise BrokenError(f"{type(error).__name__}: {error}") from error

    return found


os.environ.update(dict.fromkeys(("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"), "/nowhere"))
CASES: Final = (
    Case("unit", "a unit is programmed in its flash file", unit_made, unit_programmed,
         sound(unit_runs)),
    Case("init", "`volant repo init`", lambda _: None, init_again, sound(init_seen)),
    Case("add", "`volant repo add`", repo_made, repo_does("add", "brake={}/brake-2.bin"),
         sound(offer_seen)),
    Case("sign", "`volant repo sign`", repo_made, repo_does("sign"), sound(stamps_seen)),
    *(
        Case(f"rotate-{repository}-{role}", f"`volant repo rotate {repository} {role}`", repo_made,
             repo_does("rotate", repository, role), sound(root_seen(repository)))
        for repository, role in (
            (DIRECTOR, "timestamp"), (DIRECTOR, "targets"), (IMAGE, "snapshot"), (IMAGE, "root"),
        )
    ),
    Case("app", "`volant app install`, an update", app_made, app_updated, sound(app_seen)),
    Case("join", "`volant ota join`", car_made, car_joined, sound(join_seen)),
    Case("check", "a car checks and downloads", car_with_repo, car_checks, sound(download_seen)),
    Case("client", "a TUF client checks and downloads", client_made, client_downloads,
         sound(client_seen)),
)  # fmt: skip
