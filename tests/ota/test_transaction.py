"""All units run the new programs or all the old: what units do wrong, and what becomes of it."""

from dataclasses import replace

import pytest

from tests.ota.car import (
    IDS,
    PARKED,
    SINGLE,
    TUNING,
    UNITS,
    Car,
    Faults,
    Unit,
    driving,
    installed,
    offer,
)
from volant.core.errors import RefusedError
from volant.core.updates import UpdateEnd, UpdatePhase, UpdateWish
from volant.ota import Order, UnitNow
from volant.ota.deeds import perform
from volant.ota.events import Deed, Did, Do
from volant.ota.health import HealthTuning
from volant.ota.ports import Tell
from volant.ota.record import Decision, Offer, Open, UnitPlan
from volant.ota.transaction import (
    DEEDS_MOST,
    WAIT_MOST_NS,
    WAIT_NS,
    Failed,
    Known,
    Settled,
    in_order,
    learn,
    same,
    want,
)
from volant.trust.uptane import Installed

LONG = replace(TUNING, health=HealthTuning(settle_s=2.0, drive_s=20.0))


def made(**faults: Faults) -> Car:
    return Car(faults=faults).update()


def ended(car: Car, end: UpdateEnd, releases: list[int]) -> str:
    car.rest()
    assert car.releases == releases
    assert car.sound()
    assert [one.end for one in car.history] == [end]
    assert not car.locked
    return car.history[0].why


def on_trial(car: Car) -> bool:
    return car.state.phase is UpdatePhase.TRIAL and car.machine.has_settled


def test_all_units_come_to_the_new_programs_and_they_stay() -> None:
    assert ended(made(), UpdateEnd.INSTALLED, [2, 2, 2]) == ""


def test_units_of_one_slot_come_last_and_only_in_a_car_that_is_locked() -> None:
    car = made()
    car.until(lambda car: any(one.deed is Deed.STAGE for one in car.deeds))
    assert not car.locked
    car.until(lambda car: Do(SINGLE, Deed.STAGE, IDS[SINGLE, 2]) in car.deeds)
    assert car.locked
    staged = [one.unit for one in car.deeds if one.deed is Deed.STAGE]
    assert staged[-1] == SINGLE


@pytest.mark.parametrize(
    "faults",
    [
        Faults(silent=4),
        Faults(refuses={Deed.STAGE: 2}),
        Faults(idle={Deed.STAGE: 3}),
        Faults(deaf={Deed.STAGE: 2, Deed.ACTIVATE: 2, Deed.RESET: 1}),
        Faults(idle={Deed.CONFIRM: 9}, deaf={Deed.CONFIRM: 4}),
        Faults(refuses={Deed.CONFIRM: 7}),
    ],
)
def test_what_a_unit_does_wrong_for_a_while_holds_nothing_up_for_ever(faults: Faults) -> None:
    ended(made(brake=faults), UpdateEnd.INSTALLED, [2, 2, 2])


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    "faults",
    [
        Faults(silent=1000),
        Faults(refuses={Deed.STAGE: 30}),
        Faults(idle={Deed.STAGE: 30}),
    ],
)
def test_what_cannot_be_written_is_given_up_before_anything_is_switched(
    unit: str, faults: Faults
) -> None:
    faults = replace(faults, refuses=dict(faults.refuses), idle=dict(faults.idle))
    car = made(**{unit: faults})
    car.until(lambda car: car.record.open is None or car.record.open.decision is Decision.BACK)
    assert not any(one.deed is Deed.ACTIVATE for one in car.deeds)
    faults.refuses.clear()
    faults.idle.clear()
    car.rest()
    faults.silent = 0
    assert unit in ended(car, UpdateEnd.FAILED, [1, 1, 1])


@pytest.mark.parametrize("deed", [Deed.ACTIVATE, Deed.RESET])
@pytest.mark.parametrize("unit", UNITS)
def test_what_is_not_switched_takes_all_back(unit: str, deed: Deed) -> None:
    car = made(**{unit: Faults(idle={deed: 8})})
    if unit == SINGLE and deed is Deed.ACTIVATE:
        # One slot runs what it holds, activated or not.
        ended(car, UpdateEnd.INSTALLED, [2, 2, 2])
    else:
        assert unit in ended(car, UpdateEnd.FAILED, [1, 1, 1])


