"""One car and its campaign."""

import pytest

from tests.cloud.campaigns.fleet import Fleet, plan_of
from volant.cloud.campaigns import (
    Answer,
    CarState,
    Phase,
    Said,
    Wave,
    Window,
    pause,
    retry,
    stop,
)
from volant.cloud.campaigns.cars import why_not_told
from volant.core.errors import RefusedError

CAR = "car-0-0"


def test_a_car_that_asks_twice_is_told_once_and_answered_twice() -> None:
    fleet = Fleet(plan_of(), (4,))
    assert fleet.ask(CAR) is fleet.ask(CAR) is Answer.UPDATE
    assert fleet.campaign.told == 1


def test_a_car_runs_it_is_watched_and_proves_well() -> None:
    fleet = Fleet(plan_of(), (1,))
    fleet.ask(CAR)
    fleet.say(CAR, Said.BUSY)
    fleet.say(CAR, Said.INSTALLED)
    assert fleet.tasks[CAR].state is CarState.WATCHED
    assert fleet.campaign.in_flight == 1
    fleet.later(fleet.plan.watch_s)
    assert fleet.tasks[CAR].state is CarState.WELL
    assert fleet.campaign.phase is Phase.FINISHED


def test_never_more_cars_than_its_concurrency_are_at_it() -> None:
    fleet = Fleet(plan_of(concurrency=2), (4,))
    answers = [fleet.ask(f"car-0-{place}") for place in range(4)]
    assert answers == [Answer.UPDATE, Answer.UPDATE, Answer.NOTHING, Answer.NOTHING]
    assert "at most 2" in why_not_told(fleet.campaign, fleet.tasks["car-0-2"], fleet.now_s)


def test_it_stops_itself_calls_back_and_goes_on_after_a_second_person() -> None:
    fleet = Fleet(plan_of(), (6,))
    for place in range(3):
        fleet.ask(f"car-0-{place}")
    fleet.say("car-0-0", Said.FAILED, reason="no space")
    fleet.say("car-0-1", Said.FAILED)
    assert fleet.campaign.phase is Phase.HALTED
    assert "2 of 6 cars in error, limit 2" in fleet.campaign.reason
    assert fleet.ask("car-0-2") is Answer.CALL_BACK
    assert fleet.ask("car-0-3") is Answer.NOTHING
    fleet.say("car-0-2", Said.CANCELED)
    fleet.go_on()
    assert fleet.campaign.phase is Phase.RUNNING
    assert fleet.ask("car-0-2") is Answer.UPDATE
    assert fleet.tasks["car-0-2"].attempt == 2


def test_a_silent_car_is_lost_which_is_an_error_and_found_again() -> None:
    fleet = Fleet(plan_of(), (4,))
    fleet.ask(CAR)
    fleet.later(fleet.plan.patience_s)
    assert fleet.tasks[CAR].state is CarState.LOST
    assert fleet.campaign.errors == 1
    assert fleet.ask(CAR) is Answer.UPDATE
    assert fleet.tasks[CAR].attempt == 1
    assert fleet.campaign.told == 1
    assert fleet.campaign.errors == 0


def test_what_a_lost_car_says_late_counts() -> None:
    fleet = Fleet(plan_of(), (4,))
    fleet.ask(CAR)
    fleet.later(fleet.plan.patience_s)
    fleet.say(CAR, Said.INSTALLED)
    assert fleet.tasks[CAR].state is CarState.WATCHED


def test_a_car_tries_again_and_its_old_try_is_stale() -> None:
    fleet = Fleet(plan_of(tries=2), (4,))
    fleet.ask(CAR)
    fleet.say(CAR, Said.FAILED)
    assert fleet.tasks[CAR].state is CarState.AGAIN
    assert fleet.campaign.errors == 1
    assert fleet.ask(CAR) is Answer.UPDATE
    assert fleet.say(CAR, Said.INSTALLED, attempt=1).stale
    fleet.say(CAR, Said.FAILED)
    assert fleet.tasks[CAR].state is CarState.FAILED


