"""The car's CAN network: what its units send, when, and what they make of what they hear.

Pure steps and a bus in virtual time. Sockets are opened above, in `app`.
"""

from volant.vehicle.network.frames import Frame, FramePort, Ports
from volant.vehicle.network.mapping import CarMapping, load_mapping
from volant.vehicle.network.medium import Media, Medium

__all__ = ["CarMapping", "Frame", "FramePort", "Media", "Medium", "Ports", "load_mapping"]
