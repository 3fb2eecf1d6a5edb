"""The commands `volant fleet ...`: the server side of updates for many cars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from volant.app.cli_fleet_parts import ByOption, FleetArgument, TokenFileOption, where_of
from volant.app.cli_fleet_people import audit, people, token
from volant.app.cli_fleet_simulate import simulate
from volant.app.cli_fleet_uptane import uptane
from volant.app.cli_parts import PLAIN, JsonOption

HELP: Final = """Serve updates to many cars, in campaigns that stop themselves.

Start here: volant fleet demo

\b
From a folder to a campaign:
  volant fleet admit fleet VOLANT00000000001
  volant fleet publish fleet os-2.0 os.swu --version 2.0
  volant fleet campaign fleet draft spring --plan spring.json
  volant fleet serve fleet
"""
ORDER: Final = (
    "demo", "admit", "dismiss", "cars", "groups", "publish", "releases", "fit", "deltas", "campaign",
    "campaigns", "watch", "report", "audit", "people", "token", "serve", "uptane", "simulate",
)  # fmt: skip
"""Of the commands in the help: as one comes to need them."""
fleet_app = typer.Typer(**PLAIN, help=HELP)
fleet_app.command()(people)
fleet_app.command()(token)
fleet_app.command()(audit)
fleet_app.command()(simulate)
fleet_app.command()(uptane)


@fleet_app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Folder of the fleet; made if need be.")],
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port for cars.")] = 8770,
    people_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port for people: API and console.")
    ] = 8771,
    poll_s: Annotated[
        float, typer.Option(min=1.0, max=86400.0, help="How often cars ask, seconds.")
    ] = 300.0,
) -> None:
    """Serve campaigns to cars, and the console to people.

    \b
    Example:
      volant fleet serve fleet --port 8770
    """
    from volant.app.fleet_serve import serve_command

    raise typer.Exit(serve_command(folder, host, port, people_port, poll_s))


@fleet_app.command()
def admit(
    fleet: FleetArgument,
    car: Annotated[str, typer.Argument(help="The car's id, such as its VIN.")] = "",
    by: ByOption = "",
    listed: Annotated[
        Path | None,
        typer.Option(
            "--from", help="All cars of this file, an id a line; prints each with its token."
        ),
    ] = None,
    uptane: Annotated[
        bool, typer.Option("--uptane", help="It speaks Uptane: print a code for `volant ota join`.")
    ] = False,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a car in and print its token, once.

    \b
    Examples:
      volant fleet admit fleet VOLANT00000000001 --by ann
      volant fleet admit fleet VOLANTSIM00000001 --uptane
      volant fleet admit fleet --from cars.txt --by ann
    """
    from volant.app.fleet_admit import admit_command

    where = where_of(fleet, by, token_file)
    raise typer.Exit(admit_command(where, car, listed, uptane=uptane, as_json=as_json))


