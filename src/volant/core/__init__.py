"""The ground floor: messages, topics, bus, time, chance, errors, settings and ports.

Imports nothing else of Volant and opens nothing.
"""

__all__ = [
    "bus",
    "chance",
    "clock",
    "component",
    "errors",
    "geometry",
    "kernels",
    "messages",
    "ports",
    "settings",
    "topics",
    "units",
]
