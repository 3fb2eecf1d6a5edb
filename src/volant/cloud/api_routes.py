"""The routes of the management API: each a thin skin over one method of the desk."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Response, Router, delete, get, post, put
from litestar.background_tasks import BackgroundTask
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter

from volant.cloud import views
from volant.cloud.api_guard import Guard, Req
from volant.cloud.audit import HEAD_MOST_BYTES
from volant.cloud.campaigns import CarState, Plan
from volant.cloud.desk import Desk
from volant.cloud.looking import PAGE, PAGE_MOST
from volant.cloud.people import Person
from volant.core.errors import InputError, TrustError

WRONG: Final[dict[int, ResponseSpec]] = {
    code: ResponseSpec(views.ErrorView, description=words, generate_examples=False)
    for code, words in {
        400: "What was asked makes no sense",
        401: "No token, or one that is not good",
        403: "The person's role does not let them",
        404: "There is none of that name",
        409: "Not now: somebody has acted meanwhile, or the state does not allow it",
        429: "Too many wrong tokens came from this address",
        503: "The database is away, or too many ask at once",
    }.items()
}
CampaignName = Annotated[str, PathParameter(max_length=128, description="The campaign.")]
CarName = Annotated[str, PathParameter(max_length=128, description="The car's id.")]
ReleaseName = Annotated[str, PathParameter(max_length=128, description="The release.")]
PersonName = Annotated[str, PathParameter(max_length=128, description="Whose token.")]
Verb = Annotated[str, PathParameter(max_length=16, description="What to do with it.")]
Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MOST, description="How many at most.")]
After = Annotated[str, QueryParameter(max_length=128, description="`next` of the page before.")]
Wanted = Annotated[str, QueryParameter(name="filter", description="Filter of cars; empty: all.")]


def _guard(request: Req) -> Guard:
    found: Guard = request.app.state.guard
    return found


@get("/me", summary="Who asks", responses=WRONG)
async def me(request: Req) -> views.MeView:
    """Name, role and rights of the person whose token it is."""
    return await _guard(request).answer(request, lambda desk, who: desk.me(who))


@get("/fleet", summary="The whole fleet in a few numbers", responses=WRONG)
async def fleet(request: Req) -> Response[views.FleetView]:
    """Counts of cars, of those heard lately, of releases and campaigns, and where the audit log stands."""
    guard = _guard(request)
    found = await guard.answer(request, lambda desk, who: desk.overview(who))
    # All cars are looked at to count those that were heard: after the answer, for the next one.
    again = BackgroundTask(guard.in_thread, guard.desk.count_heard, heavy=True)
    return Response(found, background=again if guard.desk.heard_is_old else None)


@get("/campaigns", summary="All campaigns", responses=WRONG)
async def campaigns(request: Req) -> list[views.CampaignLine]:
    """The newest first."""
    return await _guard(request).answer(request, lambda desk, who: desk.campaigns(who))


@post("/campaigns", summary="Write a new campaign", responses=WRONG)
async def draft(request: Req, data: JSONBody[Plan]) -> views.CampaignView:
    """It is a draft until it is submitted; a second person approves it before it starts."""
    return await _guard(request).answer(request, lambda desk, who: desk.draft(who, data))


@get("/campaigns/{campaign:str}", summary="One campaign", responses=WRONG)
async def campaign(request: Req, campaign: CampaignName) -> views.CampaignView:
    """Its plan, its waves as they are now, and what the person who asks may do with it, or why not."""
    return await _guard(request).answer(request, lambda desk, who: desk.campaign(who, campaign))


@put("/campaigns/{campaign:str}/plan", summary="Put another plan in place", responses=WRONG)
async def change(
    request: Req,
    campaign: CampaignName,
    data: JSONBody[Plan],
    revision: Annotated[
        int | None, QueryParameter(ge=0, description="Refused if not the last.")
    ] = None,
) -> views.CampaignView:
    """Only before it has begun; whoever changes a plan does not approve it either."""
    return await _guard(request).answer(
        request, lambda desk, who: desk.change(who, campaign, data, revision)
    )


@post(
    "/campaigns/{campaign:str}/{verb:str}", status_code=200, summary="Act on a campaign",
    responses=WRONG,
)  # fmt: skip
async def act(
    request: Req, campaign: CampaignName, verb: Verb, data: JSONBody[views.ActBody | None] = None
) -> views.CampaignView:
    """`submit`, `approve`, `start`, `pause`, `resume`, `stop` or `retry`."""
    body = data or views.ActBody()
    return await _guard(request).answer(
        request, lambda desk, who: desk.act(who, campaign, verb, body)
    )


@get("/campaigns/{campaign:str}/cars", summary="Cars of a campaign", responses=WRONG)
async def tasks(
    request: Req,
    campaign: CampaignName,
    only: Annotated[
        CarState | None, QueryParameter(name="state", description="In this state.")
    ] = None,
    wave: Annotated[str, QueryParameter(description="Only in the wave of this name.")] = "",
    after: After = "",
    limit: Limit = PAGE,
) -> views.TasksPage:
    """A page, by id."""
    return await _guard(request).answer(
        request,
        lambda desk, who: desk.tasks(
            who, campaign, state=only, wave=wave, after=after, limit=limit
        ),
    )


@get("/campaigns/{campaign:str}/failures", summary="Failures by reason", responses=WRONG)
async def failures(request: Req, campaign: CampaignName) -> list[views.FailureView]:
    """Cars in error or not able, grouped by state and reason, the most first."""
    return await _guard(request).answer(request, lambda desk, who: desk.failures(who, campaign))


@get("/campaigns/{campaign:str}/report", summary="A campaign as a record", responses=WRONG)
async def report(request: Req, campaign: CampaignName) -> views.ReportView:
    """What was sent, to whom, when, with which result, and who did what."""
    return await _guard(request).answer(request, lambda desk, who: desk.report(who, campaign))


@get("/cars", summary="Cars", responses=WRONG)
async def cars(
    request: Req, wanted: Wanted = "", after: After = "", limit: Limit = PAGE
) -> views.CarsPage:
    """A page, by id. With a filter it may be short, even empty, and yet have a next one."""
    return await _guard(request).answer(
        request, lambda desk, who: desk.cars(who, wanted=wanted, after=after, limit=limit)
    )


@post("/cars", summary="Let a car in", responses=WRONG)
async def admit(request: Req, data: JSONBody[views.CarBody]) -> views.TokenView:
    """Its token is told once; an older one of the same car is no longer good."""
    if data.uptane:
        return await _guard(request).answer(
            request, lambda desk, who: desk.admit_uptane(who, data.car)
        )
    return await _guard(request).answer(request, lambda desk, who: desk.admit(who, data.car))


@get("/cars/{car:str}", summary="One car", responses=WRONG)
async def car(request: Req, car: CarName) -> views.CarView:
    """What runs on it, what ran before, and its part in each campaign."""
    return await _guard(request).answer(request, lambda desk, who: desk.car(who, car))


@delete("/cars/{car:str}", summary="Let a car out", responses=WRONG)
async def dismiss(request: Req, car: CarName) -> None:
    """Its token is no longer good, and no campaign waits for it."""
    await _guard(request).answer(request, lambda desk, who: desk.dismiss(who, car))


@put("/cars/{car:str}/groups", summary="Put a car into groups", responses=WRONG)
async def groups(request: Req, car: CarName, data: JSONBody[views.GroupsBody]) -> views.CarView:
    """Into these, and out of all others."""
    return await _guard(request).answer(
        request, lambda desk, who: desk.put_groups(who, car, data.groups)
    )


@get("/releases", summary="All releases", responses=WRONG)
async def releases(request: Req) -> list[views.ReleaseView]:
    """The newest first, with their files and hashes."""
    return await _guard(request).answer(request, lambda desk, who: desk.releases(who))


@get("/releases/{release:str}/fit", summary="How a release fits cars", responses=WRONG)
async def fit(
    request: Req,
    release: ReleaseName,
    cars: Annotated[str, QueryParameter(description="Filter of cars; empty: all.")] = "",
) -> views.FitView:
    """Looks at every car of the fleet as it is known now."""
    return await _guard(request).answer(
        request, lambda desk, who: desk.fit(who, release, cars), heavy=True
    )


@get("/releases/{release:str}/ready", summary="Whether a release can be made", responses=WRONG)
async def ready(request: Req, release: ReleaseName) -> views.ReadyView:
    """Asked before its files are sent: whether the name is free, and the keys for images are here."""
    return await _guard(request).answer(request, lambda desk, who: desk.ready(who, release))


@get("/files/{sha256:str}", summary="Whether a file was sent before", responses=WRONG)
async def file(
    request: Req, sha256: Annotated[str, PathParameter(max_length=64, description="In hex.")]
) -> views.FileView:
    """404: no; else a release may name it without that it is sent again."""
    return await _guard(request).answer(request, lambda desk, who: desk.file(who, sha256))


@put("/releases/{release:str}", summary="Make a release", responses=WRONG)
async def publish(
    request: Req, release: ReleaseName, data: JSONBody[views.ReleaseBody]
) -> views.ReleaseView:
    """Of files that were sent before; a release is not changed afterwards."""
    return await _guard(request).answer(request, lambda desk, who: desk.publish(who, release, data))


@get("/deltas", summary="Deltas in the making", responses=WRONG)
async def deltas(request: Req) -> list[views.DeltaView]:
    """And made ones, those for the most cars first."""
    return await _guard(request).answer(request, lambda desk, who: desk.deltas(who))


@get("/people", summary="Everybody with a token", responses=WRONG)
async def people(request: Req) -> list[views.PersonView]:
    """By name; those whose token is over, too."""
    return await _guard(request).answer(request, lambda desk, who: desk.people(who))


@post("/people", summary="Give somebody a token", responses=WRONG)
async def invite(request: Req, data: JSONBody[views.PersonBody]) -> views.TokenView:
    """The token is told once."""
    return await _guard(request).answer(
        request, lambda desk, who: desk.invite(who, data.name, data.role, data.expires_s)
    )


@delete("/people/{name:str}", status_code=200, summary="Take a token back", responses=WRONG)
async def uninvite(request: Req, name: PersonName) -> views.PersonView:
    """No server takes it from then on."""
    return await _guard(request).answer(request, lambda desk, who: desk.uninvite(who, name))


@get("/audit", summary="Lines of the audit log", responses=WRONG)
async def audit(
    request: Req,
    before: Annotated[int | None, QueryParameter(ge=1, description="Only lines before it.")] = None,
    limit: Limit = PAGE,
) -> list[views.AuditLine]:
    """The newest first."""
    return await _guard(request).answer(
        request, lambda desk, who: desk.audit(who, before=before, limit=limit)
    )


@get("/audit/check", summary="Check the audit log", responses=WRONG)
async def check_audit(
    request: Req,
    holds: Annotated[
        str,
        QueryParameter(
            max_length=HEAD_MOST_BYTES,
            description="A head kept elsewhere, LINES:HASH or sealed as in a report; empty: none.",
        ),
    ] = "",
) -> views.AuditCheckView:
    """Reads it from its first line to its last; 400 when a line was changed, is missing or was cut off."""

    def check(desk: Desk, who: Person) -> views.AuditCheckView:
        try:
            return desk.check_audit(who, holds)
        except TrustError as error:  # of the log, not of who asks
            raise InputError(str(error)) from error

    return await _guard(request).answer(request, check, heavy=True)


def routes(*more: Any) -> Router:
    """All of them."""
    return Router(
        path="/api/v1",
        route_handlers=[
            me, fleet, campaigns, draft, campaign, change, act, tasks, failures, report, cars,
            admit, car, dismiss, groups, releases, fit, ready, file, publish, deltas, people, invite, uninvite,
            audit, check_audit, *more,
        ],
    )  # fmt: skip