@fleet_app.command()
def dismiss(
    fleet: FleetArgument,
    car: Annotated[str, typer.Argument(help="The car's id.")],
    by: ByOption = "",
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a car out: its token is no longer good, and no campaign waits for it.

    \b
    Example:
      volant fleet dismiss fleet VOLANT00000000001
    """
    from volant.app.fleet_command import dismiss_command

    raise typer.Exit(dismiss_command(where_of(fleet, by, token_file), car, as_json=as_json))


@fleet_app.command()
def cars(
    fleet: FleetArgument,
    car: Annotated[str, typer.Argument(help="Only this car, whole.")] = "",
    wanted: Annotated[str, typer.Option("--filter", help="Only cars that it lets through.")] = "",
    after: Annotated[str, typer.Option(help="Only cars after this one, by id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show cars, or one car with its history.

    \b
    Examples:
      volant fleet cars fleet --filter 'model == ev1 and version < 2.0'
      volant fleet cars fleet VOLANT00000000001
    """
    from volant.app.fleet_command import cars_command

    where = where_of(fleet, "", token_file)
    found = cars_command(where, car, wanted=wanted, after=after, limit=limit, as_json=as_json)
    raise typer.Exit(found)


@fleet_app.command()
def groups(
    fleet: FleetArgument,
    car: Annotated[str, typer.Argument(help="The car's id.")],
    names: Annotated[list[str] | None, typer.Argument(help="Its groups; none: no group.")] = None,
    by: ByOption = "",
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a car into groups, and out of all others.

    \b
    Example:
      volant fleet groups fleet VOLANT00000000001 staff eu
    """
    from volant.app.fleet_command import groups_command

    where = where_of(fleet, by, token_file)
    raise typer.Exit(groups_command(where, car, names or (), as_json=as_json))


@fleet_app.command()
def deltas(
    fleet: FleetArgument,
    make: Annotated[
        bool, typer.Option("--make", help="Make those that are wanted, of a folder, and end.")
    ] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show deltas for the programs that cars run, and how far they are; a server makes them in the background.

    \b
    Examples:
      volant fleet deltas fleet
      volant fleet deltas fleet --make
    """
    if make or parent is not None:
        from volant.app.fleet_deltas import make_command

        raise typer.Exit(make_command(Path(fleet), once=parent is None, parent=parent))
    from volant.app.fleet_deltas import deltas_command

    raise typer.Exit(deltas_command(where_of(fleet, "", token_file), as_json=as_json))


@fleet_app.command()
def publish(
    fleet: FleetArgument,
    release: Annotated[str, typer.Argument(help="Name of the release.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Its files for devices of hawkBit's.")
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            help="Its image for control units, of cars that speak Uptane: HARDWARE=FILE,"
            " HARDWARE/UNIT=FILE, or a program of a Volant car; again for more."
        ),
    ] = None,
    by: ByOption = "",
    version: Annotated[str, typer.Option(help="Version that cars are told; default: 1.")] = "",
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take files in as a release.

    \b
    Examples:
      volant fleet publish fleet os-2.0 os.swu --version 2.0 --by ann
      volant fleet publish fleet calm-2 --version 2 --image brake-2.img --image drive-2.img
      volant fleet publish fleet hello-2 --version 2 --image APP/app.hello=hello.vapp
    """
    from volant.app.fleet_command import PublishWish, publish_command

    wish = PublishWish(release, version, tuple(files or ()), tuple(image or ()))
    raise typer.Exit(publish_command(where_of(fleet, by, token_file), wish, as_json=as_json))


@fleet_app.command()
def releases(
    fleet: FleetArgument, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """Show all releases, with the hashes of their files.

    \b
    Example:
      volant fleet releases fleet
    """
    from volant.app.fleet_command import releases_command

    raise typer.Exit(releases_command(where_of(fleet, "", token_file), as_json=as_json))


@fleet_app.command()
def fit(
    fleet: FleetArgument,
    release: Annotated[str, typer.Argument(help="The release.")],
    wanted: Annotated[str, typer.Option("--filter", help="Only cars that it lets through.")] = "",
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how many cars a release is for, and why not for the others.

    \b
    Example:
      volant fleet fit fleet os-2.0 --filter 'group == eu'
    """
    from volant.app.fleet_command import fit_command

    where = where_of(fleet, "", token_file)
    raise typer.Exit(fit_command(where, release, wanted, as_json=as_json))


@fleet_app.command()
def campaigns(
    fleet: FleetArgument, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """Show all campaigns.

    \b
    Example:
      volant fleet campaigns https://fleet.example:8771
    """
    from volant.app.fleet_command import campaigns_command

    raise typer.Exit(campaigns_command(where_of(fleet, "", token_file), as_json=as_json))


@fleet_app.command()
def campaign(
    fleet: FleetArgument,
    verb: Annotated[
        str,
        typer.Argument(
            help="draft, change, submit, approve, start, pause, resume, stop, retry or show."
        ),
    ],
    name: Annotated[str, typer.Argument(help="The campaign.")],
    by: ByOption = "",
    plan: Annotated[Path | None, typer.Option(help="Plan (JSON) for draft and change.")] = None,
    digest: Annotated[str, typer.Option(help="For approve: digest of the plan, as shown.")] = "",
    reason: Annotated[
        str, typer.Option(help="For pause, resume and stop: why; in the audit log.")
    ] = "",
    revision: Annotated[
        int | None, typer.Option(min=0, help="Refuse if somebody has acted since this one.")
    ] = None,
    car: Annotated[
        list[str] | None, typer.Option(help="For retry: only this car; may be repeated.")
    ] = None,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Act on a campaign; a second person approves it before it starts.

    \b
    Examples:
      volant fleet campaign fleet draft spring --plan spring.json --by ann
      volant fleet campaign fleet approve spring --by bob --digest DIGEST
      volant fleet campaign fleet start spring --by ann --revision 2
      volant fleet campaign fleet retry spring --car VOLANT00000000001
      volant fleet campaign fleet stop spring --by bob --reason "bad brakes"
    """
    from volant.app.fleet_command import Asked, campaign_command

    asked = Asked(verb, name, plan, digest, reason, revision, tuple(car or ()))
    raise typer.Exit(campaign_command(where_of(fleet, by, token_file), asked, as_json=as_json))


@fleet_app.command()
def watch(
    fleet: FleetArgument,
    campaign: Annotated[str, typer.Argument(help="The campaign.")],
    every_s: Annotated[
        float, typer.Option(min=0.1, max=3600.0, help="How often to look, seconds.")
    ] = 1.0,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch a campaign until it has ended or has stopped itself; with --json a line for each change.

    \b
    Example:
      volant fleet watch fleet spring
    """
    from volant.app.fleet_watch import watch_command

    where = where_of(fleet, "", token_file)
    raise typer.Exit(watch_command(where, campaign, every_s, as_json=as_json))


@fleet_app.command()
def report(
    fleet: FleetArgument,
    campaign: Annotated[str, typer.Argument(help="The campaign.")],
    html: Annotated[Path | None, typer.Option(help="Write it to this file, too.")] = None,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a campaign as a record for others: what, to whom, when, with which result, by whom.

    \b
    Example:
      volant fleet report fleet spring --html spring.html
    """
    from volant.app.fleet_command import report_command

    where = where_of(fleet, "", token_file)
    raise typer.Exit(report_command(where, campaign, html, as_json=as_json))


@fleet_app.command()
def demo(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Play in this new folder, and keep it; default: one that is thrown away."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show ten live cars: a good update goes out in waves, a bad one stops itself and its cars go back.

    Exit status 0 only if all of it happened. Takes a minute or two.

    \b
    Examples:
      volant fleet demo
      volant fleet demo --folder demo --json
    """
    from volant.app.demo_folder import check_new
    from volant.app.say import tell

    if folder is not None:
        check_new(folder, "fleet")
    if not as_json:
        tell("gets ready; the first time on a machine the car is compiled, which takes minutes")
    from volant.app.fleet_demo import demo_command

    raise typer.Exit(demo_command(folder, as_json=as_json))


def _place(command: object) -> int:
    name = getattr(command, "name", None) or command.callback.__name__  # type: ignore[attr-defined]
    return ORDER.index(name)


fleet_app.registered_commands.sort(key=_place)
