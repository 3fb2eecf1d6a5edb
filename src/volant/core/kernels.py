"""The one way to compile a hot loop: `@kernel("f8(f8, f8)")` in a file named `*kernels.py`.

Signatures are explicit, so importing a kernel file compiles it or loads it from the cache. What is
cached is keyed by the text of the file and of every file of ours that it imports, near or far: numba
itself keeps stale code when a callee or a constant in another file changes. Where the files lie does
not matter. Fast-math and parallel loops are refused: they would break reproducibility.
"""

from __future__ import annotations

import functools
import hashlib
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
from numba.core import caching

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_PACKAGE: Final = Path(__file__).resolve().parent.parent
_IMPORTS: Final = re.compile(
    r"^(?:from|import) (volant[\w.]*)(?: import (?:\(([\w,\s]+)\)|([\w, ]+)))?", re.MULTILINE
)


def kernel_files() -> tuple[Path, ...]:
    """Every file of the package that holds compiled kernels, in a fixed order."""
    return tuple(sorted(_PACKAGE.rglob("*kernels.py")))


def cache_folder() -> Path:
    """The user's numba cache; a temporary one where home is read-only."""
    for root in (Path.home() / ".cache", Path(tempfile.gettempdir())):
        folder = root / "volant" / "numba"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ".writable").touch()
        except OSError:
            continue
        return folder
    raise RuntimeError("neither the home nor the temporary folder is writable")


@functools.cache
def source_key(path: Path) -> str:
    """Key of a kernel file's text and of all files of ours that it builds on."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting.extend(_imported(at))
    digest = hashlib.sha256(numba.__version__.encode())
    for at in sorted(found):
        digest.update(at.name.encode())
        digest.update(at.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def _imported(path: Path) -> tuple[Path, ...]:
    """The files of ours that a file imports at its top."""
    found: list[Path] = []
    for module, many, few in _IMPORTS.findall(path.read_text(encoding="utf-8")):
        folder = _PACKAGE.joinpath(*module.split(".")[1:])
        names = (name.strip() for name in (many + few).split(","))
        inside = [folder / f"{name}.py" for name in names if name]
        places = (folder.with_suffix(".py"), folder / "__init__.py", *inside)
        found.extend(place for place in places if place.is_file())
    return tuple(found)


_Locator: Any = caching._CacheLocator


class _KeyedCache(_Locator):  # type: ignore[misc]
    """Tells numba where compiled code lies and when it is stale: by `source_key` alone."""

    def __init__(self, name: str, line: int, key: str) -> None:
        self._line, self._key = line, key
        self._folder = cache_folder() / f"{name}-{key}"

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._key

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, function: Any, file: str) -> _KeyedCache | None:
        path = Path(file).resolve()
        if _PACKAGE not in path.parents:
            return None
        name = ".".join(path.relative_to(_PACKAGE).with_suffix("").parts)
        keyed = cls(name, function.__code__.co_firstlineno, source_key(path))
        keyed.ensure_cache_path()
        return keyed


_STRUCTS: dict[str, Any] = {}
_LOCATORS: list[Any] = caching.CacheImpl._locator_classes
_LOCATORS.insert(0, _KeyedCache)


def struct(fields: str) -> Callable[[type[T]], type[T]]:
    """Make a NamedTuple's name usable in the signatures of `kernel`: `@struct("f8[:, ::1], i8[::1]")`.

    Passing one costs under a microsecond a call from Python and nothing between kernels.

    Raises:
        ValueError: the types are not one for each field of the class.
    """

    def register(cls: type[T]) -> type[T]:
        members = _evaluate(f"({fields},)")
        names: tuple[str, ...] = cls._fields  # type: ignore[attr-defined]
        if len(members) != len(names):
            raise ValueError(f"{cls.__name__}: {len(members)} types for {len(names)} fields")
        _STRUCTS[cls.__name__] = numba.types.NamedTuple(members, cls)
        return cls

    return register


def _evaluate(text: str) -> Any:
    """A signature or type in numba's own words, structs included; the text is ours, never input."""
    return eval(text, {"__builtins__": {}}, {**vars(numba.types), **_STRUCTS})  # noqa: S307


def kernel(*signatures: str) -> Callable[[F], F]:
    """Compile a function for explicit signatures; division by zero gives inf or nan, as in NumPy."""
    typed = [_evaluate(signature) for signature in signatures]
    compile_with: Any = numba.njit(typed, cache=True, error_model="numpy")

    def compile_function(function: F) -> F:
        compiled: F = compile_with(function)
        return compiled

    return compile_function
