"""The fleet's Uptane director: for each car a repository of its own, below one root for all (Uptane 2.1, 5.3.2).

What a car is to run stands in its targets, with its vehicle id, so that no file is good for another car. Files go in
and come out as names and bytes; who stores them does so with the campaign's step, in one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from securesystemslib.signer import Signer
from tuf.api.metadata import Snapshot, TargetFile, Targets, Timestamp

from volant.cloud.campaigns.cars import Answer
from volant.cloud.inventory.cars import CarRecord
from volant.cloud.inventory.releases import Release
from volant.trust.uptane import Installed, Keeper
from volant.trust.uptane.custom import CUSTOM, VEHICLE, DeltaInfo
from volant.trust.uptane.match import DIRECTOR
from volant.trust.uptane.metadata import (
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    is_signed,
    parse,
)
from volant.trust.uptane.trusted import file_of

KEPT: Final = 2
"""Versions of targets and snapshot that stay: a car in the middle of its check still finds what its timestamp named."""
RENEW_SHARE: Final = 0.5
"""A timestamp is signed anew when less than this share of its life is left; a choice of ours."""
SIGNED: Final[Mapping[str, type[Targets | Snapshot | Timestamp]]] = {
    TARGETS: Targets, SNAPSHOT: Snapshot, TIMESTAMP: Timestamp,
}  # fmt: skip
"""What a root's roles sign beside the root itself."""
AHEAD_S: Final = 3600.0
"""So much clocks of servers may differ; a choice of ours."""
NUMBERED: Final = frozenset({"snapshot.json", "targets.json"})

Files = Mapping[str, bytes]
Deltas = Mapping[str, Sequence[DeltaInfo]]
"""By name of the image that they lead to."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """Which try of which campaign a car's targets are for; the server reads it back, cars pass it over."""

    id: str
    attempt: int


class _Custom(msgspec.Struct, frozen=True):
    campaign: Tried | None = None


class _Signed(msgspec.Struct, frozen=True):
    custom: _Custom = _Custom()


class _File(msgspec.Struct, frozen=True):
    signed: _Signed


@dataclass(frozen=True)
class Director:
    """All cars' repositories have the root of this template, and its keys."""

    template: Files
    """A director's repository as it was made, with an empty set of images."""
    signers: Mapping[str, Sequence[Signer]] = field(repr=False)
    """Of targets, snapshot and timestamp."""

    def publish(
        self,
        files: Files | None,
        vehicle_id: str,
        targets: Iterable[TargetFile],
        now_s: float,
        words: Mapping[str, Any] | None = None,
    ) -> dict[str, bytes]:
        """A car's files with these targets, signed anew only where they say something else or grow old.

        Args:
            files: what was published for it before; None: nothing.
            vehicle_id: whose.
            targets: all that it is to run; none: nothing is to change.
            now_s: Unix seconds.
            words: more that its targets say beside the car: `update` for people, `campaign` for this server.

        Raises:
            InputError: a file of the repository lacks.
            RejectedError: a file is something else.
            ValueError: the files are another car's.
        """
        keeper, behind = self._load(files), files is not None and self.is_behind(files)
        wanted = {one.path: one for one in targets}
        mine = keeper.targets[TARGETS]
        custom = {"vehicleId": vehicle_id, **(words or {})}
        said = mine.unrecognized_fields.get(CUSTOM) or {}
        if files is not None and said.get(VEHICLE) != vehicle_id:
            raise ValueError(f"the files are not those of {vehicle_id}")
        other = files is None or mine.targets != wanted or said != custom
        old = {
            role: is_old(keeper, role, now_s) or (behind and not is_vouched(keeper, role))
            for role in SIGNED
        }
        if other or old[TARGETS]:
            mine.targets.clear()
            mine.targets.update(wanted)
            mine.unrecognized_fields[CUSTOM] = custom
            keeper.publish(now_s, [TARGETS])
        elif old[SNAPSHOT]:
            keeper.publish(now_s)
        elif old[TIMESTAMP]:
            keeper.publish_timestamp(now_s)
        return newest(keeper)

    def is_behind(self, files: Files) -> bool:
        """Whether a root came after a car's files were signed, so that other keys may have to sign them."""
        return not set(filter(_is_root, self.template)) <= set(files)

    def renew(self, files: Files, vehicle_id: str, now_s: float) -> dict[str, bytes]:
        """A car's files with the targets that they have, signed anew where they grow old; raises as `publish`."""
        mine = self._load(files).targets[TARGETS]
        words = dict(mine.unrecognized_fields.get(CUSTOM) or {})
        words.pop(VEHICLE, None)
        return self.publish(files, vehicle_id, mine.targets.values(), now_s, words)

    def provision(self, files: Files) -> dict[str, bytes]:
        """What a car begins with, by role; raises as `publish`."""
        return self._load(files).trusted_files()

    def _load(self, files: Files | None) -> Keeper:
        found = dict(self.template) if files is None else dict(files)
        # A root that was rotated since reaches each car with its next publication.
        found.update({name: data for name, data in self.template.items() if _is_root(name)})
        return rightful(Keeper.load(DIRECTOR, found, copied(self.signers)))


