"""A world with release 2 on offer, and false files to put in place of true ones."""

from collections.abc import Mapping
from typing import Any

import pytest
from tuf.api.metadata import Targets

from volant.trust.attacks.wire import Wire, plain
from volant.trust.attacks.world import World
from volant.trust.uptane import Keeper, Plan, RejectedError, TrustedRepository
from volant.trust.uptane.metadata import TARGETS
from volant.trust.uptane.trusted import file_of

Files = Mapping[tuple[str, str], bytes | None]
BOTH = pytest.mark.parametrize("repository", ["director", "image"])


def offered() -> World:
    """A car at release 1; release 2 stands in both repositories."""
    world = World()
    world.publish_release()
    return world


def keeper_of(world: World, repository: str) -> Keeper:
    return world.director if repository == "director" else world.image


def with_files(world: World, files: Files) -> Wire:
    """What the servers answer, but for some files."""
    served = {**world.served(), **files}
    return plain(lambda fetch: served.get((fetch.repository, fetch.name)))


def check(world: World, files: Files | None = None) -> Plan:
    """The primary's check."""
    return world.run(world.primary.check(world.now_s), with_files(world, files or {}))


def refused(world: World, files: Files | None = None) -> RejectedError:
    """What the primary's check says no with.

    Nothing is believed but what was before and what is true; and the next honest release is taken.
    """
    held = {repo.name: dict(repo.files) for repo in repositories(world)}
    with pytest.raises(RejectedError) as raised:
        check(world, files)
    for repo in repositories(world):
        kept = held[repo.name]
        for name, data in repo.files.items():
            assert data == kept.get(name) or data in world.served().values(), f"{name} is believed"
    recovers(world)
    return raised.value


def recovers(world: World) -> None:
    """The next honest release is taken."""
    world.publish_release()
    assert {one.name.rsplit("-", 1)[1] for one in check(world).assignments} == {
        f"{world.release}.bin"
    }


def repositories(world: World) -> tuple[TrustedRepository, TrustedRepository]:
    """What the primary believes of both."""
    image = world.primary.image
    assert image is not None
    return world.primary.director, image


def current(world: World, repository: str, role: str) -> tuple[str, str]:
    """Under which name a role's newest file is served."""
    keeper = keeper_of(world, repository)
    if role == "timestamp":
        return repository, file_of(role)
    signed = {"root": keeper.root, "snapshot": keeper.snapshot}.get(role)
    version = signed.version if signed else keeper.targets[role].version
    return repository, f"{version}.{file_of(role)}"


def director_targets(world: World, change: Any) -> Files:
    """All of the director's files with its targets changed by somebody who holds its keys."""
    copy = world.director.copy()
    changed: Targets = copy.targets[TARGETS]
    change(changed)
    copy.publish(world.now_s, [TARGETS])
    return {("director", name): data for name, data in copy.published.items()}
