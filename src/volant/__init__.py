"""Volant: the open software of a smart electric car.

The rooms stand on floors, and a room imports only what stands below it (docs/adr/0001). Nothing is
imported here, so that `volant --help` stays quick.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
