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
KERB = "stops-at-kerb"
HARMLESS = [
    scene
    for scene in harmless()
    if not scene.name.startswith((KERB, "steers-round 50", "steers-round 70"))
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


@pytest.mark.slow
def test_turning_across_an_oncoming_car_is_braked_for() -> None:
    scene = across_path("CCFtap", gvt, 20, 30)
    out = play(scene, "perfect")
    assert any(code.endswith("oncoming") for code in out.codes)
    assert (out.impact_mps or 0.0) < 0.6 * scene.speed_mps


@pytest.mark.slow
@pytest.mark.parametrize("scene", HARMLESS[::3], ids=lambda scene: scene.name)
def test_nothing_that_is_no_danger_is_braked_for(scene: Scene) -> None:
    out = play(scene, "typical", seed=5)
    assert out.braked_s is None, out


def test_every_code_has_words_that_fit_and_its_line_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for code, words in aeb.WORDS.items():
        assert 0 < len(words) <= 30
        assert f"`{code}`" in text