def test_a_lost_report_is_made_good_by_the_manifest() -> None:
    fleet = Fleet(plan_of(), (4,))
    fleet.ask(CAR)
    assert fleet.ask(CAR, runs=True) is Answer.NOTHING
    assert fleet.tasks[CAR].state is CarState.WATCHED
    fleet.ask(CAR, left=True)
    assert fleet.tasks[CAR].state is CarState.FAILED


def test_a_car_that_has_it_or_cannot_have_it_is_not_told() -> None:
    fleet = Fleet(plan_of(), (3,))
    assert fleet.ask(CAR, runs=True) is Answer.NOTHING
    assert fleet.ask("car-0-1", unable="other brakes") is Answer.NOTHING
    assert [one.state for one in fleet.tasks.values()][:2] == [CarState.HAS, CarState.REFUSED]
    assert fleet.tasks["car-0-1"].reason == "other brakes"
    assert fleet.campaign.told == 0


def test_a_boot_loop_makes_a_car_an_error_even_before_it_says_that_it_installed() -> None:
    fleet = Fleet(plan_of(), (3,))
    fleet.ask(CAR)
    fleet.health(CAR, events={"boot_loop": 1})
    fleet.say(CAR, Said.INSTALLED)
    assert fleet.tasks[CAR].state is CarState.UNWELL
    assert fleet.tasks[CAR].reason == "boot_loop 1"


def test_a_car_that_lets_go_uncalled_is_not_told_for_ever() -> None:
    fleet = Fleet(plan_of(), (3,))
    fleet.ask(CAR)
    fleet.say(CAR, Said.CANCELED)
    assert fleet.tasks[CAR].state is CarState.REFUSED
    assert fleet.ask(CAR) is Answer.NOTHING


def test_windows_and_times_are_kept() -> None:
    window = Window(days=(0,), begins_min=120, length_min=60)
    fleet = Fleet(plan_of(windows=(window,)), (3,))
    assert fleet.ask(CAR) is Answer.NOTHING
    fleet.later(window.wait_s(fleet.now_s))
    assert fleet.ask(CAR) is Answer.UPDATE
    begins = Fleet(plan_of(begins_s=fleet.now_s + 10), (3,), now_s=fleet.now_s)
    assert begins.ask(CAR) is Answer.NOTHING
    begins.later(10.0)
    assert begins.ask(CAR) is Answer.UPDATE


def test_a_wave_opens_when_the_one_before_is_good_and_has_rested() -> None:
    waves = (
        Wave(name="canaries", count=2, errors_stop=1, success_share=0.5, rest_s=100.0),
        Wave(name="all", errors_share=0.5, then_pause=True),
    )
    fleet = Fleet(plan_of(waves=waves, watch_s=0.0), (2, 2))
    assert fleet.ask("car-1-0") is Answer.NOTHING
    fleet.ask(CAR)
    fleet.say(CAR, Said.INSTALLED)
    assert fleet.campaign.wave == 0
    fleet.later(100.0)
    assert fleet.campaign.wave == 1
    assert fleet.ask("car-1-0") is Answer.UPDATE


@pytest.mark.parametrize("why", ["denied", "unable", "failed"])
def test_a_wave_of_which_no_car_can_be_good_waits_for_a_person_who_opens_the_next(why: str) -> None:
    waves = (Wave(name="a", count=2, errors_stop=2), Wave(name="b", errors_stop=1))
    fleet = Fleet(plan_of(waves=waves), (2, 1))
    for car in (CAR, "car-0-1"):
        assert fleet.campaign.phase is Phase.RUNNING
        if fleet.ask(car, unable="other brakes" if why == "unable" else "") is Answer.UPDATE:
            failed = why == "failed" and car == CAR
            fleet.say(car, Said.FAILED if failed else Said.REFUSED)
    assert (fleet.campaign.phase, fleet.campaign.wave) == (Phase.PAUSED, 0)
    counts = "1 refused, 1 failed" if why == "failed" else "2 refused"
    assert (
        f"wave a: no car is good, and none is left that could be ({counts})"
        in fleet.campaign.reason
    )
    assert fleet.ask("car-1-0") is Answer.NOTHING
    fleet.later(1e6)
    assert fleet.campaign.wave == 0
    fleet.resume()
    assert (fleet.campaign.phase, fleet.campaign.wave) == (Phase.RUNNING, 1)
    assert fleet.ask("car-1-0") is Answer.UPDATE


