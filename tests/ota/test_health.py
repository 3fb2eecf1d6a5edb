"""What speaks against new programs."""

import msgspec
import pytest

from tests.caros.motorway import Drive
from tests.ota.car import offer
from volant.core.messages import CodeStatus, Engagement, TroubleCode, TroubleCodes
from volant.ota.health import HealthTuning, HealthWatch, fault_of, has_passed
from volant.ota.record import Open

TUNING = HealthTuning()
PILOT = Drive().latest(0.0).pilot


def code(name: str, status: CodeStatus = CodeStatus.ACTIVE, *, warns: bool = True) -> TroubleCode:
    return TroubleCode(
        unit="brake",
        unit_words="Brakes",
        code=name,
        name="x",
        words="x",
        status=status,
        warns=warns,
        occurrences=1,
        first=None,
        latest=None,
    )


def codes(*found: TroubleCode) -> TroubleCodes:
    return TroubleCodes(
        stamp_ns=1, number=1, count=len(found), codes=found, may_clear=True, refused=""
    )


def test_codes_count_that_are_active_and_warn() -> None:
    watch = HealthWatch()
    stored = code("U0129-87", CodeStatus.STORED)
    watch.codes(codes(code("C0040-11"), stored, code("B1000-11", warns=False)))
    assert watch.facts(driving=False).codes == {"brake C0040-11"}
    watch.codes(codes())
    assert watch.facts(driving=True).codes == frozenset()


@pytest.mark.parametrize(
    ("why", "counts"), [("lost_lane", (1, 1)), ("hands_off", (0, 0)), ("road_ends", (0, 0))]
)
def test_the_pilot_is_blamed_once_for_each_time_and_not_for_its_driver(
    why: str, counts: tuple[int, int]
) -> None:
    assert PILOT is not None
    watch = HealthWatch()
    for engagement in (
        *(Engagement.ENGAGED, Engagement.TAKEOVER, Engagement.TAKEOVER),
        *(Engagement.MINIMAL_RISK, Engagement.MINIMAL_RISK),
    ):
        watch.pilot(msgspec.structs.replace(PILOT, engagement=engagement, code=why))
    facts = watch.facts(driving=False)
    assert (facts.disengagements, facts.faults) == counts


@pytest.mark.parametrize(
    ("trial", "lasting", "words"),
    [
        ({}, {"brake A"}, "new trouble codes: brake A"),
        ({"codes_before": ("brake A",)}, {"brake A"}, ""),
        ({"faults": 1}, set(), "stop the car"),
        ({"disengagements": 1}, set(), ""),
        ({"disengagements": 2}, set(), "gave up 2 times"),
    ],
)
def test_each_fault_has_its_words(trial: dict[str, object], lasting: set[str], words: str) -> None:
    found = fault_of(Open(offer=offer(), **trial), frozenset(lasting), TUNING)  # type: ignore[arg-type]
    assert words in found
    assert bool(found) == bool(words)


def test_a_trial_is_over_when_driven_or_at_its_last_boot() -> None:
    assert not has_passed(Open(offer=offer(), driven_s=299.0), TUNING)
    assert has_passed(Open(offer=offer(), driven_s=300.0), TUNING)
    assert has_passed(Open(offer=offer(), boots=1), TUNING)
