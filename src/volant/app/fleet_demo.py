"""`volant fleet demo`: ten live cars get a good update in waves, then a bad one that stops itself; proven step by step.

Server and cars are processes of their own; the cars are parked ones (`volant ota park`): real control units, real flash,
real HTTP, without the road. People act by the management API, each with a token of their own. What a step claims is what
the server answers, what the cars say themselves, and what the audit log holds.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from volant.app import demo_stage
from volant.app.demo_stage import CALM, CAR, STRICT, StepOf, Version, make_images, must, play
from volant.app.exits import Exit
from volant.app.fleet_demo_view import Board, Followed
from volant.app.fleet_open import Where, open_desk
from volant.app.fleet_remote import SOMEBODY, RemoteDesk
from volant.app.live_updates import AT_WORK
from volant.app.ota_join import JoinWish, join
from volant.app.say import tell
from volant.cloud import views
from volant.cloud.campaigns import CarState, Phase, Plan
from volant.cloud.campaigns.plan import Wave
from volant.cloud.desk import Desk
from volant.cloud.people import Role
from volant.core.errors import InputError, LinkError, RefusedError, TrustError
from volant.vehicle.boot.calibration import HARDWARE

CARS: Final = 10
TRIAL: Final = "2,0"
"""A version that is well for two seconds may stay: a car that is driven takes longer."""
POLL_S: Final = 10.0
"""The server calls cars that have something to do; this is for when it cannot."""
UP_S: Final = 120.0
END_S: Final = 240.0
"""A campaign has ended by then, on a busy machine too."""
LOOK_S: Final = 0.5
PAGE: Final = 1000
GOOD: Final = Version(1, "Volant 1", "Starts more gently.", CALM)
BAD: Final = Version(2, "Volant 2", "Watches its sensors more strictly.", {"pilot": STRICT})
PLAN: Final = Plan(
    campaign_id="spring",
    title="Volant 1: starts more gently",
    release="volant-1",
    waves=(
        Wave(name="canaries", count=2, errors_stop=1, rest_s=2.0),
        Wave(name="some", count=3, errors_stop=2),
        Wave(name="all", errors_share=0.2),
    ),
    concurrency=3,
    watch_s=2.0,
    patience_s=120.0,
)
BAD_PLAN: Final = Plan(
    campaign_id="summer",
    title="Volant 2: watches its sensors more strictly",
    release="volant-2",
    waves=(Wave(name="canaries", count=4, errors_stop=2), Wave(name="all", errors_share=0.2)),
    concurrency=2,
    watch_s=2.0,
    patience_s=120.0,
)
ENDED: Final = frozenset({Phase.FINISHED, Phase.HALTED, Phase.STOPPED})


@dataclass(slots=True)
class Stage(demo_stage.Stage):
    """With a fleet, two people and ten cars."""

    port: int = 0
    people_port: int = 0
    tokens: dict[str, str] = field(default_factory=dict)
    """Of people."""

    @property
    def fleet(self) -> Path:
        """Folder of the fleet."""
        return self.folder / "fleet"

    @property
    def vehicles(self) -> list[str]:
        """Ids of the cars; each has a state folder of this name."""
        return [f"VOLANT{number:02}" for number in range(1, CARS + 1)]

    def desk(self, name: str) -> RemoteDesk:
        """The server, as somebody with a token reaches it."""
        return RemoteDesk(f"http://127.0.0.1:{self.people_port}", self.tokens[name])

    def serve(self) -> None:
        """Start the server, and wait until it answers people.

        Raises:
            RefusedError: it does not.
        """
        self.start(
            *("server", "fleet", "serve", "fleet", "--port", str(self.port)),
            *("--people-port", str(self.people_port), "--poll-s", str(POLL_S)),
        )
        end_s = time.monotonic() + UP_S
        while time.monotonic() < end_s and self.running["server"].poll() is None:
            try:
                self.desk("ann").me(SOMEBODY)
            except LinkError:
                time.sleep(LOOK_S)
            else:
                return
        raise RefusedError(f"the server did not come up: see {self.folder / 'server.err'}")

    def park(self) -> None:
        """Switch all cars on; whoever owns them agrees to each update."""
        self.start(
            *("cars", "ota", "park", *self.vehicles, "--car", CAR, "--agree"),
            *("--poll-s", str(POLL_S), "--trial", TRIAL, "--json"),
        )

    def kill(self, name: str) -> None:
        """End a process as a power cut does."""
        one = self.running.pop(name)
        one.send_signal(signal.SIGKILL)
        one.wait()


Step = StepOf[Stage]


def demo_command(folder: Path | None, *, as_json: bool) -> Exit:
    """Run `volant fleet demo`."""
    return play(STEPS, Stage, folder, makes="fleet", as_json=as_json)


# --- the steps ------------------------------------------------------------------------------------


def _founded(stage: Stage) -> str:
    stage.run("fleet", "uptane", "fleet", "--by", "owner")
    with open_desk(Where(str(stage.fleet), by="owner")) as (desk, owner):
        for name, role in (("ann", Role.OPERATOR), ("bob", Role.APPROVER)):
            stage.tokens[name] = desk.invite(owner, name, role).token
    stage.port, stage.people_port = _free(), _free()
    stage.serve()
    return f"ann is operator, bob approver; for people: http://127.0.0.1:{stage.people_port}/"


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _joined(stage: Stage) -> str:
    with open_desk(Where(str(stage.fleet), by="owner")) as (desk, owner):
        assert isinstance(desk, Desk), "a folder has its own"
        codes = {one: desk.admit_uptane(owner, one).token for one in stage.vehicles}
    for vehicle, code in codes.items():
        wish = JoinWish(car=CAR, vehicle=vehicle, code=code)
        join(f"http://127.0.0.1:{stage.port}/uptane", wish, stage.folder / vehicle)
    stage.park()
    end_s = time.monotonic() + UP_S
    heard, said = 0, -1
    while time.monotonic() < end_s:
        heard = sum(bool(one.runs) for one in _cars(stage))
        if heard != said and not stage.quiet:
            tell(f"    {heard} of {CARS} cars were heard")
        said = heard
        if heard == CARS:
            units = len(_cars(stage)[0].runs)
            return f"{CARS} cars with {units} units each have said what they run"
        time.sleep(LOOK_S)
    raise RefusedError(f"{heard} cars were heard: see {stage.folder / 'cars.err'}")


def _cars(stage: Stage) -> Sequence[views.CarLine]:
    return stage.desk("ann").cars(SOMEBODY, limit=CARS).cars


def _published(stage: Stage) -> str:
    for version in (GOOD, BAD):
        desk, files = stage.desk("ann"), []
        for unit, path in make_images(stage.folder, version).items():
            taken = desk.take_file(SOMEBODY, path.name, path)
            files.append(
                views.FileBody(
                    name=path.name, sha256=taken.sha256, hardware=HARDWARE, units=(unit,)
                )
            )
        body = views.ReleaseBody(version=str(version.release), files=tuple(files))
        desk.publish(SOMEBODY, f"volant-{version.release}", body)
    fit = stage.desk("ann").fit(SOMEBODY, PLAN.release)
    must(fit.able == CARS, f"it fits {fit.able} of {CARS}: {fit.unable}")
    return f"{PLAN.release} for {', '.join(GOOD.units)} fits all {CARS} cars"


def _approved(stage: Stage) -> str:
    ann = stage.desk("ann")
    ann.draft(SOMEBODY, PLAN)
    found = ann.act(SOMEBODY, PLAN.campaign_id, "submit", views.ActBody())
    approval = views.ActBody(digest=found.digest)
    no = _refused(lambda: ann.act(SOMEBODY, PLAN.campaign_id, "approve", approval))
    early = _refused(lambda: ann.act(SOMEBODY, PLAN.campaign_id, "start", views.ActBody()))
    must(bool(early), "it started without approval")
    stage.desk("bob").act(SOMEBODY, PLAN.campaign_id, "approve", approval)
    return f"ann may not ({no}); bob has approved plan {found.digest[:12]}"


def _refused(act: Callable[[], object]) -> str:
    """Why somebody may not.

    Raises:
        RefusedError: they may.
    """
    try:
        act()
    except (RefusedError, TrustError, InputError) as error:
        return str(error)
    raise RefusedError("it was let happen")


def _canaries(stage: Stage) -> str:
    stage.desk("ann").act(SOMEBODY, PLAN.campaign_id, "start", views.ActBody())
    found = _follow(stage, PLAN.campaign_id, lambda one: one.waves[1].open or one.phase in ENDED)
    must(found.phase is Phase.RUNNING, f"{found.phase}: {found.reason}")
    must(found.waves[0].good == 2, f"{found.waves[0].good} canaries are good")
    return "two canaries run it, were watched and rested; the next wave is open"


def _killed(stage: Stage) -> str:
    cars = Followed(stage.folder / "cars.out")
    _follow(stage, PLAN.campaign_id, lambda _: bool(_at_work(cars)))
    at_work = _at_work(cars)
    stage.kill("cars")
    before = stage.desk("ann").campaign(SOMEBODY, PLAN.campaign_id)
    stage.kill("server")
    stage.serve()
    after = stage.desk("ann").campaign(SOMEBODY, PLAN.campaign_id)
    same = (after.told, after.phase, after.waves) == (before.told, before.phase, before.waves)
    must(same, "the campaign is another than before")
    stage.park()
    return (
        f"with {before.in_flight} cars at it, {', '.join(at_work)} in the midst of writing or"
        " switching units; the server lost nothing"
    )


def _at_work(cars: Followed) -> list[str]:
    return [one.car for one in cars.newest().values() if one.phase in AT_WORK]


def _good(stage: Stage) -> str:
    found = _follow(stage, PLAN.campaign_id, lambda one: one.phase in ENDED)
    must(found.phase is Phase.FINISHED, f"{found.phase}: {found.reason}")
    must(found.good == CARS and found.told == CARS, f"{found.good} good, {found.told} told")
    _run(stage, stage.vehicles, GOOD)
    _one_wave_after_the_other(stage, found)
    return f"all {CARS} run volant-1, each told once, no wave before the one ahead of it was good"


def _one_wave_after_the_other(stage: Stage, campaign: views.CampaignView) -> None:
    """The audit log tells nobody of a wave before the wave has opened."""
    page = stage.desk("ann").tasks(SOMEBODY, campaign.campaign, limit=PAGE)
    wave_of = {one.car: one.wave for one in page.tasks}
    names = [one.name for one in campaign.waves]
    opened = 0
    for line in reversed(stage.desk("ann").audit(SOMEBODY, limit=PAGE)):
        if line.act == "advance" and line.about == campaign.campaign:
            opened = msgspec.convert(line.data["wave"], int)
        elif line.act == "tell" and line.data.get("campaign") == campaign.campaign:
            place = names.index(wave_of[line.about])
            must(place <= opened, f"{line.about} of wave {names[place]} was told too early")


def _run(stage: Stage, vehicles: Sequence[str], version: Version) -> None:
    """Cars have told by their units' signed words that they run a version."""
    wanted = {unit: f"{unit}-{version.release}.img" for unit in version.units}
    runs = {one.car: one.runs for one in _cars(stage)}
    for vehicle in vehicles:
        found = {unit: runs[vehicle].get(unit, "") for unit in wanted}
        must(
            all(wanted[unit] in (name, name.split("/")[-1]) for unit, name in found.items()),
            f"{vehicle} runs {found}, expected {wanted}",
        )


