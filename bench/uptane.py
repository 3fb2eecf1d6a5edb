"""Uptane: a full check of a car with a hundred control units, slow retrieval, and the attack matrix."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

from bench.rows import Row, at_least, at_most, best_cpu_s
from volant.trust.attacks.matrix import cells, expected, run_cell
from volant.trust.attacks.world import BEGIN_S, key_of, signers_of
from volant.trust.uptane import (
    Attack,
    Checker,
    EcuEntry,
    Fetch,
    ImageLoad,
    Inventory,
    Keeper,
    Limits,
    Session,
    TrustedRepository,
    answer_from,
    check_full,
    target_file,
)

ECUS = 100


def rows() -> list[Row]:
    return [_check(), _slow(), _slow_over_http(), _matrix()]


def _repositories() -> tuple[Keeper, Keeper, Inventory]:
    """An own image for each unit, signed by the image repository's top level."""
    director = Keeper.create("director", signers_of("director"), now_s=BEGIN_S)
    director.targets["targets"].unrecognized_fields["custom"] = {"vehicleId": "CAR"}
    image = Keeper.create("image", signers_of("image"), now_s=BEGIN_S)
    units = []
    for number in range(ECUS):
        ecu_id, hardware, name = f"ecu-{number}", f"hardware-{number}", f"image-{number}.bin"
        key = key_of(ecu_id).public.hex
        units.append(EcuEntry(ecu_id=ecu_id, hardware_id=hardware, key=key, primary=number == 0))
        custom = {"ecuIdentifiers": {ecu_id: {"hardwareId": hardware}}, "releaseCounter": 1}
        director.add(target_file(name, name.encode(), custom))
        custom = {"hardwareIds": [hardware], "releaseCounter": 1}
        image.add(target_file(name, name.encode(), custom))
    for keeper in (director, image):
        keeper.publish(BEGIN_S, ["targets"])
    return director, image, Inventory(vehicle_id="CAR", ecus=tuple(units))


def _check() -> Row:
    director, image, inventory = _repositories()
    keepers = {one.name: one for one in (director, image)}

    def work() -> None:
        trusted = [
            TrustedRepository(one.name, one.published["1.root.json"]) for one in (director, image)
        ]
        steps = check_full(Checker.of_car(inventory), *trusted, BEGIN_S, Limits())
        plan = answer_from(steps, lambda ask: keepers[ask.repository].published.get(ask.name))
        assert len(plan.assignments) == ECUS

    note = f"{ECUS} control units, both repositories from their first root, on one core"
    return at_most("uptane/full check", best_cpu_s(work) * 1e3, 150.0, "ms", note)


def _slow() -> Row:
    """Simulated: a byte every second, and how long it is borne."""
    director, image, inventory = _repositories()
    trusted = [
        TrustedRepository(one.name, one.published["1.root.json"]) for one in (director, image)
    ]
    limits = Limits()
    steps = check_full(Checker.of_car(inventory), *trusted, BEGIN_S, limits)
    session = Session(steps, limits, 0)
    second = 0
    while session.rejected is None:
        second += 1
        session.feed(b"x", second * 10**9)
    return at_most("uptane/slow retrieval noticed", float(second), 10.0, "s", "one byte a second")


def _slow_over_http() -> Row:
    """Real servers on loopback that are silent or trickle, all at once, each with a client of its own."""
    from tests.hostile_http import TRICKLES, server
    from volant.app.update_http import feed, urls_of

    hashes = {"sha256": hashlib.sha256().hexdigest()}

    def borne_s(name: str) -> float:
        began_s = time.monotonic()
        image = Fetch("image", "image", "big.bin", 1 << 20, exact=True)
        load = ImageLoad(image, hashes, len, Limits(), time.monotonic_ns())
        with server(TRICKLES[name]) as url:
            feed(load, urls_of({}, url))
        assert load.rejected is not None
        assert load.rejected.attack == Attack.SLOW
        return time.monotonic() - began_s

    with ThreadPoolExecutor(len(TRICKLES)) as pool:
        borne = dict(zip(TRICKLES, pool.map(borne_s, TRICKLES), strict=True))
    worst = max(borne, key=lambda name: borne[name])
    note = f"{len(borne)} servers over HTTP, wall time; the slowest: {worst}"
    return at_most("uptane/slow retrieval over HTTP", borne[worst], 10.0, "s", note)


def _matrix() -> Row:
    found = list(cells())
    good = sum(str(run_cell(cell)) == expected(cell) for cell in found)
    note = "11 attacks, 7 attackers, 2 ways of checking; defined losses among them"
    return at_least("uptane/attack cells as expected", float(good), float(len(found)), "", note)
