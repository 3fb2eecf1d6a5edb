"""The `volant` command: every word a user can type, and nothing heavy until it is typed.

Each command imports what it needs when it runs, so that help comes at once. An error of the one error
tree becomes one line and an exit status; a fault of our own becomes one line that names `--debug`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import typer.core

from volant import __version__
from volant.app.cli_apps import apps_app
from volant.app.cli_charge import charge_app
from volant.app.cli_clips import clips_app
from volant.app.cli_delta import delta_app
from volant.app.cli_ecu import ecu_app
from volant.app.cli_live import live, power, up
from volant.app.cli_ota import ota_app
from volant.app.cli_parts import (
    DEFAULT_CAR,
    DEFAULT_ROAD,
    PLAIN,
    BusCommand,
    BusOption,
    CarOption,
    CarsOption,
    DistanceOption,
    FromOption,
    JsonOption,
    NoJournalOption,
    PortOption,
    RoadOption,
    SensorsOption,
    StateOption,
    ToOption,
    ViaOption,
)
from volant.app.cli_range import range_
from volant.app.cli_repo import repo_app
from volant.app.cli_signals import signals_app
from volant.app.exits import Exit
from volant.core.errors import VolantError

app = typer.Typer(**PLAIN)
road_app = typer.Typer(**PLAIN, help="Read and check OpenDRIVE roads.")
journal_app = typer.Typer(**PLAIN, help="Look into recorded drives.")
app.add_typer(road_app, name="road")
app.add_typer(journal_app, name="journal")
exam_app = typer.Typer(**PLAIN, help="Examine drivers, ours and others, in seeded scenes.")
app.add_typer(exam_app, name="exam")
app.add_typer(ecu_app, name="ecu")
app.add_typer(apps_app, name="app")
app.add_typer(signals_app, name="signals")
app.add_typer(charge_app, name="charge")
app.add_typer(clips_app, name="clips")
app.add_typer(ota_app, name="ota")
app.add_typer(repo_app, name="repo")
app.add_typer(delta_app, name="delta")


class _Debug:
    """Whether `--debug` was given."""

    on = False


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"volant {__version__}")
        raise typer.Exit


@app.callback()
def _volant(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error arose, with the traceback.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The open software of a smart electric car.

    \b
    Examples:
      volant drive                     drive across the town and the ring, live in the browser
      volant drive --headless --json   the same as fast as it can, answer for machines
      volant range --route harbour     what a way takes, and where to charge on it
      volant doctor                    what this machine has and lacks
    """
    _Debug.on = debug


@app.command(cls=BusCommand)
def drive(
    car: CarOption = DEFAULT_CAR,
    road: RoadOption = DEFAULT_ROAD,
    seed: Annotated[
        int, typer.Option(min=0, max=2**53 - 1, help="Same seed, same drive, byte for byte.")
    ] = 1,
    pace: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=100.0, help="Seconds of driving in one second of yours; default: 1."
        ),
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="No screen, as fast as it can.")
    ] = False,
    as_json: JsonOption = False,
    sensors: SensorsOption = "typical",
    cars: CarsOption = None,
    start: FromOption = None,
    to: ToOption = None,
    via: ViaOption = None,
    distance: DistanceOption = None,
    bus: BusOption = None,
    journal: Annotated[
        Path | None, typer.Option(help="Journal file or folder; default: folder journals here.")
    ] = None,
    no_journal: NoJournalOption = False,
    state: StateOption = None,
    port: PortOption = 8740,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the cockpit in the browser.")
    ] = False,
) -> None:
    """Drive a trip through traffic, show it live in the browser, record it.

    \b
    Examples:
      volant drive
      volant drive --pace 2 --seed 7
      volant drive --headless --json
      volant drive --from hospital --to harbour
      volant drive --road my-road.xodr --cars 0 --distance 1500
      volant drive --bus                every command and state through CAN frames
    """
    from volant.app.drive import DriveWish, drive_command
    from volant.app.trip import TripWish

    if headless and pace is not None:
        raise typer.BadParameter(
            "is for drives that are watched, --headless is as fast as it can: found both",
            param_hint="--pace",
        )
    trip = TripWish(
        car=car,
        road=road,
        seed=seed,
        sensors=sensors,
        cars=cars,
        distance_m=distance,
        start=start,
        to=to,
        via=tuple(via or ()),
        bus=bus,
    )
    wish = DriveWish(
        trip=trip,
        pace=1.0 if pace is None else pace,
        headless=headless,
        as_json=as_json,
        journal=None if no_journal else journal or Path("journals"),
        port=port,
        open_browser=open_browser,
        state=state,
    )
    raise typer.Exit(drive_command(wish))


