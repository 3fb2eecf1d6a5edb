"""Keys and whom to believe, as pure code: no files, no sockets, no clock; shared by car, phone and cloud."""

from volant.trust.keys import PublicKey, SigningKey
from volant.trust.trusted import TrustedKey, TrustList

__all__ = ["PublicKey", "SigningKey", "TrustList", "TrustedKey"]