def test_who_resumes_a_pause_of_their_own_does_not_open_a_wave_without_proof() -> None:
    waves = (Wave(name="a", count=1, errors_stop=1), Wave(name="b", errors_stop=1))
    fleet = Fleet(plan_of(waves=waves), (1, 1))
    fleet.ask(CAR)
    fleet.campaign = pause(fleet.campaign, "ann")
    fleet.say(CAR, Said.REFUSED)
    fleet.resume()
    assert (fleet.campaign.phase, fleet.campaign.wave) == (Phase.PAUSED, 0)
    fleet.keep(retry(fleet.campaign, fleet.tasks[CAR], fleet.now_s))
    fleet.resume()
    assert (fleet.campaign.phase, fleet.campaign.wave) == (Phase.RUNNING, 0)
    assert fleet.ask(CAR) is Answer.UPDATE, "a car that may be good again is waited for"


def test_a_wave_that_cannot_have_as_many_good_cars_as_it_must_waits_for_a_person() -> None:
    waves = (Wave(name="a", count=2, errors_stop=2), Wave(name="b", errors_stop=1))
    fleet = Fleet(plan_of(waves=waves, watch_s=0.0), (2, 1))
    for car, said in ((CAR, Said.INSTALLED), ("car-0-1", Said.FAILED)):
        assert fleet.campaign.phase is Phase.RUNNING
        fleet.ask(car)
        fleet.say(car, said)
    assert (fleet.campaign.phase, fleet.campaign.wave) == (Phase.PAUSED, 0)
    assert "wave a: 1 of 2 cars that must be good are, and none is left" in fleet.campaign.reason
    fleet.campaign = pause(fleet.campaign, "bob", "let me look")
    fleet.resume()
    assert (fleet.campaign.phase, fleet.campaign.wave) == (Phase.PAUSED, 0), "nobody has seen why"
    fleet.resume()
    assert (fleet.campaign.phase, fleet.campaign.wave) == (Phase.RUNNING, 1)


def test_one_good_car_of_those_that_can_have_it_opens_the_next_wave() -> None:
    waves = (Wave(name="a", count=3, errors_stop=1), Wave(name="b", errors_stop=1))
    fleet = Fleet(plan_of(waves=waves, watch_s=0.0), (3, 1))
    for place in range(2):
        fleet.ask(f"car-0-{place}", unable="other brakes")
    assert fleet.campaign.wave == 0
    fleet.ask("car-0-2")
    fleet.say("car-0-2", Said.INSTALLED)
    assert (fleet.campaign.phase, fleet.campaign.wave) == (Phase.RUNNING, 1)


@pytest.mark.parametrize("sizes", [(0, 5, 5), (5, 0, 5), (0, 0, 5)])
def test_a_wave_without_a_car_before_others_is_not_started(sizes: tuple[int, ...]) -> None:
    waves = tuple(Wave(name=one, group=one, errors_stop=1) for one in ("staff", "friends"))
    rest = Wave(name="all", errors_stop=1)
    with pytest.raises(RefusedError, match=r"wave (staff|friends) has no car.* none of group"):
        Fleet(plan_of(waves=(*waves, rest)), sizes)
    Fleet(plan_of(waves=(*waves, rest)), (5, 0, 0))


def denied(fleet: Fleet, car: str) -> None:
    fleet.ask(car)
    fleet.say(car, Said.REFUSED)


