"""The fleet's server, a program of its own: campaigns, cars, what they may be told, and what they said.

So far its pure core: no sockets, no store, no clock.
"""

from volant.cloud import audit, campaigns, ddi, director, inventory

__all__ = ["audit", "campaigns", "ddi", "director", "inventory"]
