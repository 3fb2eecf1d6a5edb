"""P-256 agreement and signatures, HKDF-SHA256 and AES-256-GCM, as few plain functions over `cryptography`.

Nothing here asks for chance: keys come from bytes that are given, signatures are deterministic (RFC 6979).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from volant.trust.key.codes import ID_BYTES, Code, KeyRefusedError

_CURVE: Final = ec.SECP256R1()
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
SIGNATURE_BYTES: Final = 64
TAG_BYTES: Final = 16
CHANCE_BYTES: Final = 48
"""For a key: so many more bits than the order that none is likelier than another (FIPS 186-5, A.2.1)."""
ZERO_NONCE: Final = bytes(12)
"""For a key that seals one message only."""

PrivateKey = ec.EllipticCurvePrivateKey


def secret_from(chance: bytes) -> bytes:
    """A private key, 32 bytes, from 48 random ones."""
    if len(chance) != CHANCE_BYTES:
        raise ValueError(f"a key needs {CHANCE_BYTES} bytes of chance, found {len(chance)}")
    return (int.from_bytes(chance, "big") % (_ORDER - 1) + 1).to_bytes(32, "big")


def private_key(secret: bytes) -> PrivateKey:
    """The key that a secret stands for."""
    return ec.derive_private_key(int.from_bytes(secret, "big"), _CURVE)


def public_of(key: PrivateKey) -> bytes:
    """Its public point, 65 bytes."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def key_id(public: bytes) -> bytes:
    """Name of a key, and of a car by its key: the first 16 bytes of SHA-256 over its point."""
    return hashlib.sha256(public).digest()[:ID_BYTES]


def point(public: bytes) -> ec.EllipticCurvePublicKey:
    """A point from outside, checked to lie on the curve.

    Raises:
        KeyRefusedError: malformed.
    """
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, public)
    except ValueError as error:
        raise KeyRefusedError(Code.MALFORMED) from error


def agree(own: PrivateKey, public: bytes) -> bytes:
    """The x-coordinate that both sides find (SEC 1, 3.3.1)."""
    return own.exchange(ec.ECDH(), point(public))


def sign(key: PrivateKey, message: bytes) -> bytes:
    """R and s, 32 bytes each, as Web Crypto writes them."""
    r, s = decode_dss_signature(key.sign(message, _ECDSA))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Let a message pass that the holder of this key has signed.

    Raises:
        KeyRefusedError: it is not so signed.
    """
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        point(public).verify(encode_dss_signature(r, s), message, _ECDSA)
    except InvalidSignature as error:
        raise KeyRefusedError(Code.SIGNATURE) from error


def derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 (RFC 5869)."""
    key = hmac.digest(salt, secret, "sha256")
    found, block = b"", b""
    while len(found) < length:
        block = hmac.digest(key, block + info + bytes([len(found) // 32 + 1]), "sha256")
        found += block
    return found[:length]


def seal(key: bytes, nonce: bytes, data: bytes, bound: bytes) -> bytes:
    """Encrypt, with a tag of 16 bytes behind that also covers what is only bound."""
    return AESGCM(key).encrypt(nonce, data, bound)


def unseal(key: bytes, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    """What was sealed.

    Raises:
        KeyRefusedError: by nobody with this key, or for something else.
    """
    try:
        return AESGCM(key).decrypt(nonce, sealed, bound)
    except InvalidTag as error:
        raise KeyRefusedError(Code.TAG) from error


def digest(*parts: bytes) -> bytes:
    """SHA-256 over parts one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()
