"""Who attacks: what they reach and which keys they stole, and each of the eleven attacks at its best with that.

An attack is a function from a world and an attacker to a `Twist`: what becomes of an honest reply on a wire that
the attacker sits on. Whoever stole keys is given both wires: the worst case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

from volant.trust.attacks.wire import Reply
from volant.trust.attacks.world import (
    BRAKE,
    ONLINE,
    SEAT,
    SUPPLIER,
    World,
    image_of,
    key_of,
    signers_of,
)
from volant.trust.uptane.download import Fetch
from volant.trust.uptane.keeper import DAY_S, Keeper, soft_signer, target_file
from volant.trust.uptane.limits import NS_PER_S
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import SNAPSHOT, TARGETS, TIMESTAMP

Served: TypeAlias = Mapping[tuple[str, str], bytes]
Twist: TypeAlias = Callable[[Fetch, Reply], Reply]
MALWARE: Final = b"whatever the attacker wants to run. " * 90
LAST_VERSION: Final = 2**31 - 1


class Power(StrEnum):
    """What an attacker has."""

    NONE = "no key, a mirror of images"
    DIRECTOR = "director's online keys"
    IMAGES = "image repository's targets key"
    SUPPLIER = "a supplier's delegated key"
    PRIMARY = "the primary control unit"
    OUTSIDE = "the link outside the car"
    INSIDE = "the bus inside the car"


STOLEN: Final[Mapping[Power, tuple[tuple[str, str], ...]]] = {
    Power.DIRECTOR: tuple((DIRECTOR, role) for role in ONLINE),
    Power.IMAGES: ((IMAGE, TARGETS),),
    Power.SUPPLIER: ((IMAGE, SUPPLIER),),
}
KEYS: Final = frozenset(STOLEN)


@dataclass
class Attacker:
    """One attacker with an aim: a control unit that is to suffer."""

    power: Power
    victim: str
    past: list[Served] = field(default_factory=list)
    """What both repositories served at release 1 and 2."""
    read: set[str] = field(default_factory=set)
    """Images that were seen in clear."""
    orders: frozenset[str] = frozenset()
    """Units that are ordered to install what they hold, whatever the primary says."""

    @property
    def witness(self) -> str:
        """The other secondary."""
        return SEAT if self.victim == BRAKE else BRAKE

    @property
    def is_inside(self) -> bool:
        """Whether they speak to the secondaries, and can order them to install what they hold."""
        return self.power in KEYS | {Power.PRIMARY, Power.INSIDE}

    def reaches(self, fetch: Fetch, *, inside: bool) -> bool:
        """Whether a request passes them."""
        if inside:
            return self.is_inside
        if self.power is Power.NONE:
            return fetch.repository == IMAGE
        return self.power in KEYS | {Power.OUTSIDE}

    def has(self, repository: str, role: str) -> bool:
        """Whether they can sign as a role."""
        return (repository, role) in STOLEN.get(self.power, ())


def answer(served: Served, fetch: Fetch) -> bytes | None:
    """A file of a set that an attacker kept or made, also under the name by which partial units ask."""
    if fetch.repository == DIRECTOR and fetch.name == f"{TARGETS}.json":
        return newest_targets(served)
    return served.get((fetch.repository, fetch.name))


def newest_targets(served: Served) -> bytes | None:
    """The director's last targets."""
    end = f".{TARGETS}.json"
    versions = [
        int(name.removesuffix(end))
        for repository, name in served
        if repository == DIRECTOR and name.endswith(end)
    ]
    return served.get((DIRECTOR, f"{max(versions)}{end}")) if versions else None


def eavesdrop(_world: World, attacker: Attacker) -> Twist:
    """Read what passes."""

    def twist(fetch: Fetch, reply: Reply) -> Reply:
        if fetch.role == "image" and reply.data:
            attacker.read.add(fetch.name)
        return reply

    return twist


def drop_requests(_world: World, _attacker: Attacker) -> Twist:
    """Let nothing through."""
    return lambda _fetch, _reply: Reply(None, lost=True)


def slow_retrieval(_world: World, _attacker: Attacker) -> Twist:
    """Let a byte a second through."""
    return lambda _fetch, reply: replace(reply, chunk_bytes=1, chunk_ns=NS_PER_S)


