"""Compiles requirements/*.txt from pyproject.toml: exact pins with hashes, no package hosts.

One resolution serves Python 3.11 to 3.13, so every file agrees with every other. `build.txt` pins
what the build's own environment takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "requirements"
HEADER = "# Made by `make lock` from pyproject.toml; do not edit.\n"


def compile_pins(source: Path, target: str, *arguments: str, hashes: bool = True) -> str:
    command = [
        sys.executable, "-m", "uv", "pip", "compile", str(source), "--quiet", "--universal",
        "--python-version", "3.11", "--fork-strategy", "fewest", "--upgrade",
        *("--no-emit-package", "pygobject", "--no-emit-package", "pycairo"),  # rauc-hawkbit's way to D-Bus, which its client of our API does without
        "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
        *(["--generate-hashes"] if hashes else []), *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (FOLDER / target).write_text(HEADER + done.stdout)
    return done.stdout


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    recipe = ROOT / "pyproject.toml"
    with tempfile.TemporaryDirectory() as name:
        everything = Path(name, "everything.txt")
        everything.write_text(
            compile_pins(recipe, "peers.txt", "--all-extras", hashes=False)
        )  # fmt: skip
        constrained = ("--constraints", os.fspath(everything))
        compile_pins(recipe, "run.txt", *constrained)
        compile_pins(recipe, "test.txt", "--extra", "test", *constrained)
        compile_pins(recipe, "peers.txt", "--extra", "peers", *constrained)
        build = Path(name, "build.in")
        build.write_text("hatchling>=1.27,<2\neditables\n")
        compile_pins(build, "build.txt", hashes=False)


if __name__ == "__main__":
    main()
