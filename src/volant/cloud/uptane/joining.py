"""How a car comes to a fleet: somebody admits it by a code, good once; at its desk it says its keys and gets the roots.

The code has two parts. The first lets the car in. The second is a hash over the roots that the car shall believe, so a
server that is another than the one where the code was made is found out, whatever the network does.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.cloud.campaigns.plan import Name
from volant.cloud.inventory import CarRecord
from volant.cloud.people import digest_of, new_token
from volant.cloud.store.ports import Work
from volant.cloud.uptane.authority import Authority, pin
from volant.core.errors import InputError, RefusedError, TrustError
from volant.trust.keys import SigningKey
from volant.trust.uptane import Inventory, RepositoryMap
from volant.trust.uptane.match import DIRECTOR, IMAGE

ONCE: Final = "join:"
"""Before the hash of a code: no token has such a hash, so a code opens nothing but this door."""
ROOT_END: Final = ".root.json"


class JoinRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a car says that joins."""

    token: Annotated[str, Meta(min_length=1, max_length=256)]
    """First part of the code."""
    inventory: Inventory


class JoinGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What it gets."""

    repository_map: RepositoryMap
    metadata: dict[str, dict[str, str]]
    """Newest metadata by repository and file name, as text, and each root as `VERSION.root.json`."""
    time_key: str
    """Ed25519 public key in hex of who signs the time."""
    token: str
    """The car's own, for the wake-up door."""


def admit(work: Work, authority: Authority, car_id: str, by: str, now_s: float) -> str:
    """A code for a car; an older code or token of it is no longer good.

    Raises:
        InputError: the car's id is none.
        RefusedError: the fleet has no repositories, or the key of the time is not here.
    """
    try:
        msgspec.convert(car_id, Name)
    except msgspec.ValidationError as error:
        raise InputError(f"no id of a car: {error}") from error
    token = new_token()
    code = f"{token}.{pin(work, _time(authority))}"
    data = {} if work.token(car_id) is None else {"again": True}
    work.put_token(car_id, ONCE + digest_of(token))
    work.log(at_s=now_s, by=by, act="code", about=car_id, data=data)
    return code


def join(work: Work, authority: Authority, asked: JoinRequest, now_s: float) -> JoinGrant:
    """Let a car in that has a code, and give it what it is to believe.

    Raises:
        TrustError: the code is not good, or not any more.
        RefusedError: the fleet has no repositories, or a key is not here.
    """
    inventory = asked.inventory
    car_id, kept = inventory.vehicle_id, work.token(inventory.vehicle_id) or ""
    if not hmac.compare_digest(kept, ONCE + digest_of(asked.token)):
        raise TrustError(f"no code for {car_id}, or it was used before: volant fleet admit")
    before = work.record(car_id)
    groups = before.groups if before is not None else ()
    attributes = {"model": inventory.model} if inventory.model else {}
    work.put_record(
        CarRecord(car_id=car_id, inventory=inventory, groups=groups, attributes=attributes)
    )
    director = authority.director_of(work)
    files = director.publish(work.director_files(car_id), car_id, (), now_s)
    work.put_director_files(car_id, files)
    token = new_token()
    work.put_token(car_id, digest_of(token))
    work.log(at_s=now_s, by="car", act="join", about=car_id)
    images = authority.images(work)
    return JoinGrant(
        repository_map=RepositoryMap.of(f"cars/{car_id}/director/metadata", "image"),
        metadata={
            DIRECTOR: _texts(director.provision(files), director.template),
            IMAGE: _texts(images.trusted_files(), images.published),
        },
        time_key=_time(authority).public.hex,
        token=token,
    )


def _time(authority: Authority) -> SigningKey:
    if authority.time is None:
        raise RefusedError("the key of who signs the time is not here")
    return authority.time


def _texts(newest: Mapping[str, bytes], published: Mapping[str, bytes]) -> dict[str, str]:
    roots = {name: data for name, data in published.items() if name.endswith(ROOT_END)}
    return {name: data.decode() for name, data in (*roots.items(), *newest.items())}
