"""Keys that never leave a PKCS 11 token: a repository's role signed by a smart card, an HSM or SoftHSM.

Needs the extra `hsm` and, in PYKCS11LIB, the token's own library. The PIN is asked for each time, or taken from
VOLANT_HSM_PIN; it is written nowhere.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any, Final

import msgspec
from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import HSMSigner, Key, Signature, Signer

from volant.core.errors import InputError, RefusedError

PIN: Final = "VOLANT_HSM_PIN"
LACKS: Final = "the extra hsm is not installed: pip install volant[hsm]"


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is stored of a key in a token: where it is, and its public half."""

    uri: str
    keyid: str
    key: dict[str, Any]


class TokenSigner(Signer):
    """Signs with a token; what a token can say no with becomes one error of the tree."""

    def __init__(self, entry: TokenEntry) -> None:
        self._entry = entry
        self._key = Key.from_dict(entry.keyid, dict(entry.key))

    @property
    def public_key(self) -> Key:
        """Its public half."""
        return self._key

    @classmethod
    def from_priv_key_uri(cls, *_: object) -> Signer:
        """Not used: entries are files of the repository."""
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """For a file that `read` reads."""
        return msgspec.json.encode(self._entry)

    def sign(self, payload: bytes) -> Signature:
        """Sign.

        Raises:
            RefusedError: the token is not there, or does not want to.
        """
        try:
            inner = HSMSigner.from_priv_key_uri(self._entry.uri, self._key, _pin)
            return inner.sign(payload)
        except UnsupportedLibraryError as error:
            raise RefusedError(LACKS) from error
        except _refusals() as error:
            raise RefusedError(f"{self._entry.uri}: {_words(error)}") from error


def adopt(label: str, number: int) -> TokenSigner:
    """A key of a token.

    Raises:
        RefusedError: there is no such token or key.
    """
    try:
        uri, key = HSMSigner.import_(number, label, _pin)
    except UnsupportedLibraryError as error:
        raise RefusedError(LACKS) from error
    except _refusals() as error:
        raise RefusedError(f"key {number} of token {label!r}: {_words(error)}") from error
    return TokenSigner(TokenEntry(uri=uri, keyid=key.keyid, key=key.to_dict()))


def read(path: Path) -> TokenSigner:
    """What `to_bytes` gave.

    Raises:
        InputError: it is something else.
    """
    try:
        return TokenSigner(msgspec.json.decode(path.read_bytes(), type=TokenEntry))
    except (msgspec.MsgspecError, ValueError, KeyError) as error:
        raise InputError(f"no key of a token: {error}", file=str(path)) from error


def _pin(_: str) -> str:
    return os.environ.get(PIN) or getpass.getpass("PIN of the token: ")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _refusals() -> tuple[type[Exception], ...]:
    """What securesystemslib and the PKCS 11 package raise; the latter only where it is installed."""
    try:
        from pkcs11.exceptions import PKCS11Error
    except ImportError:
        return ValueError, RuntimeError
    return ValueError, RuntimeError, PKCS11Error
