"""`volant repo rotate`, `publish`, `delegate` and `group`: who may sign what.

A root that needs signatures from elsewhere is a draft, `draft/REPOSITORY/VERSION.root.json`, until its keepers have
signed it. Keys come into force in the same commit as the root that names them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from securesystemslib.signer import Signer

from volant.app import repo_keys
from volant.app.exits import Exit
from volant.app.repo_command import say
from volant.app.repo_folder import Changes, RepoFolder, check_word
from volant.app.repo_proof import proven
from volant.app.say import answer, answer_json
from volant.core.errors import InputError, RefusedError
from volant.trust.uptane.delegations import RoleGroup
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT, TARGETS, TOP_LEVEL
from volant.trust.uptane.trusted import file_of

DRAFTS: Final = "draft"
PLAN: Final = "plan.json"
NEW: Final = ".new"
"""End of the name of a key that comes into force with a draft."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft of a root is for."""

    role: str
    root: Annotated[str, Meta(pattern=r"^[0-9]+\.root\.json$")]
    keys: tuple[str, ...]
    """Ends of the names of its new keys that are here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRole:
    """What `rotate` is asked for."""

    repository: str
    role: str
    count: int = 1
    threshold: int = 1
    token: tuple[str, int] | None = None
    """Label of a token and the number of a key in it."""
    public: Sequence[Path] = ()
    """Keys of others, who sign elsewhere."""
    draft: bool = False

    def keys(self) -> repo_keys.NewKeys:
        """The new keys.

        Raises:
            InputError: they are not enough, or some are none.
        """
        if self.public:
            found = repo_keys.of_others(tuple(self.public))
        elif self.token:
            found = repo_keys.in_token(*self.token)
        else:
            found = repo_keys.fresh(self.count)
        count = len(found.signers) + len(found.others)
        if not 1 <= self.threshold <= count:
            raise InputError(f"{self.threshold} of {count} keys cannot sign")
        if self.public and self.role != ROOT:
            raise InputError("only a root is signed elsewhere: see the guide")
        return found


def rotate_command(folder: Path, wish: NewRole, *, as_json: bool) -> Exit:
    """Give a role new keys: a new root says so, and what the role signs is signed anew."""
    _check_role(wish.repository, wish.role)
    with RepoFolder(folder).held() as repo:
        keys = wish.keys()
        now_s = time.time()
        keeper = repo.keeper(wish.repository)
        if not wish.draft and ROOT not in keeper.signers:
            raise RefusedError(
                f"no key of role root of repository {wish.repository} is here; --draft makes a root "
                "for its keepers to sign"
            )
        root = keeper.next_root(
            wish.role, keys.signers, now_s, others=keys.others, threshold=wish.threshold
        )
        if wish.draft:
            return _draft(repo, wish, keys, root, as_json=as_json)
        name = f"{wish.repository}-{wish.role}"
        changes = repo_keys.replaced(repo.keys, name, keys.files)
        changes |= _with_root(repo, wish.repository, wish.role, keys.signers, root, now_s)
        repo.commit(changes)
        return say(repo, as_json=as_json)


def publish_command(folder: Path, repository: str, *, as_json: bool) -> Exit:
    """Publish a draft of a root that has all its signatures, and what its role signs."""
    _check_role(repository, ROOT)
    with RepoFolder(folder).held() as repo:
        place = repo.path / DRAFTS / repository
        try:
            plan = msgspec.json.decode((place / PLAN).read_bytes(), type=Draft)
            root = (place / plan.root).read_bytes()
        except FileNotFoundError as error:
            raise InputError("no draft: volant repo rotate --draft", file=str(place)) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"no draft: {error}", file=str(place / PLAN)) from error
        name = f"{repository}-{plan.role}"
        new = {end: (repo.keys / f"{name}{end}{NEW}").read_bytes() for end in plan.keys}
        signers = [repo_keys.read_signer(repo.keys / f"{name}{end}{NEW}") for end in plan.keys]
        changes = repo_keys.replaced(repo.keys, name, new)
        changes |= _with_root(repo, repository, plan.role, signers, root, time.time())
        changes |= {f"keys/{name}{end}{NEW}": None for end in plan.keys}
        changes |= {f"{DRAFTS}/{repository}/{file}": None for file in (plan.root, PLAN)}
        repo.commit(changes)
        return say(repo, as_json=as_json)


def delegate_command(
    folder: Path,
    role: str,
    *,
    paths: Sequence[str],
    hardware: Sequence[str],
    count: int,
    threshold: int,
    terminating: bool,
    as_json: bool,
) -> Exit:
    """Let a role sign images of some paths for some hardware."""
    if role in TOP_LEVEL:
        raise InputError(f"{role} is a role that each repository has")
    if "." in check_word(role, "role"):
        raise InputError(f"role {role!r}: a '.' stands before the number of a key")
    keys = repo_keys.fresh(count)
    if not 1 <= threshold <= count:
        raise InputError(f"{threshold} of {count} keys cannot sign")
    with RepoFolder(folder).held() as repo:
        keeper = repo.keeper(IMAGE)
        if role in keeper.targets:
            raise RefusedError(f"the image repository has a role {role} already")
        keeper.delegate(
            role,
            keys.signers,
            paths=paths,
            hardware_ids=hardware,
            threshold=threshold,
            terminating=terminating,
        )
        keeper.publish(time.time(), [TARGETS, role])
        changes: Changes = {f"keys/{IMAGE}-{role}{end}": pem for end, pem in keys.files.items()}
        repo.commit(changes | proven(repo, keeper))
        return say(repo, as_json=as_json)


def role_group(
    roles: Sequence[str],
    agree: int,
    paths: Sequence[str],
    hardware: Sequence[str],
    *,
    terminating: bool,
) -> RoleGroup:
    """Roles that shall agree.

    Raises:
        InputError: fewer than shall agree.
    """
    if agree > len(set(roles)):
        raise InputError(f"{agree} of {len(set(roles))} roles cannot agree")
    return RoleGroup(
        roles=tuple(dict.fromkeys(roles)),
        min_roles_in_agreement=agree,
        paths=tuple(paths),
        hardware_ids=tuple(hardware),
        terminating=terminating,
    )


def group_command(folder: Path, group: RoleGroup, *, as_json: bool) -> Exit:
    """Ask several delegated roles to agree."""
    with RepoFolder(folder).held() as repo:
        keeper = repo.keeper(IMAGE)
        if unknown := [role for role in group.roles if role not in keeper.targets]:
            raise InputError(f"the image repository has no role {unknown[0]!r}")
        keeper.group(group)
        keeper.publish(time.time(), [TARGETS])
        repo.commit(proven(repo, keeper))
        return say(repo, as_json=as_json)


def _with_root(
    repo: RepoFolder,
    repository: str,
    role: str,
    signers: Sequence[Signer],
    root: bytes,
    now_s: float,
) -> Changes:
    """What a new root changes: for directors in all cars, since they have the same one."""
    changes: Changes = {}
    for car in repo.cars() if repository == DIRECTOR else (repo,):
        keeper = car.keeper(repository)
        keeper.take_root(root, role, signers, now_s)
        changes |= proven(car, keeper)
    return changes


def _draft(
    repo: RepoFolder, wish: NewRole, keys: repo_keys.NewKeys, root: bytes, *, as_json: bool
) -> Exit:
    """Lay a root down for its keepers to sign."""
    version = repo.keeper(wish.repository).root.version + 1
    file = f"{version}.{file_of(ROOT)}"
    plan = Draft(role=wish.role, root=file, keys=tuple(keys.files))
    name = f"{wish.repository}-{wish.role}"
    changes: Changes = {f"keys/{name}{end}{NEW}": pem for end, pem in keys.files.items()}
    place = f"{DRAFTS}/{wish.repository}"
    changes |= {f"{place}/{file}": root, f"{place}/{PLAN}": msgspec.json.encode(plan)}
    repo.commit(changes)
    path = repo.path / place / file
    if as_json:
        answer_json(_drafted(path, plan))
    else:
        answer(f"{path}: to be signed with `volant repo sign {repo.path} --file {path} --key KEY`,")
        answer(f"then `volant repo publish {repo.path} {wish.repository}`")
    return Exit.DONE


def _drafted(path: Path, plan: Draft) -> Mapping[str, str]:
    return {"draft": str(path), "role": plan.role}


def _check_role(repository: str, role: str) -> None:
    if repository not in {DIRECTOR, IMAGE} or role not in TOP_LEVEL:
        raise InputError(
            f"found {repository} {role}, expected director or image, and {', '.join(TOP_LEVEL)}"
        )