def freeze(world: World, attacker: Attacker) -> Twist:
    """Show release 2 for ever, and no signed time; who can sign as the director signs it anew each day.

    The car is off meanwhile: while it has power its own counter goes on, and shows it (`SecureClock`).
    """
    world.now_s += 100 * DAY_S
    world.director.publish(world.now_s, [TARGETS])
    world.image.publish(world.now_s, [TARGETS, SUPPLIER])
    past = dict(attacker.past[-1])
    if attacker.power is Power.DIRECTOR:
        stolen = Keeper.load(DIRECTOR, _of(past, DIRECTOR), signers_of(DIRECTOR))
        stolen.publish(world.now_s, [TARGETS])
        past.update({(DIRECTOR, name): data for name, data in stolen.published.items()})
    return lambda fetch, _reply: Reply(answer(past, fetch))


def partial_bundle(world: World, attacker: Attacker) -> Twist:
    """Let the victim's part of a release be missing; who can sign as the director leaves it out."""
    if attacker.power is Power.DIRECTOR:
        stolen = world.director.copy()
        stolen.targets[TARGETS].targets.pop(image_of(attacker.victim, world.release)[0])
        return _forged(world, attacker, stolen)

    def twist(fetch: Fetch, reply: Reply) -> Reply:
        if fetch.role == "image" and attacker.victim in fetch.name:
            return Reply(None, lost=True)
        return reply

    return twist


def flood_repository(_world: World, _attacker: Attacker) -> Twist:
    """Keep servers, or the bus, so busy that they have no file for anybody."""
    return lambda _fetch, _reply: Reply(None)


def rollback(world: World, attacker: Attacker) -> Twist:
    """Bring release 1 back; who can sign as the director lies about its release counter."""
    if attacker.power is Power.DIRECTOR:
        stolen = world.director.copy()
        name, data = image_of(attacker.victim, 1)
        offer(stolen, attacker.victim, name, data, world.release)
        return _forged(world, attacker, stolen)
    return lambda fetch, _reply: Reply(answer(attacker.past[0], fetch))


def endless_data(world: World, attacker: Attacker) -> Twist:
    """Never stop to send; who can sign as the director signs a length without end."""
    if attacker.power is Power.DIRECTOR:
        stolen = world.director.copy()
        name, _ = image_of(attacker.victim, world.release)
        stolen.targets[TARGETS].targets[name].length = 1 << 40
        return _forged(world, attacker, stolen)
    return lambda _fetch, reply: Reply(reply.data or b"more", endless=True)


def mix_and_match(world: World, attacker: Attacker) -> Twist:
    """Put together what never was one release; who can sign as the director chooses among true images."""
    if attacker.power is Power.DIRECTOR:
        stolen = world.director.copy()
        name, data = image_of(attacker.witness, world.release - 1)
        offer(stolen, attacker.witness, name, data, world.release - 1)
        return _forged(world, attacker, stolen)
    before = attacker.past[-1]

    def twist(fetch: Fetch, reply: Reply) -> Reply:
        if fetch.role == "image":
            victim, release = fetch.name.split(".", 1)[1].rsplit("-", 1)
            old = image_of(victim, int(release.removesuffix(".bin")) - 1)[1]
            return Reply(old)
        version, _, name = fetch.name.partition(".")
        if fetch.role in {SNAPSHOT, TARGETS} and version.isdecimal():
            return Reply(before.get((fetch.repository, f"{int(version) - 1}.{name}")))
        return reply

    return twist


def arbitrary_software(world: World, attacker: Attacker) -> Twist:
    """Have the victim run a program of one's own, signed with what one has."""
    name, _ = image_of(attacker.victim, world.release)
    made = []
    for keeper in world.keepers:
        stolen = keeper.copy()
        if keeper.name == DIRECTOR:
            offer(stolen, attacker.victim, name, MALWARE, world.release)
        else:
            old = stolen.targets[SUPPLIER].targets[name]
            stolen.add(target_file(name, MALWARE, old.custom), SUPPLIER)
            stolen.add(target_file(name, MALWARE, old.custom))
        made.append(stolen)
    wire = _forged(world, attacker, *made)

    def twist(fetch: Fetch, reply: Reply) -> Reply:
        if fetch.role == "image" and attacker.victim in fetch.name:
            return Reply(MALWARE)
        return wire(fetch, reply)

    return twist


