"""A repository as its keepers have it: images go in, signed metadata comes out, as VERSION.name (Uptane 2.1, 5.2.7).

The other side of `trusted.py`. No files: `published` is what a server gives, and `Keeper.load` reads it back. Keys
are securesystemslib's signers, so that one may lie in a PKCS 11 token and never be seen here.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeAlias, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, Key, Signer
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from volant.core.errors import InputError, RefusedError
from volant.trust.keys import SigningKey
from volant.trust.uptane.custom import CUSTOM, VEHICLE
from volant.trust.uptane.delegations import GROUPS, HARDWARE, RoleGroup
from volant.trust.uptane.metadata import (
    MALFORMED,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    TOP_LEVEL,
    parse,
)
from volant.trust.uptane.trusted import file_of

DAY_S: Final = 86_400
LIFETIMES_S: Final[Mapping[str, int]] = {
    ROOT: 365 * DAY_S, TARGETS: 90 * DAY_S, SNAPSHOT: 30 * DAY_S, TIMESTAMP: 7 * DAY_S,
}  # fmt: skip
"""How long a signature holds: the more a key is online, the shorter (deployment considerations of Uptane)."""

Signers: TypeAlias = dict[str, list[Signer]]
SignedT = TypeVar("SignedT", bound=Signed)


def soft_signer(key: SigningKey) -> Signer:
    """A signer whose key lies in a file."""
    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(key.seed))


def target_file(name: str, data: bytes, custom: Mapping[str, Any]) -> TargetFile:
    """An image as metadata lists it, with SHA-256 and SHA-512."""
    hashes = {kind: hashlib.new(kind, data).hexdigest() for kind in ("sha256", "sha512")}
    return TargetFile(len(data), hashes, name, {"custom": dict(custom)})


def image_names(target: TargetFile) -> tuple[str, ...]:
    """Under which names a server gives an image: HASH.name for each hash that is listed."""
    return tuple(target.get_prefixed_paths())


@dataclass
class Keeper:
    """One repository. Change what it holds, then `publish`."""

    name: str
    root: Root
    timestamp: Timestamp
    snapshot: Snapshot
    targets: dict[str, Targets]
    """By role."""
    signers: Signers
    """By role; a role without signers cannot be signed here."""
    published: dict[str, bytes] = field(default_factory=dict)
    lifetimes_s: Mapping[str, int] = field(default_factory=lambda: dict(LIFETIMES_S))

    @classmethod
    def create(
        cls,
        name: str,
        signers: Mapping[str, Sequence[Signer]],
        *,
        now_s: float,
        thresholds: Mapping[str, int] | None = None,
    ) -> Self:
        """A new repository with an empty set of images, published.

        Args:
            name: director or image.
            signers: of the four roles.
            now_s: Unix seconds.
            thresholds: how many keys of a role must sign; one where it does not say.
        """
        roles, keys = {}, {}
        for role in TOP_LEVEL:
            public = [one.public_key for one in signers[role]]
            keys.update({key.keyid: key for key in public})
            roles[role] = Role([key.keyid for key in public], (thresholds or {}).get(role, 1))
        root = _unborn(Root(keys=keys, roles=roles, consistent_snapshot=True))
        found = cls(
            name,
            root,
            _unborn(Timestamp()),
            _unborn(Snapshot(meta={})),
            {TARGETS: _unborn(Targets())},
            {role: list(some) for role, some in signers.items()},
        )
        found.publish_root(now_s)
        found.publish(now_s, [TARGETS])
        return found

    @classmethod
    def load(cls, name: str, published: Mapping[str, bytes], signers: Signers) -> Self:
        """What was published before.

        Raises:
            InputError: a file lacks.
            RejectedError: a file is something else.
        """
        version = max((_root_version(key) for key in published), default=0)
        if not version:
            raise InputError(f"repository {name} has no root")
        root = parse(Root, published[f"{version}.root.json"], repository=name, role=ROOT)
        try:
            timestamp = parse(
                Timestamp, published[file_of(TIMESTAMP)], repository=name, role=TIMESTAMP
            )
            current = timestamp.signed.snapshot_meta.version
            data = published[f"{current}.{file_of(SNAPSHOT)}"]
            snapshot = parse(Snapshot, data, repository=name, role=SNAPSHOT)
            targets = {
                key.removesuffix(".json"): parse(
                    Targets, published[f"{meta.version}.{key}"], repository=name, role=key
                ).signed
                for key, meta in snapshot.signed.meta.items()
            }
        except KeyError as error:
            raise InputError(f"repository {name} has no file {error}") from error
        return cls(
            name,
            root.signed,
            timestamp.signed,
            snapshot.signed,
            targets,
            signers,
            dict(published),
        )

    @classmethod
    def beside(cls, other: Keeper, roots: Mapping[str, bytes]) -> Self:
        """A new repository of the same keepers as another one, with its roots, and with nothing in it yet."""
        return cls(
            other.name,
            copy.deepcopy(other.root),
            _unborn(Timestamp()),
            _unborn(Snapshot(meta={})),
            {TARGETS: _unborn(Targets())},
            {role: list(some) for role, some in other.signers.items()},
            dict(roots),
        )

    def copy(self) -> Self:
        """Another keeper with the same state: what an attacker with these signers would be."""
        return copy.deepcopy(self)

    def add(self, target: TargetFile, role: str = TARGETS) -> None:
        """List an image, in place of one of the same name."""
        self.targets[role].targets[target.path] = target

    def delegate(
        self,
        role: str,
        signers: Sequence[Signer],
        *,
        paths: Sequence[str],
        hardware_ids: Sequence[str],
        terminating: bool = False,
        threshold: int = 1,
        by: str = TARGETS,
    ) -> None:
        """Let a role sign images of some paths for some hardware; it comes after those that are there."""
        keys = {one.public_key.keyid: one.public_key for one in signers}
        entry = DelegatedRole(
            role, list(keys), threshold, terminating, list(paths), None,
            {HARDWARE: list(hardware_ids)},
        )  # fmt: skip
        giver = self.targets[by]
        if giver.delegations is None:
            giver.delegations = Delegations({}, {})
        assert giver.delegations.roles is not None, "hash bins are not made here"
        giver.delegations.keys.update(keys)
        giver.delegations.roles[role] = entry
        self.targets.setdefault(role, _unborn(Targets()))
        self.signers[role] = list(signers)

    def group(self, group: RoleGroup, by: str = TARGETS) -> None:
        """Ask several delegated roles to agree (TAP 3)."""
        delegations = self.targets[by].delegations
        if delegations is None:
            raise RefusedError(f"{by} delegates to nobody yet")
        entry = msgspec.to_builtins(group)
        delegations.unrecognized_fields.setdefault(GROUPS, []).append(entry)

    def publish(self, now_s: float, roles: Iterable[str] = ()) -> None:
        """Sign anew: the targets of the roles given, snapshot and timestamp.

        Raises:
            RefusedError: a key for it is not here.
        """
        for role in roles:
            entry = self.targets[role]
            entry.version += 1
            self._expire(entry, TARGETS, now_s)
            data = self.sign(role, entry)
            self.published[f"{entry.version}.{file_of(role)}"] = data
            self.snapshot.meta[file_of(role)] = _meta(entry.version, data)
        self.snapshot.version += 1
        self._name_car(self.snapshot)
        self._expire(self.snapshot, SNAPSHOT, now_s)
        data = self.sign(SNAPSHOT, self.snapshot)
        self.published[f"{self.snapshot.version}.{file_of(SNAPSHOT)}"] = data
        self.timestamp.snapshot_meta = _meta(self.snapshot.version, data)
        self.publish_timestamp(now_s)

    def fading(self, now_s: float) -> list[str]:
        """Roles with images whose signatures hold for less than a third of their time, and that can be signed here."""
        soon = datetime.fromtimestamp(int(now_s) + self.lifetimes_s[TARGETS] // 3, UTC)
        return [
            role
            for role, one in self.targets.items()
            if one.expires < soon and len(self.signers.get(role, ())) >= self._needed(role)
        ]

    def _needed(self, role: str) -> int:
        """How many keys must sign a role with images."""
        if role in self.root.roles:
            return self.root.roles[role].threshold
        givers = [one.delegations.roles or {} for one in self.targets.values() if one.delegations]
        return max((roles[role].threshold for roles in givers if role in roles), default=1)

    def publish_timestamp(self, now_s: float) -> None:
        """Sign the timestamp anew, and nothing else: what a repository does every day."""
        self.timestamp.version += 1
        self._name_car(self.timestamp)
        self._expire(self.timestamp, TIMESTAMP, now_s)
        self.published[file_of(TIMESTAMP)] = self.sign(TIMESTAMP, self.timestamp)

    def publish_root(self, now_s: float, also: Sequence[Signer] = ()) -> None:
        """The next root, signed by the keys of its keepers and by those given."""
        self.root.version += 1
        self._expire(self.root, ROOT, now_s)
        data = self.sign(ROOT, self.root, also)
        self.published[f"{self.root.version}.{file_of(ROOT)}"] = data

    def next_root(
        self,
        role: str,
        signers: Sequence[Signer],
        now_s: float,
        *,
        others: Sequence[Key] = (),
        threshold: int = 1,
    ) -> bytes:
        """A root in which a top-level role has other keys, signed by whoever is here; nothing is published yet.

        Args:
            role: one of the four.
            signers: its new keys.
            now_s: Unix seconds.
            others: more new keys, whose holders sign elsewhere.
            threshold: how many of them must sign what the role says.
        """
        root = copy.deepcopy(self.root)
        for keyid in list(root.roles[role].keyids):
            root.revoke_key(keyid, role)
        for key in (*(one.public_key for one in signers), *others):
            root.add_key(key, role)
        root.roles[role].threshold = threshold
        root.version += 1
        self._expire(root, ROOT, now_s)
        also = list(signers) if role == ROOT else []
        return self.sign(ROOT, root, also, partly=True)

    def take_root(self, data: bytes, role: str, signers: Sequence[Signer], now_s: float) -> None:
        """Publish what `next_root` gave, with all its signatures, and sign anew what the role signs."""
        self.root = parse(Root, data, repository=self.name, role=ROOT).signed
        self.published[f"{self.root.version}.{file_of(ROOT)}"] = data
        self.signers[role] = list(signers)
        if role == TARGETS:
            self.publish(now_s, [TARGETS])
        elif role != ROOT:
            self.publish(now_s)

    def rotate(self, role: str, signers: Sequence[Signer], now_s: float) -> None:
        """Give a top-level role other keys, and publish the root that says so, and what the role signs."""
        self.take_root(self.next_root(role, signers, now_s), role, signers, now_s)

    def sign(
        self, role: str, signed: Signed, also: Sequence[Signer] = (), *, partly: bool = False
    ) -> bytes:
        """Metadata with the signatures of a role's keys; `partly`: others will add theirs.

        Raises:
            RefusedError: none of them is here, or one does not sign.
        """
        signers = [*self.signers.get(role, ()), *also]
        if not signers and not partly:
            raise RefusedError(
                f"no key of role {role} of repository {self.name} is here that its root "
                f"{self.root.version} names, or too few"
            )
        found: Metadata[Any] = Metadata(signed)
        try:
            for one in signers:
                found.sign(one, append=True)
        except UnsignedMetadataError as error:
            raise RefusedError(f"{role} of repository {self.name}: {error}") from error
        return found.to_bytes(JSONSerializer(compact=True))

    def trusted_files(self) -> dict[str, bytes]:
        """Newest metadata by role, as a car is provisioned with it."""
        found = {file_of(ROOT): self.published[f"{self.root.version}.{file_of(ROOT)}"]}
        found[file_of(TIMESTAMP)] = self.published[file_of(TIMESTAMP)]
        found[file_of(SNAPSHOT)] = self.published[f"{self.snapshot.version}.{file_of(SNAPSHOT)}"]
        for role, entry in self.targets.items():
            found[file_of(role)] = self.published[f"{entry.version}.{file_of(role)}"]
        return found

    def current_files(self) -> dict[str, bytes]:
        """All that a car may ask for now: every root, and the newest of the other roles; the timestamp last."""
        found = {key: data for key, data in self.published.items() if _root_version(key)}
        current = {SNAPSHOT: self.snapshot.version}
        current |= {role: one.version for role, one in self.targets.items()}
        for role, version in current.items():
            name = f"{version}.{file_of(role)}"
            found[name] = self.published[name]
        found[file_of(TIMESTAMP)] = self.published[file_of(TIMESTAMP)]
        return found

    def _name_car(self, signed: Signed) -> None:
        """Let a director's timestamp or snapshot say for which car it is, as its targets do."""
        custom = self.targets[TARGETS].unrecognized_fields.get(CUSTOM) or {}
        if VEHICLE in custom:
            signed.unrecognized_fields[CUSTOM] = {VEHICLE: custom[VEHICLE]}

    def _expire(self, signed: Signed, role: str, now_s: float) -> None:
        now = datetime.fromtimestamp(int(now_s), UTC)
        signed.expires = now + timedelta(seconds=self.lifetimes_s[role])


def add_signature(data: bytes, signer: Signer) -> bytes:
    """Metadata with one signature more: the root ceremony, key after key, wherever each is.

    Raises:
        InputError: no metadata.
    """
    try:
        found: Metadata[Any] = Metadata.from_bytes(data)
        found.sign(signer, append=True)
        return found.to_bytes(JSONSerializer(compact=True))
    except MALFORMED as error:
        raise InputError(f"no metadata to sign: {error}") from error


def _unborn(signed: SignedT) -> SignedT:
    """Metadata that was never published; publishing it makes version 1."""
    signed.version = 0
    return signed


def _meta(version: int, data: bytes) -> MetaFile:
    return MetaFile(version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})


def _root_version(name: str) -> int:
    number, _, rest = name.partition(".")
    return int(number) if rest == file_of(ROOT) and number.isdecimal() else 0
