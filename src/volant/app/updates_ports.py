"""The units of one car as the update machine reaches them: control units by UDS, apps in their store."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Final

from volant.app.updates_apps import PREFIX, AppUnit, Report
from volant.app.updates_folder import UpdatesFolder
from volant.caros.apps.store import AppStore
from volant.caros.diagnostics import DoipTester
from volant.core.errors import InputError, LinkError
from volant.ota.ports import UnitPort
from volant.ota.uds_unit import UdsUnit
from volant.vehicle.ecus import ECUS, EcuSpec, key_for, secret_of

SOURCE: Final = 0x0E07
"""Our own logical address over DoIP; a workshop's testers take the lower ones."""
AskUnit = Callable[[int, bytes], bytes]
"""The positive answer of the unit at a logical address; errors as `CarLine.ask`."""


class CarLine:
    """One DoIP connection to all units, made anew when it broke."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tester: DoipTester | None = None

    def ask(self, address: int, request: bytes) -> bytes:
        """The positive answer of a unit.

        Raises:
            LinkError: it does not answer.
            NegativeResponseError: it refuses.
        """
        try:
            if self._tester is None:
                self._tester = DoipTester(port=self._port, source=SOURCE)
            return self._tester.ask(address, request)
        except LinkError:
            self.close()
            raise

    def close(self) -> None:
        """End the connection."""
        if self._tester is not None:
            with contextlib.suppress(OSError):
                self._tester.close()
        self._tester = None


def ports_of(
    folder: UpdatesFolder, ask: AskUnit, store: AppStore, sign: Report
) -> dict[str, UnitPort]:
    """A port for each unit of the inventory.

    Args:
        folder: of the car's updates.
        ask: reaches its control units.
        store: of its apps.
        sign: the report of a unit without flash of its own.

    Raises:
        InputError: one is not in this car.
    """
    specs = {spec.name: spec for spec in ECUS}
    found: dict[str, UnitPort] = {}
    for entry in folder.inventory().ecus:
        name = entry.ecu_id
        if name.startswith(PREFIX):
            found[name] = AppUnit(name, folder, store, sign)
        elif name in specs:
            found[name] = _uds(ask, specs[name])
        else:
            raise InputError(f"the inventory names {name}, which is not in this car")
    return found


def _uds(ask_unit: AskUnit, spec: EcuSpec) -> UdsUnit:
    def ask(request: bytes) -> bytes:
        return ask_unit(spec.address, request)

    def key(level: int, seed: bytes) -> bytes:
        return key_for(secret_of(spec.name), level, seed)

    return UdsUnit(spec.name, ask, key, time.sleep)
