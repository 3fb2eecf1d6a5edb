"""The report of an examination: one HTML file with tables, plots and, where they are built, replays.

Nothing is loaded from elsewhere: plots are SVG drawn here, the bird's-eye view is the cockpit's own scene
module in one script, and the recorded motion stands in the file, packed.
"""

from __future__ import annotations

import base64
import gzip
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from volant.app.exam_run import ExamAnswer, rows_title, shown_rows
from volant.app.exam_stage import CAR
from volant.app.folders import data_folder
from volant.core.settings import find_data
from volant.sim.exam import CaseResult, Figures, Replay
from volant.vehicle import load_spec

SCRIPT: Final = Path(__file__).resolve().parents[1] / "static" / "exam" / "replay.js"
_WIDE, _HIGH, _EDGE = 560, 90, 34
_CURVES: Final = (
    (3, "speed", "m/s", 1.0),
    (4, "acceleration", "m/s²", 1.0),
    (5, "lateral acceleration", "m/s²", 1.0),
    (7, "gap ahead", "m", 1.0),
)
_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #6a737d; --line: #d0d7de;
  --good: #1a7f37; --bad: #cf222e; --curve: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #8b949e;
  --line: #30363d; --good: #3fb950; --bad: #f85149; --curve: #58a6ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
details { border-bottom: 1px solid var(--line); padding: .3rem 0; } summary { cursor: pointer; }
.good { color: var(--good); } .bad { color: var(--bad); } .soft { color: var(--soft); }
svg { display: block; margin: .4rem 0; } svg text { fill: var(--soft); font-size: 11px; }
svg .curve { fill: none; stroke: var(--curve); stroke-width: 1.5; }
svg .axis { stroke: var(--line); }
#theatre { margin: 1rem 0; } #theatre canvas { width: 100%; aspect-ratio: 16 / 9; display: block;
  border-radius: 10px; } #theatre .told { margin: .4rem 0; font-variant-numeric: tabular-nums; }
#theatre .bar { display: flex; gap: .6rem; align-items: center; flex-wrap: wrap; }
#theatre input { flex: 1 1 12rem; accent-color: var(--curve); }
button, select { font: inherit; color: inherit; background: var(--paper); padding: .2rem .7rem;
  border: 1px solid var(--line); border-radius: 6px; cursor: pointer; }
#theatre select[title=Case] { max-width: 24rem; } #theatre button { min-width: 5rem; }
"""


def write_report(path: Path, answer: ExamAnswer, results: Sequence[CaseResult], seed: int) -> None:
    """Write the report of a suite's results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(answer, results, seed), encoding="utf-8")


def _page(answer: ExamAnswer, results: Sequence[CaseResult], seed: int) -> str:
    title = f"{answer.suite}: {answer.driver}"
    script = SCRIPT.read_text(encoding="utf-8") if SCRIPT.is_file() else ""
    about = (
        f"{answer.sensors} sensors, seed {seed}, Volant {answer.version};"
        f" {answer.distance_m / 1000:.1f} km in {answer.wall_s:.0f} s"
    )
    ordered = sorted(results, key=lambda result: (result.passed, result.kind, result.name))
    drawn = [result for result in ordered if result.replay is not None and result.replay.road]
    films = {result.name: number for number, result in enumerate(drawn if script else ())}
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>",
        f"<h1>{html.escape(title)}</h1>",
        f"<p class=soft>{about}</p>",
        _summary(answer, results),
        "<h2>Replay</h2><div id=theatre tabindex=0></div>" if films else "",
        "<h2>Cases</h2>",
        *(_case(result, films.get(result.name)) for result in ordered),
    ]
    if films:
        parts.append(f"<script id=packed type=text/plain>{_packed(drawn)}</script>")
        closed = script.replace("</script", "<\\/script")
        parts.append(f"<script type=module>{closed}</script>")
    return "\n".join(parts) + "\n"


