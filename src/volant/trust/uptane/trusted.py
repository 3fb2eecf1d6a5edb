"""What a car believes of one repository, and the rules of what it may believe next (Uptane 2.1, 5.4.4.3 to 5.4.4.6).

Bytes go in; either they are believed and stand in `files`, or `RejectedError` is raised and all stays as it was. No
files, no sockets, no clock: the shell stores what `take_changes` gives, and `load` reads it back.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Final, Self, TypeVar

from tuf.api.metadata import MetaFile, Root, Signed, Snapshot, Targets, Timestamp

from volant.core.errors import InputError
from volant.trust.uptane.metadata import (
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    TOP_LEVEL,
    Parsed,
    fits,
    is_expired,
    is_signed,
    parse,
)
from volant.trust.uptane.verdict import Attack, RejectedError

SignedT = TypeVar("SignedT", bound=Signed)
HISTORY: Final = "root_history/"
"""Every root that was ever believed: a unit in the car that slept through some needs them one by one."""

TargetsCheck = Callable[[Targets], None]
ListCheck = Callable[[Timestamp | Snapshot, MetaFile | None], None]
"""Of a timestamp or snapshot, and of what it says of the snapshot or the targets."""


def file_of(role: str) -> str:
    """Name under which a role's metadata is stored; a shell quotes what a role may be called."""
    return f"{role}.json"


