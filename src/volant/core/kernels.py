"""The one way to compile a hot loop: `@kernel("f8(f8, f8)")` in a file named `*kernels.py`.

Signatures are explicit, so importing a kernel file compiles it or loads it from the cache. The cache
folder is keyed by a hash over all kernel files, because numba keeps stale code when a callee in
another file changes. Fast-math and parallel loops are refused: they would break reproducibility.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])
_PACKAGE: Final = Path(__file__).resolve().parent.parent


def kernel_files() -> tuple[Path, ...]:
    """Every file of the package that holds compiled kernels, in a fixed order."""
    return tuple(sorted(_PACKAGE.rglob("*kernels.py")))


def cache_folder() -> Path:
    """The user's numba cache for exactly these kernel sources; a temporary one where home is read-only."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in kernel_files():
        digest.update(path.read_bytes())
    name = digest.hexdigest()[:16]
    for root in (Path.home() / ".cache", Path(tempfile.gettempdir())):
        folder = root / "volant" / "numba" / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".writable"
            probe.touch()
        except OSError:
            continue
        return folder
    raise RuntimeError("neither the home nor the temporary folder is writable")


setattr(numba.config, "CACHE_DIR", str(cache_folder()))  # noqa: B010 - untyped module


def kernel(*signatures: str) -> Callable[[F], F]:
    """Compile a function for explicit signatures; division by zero gives inf or nan, as in NumPy."""
    compile_with: Any = numba.njit(list(signatures), cache=True, error_model="numpy")

    def compile_function(function: F) -> F:
        compiled: F = compile_with(function)
        return compiled

    return compile_function
