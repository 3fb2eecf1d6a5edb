"""Updates in the car: from a check of the repositories to programs that run and stay, or to the old ones.

Pure: steps without I/O and clocks. A shell brings units (`UnitPort`), downloads, a store for the record and the time.
"""

from volant.ota.ports import Artifact, NeedsWholeError, Order, UnitNow, UnitPort

__all__ = ["Artifact", "NeedsWholeError", "Order", "UnitNow", "UnitPort"]
