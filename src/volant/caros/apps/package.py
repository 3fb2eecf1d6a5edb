"""An app as one file. Pure: bytes in, values out.

Layout, little endian: magic, u32 length of the index, the index (JSON), 32 bytes public key, 64 bytes
signature, then the content of the files, one after another, and nothing else. The index names each file with
size and SHA-256; the signature is over the index, so over all. There is one way to read such a file, no
compression that could burst, no link, no owner and no time: the same files give the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.caros.apps.manifest import MANIFEST, AppId, Manifest, Version, manifest_from
from volant.core.errors import InputError, TrustError
from volant.trust.keys import PUBLIC_BYTES, SIGNATURE_BYTES, PublicKey, SigningKey
from volant.trust.trusted import TrustList

SUFFIX: Final = ".vapp"
MAGIC: Final = b"volant app 1\n"
_CONTEXT: Final = b"volant app index 1\n"
"""Before the index in what is signed: a signature for another purpose is none here."""
_LENGTH: Final = struct.Struct("<I")
INDEX_MOST_BYTES: Final = 256 * 1024
FILES_MOST: Final = 1024
FILE_MOST_BYTES: Final = 16 * 1024 * 1024
PACKAGE_MOST_BYTES: Final = 32 * 1024 * 1024
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
DEPTH_MOST: Final = 8


class FileRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a package."""

    path: Annotated[str, Meta(min_length=1, max_length=240)]
    size: Annotated[int, Meta(ge=0, le=FILE_MOST_BYTES)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Index(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed."""

    id: AppId
    version: Version
    files: Annotated[tuple[FileRow, ...], Meta(min_length=1, max_length=FILES_MOST)]


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose every byte has been checked; whether its signer is believed is another question."""

    manifest: Manifest
    files: Mapping[str, bytes]
    digest: str
    """SHA-256 of its index: stands for all of its content."""
    signer: PublicKey | None
    """Whose signature it bears; None: it is not signed."""


def pack(files: Mapping[str, bytes], key: SigningKey | None = None) -> bytes:
    """Make a package of files by path, signed or not.

    Raises:
        InputError: a path is not allowed, something is too large, or the manifest is wrong.
    """
    manifest = manifest_from(files.get(MANIFEST, b"") or _no_manifest())
    rows = tuple(
        FileRow(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for path, data in sorted(files.items())
        if _fits(path, data)
    )
    if len(rows) > FILES_MOST:
        raise InputError(f"{len(rows)} files, at most {FILES_MOST}")
    index = Index(id=manifest.id, version=manifest.version, files=rows)
    body = b"".join(files[row.path] for row in rows)
    data = _joined(msgspec.json.encode(index), bytes(PUBLIC_BYTES), bytes(SIGNATURE_BYTES), body)
    open_package(data)  # what would be refused later is refused now
    return data if key is None else sign(data, key)


def sign(data: bytes, key: SigningKey) -> bytes:
    """The same package with the signature of a key, in place of any other.

    Raises:
        InputError: it is no sound package.
    """
    index, _, _, body = _parted(data)
    open_package(_joined(index, bytes(PUBLIC_BYTES), bytes(SIGNATURE_BYTES), body))
    return _joined(index, key.public.raw, key.sign(_CONTEXT + index), body)


def open_package(data: bytes) -> Package:
    """Read a package and check all that can be checked without knowing whom to believe.

    Raises:
        InputError: it is none, is cut short, altered or too large, holds a path that leads elsewhere, or
            says of itself what is not so.
        TrustError: its signature is not that of the key it names.
    """
    index_bytes, public, signature, body = _parted(data)
    signer = None
    if public != bytes(PUBLIC_BYTES) or signature != bytes(SIGNATURE_BYTES):
        signer = PublicKey(public)
        signer.check(_CONTEXT + index_bytes, signature)
    index = _index(index_bytes)
    files = _files(index, body)
    manifest = manifest_from(files.get(MANIFEST, b"") or _no_manifest())
    for what, said, found in (
        ("id", index.id, manifest.id),
        ("version", index.version, manifest.version),
    ):
        if said != found:
            raise InputError(f"the package says {what} {said}, its {MANIFEST} says {found}")
    for what, path in (("entry", manifest.entry), ("page", manifest.page)):
        if path and path not in files:
            raise InputError(f"{what} {path!r} is not in the package", file=MANIFEST)
    return Package(manifest, files, hashlib.sha256(index_bytes).hexdigest(), signer)


def check_signer(package: Package, trust: TrustList) -> str:
    """The name of who vouches for a package.

    Raises:
        TrustError: nobody does, or nobody whom we believe.
    """
    if package.signer is None:
        raise TrustError(f"{package.manifest.id} is not signed: volant app sign")
    return trust.trusted(package.signer.hex).name


def path_fault(path: str) -> str:
    """Why a path may not stand in a package; empty where it may."""
    parts = path.split("/")
    if len(path) > 240 or len(parts) > DEPTH_MOST:
        return f"path {path[:60]!r} is too long or too deep"
    if not all(_PART.fullmatch(part) and not part.endswith(".") for part in parts):
        return f"path {path[:60]!r} holds what may not stand in it"
    return ""


def _no_manifest() -> bytes:
    raise InputError(f"the package has no {MANIFEST}, or an empty one")


def _fits(path: str, data: bytes) -> bool:
    if fault := path_fault(path):
        raise InputError(fault)
    if len(data) > FILE_MOST_BYTES:
        raise InputError(f"{path}: {len(data)} bytes, at most {FILE_MOST_BYTES}")
    return True


def _joined(index: bytes, public: bytes, signature: bytes, body: bytes) -> bytes:
    return b"".join((MAGIC, _LENGTH.pack(len(index)), index, public, signature, body))


def _parted(data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Index, key, signature and body of a package."""
    if len(data) > PACKAGE_MOST_BYTES:
        raise InputError(f"a package of {len(data)} bytes, at most {PACKAGE_MOST_BYTES}")
    if not data.startswith(MAGIC):
        raise InputError("this is no Volant app package")
    at = len(MAGIC) + _LENGTH.size
    if len(data) < at:
        raise InputError("the package is cut short")
    (length,) = _LENGTH.unpack_from(data, len(MAGIC))
    if length > INDEX_MOST_BYTES:
        raise InputError(f"an index of {length} bytes, at most {INDEX_MOST_BYTES}")
    ends = (at + length, at + length + PUBLIC_BYTES, at + length + PUBLIC_BYTES + SIGNATURE_BYTES)
    if len(data) < ends[-1]:
        raise InputError("the package is cut short")
    return data[at : ends[0]], data[ends[0] : ends[1]], data[ends[1] : ends[2]], data[ends[2] :]


def _index(data: bytes) -> Index:
    try:
        index = msgspec.json.decode(data, type=Index)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the package's index is wrong: {error}") from error
    seen: set[str] = set()
    for row in index.files:
        if fault := path_fault(row.path):
            raise InputError(fault)
        folded = row.path.casefold()
        if folded in seen:
            raise InputError(f"path {row.path!r} stands in the package twice")
        seen.add(folded)
    for row in index.files:
        parts = row.path.casefold().split("/")
        if any("/".join(parts[:count]) in seen for count in range(1, len(parts))):
            raise InputError(f"path {row.path!r} lies below a file")
    return index


def _files(index: Index, body: bytes) -> dict[str, bytes]:
    total = sum(row.size for row in index.files)
    if total != len(body):
        raise InputError(f"the package names {total} bytes of files and holds {len(body)}")
    files: dict[str, bytes] = {}
    at = 0
    for row in index.files:
        content = body[at : at + row.size]
        at += row.size
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise InputError(f"{row.path} is not what the package says: altered", where=index.id)
        files[row.path] = content
    return files
