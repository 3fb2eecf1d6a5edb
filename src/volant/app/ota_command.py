"""`volant ota check|status|install|rollback|history`: asks the live car about its updates, and shows what comes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from volant.app.exits import Exit
from volant.app.folders import state_folder
from volant.app.live_cards import live_cards
from volant.app.ota_socket import OtaReply, OtaWish, ask_updates
from volant.app.say import answer, answer_json, table, tell
from volant.app.updates_folder import UpdatesFolder
from volant.core.errors import InputError, LinkError, RefusedError
from volant.core.updates import (
    UpdateEnd,
    UpdatePhase,
    UpdateResult,
    UpdateState,
    UpdateWish,
)
from volant.ota.machine import NOTHING_NEWER

LOOK_S: Final = 0.2
COMMANDS: Final = {
    UpdateWish.CHECK: "check",
    UpdateWish.NOW: "install --now",
    UpdateWish.TONIGHT: "install --tonight",
    UpdateWish.LATER: "install --later",
    UpdateWish.ROLLBACK: "rollback",
}
ENDS: Final = {
    UpdateEnd.INSTALLED: "installed",
    UpdateEnd.ROLLED_BACK: "rolled back, the old programs run",
    UpdateEnd.FAILED: "not installed, the old programs run",
    UpdateEnd.REJECTED: "refused, not to be believed",
}
WAITS: Final = frozenset(UpdatePhase) - {
    *(UpdatePhase.IDLE, UpdatePhase.CHECKING, UpdatePhase.OFFERED, UpdatePhase.DOWNLOADING)
}
"""In these a reason holds something up; in others it is a word only."""
NAME_SHOWN: Final = 12
"""Letters of an offer's name that people are shown."""
SILENT_S: Final = 20.0
"""So long the car may be silent while it is followed (chosen: a process that died is there again by then)."""
FETCHING: Final = (UpdatePhase.CHECKING, UpdatePhase.DOWNLOADING)


@dataclass(frozen=True, slots=True)
class InstallWish:
    """What `volant ota install` is asked for."""

    wish: UpdateWish
    usb: Path | None = None
    offer: str = ""
    """Name of the offer that the person has seen, or its beginning; empty: what is offered now, which is shown."""


def check_command(car: Path | None, *, as_json: bool) -> Exit:
    """Run `volant ota check`.

    Raises:
        RefusedError: the car does not check now, or what it found is not to be believed.
        LinkError: no live car answers.
    """
    state = _check(car, None, quiet=as_json)
    if as_json:
        answer_json(state)
    else:
        _show(state)
    return _end_of_check(state)


def status_command(car: Path | None, *, as_json: bool) -> Exit:
    """Run `volant ota status`."""
    reply = ask_updates(car, OtaWish())
    if as_json:
        answer_json(reply)
        return Exit.DONE
    _show(reply.state)
    if reply.director:
        answer(reply.director)
    return Exit.DONE


def install_command(car: Path | None, asked: InstallWish, *, as_json: bool) -> Exit:
    """Run `volant ota install`: agree to what is shown, and follow it until it is on trial or has ended.

    Raises:
        RefusedError: another update is offered than the one that is meant, or the car does not take the wish.
    """
    if asked.usb is not None:
        if not asked.usb.is_dir():
            raise InputError("is no folder", file=str(asked.usb))
        seen = _check(car, asked.usb, quiet=as_json)
        # An offer of before may lie there still: a reason says that it is not the stick's.
        if seen.reasons or not seen.offer:
            raise RefusedError("; ".join(seen.reasons) or "the stick brings nothing for this car")
    else:
        seen = ask_updates(car, OtaWish()).state
    if not seen.offer.startswith(asked.offer):
        raise RefusedError(f"updates: {seen.offer[:NAME_SHOWN] or 'nothing'} is offered by now")
    agrees = asked.wish is not UpdateWish.LATER
    if agrees and seen.offer and not as_json:
        _show_offer(seen)
    wish = OtaWish(wish=asked.wish, offer=seen.offer if agrees else "")
    state = _taken(ask_updates(car, wish)).state
    if asked.wish is UpdateWish.NOW:
        state = _follow(car, state, seen.last, quiet=as_json)
    return _ended(state, seen.last, follows=asked.wish is UpdateWish.NOW, as_json=as_json)


def rollback_command(car: Path | None, *, as_json: bool) -> Exit:
    """Run `volant ota rollback`: what ran before comes back, while the new programs are on trial."""
    before = ask_updates(car, OtaWish()).state.last
    state = _taken(ask_updates(car, OtaWish(wish=UpdateWish.ROLLBACK))).state
    state = _until(
        car, lambda now: now.phase is UpdatePhase.IDLE or now.last != before, quiet=as_json
    )
    if as_json:
        answer_json(state)
    else:
        _show(state)
    return Exit.DONE


def history_command(car: str | None, state: Path | None, *, as_json: bool) -> Exit:
    """Run `volant ota history`: how updates ended, newest last; also of a car that is down."""
    folder = _folder(car, state)
    found = folder.history()
    if as_json:
        answer_json(found)
        return Exit.DONE
    if not found:
        answer(f"{folder.car} has had no update yet")
        return Exit.DONE
    rows = [
        (_when(one.at_s), ENDS[one.end], one.title, ", ".join(one.units), one.why) for one in found
    ]
    table(f"Updates of {folder.car}", ("when", "end", "title", "units", "why"), rows)
    return Exit.DONE