@pytest.mark.parametrize("unit", UNITS)
def test_a_program_that_hangs_is_given_up_by_its_unit_and_takes_all_back(unit: str) -> None:
    car = made(**{unit: Faults(hangs_with=2)})
    assert unit in ended(car, UpdateEnd.FAILED, [1, 1, 1])


def test_a_unit_that_falls_back_on_trial_takes_all_back() -> None:
    car = Car(tuning=LONG).update().until(on_trial)
    car.watched = False
    for _ in range(2):
        car.units["brake"].power_on()
    car.until(lambda car: car.locked, most_s=10.0)
    car.watched = True
    assert "brake" in ended(car, UpdateEnd.ROLLED_BACK, [1, 1, 1])


def test_a_unit_that_falls_back_once_it_is_decided_is_written_again() -> None:
    car = made()
    car.until(
        lambda car: car.record.open is not None and car.record.open.decision is Decision.FORWARD
    )
    for _ in range(2):
        car.units["brake"].power_on()
    assert car.releases == [2, 1, 2]
    assert car.locked
    ended(car, UpdateEnd.INSTALLED, [2, 2, 2])


def test_a_unit_of_one_slot_hears_that_its_way_back_ends() -> None:
    car = made().rest()
    assert Do(SINGLE, Deed.CONFIRM) in car.deeds
    car = made(**{SINGLE: Faults(refuses={Deed.CONFIRM: 99})})
    ended(car, UpdateEnd.INSTALLED, [2, 2, 2])


def test_a_unit_that_somebody_else_programmed_is_left_alone() -> None:
    car = Car()
    car.wish(UpdateWish.CHECK)
    car.until(lambda car: car.record.offer is not None)
    told = perform(
        car.units["body"], Do("body", Deed.STAGE, IDS["body", 3]), _order, lambda _: None
    )
    assert told.refused == ""
    car.units["body"].boot.activate({})
    car.units["body"].power_on()
    car.units["body"].boot.confirm()
    car.watched = False
    car.wish(UpdateWish.NOW)
    car.rest()
    assert car.releases == [3, 1, 1]
    assert car.history[0].end is UpdateEnd.FAILED
    assert "another program" in car.history[0].why


def _order(unit: str, what: Installed) -> object:
    from tests.ota.car import order_of

    return order_of(unit, what)


def test_a_car_that_is_driven_off_is_not_written_and_goes_on_later() -> None:
    car = made()
    car.until(lambda car: len(car.deeds) > 3)
    assert not car.locked
    car.facts = driving()
    count = len(car.deeds)
    for _ in range(40):
        car.turn()
    assert len(car.deeds) <= count + 1
    assert "the car moves" in car.state.reasons
    car.facts = PARKED
    ended(car, UpdateEnd.INSTALLED, [2, 2, 2])


def staged() -> Car:
    """All is written beside what runs, and nothing is switched."""
    car = Car(units=("body", "brake")).update()
    return car.until(lambda car: sum(one.deed is Deed.STAGE for one in car.deeds) == 2)


def test_conditions_are_asked_again_right_before_units_are_switched() -> None:
    car = staged()
    car.facts = replace(PARKED, charge_pct=5.0)
    for _ in range(40):
        car.turn()
    assert (car.state.phase, car.state.reasons) == (
        *(UpdatePhase.INSTALLING, ("the battery is below 20 %",)),
    )
    assert car.releases == [1, 1]
    assert not car.locked
    car.facts = PARKED
    ended(car, UpdateEnd.INSTALLED, [2, 2])


def test_units_are_switched_only_once_the_car_was_seen_to_be_held() -> None:
    car = staged().until(lambda car: car.locked)
    told_s = car.now_s
    car.until(lambda car: any(one.deed is Deed.ACTIVATE for one in car.deeds))
    assert car.now_s - told_s >= TUNING.hold_s
    car = staged().until(lambda car: car.locked)
    car.facts = driving()  # it was switched on in the moment in which it was locked
    for _ in range(20):
        car.turn()
    assert car.record.open is not None
    assert car.record.open.decision is Decision.STAGE
    car.facts = PARKED
    ended(car, UpdateEnd.INSTALLED, [2, 2])


