"""`make check`: everything that CI asks beyond the whole suite, each step told in one line.

All steps run, so that one call tells everything there is to mend. Exit status 1 if any step failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import screens

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
QUICK = "not slow and not soak and not e2e"
GUARDED = ("src/volant/safety/*", "src/volant/trust/*")
UNSEEN = ("*_kernels.py", "src/volant/trust/attacks/*")
"""Compiled, so that coverage cannot see in; and who attacks in the tests."""
Step = Callable[[], str | None]


def command(*words: str) -> Step:
    """A step that runs a program of this environment; its output is the complaint if it fails."""

    def step() -> str | None:
        done = subprocess.run(
            [str(BIN / words[0]), *words[1:]],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout if done.returncode else None

    return step


def check_screens() -> str | None:
    """Biome, types and vitest of web/, by its own `npm run check`."""
    if not screens.have_sources(ROOT):
        return None
    try:
        screens.install_packages(ROOT)
        screens.npm(ROOT, "run", "check")
    except screens.ScreensError as error:
        return str(error)
    return None


def check_branches() -> str | None:
    """Guard, emergency braking and trust: every line and both ways of every branch are tested."""
    rooms = [path for path in ("tests/safety", "tests/trust") if (ROOT / path).is_dir()]
    if not rooms:
        return None
    marks = ("-m", QUICK)
    return (
        command("coverage", "erase")()
        or command("coverage", "run", "-m", "pytest", "-q", "-n0", *marks, *rooms)()
        or command(
            "coverage",
            "report",
            "--fail-under=100",
            f"--include={','.join(GUARDED)}",
            f"--omit={','.join(UNSEEN)}",
        )()
    )


STEPS: dict[str, Step] = {
    "format": command("ruff", "format", "--check", "."),
    "lint": command("ruff", "check", "."),
    "types": command("mypy"),
    "floors": command("lint-imports"),
    "screens": check_screens,
    "branches": check_branches,
    "quick tests": command("python", "-m", "pytest", "-q", "-n", "2", "-m", QUICK),
}


def main() -> int:
    chosen = sys.argv[1:] or list(STEPS)
    unknown = [name for name in chosen if name not in STEPS]
    if unknown:
        print(f"check: no step {unknown[0]!r}; there are {', '.join(STEPS)}", file=sys.stderr)
        return 2
    failed = []
    for name in chosen:
        began = time.monotonic()
        complaint = STEPS[name]()
        verdict = "ok" if complaint is None else "FAILED"
        print(f"check: {name:12} {verdict:7} {time.monotonic() - began:5.1f} s", flush=True)
        if complaint is not None:
            failed.append(name)
            print(complaint, flush=True)
    if failed:
        print(f"check: mend {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
