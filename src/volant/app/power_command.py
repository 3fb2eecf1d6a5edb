"""`volant power`: sees and changes the power state of the live car on this machine."""

from __future__ import annotations

from pathlib import Path

from volant.app.exits import Exit
from volant.app.power_socket import ask_car, find_car
from volant.app.say import answer, answer_json
from volant.caros.power import Wish
from volant.core.errors import RefusedError, SettingsError

SHOW = "show"


def power_command(word: str, car: Path | None, *, as_json: bool) -> Exit:
    """Run `volant power WORD`.

    Raises:
        SettingsError: the word is none of them.
        RefusedError: the car does not do that now.
        LinkError: no live car answers.
        InputError: the file names none.
    """
    words = [SHOW, *(wish.value for wish in Wish)]
    if word not in words:
        raise SettingsError(f"power: expected {', '.join(words)}; found {word!r}")
    reply = ask_car(find_car(car), None if word == SHOW else Wish(word))
    if not reply.taken:
        raise RefusedError(f"power: {word}: {reply.words}")
    if as_json:
        answer_json(reply.power)
        return Exit.DONE
    power = reply.power
    going = "" if power.goal is power.state else f", on the way to {power.goal.value}"
    low = ", low" if power.supply_low else ""
    answer(f"{power.state.value} for {power.for_s:.0f} s{going}")
    answer(f"12 V: {power.supply_v:.2f} V, {power.supply_pct:.0f} %{low}")
    for name, what in power.busy.items():
        answer(f"busy: {name}: {what}")
    for late in power.late:
        answer(f"late: {late}")
    return Exit.DONE