def test_new_trouble_codes_take_all_back_and_old_ones_do_not() -> None:
    car = made()
    car.codes_with = {2: frozenset({"brake C0040"})}
    assert "brake C0040" in ended(car, UpdateEnd.ROLLED_BACK, [1, 1, 1])
    car = Car()
    car.codes_with = {1: frozenset({"brake C0040"}), 2: frozenset({"brake C0040"})}
    ended(car.update(), UpdateEnd.INSTALLED, [2, 2, 2])


@pytest.mark.parametrize(("kind", "most"), [("disengagements", 1), ("faults", 0)])
def test_a_pilot_that_gives_up_takes_all_back_once_the_car_stands(kind: str, most: int) -> None:
    car = Car(tuning=LONG).update().until(on_trial)
    assert not car.locked
    car.facts = driving()
    for count in range(most + 2):
        car.health = replace(car.health, driving=True, **{kind: count})
        car.turn()
    car.turn()
    assert car.state.phase is UpdatePhase.REVERTING
    assert car.releases == [2, 2, 2]
    assert "the car is switched on to drive" in car.state.reasons
    car.facts, car.health = PARKED, replace(car.health, driving=False)
    assert "pilot" in ended(car, UpdateEnd.ROLLED_BACK, [1, 1, 1])


def test_a_trial_ends_when_it_was_driven_and_the_car_stands_again() -> None:
    car = Car(tuning=LONG).update().until(on_trial)
    car.facts, car.health = driving(), replace(car.health, driving=True)
    for _ in range(30):
        car.turn(1.0)
    assert car.state.phase is UpdatePhase.TRIAL
    assert car.state.done == 1.0
    assert not car.locked
    car.facts, car.health = PARKED, replace(car.health, driving=False)
    ended(car, UpdateEnd.INSTALLED, [2, 2, 2])


def test_a_long_drive_on_trial_is_written_down_until_it_was_long_enough() -> None:
    car = Car(tuning=LONG).update().until(on_trial)
    car.facts, car.health = driving(), replace(car.health, driving=True)
    for _ in range(30):
        car.turn(1.0)
    enough = car.record
    assert enough.open is not None
    assert enough.open.driven_s >= 20.0
    for _ in range(30):
        car.turn(1.0)
    assert car.record == enough


def test_a_trial_is_decided_at_the_second_boot_before_units_fall_back_by_themselves() -> None:
    car = Car(tuning=LONG).update().until(on_trial)
    car.start()
    assert car.locked
    ended(car, UpdateEnd.INSTALLED, [2, 2, 2])


def test_a_process_that_only_starts_again_does_not_end_a_trial() -> None:
    car = Car(tuning=LONG).update().until(on_trial)
    car.start(booted=False)
    assert car.locked
    car.until(on_trial)
    for _ in range(40):
        car.turn(1.0)
    assert car.state.phase is UpdatePhase.TRIAL
    assert not car.locked


def test_a_process_that_starts_again_and_again_gives_up() -> None:
    car = made()
    for _ in range(30):
        car.turn(0.05)
        if car.record.open is None:
            break
        car.start(booted=False)
    assert ended(car, UpdateEnd.FAILED, [1, 1, 1]).startswith("it was begun")


def test_a_person_may_want_the_old_programs_back_while_they_are_on_trial() -> None:
    car = Car(tuning=LONG).update().until(on_trial)
    assert car.state.can == (UpdateWish.ROLLBACK,)
    car.wish(UpdateWish.ROLLBACK)
    assert "person" in ended(car, UpdateEnd.ROLLED_BACK, [1, 1, 1])
    assert car.record.failed == (offer().programs,)


# --- the rules by themselves -----------------------------------------------------------------------


