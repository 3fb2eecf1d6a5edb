"""The car's side of phones: transports that carry capsules to one door, and the air of the virtual radio.

Bluetooth needs the extra `ble` (bumble); nothing here imports it before a radio is opened.
"""

from volant.link.air import Air, AirTuning, Path, Relay
from volant.link.door import Connection, Door, Said

__all__ = ["Air", "AirTuning", "Connection", "Door", "Path", "Relay", "Said"]