def _folder(car: str | None, state: Path | None) -> UpdatesFolder:
    """Of the only live car, or as named."""
    cards = live_cards() if car is None and state is None else ()
    if len(cards) == 1:
        return UpdatesFolder(Path(cards[0].state), cards[0].car)
    root = state or state_folder()
    if car is not None:
        return UpdatesFolder(root, car)
    found = sorted(path.name for path in (root / "updates").glob("*") if path.is_dir())
    if len(found) > 1:
        raise InputError(f"several cars keep updates in {root}, take --car: {', '.join(found)}")
    return UpdatesFolder(root, found[0] if found else "no car")


def _check(car: Path | None, usb: Path | None, *, quiet: bool) -> UpdateState:
    asked = OtaWish(wish=UpdateWish.CHECK, usb="" if usb is None else str(usb.absolute()))
    _taken(ask_updates(car, asked))
    return _until(car, lambda now: now.phase not in FETCHING, quiet=quiet)


def _end_of_check(state: UpdateState) -> Exit:
    """A check that offers nothing and says why has failed, unless there is nothing to be had."""
    wrong = state.phase is UpdatePhase.IDLE and set(state.reasons) - {NOTHING_NEWER}
    return Exit.DIFFERS if wrong else Exit.DONE


def _taken(reply: OtaReply) -> OtaReply:
    if not reply.taken:
        raise RefusedError(f"updates: {reply.words}")
    return reply


def _follow(
    car: Path | None, state: UpdateState, before: UpdateResult | None, *, quiet: bool
) -> UpdateState:
    if state.phase is UpdatePhase.TRIAL or state.last != before:
        return state
    # Offered once more: what was agreed to is so no longer.
    ends = (UpdatePhase.IDLE, UpdatePhase.TRIAL, UpdatePhase.OFFERED)
    return _until(car, lambda now: now.phase in ends or now.last != before, quiet=quiet)


def _until(car: Path | None, found: Callable[[UpdateState], bool], *, quiet: bool) -> UpdateState:
    """Follow until it is true; says each new line once. Ctrl-C ends the looking, not the update."""
    said = ""
    while True:
        state = _look(car)
        words = _line(state)
        if words != said and not quiet:
            tell(words)
        said = words
        if found(state):
            return state
        time.sleep(LOOK_S)


def _look(car: Path | None) -> UpdateState:
    """What the car has in hand; its process of updates may just be starting again."""
    end_s = time.monotonic() + SILENT_S
    while True:
        try:
            return ask_updates(car, OtaWish()).state
        except LinkError:
            if time.monotonic() >= end_s:
                raise
            time.sleep(LOOK_S)


def _line(state: UpdateState) -> str:
    parts = [state.phase.value]
    if state.phase in FETCHING or state.phase is UpdatePhase.INSTALLING:
        parts.append(f"{int(state.done * 10) * 10} %")
        if state.left_s is not None:
            parts.append(f"about {_span(state.left_s)} left")
    parts += [f"{one.unit}: {one.does}" for one in state.units if one.does]
    parts += state.reasons
    return ", ".join(parts)


def _ended(
    state: UpdateState, before: UpdateResult | None, *, follows: bool, as_json: bool
) -> Exit:
    if as_json:
        answer_json(state)
    else:
        _show(state)
    fresh = state.last if state.last != before else None
    if fresh is not None:
        return Exit.DONE if fresh.end is UpdateEnd.INSTALLED else Exit.DIFFERS
    good = not follows or state.phase is UpdatePhase.TRIAL
    return Exit.DONE if good else Exit.DIFFERS


def _show_offer(state: UpdateState) -> None:
    """What is agreed to."""
    name = f" ({state.offer[:NAME_SHOWN]})" if state.offer else ""
    title = f": {state.title}{name}" if state.title else ""
    answer(f"{state.phase.value}{title}")
    for line in state.changes:
        answer(f"  changes: {line}")
    for line in state.unusable:
        answer(f"  cannot be used meanwhile: {line}")
    if state.takes_s:
        answer(f"  takes about {_span(state.takes_s)}; {_size(state.size_bytes)} to fetch")
    for one in state.units:
        answer(f"  {one.unit}: {one.runs or 'none'} -> {one.gets} {one.does}".rstrip())


def _show(state: UpdateState) -> None:
    _show_offer(state)
    if state.starts_s is not None:
        answer(f"  will be installed {_when(state.starts_s)}")
    waits = "waits" if state.phase in WAITS else "note"
    for line in state.reasons:
        answer(f"  {waits}: {line}")
    if state.phase is UpdatePhase.TRIAL and state.left_s is not None:
        how = "at rest" if state.locked else "of driving, or until the next start"
        answer(f"  on trial for another {_span(state.left_s)} {how}")
    if state.locked:
        answer("  the car may not be driven now")
    if state.refused:
        answer(f"  refused: {state.refused}")
    if state.can:
        answer(f"  volant ota: {', '.join(COMMANDS[one] for one in state.can)}")
    if state.last is not None:
        why = f": {state.last.why}" if state.last.why else ""
        title = f"{state.last.title}: " if state.last.title else ""
        answer(f"last: {title}{ENDS[state.last.end]}, {_when(state.last.at_s)}{why}")


def _span(span_s: float) -> str:
    """Rounded up: to tens of seconds below a minute and a half, else to minutes."""
    if span_s <= 90.0:
        return f"{max(1, math.ceil(span_s / 10.0)) * 10} s"
    return f"{math.ceil(span_s / 60.0)} min"


def _size(size_bytes: int) -> str:
    if size_bytes < 1_000_000:
        return f"{math.ceil(size_bytes / 1000)} kB"
    return f"{size_bytes / 1e6:.1f} MB"


def _when(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s).astimezone():%Y-%m-%d %H:%M %Z}"
