"""The collision warning comes early enough: over the 2023 grids, closed loop."""

import pytest

from tests.safety.aeb_grid import crossing, grid, lead, lead_brakes
from tests.safety.aeb_scenes import Scene, bicycle, person, play

LEAST_S = 0.8
"""Before full braking (UN R152, 6.4: collision warning before emergency braking; recalled)."""
TICK_S = 0.01
SOME = [
    lead("CCRs", 50, 0, 100),
    lead_brakes(12.0, 6.0),
    crossing("CPNA-25", person, 60, 5, 25, 4.0, 1.0),
    crossing("CBNA-50", bicycle, 60, 15, 50, 17.0, 3.5),
]


def is_early(scene: Scene, sensors: str, seed: int) -> bool:
    """Whether somebody was warned at all, and so long before full braking where it came to that."""
    out = play(scene, sensors, seed)
    if out.warned_s is None:
        return False
    return out.full_s is None or out.full_s - out.warned_s > LEAST_S - 0.5 * TICK_S


@pytest.mark.parametrize("scene", SOME, ids=lambda scene: scene.name)
def test_the_driver_is_warned_before_full_braking(scene: Scene) -> None:
    assert is_early(scene, "typical", 1)


@pytest.mark.slow
@pytest.mark.parametrize(("sensors", "first"), [("perfect", 0), ("typical", 2)])
def test_over_the_grid_the_warning_comes_0_8_s_before_full_braking(
    sensors: str, first: int
) -> None:
    late = [scene.name for scene in list(grid())[first::5] if not is_early(scene, sensors, 3)]
    assert late == []