def test_a_yes_after_a_no_waits_for_a_place_like_any_other_and_goes_on_with_the_same_try() -> None:
    fleet = Fleet(plan_of(concurrency=1, watch_s=0.0), (4,))
    cars = list(fleet.tasks)
    for car in cars:
        denied(fleet, car)
    assert fleet.campaign.phase is Phase.FINISHED
    fleet = Fleet(plan_of(concurrency=1, watch_s=0.0), (5,))
    for car in cars:
        denied(fleet, car)
    answers = [fleet.say(car, Said.AGREED).answer for car in cars]
    assert answers == [Answer.UPDATE, *[Answer.NOTHING] * 3]
    states = [fleet.tasks[car].state for car in cars]
    assert states == [CarState.BUSY, *[CarState.WAITING] * 3]
    assert fleet.campaign.in_flight == 1
    assert fleet.ask(cars[1], agreed=True) is Answer.NOTHING
    fleet.say(cars[0], Said.INSTALLED)
    assert fleet.ask(cars[1], agreed=True) is Answer.UPDATE
    assert (fleet.tasks[cars[1]].attempt, fleet.campaign.told, fleet.campaign.late) == (1, 4, 0)


def test_a_yes_after_the_end_or_a_stop_is_called_back() -> None:
    stopped = Fleet(plan_of(), (2,))
    denied(stopped, CAR)
    stopped.campaign = stop(stopped.campaign, "ann")
    ended = Fleet(plan_of(), (1,))
    denied(ended, CAR)
    assert ended.campaign.phase is Phase.FINISHED
    for fleet in (stopped, ended):
        assert fleet.say(CAR, Said.AGREED).answer is Answer.CALL_BACK
        assert fleet.tasks[CAR].state is CarState.REFUSED
        assert fleet.ask(CAR, agreed=True) is Answer.NOTHING


def test_a_lost_car_of_a_campaign_that_is_over_is_called_back_and_late_if_it_ran_it() -> None:
    for watch_s in (0.0, 60.0):
        fleet = Fleet(plan_of(watch_s=watch_s), (1,))
        fleet.ask(CAR)
        fleet.later(fleet.plan.patience_s)
        assert fleet.campaign.phase is Phase.FINISHED
        assert fleet.ask(CAR) is Answer.CALL_BACK
        fleet.say(CAR, Said.INSTALLED)
        assert fleet.tasks[CAR].state in {CarState.WATCHED, CarState.WELL}
        assert fleet.campaign.late == 1


def test_a_lost_car_that_comes_back_when_others_have_its_place_is_called_back_and_told_anew() -> (
    None
):
    fleet = Fleet(plan_of(concurrency=1), (4,))
    fleet.ask(CAR)
    fleet.later(fleet.plan.patience_s)
    fleet.ask("car-0-1")
    assert fleet.ask(CAR) is Answer.CALL_BACK
    assert fleet.campaign.in_flight == 1
    fleet.say(CAR, Said.CANCELED, called_back=True)
    assert fleet.tasks[CAR].state is CarState.CANCELED
    assert fleet.ask(CAR) is Answer.NOTHING
    fleet.say("car-0-1", Said.INSTALLED)
    fleet.later(fleet.plan.watch_s)
    assert fleet.ask(CAR) is Answer.UPDATE
    assert fleet.tasks[CAR].attempt == 2


def test_a_car_that_was_let_go_of_and_is_well_all_the_same_is_late() -> None:
    fleet = Fleet(plan_of(watch_s=0.0), (2,))
    denied(fleet, CAR)
    fleet.say(CAR, Said.INSTALLED)
    assert (fleet.tasks[CAR].state, fleet.campaign.late) == (CarState.WELL, 1)


def test_a_pause_between_waves_waits_for_a_person() -> None:
    waves = (Wave(name="a", count=1, errors_stop=1, then_pause=True), Wave(name="b", errors_stop=1))
    fleet = Fleet(plan_of(waves=waves, watch_s=0.0), (1, 1))
    fleet.ask(CAR)
    fleet.say(CAR, Said.INSTALLED)
    assert fleet.campaign.phase is Phase.PAUSED
    assert fleet.ask("car-1-0") is Answer.NOTHING


def test_a_campaign_of_which_nobody_asks_does_not_finish_by_itself() -> None:
    fleet = Fleet(plan_of(), (3,))
    fleet.later(1e9)
    assert fleet.campaign.phase is Phase.RUNNING
    ended = Fleet(plan_of(ends_s=fleet.now_s + 10), (3,), now_s=fleet.now_s)
    ended.later(10.0)
    assert ended.campaign.phase is Phase.FINISHED
    assert "3 cars were not reached" in ended.campaign.reason


