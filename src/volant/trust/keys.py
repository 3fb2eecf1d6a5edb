"""Ed25519 keys (RFC 8032): made, written as text, and used to sign and to check.

A key's text is PEM, so that `openssl pkey` reads it. A private key is written without a passphrase: who may
read its file may sign.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from volant.core.errors import InputError, TrustError

SIGNATURE_BYTES: Final = 64
PUBLIC_BYTES: Final = 32
PEM_MOST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whom a signature is from."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != PUBLIC_BYTES:
            raise InputError(f"a public key has {PUBLIC_BYTES} bytes, found {len(self.raw)}")

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """The key that `hex` gave.

        Raises:
            InputError: it is none.
        """
        try:
            return cls(bytes.fromhex(text))
        except ValueError as error:
            raise InputError(f"a public key is {2 * PUBLIC_BYTES} hex digits: {error}") from error

    @property
    def hex(self) -> str:
        """All of it, for files."""
        return self.raw.hex()

    @property
    def key_id(self) -> str:
        """Short name: the first 16 hex digits of its SHA-256. A name, not a proof."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def check(self, message: bytes, signature: bytes) -> None:
        """Let a message pass that the holder of this key has signed.

        Raises:
            TrustError: it is not so signed.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise TrustError(f"the signature is not that of key {self.key_id}") from error


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Signs; whoever has its seed can."""

    seed: bytes

    def __post_init__(self) -> None:
        if len(self.seed) != PUBLIC_BYTES:
            raise InputError(f"a seed has {PUBLIC_BYTES} bytes, found {len(self.seed)}")

    def __repr__(self) -> str:
        return f"SigningKey({self.public.key_id})"

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a private key.

        Raises:
            InputError: it is none, or of another kind.
        """
        if len(pem) > PEM_MOST_BYTES:
            raise InputError(f"no private key: {len(pem)} bytes")
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InputError(f"no private key without a passphrase in PEM: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise InputError("the private key is of another kind than Ed25519")
        return cls(key.private_bytes_raw())

    def to_pem(self) -> bytes:
        """As PEM (PKCS 8), not encrypted."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def public(self) -> PublicKey:
        """What others check its signatures with."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return PublicKey(key.public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes that say who vouches for a message."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