def test_programs_are_the_same_by_length_and_every_hash_that_both_tell() -> None:
    one = installed("brake", b"1")
    other = Installed(
        ecu_id="x",
        name="y",
        length=1,
        hashes={"sha256": one.hashes["sha256"].upper(), "sha512": "0"},
    )
    assert same(one, other)
    assert not same(one, replace_struct(other, length=2))
    assert not same(one, replace_struct(other, hashes={"sha512": "0"}))
    assert not same(one, None)
    assert same(None, None)


def replace_struct(one: Installed, **changes: object) -> Installed:
    import msgspec

    return msgspec.structs.replace(one, **changes)


def test_units_come_after_those_that_they_need_even_in_a_ring() -> None:
    def plan(unit: str, *needs: str, single: bool = False) -> UnitPlan:
        return UnitPlan(unit=unit, target=IDS["body", 2], before=None, needs=needs, single=single)

    plans = (
        plan("a", "b"),
        plan("b", "c", "elsewhere"),
        plan("c", single=True),
        plan("d", "e"),
        plan("e", "d"),
    )
    assert [one.unit for one in in_order(Offer(name="x", units=plans))] == ["c", "b", "a", "d", "e"]


def test_what_fails_is_waited_for_longer_and_longer_up_to_a_bound() -> None:
    known, now_ns = Known(), 0
    waits = []
    for serial in range(12):
        told = Did(Do("a", Deed.LOOK), None, silent="no answer")
        known = learn(known, told, serial, now_ns)
        waits.append(known.wait_ns - now_ns)
        now_ns = known.wait_ns
    assert waits[:3] == [WAIT_NS * 2, WAIT_NS * 4, WAIT_NS * 8]
    assert waits[-1] == WAIT_MOST_NS


def test_deeds_that_change_nothing_are_slowed_once_there_is_no_way_back() -> None:
    known = Known()
    now = UnitNow(runs=IDS["body", 1], version="1.0")
    for serial in range(DEEDS_MOST):
        known = learn(known, Did(Do("body", Deed.STAGE, IDS["body", 2]), now), serial, 0)
    assert known.wait_ns == 0
    assert learn(known, Did(Do("body", Deed.STAGE), now), 99, 0).wait_ns > 0


def test_a_new_app_has_nothing_before_and_goes_back_to_that() -> None:
    target = IDS["body", 2]
    plan = UnitPlan(unit="app.trip", target=target, before=None)
    open_ = Open(
        offer=Offer(name="x", units=(plan,)), decision=Decision.BACK, looked=True, switched=True
    )
    runs = UnitNow(runs=target, version="2.0", on_trial=True)
    found = want(open_, {"app.trip": Known(now=runs, serial=1)}, 1, 0, 0)
    assert found == Do("app.trip", Deed.GO_BACK)
    gone = UnitNow(runs=None, version="")
    known = {"app.trip": Known(now=gone, serial=2, was_reset=True)}
    assert want(open_, known, 1, 0, 0) == Settled()


def test_a_unit_on_trial_before_the_update_is_a_reason_not_to_begin() -> None:
    plan = offer().units[0]
    open_ = Open(offer=Offer(name="x", units=(plan,)))
    unit = UnitNow(runs=plan.before, version="1.0", on_trial=True)
    found = want(open_, {"body": Known(now=unit, serial=1)}, 1, 0, 0)
    assert isinstance(found, Failed)


def test_a_unit_of_one_slot_that_was_erased_and_then_refuses_gets_its_old_program_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What `Open.overwritten` is for: its bootloader waits alone, and staging is not over."""
    old, left = Unit._stage, [3]

    def stage(unit: Unit, order: Order, tell: Tell) -> None:
        if unit.name == SINGLE and order.target == IDS[SINGLE, 2] and left[0]:
            left[0] -= 1
            unit._erase()
            unit.boot.running = None
            raise RefusedError("no")
        old(unit, order, tell)

    monkeypatch.setattr(Unit, "_stage", stage)
    car = made()
    car.rest()
    assert left == [0]
    assert car.history[-1].end is UpdateEnd.FAILED
    assert car.releases == [1, 1, 1]
    assert car.sound()
