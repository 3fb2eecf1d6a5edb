"""Reference drivers behind the Driver port: what our pilot is compared with.

They are told the truth (the scene door of an Observation) and the way; they keep their lane by pure
pursuit and know neither lights nor right of way.
"""

from volant.sim.reference.drivers import MANNERS, Manner, ReferenceDriver, ReferenceSettings

__all__ = ["MANNERS", "Manner", "ReferenceDriver", "ReferenceSettings"]