def fast_forward(world: World, attacker: Attacker) -> Twist:
    """Drive version numbers to their end, so that nothing honest is ever newer."""
    made = []
    for keeper in world.keepers:
        stolen = keeper.copy()
        for role in stolen.targets.values():
            role.version = LAST_VERSION - 1
        stolen.snapshot.version = stolen.timestamp.version = LAST_VERSION - 1
        made.append(stolen)
    return _forged(world, attacker, *made)


def offer(keeper: Keeper, ecu_id: str, name: str, data: bytes, counter: int) -> None:
    """Have a director offer one image for one unit, and no other for it."""
    offered = keeper.targets[TARGETS].targets
    hardware = next(
        unit
        for target in offered.values()
        for unit in [target.custom["ecuIdentifiers"].get(ecu_id)]
        if unit
    )
    for old in [
        key for key, target in offered.items() if ecu_id in target.custom["ecuIdentifiers"]
    ]:
        del offered[old]
    custom = {"ecuIdentifiers": {ecu_id: hardware}, "releaseCounter": counter}
    offered[name] = target_file(name, data, custom)


def _forged(world: World, attacker: Attacker, *made: Keeper) -> Twist:
    """Serve what was made: signed with stolen keys where there are any, else with keys of one's own.

    With some keys of a repository only their files are false: the others stay honest, or it shows at once.
    """
    files: dict[tuple[str, str], bytes] = {}
    for keeper in made:
        owned = [
            role
            for role in (*keeper.targets, SNAPSHOT, TIMESTAMP)
            if attacker.has(keeper.name, role)
        ]
        before = dict(keeper.published)
        if not owned:
            for role in (*keeper.targets, SNAPSHOT, TIMESTAMP):
                keeper.signers[role] = [soft_signer(key_of(f"attacker {role}"))]
        keeper.publish(world.now_s, list(keeper.targets))
        changed = {
            name: data for name, data in keeper.published.items() if before.get(name) != data
        }
        if owned and TIMESTAMP not in owned:
            changed = _under_honest_names(world, keeper, owned)
        elif not owned and attacker.power in STOLEN:
            changed = {}  # whoever has keys of one repository leaves the other as it is
        files.update({(keeper.name, name): data for name, data in changed.items()})
    return lambda fetch, reply: _first(answer(files, fetch), reply)


def _under_honest_names(world: World, forged: Keeper, owned: list[str]) -> dict[str, bytes]:
    """False files of a role under the version that the honest snapshot names."""
    honest = next(one for one in world.keepers if one.name == forged.name)
    return {
        f"{honest.targets[role].version}.{role}.json": forged.published[
            f"{forged.targets[role].version}.{role}.json"
        ]
        for role in owned
    }


def _first(data: bytes | None, reply: Reply) -> Reply:
    return reply if data is None else Reply(data)


def _of(served: Served, repository: str) -> dict[str, bytes]:
    return {name: data for (owner, name), data in served.items() if owner == repository}


def orders_of(attack: str, attacker: Attacker) -> frozenset[str]:
    """Whom an attacker inside has an interest in having install."""
    if not attacker.is_inside:
        return frozenset()
    if attack in {"partial-bundle", "mix-and-match"}:
        return frozenset({attacker.victim, attacker.witness})
    if attack in {"rollback", "arbitrary-software"}:
        return frozenset({attacker.victim})
    return frozenset()


ATTACKS: Final[Mapping[str, Callable[[World, Attacker], Twist]]] = {
    "eavesdrop": eavesdrop,
    "drop-request": drop_requests,
    "slow-retrieval": slow_retrieval,
    "freeze": freeze,
    "partial-bundle": partial_bundle,
    "denial-of-service": flood_repository,
    "rollback": rollback,
    "endless-data": endless_data,
    "mix-and-match": mix_and_match,
    "arbitrary-software": arbitrary_software,
    "fast-forward": fast_forward,
}
