"""Tokens: what is believed, and everything that is refused."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from volant.caros.signals.tokens import TokenChecker
from volant.caros.signals.values import Code, SignalError
from volant.core.errors import InputError

NOW_S = 1_800_000_000.0
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(private=PRIVATE) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


CHECKER = TokenChecker(public_pem())
CLAIMS = {
    "sub": "test", "iss": "tests", "aud": ["kuksa.val"], "iat": NOW_S - 10, "exp": NOW_S + 60,
    "scope": "read:Vehicle.Speed actuate:Vehicle.Cabin",
}  # fmt: skip


def token(key=PRIVATE, algorithm="RS256", headers=None, **claims) -> str:
    merged = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode(merged, key, algorithm=algorithm, headers=headers)


def part(content: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_a_good_token_gives_the_rights_of_its_scope():
    rights = CHECKER.rights(token(), NOW_S)
    assert rights.may_read("Vehicle.Speed")
    assert rights.may_actuate("Vehicle.Cabin.Door.Row1.DriverSide.IsOpen")
    assert not rights.may_read("Vehicle.Powertrain.Range")
    assert not rights.may_provide_data("Vehicle.Speed")


def test_a_known_token_still_expires():
    good = token()
    CHECKER.rights(good, NOW_S)
    with pytest.raises(SignalError, match="expired"):
        CHECKER.rights(good, NOW_S + 60)


def hmac_with_the_public_key() -> str:
    # PyJWT itself refuses to sign with a PEM as HMAC key, an attacker would not.
    import hashlib
    import hmac

    body = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(CLAIMS)}"
    mac = hmac.new(public_pem(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def altered() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{part({**CLAIMS, 'scope': 'read actuate provide create'})}.{signature}"


REFUSED = {
    "empty": lambda: "",
    "no token": lambda: "hello",
    "three dots": lambda: "...",
    "none": lambda: f"{part({'alg': 'none'})}.{part(CLAIMS)}.",
    "None": lambda: f"{part({'alg': 'None'})}.{part(CLAIMS)}.",
    "unsigned": lambda: token().rpartition(".")[0] + ".",
    "HMAC under the public key": hmac_with_the_public_key,
    "RS512": lambda: token(algorithm="RS512"),
    "another key": lambda: token(key=OTHER),
    "another kind of key": lambda: token(
        key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"
    ),
    "altered": altered,
    "expired": lambda: token(exp=NOW_S - 1),
    "expires now": lambda: token(exp=NOW_S),
    "not yet": lambda: token(nbf=NOW_S + 5),
    "no end": lambda: token(exp=None),
    "end is text": lambda: token(exp="never"),
    "end is true": lambda: token(exp=True),
    "end beyond all": lambda: token(exp=1e300),
    "no scope": lambda: token(scope=None),
    "scope is a list": lambda: token(scope=["read"]),
    "wrong scope": lambda: token(scope="write:Vehicle.Speed"),
    "wrong audience": lambda: token(aud=["somebody else"]),
    "no audience": lambda: token(aud=None),
    "no subject": lambda: token(sub=None),
    "no issuer": lambda: token(iss=None),
    "huge": lambda: token(scope="read:" + "A" * 100_000),
    "critical header": lambda: token(headers={"crit": ["b64"], "b64": False}),
    "not a text of ASCII": lambda: "é.ü.ß",
    "deep": lambda: base64.urlsafe_b64encode(b'{"a":' * 2000).decode() + ".e30.e30",
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_unauthenticated_with_a_reason(make):
    with pytest.raises(SignalError) as refused:
        CHECKER.rights(make(), NOW_S)
    assert refused.value.code is Code.UNAUTHENTICATED
    assert refused.value.reason.startswith("the token ")


def test_the_memory_of_tokens_is_bounded():
    checker = TokenChecker(public_pem())
    for number in range(300):
        checker.rights(token(sub=str(number)), NOW_S)
    assert len(checker._known) == 256


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"hello",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        public_pem(ec.generate_private_key(ec.SECP256R1())),
        public_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_key_that_is_none_is_told(pem):
    with pytest.raises(InputError):
        TokenChecker(pem)
