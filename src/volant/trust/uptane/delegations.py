"""Who may sign an image, and what they sign: delegations in order, to hardware and paths, to several roles at once.

Follows Uptane 2.1, 5.4.4.7 and 5.4.4.8 (TAP 3). Two additions to TUF's delegations: a role has `hardwareIds`, and
`multiRoles` beside `roles` names groups whose members must agree; a group stands where its first member stands, and
its members are not asked alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta
from tuf.api.metadata import DelegatedRole, Delegations, Root, TargetFile, Targets

from volant.trust.uptane.custom import Word
from volant.trust.uptane.download import Fetch
from volant.trust.uptane.limits import Limits
from volant.trust.uptane.metadata import TARGETS
from volant.trust.uptane.session import Steps, required
from volant.trust.uptane.trusted import TargetsCheck, TrustedRepository, file_of
from volant.trust.uptane.verdict import Attack, RejectedError

HARDWARE: Final = "hardwareIds"
GROUPS: Final = "multiRoles"
Words = Annotated[tuple[Word, ...], Meta(min_length=1, max_length=256)]


class RoleGroup(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Several roles of which some must agree."""

    roles: Words
    min_roles_in_agreement: Annotated[int, Meta(ge=1)]
    paths: Words
    hardware_ids: tuple[Word, ...] = ()
    terminating: bool = False


Answer: TypeAlias = tuple[TargetFile | None, bool]
"""What was found, and whether the search is over."""


@dataclass(slots=True)
class Search:
    """One image that is looked for in one repository."""

    repository: TrustedRepository
    name: str
    hardware_id: str | None
    """None: a plain TUF client, which knows no hardware."""
    now_s: float
    limits: Limits
    left: int = field(init=False)
    """Roles that may still be looked into."""

    def __post_init__(self) -> None:
        self.left = self.limits.delegations

    def run(self) -> Steps[TargetFile | None]:
        """The image as signed by whoever has the say, or None.

        Raises:
            RejectedError: a role on the way is missing or wrong.
        """
        top = self.repository.targets[TARGETS].signed
        found, _ = yield from self._look(top, {TARGETS}, terminating=False)
        return found

    def _look(self, targets: Targets, seen: set[str], *, terminating: bool) -> Steps[Answer]:
        found = targets.targets.get(self.name)
        if found is not None:
            return found, True
        if terminating and self.hardware_id is not None:
            return (
                None,
                True,
            )  # Uptane, 5.4.4.7 step 3; TUF lets the role's own delegations speak first
        if targets.delegations is None:
            return None, False
        for step in self._steps_of(targets.delegations):
            if isinstance(step, RoleGroup):
                found = yield from self._agree(step, targets)
                over = found is not None
            else:
                found, over = yield from self._follow(step, targets, seen)
            if over or step.terminating:
                return found, True
        return None, False

    def _follow(self, role: DelegatedRole, delegator: Targets, seen: set[str]) -> Steps[Answer]:
        if role.name in seen or self.left <= 0:
            return None, False
        seen.add(role.name)
        self.left -= 1
        yield from load_targets(self.repository, role.name, delegator, self.now_s, self.limits)
        targets = self.repository.targets[role.name].signed
        return (yield from self._look(targets, seen, terminating=bool(role.terminating)))

    def _agree(self, group: RoleGroup, delegator: Targets) -> Steps[TargetFile | None]:
        """What enough members say alike; of several such sets the one with the earliest member."""
        roles = delegator.delegations.roles if delegator.delegations else None
        said: list[tuple[bytes, TargetFile]] = []
        failed: RejectedError | None = None
        for name in group.roles:
            role = (roles or {}).get(name)
            if role is None:
                continue
            try:
                found, _ = yield from self._follow(role, delegator, {TARGETS})
            except RejectedError as error:
                failed = failed or error
                continue
            if found is not None:
                said.append((_essence(found), found))
        for essence, found in said:
            if sum(other == essence for other, _ in said) >= group.min_roles_in_agreement:
                return found
        if failed is not None:
            raise failed
        return None

    def _steps_of(self, delegations: Delegations) -> Iterator[DelegatedRole | RoleGroup]:
        """Delegations that apply, in order, each group at the place of its first member."""
        groups = self._groups(delegations)
        member = {name: group for group in reversed(groups) for name in group.roles}
        given: list[RoleGroup] = []
        for role in self._roles(delegations):
            group = member.get(role.name)
            if group is None:
                if self._applies(role, role.unrecognized_fields.get(HARDWARE)):
                    yield role
            elif group not in given:
                given.append(group)
                area = DelegatedRole("group", [], 1, group.terminating, list(group.paths))
                if self._applies(area, list(group.hardware_ids)):
                    yield group

    def _roles(self, delegations: Delegations) -> Iterator[DelegatedRole]:
        if delegations.roles is not None:
            yield from delegations.roles.values()
        else:
            assert delegations.succinct_roles is not None, "tuf's class has one or the other"
            # One bin for each name, and it ends the search, as in `Delegations.get_roles_for_target` of tuf.
            name = delegations.succinct_roles.get_role_for_target(self.name)
            yield DelegatedRole(name, [], 1, True, ["*"])

    def _groups(self, delegations: Delegations) -> tuple[RoleGroup, ...]:
        if self.hardware_id is None:
            return ()
        try:
            return msgspec.convert(
                delegations.unrecognized_fields.get(GROUPS, ()), tuple[RoleGroup, ...]
            )
        except msgspec.ValidationError as error:
            raise RejectedError(
                Attack.ARBITRARY, f"{GROUPS}: {error}", repository=self.repository.name
            ) from error

    def _applies(self, role: DelegatedRole, hardware: object) -> bool:
        if self.hardware_id is not None and not (
            isinstance(hardware, list) and self.hardware_id in hardware
        ):
            return False
        return "".join(role.paths or ()) == "*" or role.is_delegated_path(self.name)


def load_targets(
    repository: TrustedRepository,
    role: str,
    delegator: Root | Targets,
    now_s: float,
    limits: Limits,
    check: TargetsCheck | None = None,
) -> Steps[None]:
    """Have a role's targets as the snapshot lists them; fetched only where what is held is not that.

    Raises:
        RejectedError: it is missing or wrong, or `check` says no.
    """
    if repository.targets_stand(role, delegator, now_s):
        return
    meta = repository.listed(role)
    most_bytes = min(meta.length or limits.targets_bytes, limits.targets_bytes)
    name = versioned(repository, role, meta.version)
    data = yield from required(Fetch(repository.name, role, name, most_bytes))
    repository.update_targets(data, now_s, role=role, delegator=delegator, check=check)


def versioned(repository: TrustedRepository, role: str, version: int) -> str:
    """Under which name the repository gives a file (Uptane 2.1, 5.2.7: VERSION.name)."""
    if repository.root.signed.consistent_snapshot is False:
        return file_of(role)
    return f"{version}.{file_of(role)}"


def _essence(target: TargetFile) -> bytes:
    """What several roles must agree on: all but custom data that need not match."""
    custom = target.custom if isinstance(target.custom, dict) else {}
    must = {name: custom.get(name) for name in (HARDWARE, "releaseCounter")}
    return msgspec.json.encode([target.length, target.hashes, must], order="deterministic")