app.command(cls=BusCommand)(up)
app.command()(live)
app.command()(power)
app.command("range")(range_)


@road_app.command("check")
def road_check(
    file: Annotated[str, typer.Argument(help="OpenDRIVE file, or a road's name.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a road holds and what is wrong with it; exit status 5 when something is.

    \b
    Examples:
      volant road check my-road.xodr
      volant road check volant-world --json
    """
    from volant.app.road_command import check_command

    raise typer.Exit(check_command(file, as_json=as_json))


@journal_app.command("info")
def journal_info(
    file: Annotated[Path, typer.Argument(help="Journal, finished or `.part`.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a journal holds.

    \b
    Examples:
      volant journal info journals/drive.mcap
      volant journal info journals/drive.mcap.part --json
    """
    from volant.app.journal_command import info_command

    raise typer.Exit(info_command(file, as_json=as_json))


@journal_app.command("plot")
def journal_plot(
    file: Annotated[Path, typer.Argument(help="Journal, finished or `.part`.")],
    out: Annotated[
        Path | None, typer.Option(help="Picture to write; default: the journal's name, .png.")
    ] = None,
) -> None:
    """Draw speed, gap, acceleration and offset of a recorded drive.

    \b
    Example:
      volant journal plot journals/drive.mcap --out drive.png
    """
    from volant.app.journal_command import plot_command

    raise typer.Exit(plot_command(file, out))


@exam_app.command("run")
def exam_run(
    suite: Annotated[str, typer.Argument(help="Suite by name; `volant exam list` lists them.")],
    driver: Annotated[
        str, typer.Option(help="Who drives: pilot, or a reference driver of the suite.")
    ] = "pilot",
    sensors: Annotated[
        str, typer.Option(help="Sensors: perfect, typical or degraded (rain).")
    ] = "typical",
    seed: Annotated[
        int, typer.Option(min=0, max=2**53 - 1, help="Same seed, same cases, same results.")
    ] = 1,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes to share the cases.")] = 1,
    count: Annotated[
        int, typer.Option(min=0, max=100_000, help="How many cases; 0: as the suite has them.")
    ] = 0,
    only: Annotated[str, typer.Option(help="Only cases whose name holds this.")] = "",
    as_json: JsonOption = False,
    report: Annotated[
        Path | None, typer.Option(help="Also write a report, one HTML file, with replays.")
    ] = None,
) -> None:
    """Put a driver through a suite of cases and judge it from ground truth.

    \b
    Examples:
      volant exam run basics --jobs 2 --report exam.html
      volant exam run basics --driver idm --json
    """
    from volant.app.exam_run import ExamWish, run_command

    wish = ExamWish(
        suite=suite,
        driver=driver,
        sensors=sensors,
        seed=seed,
        jobs=jobs,
        count=count,
        only=only,
        as_json=as_json,
        report=report,
    )
    raise typer.Exit(run_command(wish))


@exam_app.command("list")
def exam_list(as_json: JsonOption = False) -> None:
    """List the suites that `volant exam run` knows.

    \b
    Example:
      volant exam list
    """
    from volant.app.exam_run import list_command

    raise typer.Exit(list_command(as_json=as_json))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Journal, finished or `.part`.")],
    watch: Annotated[
        bool, typer.Option("--watch", help="Show the journal in the cluster instead.")
    ] = False,
    speed: Annotated[
        float, typer.Option(min=0.1, max=20.0, help="With --watch: how fast to begin.")
    ] = 1.0,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --watch: port of the cockpit.")
    ] = 8740,
    as_json: JsonOption = False,
) -> None:
    """Drive a journal again and compare every message, or watch it.

    \b
    Examples:
      volant replay journals/drive.mcap
      volant replay journals/drive.mcap --watch --speed 2
    """
    from volant.app.replay import replay_command

    if watch:
        from volant.app.watch import watch_command

        raise typer.Exit(watch_command(file, speed, port))
    raise typer.Exit(replay_command(file, as_json=as_json))


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Say what this machine has and lacks.

    \b
    Example:
      volant doctor --json
    """
    from volant.app.doctor import doctor_command

    raise typer.Exit(doctor_command(as_json=as_json))


@app.command()
def cars(as_json: JsonOption = False) -> None:
    """List the cars that can be found.

    \b
    Example:
      volant cars --json
    """
    from volant.app.lists import cars_command

    raise typer.Exit(cars_command(as_json=as_json))


@app.command()
def roads(as_json: JsonOption = False) -> None:
    """List the roads that can be found.

    \b
    Example:
      volant roads
    """
    from volant.app.lists import roads_command

    raise typer.Exit(roads_command(as_json=as_json))


@app.command()
def places(
    road: RoadOption = DEFAULT_ROAD,
    as_json: JsonOption = False,
) -> None:
    """List the places of a road that `--from`, `--to` and `--via` take.

    \b
    Examples:
      volant places
      volant places --road my-road.xodr --json
    """
    from volant.app.lists import places_command

    raise typer.Exit(places_command(road, as_json=as_json))


@app.command(hidden=True)
def warm() -> None:
    """Compile every kernel into the user's cache."""
    from volant.app.warm import main as compile_all

    compile_all()


def main() -> NoReturn:
    """Run the command line; never lets a traceback out unless `--debug` was given."""
    if sys.stdout is None or sys.stderr is None or sys.stdin is None:
        from volant.app.say import open_closed_streams

        open_closed_streams()
    status = _run()
    if status in _ANSWERED:
        from volant.app.say import tell, why_answer_is_lost

        if (why := why_answer_is_lost()) is not None:
            tell(f"volant: the answer could not be written to standard output: {why}")
            status = Exit.UNWRITTEN
    sys.exit(status)


_ANSWERED = (Exit.DONE, Exit.NOT_ARRIVED, Exit.CONTACT, Exit.DIFFERS)
"""Statuses that come with an answer, which a caller may believe to have."""


def _run() -> int:
    """Do what the words ask; gives the exit status."""
    from volant.app.say import why_answer_is_lost

    try:
        app(prog_name="volant")
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # `volant --help | true`
            return Exit.DONE
        return ended.code if isinstance(ended.code, int) else Exit.DONE
    except VolantError as error:
        return _failed(Exit.USAGE, f"volant: {error}")
    except KeyboardInterrupt:
        return _failed(Exit.INTERRUPTED, "volant: interrupted by Ctrl-C")
    except BrokenPipeError:
        return Exit.DONE
    except Exception as error:  # noqa: BLE001 - the last place before the user
        if isinstance(error, OSError) and why_answer_is_lost() is not None:
            return Exit.DONE  # standard output itself, under the command line's own help
        words = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return _failed(
            Exit.INTERNAL, f"volant: a fault of Volant's own: {words} (volant --debug shows where)"
        )
    return Exit.DONE


def _failed(status: Exit, line: str) -> Exit:
    from volant.app.say import tell

    if _Debug.on:
        import traceback

        traceback.print_exc()
    tell(line)
    return status
