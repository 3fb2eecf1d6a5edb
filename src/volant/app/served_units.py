"""All control units of a car with their UDS servers, each on its bootloader: for the live car, and for a car at a desk."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Final

from volant.caros.diagnostics import Unit
from volant.vehicle.boot import Bootloader
from volant.vehicle.ecus import ECUS, CarFacts, Live, server_config
from volant.vehicle.faults import FaultMemory

SEED_BYTES: Final = 16


def served_units(
    facts: CarFacts,
    live: Live,
    memories: Mapping[str, FaultMemory],
    boots: Mapping[str, Bootloader],
) -> dict[int, Unit]:
    """Units by address, with real seeds and this machine's forward clock.

    Args:
        facts: what identifies the car.
        live: gives measured values by name.
        memories: trouble codes of each unit.
        boots: bootloader of each unit; each unit's program may need what the others will run.
    """

    def releases() -> dict[str, int]:
        return {name: boot.coming for name, boot in boots.items()}

    return {
        spec.address: Unit(
            server_config(
                spec,
                facts,
                live=live,
                seed=lambda: secrets.token_bytes(SEED_BYTES),
                faults=memories[spec.name],
                boot=boots[spec.name],
                releases=releases,
                now_ns=time.monotonic_ns,
            )
        )
        for spec in ECUS
    }
