"""The suites beside basics: what they refuse, count and find."""

import math
from pathlib import Path

import pytest

from volant.app import exam_aeb, exam_cut_in, exam_run, exam_trips
from volant.app.exam_report import write_report
from volant.app.exam_run import ExamWish
from volant.app.exam_stage import Task, Wanted
from volant.app.exam_suites import suite_named
from volant.core.errors import InputError
from volant.core.geometry import Box
from volant.core.messages import LaneStrip, ObjectClass, Track
from volant.road import follow, graph_from_strips
from volant.sim.exam import CaseResult
from volant.sim.exam.emergency import _closing_mps, limit, scene_of
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
    assert table["contacts_per_1000_km_below_at_95_pct"] == pytest.approx(100.0 * -math.log(0.05))


def test_the_targets_of_all_trips_stand_as_rows_and_each_is_met_or_not() -> None:
    facts: dict[str, float | None] = {
        "at_fault": 0.0, "arrived": 1.0, "distance_m": 5000.0, "interventions": 0.0,
        "needless": 0.0, "red_lights": 0.0, "solid_lines": 0.0, "stuck": 0.0,
        "accel_min_mps2": -3.0, "accel_max_mps2": 1.9, "jerk_p99_mps3": 2.0,
        "lateral_accel_p99_mps2": 1.9, "lane_offset_rms_m": 0.05, "lane_offset_max_m": 0.2,
    }  # fmt: skip

    def rows(**changed: float | None) -> dict[str, dict[str, float | None]]:
        trips = [
            CaseResult(
                name=str(k), kind="trip", passed=True, reasons=(), figures=None, wall_s=1.0,
                facts={**facts, **(changed if k == 0 else {})},
            )
            for k in range(100)
        ]  # fmt: skip
        return exam_trips.rows(trips)

    def missed(**changed: float | None) -> list[str]:
        return [name for name, row in rows(**changed).items() if not row["met"]]

    assert missed() == []
    assert len(rows()) == 13
    assert missed(interventions=2.0) == ["interventions_per_100_km"]
    assert missed(arrived=0.0) == []
    assert missed(arrived=-2.0) == ["arrived_pct"]  # as three that did not
    assert missed(at_fault=1.0) == ["contacts_at_fault"]
    assert missed(lane_offset_max_m=0.31, jerk_p99_mps3=2.6, accel_max_mps2=2.1) == [
        "accel_max_mps2", "jerk_p99_mps3", "lane_offset_max_m",
    ]  # fmt: skip
    assert rows()["jerk_p99_mps3"] == {"value": 2.0, "least": None, "most": 2.5, "met": 1.0}


def test_the_bound_is_told_after_a_fault_too_and_is_the_exact_one() -> None:
    assert exam_trips.most_events(0) == pytest.approx(-math.log(0.05))
    assert exam_trips.most_events(1) == pytest.approx(4.7439, abs=1e-3)
    assert exam_trips.most_events(10) == pytest.approx(16.962, abs=1e-2)


def _test(
    name: str, *, avoidable: bool, hit: bool, impact_mps: float, limit_mps: float = 0.0
) -> CaseResult:
    facts: dict[str, float | None] = {
        "avoidable": float(avoidable),
        "hit": float(hit),
        "impact_mps": impact_mps,
        "limit_mps": limit_mps,
        "at_fault": float(hit and avoidable),
    }
    return CaseResult(
        name=name,
        kind=name.split("-")[0],
        passed=not hit,
        reasons=(),
        figures=None,
        wall_s=1.0,
        facts=facts,
    )


BRAKED = (
    _test("CCRs-50kmh#0", avoidable=True, hit=False, impact_mps=0.0),
    _test("CCRs-80kmh#0", avoidable=True, hit=True, impact_mps=2.0),
    _test("CPNA-60kmh#0", avoidable=False, hit=True, impact_mps=5.0, limit_mps=6.0),
    _test("CPNA-60kmh#1", avoidable=False, hit=False, impact_mps=0.0, limit_mps=6.0),
    _test("CPNA-65kmh#0", avoidable=False, hit=True, impact_mps=8.0, limit_mps=7.5),
)


