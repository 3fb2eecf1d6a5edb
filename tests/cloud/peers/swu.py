"""Images as SWUpdate reads them: a cpio archive (new ASCII format with sums, `070702`) whose description is signed (CMS).

What Debian's swupdate asks for: a detached CMS signature over `sw-description`, by a certificate that `-k` names and
that is meant for e-mail (SWUpdate's own default); the description names each file's SHA-256.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HARDWARE = "volant:1.0"
DESCRIPTION = """software = {{
  version = "2.0";
  hardware-compatibility = [ "1.0" ];
  files: ( {{ filename = "os.bin"; path = "{target}"; sha256 = "{digest}"; }} );
}}
"""
BLOCK_BYTES = 512


@dataclass(frozen=True)
class Signer:
    """Who makes images."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls) -> Signer:
        """A key, and a certificate of its own that is good for a day."""
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a fleet's images")])
        now = dt.datetime.now(dt.UTC)
        day = dt.timedelta(days=1)
        email = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(email, critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, made)

    def write(self, path: Path) -> None:
        """Its certificate, as `-k` reads it."""
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def sign(self, data: bytes) -> bytes:
        """A detached signature."""
        how = [
            pkcs7.PKCS7Options.DetachedSignature,
            pkcs7.PKCS7Options.Binary,
            pkcs7.PKCS7Options.NoCapabilities,
        ]
        made = pkcs7.PKCS7SignatureBuilder().set_data(data)
        return made.add_signer(self.certificate, self.key, hashes.SHA256()).sign(Encoding.DER, how)


def image(system: bytes, target: Path, signer: Signer, *, promised: bytes | None = None) -> bytes:
    """An image that writes `system` to a file; `promised`: what its description says that it is."""
    digest = sha256(system if promised is None else promised).hexdigest()
    words = DESCRIPTION.format(target=target, digest=digest).encode()
    files = [
        ("sw-description", words),
        ("sw-description.sig", signer.sign(words)),
        ("os.bin", system),
    ]
    return archive(files)


def archive(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A cpio archive of plain files."""
    found = bytearray()
    for place, (name, data) in enumerate([*files, ("TRAILER!!!", b"")], start=1):
        fields = [place, 0o100644 if data else 0, 0, 0, 1, 0, len(data), *[0] * 4, len(name) + 1]
        head = b"070702" + b"".join(b"%08X" % one for one in [*fields, sum(data) & 0xFFFFFFFF])
        found += _padded(head + name.encode() + b"\0", 4) + _padded(data, 4)
    return _padded(bytes(found), BLOCK_BYTES)


def _padded(data: bytes, to: int) -> bytes:
    return data + bytes(-len(data) % to)
