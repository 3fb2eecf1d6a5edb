"""A car of the attacks' world as the fleet knows it, and releases of it."""

from functools import cache
from typing import Any

from volant.cloud.inventory import CarRecord, Release, ReleaseImage, hear
from volant.trust.attacks.world import BRAKE, HARDWARE, SEAT, VEHICLE, World, image_of
from volant.trust.uptane import target_file


@cache
def release(number: int, **changes: Any) -> Release:
    images = []
    for ecu_id in (BRAKE, SEAT):
        name, data = image_of(ecu_id, number)
        listed = target_file(name, data, {})
        images.append(
            ReleaseImage(
                hardware_id=HARDWARE[ecu_id],
                name=name,
                length=listed.length,
                hashes=listed.hashes,
                release_counter=number,
                **changes,
            )
        )
    return Release(name=f"release-{number}", images=tuple(images))


def known(world: World) -> CarRecord:
    """The car after its first manifest."""
    found = hear(CarRecord(car_id=VEHICLE, inventory=world.inventory), world.manifest(), 5.0)
    assert found.believed
    return found.car
