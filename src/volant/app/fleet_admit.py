"""`volant fleet admit`: one car, or all of a file, each with a token that is told once."""

from __future__ import annotations

from pathlib import Path

from volant.app.exits import Exit
from volant.app.fleet_open import Where, open_desk
from volant.app.say import answer, answer_json, tell
from volant.cloud.campaigns.plan import Name
from volant.cloud.publishing import checked
from volant.cloud.views import TokenView
from volant.core.errors import InputError


def admit_command(
    where: Where, car: str, listed: Path | None, *, uptane: bool, as_json: bool
) -> Exit:
    """Let a car in, or all of a list, and tell each its token, or its code.

    What was made before something went wrong is told all the same: no token is told a second time.

    Raises:
        InputError: neither or both are named, or an id is none.
    """
    if car and listed is not None:
        raise InputError("one car or those of a file? CAR and --from FILE exclude each other")
    if not car and listed is None:
        raise InputError("which car? CAR, or --from FILE with an id a line")
    cars = [car] if listed is None else cars_of(listed)
    made: list[TokenView] = []
    with open_desk(where, make=True) as (desk, person):
        try:
            for one in cars:
                made.append(desk.admit_uptane(person, one) if uptane else desk.admit(person, one))
                if made[-1].again:
                    tell(f"{one} was let in before: its older token or code is no longer good")
                if not as_json:
                    token = made[-1].token
                    answer(token if listed is None else f"{one} {token}")
        finally:
            if as_json and made:
                answer_json(made[0] if listed is None else made)
    return Exit.DONE


def cars_of(listed: Path) -> list[str]:
    """Ids in a file, one a line; empty lines and what begins with `#` are not read.

    Raises:
        InputError: it cannot be read, an id is none or stands there twice, or there is none.
    """
    try:
        lines = listed.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(listed)) from error
    except UnicodeDecodeError as error:
        raise InputError("no text", file=str(listed)) from error
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        car = line.strip()
        if not car or car.startswith("#"):
            continue
        try:
            checked(car, Name, "id of a car")
        except InputError as error:
            raise InputError(error.message, file=str(listed), line=number) from error
        if car in found:
            words = f"{car} stands in line {found[car]} already"
            raise InputError(words, file=str(listed), line=number)
        found[car] = number
    if not found:
        raise InputError("no car in it, expected an id a line", file=str(listed))
    return list(found)
