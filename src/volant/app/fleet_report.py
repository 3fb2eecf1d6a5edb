"""A campaign's record as one HTML file: nothing is loaded from elsewhere, nothing runs in it, and it prints well."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from volant.app.fleet_acts import said, short, when
from volant.app.fleet_tables import HEALTH_HEADS, WAVE_HEADS, health_rows, wave_rows
from volant.app.say import answer, table
from volant.cloud import views
from volant.core.errors import InputError

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #57606a; --line: #d0d7de; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9198a1;
  --line: #30363d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; } td, th { padding: .2rem .8rem .2rem 0;
  text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
td:last-child { overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; white-space: pre-wrap; }
.soft { color: var(--soft); }
"""


def write_html(path: Path, found: views.ReportView) -> None:
    """Write a report.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        path.write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=str(path)) from error


def say_report(found: views.ReportView) -> None:
    """Print a report as text."""
    campaign = found.campaign
    answer(f"{campaign.title}: {campaign.phase}{_why(campaign, ' (', ')')}")
    table("", ("", ""), summary_rows(found))
    table("", FILE_HEADS, [(*row[:-1], short(row[-1])) for row in file_rows(found)])
    table("", WAVE_HEADS, wave_rows(campaign))
    if campaign.health:
        table("", HEALTH_HEADS, health_rows(campaign))
    if found.failures:
        table("", FAILURE_HEADS, failure_rows(found))
    table("", ACT_HEADS, act_rows(found))
    answer(f"plan {campaign.digest}")
    answer(head_words(found))


def page(found: views.ReportView) -> str:
    """The report as HTML; all that cars and people have said is text in it."""
    campaign = found.campaign
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>{_text(campaign.title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{_text(campaign.title)}</h1>",
        (
            f"<p>Campaign <code>{_text(campaign.campaign)}</code> is {_text(campaign.phase)}"
            f"{_text(_why(campaign, ': ', ''))}</p>"
        ),
        _table((), summary_rows(found)),
        "<h2>What was sent</h2>",
        _table(FILE_HEADS, file_rows(found)),
        "<h2>To whom, and with which result</h2>",
        _table(WAVE_HEADS, wave_rows(campaign)),
    ]
    if campaign.health:
        parts += ["<h2>Health</h2>", _table(HEALTH_HEADS, health_rows(campaign))]
    parts += ["<h2>Failures</h2>", _table(FAILURE_HEADS, failure_rows(found))]
    parts += ["<h2>Who did what</h2>", _table(ACT_HEADS, act_rows(found))]
    plan = msgspec.json.format(msgspec.json.encode(campaign.plan), indent=2).decode()
    parts += [
        "<h2>The plan that was approved</h2>" if campaign.approved_by else "<h2>The plan</h2>",
        f"<p>SHA-256 <code>{_text(campaign.digest)}</code></p><pre>{_text(plan)}</pre>",
        (
            f"<p class='soft'>{_text(head_words(found))} "
            "Contents after UN R156, 7.1.1, recalled.</p></body></html>"
        ),
    ]
    return "\n".join(parts)


FILE_HEADS: Final = ("file", "for", "bytes", "SHA-256")
FAILURE_HEADS: Final = ("cars", "state", "reason", "such as")
ACT_HEADS: Final = ("line", "UTC", "by", "did", "what it says")


def head_words(found: views.ReportView) -> str:
    """Where the audit log stood, and how that is held against it later."""
    return (
        f"The audit log had {found.audit_lines} lines when this was made; the last has the hash "
        f"{found.audit_digest}. That none was cut off since then shows: "
        f"volant fleet audit FLEET --holds {found.audit_lines}:{found.audit_digest}"
    )


def _why(campaign: views.CampaignView, before: str, after: str) -> str:
    return f"{before}{campaign.reason}{after}" if campaign.reason else ""


def summary_rows(found: views.ReportView) -> list[tuple[str, ...]]:
    """What, by whom, when, in a few lines."""
    campaign = found.campaign
    return [
        ("release", campaign.release),
        ("cars", campaign.plan.cars or "all"),
        ("written by", ", ".join(campaign.authors)),
        ("submitted by", campaign.asked_by or "-"),
        ("approved by", campaign.approved_by or "-"),
        ("begun (UTC)", when(found.begun_s)),
        ("ended (UTC)", when(found.ended_s)),
        ("cars in it", str(campaign.cars)),
        ("good", str(campaign.good)),
        ("in error", str(campaign.errors)),
        ("tries told", str(campaign.told)),
    ]


def file_rows(found: views.ReportView) -> list[tuple[str, ...]]:
    """Files with their hashes."""
    return [(one.name, one.hardware, str(one.length), one.sha256) for one in found.files]


def failure_rows(found: views.ReportView) -> list[tuple[str, ...]]:
    """Cars by reason."""
    return [
        (str(one.cars), one.state, one.reason, ", ".join(one.examples)) for one in found.failures
    ]


def act_rows(found: views.ReportView) -> list[tuple[str, ...]]:
    """Lines of the audit log."""
    return [(str(one.number), when(one.at_s), one.by, one.act, said(one)) for one in found.acts]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th scope='col'>{_text(one)}</th>" for one in heads)
    lines = ["<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    if not lines:
        return "<p class='soft'>None.</p>"
    top = f"<thead><tr>{head}</tr></thead>" if heads else ""
    return f"<table>{top}<tbody>{''.join(lines)}</tbody></table>"


def _text(words: object) -> str:
    return html.escape(str(words))
