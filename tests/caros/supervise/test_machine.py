"""The supervisor's decisions, by example and by random histories."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.caros.supervise.tables import row, table
from volant.caros.supervise import machine as m
from volant.caros.supervise.machine import Phase
from volant.caros.supervise.table import ProcessTable
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import PowerState

TREE = table(
    row("world"),
    row("vehicle", needs=["world"]),
    row("pilot", needs=["world", "vehicle"], heartbeat_s=0.5),
    row("screens", restarts=2, within_s=20.0),
    row("job", heartbeat_s=0.0, restart="failure", states=["parked", "driving"]),
)


@dataclass
class Car:
    """Plays the processes and checks what must always hold."""

    table: ProcessTable = TREE
    now_ns: int = 0
    alive: set[str] = field(default_factory=set)
    said: list[m.Say] = field(default_factory=list)
    started: list[tuple[int, str]] = field(default_factory=list)
    done: list[m.Action] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = m.begin(self.table, seed=7)

    def step(self, *events: m.Event) -> tuple[m.Action, ...]:
        ready_before = {
            name for name, one in self.state.ones.items() if one.phase is Phase.READY
        } - {event.name for event in events if isinstance(event, m.Exited)}
        ready_before |= {event.name for event in events if isinstance(event, m.Ready | m.Started)}
        self.alive -= {event.name for event in events if isinstance(event, m.Exited)}
        self.state, actions = m.step(self.state, events, self.now_ns)
        for action in actions:
            if isinstance(action, m.Start):
                assert action.name not in self.alive, "two copies of one process"
                assert set(self.table.row(action.name).needs) <= ready_before
                assert action.incarnation == self.state.ones[action.name].starts - 1
                self.alive.add(action.name)
                self.started.append((self.now_ns, action.name))
            elif isinstance(action, m.Say):
                self.said.append(action)
            else:
                assert action.name in self.alive
        self.done.extend(actions)
        assert {n for n, one in self.state.ones.items() if one.phase in m.RUNNING} == self.alive
        return actions

    def wait(self, span_s: float, *events: m.Event) -> tuple[m.Action, ...]:
        self.now_ns += nanoseconds(span_s)
        return self.step(*events)

    def boot(self) -> None:
        self.step()
        for _ in self.table.process:
            self.step(*(m.Started(name) for name in self.alive))
            self.step(*(m.Ready(name) for name in self.alive))
        assert self.state.all_ready


def test_each_starts_once_what_it_needs_is_ready() -> None:
    car = Car()
    car.step()
    assert [name for _, name in car.started] == ["world", "screens", "job"]
    car.wait(0.1, m.Ready("world"))
    assert car.started[-1][1] == "vehicle"
    car.wait(0.1, m.Ready("vehicle"))
    assert car.started[-1][1] == "pilot"


def test_a_dead_process_comes_back_and_costs_nobody_else() -> None:
    car = Car()
    car.boot()
    assert not any(isinstance(a, m.Start | m.Kill) for a in car.wait(0.1, m.Exited("world", 137)))
    assert car.said[-1] == m.Say("world", "died", "status 137")
    due_ns = m.next_ns(car.state, car.now_ns)
    assert due_ns is not None
    wait_s = (car.state.ones["world"].due_ns - car.now_ns) / NS_PER_S
    assert 0.2 <= wait_s <= 0.25
    assert car.wait(wait_s, *(m.Beat(name) for name in sorted(car.alive))) == (m.Start("world", 1),)
    assert car.state.ones["pilot"].phase is Phase.READY


def test_who_dies_too_often_is_quarantined_until_released() -> None:
    car = Car()
    car.boot()
    for _ in range(3):
        car.wait(1.0, m.Exited("screens", 1), *(m.Beat(n) for n in sorted(car.alive)))
        car.wait(1.0, *(m.Beat(n) for n in sorted(car.alive)))
    assert car.state.ones["screens"].phase is Phase.QUARANTINED
    assert car.said[-1].what == "quarantined"
    assert m.Start("screens", 3) in car.step(m.Release("screens"))


def test_a_silent_process_is_killed_and_restarted() -> None:
    car = Car()
    car.boot()
    actions = car.wait(0.5, *(m.Beat(n) for n in car.alive if n != "pilot"))
    assert m.Kill("pilot") in actions
    assert m.Say("pilot", "hung", "silent for 0.5 s") in actions
    assert "pilot" in car.alive
    assert m.Kill("pilot") not in car.wait(1.0, *(m.Beat(n) for n in car.alive))


def lone(**changes: object) -> Car:
    car = Car(table(row("edge", heartbeat_s=1.0, **changes)))
    car.boot()
    return car


def test_an_edge_that_is_given_no_processor_is_waited_for() -> None:
    car, starved_ns = lone(), 0
    for _ in range(30):  # it got a tenth of the time
        starved_ns += nanoseconds(0.09)
        assert m.Kill("edge") not in car.wait(0.1, m.Starved("edge", starved_ns))
    assert m.doubted(car.state, car.now_ns) == ("edge",)
    car.step(m.Beat("edge"))
    assert m.doubted(car.state, car.now_ns) == ()
    assert m.Kill("edge") not in car.wait(0.9)
    assert m.Kill("edge") in car.wait(0.2)  # what it starved before it was heard excuses nothing


@given(st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(0.0, 1.0)), max_size=60))
def test_no_edge_is_waited_for_without_end_and_who_drives_not_at_all(
    turns: list[tuple[float, float]],
) -> None:
    car, driver, starved_s, passed_s = lone(), lone(**{"class": "driving"}), 0.0, 0.0
    for span_s, share in turns:
        starved_s, passed_s = starved_s + span_s * share, passed_s + span_s
        word = m.Starved("edge", nanoseconds(starved_s))
        for one in (car, driver):
            one.now_ns += nanoseconds(span_s)
            events = (word,) if one.state.ones["edge"].phase is Phase.READY else ()
            one.step(*events)
        drives = driver.state.ones["edge"].phase is Phase.READY
        waits = car.state.ones["edge"].phase is Phase.READY
        assert drives is (passed_s < 1.0)
        assert waits or passed_s >= 1.0
        assert not waits or passed_s < m.PATIENCE
        assert waits or passed_s - starved_s >= 1.0 or passed_s >= m.PATIENCE


def test_a_look_at_a_starved_edge_is_not_taken_all_the_time() -> None:
    car = lone()
    car.wait(1.0, m.Starved("edge", nanoseconds(0.5)))
    due_ns = m.next_ns(car.state, car.now_ns)
    assert due_ns is not None
    assert due_ns - car.now_ns >= m.AGAIN_NS


def test_one_that_never_gets_ready_is_killed() -> None:
    car = Car()
    car.step()
    assert m.Kill("world") in car.wait(10.0)


def test_all_are_stopped_in_reverse_and_killed_when_deaf() -> None:
    car = Car()
    car.boot()
    stopped = car.step(m.Stop())
    assert m.Terminate("pilot") in stopped
    assert m.Terminate("world") not in stopped
    assert car.wait(0.1, m.Exited("pilot", 0)) == (m.Terminate("vehicle"),)
    assert m.Kill("vehicle") in car.wait(2.0)
    assert m.Terminate("world") in car.wait(0.1, m.Exited("vehicle", 137))
    car.wait(0.1, *(m.Exited(name, 0) for name in sorted(car.alive)))
    assert car.state.all_gone
    assert m.next_ns(car.state, car.now_ns) is None


def test_a_power_state_stops_who_has_no_place_in_it_and_brings_it_back() -> None:
    car = Car()
    car.boot()
    assert m.Terminate("job") in car.step(m.Power(PowerState.READY))
    car.wait(0.1, m.Exited("job", 0), *(m.Beat(n) for n in sorted(car.alive)))
    assert car.state.ones["job"].phase is Phase.WAITING
    assert m.Start("job", 1) in car.step(m.Power(PowerState.PARKED))


def test_an_exit_of_zero_ends_a_job_that_restarts_on_failure() -> None:
    car = Car()
    car.boot()
    car.step(m.Exited("job", 0))
    assert car.state.ones["job"].phase is Phase.STOPPED


names = st.sampled_from([one.name for one in TREE.process])
happenings = st.one_of(
    st.builds(m.Exited, names, st.sampled_from([0, 1, 137])),
    st.builds(m.Ready, names),
    st.builds(m.Beat, names),
    st.builds(m.Started, names),
    st.builds(m.Power, st.sampled_from(["parked", "ready", "driving", "sleep"])),
    st.builds(m.Release, names),
)


@given(st.lists(st.tuples(st.floats(0.0, 12.0), st.lists(happenings, max_size=3)), max_size=40))
@settings(max_examples=60)
def test_whatever_happens_there_is_one_copy_and_all_end(
    history: list[tuple[float, list[m.Event]]],
) -> None:
    car = Car()
    for span_s, events in history:
        # The kernel tells of the end of those only that run.
        told = [
            event for event in events if not isinstance(event, m.Exited) or event.name in car.alive
        ]
        car.wait(span_s, *dict.fromkeys(told))
    car.step(m.Stop())
    for _ in range(40):
        killed = {a.name for a in car.done if isinstance(a, m.Kill)} & car.alive
        car.wait(5.0, *(m.Exited(name, 137) for name in sorted(killed)))
    assert car.state.all_gone
    assert all(one.phase in (Phase.STOPPED, Phase.QUARANTINED) for one in car.state.ones.values())


@given(st.lists(st.floats(0.0, 40.0), min_size=1, max_size=30))
@settings(max_examples=60)
def test_restarts_keep_to_backoff_and_intensity(lives_s: list[float]) -> None:
    one = row("edge", heartbeat_s=0.0, restarts=4, within_s=60.0, backoff_s=0.2, backoff_most_s=3.0)
    car = Car(table(one))
    car.step()
    deaths: list[int] = []
    for life_s in lives_s:
        car.wait(life_s, m.Started("edge"))
        car.step(m.Exited("edge", 1))
        deaths = [at for at in deaths if at > car.now_ns - nanoseconds(60.0)] + [car.now_ns]
        if len(deaths) > 4:
            assert car.state.ones["edge"].phase is Phase.QUARANTINED
            assert not any(isinstance(a, m.Start) for a in car.wait(1000.0))
            return
        wait_s = (car.state.ones["edge"].due_ns - car.now_ns) / NS_PER_S
        least_s = min(0.2 * 2 ** (len(deaths) - 1), 3.0)
        assert least_s - 1e-6 <= wait_s <= 1.25 * least_s + 1e-6
        assert not any(isinstance(a, m.Start) for a in car.wait(0.9 * wait_s))
        assert car.wait(0.1 * wait_s + 1e-6) == (m.Start("edge", len(car.started) - 1),)