def targets_for(
    answer: Answer, release: Release, car: CarRecord, deltas: Deltas | None = None
) -> tuple[TargetFile, ...]:
    """What a car is to run by a campaign's answer: the images of the release for its units, or nothing.

    Deltas are named only when they start from what one of the units runs. Called back, a car finds nothing in place
    of the release.
    """
    if answer is not Answer.UPDATE:
        return ()
    found = []
    for image in release.images:
        units = [one for one in car.inventory.ecus if image.is_for(one)]
        if not units:
            continue
        custom: dict[str, Any] = {
            "ecuIdentifiers": {one.ecu_id: {"hardwareId": one.hardware_id} for one in units},
            "releaseCounter": image.release_counter,
        }
        runs = [car.installed.get(one.ecu_id) for one in units]
        fit = [one for one in (deltas or {}).get(image.name, ()) if _starts_from(one, runs)]
        if fit:
            custom["deltas"] = [_delta(one) for one in fit]
        target = TargetFile(image.length, dict(image.hashes), image.name, {"custom": custom})
        found.append(target)
    return tuple(found)


def _starts_from(delta: DeltaInfo, runs: Iterable[Installed | None]) -> bool:
    return any(
        one is not None and any(one.hashes.get(kind) == text for kind, text in delta.base.items())
        for one in runs
    )


def _delta(one: DeltaInfo) -> dict[str, Any]:
    return {
        "algorithm": one.algorithm, "name": one.name, "length": one.length,
        "hashes": dict(one.hashes), "base": dict(one.base),
    }  # fmt: skip


def tried(files: Files, offer: str) -> Tried | None:
    """For which try targets with this SHA-256, in hex, were signed; None: it is not known any more."""
    for name, data in files.items():
        if name.endswith("targets.json") and hashlib.sha256(data).hexdigest() == offer:
            return msgspec.json.decode(data, type=_File).signed.custom.campaign
    return None


def offers_something(files: Files) -> bool:
    """Whether the newest targets name an image."""
    numbers = [name for name in files if name.endswith(".targets.json")]
    if not numbers:
        return False
    last = max(numbers, key=lambda name: int(name.partition(".")[0]))
    return b'"targets":{}' not in files[last]


def copied(signers: Mapping[str, Sequence[Signer]]) -> dict[str, list[Signer]]:
    """Signers by role, as a keeper wants them."""
    return {role: list(some) for role, some in signers.items()}


def rightful(keeper: Keeper) -> Keeper:
    """A keeper with those signers alone that its root names: none for a role of which too few are here.

    A server that still has the keys from before a rotation then says that it cannot sign, and publishes nothing that
    no car believes.
    """
    for role, entry in keeper.root.roles.items():
        mine = {one.public_key.keyid: one for one in keeper.signers.get(role, ())}
        named = [mine[keyid] for keyid in entry.keyids if keyid in mine]
        if role == ROOT or len(named) >= entry.threshold:
            keeper.signers[role] = named
        else:
            keeper.signers.pop(role, None)
    return keeper


def is_vouched(keeper: Keeper, role: str) -> bool:
    """Whether what a role signed last is signed by keys that the newest root names."""
    data = keeper.trusted_files()[file_of(role)]
    return is_signed(
        keeper.root, role, parse(SIGNED[role], data, repository=keeper.name, role=role)
    )


def is_old(keeper: Keeper, role: str, now_s: float) -> bool:
    """Whether it is time to sign a role anew."""
    signed = {TARGETS: keeper.targets[TARGETS], SNAPSHOT: keeper.snapshot}.get(
        role, keeper.timestamp
    )
    return fades(signed.expires.timestamp(), keeper.lifetimes_s[role], now_s)


def fades(expires_s: float, lifetime_s: float, now_s: float) -> bool:
    """Whether a signature is old, or by a clock that was ahead: it would hold for longer than any is to hold."""
    left_s = expires_s - now_s
    return left_s < RENEW_SHARE * lifetime_s or left_s > lifetime_s + AHEAD_S


def newest(keeper: Keeper) -> dict[str, bytes]:
    """Every root, the timestamp, and of the rest the last versions."""
    versions = {
        "snapshot.json": keeper.snapshot.version, "targets.json": keeper.targets[TARGETS].version,
    }  # fmt: skip
    found = {}
    for name, data in keeper.published.items():
        number, _, rest = name.partition(".")
        if rest not in NUMBERED or int(number) > versions[rest] - KEPT:
            found[name] = data
    return found


def _is_root(name: str) -> bool:
    return name.endswith(f".{ROOT}.json")
