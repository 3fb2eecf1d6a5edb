"""Compiles every kernel of the package into the user's cache; `make setup` runs it once.

A kernel has explicit signatures, so importing its module compiles it or loads it from the cache: a
first compile of all takes most of a minute, which nobody should wait for at the start of a drive.
"""

import importlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from volant.app.progress import LIVE_EVERY_S, PLAIN_EVERY_S
from volant.app.say import is_terminal, tell, tell_over
from volant.core import kernels

_PACKAGE = Path(__file__).resolve().parents[1]
_DECORATED: Final = re.compile(r"^@kernel\(", re.MULTILINE)


def kernel_modules() -> tuple[str, ...]:
    """Dotted names of all modules that hold kernels, in a fixed order."""
    return tuple(
        ".".join(("volant", *path.relative_to(_PACKAGE).with_suffix("").parts))
        for path in kernels.kernel_files()
    )


def kernel_count() -> int:
    """How many kernels the package has."""
    files = kernels.kernel_files()
    return sum(len(_DECORATED.findall(path.read_text(encoding="utf-8"))) for path in files)


class Counter:
    """Tells how many kernels are there: one line that lives on a terminal, now and then a line elsewhere."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._done, self._clock = total, 0, clock
        self._live = is_terminal()
        self._every_s = LIVE_EVERY_S if self._live else PLAIN_EVERY_S
        self._next_s = clock() + self._every_s

    def one_more(self) -> None:
        """Count a kernel, and tell when it is time to."""
        self._done += 1
        now_s = self._clock()
        if now_s >= self._next_s:
            self._next_s = now_s + self._every_s
            (tell_over if self._live else tell)(
                f"compiling the kernels: {self._done} of {self._total}"
            )

    def close(self) -> None:
        """Take the live line away."""
        if self._live:
            tell_over("")


def main() -> None:
    """Import all kernel modules, which compiles what the cache lacks, and tell how far it is."""
    counter = Counter(kernel_count())
    compile_plain = kernels.kernel

    def counted(*signatures: str) -> Callable[[Callable[..., Any]], Any]:
        compile_function = compile_plain(*signatures)

        def compile_and_count(function: Callable[..., Any]) -> Any:
            compiled = compile_function(function)
            counter.one_more()
            return compiled

        return compile_and_count

    kernels.kernel = counted
    try:
        for name in kernel_modules():
            importlib.import_module(name)
    finally:
        kernels.kernel = compile_plain
        counter.close()


if __name__ == "__main__":
    main()
