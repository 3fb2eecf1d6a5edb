"""All control units of a car with their UDS servers, each on its bootloader: for the live car, and for a car at a desk.

`UnitsLine` asks them from the same program, where no network lies between.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Final

from volant.caros.diagnostics import NegativeResponseError, Unit, UnknownUnitError
from volant.core.errors import LinkError
from volant.vehicle.boot import Bootloader
from volant.vehicle.ecus import ECUS, CarFacts, Live, server_config
from volant.vehicle.faults import FaultMemory
from volant.wire.uds import NEGATIVE, Nrc

SEED_BYTES: Final = 16
DOOR: Final = "inside"
WORK_MOST_S: Final = 310.0
"""Nobody is waited for longer, as over DoIP."""
WORK_TURN_S: Final = 0.005


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


class UnitsLine:
    """Questions to units in the same program; answers and errors are those of `DoipTester.ask`."""

    def __init__(self, units: Mapping[int, Unit]) -> None:
        self._units = units

    def ask(self, address: int, request: bytes) -> bytes:
        """The positive answer of a unit.

        Raises:
            NegativeResponseError: it refuses.
            UnknownUnitError: there is no such unit.
            LinkError: it does not answer.
        """
        unit = self._units.get(address)
        if unit is None:
            raise UnknownUnitError(f"there is no control unit {address:04X}")
        answers = unit.request(f"{DOOR}:0", request, time.monotonic_ns())
        end_s = time.monotonic() + WORK_MOST_S
        while True:
            for answer in answers:
                found = _judged(request[0], answer)
                if found is not None:
                    return found
            if not unit.working or time.monotonic() > end_s:
                raise LinkError(f"control unit {address:04X} does not answer")
            time.sleep(WORK_TURN_S)
            _, answers = unit.poll(DOOR, time.monotonic_ns())


def _judged(sid: int, answer: bytes) -> bytes | None:
    """A final answer that is positive; None: a unit that is still at it."""
    if answer[0] == NEGATIVE and answer[1] == sid:
        if answer[2] != Nrc.RESPONSE_PENDING:
            raise NegativeResponseError(sid, answer[2])
        return None
    return answer
