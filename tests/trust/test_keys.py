"""Keys of Ed25519: what they sign is checked, what they did not sign is not, and text is read back."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from volant.core.errors import InputError, TrustError
from volant.trust import PublicKey, SigningKey

SEEDS = st.binary(min_size=32, max_size=32)


def test_the_vector_of_rfc_8032() -> None:
    """RFC 8032, 7.1, test 2."""
    key = SigningKey(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert key.public.hex == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@given(seed=SEEDS, message=st.binary(max_size=200))
def test_what_a_key_signed_passes(seed: bytes, message: bytes) -> None:
    key = SigningKey(seed)
    key.public.check(message, key.sign(message))


@given(seed=SEEDS, message=st.binary(max_size=60), at=st.integers(0, 511))
def test_one_bit_of_a_signature_makes_it_another(seed: bytes, message: bytes, at: int) -> None:
    key = SigningKey(seed)
    signature = bytearray(key.sign(message))
    signature[at // 8] ^= 1 << at % 8
    with pytest.raises(TrustError, match="not that of key"):
        key.public.check(message, bytes(signature))


@given(seed=SEEDS)
def test_a_key_is_read_back_from_its_text(seed: bytes) -> None:
    key = SigningKey(seed)
    assert SigningKey.from_pem(key.to_pem()) == key
    assert PublicKey.from_hex(key.public.hex) == key.public


def test_openssl_reads_our_key(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(SigningKey(bytes(32)).to_pem())
    done = subprocess.run(
        ["openssl", "pkey", "-in", path, "-text", "-noout"], capture_output=True, text=True
    )
    assert "ED25519" in done.stdout.upper()


def test_a_seed_is_never_printed() -> None:
    key = SigningKey(b"s" * 32)
    assert "s" * 4 not in repr(key)
    assert key.public.key_id in repr(key)


def _other_kind() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize("pem", [b"", b"x" * 5000, SigningKey(bytes(32)).to_pem()[:60]])
def test_what_is_no_key_is_refused(pem: bytes) -> None:
    with pytest.raises(InputError, match="no private key"):
        SigningKey.from_pem(pem)


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="another kind"):
        SigningKey.from_pem(_other_kind())


@pytest.mark.parametrize("text", ["", "ab", "g" * 64, "a" * 66])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="public key"):
        PublicKey.from_hex(text)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="seed"):
        SigningKey(b"short")