class TrustedRepository:
    """One repository, as far as it is believed.

    Args:
        name: what it is called.
        root: the root that is believed from the start.
        plain: by the rules of TUF 1.0 (5.3.11, 5.6), where older targets may come once the snapshot's key was
            rotated. A car goes by Uptane 2.1 (5.4.4.6): never, unless the targets' own key was rotated.
    """

    def __init__(self, name: str, root: bytes, *, plain: bool = False) -> None:
        self.name, self._plain = name, plain
        self.root: Parsed[Root] = parse(Root, root, repository=name, role=ROOT)
        if not is_signed(self.root.signed, ROOT, self.root):
            raise self._no(Attack.ARBITRARY, ROOT, "not signed by its own keys")
        self.timestamp: Parsed[Timestamp] | None = None
        self.snapshot: Parsed[Snapshot] | None = None
        self.targets: dict[str, Parsed[Targets]] = {}
        """By role; those of delegated roles are held against their delegator whenever they are used."""
        self.files: dict[str, bytes] = {}
        self._changes: dict[str, bytes | None] = {}
        self._note(f"{HISTORY}{self.root.signed.version}.root.json", root)
        self._note(file_of(ROOT), root)

    @classmethod
    def load(cls, name: str, files: Mapping[str, bytes], *, plain: bool = False) -> Self:
        """What was stored before. What the root does not vouch for any more is left out.

        Raises:
            InputError: there is no root.
            RejectedError: the root is not one.
        """
        if file_of(ROOT) not in files:
            raise InputError(f"repository {name} has no root: it was never provisioned")
        found = cls(name, files[file_of(ROOT)], plain=plain)
        found.files.update({key: data for key, data in files.items() if key.startswith(HISTORY)})
        found.timestamp = found._stored(Timestamp, TIMESTAMP, files)
        found.snapshot = found._stored(Snapshot, SNAPSHOT, files)
        top = found._stored(Targets, TARGETS, files)
        if top is not None:
            found.targets[TARGETS] = top
        for key, data in files.items():
            role = key.removesuffix(".json")
            if role in TOP_LEVEL or key.startswith(HISTORY) or role == key:
                continue
            try:
                found.targets[role] = parse(Targets, data, repository=name, role=role)
            except RejectedError:
                continue
            found.files[key] = data
        found._changes.clear()
        return found

    def take_changes(self) -> dict[str, bytes | None]:
        """What is to be stored since the last call, in order; None: to be deleted."""
        found, self._changes = self._changes, {}
        return found

    def draft(self) -> Self:
        """A copy, for what is believed together or not at all."""
        found = copy.copy(self)
        found.targets, found.files, found._changes = dict(self.targets), dict(self.files), {}
        return found

    def believe(self, draft: Self) -> None:
        """Believe what a draft of this state came to."""
        self.timestamp, self.snapshot = draft.timestamp, draft.snapshot
        self.targets, self.files = draft.targets, draft.files
        for name, data in draft._changes.items():
            self._changes.pop(name, None)
            self._changes[name] = data

    def update_root(self, data: bytes) -> None:
        """Believe the root after the present one.

        Raises:
            RejectedError: it is not the next one, or not signed by a threshold of old and new keys.
        """
        new = parse(Root, data, repository=self.name, role=ROOT)
        for judge, words in ((self.root.signed, "those before"), (new.signed, "its own")):
            if not is_signed(judge, ROOT, new):
                raise self._no(Attack.ARBITRARY, ROOT, f"not signed by a threshold of {words}")
        wanted = self.root.signed.version + 1
        if new.signed.version != wanted:
            raise self._no(
                Attack.ROLLBACK, ROOT, f"found version {new.signed.version}, expected {wanted}"
            )
        old, self.root = self.root.signed, new
        if any(_lost_key(old, new.signed, role) for role in (TIMESTAMP, SNAPSHOT)):
            # Whoever had the lost key may have driven versions to the end of the numbers (fast-forward).
            self._forget(TIMESTAMP)
            self._forget(SNAPSHOT)
        self._drop_unsigned()
        # The deletions stand before the root: a power cut between them costs a download, not the recovery.
        self._note(f"{HISTORY}{wanted}.root.json", data)
        self._note(file_of(ROOT), data)

    def check_root_fresh(self, now_s: float) -> None:
        """Let a root pass that is not past its time; those on the way to it may be.

        Raises:
            RejectedError: it is.
        """
        if is_expired(self.root.signed, now_s):
            raise self._no(
                Attack.FREEZE, ROOT, f"expired {self.root.signed.expires:%Y-%m-%d %H:%M}"
            )

    def update_timestamp(self, data: bytes, now_s: float, check: ListCheck | None = None) -> None:
        """Believe a timestamp; one of the same version changes nothing.

        Raises:
            RejectedError: not signed, older than the present one, expired, or `check` says no.
        """
        new = parse(Timestamp, data, repository=self.name, role=TIMESTAMP)
        self._check_signed(self.root.signed, TIMESTAMP, new)
        if check is not None:
            check(new.signed, new.signed.snapshot_meta)
        old = self.timestamp
        if old is not None:
            self._check_not_older(TIMESTAMP, new.signed.version, old.signed.version)
            if new.signed.version == old.signed.version:
                self._check_fresh(TIMESTAMP, old.signed, now_s)
                return
            self._check_not_older(
                SNAPSHOT, new.signed.snapshot_meta.version, old.signed.snapshot_meta.version
            )
        self._check_fresh(TIMESTAMP, new.signed, now_s)
        self.timestamp = new
        self._note(file_of(TIMESTAMP), data)

    def snapshot_stands(self, now_s: float) -> bool:
        """Whether the snapshot that is believed is the one that the timestamp names: no need of another.

        Raises:
            RejectedError: it is, and expired.
        """
        if self.timestamp is None or self.snapshot is None:
            return False
        meta = self.timestamp.signed.snapshot_meta
        if self.snapshot.signed.version != meta.version or not fits(meta, self.snapshot.data):
            return False
        self._check_fresh(SNAPSHOT, self.snapshot.signed, now_s)
        return True

    def update_snapshot(self, data: bytes, now_s: float, check: ListCheck | None = None) -> None:
        """Believe the snapshot that the timestamp names.

        Raises:
            RejectedError: it is another one, not signed, older in any file than the present one, expired, or `check`
                says no.
        """
        if self.timestamp is None:
            raise RuntimeError("a snapshot comes after its timestamp")
        meta = self.timestamp.signed.snapshot_meta
        if not fits(meta, data):
            raise self._no(Attack.MIX_AND_MATCH, SNAPSHOT, "not the one that the timestamp names")
        new = parse(Snapshot, data, repository=self.name, role=SNAPSHOT)
        self._check_signed(self.root.signed, SNAPSHOT, new)
        if check is not None:
            check(new.signed, new.signed.meta.get(file_of(TARGETS)))
        self._check_named(SNAPSHOT, new.signed.version, meta.version)
        if self.snapshot is not None:
            self._check_not_older(SNAPSHOT, new.signed.version, self.snapshot.signed.version)
            for name, old in self.snapshot.signed.meta.items():
                listed = new.signed.meta.get(name)
                if listed is None:
                    raise self._no(Attack.ROLLBACK, SNAPSHOT, f"{name} is no longer listed")
                self._check_not_older(name, listed.version, old.version)
        self._check_fresh(SNAPSHOT, new.signed, now_s)
        self.snapshot = new
        self._note(file_of(SNAPSHOT), data)

    def targets_stand(self, role: str, delegator: Root | Targets, now_s: float) -> bool:
        """Whether what is believed of a role is what the snapshot lists and its delegator vouches for.

        Raises:
            RejectedError: it is, and expired.
        """
        held = self.targets.get(role)
        meta = self.snapshot.signed.meta.get(file_of(role)) if self.snapshot else None
        if held is None or meta is None or held.signed.version != meta.version:
            return False
        if not fits(meta, held.data) or not is_signed(delegator, role, held):
            return False
        self._check_fresh(role, held.signed, now_s)
        return True

    def update_targets(
        self,
        data: bytes,
        now_s: float,
        *,
        role: str = TARGETS,
        delegator: Root | Targets | None = None,
        check: TargetsCheck | None = None,
        alone: bool = False,
    ) -> None:
        """Believe targets metadata.

        Args:
            data: as it came.
            now_s: secure time, Unix seconds.
            role: whose it is.
            delegator: who lets the role sign; default: the root.
            check: what else must hold; raises RejectedError.
            alone: without a snapshot, as partial verification has none (5.4.4.1).

        Raises:
            RejectedError: it is another one than the snapshot lists, not signed, older, expired, or `check` says no.
        """
        if not alone:
            meta = self.listed(role)
            if not fits(meta, data):
                raise self._no(Attack.MIX_AND_MATCH, role, "not the one that the snapshot lists")
        new = parse(Targets, data, repository=self.name, role=role)
        judge = delegator or self.root.signed
        self._check_signed(judge, role, new)
        if not alone:
            self._check_named(role, new.signed.version, meta.version)
        held = self.targets.get(role)
        bars = alone or not self._plain
        if bars and held is not None and is_signed(judge, role, held):
            self._check_not_older(role, new.signed.version, held.signed.version)
        self._check_fresh(role, new.signed, now_s)
        if check is not None:
            check(new.signed)
        self.targets[role] = new
        self._note(file_of(role), data)

    def listed(self, role: str) -> MetaFile:
        """What the snapshot says of a role's file.

        Raises:
            RejectedError: nothing.
        """
        if self.snapshot is None:
            raise RuntimeError("targets come after their snapshot")
        found = self.snapshot.signed.meta.get(file_of(role))
        if found is None:
            raise self._no(Attack.MIX_AND_MATCH, role, "the snapshot does not list it")
        return found

    def _stored(
        self, kind: type[SignedT], role: str, files: Mapping[str, bytes]
    ) -> Parsed[SignedT] | None:
        """A file of the store, if the root vouches for it."""
        data = files.get(file_of(role))
        if data is None:
            return None
        try:
            found = parse(kind, data, repository=self.name, role=role)
        except RejectedError:
            return None
        if not is_signed(self.root.signed, role, found):
            return None
        self.files[file_of(role)] = data
        return found

    def _drop_unsigned(self) -> None:
        """Forget what the new root does not vouch for: it bars nobody's way any more."""
        root = self.root.signed
        if self.timestamp is not None and not is_signed(root, TIMESTAMP, self.timestamp):
            self._forget(TIMESTAMP)
        if self.snapshot is not None and not is_signed(root, SNAPSHOT, self.snapshot):
            self._forget(SNAPSHOT)
        top = self.targets.get(TARGETS)
        if top is not None and not is_signed(root, TARGETS, top):
            self._forget(TARGETS)

    def _forget(self, role: str) -> None:
        if role == TIMESTAMP:
            self.timestamp = None
        elif role == SNAPSHOT:
            self.snapshot = None
        else:
            self.targets.pop(role, None)
        if self.files.pop(file_of(role), None) is not None:
            self._changes[file_of(role)] = None

    def _note(self, name: str, data: bytes) -> None:
        self.files[name] = data
        self._changes.pop(name, None)
        self._changes[name] = data

    def _check_signed(self, judge: Root | Targets, role: str, new: Parsed[SignedT]) -> None:
        if not is_signed(judge, role, new):
            raise self._no(Attack.ARBITRARY, role, "not signed by a threshold of its keys")

    def _check_not_older(self, role: str, found: int, held: int) -> None:
        if found < held:
            raise self._no(Attack.ROLLBACK, role, f"found version {found}, held is {held}")

    def _check_named(self, role: str, found: int, wanted: int) -> None:
        if found != wanted:
            raise self._no(
                Attack.MIX_AND_MATCH, role, f"found version {found}, version {wanted} is named"
            )

    def _check_fresh(self, role: str, signed: Signed, now_s: float) -> None:
        if is_expired(signed, now_s):
            raise self._no(Attack.FREEZE, role, f"expired {signed.expires:%Y-%m-%d %H:%M}")

    def _no(self, attack: Attack, role: str, message: str) -> RejectedError:
        return RejectedError(attack, message, repository=self.name, role=role)


def _lost_key(old: Root, new: Root, role: str) -> bool:
    """Whether a key of a role was taken from it: a rotation, not only a further key."""
    return not set(old.roles[role].keyids) <= set(new.roles[role].keyids)