def _delta(stage: Stage) -> str:
    """Asked for by the campaign that waits for approval, the server makes it from what the cars run."""
    ann = stage.desk("ann")
    ann.draft(SOMEBODY, BAD_PLAN)
    ann.act(SOMEBODY, BAD_PLAN.campaign_id, "submit", views.ActBody())
    end_s = time.monotonic() + UP_S
    while not (made := _made(stage)):
        must(time.monotonic() < end_s, f"none after {UP_S:.0f} s")
        time.sleep(LOOK_S)
    (delta,) = made
    must(delta.cars == CARS, f"it is for {delta.cars} cars")
    whole = (stage.folder / f"pilot-{BAD.release}.img").stat().st_size
    return f"{delta.length} bytes in place of {whole}, from what {delta.cars} cars run"


def _made(stage: Stage) -> list[views.DeltaView]:
    return [one for one in stage.desk("ann").deltas(SOMEBODY) if one.state == "made"]


def _bad(stage: Stage) -> str:
    ann, name = stage.desk("ann"), BAD_PLAN.campaign_id
    digest = ann.campaign(SOMEBODY, name).digest
    stage.desk("bob").act(SOMEBODY, name, "approve", views.ActBody(digest=digest))
    ann.act(SOMEBODY, name, "start", views.ActBody())
    found = _follow(stage, name, lambda one: one.phase in ENDED and not one.in_flight)
    must(found.phase is Phase.HALTED, f"{found.phase}, expected halted: {found.reason}")
    must(found.errors <= found.most_errors, f"{found.errors} in error, {found.most_errors} at most")
    _run(stage, stage.vehicles, GOOD)
    (failure, *more) = ann.failures(SOMEBODY, name)
    must(not more and failure.cars == found.errors, "the cars went back for several reasons")
    must("new trouble codes" in failure.reason, f"they went back, but: {failure.reason}")
    lines = Followed(stage.folder / "cars.out").all()
    came = {one.size_bytes for one in lines if one.title == BAD_PLAN.title} - {0}
    must(came == {one.length for one in _made(stage)}, f"cars fetched {came} bytes, not the delta")
    return f"it halted itself after {found.errors} cars, which run volant-1 again: {failure.reason}"