def _summary(answer: ExamAnswer, results: Sequence[CaseResult]) -> str:
    rows = []
    for kind in sorted({result.kind for result in results}):
        held = [result for result in results if result.kind == kind]
        rows.append((kind, sum(result.passed for result in held), len(held)))
    rows.append(("all", answer.passed, answer.cases))
    body = "".join(
        f"<tr><td>{html.escape(kind)}<td class={'good' if good == total else 'bad'}>{good}<td>{total}"
        for kind, good, total in rows
    )
    more = "".join(
        f"<tr><td>{html.escape(key)}<td>{value:g}<td>" for key, value in answer.table.items()
    )
    contacts = f"<p>Contacts at fault: <b>{answer.contacts_at_fault}</b></p>"
    whole = f"{contacts}<table><tr><th>kind<th>passed<th>of</tr>{body}{more}</table>"
    return whole + (_by_kind(answer) if answer.rows else "")


def _by_kind(answer: ExamAnswer) -> str:
    headings, rows = shown_rows(answer)
    head = "".join(f"<th>{html.escape(name)}" for name in headings)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in row) for row in rows)
    title = rows_title(answer).capitalize()
    return f"<h2>{title}</h2><table><tr>{head}</tr>{body}</table>"


def _case(result: CaseResult, film: int | None) -> str:
    word = "<b class=good>passed</b>" if result.passed else "<b class=bad>failed</b>"
    reasons = "".join(f"<li class=bad>{html.escape(reason)}" for reason in result.reasons)
    view = "" if film is None else f"<button data-watch={film}>Watch</button>"
    if result.replay is not None:
        view += _plots(result.replay)
    table = "" if result.figures is None else _figures(result.figures)
    return (
        f"<details><summary>{html.escape(result.name)} <span class=soft>{result.kind}</span> {word}"
        f"</summary><ul>{reasons}</ul>{view}{table}</details>"
    )


def _figures(figures: Figures) -> str:
    held: dict[str, Any] = msgspec.to_builtins(figures)
    rows = "".join(
        f"<tr><td>{name}<td>{'-' if value is None else format(value, '.2f')}"
        for name, value in held.items()
    )
    return f"<details><summary class=soft>figures</summary><table>{rows}</table></details>"


def _plots(replay: Replay) -> str:
    plots = []
    for column, name, unit, scale in _CURVES:
        points = [
            (stamp, scale * row[column])
            for stamp, row in zip(replay.stamps_s, replay.ego, strict=True)
            if column != 7 or row[column] >= 0.0
        ]
        if len(points) > 1:
            plots.append(_plot(points, f"{name} ({unit})", replay.stamps_s[-1]))
    return "".join(plots)


def _plot(points: Sequence[tuple[float, float]], name: str, end_s: float) -> str:
    low, high = min(value for _, value in points), max(value for _, value in points)
    low, high = min(low, 0.0), max(high, low + 0.5)
    across = (_WIDE - _EDGE) / max(end_s, 0.1)
    up = (_HIGH - 20) / (high - low)
    drawn = " ".join(
        f"{_EDGE + stamp * across:.1f},{_HIGH - 6 - (value - low) * up:.1f}"
        for stamp, value in points
    )
    zero = _HIGH - 6 + low * up
    return (
        f'<svg width={_WIDE} height={_HIGH} role=img aria-label="{html.escape(name)}">'
        f"<line class=axis x1={_EDGE} x2={_WIDE} y1={zero:.1f} y2={zero:.1f} />"
        f"<text x={_EDGE} y=10>{html.escape(name)}</text><text x=0 y=24>{high:.1f}</text>"
        f'<text x=0 y={_HIGH - 4}>{low:.1f}</text><polyline class=curve points="{drawn}" /></svg>'
    )


def _packed(results: Sequence[CaseResult]) -> str:
    """The motion and the roads of the cases that are drawn: JSON, gzip, base64; each road once."""
    spec = load_spec(find_data("cars", CAR, data_folder()))
    roads: dict[bytes, int] = {}
    films: list[dict[str, Any]] = []
    for result in results:
        if (replay := result.replay) is None:
            continue
        films.append(
            {
                "name": result.name,
                "kind": result.kind,
                "passed": result.passed,
                "reasons": result.reasons,
                "length_m": spec.length_m,
                "width_m": spec.width_m,
                "rear_overhang_m": spec.rear_overhang_m,
                **msgspec.to_builtins(replay),
                "road": roads.setdefault(replay.road, len(roads)),
            }
        )
    packed = {"roads": [base64.b64encode(road).decode() for road in roads], "films": films}
    return base64.b64encode(gzip.compress(msgspec.json.encode(packed), 6, mtime=0)).decode()
