"""A key pair that signs tokens, and a certificate of a server, made for the tests alone."""

import datetime as dt
import ipaddress
import time
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SERVER_NAME = "Server"


def token(scope: str, valid_s: float = 600.0, key: rsa.RSAPrivateKey = KEY) -> str:
    """A token for a scope; `valid_s` from now."""
    now_s = time.time()
    claims = {
        "sub": "test", "iss": "tests", "aud": ["kuksa.val"], "iat": int(now_s),
        "exp": now_s + valid_s, "scope": scope,
    }  # fmt: skip
    return jwt.encode(claims, key, algorithm="RS256")


def bearer(scope: str, valid_s: float = 600.0, key: rsa.RSAPrivateKey = KEY) -> str:
    return f"Bearer {token(scope, valid_s, key)}"


def public_pem() -> bytes:
    return KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def certificate() -> tuple[bytes, bytes]:
    """A certificate that signs itself, for `Server`, localhost and 127.0.0.1, and its key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVER_NAME)])
    now = dt.datetime.now(dt.UTC)
    names = [
        x509.DNSName(SERVER_NAME),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )
    key = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), key


def write(folder: Path, *, tls: bool, tokens: bool) -> None:
    """What `tests.caros.kuksa.process` looks for."""
    if tls:
        cert, key = certificate()
        (folder / "cert.pem").write_bytes(cert)
        (folder / "key.pem").write_bytes(key)
    if tokens:
        (folder / "jwt.pub").write_bytes(public_pem())
