"""`volant signals`: the tree as the next car has it, and the values of the one that is up."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from volant.app.exits import Exit
from volant.app.power_socket import ask_car, door_of
from volant.app.say import answer, answer_json, table, tell
from volant.app.signal_files import import_release, unknown_signal, whole_catalogue
from volant.app.signal_line import SignalClient
from volant.caros.signals.line import shown
from volant.caros.signals.sinks import SINKS
from volant.core.errors import InputError, LinkError, RefusedError
from volant.core.messages import PowerState
from volant.wire.vss import Catalogue, Leaf

SHOWN_ALLOWED: Final = 6


def list_command(pattern: str, *, as_json: bool) -> Exit:
    """Run `volant signals list`."""
    catalogue, own = whole_catalogue()
    leaves = _expand(catalogue, pattern)
    rows = [
        shown(leaf) | {"told": leaf.path in own, "moved": leaf.path in SINKS} for leaf in leaves
    ]
    if as_json:
        answer_json(rows)
        return Exit.DONE
    lines = [
        (
            *(leaf.path, leaf.kind, leaf.datatype, leaf.unit, _range(leaf)),
            ("car" if row["told"] else "-"),
            ("yes" if row["moved"] else "-"),
        )
        for leaf, row in zip(leaves, rows, strict=True)
    ]
    table("Signals", ("signal", "kind", "type", "unit", "range", "told by", "moved"), lines)
    told = sum(row["told"] for row in rows)
    tell(f"{len(rows)} signals, {told} told by the car, {sum(row['moved'] for row in rows)} moved")
    return Exit.DONE


def show_command(path: str, socket: Path | None, *, as_json: bool) -> Exit:
    """Run `volant signals show`."""
    catalogue, own = whole_catalogue()
    leaf = _leaf(catalogue, path)
    row = shown(leaf) | {"told": path in own, "moved": path in SINKS, "value": None}
    try:
        with _awake(socket) as client:
            row["value"] = (client.ask(do="get", paths=[path])[path] or [None])[0]
    except (LinkError, InputError, RefusedError) as error:
        tell(str(error))
    if as_json:
        answer_json(row)
        return Exit.DONE
    for name, value in row.items():
        if value not in (None, "", []):
            answer(f"{name}: {_text(value)}")
    return Exit.DONE


def get_command(paths: list[str], socket: Path | None, *, as_json: bool) -> Exit:
    """Run `volant signals get`."""
    with _awake(socket) as client:
        every = [
            (row["path"], row["unit"])
            for path in paths
            for row in client.ask(do="show", pattern=path)
        ]
        values = client.ask(do="get", paths=[path for path, _ in every])
    if as_json:
        answer_json({path: None if one is None else one[0] for path, one in values.items()})
        return Exit.DONE
    for path, unit in every:
        answer(f"{path} = {_valued(values[path], unit)}")
    return Exit.DONE


def set_command(path: str, value: str, socket: Path | None, *, as_json: bool = False) -> Exit:
    """Run `volant signals set`."""
    with _awake(socket) as client:
        (row,) = client.ask(do="show", pattern=path)[:1]
        asked = parse_value(value, row["datatype"])
        client.ask(do="set", values={path: asked})
    if as_json:
        answer_json({"path": path, "asked": asked})
        return Exit.DONE
    tell(f"{path}: asked for {value}")
    return Exit.DONE


def watch_command(pattern: str, socket: Path | None, count: int | None, *, as_json: bool) -> Exit:
    """Run `volant signals watch`."""
    printed = 0
    with _awake(socket) as client:
        units = {row["path"]: row["unit"] for row in client.ask(do="show", pattern=pattern)}
        for values in client.watch(pattern):
            for path, one in values.items():
                if as_json:
                    value, stamp_ns = one or (None, None)
                    row = {"path": path, "value": value, "stamp_ns": stamp_ns}
                    answer(json.dumps(row))
                else:
                    answer(f"{path} = {_valued(one, units[path])}")
                printed += 1
                if count is not None and printed >= count:
                    return Exit.DONE
    return Exit.DONE


def import_command(file: Path, *, as_json: bool = False) -> Exit:
    """Run `volant signals import`."""
    count, new, kept = import_release(file)
    if as_json:
        answer_json({"signals": count, "new": new, "file": str(kept)})
        return Exit.DONE
    tell(f"{count} signals, {new} that the car does not have; kept as {kept}")
    return Exit.DONE


@contextlib.contextmanager
def _awake(socket: Path | None) -> Iterator[SignalClient]:
    """A client of a car that does not sleep: in sleep nobody tells its signals.

    Raises:
        RefusedError: it sleeps.
    """
    with SignalClient(socket) as client:
        number = client.number
        # A car whose power nobody answers for is asked as it is.
        with contextlib.suppress(LinkError):
            if (
                number is not None
                and ask_car(door_of(number), None).power.state is PowerState.SLEEP
            ):
                raise RefusedError(
                    f"the car sleeps: `volant power wake --car {number}` wakes it, then ask again"
                )
        yield client


def parse_value(text: str, datatype: str) -> Any:
    """A value as a person writes it, by the type of its signal; what is none stays words.

    The car judges it, so that all ways in judge alike.
    """
    if datatype == "string":
        return text
    if datatype == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _expand(catalogue: Catalogue, pattern: str) -> tuple[Leaf, ...]:
    try:
        found = catalogue.expand(pattern)
    except ValueError as error:
        raise InputError(str(error)) from error
    if not found:
        raise InputError(unknown_signal(catalogue, pattern))
    return found


def _leaf(catalogue: Catalogue, path: str) -> Leaf:
    leaf = catalogue.get(path)
    if leaf is None:
        raise InputError(unknown_signal(catalogue, path))
    return leaf


def _range(leaf: Leaf) -> str:
    if leaf.allowed:
        words = [str(one) for one in leaf.allowed[:SHOWN_ALLOWED]]
        return " ".join(words) + (" ..." if len(leaf.allowed) > SHOWN_ALLOWED else "")
    if leaf.minimum is None and leaf.maximum is None:
        return ""
    low = "" if leaf.minimum is None else f"{leaf.minimum:g}"
    return f"{low}..{'' if leaf.maximum is None else f'{leaf.maximum:g}'}"


def _valued(one: list[Any] | None, unit: str) -> str:
    return "no value" if one is None else f"{_text(one[0])} {unit}".strip()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value) or "none"
    return str(value)
