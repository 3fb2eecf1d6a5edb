"""hawkBit's Direct Device Integration API, version 1, as a server has it: bodies, the state of a device, one request.

Made for the clients that are out there: SWUpdate, RAUC and others.
"""

from volant.cloud.ddi.device import Action, Artifact, Chunk, Device, call_back, forget, go_on, offer
from volant.cloud.ddi.ranges import Slice, choose
from volant.cloud.ddi.requests import Answer, Handled, Request, handle
from volant.cloud.ddi.writing import Place, write_base

__all__ = [
    "Action", "Answer", "Artifact", "Chunk", "Device", "Handled", "Place", "Request", "Slice",
    "call_back", "choose", "forget", "go_on", "handle", "offer", "write_base",
]  # fmt: skip
