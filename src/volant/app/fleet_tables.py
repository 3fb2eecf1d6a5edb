"""What `volant fleet` prints of the fleet's views, as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from volant.app.fleet_acts import said, short, when
from volant.app.say import answer, table
from volant.cloud import views


def say_campaigns(found: Sequence[views.CampaignLine]) -> None:
    """A list of campaigns."""
    if not found:
        answer("no campaign yet: volant fleet campaign FLEET draft NAME --plan FILE")
        return
    rows = [
        (
            one.campaign, one.phase, one.wave or "-", *_counts(one), one.release, one.title,
        )
        for one in found
    ]  # fmt: skip
    heads = ("campaign", "phase", "wave", "cars", "good", "errors", "at it", "release", "title")
    table("", heads, rows)


def _counts(one: views.CampaignLine) -> tuple[str, ...]:
    """Cars, good ones, errors, at it; before its start nobody knows."""
    if not one.cars:
        return ("-",) * 4
    return str(one.cars), str(one.good), str(one.errors), str(one.in_flight)


def say_campaign(found: views.CampaignView, failures: Sequence[views.FailureView] = ()) -> None:
    """One campaign with its waves, its health, its failures, and what one may do."""
    why = f" ({found.reason})" if found.reason else ""
    answer(f"{found.campaign}: {found.phase}, revision {found.revision}{why}")
    answer(f"plan {found.digest}")
    table("", WAVE_HEADS, wave_rows(found))
    if found.health:
        table("", HEALTH_HEADS, health_rows(found))
    if failures:
        say_failures(failures)
    able = [one.verb for one in found.verbs if not one.why_not]
    answer(f"you may: {', '.join(able) or 'nothing but look'}")
    for verbs, why_not in _refusals(found):
        answer(f"  not {', '.join(verbs)}: {why_not}")


def _refusals(found: views.CampaignView) -> list[tuple[list[str], str]]:
    """Verbs that are not possible now with why not; those with one cause together."""
    groups: dict[str, list[views.VerbView]] = {}
    for one in found.verbs:
        if one.why_not:
            cause = one.why_not
            if cause.startswith(f"it is {found.phase}"):
                cause = f"it is {found.phase}"
            groups.setdefault(cause, []).append(one)
    return [
        ([one.verb for one in some], cause if len(some) > 1 else some[0].why_not)
        for cause, some in groups.items()
    ]


WAVE_HEADS = ("wave", "", "cars", "good", "errors", "now")


def wave_rows(found: views.CampaignView) -> list[tuple[str, ...]]:
    """Waves as they are."""
    return [
        (
            one.name,
            "open" if one.open else "",
            str(one.size) if found.cars else "-",
            _good(found, one),
            f"{one.errors}, {one.errors_limit} stop it" if found.cars else "-",
            ", ".join(f"{count} {state}" for state, count in one.cars.items())
            + (f"; rests until {when(one.rest_until_s)}" if one.rest_until_s else ""),
        )
        for one in found.waves
    ]


def _good(found: views.CampaignView, one: views.WaveView) -> str:
    if not found.cars:
        return "-"
    opens = one.open and one is not found.waves[-1]
    return f"{one.good}, opens the next at {one.good_wanted}" if opens else str(one.good)


HEALTH_HEADS = ("signal", "usual", "found", "over", "evidence")


def health_rows(found: views.CampaignView) -> list[tuple[str, ...]]:
    """Rates of health as they are."""
    return [
        (
            one.signal, f"{one.usual_rate:g} per {one.per}", f"{one.rate:.3g} per {one.per}",
            f"{one.amount:g} {one.per}", f"{one.evidence_share:.0%}",
        )
        for one in found.health
    ]  # fmt: skip


def say_failures(found: Sequence[views.FailureView]) -> None:
    """Cars grouped by reason."""
    rows = [(str(one.cars), one.state, one.reason, ", ".join(one.examples)) for one in found]
    table("", ("cars", "state", "reason", "such as"), rows)


def say_cars(page: views.CarsPage) -> None:
    """A page of cars, and how to see the next."""
    if not page.total:
        answer("no car yet: volant fleet admit FLEET CAR")
        return
    if not page.cars:
        answer(f"none of {page.total} cars is so")
        return
    rows = [
        (one.car, ", ".join(one.groups) or "-", one.protocol, when(one.seen_s), _runs(one) or "-")
        for one in page.cars
    ]
    table("", ("car", "groups", "speaks", "heard (UTC)", "runs"), rows)
    more = f"; more: --after {page.next}" if page.next else ""
    answer(f"{len(page.cars)} shown of {page.total} in the fleet{more}")


def say_car(found: views.CarView) -> None:
    """One car."""
    answer(f"{found.car}: {found.protocol}, heard {when(found.seen_s)} UTC")
    answer(f"groups: {', '.join(found.groups) or 'none'}")
    if found.runs:
        table("", ("unit", "runs"), list(found.runs.items()))
    if found.attributes:
        table("", ("it says of itself", ""), sorted(found.attributes.items()))
    if found.tasks:
        rows = [
            (one.campaign, one.wave, str(one.state), str(one.attempt), one.reason)
            for one in found.tasks
        ]
        table("", ("campaign", "wave", "state", "try", "said"), rows)
    if found.history:
        history = [(when(one.at_s), one.unit, one.before, one.after) for one in found.history]
        table("", ("UTC", "unit", "before", "after"), history)
    for unit, attack in found.attacks.items():
        answer(f"{unit} noticed an attack: {attack}")
    if found.refused:
        answer(f"{found.refused} manifests were not believed; the last: {found.why_refused}")


def say_releases(found: Sequence[views.ReleaseView]) -> None:
    """Releases with their files."""
    if not found:
        answer("no release yet: volant fleet publish FLEET NAME FILE --version VERSION")
        return
    rows = [
        (
            one.release,
            one.version,
            when(one.made_s),
            one.by,
            file.name,
            file.hardware or "-",
            short(file.sha256),
        )
        for one in found
        for file in one.files
    ]
    table("", ("release", "version", "made (UTC)", "by", "file", "for", "SHA-256"), rows)


def say_fit(found: views.FitView) -> None:
    """How a release fits."""
    answer(f"{found.able} cars can have it, {found.already} have it already")
    if found.unable:
        rows = [(str(count), reason) for reason, count in found.unable.items()]
        table("", ("cars", "why not"), rows)


def say_people(found: Sequence[views.PersonView]) -> None:
    """Everybody with a token."""
    if not found:
        answer("nobody has a token yet: volant fleet token FLEET NAME --role operator")
        return
    rows = [
        (
            one.name,
            one.role,
            when(one.made_s),
            when(one.expires_s) if one.expires_s is not None else "never",
            f"taken back {when(one.revoked_s)}" if one.revoked_s is not None else "",
        )
        for one in found
    ]
    table("", ("name", "role", "since (UTC)", "expires (UTC)", ""), rows)


def say_audit(found: Sequence[views.AuditLine]) -> None:
    """Lines of the audit log, the oldest first."""
    if not found:
        answer("nothing was done yet")
        return
    rows = [
        (str(one.number), when(one.at_s), one.by, one.act, one.about, said(one))
        for one in reversed(found)
    ]
    table("", ("line", "UTC", "by", "did", "about", "what it says"), rows)


def _runs(one: views.CarLine) -> str:
    return ", ".join(f"{unit} {what}" for unit, what in one.runs.items())
