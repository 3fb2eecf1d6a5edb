"""One unit over DoIP whose download goes nowhere: what a transfer costs without a flash behind it."""

from __future__ import annotations

import secrets
import sys
import time
from dataclasses import replace
from pathlib import Path

from volant.caros.diagnostics import DoipEntity, DoipSettings, Unit
from volant.vehicle.ecus import ECUS, CarFacts, server_config
from volant.wire.uds import Nrc

STANDING = {"speed_mps": 0.0, "supply_v": 12.9}


class Nowhere:
    """Takes any image and keeps nothing."""

    def begin(self, address: int, size: int) -> Nrc | None:  # noqa: ARG002
        return None

    def write(self, offset: int, block: bytes) -> Nrc | None:  # noqa: ARG002
        return None

    def finish(self) -> bytes:
        return b""


def serve(ready: Path) -> None:
    spec, facts = ECUS[1], CarFacts()
    config = server_config(
        spec,
        facts,
        live=lambda name: STANDING.get(name, float("nan")),
        seed=lambda: secrets.token_bytes(16),
    )
    unit = Unit(replace(config, flash=Nowhere()))
    with DoipEntity({spec.address: unit}, DoipSettings(vin=facts.vin), port=0) as entity:
        draft = ready.with_suffix(".part")
        draft.write_text(f'{{"port": {entity.port}}}')
        draft.replace(ready)
        while True:
            time.sleep(1.0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
