"""What an app says of itself: `app.toml`, read and checked. What is not asked for here is not granted later."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from volant.caros.apps.isolation.levels import LevelName
from volant.caros.signals.rights import Rights, parse_scope
from volant.caros.signals.values import SignalError
from volant.core.errors import InputError
from volant.core.settings import convert_toml

MANIFEST: Final = "app.toml"
MANIFEST_MOST_BYTES: Final = 64 * 1024
HOST: Final = re.compile(
    r"(?=.{1,253}:)[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?)*"
    r":([1-9][0-9]{0,4})"
)
"""`name:port`; a name is that of DNS or an IPv4 address, never a pattern."""

ID: Final = re.compile(r"^[a-z][a-z0-9-]{0,31}(\.[a-z][a-z0-9-]{0,31}){1,5}\Z")
ID_WORDS: Final = (
    "two to six words with dots between, such as org.example.lights; each begins with a small letter and has "
    "small letters, digits and hyphens, 32 at most"
)
AppId = Annotated[str, Meta(pattern=ID.pattern)]
Version = Annotated[
    str, Meta(pattern=r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\Z")
]
PowerWord = Literal["wake", "parked", "ready", "driving"]
"""Power states of the car in which an app can run."""
Words = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of the car an app may use; past it it is held back or ended."""

    cpu_pct: Annotated[int, Meta(ge=1, le=400)] = 20
    """Percent of one core."""
    memory_mb: Annotated[int, Meta(ge=16, le=2048)] = 64
    """Of 1 048 576 bytes; all of its processes and its /tmp together."""
    flash_mb_day: Annotated[int, Meta(ge=0, le=100)] = 5
    """Million bytes that are written to flash a day for it: what it keeps, and its log."""
    kept_mb: Annotated[int, Meta(ge=0, le=1024)] = 5
    """Million bytes that it keeps at any time."""
    processes: Annotated[int, Meta(ge=1, le=64)] = 4
    """Processes and threads at once."""
    hosts: Annotated[tuple[str, ...], Meta(max_length=16)] = ()
    """Whom it may call by TCP: `name:port`."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `app.toml`."""

    id: str
    """Unique, as a reversed name of DNS: `org.example.trip`; see `id_fault`."""
    name: Words
    """For people."""
    version: Version
    """Three numbers; a lower one is not installed over a higher."""
    entry: str = ""
    """Python file of the package that is run; empty: nothing runs but its page."""
    page: str = ""
    """HTML file of the package that a browser shows, with what lies beside and below it; empty: none."""
    about: Annotated[str, Meta(max_length=400)] = ""
    signals: Annotated[tuple[str, ...], Meta(max_length=200)] = ()
    """Rights in KUKSA's scope grammar, each with a path: `read:Vehicle.Speed`."""
    states: Annotated[tuple[PowerWord, ...], Meta(min_length=1, max_length=4)] = (
        "ready",
        "driving",
    )
    """Power states of the car in which it runs."""
    while_moving: Literal["nothing", "card"] = "nothing"
    """What it may show while the car moves: nothing, or one card of a title and two short lines."""
    min_isolation: LevelName = "full"
    """Below this level it does not start."""
    restart: Literal["always", "failure", "never"] = "failure"
    """`failure`: not after an exit status of 0."""
    budget: Budget = Budget()

    @property
    def scope(self) -> str:
        """All its rights as one scope."""
        return " ".join(self.signals)

    @property
    def rights(self) -> Rights:
        """What it may do with which signals."""
        return parse_scope(self.scope)

    @property
    def order(self) -> tuple[int, ...]:
        """Its version, to be compared."""
        return version_order(self.version)


def id_fault(app: str) -> str:
    """What is wrong with an id, in words; empty where it is one."""
    return "" if ID.fullmatch(app) else f"{app[:80]!r} is no id, expected {ID_WORDS}"


def version_order(version: str) -> tuple[int, ...]:
    """A version's numbers, to be compared."""
    return tuple(int(part) for part in version.split("."))


def manifest_from(data: bytes, file: str = MANIFEST) -> Manifest:
    """Read and check a manifest.

    Raises:
        InputError: too long, not TOML, a value missing, unknown or out of bounds, or a right that is none;
            with file and line.
    """
    if len(data) > MANIFEST_MOST_BYTES:
        raise InputError(f"{len(data)} bytes, at most {MANIFEST_MOST_BYTES}", file=file)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"cannot be read: {error}", file=file) from error
    manifest = convert_toml(text, file, Manifest)
    for key, word, fault in _faults(manifest):
        raise InputError(fault, file=file, line=_line(text, key, word), where=key)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Read and check the manifest of a folder or a file.

    Raises:
        InputError: as `manifest_from`, or it cannot be read.
    """
    path = path / MANIFEST if path.is_dir() else path
    try:
        with path.open("rb") as file:
            data = file.read(MANIFEST_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from error
    return manifest_from(data, str(path))


def _faults(manifest: Manifest) -> list[tuple[str, str, str]]:
    """What is wrong with it, as key, the word at fault and an explanation."""
    found: list[tuple[str, str, str]] = []
    entry, page = manifest.entry, manifest.page
    if fault := id_fault(manifest.id):
        found.append(("id", manifest.id, fault))
    if entry and not entry.endswith(".py"):
        found.append(("entry", entry, f"{entry!r} is no Python file"))
    if page and not (page.endswith(".html") and "/" in page):
        found.append(("page", page, f"{page!r} is no HTML file in a folder of its own"))
    if not entry and not page:
        found.append(("entry", "", "an app has an entry, a page or both"))
    if not entry and manifest.budget.hosts:
        found.append(("hosts", manifest.budget.hosts[0], "a page calls nobody but its car"))
    found += [("signals", one, fault) for one in manifest.signals if (fault := _scope_fault(one))]
    for host in manifest.budget.hosts:
        match = HOST.fullmatch(host)
        if match is None or int(match[4]) > 65535:
            found.append(("hosts", host, f"{host!r} is no name:port"))
    for key, words in (("signals", manifest.signals), ("hosts", manifest.budget.hosts)):
        twice = next((word for at, word in enumerate(words) if word in words[:at]), None)
        if twice is not None:
            found.append((key, twice, f"{twice!r} stands there twice"))
    return found


def _scope_fault(scope: str) -> str:
    if len(scope.split()) != 1 or scope != scope.strip():
        return f"{scope!r} is not one right"
    try:
        parse_scope(scope)
    except SignalError as error:
        return error.reason
    action, _, rest = scope.partition(":")
    if action == "create":
        return "an app adds no signals"
    if rest in ("", "data", "actuation"):
        return f"{scope!r} has no path: an app names what it needs"
    return ""


def _line(text: str, key: str, word: str) -> int | None:
    """The line where a word stands at or below its key."""
    lines = text.splitlines()
    begin = next((at for at, one in enumerate(lines) if re.match(rf"\s*{key}\s*=", one)), None)
    if begin is None:
        return None
    return next((at + 1 for at in range(begin, len(lines)) if word in lines[at]), begin + 1)