def test_emergency_braking_is_told_by_kind_beside_the_physical_limit() -> None:
    rows = exam_aeb.rows(BRAKED)
    assert list(rows) == ["CCRs", "CPNA", "all"]
    standing, walks = rows["CCRs"], rows["CPNA"]
    assert (standing["cases"], standing["avoidable"], standing["touched"]) == (2.0, 2.0, 1.0)
    assert standing["worst_impact_kmh"] == pytest.approx(7.2)
    assert (standing["not_avoidable"], standing["mean_limit_kmh"]) == (0.0, None)
    assert (walks["avoidable"], walks["touched"], walks["worst_impact_kmh"]) == (0.0, 0.0, None)
    assert walks["mean_impact_kmh"] == pytest.approx(3.6 * 13.0 / 3.0)
    assert walks["mean_limit_kmh"] == pytest.approx(3.6 * 6.5)
    assert walks["hardest_impact_kmh"] == pytest.approx(28.8)
    assert walks["hardest_limit_kmh"] == pytest.approx(27.0)
    assert walks["worst_over_limit_kmh"] == pytest.approx(1.8)
    assert rows["all"]["cases"] == 5.0
    assert {tuple(row) for row in rows.values()} == {tuple(standing)}
    assert exam_aeb.rows(()) == {}


def test_the_table_of_emergency_braking_counts_contacts_and_what_is_over_the_limit() -> None:
    table = exam_aeb.table(BRAKED)
    assert (table["avoidable"], table["avoidable_hit"], table["unavoidable"]) == (2.0, 1.0, 3.0)
    assert table["avoidable_hit_pct"] == 50.0
    assert table["worst_impact_kmh"] == pytest.approx(7.2)
    assert table["unavoidable_worst_over_limit_kmh"] == pytest.approx(1.8)
    below = exam_aeb.table(BRAKED[2:4])["unavoidable_worst_over_limit_kmh"]
    assert below == pytest.approx(-3.6)
    assert exam_aeb.table(())["avoidable_hit_pct"] == 0.0


def test_rows_stand_in_the_answer_the_text_and_the_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wish = ExamWish("aeb", driver="none")
    answer = exam_run.make_answer(suite_named("aeb"), wish, BRAKED, 1.0)
    assert answer.rows == exam_aeb.rows(BRAKED)
    exam_run._show(answer, BRAKED, as_json=False)
    said = capsys.readouterr().out
    row = next(line.split() for line in said.splitlines() if line.split()[:2] == ["CPNA", "3"])
    assert row == ["CPNA", "3", "0", "0", "-", "3", "15.6", "23.4", "28.8", "27", "1.8"]
    write_report(tmp_path / "aeb.html", answer, BRAKED, 1)
    assert "<td>CPNA<td>3<td>0<td>0<td>-<td>3<td>15.6" in (tmp_path / "aeb.html").read_text()
    plain = exam_run.make_answer(suite_named("basics"), wish, (), 1.0)
    assert plain.rows == {}


def test_the_speed_left_by_physics_is_that_with_which_the_centres_close() -> None:
    """As the world reckons a contact's, so that one can stand beside the other."""
    own = Box(0.0, 0.0, 0.0, 4.45, 1.82)
    assert _closing_mps(own, 10.0, Box(4.0, 0.0, 0.0, 4.0, 1.7), 4.0) == pytest.approx(6.0)
    walker = Box(3.0, -4.0, 0.5 * math.pi, 0.5, 0.6)
    assert _closing_mps(own, 10.0, walker, 1.0) == pytest.approx(0.6 * 10.0 + 0.8 * 1.0)
    assert _closing_mps(own, 0.0, Box(4.0, 0.0, 0.0, 4.0, 1.7), 4.0) == 0.0
    out = limit(scene_of("CPNA-25", {"ego_kmh": 60, "overlap_pct": 25, "vru_kmh": 5}))
    assert not out.avoidable
    assert 40.0 < 3.6 * out.impact_mps < 60.0


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
