"""`volant range --route`: what a route takes from the battery, and where to charge on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from volant.app.chargers import load_posts
from volant.app.exits import Exit
from volant.app.folders import data_folder, state_folder
from volant.app.pictures import draw_picture
from volant.app.say import table
from volant.app.trip import TripWish, choose_ends, lead_stretch
from volant.caros.energy import learn
from volant.caros.energy.advice import RESERVE, Advice, advise
from volant.caros.energy.facts import Facts, facts_of
from volant.caros.energy.learn import Learned
from volant.caros.energy.predict import Conditions, range_m
from volant.caros.energy.profile import RouteProfile, read_profile
from volant.caros.energy.route import route_of
from volant.core.errors import InputError
from volant.core.settings import find_data
from volant.core.units import JOULE_PER_KWH, JOULE_PER_WH, ZERO_CELSIUS_K
from volant.road import find_place, load_graph, traffic_rules
from volant.vehicle import load_spec

ENDINGS: Final = (".csv", ".gpx")
CHARGE_PCT: Final = 80.0
TEMPERATURE_C: Final = 20.0
RESERVE_PCT: Final = 100.0 * RESERVE
LEARNED_FILE: Final = "energy.json"
STEEP_M: Final = 100.0
"""The steepest slope is told over so much road."""
NARROW_PCT: Final = 4.0
"""A narrower band is told with a digit more."""
ABOUT: Final = "9 of 10 times"


@dataclass(frozen=True, slots=True)
class RouteWish:
    """What the command line asks for."""

    car: str
    road: str
    where: str
    """A place of the road, or a file."""
    start: str | None = None
    via: tuple[str, ...] = ()
    charge_pct: float = CHARGE_PCT
    temperature_c: float = TEMPERATURE_C
    reserve_pct: float = RESERVE_PCT
    learned: bool = False
    state: Path | None = None


class StopAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One stop to charge at."""

    name: str
    at_km: float
    power_kw: float
    """Of the station."""
    arrive_pct: float
    leave_pct: float
    charge_min: float


class PointAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The car along the way, with the stops."""

    at_km: float
    time_min: float
    height_m: float
    charge_pct: float
    charge_low_pct: float
    charge_high_pct: float


class RouteAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a route takes."""

    car: str
    title: str
    route: str
    distance_km: float
    up_m: float
    down_m: float
    steepest_pct: float
    heights_known: bool
    """False: the file tells none, and the way is taken as flat."""
    drive_min: float
    stopped_min: float
    total_min: float
    energy_kwh: float
    consumption_wh_per_km: float
    charge_pct: float
    arrival_pct: float
    """With the stops; where it is not reached without one: below 0 what would be missing."""
    arrival_low_pct: float
    arrival_high_pct: float
    reserve_pct: float
    reaches: bool
    """With the reserve everywhere."""
    reserve_touched_km: float | None
    """Where the reserve is touched without a stop; null: nowhere."""
    range_km: float
    """To an empty battery, at the begin."""
    temperature_c: float
    learned_km: float
    """Driven while learning the car; 0: only its file is known."""
    stops: tuple[StopAnswer, ...]
    points: tuple[PointAnswer, ...]


def route_answer(wish: RouteWish, progress: Callable[[float], None]) -> RouteAnswer:
    """Find the route, look along it, and choose the stops.

    Raises:
        InputError: a name or file is wrong, or no way leads there.
    """
    spec = load_spec(find_data("cars", wish.car, data_folder()))
    facts = facts_of(spec)
    learned = _learned(wish, facts)
    name, profile = _profile(wish, progress)
    ambient_k = wish.temperature_c + ZERO_CELSIUS_K
    conditions = Conditions(charge=wish.charge_pct / 100.0, ambient_k=ambient_k)
    progress(0.6)
    reserve = wish.reserve_pct / 100.0
    seen = advise(profile, 0.0, facts, learned, conditions, reserve=reserve)
    progress(0.9)
    reach_m = range_m(facts, learned, conditions, profile=profile)
    progress(1.0)
    return _answer(wish, spec.title, name, profile, seen, reach_m, learned)


def _learned(wish: RouteWish, facts: Facts) -> Learned:
    if not wish.learned:
        return learn.start(facts)
    file = (state_folder() if wish.state is None else wish.state) / LEARNED_FILE
    try:
        return learn.read_stored(file.read_bytes(), facts)
    except FileNotFoundError as error:
        words = "nothing is learned yet; `volant up` learns while it drives"
        raise InputError(words, file=str(file)) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=str(file)) from error
    except InputError as error:
        raise InputError(error.message, file=str(file)) from error