def test_a_person_lets_a_car_try_again() -> None:
    fleet = Fleet(plan_of(), (3,))
    fleet.ask(CAR)
    with pytest.raises(RefusedError, match="only failed cars"):
        retry(fleet.campaign, fleet.tasks[CAR], fleet.now_s)
    fleet.say(CAR, Said.FAILED)
    fleet.keep(retry(fleet.campaign, fleet.tasks[CAR], fleet.now_s))
    assert fleet.ask(CAR) is Answer.UPDATE
    assert fleet.tasks[CAR].attempt == 2
    fleet.campaign = stop(fleet.campaign, "ann")
    assert fleet.ask(CAR) is Answer.CALL_BACK
    with pytest.raises(RefusedError, match="make another"):
        retry(fleet.campaign, fleet.tasks[CAR], fleet.now_s)


def test_a_car_that_waits_makes_room_after_a_while_and_may_try_again() -> None:
    fleet = Fleet(plan_of(waves=(Wave(name="all", errors_stop=1),), concurrency=1), (2,))
    other = "car-0-1"
    fleet.ask(CAR)
    for _ in range(4):
        fleet.say(CAR, Said.WAITING, reason="no room")
        assert fleet.tasks[CAR].state is CarState.BUSY
        assert fleet.ask(other) is Answer.NOTHING
        fleet.later(fleet.plan.patience_s / 4)
    fleet.say(CAR, Said.WAITING, reason="still no room")
    task = fleet.tasks[CAR]
    assert (task.state, task.reason, task.due_s) == (CarState.REFUSED, "still no room", None)
    assert task.waits_until_s is None
    assert fleet.campaign.phase is Phase.RUNNING, "no harm was done"
    assert fleet.ask(CAR) is Answer.NOTHING
    assert fleet.ask(other) is Answer.UPDATE
    fleet.say(other, Said.INSTALLED)
    fleet.later(fleet.plan.watch_s)
    assert fleet.campaign.phase is Phase.FINISHED

    again = Fleet(plan_of(), (2,))
    again.ask(CAR)
    again.say(CAR, Said.WAITING)
    again.later(again.plan.patience_s - 1.0)
    again.say(CAR, Said.WAITING)
    again.later(1.0)
    again.say(CAR, Said.WAITING)
    again.keep(retry(again.campaign, again.tasks[CAR], again.now_s))
    assert again.ask(CAR) is Answer.UPDATE
    again.say(CAR, Said.WAITING)
    assert again.tasks[CAR].state is CarState.BUSY, "another try has patience of its own"


def test_a_car_that_waits_and_then_is_silent_is_lost_all_the_same() -> None:
    fleet = Fleet(plan_of(), (3,))
    fleet.ask(CAR)
    fleet.say(CAR, Said.WAITING, reason="no room")
    fleet.later(fleet.plan.patience_s)
    assert fleet.tasks[CAR].state is CarState.LOST
    fleet.say(CAR, Said.WAITING, reason="no room")
    assert fleet.tasks[CAR].state is CarState.LOST, "it is told first, and then may wait again"
    fleet.ask(CAR)
    fleet.say(CAR, Said.WAITING, reason="no room")
    assert fleet.tasks[CAR].state is CarState.BUSY


def test_a_car_that_was_let_go_of_and_installs_it_all_the_same_is_watched_and_counted() -> None:
    fleet = Fleet(plan_of(), (3,))
    fleet.ask(CAR)
    fleet.say(CAR, Said.WAITING, reason="nobody agrees")
    fleet.later(fleet.plan.patience_s - 1.0)
    fleet.say(CAR, Said.BUSY)
    fleet.later(1.0)
    fleet.say(CAR, Said.WAITING, reason="nobody agrees")
    assert fleet.tasks[CAR].state is CarState.REFUSED
    fleet.ask(CAR, runs=True)
    assert (fleet.tasks[CAR].state, fleet.tasks[CAR].reason) == (CarState.WATCHED, "")
    assert fleet.campaign.late == 1
