"""`volant journal info` and `volant journal plot`: what a recorded drive holds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from volant.app.exits import Exit
from volant.app.pictures import draw_picture
from volant.app.say import answer, answer_json, table
from volant.core.errors import InputError
from volant.wire.journal import JournalInfo, journal_info, read_series

PANELS: Final = (
    (
        "speed, km/h",
        3.6,
        {
            "car/state.speed_mps": "driven",
            "pilot/plan.target_speed_mps": "planned",
            "pilot/plan.limit_mps": "limit",
        },
    ),
    ("gap ahead, m", 1.0, {"pilot/plan.gap_m": "as planned with"}),
    (
        "acceleration, m/s²",
        1.0,
        {"world/ego.accel_mps2": "driven", "car/command.accel_mps2": "commanded"},
    ),
    ("left of lane centre, m", 1.0, {"pilot/localization.offset_m": "as the pilot believes"}),
    ("charge, %", 1.0, {"car/state.charge_pct": "as shown"}),
)
"""Heading, factor from SI, and the fields of each panel of the plot with their words."""


def info_command(file: Path, *, as_json: bool) -> Exit:
    """Show what a journal holds."""
    info = journal_info(file)
    if as_json:
        answer_json(info)
        return Exit.DONE
    header = info.header
    rows = [
        ("file", info.path),
        ("whole", "yes" if info.complete else "no: its end is missing"),
        ("sound", _sound(info)),
        ("recorded", f"{header.wall_time} on {header.host} by volant {header.volant}"),
        ("drive", f"{header.car} on {header.road}, seed {header.seed}"),
        ("length", f"{info.duration_s:.2f} s, {info.messages} messages, {info.bytes / 1e6:.1f} MB"),
        ("hash", info.sha256),
        *(("damaged", f"{info.damaged} chunks or messages") for _ in range(info.damaged > 0)),
        *(("unknown", f"{info.unknown} messages") for _ in range(info.unknown > 0)),
        *(_summary(info)),
    ]
    table("Journal", ("", ""), rows)
    counts = [(one.topic, str(one.messages), f"{one.rate_hz:.1f}") for one in info.topics]
    table("Topics", ("topic", "messages", "per second"), counts)
    return Exit.DONE


def _summary(info: JournalInfo) -> list[tuple[str, str]]:
    wanted = ("reason", "distance_m", "contacts", "interventions")
    return [(key, _rounded(info.summary[key])) for key in wanted if key in info.summary]


def _rounded(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _sound(info: JournalInfo) -> str:
    if not info.complete:
        return "cannot be told (the file has no end)"
    return "yes" if info.sound else "no: not the hash that its writer noted"


def plot_command(file: Path, out: Path | None) -> Exit:
    """Draw a journal into a picture."""
    target = out or file.with_name(file.name.removesuffix(".part")).with_suffix(".png")
    fields = [field for _, _, names in PANELS for field in names]
    found = {one.field: one for one in read_series(file, fields)}
    if not any(one.time_s for one in found.values()):
        raise InputError("holds nothing to draw", file=str(file))
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(len(PANELS), 1, sharex=True, figsize=(10, 11), dpi=110)
    for axes, (heading, factor, names) in zip(panels, PANELS, strict=True):
        for name, words in names.items():
            one = found.get(name)
            if one is not None and any(map(math.isfinite, one.value)):
                values = [value * factor for value in one.value]
                axes.plot(one.time_s, values, label=words, linewidth=1.1)
        axes.set_ylabel(heading)
        axes.grid(visible=True, alpha=0.3)
        if axes.has_data() and axes.get_legend_handles_labels()[0]:
            beside = (1.01, 1.0)
            axes.legend(loc="upper left", bbox_to_anchor=beside, fontsize="small", frameon=False)
    panels[-1].set_xlabel("time since boot, s")
    figure.align_ylabels(panels)
    figure.suptitle(file.name)
    figure.tight_layout()
    draw_picture(target, figure.savefig)
    plt.close(figure)
    answer(str(target))
    return Exit.DONE