def _profile(wish: RouteWish, progress: Callable[[float], None]) -> tuple[str, RouteProfile]:
    """The route's name for people, and its profile."""
    given = Path(wish.where)
    named = given.suffix.lower() in ENDINGS or "/" in wish.where
    if named or given.is_file():
        if wish.start is not None or wish.via:
            words = "begins where it begins: --from and --via are for places of a road"
            raise InputError(words, file=wish.where)
        if given.suffix.lower() not in ENDINGS:
            raise InputError(f"a route's file ends in {' or '.join(ENDINGS)}", file=wish.where)
        return given.stem, read_profile(given)
    road_file = find_data("maps", wish.road, data_folder())
    graph = load_graph(road_file)
    progress(0.25)
    try:
        find_place(graph, wish.where)
    except InputError as error:
        words = f"{error.message}; or a file that ends in {' or '.join(ENDINGS)}"
        raise InputError(words, file=error.file) from error
    trip = TripWish(
        car=wish.car, road=wish.road, seed=1, sensors="typical", cars=None,
        start=wish.start, to=wish.where, via=wish.via,
    )  # fmt: skip
    ends = choose_ends(graph, trip)
    assert ends is not None  # it has a destination
    stretch = lead_stretch(graph, ends)
    progress(0.35)
    profile = route_of(
        stretch.corridor, stretch.start_m, stretch.destination_m,
        traffic_rules(graph).gates, load_posts(road_file, graph),
    )  # fmt: skip
    through = "".join(f" by {one.name}" for one in ends.via)
    return f"{ends.begin.name} to {ends.goal.name}{through}", profile


def _answer(
    wish: RouteWish, title: str, name: str, profile: RouteProfile, seen: Advice,
    reach_m: float, learned: Learned,
) -> RouteAnswer:  # fmt: skip
    plan, found = seen.plan, seen.forecast
    rises_m = np.diff(profile.height_m)
    return RouteAnswer(
        car=wish.car,
        title=title,
        route=name,
        distance_km=found.distance_m / 1000.0,
        up_m=float(rises_m[rises_m > 0.0].sum()),
        down_m=float(np.abs(rises_m[rises_m < 0.0]).sum()),
        steepest_pct=100.0 * _steepest(profile),
        heights_known=profile.heights_known,
        drive_min=plan.drive_s / 60.0,
        stopped_min=plan.stopped_s / 60.0,
        total_min=plan.total_s / 60.0,
        energy_kwh=found.energy_j / JOULE_PER_KWH,
        consumption_wh_per_km=found.energy_j / JOULE_PER_WH / (found.distance_m / 1000.0),
        charge_pct=wish.charge_pct,
        arrival_pct=100.0 * plan.charge_at_end,
        arrival_low_pct=100.0 * seen.low_at_end,
        arrival_high_pct=min(100.0 * seen.high_at_end, 100.0),
        reserve_pct=wish.reserve_pct,
        reaches=plan.reaches,
        reserve_touched_km=None if plan.dry_m is None else plan.dry_m / 1000.0,
        range_km=reach_m / 1000.0,
        temperature_c=wish.temperature_c,
        learned_km=learned.driven_m / 1000.0,
        stops=tuple(
            StopAnswer(
                name=one.name,
                at_km=one.at_m / 1000.0,
                power_kw=one.power_w / 1000.0,
                arrive_pct=100.0 * one.arrive,
                leave_pct=100.0 * one.leave,
                charge_min=one.charge_s / 60.0,
            )
            for one in plan.stops
        ),
        points=tuple(
            PointAnswer(
                at_km=one.at_m / 1000.0,
                time_min=one.time_s / 60.0,
                height_m=float(np.interp(one.at_m, profile.distance_m, profile.height_m)),
                charge_pct=100.0 * one.charge,
                charge_low_pct=100.0 * one.charge_low,
                charge_high_pct=100.0 * one.charge_high,
            )
            for one in seen.points
        ),
    )


def _steepest(profile: RouteProfile) -> float:
    """The steepest rise or fall over `STEEP_M`, as rise by distance."""
    step_m = min(STEEP_M, profile.length_m)
    at_m = np.arange(0.0, profile.length_m - step_m + 1e-6, step_m)
    heights = np.interp(np.stack([at_m, at_m + step_m]), profile.distance_m, profile.height_m)
    slopes = (heights[1] - heights[0]) / step_m
    return float(slopes[np.abs(slopes).argmax()])


