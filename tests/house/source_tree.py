"""Our own source as syntax trees and lists of files, for the tests that read it."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PACKAGE = REPO / "src" / "volant"
NOT_OURS = {".git", ".venv", "node_modules", "__pycache__", "static", "dist", "site", "mutants"}


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def modules(*rooms: str) -> list[Path]:
    """Every Python file of the package, or of some of its rooms, sorted."""
    folders = [PACKAGE / room for room in rooms] if rooms else [PACKAGE]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def packages() -> list[Path]:
    """Folders of the package and of its rooms, sorted."""
    return sorted(path.parent for path in PACKAGE.rglob("__init__.py"))


def dotted(path: Path) -> str:
    """`.../src/volant/core/bus.py` as `volant.core.bus`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def where(path: Path, node: ast.AST | int) -> str:
    line = node if isinstance(node, int) else getattr(node, "lineno", 0)
    return f"{path.relative_to(REPO)}:{line}"


def tracked_files() -> list[Path]:
    """What a commit holds; where git lacks, what lies there and is not made by tools."""
    if shutil.which("git") and (REPO / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=REPO, check=True, capture_output=True, text=True
        )
        return [
            path for name in listed.stdout.split("\0") if name and (path := REPO / name).exists()
        ]
    return list(_walk(REPO))


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in NOT_OURS:
            yield from _walk(path)
        elif path.is_file():
            yield path
