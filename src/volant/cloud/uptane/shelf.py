"""The fleet's image repository: what releases bring for cars that speak Uptane, signed, and kept fresh."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import replace
from tuf.api.metadata import TargetFile

from volant.cloud.director import is_old, newest
from volant.cloud.inventory import ReleaseImage
from volant.cloud.store.ports import Work
from volant.cloud.uptane.authority import PLACES, Authority
from volant.core.errors import InputError, RefusedError
from volant.trust.uptane import Keeper, RejectedError
from volant.trust.uptane.custom import check_name
from volant.trust.uptane.match import IMAGE
from volant.trust.uptane.metadata import SNAPSHOT, TARGETS, TIMESTAMP

NAMED: Final = re.compile(r"^(?:[^/]+/)*([0-9a-f]{64})\.([^/]+)$")
"""HASH.name, with the SHA-256: the hash that cars of ours ask by."""


def publish(
    work: Work, authority: Authority, images: Iterable[ReleaseImage], now_s: float
) -> tuple[ReleaseImage, ...]:
    """Sign images in the image repository; what a release then says of them.

    An image without a release counter gets one more than the last for the same units.

    Raises:
        InputError: a name is none.
        RefusedError: an image of that name has other content, or a key is not here.
    """
    keeper = authority.images(work)
    found = [_add(keeper, one) for one in images]
    keeper.publish(now_s, [TARGETS])
    work.put_director_files(PLACES[IMAGE], newest(keeper))
    return tuple(found)


def check_signs(work: Work, authority: Authority) -> None:
    """Whether images can be signed here.

    Raises:
        RefusedError: there are no repositories, or a key is not here.
    """
    keeper = authority.images(work)
    lacks = [f"image-{one}" for one in (TARGETS, SNAPSHOT, TIMESTAMP) if one not in keeper.signers]
    if lacks:
        raise RefusedError(f"images cannot be signed here: no key of {', '.join(lacks)} is here")


def renew(work: Work, authority: Authority, now_s: float) -> dict[str, bytes]:
    """The image repository's files, signed anew where they grow old and their keys are here."""
    keeper = authority.images(work)
    before = dict(keeper.published)
    if TARGETS in keeper.signers and is_old(keeper, TARGETS, now_s):
        keeper.publish(now_s, [TARGETS])
    elif is_old(keeper, SNAPSHOT, now_s):
        keeper.publish(now_s)
    elif is_old(keeper, TIMESTAMP, now_s):
        keeper.publish_timestamp(now_s)
    if keeper.published != before:
        work.put_director_files(PLACES[IMAGE], newest(keeper))
    return keeper.published


def digest_of_name(name: str) -> str | None:
    """SHA-256 of an image that a car asks for by HASH.name; None: it asks otherwise."""
    found = NAMED.match(name)
    return found.group(1) if found else None


def _add(keeper: Keeper, one: ReleaseImage) -> ReleaseImage:
    try:
        check_name(one.name, repository=IMAGE)
    except RejectedError as error:
        raise InputError(str(error)) from error
    mine = keeper.targets[TARGETS].targets
    there = mine.get(one.name)
    if there is not None and there.hashes != one.hashes:
        raise RefusedError(
            f"an image {one.name} with other content is published: give this one another name"
        )
    units, counter = set(one.ecu_ids), one.release_counter
    if there is not None:
        # One image has one counter, whatever release it comes with.
        counter = int(there.custom["releaseCounter"])
        before = set(there.custom.get("units", ()))
        units = units | before if units and before else set()
    elif not counter:
        counter = 1 + max((_counter(each, one) for each in mine.values()), default=0)
    hardware = {one.hardware_id, *(there.custom["hardwareIds"] if there is not None else ())}
    custom: dict[str, Any] = {"hardwareIds": sorted(hardware), "releaseCounter": counter}
    if units:
        custom["units"] = sorted(units)
    mine[one.name] = TargetFile(one.length, dict(one.hashes), one.name, {"custom": custom})
    return replace(one, release_counter=counter)


def _counter(listed: TargetFile, wanted: ReleaseImage) -> int:
    """Release counter of an image that is for the same units; 0: it is for others."""
    units, custom = set(wanted.ecu_ids), listed.custom
    others = set(custom.get("units", ()))
    same = not units or not others or bool(units & others)
    return (
        int(custom["releaseCounter"]) if same and wanted.hardware_id in custom["hardwareIds"] else 0
    )
