"""The suites beside basics: what they refuse, count and find."""

from pathlib import Path

import pytest

from volant.app import exam_aeb, exam_cut_in, exam_trips
from volant.app.exam_stage import Task, Wanted
from volant.core.errors import InputError
from volant.core.messages import LaneStrip, ObjectClass, Track
from volant.road import follow, graph_from_strips
from volant.sim.exam import CaseResult
from volant.sim.exam.emergency import limit, scene_of
from volant.sim.external import ExternalBody, ExternalEgo, ExternalView, drive_external
from volant.sim.reference import Manner, ReferenceDriver, ReferenceSettings


def test_without_the_tables_the_suite_aeb_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOLANT_DATA", str(tmp_path))
    exam_aeb._rows.cache_clear()
    with pytest.raises(InputError, match="VOLANT_DATA"):
        exam_aeb.names(0)
    exam_aeb._rows.cache_clear()


def test_a_standing_car_can_be_avoided_and_a_late_stop_ahead_cannot_always() -> None:
    standing = {"ego_kmh": 50, "overlap_pct": 100, "target_kmh": 0}
    assert limit(scene_of("CCRs", standing)).avoidable
    walks_out = {"ego_kmh": 60, "overlap_pct": 25, "vru_kmh": 5}
    out = limit(scene_of("CPNA-25", walks_out))
    assert out.avoidable == (out.impact_mps == 0.0)


def test_a_sample_of_the_grid_is_even_and_its_table_counts_it() -> None:
    names = exam_cut_in.names(44)
    assert len(set(names)) == 44
    wanted = Wanted("fsm", "perfect", 1)
    results = [exam_cut_in.run(Task("cut_in", name, wanted)) for name in names]
    table = exam_cut_in.table(results)
    assert table["crashes"] == sum(result.facts["crashed"] or 0 for result in results)
    assert table["crashes_where_cc_avoids"] <= table["crashes"]


def test_a_trip_has_the_same_ends_for_the_same_seed_and_others_for_another() -> None:
    first, again, other = (
        exam_trips.wish_of(Task("trips", "trip-0003", Wanted("pilot", "typical", seed)))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert (first.start, first.to) != (other.start, other.to)


def test_the_table_of_trips_tells_the_worst_comfort_and_the_bound_of_its_kilometres() -> None:
    def trip(name: str, lowest: float, jerk: float) -> CaseResult:
        facts: dict[str, float | None] = {
            "at_fault": 0.0,
            "arrived": 1.0,
            "distance_m": 5000.0,
            "accel_min_mps2": lowest,
            "jerk_p99_mps3": jerk,
            "lane_offset_max_m": None,
        }
        return CaseResult(
            name=name, kind="trip", passed=True, reasons=(), figures=None, wall_s=1.0, facts=facts
        )

    table = exam_trips.table([trip("a", -2.0, 1.5), trip("b", -3.0, 1.0)])
    assert (table["accel_min_mps2"], table["jerk_p99_mps3"]) == (-3.0, 1.5)
    assert "lane_offset_max_m" not in table
    assert table["contacts_per_1000_km_below_at_95_pct"] == pytest.approx(300.0)


class _Street:
    """A straight lane with a standing car, as somebody else's world."""

    def __init__(self) -> None:
        self.x_m, self.speed_mps, self.steps = 5.0, 12.0, 0
        self.body = ExternalBody(4.5, 1.8, 1.0, 0.2)
        stations = tuple(2.0 * k for k in range(200))
        self.route = LaneStrip(
            lane="1", x_m=stations, y_m=(0.0,) * 200, width_m=3.5, limit_mps=13.9
        )

    @property
    def over(self) -> bool:
        return self.steps > 600

    def observe(self) -> ExternalView:
        block = Track(
            track_id=1,
            object_class=ObjectClass.CAR,
            x_m=120.0,
            y_m=0.0,
            yaw_rad=0.0,
            speed_mps=0.0,
            accel_mps2=0.0,
            yaw_rate_rps=0.0,
            length_m=4.5,
            width_m=1.8,
            height_m=1.5,
            existence=1.0,
            age_s=5.0,
            unseen_s=0.0,
        )
        ego = ExternalEgo(self.x_m, 0.0, 0.0, self.speed_mps)
        stamp_ns = self.steps * 50_000_000
        return ExternalView(stamp_ns, ego, (self.route,), self.route, (block,))

    def act(self, accel_mps2: float, steer_rad: float) -> None:
        assert abs(steer_rad) < 0.01
        self.speed_mps = max(0.0, self.speed_mps + 0.05 * accel_mps2)
        self.x_m += 0.05 * self.speed_mps
        self.steps += 1


def test_a_driver_of_ours_stops_in_somebody_elses_world() -> None:
    world = _Street()

    def make(body: ExternalBody, view: ExternalView) -> ReferenceDriver:
        corridor = follow(graph_from_strips((view.route,)), 0, 0.0, 300.0)
        outline = (body.length_m, body.width_m, body.rear_overhang_m, body.max_curvature_per_m)
        return ReferenceDriver(ReferenceSettings(Manner.IDM, corridor, *outline))

    assert drive_external(world, make, 2.6).steps > 500
    gap_m = 120.0 - 2.25 - (world.x_m + 3.5)
    assert world.speed_mps < 0.2
    assert 0.5 < gap_m < 5.0
