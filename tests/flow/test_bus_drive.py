"""`volant drive --bus` beside the direct drive: the whole trip through frames and units."""

import bisect
import json
import math
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from pathlib import Path

import pytest

from tests.flow.test_drive import wish
from volant.app.canbus import load_network
from volant.app.compose import Network, plan_trip
from volant.app.drive import Driven, DriveWish, drive_command, drive_trip
from volant.app.exits import Exit
from volant.app.trip import TripWish
from volant.caros.codes import Codes, present_codes
from volant.core.messages import EgoTruth, Message
from volant.core.topics import Topic
from volant.vehicle.network import Media
from volant.vehicle.network.medium import Medium

APART_M = 0.1


def drive(
    trip_wish: TripWish, network: Network | None = None
) -> tuple[Driven, list[tuple[str, int, Message]]]:
    published: list[tuple[str, int, Message]] = []

    def write(topic: Topic, stamp_ns: int, message: Message) -> None:
        published.append((topic.name, stamp_ns, message))

    return drive_trip(plan_trip(trip_wish), write=write, network=network), published


def path(published: list[tuple[str, int, Message]]) -> list[tuple[float, float, float]]:
    """Places with the way driven so far."""
    found: list[tuple[float, float, float]] = []
    way_m = 0.0
    for _, _, message in published:
        if isinstance(message, EgoTruth):
            if found:
                way_m += math.hypot(message.x_m - found[-1][1], message.y_m - found[-1][2])
            found.append((way_m, message.x_m, message.y_m))
    return found


def apart_m(
    one: list[tuple[float, float, float]], other: list[tuple[float, float, float]]
) -> float:
    """Largest distance of a path's places from the other path, looked for near the same way."""
    ways = [way for way, _, _ in other]
    worst = 0.0
    for way_m, x_m, y_m in one[:: max(1, len(one) // 2000)]:
        low, high = bisect.bisect(ways, way_m - 2.0), bisect.bisect(ways, way_m + 2.0)
        near = other[max(0, low - 1) : high + 1]
        worst = max(worst, min(_to_segment_m(x_m, y_m, a, b) for a, b in pairwise(near)))
    return worst


def _to_segment_m(
    x_m: float, y_m: float, a: tuple[float, float, float], b: tuple[float, float, float]
) -> float:
    dx, dy = b[1] - a[1], b[2] - a[2]
    length = dx * dx + dy * dy
    share = 0.0 if length == 0.0 else ((x_m - a[1]) * dx + (y_m - a[2]) * dy) / length
    share = min(max(share, 0.0), 1.0)
    return math.hypot(x_m - a[1] - share * dx, y_m - a[2] - share * dy)


def test_without_traffic_the_path_is_that_of_the_direct_drive() -> None:
    over_bus, ours = drive(wish("volant-world", seed=1, cars=0, distance_m=600.0, bus="inline"))
    direct, theirs = drive(wish("volant-world", seed=1, cars=0, distance_m=600.0))
    assert over_bus.arrived
    assert direct.arrived
    assert apart_m(path(ours), path(theirs)) < APART_M
    assert over_bus.duration_s == pytest.approx(direct.duration_s, abs=0.5)


def test_in_traffic_it_arrives_untouched_and_without_trouble_codes() -> None:
    codes: list[int] = []
    network = Network(load_network(), Media(), lambda code, *_: codes.append(code))
    driven, _ = drive(wish("volant-world", bus="inline"), network)
    assert driven.arrived
    assert driven.summary.contacts == 0
    assert driven.summary.interventions == 0, driven.summary.intervention_list
    assert codes == []


def test_codes_of_the_buses_are_told_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The radar of the front falls silent on the bus: told at the end, and there for testers."""
    radar = load_network().databases["adas"].message("RDF_Status").can_id

    def deaf(_words: str, buses: tuple[str, ...]) -> AbstractContextManager[Media]:
        media = Media()
        media.buses.update({name: Medium() for name in buses})
        media.buses["adas"].tamper = lambda frame: () if frame.can_id == radar else (frame,)
        return nullcontext(media)

    monkeypatch.setattr("volant.app.canbus.open_ports", deaf)
    trip = wish("volant-world", cars=0, distance_m=60.0, bus="inline")
    for _ in range(2):
        status = drive_command(
            DriveWish(trip, headless=True, as_json=True, state=tmp_path / "state")
        )
        assert status is Exit.DONE
        (code,) = json.loads(capsys.readouterr().out)["trouble_codes"]
        assert (code["code"], code["unit"], code["name"]) == (
            "U0235-87",
            "pilot",
            "radar_front_lost",
        )
        assert (code["status"], code["occurrences"]) == ("active", 1)
        assert code["first"]["drives_ago"] == 0
        assert code["first"] == code["latest"]
    kept = Codes(tmp_path / "state")
    assert kept.confirmed() == "pilot:radar_front_lost"
    (stored,) = present_codes(kept.memories)
    assert stored.first is not None
    assert stored.first.drives_ago == 1


def test_the_same_seed_gives_the_same_messages() -> None:
    trip_wish = wish("volant-world", cars=5, distance_m=120.0, bus="inline")
    assert drive(trip_wish)[1] == drive(trip_wish)[1]


def test_python_can_in_the_process_drives_the_same() -> None:
    from volant.app.canbus import open_ports

    mapping = load_network()
    trip_wish = wish("volant-world", cars=0, distance_m=60.0, bus="inline")
    with open_ports("virtual", tuple(mapping.table.buses)) as ports:
        _, over_can = drive(trip_wish, Network(mapping, ports))
    assert over_can == drive(trip_wish)[1]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_the_default_trip_arrives_untouched_over_the_bus() -> None:
    whole = wish("volant-world", seed=1, cars=None, distance_m=None, bus="inline")
    driven, _ = drive(whole)
    assert driven.arrived
    assert driven.summary.contacts == 0


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_without_traffic_the_whole_path_is_that_of_the_direct_drive() -> None:
    whole = wish("volant-world", seed=1, cars=0, distance_m=None)
    over_bus, ours = drive(wish("volant-world", seed=1, cars=0, distance_m=None, bus="inline"))
    _, theirs = drive(whole)
    assert over_bus.arrived
    assert apart_m(path(ours), path(theirs)) < APART_M
