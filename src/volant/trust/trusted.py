"""The list of keys whose owner is believed, as a value. A key that is revoked stays in it, so it cannot come back."""

from __future__ import annotations

from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from volant.core.errors import InputError, TrustError
from volant.trust.keys import PublicKey

KEYS_MOST: Final = 256
LIST_MOST_BYTES: Final = 128 * 1024


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key of the list."""

    key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """Ed25519 public key in hex."""
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    """For people."""
    revoked: bool = False

    @property
    def public(self) -> PublicKey:
        """The key itself."""
        return PublicKey.from_hex(self.key)


class TrustList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose packages are taken."""

    keys: Annotated[tuple[TrustedKey, ...], Meta(max_length=KEYS_MOST)] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` gave.

        Raises:
            InputError: it is something else, too long, or holds a key twice.
        """
        if len(data) > LIST_MOST_BYTES:
            raise InputError(f"{len(data)} bytes of trusted keys, at most {LIST_MOST_BYTES}")
        try:
            found = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"no list of trusted keys: {error}") from error
        if len({one.key for one in found.keys}) != len(found.keys):
            raise InputError("the list of trusted keys holds a key twice")
        return found

    def to_bytes(self) -> bytes:
        """For a file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def trusted(self, key_hex: str) -> TrustedKey:
        """The entry of a key that may be believed.

        Raises:
            TrustError: it is not in the list, or revoked.
        """
        found = next((one for one in self.keys if one.key == key_hex), None)
        if found is None:
            name = PublicKey.from_hex(key_hex).key_id
            raise TrustError(f"signed with key {name}, which is not in the list of trusted keys")
        if found.revoked:
            raise TrustError(f"signed with key {found.public.key_id} ({found.name}), revoked")
        return found

    def with_key(self, key: PublicKey, name: str) -> Self:
        """The list with one key more; one that is there stays as it is.

        Raises:
            TrustError: the key is revoked, or the list is full.
        """
        known = next((one for one in self.keys if one.key == key.hex), None)
        if known is not None and known.revoked:
            raise TrustError(f"key {key.key_id} is revoked and does not come back")
        if known is not None:
            return self
        if len(self.keys) >= KEYS_MOST:
            raise TrustError(f"the list holds {KEYS_MOST} keys and takes no more")
        return type(self)(keys=(*self.keys, TrustedKey(key=key.hex, name=name)))

    def without(self, key_id: str) -> Self:
        """The list with a key revoked, by its short name.

        Raises:
            InputError: no key of the list is named so.
        """
        if key_id not in {one.public.key_id for one in self.keys}:
            raise InputError(f"no trusted key is named {key_id}")
        return type(self)(
            keys=tuple(
                msgspec.structs.replace(one, revoked=True) if one.public.key_id == key_id else one
                for one in self.keys
            )
        )
