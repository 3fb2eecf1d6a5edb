"""Compiles every kernel of the package into the user's cache; `make setup` runs it once.

A kernel has explicit signatures, so importing its module compiles it or loads it from the cache: a
first compile takes 2 to 3 seconds, which nobody should wait for at the start of a drive.
"""

import importlib
from pathlib import Path

from volant.core.kernels import kernel_files

_PACKAGE = Path(__file__).resolve().parents[1]


def kernel_modules() -> tuple[str, ...]:
    """Dotted names of all modules that hold kernels, in a fixed order."""
    return tuple(
        ".".join(("volant", *path.relative_to(_PACKAGE).with_suffix("").parts))
        for path in kernel_files()
    )


def main() -> None:
    """Import all kernel modules, which compiles what the cache lacks."""
    for name in kernel_modules():
        importlib.import_module(name)


if __name__ == "__main__":
    main()
