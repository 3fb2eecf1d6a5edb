"""Makes .venv with the `volant` command in it, and does nothing that is done already.

Runs under any Python 3.11 to 3.13 with the standard library only. Stages: environment, runtime
packages, the project itself (which builds the screens), compiled kernels; with --test also the tools
and peers of the tests, and Chromium. Each stage has a key, a hash over what it depends on; the keys
of finished stages stand in .venv/.volant-setup.json, so that a second call only compares hashes.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import screens

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".volant-setup.json"
REQUIREMENTS = ROOT / "requirements"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class SetupError(RuntimeError):
    """Set-up cannot go on; the message is one line that says what to do."""


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def hash_files(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"\0{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def run(command: list[str], why: str, **environment: str) -> None:
    """Run a step quietly; its output is shown only when it fails."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-6000:])
        raise SetupError(f"{why} failed: {' '.join(command[:6])}")


def run_shown(command: list[str], why: str) -> None:
    """Run a long step that says itself how far it is."""
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode:
        raise SetupError(f"{why} failed: {' '.join(command[:6])}")


def apt_install(packages: str) -> bool:
    """Install Debian packages where we may; false where we may not."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say(f"installing {packages} with apt")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if "postgresql" in packages:  # its programs only: tests start servers of their own
        clusters = Path("/etc/postgresql-common/createcluster.conf")
        if not clusters.exists():
            clusters.parent.mkdir(parents=True, exist_ok=True)
            clusters.write_text("create_main_cluster = false\n")
    run(["apt-get", "update", "-qq"], "apt-get update", **quiet)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages.split()]
    run(command, "apt-get install", **quiet)
    return True


def pip(*arguments: str, why: str, **environment: str) -> None:
    # Bytecode is made of what is really imported, at the first import: 80 MB less in .venv.
    options = ["-q", "--no-input", "--no-deps", "--no-compile"]
    command = [str(PYTHON), "-m", "pip", "install", *options, *arguments]
    run(command, why, PIP_DISABLE_PIP_VERSION_CHECK="1", **environment)


def make_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not apt_install(package):
            raise SetupError(f"Python lacks its venv module: apt-get install {package}")
    if VENV.exists():
        shutil.rmtree(VENV)
    run([sys.executable, "-m", "venv", str(VENV)], "making .venv")


def environment_works() -> bool:
    if not PYTHON.exists():
        return False
    probe = [str(PYTHON), "-c", "import pip"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def install_runtime() -> None:
    pip("-r", str(REQUIREMENTS / "run.txt"), why="installing the packages")


def install_project() -> None:
    pins = str(REQUIREMENTS / "build.txt")
    pip(
        *("-e", str(ROOT)),
        why="installing volant and building its screens",
        PIP_CONSTRAINT=pins,  # pip before 25.3 hands it on to the build's own environment
        PIP_BUILD_CONSTRAINT=pins,  # pip since 25.3
    )


def compile_kernels() -> None:
    run_shown([str(PYTHON), "-m", "volant.app.warm"], "compiling the kernels")


def install_test_tools() -> None:
    pip("-r", str(REQUIREMENTS / "test.txt"), why="installing the test tools")


def install_peers() -> None:
    """Reference models that judge us; a machine they are not built for goes without, CI does not."""
    try:
        pip("-r", str(REQUIREMENTS / "peers.txt"), why="installing the peers")
    except SetupError:
        if os.environ.get("CI"):
            raise
        say("some peers could not be installed; the tests that compare with them are skipped")


def find_chromium() -> str | None:
    named = os.environ.get("VOLANT_CHROMIUM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def project_key() -> str:
    """Changes with the package's own recipe and with the screens' sources."""
    recipe = ["pyproject.toml", "hatch_build.py", "scripts/screens.py", "src/volant/__init__.py"]
    built = hash_files(ROOT / name for name in recipe)
    if screens.have_sources(ROOT):
        built += screens.source_digest(ROOT)[:24]
        built += "-stale" * screens.is_stale(ROOT)
    return built


def stages(test: bool) -> list[tuple[str, str, Callable[[], str], Callable[[], None]]]:
    """Name, what to tell, key, action; in the order in which they build on each other."""
    package = ROOT / "src" / "volant"
    kernels = sorted(package.rglob("*kernels.py"))

    def pins(name: str) -> Callable[[], str]:
        return lambda: hash_files([REQUIREMENTS / name])

    planned = [
        ("run", "installing the packages", pins("run.txt"), install_runtime),
        ("project", "installing volant, building the screens", project_key, install_project),
    ]
    if (package / "app" / "warm.py").is_file():
        key = f"{hash_files(kernels)}-{hash_files([REQUIREMENTS / 'run.txt'])}"
        planned.append(("kernels", "compiling the kernels", lambda: key, compile_kernels))
    if test:
        planned += [
            ("test", "installing the test tools", pins("test.txt"), install_test_tools),
            ("peers", "installing the peers", pins("peers.txt"), install_peers),
        ]
    return planned


def set_up(test: bool) -> None:
    if not environment_works():
        say("making .venv")
        make_environment()
    keys: dict[str, str] = json.loads(STAMP.read_text()) if STAMP.is_file() else {}
    for name, telling, key, action in stages(test):
        if keys.get(name) == key():
            continue
        began = time.monotonic()
        say(f"{telling} ...")
        keys.pop(name, None)
        action()
        keys[name] = key()
        draft = STAMP.with_suffix(".part")
        draft.write_text(json.dumps(keys, indent=1))
        draft.replace(STAMP)
        say(f"{telling}: {time.monotonic() - began:.0f} s")
    if shutil.which("bwrap") is None and not apt_install("bubblewrap"):
        say("no bubblewrap, so apps are walled in less well: apt-get install bubblewrap")
    browser = "chromium fonts-liberation"
    if test and find_chromium() is None and not apt_install(browser):
        say(f"no Chromium, so the tests of the screens are skipped: apt-get install {browser}")
    if test:
        for program, packages, lost in TESTED_WITH:
            install_program(program, packages, lost)


TESTED_WITH = (
    ("strace", "strace", "death at each system call"),
    ("softhsm2-util", "softhsm2", "keys in tokens"),
    ("swupdate", "swupdate", "SWUpdate as a client of the fleet"),
    ("pg_lsclusters", "postgresql", "fleets on PostgreSQL"),
)
"""Program, Debian's packages, and what is not tested without it."""


def install_program(program: str, packages: str, lost: str) -> None:
    """Install what a test needs; where it cannot be, those tests are skipped."""
    there = shutil.which(program) is not None
    with contextlib.suppress(SetupError):
        there = there or apt_install(packages)
    if not there:
        say(f"no {program}, so the tests of {lost} are skipped: apt-get install {packages}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make .venv with the volant command in it.")
    parser.add_argument("--test", action="store_true", help="also what the tests need")
    arguments = parser.parse_args()
    try:
        with (ROOT / "pyproject.toml").open() as lock:
            fcntl.flock(
                lock, fcntl.LOCK_EX
            )  # two calls at once: the second waits and finds it done
            set_up(arguments.test)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
