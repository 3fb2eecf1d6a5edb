"""Nothing is published that a car would refuse: new metadata go through the car's own check first."""

from __future__ import annotations

from volant.app.repo_folder import Changes, RepoFolder
from volant.core.errors import RefusedError
from volant.trust.uptane import (
    Checker,
    Fetch,
    Inventory,
    Keeper,
    Limits,
    RejectedError,
    TrustedRepository,
    answer_from,
    refresh,
)
from volant.trust.uptane.delegations import load_targets
from volant.trust.uptane.match import DIRECTOR
from volant.trust.uptane.metadata import ROOT, TARGETS
from volant.trust.uptane.session import Source
from volant.trust.uptane.trusted import file_of

ALWAYS_S = 0.0
"""A time at which nothing is past its time: here it is about who signed what."""


def proven(repo: RepoFolder, keeper: Keeper, inventory: Inventory | None = None) -> Changes:
    """What is new in a repository, after a car's check of it.

    Args:
        repo: where it will be published.
        keeper: with what is new.
        inventory: of the car, where it is not in the folder yet.

    Raises:
        RefusedError: a car would not believe it.
    """
    changes = repo.changes(keeper)
    try:
        _check(repo, keeper, inventory)
    except RejectedError as error:
        raise RefusedError(f"nothing is published, since a car would refuse it: {error}") from error
    return changes


def _check(repo: RepoFolder, keeper: Keeper, inventory: Inventory | None) -> None:
    def get(fetch: Fetch) -> bytes | None:
        return keeper.published.get(fetch.name)

    limits = Limits()
    trusted = TrustedRepository(keeper.name, _last_root(repo.published(keeper.name), keeper))
    checker = None
    if keeper.name == DIRECTOR:
        checker = Checker.of_car(inventory or repo.inventory())
    answer_from(refresh(trusted, ALWAYS_S, limits, checker), get)
    _check_delegated(trusted, TARGETS, limits, get)


def _check_delegated(trusted: TrustedRepository, role: str, limits: Limits, get: Source) -> None:
    delegator = trusted.targets[role].signed
    for below in (delegator.delegations.roles or {}) if delegator.delegations else ():
        if below not in trusted.targets:
            answer_from(load_targets(trusted, below, delegator, ALWAYS_S, limits), get)
            _check_delegated(trusted, below, limits, get)


def _last_root(stored: dict[str, bytes], keeper: Keeper) -> bytes:
    """The root that cars have; for a new repository its own first one."""
    versions = range(keeper.root.version, 0, -1)
    name = next((f"{n}.{file_of(ROOT)}" for n in versions if f"{n}.{file_of(ROOT)}" in stored), "")
    return stored.get(name, keeper.published[f"1.{file_of(ROOT)}"])
