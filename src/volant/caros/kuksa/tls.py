"""The server's certificate and key."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from volant.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate chain and private key in PEM; clients show none."""

    certificate_pem: bytes
    key_pem: bytes


def check_pair(tls: Tls) -> None:
    """Tell a wrong certificate or key in words; gRPC would say that it cannot bind.

    Raises:
        InputError: they are no pair in PEM.
    """
    try:
        certificate = load_pem_x509_certificate(tls.certificate_pem)
        key = load_pem_private_key(tls.key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"certificate and key are no pair in PEM: {error}") from error
    if certificate.public_key() != key.public_key():
        raise InputError("certificate and key are no pair: the key is another's")
