"""The keys of `volant repo` as files: NAME.pem, NAME.2.pem, ... of one role, or NAME.token.json in a token.

Readable by their owner alone. A key that another takes the place of is kept beside it as `.old`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import Key, Signer, SSlibKey

from volant.app import repo_token
from volant.core.errors import InputError
from volant.trust.keys import SigningKey
from volant.trust.uptane import soft_signer

PEM: Final = ".pem"
HELD_ELSEWHERE: Final = ".token.json"
"""End of the name of a file that says which key of a token signs."""
KEYS_MOST: Final = 16
PEM_MOST_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class NewKeys:
    """Keys that a role gets, and the files by which they are found again."""

    signers: tuple[Signer, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By end of the name: `.pem`, `.2.pem`, `.token.json`."""
    others: tuple[Key, ...] = ()
    """Of people who sign elsewhere."""


def fresh(count: int) -> NewKeys:
    """Keys in files.

    Raises:
        InputError: more than a role may have.
    """
    if not 1 <= count <= KEYS_MOST:
        raise InputError(f"{count} keys of a role, expected 1 to {KEYS_MOST}")
    keys = [SigningKey(os.urandom(32)) for _ in range(count)]
    return NewKeys(
        tuple(soft_signer(key) for key in keys),
        {_end(number, PEM): key.to_pem() for number, key in enumerate(keys, 1)},
    )


def in_token(label: str, number: int) -> NewKeys:
    """A key of a PKCS 11 token.

    Raises:
        RefusedError: there is no such token or key.
    """
    signer = repo_token.adopt(label, number)
    return NewKeys((signer,), {HELD_ELSEWHERE: signer.to_bytes()})


def of_others(files: tuple[Path, ...]) -> NewKeys:
    """Keys of which only the public half is here.

    Raises:
        InputError: a file is none.
    """
    return NewKeys(others=tuple(_read_public(file) for file in files))


def replaced(keys: Path, name: str, new: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """What becomes of a role's files: the old ones are put aside, the new ones are in force."""
    changes: dict[str, bytes | None] = {}
    for path in files_of(keys, name):
        changes[f"keys/{aside(path).name}"] = path.read_bytes()
        changes[f"keys/{path.name}"] = None
    return changes | {f"keys/{name}{end}": data for end, data in new.items()}


def files_of(keys: Path, name: str) -> list[Path]:
    """The files of a role's keys that are here."""
    ends = (HELD_ELSEWHERE, *(_end(number, PEM) for number in range(1, KEYS_MOST + 1)))
    return [path for end in ends if (path := keys / f"{name}{end}").is_file()]


def signers(keys: Path, name: str) -> list[Signer]:
    """Whoever of a role can sign here."""
    return [read_signer(path) for path in files_of(keys, name)]


def aside(path: Path) -> Path:
    """Where a key goes that another takes the place of."""
    number = 1
    while (found := path.with_name(f"{path.name}.{number}.old")).exists():
        number += 1
    return found


def soft_key(keys: Path, name: str) -> SigningKey | None:
    """The first key of a name, if it is in a file here."""
    path = keys / f"{name}{PEM}"
    return SigningKey.from_pem(path.read_bytes()) if path.is_file() else None


def public_pem(key: SigningKey) -> bytes:
    """The public half for whoever makes the root."""
    return Ed25519PublicKey.from_public_bytes(key.public.raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def write_private(path: Path, data: bytes) -> None:
    """Put a file in its place in one move, readable by its owner alone from the first byte on."""
    draft = path.with_name(path.name + ".part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_signer(path: Path) -> Signer:
    """Who signs with the key of a file; a key that is to come has `.new` after its name."""
    if HELD_ELSEWHERE in path.name:
        return repo_token.read(path)
    return soft_signer(SigningKey.from_pem(path.read_bytes()))


def _read_public(file: Path) -> Key:
    if not file.is_file():
        raise InputError("no such file", file=str(file))
    data = file.read_bytes()[: PEM_MOST_BYTES + 1]
    try:
        return SSlibKey.from_crypto(serialization.load_pem_public_key(data))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"no public key in PEM: {error}", file=str(file)) from error


def _end(number: int, kind: str) -> str:
    return kind if number == 1 else f".{number}{kind}"
