"""Diagnostics on the wire: a DoIP entity and CAN nodes in front of control units, and a small tester.

`Unit` holds one UDS server's state; `DoipEntity` and `CanNode` carry it. All of it can be used alone, without
the rest of the car (docs/guides/diagnostics.md).
"""

from volant.caros.diagnostics.can_node import CanIds, CanNode
from volant.caros.diagnostics.client import DoipTester, NegativeResponseError, UnknownUnitError
from volant.caros.diagnostics.entity import DoipEntity
from volant.caros.diagnostics.gateway import DoipSettings
from volant.caros.diagnostics.unit import Unit

__all__ = [
    "CanIds",
    "CanNode",
    "DoipEntity",
    "DoipSettings",
    "DoipTester",
    "NegativeResponseError",
    "Unit",
    "UnknownUnitError",
]