def show_route(answer: RouteAnswer, plot: Path | None) -> Exit:
    """Tell it to people, and draw it where asked."""
    if plot is not None:
        draw_picture(plot, lambda draft: plot_route(answer, draft))
    learned = f", as learned over {answer.learned_km:.0f} km" if answer.learned_km else ""
    rows = [
        ("distance", f"{answer.distance_km:.1f} km"),
        ("drive time", _duration(answer.drive_min)),
        ("slopes", _slopes(answer)),
        ("energy", f"{answer.energy_kwh:.1f} kWh, {answer.consumption_wh_per_km:.0f} Wh/km"),
        ("charge at the begin", f"{answer.charge_pct:.0f} %, good for {answer.range_km:.0f} km"),
        ("charge at arrival", _arrival(answer)),
        ("charge stops", _stops(answer)),
    ]  # fmt: skip
    if answer.stops:
        rows.append(("arrival after", _duration(answer.total_min)))
    rows.append(("outside", f"{answer.temperature_c:.0f} degrees Celsius, no wind known{learned}"))
    if plot is not None:
        rows.append(("picture", str(plot)))
    table(f"{answer.title}: {answer.route}", ("", ""), rows)
    if answer.stops:
        stops = [
            (
                one.name, f"{one.at_km:.1f}", f"{one.power_kw:.0f} kW", f"{one.arrive_pct:.0f} %",
                f"{one.leave_pct:.0f} %", _duration(one.charge_min),
            )
            for one in answer.stops
        ]  # fmt: skip
        headings = ("charger", "km", "station", "arrive", "leave", "charging")
        table("Charge stops", headings, stops)
    return exit_of(answer)


def exit_of(answer: RouteAnswer) -> Exit:
    """A route out of reach is told to scripts too."""
    return Exit.DONE if answer.reaches else Exit.NOT_ARRIVED


def _slopes(answer: RouteAnswer) -> str:
    if not answer.heights_known:
        return "not known: the file has no heights, the way is taken as flat"
    steepest_pct = round(answer.steepest_pct)
    return (
        f"{answer.up_m:.0f} m up, {answer.down_m:.0f} m down, {steepest_pct:+d} % at the steepest"
    )


def _arrival(answer: RouteAnswer) -> str:
    if answer.arrival_pct < 0.0:
        return f"none: {-answer.arrival_pct:.0f} % are missing"
    low_pct, high_pct = max(answer.arrival_low_pct, 0.0), answer.arrival_high_pct
    digits = 1 if high_pct - low_pct < NARROW_PCT else 0
    return f"{answer.arrival_pct:.{digits}f} %, {ABOUT} {low_pct:.{digits}f} to {high_pct:.{digits}f} %"


def _stops(answer: RouteAnswer) -> str:
    if answer.stops:
        count = len(answer.stops)
        return f"{count}, {_duration(answer.stopped_min)} with all that a stop takes"
    if answer.reaches:
        return f"none needed, {answer.reserve_pct:.0f} % are kept everywhere"
    assert answer.reserve_touched_km is not None
    reserve, touched_km = f"{answer.reserve_pct:.0f} %", answer.reserve_touched_km
    if touched_km <= 0.0:
        return f"begins below the reserve of {reserve}, and no charger helps"
    return f"out of reach: only {reserve} are left at km {touched_km:.0f}, and no charger helps"


def _duration(minutes: float) -> str:
    whole = max(round(minutes), 1)
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60:02d} min"


def plot_route(answer: RouteAnswer, path: Path) -> None:
    """Draw height and charge along the way, with band and stops, to an image file.

    Raises:
        OSError: the file cannot be written.
        ValueError: the ending of the file names no image format.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 5.0), layout="constrained")
    charge, height = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.4))
    at_km = [one.at_km for one in answer.points]
    low = [max(one.charge_low_pct, 0.0) for one in answer.points]
    high = [min(one.charge_high_pct, 100.0) for one in answer.points]
    charge.fill_between(at_km, low, high, alpha=0.25, linewidth=0.0, label=ABOUT)
    charge.plot(at_km, [max(one.charge_pct, 0.0) for one in answer.points], label="expected")
    charge.axhline(answer.reserve_pct, color="tab:red", linestyle=":", label="reserve")
    for number, one in enumerate(answer.stops):
        charge.axvline(one.at_km, color="grey", linewidth=0.8)
        charge.annotate(
            f"{one.name}\n{one.charge_min:.0f} min",
            (one.at_km, 3.0 if number % 2 == 0 else 14.0),
            xytext=(4.0, 0.0),
            textcoords="offset points",
            fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
        )
    charge.set(ylabel="charge, %", ylim=(0, 100), xlim=(0, answer.distance_km))
    charge.set_title(f"{answer.title}: {answer.route}, {_duration(answer.total_min)}")
    charge.legend(loc="upper right", ncols=3, fontsize="small")
    heights = [one.height_m for one in answer.points]
    height.fill_between(at_km, heights, min(heights), color="tab:brown", alpha=0.4)
    height.set(xlabel="distance, km", ylabel="height, m")
    height.margins(y=0.1)
    figure.savefig(path, dpi=150)
