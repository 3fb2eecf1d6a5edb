"""The fleet's server, a program of its own: campaigns, cars, what they may be told, and what they said.

No sockets, no threads, no clock: `door` is an application that a server calls, and times are given. What is written
lies behind the port of `store`.
"""

from volant.cloud import audit, campaigns, ddi, director, door, inventory, service, store, uptane

__all__ = [
    "audit",
    "campaigns",
    "ddi",
    "director",
    "door",
    "inventory",
    "service",
    "store",
    "uptane",
]
