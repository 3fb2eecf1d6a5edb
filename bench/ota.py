"""An update of a whole car: cuts at every moment, and how soon a bad program is gone."""

import random
import time
from collections import Counter

from bench.rows import Row, at_most

SECOND_CUTS = 1
"""States of a second cut that are tried after each first one."""


def rows() -> list[Row]:
    return [*_cuts(), *_rollback()]


def _cuts() -> list[Row]:
    """All legal states of units' flash and of the primary's record after a cut, each brought to its end."""
    from tests.ota.cuts import SCENARIOS

    chance, began_s = random.Random(1), time.process_time()
    first = second = harmed = 0
    ends: Counter[str] = Counter()
    for scenario in SCENARIOS.values():
        for contents, _ in scenario.filmed().states():
            film, release = scenario.resumed(contents)
            first += 1
            harmed += release not in scenario.ends
            ends["new" if release == 2 else "old"] += 1
            later = list(film.states())
            for again, _ in chance.sample(later, min(SECOND_CUTS, len(later))):
                second += 1
                harmed += scenario.resumed(again)[1] not in scenario.ends
    spent_s = time.process_time() - began_s
    note = (
        f"of {first} after one cut ({ends['new']} all new, {ends['old']} all old), {second} after a second;"
        f" {len(SCENARIOS)} updates of 3 units, record of the primary included; {spent_s:.1f} CPU s"
    )
    return [at_most("ota/states mixed, not booting or not getting on", harmed, 0, "", note)]


def _rollback() -> list[Row]:
    """From the first boot of a program that hangs until all units run the old ones."""
    from tests.ota.car import UNITS, Car, Faults

    boots, spent_s = 0, 0.0
    for unit in UNITS:
        car = Car(faults={unit: Faults(hangs_with=2)}).update()
        bad = car.units[unit]
        car.until(lambda _, bad=bad: bad.release == 2)  # type: ignore[misc]
        began_s, before = car.now_s, bad.boots
        car.until(lambda _, bad=bad: bad.release != 2)  # type: ignore[misc]
        boots = max(boots, bad.boots - before)
        car.until(lambda car: car.record.open is None)
        assert car.sound()
        spent_s = max(spent_s, car.now_s - began_s)
    note = f"the worst of {', '.join(UNITS)}; all units back"
    return [
        at_most("ota/rollback of a program that hangs, boots", boots, 2, "", note),
        at_most("ota/rollback of a program that hangs", spent_s, 30.0, "s simulated", note),
    ]
