"""The list of trusted keys: who is in it passes, who is revoked never does again."""

import pytest

from volant.core.errors import InputError, TrustError
from volant.trust import PublicKey, SigningKey, TrustList

ONE = SigningKey(b"1" * 32).public
TWO = SigningKey(b"2" * 32).public


def listed(*keys: PublicKey) -> TrustList:
    trust = TrustList()
    for key in keys:
        trust = trust.with_key(key, f"key {key.key_id}")
    return trust


def test_who_is_listed_is_believed_and_nobody_else() -> None:
    assert listed(ONE).trusted(ONE.hex).name == f"key {ONE.key_id}"
    with pytest.raises(TrustError, match=f"{TWO.key_id}, which is not in the list"):
        listed(ONE).trusted(TWO.hex)


def test_a_revoked_key_is_not_believed_and_does_not_come_back() -> None:
    trust = listed(ONE, TWO).without(ONE.key_id)
    with pytest.raises(TrustError, match="revoked"):
        trust.trusted(ONE.hex)
    with pytest.raises(TrustError, match="does not come back"):
        trust.with_key(ONE, "again")
    assert trust.trusted(TWO.hex).public == TWO


def test_a_key_that_is_listed_keeps_its_name() -> None:
    assert listed(ONE).with_key(ONE, "another") == listed(ONE)


def test_an_unknown_key_cannot_be_revoked() -> None:
    with pytest.raises(InputError, match="no trusted key is named"):
        listed(ONE).without(TWO.key_id)


def test_a_list_is_read_back() -> None:
    trust = listed(ONE, TWO).without(TWO.key_id)
    assert TrustList.from_bytes(trust.to_bytes()) == trust


def test_a_full_list_takes_no_more() -> None:
    trust = listed(*(SigningKey(bytes([n]) * 32).public for n in range(256)))
    with pytest.raises(TrustError, match="takes no more"):
        trust.with_key(SigningKey(b"more" * 8).public, "one more")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b'{"keys": [{"key": "xy", "name": "a"}]}',
        b'{"keys": [], "more": 1}',
        b" " * 200_000,
        listed(ONE).to_bytes().replace(b"[", b"[" + listed(ONE).to_bytes().split(b"[")[1].split(b"]")[0] + b",", 1),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        TrustList.from_bytes(data)
