"""What the live table shows, on a terminal of 80 columns and as a line."""

import io

from rich.console import Console

from tests.app.test_fleet_agree import campaign_of
from volant.app.fleet_table import Picture, draw, line
from volant.cloud.campaigns import CarState


def picture(**changes: float) -> Picture:
    campaign = campaign_of(CarState.TOLD, CarState.WELL, CarState.WELL, CarState.FAILED)
    values = {"since_s": 10.0, "polls": 100, "manifests": 0, "requests": 120, "called": 4,
        "by_themselves": 90, "lines": 12, "lies": 0, "broken": 0, "busy": 0, "p50_s": 0.001,
        "p99_s": 0.02, "behind": 0, "cpu_s": 1.0} | changes  # fmt: skip
    return Picture(campaign=campaign, **values)  # type: ignore[arg-type]


def test_the_table_has_room_on_a_small_terminal() -> None:
    text = io.StringIO()
    Console(file=text, width=80).print(draw(picture(), None))
    shown = text.getvalue()
    assert "…" not in shown
    assert "1 of 2" in shown
    assert "told" in shown
    assert "lost" not in shown


def test_a_line_tells_what_is_new_since_the_one_before() -> None:
    later = picture(
        since_s=20.0, polls=600, manifests=40, cpu_s=1.5, broken=3, busy=2, behind=7, lies=6
    )
    told = line(later, picture())
    assert "50 polls/s, 4 manifests/s" in told
    assert "4 called (on 12 lines), 90 by themselves, 6 lies and replays refused" in told
    assert "server 5% of a core" in told
    assert "7 cars wait, 3 without answer, 2 sent away" in told
    assert "1 told, 2 well, 1 failed" in told
