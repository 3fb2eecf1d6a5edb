"""Emergency braking, closed loop over cases of the 2023 grids and over things that are no reason."""

from pathlib import Path

import pytest

from tests.safety.aeb_grid import across_path, along, crossing, harmless, lead, lead_brakes
from tests.safety.aeb_scenes import Scene, bicycle, gvt, person, physics, play
from volant.safety import aeb

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "aeb.md"

CASES = [
    *(lead("CCRs", kmh, 0, overlap) for kmh in (10, 50, 80) for overlap in (100, 50)),
    *(lead("CCRm", kmh, 20, -50) for kmh in (30, 80)),
    lead_brakes(12.0, 6.0),
    lead_brakes(40.0, 6.0),
    crossing("CPNA-75", person, 40, 5, 75, 4.0, 1.0),
    crossing("CPFA-50", person, 40, 8, 50, 6.0, 1.5, far=True),
    crossing("CBNA-50", bicycle, 30, 15, 50, 17.0, 3.5),
    along("CPLA-25", person, 60, 5, 25),
    along("CBLA-50", bicycle, 60, 15, 50),
]
CROSSERS = [
    crossing(f"SCP-{target}", gvt, kmh, target, 50, 40.0, 2.0, far=far)
    for kmh, target, far in ((20, 20, False), (30, 40, True), (40, 20, True), (50, 50, False))
]
"""Cars across our way, which met our front in the middle if nobody braked."""
STILL_BRAKED_FOR = {
    "stops-at-kerb-near-0.5 70 70": "who strides up and stops 0.5 m beside our way could as well go on",
    "steers-round 50": "the driver begins to steer round it only 1.5 s before it",
    "steers-round 70": "the driver begins to steer round it only 2 s before it",
}
"""Harmless scenes in which it brakes all the same, and why; docs/reference/aeb.md tells them."""
HARMLESS = [
    *[one for one in harmless() if one.name not in STILL_BRAKED_FOR][::3],
    *(
        pytest.param(one, marks=pytest.mark.xfail(reason=STILL_BRAKED_FOR[one.name], strict=True))
        for one in harmless()
        if one.name in STILL_BRAKED_FOR
    ),
]


SOME = pytest.mark.parametrize(
    "scene", [lead("CCRs", 30, 0, 75), crossing("CPNA-75", person, 30, 5, 75, 4.0, 1.0)],
    ids=lambda scene: scene.name,
)  # fmt: skip


@SOME
def test_the_plainest_contacts_are_avoided(scene: Scene) -> None:
    out = play(scene, "typical", seed=4)
    assert out.impact_mps is None, out


@pytest.mark.slow
@pytest.mark.parametrize("scene", CASES, ids=lambda scene: scene.name)
@pytest.mark.parametrize("sensors", ["perfect", "typical"])
def test_no_contact_where_it_can_be_avoided(scene: Scene, sensors: str) -> None:
    assert physics(scene).touches
    out = play(scene, sensors, seed=4)
    assert out.impact_mps is None, out


@pytest.mark.parametrize("scene", CROSSERS, ids=lambda scene: scene.name)
def test_a_car_that_crosses_is_braked_for_and_not_touched(scene: Scene) -> None:
    assert physics(scene).touches
    out = play(scene, "typical", seed=4)
    assert "full:crossing" in out.codes
    assert out.impact_mps is None, out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kmh", "target_kmh", "most_mps"),
    [(10, 30, 0.0), (15, 30, 0.0), (20, 30, 0.0), (20, 45, 0.0), (10, 45, 1.0), (15, 45, 1.0)],
)
def test_turning_across_an_oncoming_car_is_braked_for(
    kmh: float, target_kmh: float, most_mps: float
) -> None:
    """Touched at walking pace where he is there before a full stop can be."""
    out = play(across_path("CCFtap", gvt, kmh, target_kmh), "perfect")
    assert "full:oncoming" in out.codes
    assert (out.impact_mps or 0.0) <= most_mps


@pytest.mark.slow
@pytest.mark.parametrize(
    "scene", HARMLESS, ids=lambda scene: scene.name if isinstance(scene, Scene) else None
)
def test_nothing_that_is_no_danger_is_braked_for(scene: Scene) -> None:
    out = play(scene, "typical", seed=5)
    assert out.braked_s is None, out


def test_every_code_has_words_that_fit_and_its_line_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for code, words in aeb.WORDS.items():
        assert 0 < len(words) <= 30
        assert f"`{code}`" in text
