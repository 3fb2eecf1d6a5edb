"""Does with a unit what the machine asks for, over its port, and says what came of it. Blocks: for a worker's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from volant.core.errors import LinkError, RefusedError, VolantError
from volant.core.words import plain
from volant.ota.events import Deed, Did, Do, Working
from volant.ota.ports import Order, UnitPort
from volant.trust.uptane import Installed

OrderOf = Callable[[str, Installed], Order]
"""Image and delta of a unit as they lie in the car.

Raises:
    RefusedError: they do not lie there.
"""


def perform(port: UnitPort, do: Do, order_of: OrderOf, tell: Callable[[Working], object]) -> Did:
    """Do it, then ask the unit what it runs and holds. Never raises for a unit's sake.

    Args:
        port: the unit.
        do: what to do.
        order_of: finds what to stage.
        tell: told how far it is.
    """
    refused = silent = ""
    try:
        _do(port, do, order_of, tell)
    except LinkError as error:
        silent = _words(do, error) or "no answer"
    except VolantError as error:
        refused = _words(do, error) or "refused"
    try:
        now = port.now()
    except VolantError as error:
        return Did(do, None, refused, silent or _words(do, error) or "no answer")
    return Did(do, replace(now, version=plain(now.version)), refused, silent)


def _words(do: Do, error: VolantError) -> str:
    """Why; whoever tells it says the unit's name, as the unit did."""
    return plain(str(error)).removeprefix(f"{do.unit}: ")


def _do(port: UnitPort, do: Do, order_of: OrderOf, tell: Callable[[Working], object]) -> None:
    if do.deed is Deed.STAGE:
        if do.wanted is None:
            raise RefusedError(f"{do.unit}: there is nothing to put back")

        def told(done: int, of: int) -> None:
            tell(Working(do.unit, min(1.0, done / of) if of else 1.0))

        port.stage(order_of(do.unit, do.wanted), told)
    elif do.deed is Deed.ACTIVATE:
        port.activate()
    elif do.deed is Deed.RESET:
        port.reset()
    elif do.deed is Deed.CONFIRM:
        port.confirm()
    elif do.deed is Deed.GO_BACK:
        port.revert()
        port.reset()
