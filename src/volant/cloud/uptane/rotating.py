"""Other keys for a role of a fleet's repositories: a root that names them, signed by those who kept the old one.

The root comes into force in one transaction with all that the role signs. Cars follow from root to root, and what the old
keys sign is believed no more. Each car's director is signed anew when the car next asks.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Final

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Root

from volant.cloud.director import newest
from volant.cloud.store.ports import Work
from volant.cloud.uptane.authority import PLACES, Authority, files_of
from volant.core.errors import RefusedError
from volant.trust.uptane import (
    Keeper,
    Limits,
    RejectedError,
    TrustedRepository,
    answer_from,
    refresh,
)
from volant.trust.uptane.metadata import ROOT, Parsed, is_signed, parse
from volant.trust.uptane.trusted import file_of

ALWAYS_S: Final = 0.0
"""A time at which nothing is past its time: here it is about who signed what."""


def draft(
    work: Work,
    authority: Authority,
    name: str,
    role: str,
    signers: Sequence[Signer],
    now_s: float,
    *,
    others: Sequence[Key] = (),
    threshold: int = 1,
) -> tuple[int, bytes]:
    """The next root with other keys of a role, signed by whoever is here, and its version; nothing is stored.

    Args:
        work: where the repository lies.
        authority: the keys that are here.
        name: director or image.
        role: one of the four.
        signers: its new keys.
        now_s: Unix seconds.
        others: more new keys, whose holders sign elsewhere.
        threshold: how many of the new keys must sign what the role says.

    Raises:
        RefusedError: there are no repositories.
    """
    keeper = authority.keeper(work, name)
    data = keeper.next_root(role, signers, now_s, others=others, threshold=threshold)
    return keeper.root.version + 1, data


def missing(work: Work, name: str, data: bytes) -> dict[str, int]:
    """How many signatures of `old` and of `new` keys a root has yet to get; none: it is whole.

    Raises:
        RefusedError: there are no repositories, or it is no root.
    """
    try:
        new = parse(Root, data, repository=name, role=ROOT)
    except RejectedError as error:
        raise RefusedError(str(error)) from error
    found = {"old": _lacks(newest_root(work, name), new), "new": _lacks(new.signed, new)}
    return {whose: count for whose, count in found.items() if count}


def take(
    work: Work, authority: Authority, name: str, role: str, data: bytes, now_s: float, by: str
) -> int:
    """Let a root come into force, and sign anew what its role signs; its version.

    Args:
        work: with it both are stored.
        authority: the keys that are here, new ones among them.
        name: director or image.
        role: whose keys are others.
        data: the root, with all its signatures.
        now_s: Unix seconds.
        by: who does it, for the audit log.

    Raises:
        RefusedError: a car would not believe it, it does not follow the last root, or a key is not here.
    """
    keeper = authority.keeper(work, name)
    trusted = TrustedRepository(name, keeper.published[f"{keeper.root.version}.{file_of(ROOT)}"])
    try:
        trusted.update_root(data)
        new = trusted.root.signed
        signers = _named(new, role, authority.signers(name).get(role, ()))
        if role != ROOT and len(signers) < new.roles[role].threshold:
            raise RefusedError(
                f"{len(signers)} of the new keys of {name}-{role} are here, "
                f"{new.roles[role].threshold} must sign"
            )
        keeper.take_root(data, role, signers, now_s)
        answer_from(
            refresh(trusted, ALWAYS_S, Limits()), lambda fetch: keeper.published.get(fetch.name)
        )
    except RejectedError as error:
        raise RefusedError(f"nothing is published, since a car would refuse it: {error}") from error
    work.put_director_files(PLACES[name], newest(keeper))
    names = {"role": f"{name}-{role}", "root": new.version, "keys": list(new.roles[role].keyids)}
    work.log(at_s=now_s, by=by, act="rotate", about=f"{name}-{role}", data=names)
    return int(new.version)


def newest_root(work: Work, name: str) -> Root:
    """The root in force.

    Raises:
        RefusedError: there are no repositories.
    """
    return Keeper.load(name, files_of(work, name), {}).root


def _named(root: Root, role: str, signers: Iterable[Signer]) -> list[Signer]:
    return [one for one in signers if one.public_key.keyid in root.roles[role].keyids]


def _lacks(judge: Root, new: Parsed[Root]) -> int:
    """How many signatures of a judge's root keys a root has yet to get."""
    judge = copy.deepcopy(judge)
    entry = judge.roles[ROOT]
    needed = entry.threshold
    while entry.threshold and not is_signed(judge, ROOT, new):
        entry.threshold -= 1
    return needed - entry.threshold