def _spared(stage: Stage) -> str:
    page = stage.desk("ann").tasks(SOMEBODY, BAD_PLAN.campaign_id, limit=PAGE)
    told = [one.car for one in page.tasks if one.attempt]
    spared = [one.car for one in page.tasks if one.state is CarState.WAITING]
    must(len(told) + len(spared) == CARS, f"{len(told)} told, {len(spared)} not")
    installed = Followed(stage.folder / "cars.out").all()
    wrong = [one.car for one in installed if one.title == BAD_PLAN.title and one.car not in told]
    must(not wrong, f"{', '.join(wrong)} got it all the same")
    body = views.ActBody(reason="volant-2 takes sound sensors for broken ones")
    found = stage.desk("bob").act(SOMEBODY, BAD_PLAN.campaign_id, "stop", body)
    must(found.phase is Phase.STOPPED, f"it is {found.phase}")
    return f"{len(spared)} of {CARS} cars never heard of it; bob has stopped it for good"


def _recorded(stage: Stage) -> str:
    ann = stage.desk("ann")
    for plan in (PLAN, BAD_PLAN):
        told = ann.report(SOMEBODY, plan.campaign_id)
        must(bool(told.files and told.acts), f"the report of {plan.campaign_id} is empty")
        path = stage.folder / f"report-{plan.campaign_id}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(told)))
    lines = ann.check_audit(SOMEBODY).lines
    must(lines > 2 * CARS, f"{lines} lines of audit")
    return f"two reports; {lines} lines of audit log, none changed or missing"


STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("a fleet with keys, two people and a server", _founded),
    ("ten cars join, each by a code, and stand parked", _joined),
    ("two releases are published", _published),
    ("a second person approves", _approved),
    ("canaries first", _canaries),
    ("server and cars are killed in the middle, and start again", _killed),
    ("wave after wave, all cars are updated", _good),
    ("a delta is made for the next update", _delta),
    ("a bad update: cars go back, it stops itself", _bad),
    ("the other cars were never told", _spared),
    ("reports and the audit log", _recorded),
)


def _follow(
    stage: Stage, campaign: str, until: Callable[[views.CampaignView], bool]
) -> views.CampaignView:
    """Show a campaign and its cars until something is so.

    Raises:
        RefusedError: it is not, after a long time.
    """
    desk, cars = stage.desk("ann"), Followed(stage.folder / "cars.out")
    end_s = time.monotonic() + END_S
    with Board(quiet=stage.quiet) as board:
        while True:
            found = desk.campaign(SOMEBODY, campaign)
            tasks = desk.tasks(SOMEBODY, campaign, limit=PAGE).tasks
            board.show(found, tasks, cars.newest(), _cars(stage))
            if until(found):
                return found
            if time.monotonic() > end_s:
                raise RefusedError(f"{campaign} is {found.phase} after {END_S:.0f} s")
            time.sleep(LOOK_S)
