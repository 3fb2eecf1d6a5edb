"""Tokens of clients outside the car: signed JWTs whose claim `scope` holds the rights (RFC 9068, RS256).

As KUKSA's broker reads them (doc/authorization.md, jwt/decoder.rs): audience `kuksa.val`; `sub`, `iss`,
`iat` and `exp` must stand. One algorithm is taken, RS256: `none`, HMAC under the public key and everything
else are refused before a key is tried. A token is believed by its signature alone and kept only in memory.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from volant.caros.signals.rights import Rights, parse_scope
from volant.caros.signals.values import Code, SignalError
from volant.core.errors import InputError

AUDIENCE: Final = "kuksa.val"
ALGORITHM: Final = "RS256"
CLAIMS: Final = ("sub", "iss", "aud", "iat", "exp", "scope")
LONGEST_TOKEN: Final = 16 * 1024
"""Characters; gRPC takes 8 kilobytes of metadata by default."""
LEAST_KEY_BITS: Final = 2048
"""RFC 7518, 3.3."""
_KEPT: Final = 256
"""Tokens whose signature need not be checked again."""


def name_of(token: str) -> str:
    """Of who shows a token, as the arbiter is told: the same by whatever connection it comes."""
    return "token:" + hashlib.sha256(token.encode()).hexdigest()[:12]


class TokenExpiredError(SignalError):
    """The token was good and its time is over."""

    def __init__(self) -> None:
        super().__init__(Code.UNAUTHENTICATED, "", "the token has expired")


class TokenChecker:
    """Gives the rights of a token that the holder of one RSA key has signed."""

    def __init__(self, public_key_pem: str | bytes) -> None:
        """Take a public key or a certificate in PEM.

        Raises:
            InputError: it is no RSA public key, or a short one.
        """
        self._key = _public_key(public_key_pem)
        self._known: OrderedDict[str, tuple[Rights, float]] = OrderedDict()

    def rights(self, token: str, now_s: float) -> Rights:
        """What the bearer of a token may do; `now_s` is Unix time in seconds.

        Raises:
            SignalError: UNAUTHENTICATED, with the reason in words.
        """
        known = self._known.get(token)
        if known is None:
            known = self._checked(token)
            self._known[token] = known
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        rights, begins_s = known
        if rights.expired(now_s):
            raise TokenExpiredError
        if now_s < begins_s:
            raise _refused("is not valid yet")
        return rights

    def _checked(self, token: str) -> tuple[Rights, float]:
        if len(token) > LONGEST_TOKEN:
            raise _refused(f"is longer than {LONGEST_TOKEN} characters")
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                # Times are ours to judge: the caller says what time it is.
                options={
                    "require": list(CLAIMS),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise _refused(f"is not accepted: {error}") from error
        expires_s, begins_s = _seconds(claims, "exp"), _seconds(claims, "nbf", 0.0)
        scope = claims["scope"]
        if not isinstance(scope, str):
            raise _refused("has a scope that is no text")
        try:
            return parse_scope(scope, expires_s), begins_s
        except SignalError as error:
            raise _refused(f"has a wrong scope: {error.reason}") from error


def _public_key(pem: str | bytes) -> RSAPublicKey:
    data = pem.encode() if isinstance(pem, str) else pem
    try:
        if b"BEGIN CERTIFICATE" in data:
            key: object = load_pem_x509_certificate(data).public_key()
        else:
            key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"no public key in PEM: {error}") from error
    if not isinstance(key, RSAPublicKey):
        raise InputError(f"an RSA key is needed, this is {type(key).__name__}")
    if key.key_size < LEAST_KEY_BITS:
        raise InputError(f"an RSA key of {key.key_size} bits, at least {LEAST_KEY_BITS} are needed")
    return key


def _seconds(claims: dict[str, object], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise _refused(f"has no time in {name}")
    return float(value)


def _refused(why: str) -> SignalError:
    return SignalError(Code.UNAUTHENTICATED, "", f"the token {why}")


__all__ = ["ALGORITHM", "AUDIENCE", "TokenChecker", "TokenExpiredError", "name_of"]
