"""Updates in the car: from a check of the repositories to programs that run and stay, or to the old ones."""

from volant.ota.ports import Artifact, NeedsWholeError, Order, UnitNow, UnitPort

__all__ = ["Artifact", "NeedsWholeError", "Order", "UnitNow", "UnitPort"]
