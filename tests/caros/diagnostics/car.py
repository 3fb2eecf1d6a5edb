"""All control units of the simulated car, ready to be asked; nothing here moves.

For testers of other people they offer resets and communication control, too, which the car does not.
"""

import math
import secrets

from volant.caros.diagnostics import DoipEntity, DoipSettings, Unit
from volant.vehicle.ecus import ECUS, CarFacts, key_for, secret_of, server_config

FACTS = CarFacts(vin="VOLANTTEST0000001", software="9.9.9")
DRIVE, BRAKE, UNKNOWN = 0x1001, 0x1002, 0x2222
LIVE = {"pilot_mode": 2.0, "indicator": 9.0, "speed_mps": 0.0, "charge_pct": 81.5, "supply_v": 13.2}


def units() -> dict[int, Unit]:
    return {
        spec.address: Unit(
            server_config(
                spec,
                FACTS,
                live=lambda name: LIVE.get(name, math.nan),
                seed=lambda: secrets.token_bytes(16),
                on_reset=lambda _: None,
                controls_communication=True,
            )
        )
        for spec in ECUS
    }


def entity(served: dict[int, Unit] | None = None, **more: object) -> DoipEntity:
    """A DoIP entity on free ports of loopback."""
    settings = DoipSettings(vin=FACTS.vin, **more)  # type: ignore[arg-type]
    return DoipEntity(units() if served is None else served, settings, port=0)


def key(level: int, seed: bytes, name: str = "drive") -> bytes:
    return key_for(secret_of(name), level, seed)
